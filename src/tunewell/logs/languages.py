"""The words of the field in other languages, put into English before a line is read."""

from __future__ import annotations

import re

_GERMAN = "verlust|genauigkeit|fehler(?:rate|quote)?"
_PARTS = {
    "train": rf"trainings-?(?={_GERMAN})",
    "val": rf"validierungs-?(?={_GERMAN})",
    "test": rf"test-?(?={_GERMAN})",
    "loss": "verlust|损失(?:值|函数)?|損失|손실",
    "accuracy": "genauigkeit|准确率|準確率|精度|正确率|正確率|正解率|정확도",
    "error": "fehler(?:rate|quote)?|误差|誤差|错误率",
    "precision": "精确率|查准率|適合率",
    "recall": "召回率|再現率",
    "score": "得分|分数|スコア",
    "lr": "学习率|學習率|学習率",
    "train ": "训练集?|訓練集?|学習|훈련|학습",
    "val ": "验证集?|驗證集?|検証|검증",
    "test ": "测试集?|測試集?|テスト|테스트",
    "best": "最佳|最好|最优|最高|最良",
    "mean": "平均",
    "time": "耗时|用时|用時",
    "epoch": "轮次|エポック|에포크",
    "step": "迭代|步数|ステップ",
}
"""Words that are not set apart: German compounds, Chinese, Japanese and Korean."""
_WORDS = {
    "epoch": "epochen?|epoche|époque|época|epoca|эпох[аи]",
    "train": "entra[iî]nement|entrenamiento|treinamento|treino|addestramento|обучени[ея]",
    "val": "validierung|validación|validação|validazione|валидаци[яи]",
    "test": "prueba|teste|тест",
    "loss": "perte|pérdida|perda|perdita|потер[яьи]",
    "accuracy": "exactitude?|précision|precisión|acurácia|accuratezza|точность",
    "error": "erreur|ошибка",
    "recall": "trefferquote|rappel",
    "best": "beste[rs]?|meilleure?|mejor|melhor|migliore|лучш[аеи][яей]",
    "lr": "lernrate",
    "step": "schritt|étape|paso",
}
_COUNTED = re.compile(
    r"第\s*(?P<n>\d+)\s*(?:/\s*\d+\s*)?(?:轮|輪|代|个?\s*epoch|エポック)(?:\s*[/,]?\s*共\s*\d+\s*(?:轮|輪|代))?",
    re.IGNORECASE,
)
"""The number of an epoch between two signs: `第3轮/共10轮`."""
_OF = re.compile(
    r"\b(loss|accuracy|error|recall|precision)\s+(?:de|du|di|del|della|da|en|sur)\s+(?:la\s+|le\s+)?(?=train|val|test)"
)
_RULES = [(re.compile(words, re.IGNORECASE), f" {english} ") for english, words in _PARTS.items()] + [
    (re.compile(rf"(?<![^\W\d_])(?:{words})(?![^\W\d_])", re.IGNORECASE), english) for english, words in _WORDS.items()
]
_FOREIGN = re.compile("|".join([*(rule.pattern for rule, _ in _RULES), _COUNTED.pattern]), re.IGNORECASE)


def in_english(text: str) -> str:
    """Return a line with what it says of epochs, rows and metrics in English, if it says that in another language.

    >>> in_english("Testverlust: 0.3").split()
    ['test', 'loss', ':', '0.3']
    """
    if not _FOREIGN.search(text):
        return text
    text = _COUNTED.sub(r" epoch \g<n> ", text)
    for rule, english in _RULES:
        text = rule.sub(english, text)
    text = _OF.sub(r"\1 ", text)
    return text.replace("：", ": ").replace("，", ", ").replace("；", "; ").replace("％", "%")
