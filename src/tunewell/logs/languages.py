"""The words of the field in other languages, put into English before a line is read."""

from __future__ import annotations

import re

_PARTS = {
    "loss": "verlust 损失函数 损失值 损失 損失 손실",
    "accuracy": "genauigkeit 准确率 準確率 精度 正确率 正確率 正解率 정확도",
    "error": "fehlerrate fehlerquote fehler 误差 誤差 错误率",
    "precision": "精确率 查准率 適合率",
    "recall": "召回率 再現率",
    "score": "得分 分数 スコア",
    "lr": "学习率 學習率 学習率",
    "train": "trainings 训练集 训练 訓練 学習 훈련 학습",
    "val": "validierungs 验证集 验证 驗證 検証 검증",
    "test": "测试集 测试 測試 テスト 테스트",
    "best": "最佳 最好 最优 最高 最良",
    "mean": "平均",
    "time": "耗时 用时 用時",
    "epoch": "轮次 エポック 에포크",
    "step": "迭代 步数 ステップ",
}
"""Words that need not be set apart: German compounds, Chinese, Japanese and Korean."""
_WORDS = {
    "epoch": "epochen epoche époque epoque época epoca эпоха эпохи",
    "train": "entraînement entrainement entrenamiento treinamento treino addestramento обучение обучения обучении",
    "val": "validierung validación validacion validação validazione валидация валидации",
    "test": "prueba teste тест тесте",
    "loss": "perte pérdida perdida perda perdita потери потеря",
    "accuracy": "exactitud exactitude précision precisión acurácia accuratezza точность",
    "error": "erreur ошибка",
    "recall": "trefferquote rappel",
    "best": "beste bester meilleur meilleure mejor melhor migliore лучшая лучший",
    "lr": "lernrate",
    "step": "schritt étape paso",
}
_ENGLISH = {word: (english, True) for english, words in _PARTS.items() for word in words.split()} | {
    word: (english, False) for english, words in _WORDS.items() for word in words.split()
}
"""By word, the longer ones of a part first: the English one, and if it may be a part of another word."""
_OF_GERMAN = re.compile(r"(?i)\btest-?(?=verlust|genauigkeit|fehler)")
_COUNTED = re.compile(
    r"(?i)第\s*(\d+)\s*(?:/\s*\d+\s*)?(?:轮|輪|代|个?\s*epoch|エポック)(?:\s*[/,]?\s*共\s*\d+\s*(?:轮|輪|代))?"
)
"""The number of an epoch between two signs: `第3轮/共10轮`."""
_ON = re.compile("(?<=集)上?的?")
_OF = re.compile(
    r"\b(loss|accuracy|error|recall|precision)\s+(?:de|du|di|del|della|da|en|sur|на)\s+(?:la\s+|le\s+)?(?=train|val|test)"
)
_WIDE_SIGNS = str.maketrans({"：": ": ", "，": ", ", "；": "; ", "％": "%", "（": "(", "）": ")"})


def in_english(text: str) -> str:
    """Return a line with what it says of epochs, rows and metrics in English, if it says that in another language.

    >>> in_english("Testverlust: 0.3").split()
    ['test', 'loss', ':', '0.3']
    """
    lower = text.lower()
    found = [word for word in _ENGLISH if word in lower]
    if not found and "第" not in text:
        return text
    text = _ON.sub("", _OF_GERMAN.sub("test ", _COUNTED.sub(r" epoch \1 ", text)))
    for word in found:
        english, is_part = _ENGLISH[word]
        pattern = re.escape(word) if is_part else rf"(?<![^\W\d_]){re.escape(word)}(?![^\W\d_])"
        text = re.sub(pattern, f" {english} " if is_part else english, text, flags=re.IGNORECASE)
    return _OF.sub(r"\1 ", text).translate(_WIDE_SIGNS)
