"""The metrics that are neither a loss nor an accuracy: their words, and what they say of the task.

None of them is turned into an accuracy. Three stand in for a curve that is not there: an error rate is one minus an
accuracy, the logarithm of a perplexity is a cross entropy, and an error in numbers is a loss.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Score:
    """A metric that is no accuracy."""

    title: str
    words: frozenset[str]
    """Any of them in a name is the metric."""
    task: str = "classification"
    """The task that a run with the metric has: `classification`, `regression` or `other`."""
    floor: float = math.nan
    """Its value if nothing was learned; NaN if that is another for each data set."""
    is_loss: bool = False
    """True if it is what a network for the task may minimize."""
    less_is_better: bool = False
    """True of an error, and of what else is to be small."""
    top: float = math.inf
    """The best that it can be, where more is better; infinite if nothing is."""


def _score(
    title: str,
    words: str,
    task: str = "classification",
    floor: float = math.nan,
    *,
    less_is_better: bool = False,
    top: float = math.inf,
) -> Score:
    return Score(title, frozenset(words.split()), task, floor, less_is_better=less_is_better, top=top)


def _error(title: str, words: str) -> Score:
    return Score(title, frozenset(words.split()), "regression", is_loss=True, less_is_better=True)


SCORES: Mapping[str, Score] = {
    "f1": _score("F1", "f1 fscore f1score fb1 macrof1 microf1 fbeta", floor=0.0, top=1.0),
    "auc": _score("AUC", "auc auroc rocauc aucroc", floor=0.5, top=1.0),
    "precision": _score("precision", "precision prec", floor=0.0, top=1.0),
    "recall": _score("recall", "recall sensitivity tpr", floor=0.0, top=1.0),
    "mcc": _score("Matthews correlation", "mcc matthews", floor=0.0, top=1.0),
    "kappa": _score("kappa", "kappa qwk", floor=0.0, top=1.0),
    "error": _score("error rate", "error err errorrate merror", less_is_better=True),
    "map": _score("average precision", "map map50 map5095 ap auprc prauc", "other", 0.0),
    "lrap": _score("LRAP", "lrap", "other"),
    "dice": _score("Dice", "dice", "other", 0.0),
    "iou": _score("IoU", "iou miou jaccard", "other", 0.0),
    "bleu": _score("BLEU", "bleu sacrebleu", "other", 0.0),
    "rouge": _score("ROUGE", "rouge rouge1 rouge2 rougel", "other", 0.0),
    "psnr": _score("PSNR", "psnr", "other"),
    "ssim": _score("SSIM", "ssim", "other"),
    "wer": _score("word error rate", "wer", "other", less_is_better=True),
    "cer": _score("character error rate", "cer", "other", less_is_better=True),
    "perplexity": _score("perplexity", "perplexity ppl perp", "other", less_is_better=True),
    "r2": _score("R²", "r2 r2score rsquared", "regression", 0.0, top=1.0),
    "mse": _error("squared error", "mse l2 meansquarederror"),
    "rmse": _error("root of the squared error", "rmse rootmeansquarederror"),
    "mae": _error("absolute error", "mae l1 meanabsoluteerror"),
    "huber": _error("Huber loss", "huber smoothl1 logcosh"),
    "mape": _error("absolute error in percent", "mape smape meanabsolutepercentageerror"),
}
"""By the name under which an epoch of a record has it, behind `train_` or `val_`."""

SHARES = ("accuracy", "f1", "auc", "precision", "recall", "map", "dice", "iou", "error", "lrap")
"""Quantities that lie between 0 and 1, or are in percent."""
MAX_SHARE = 1.5  # shares above are percentages

TASKS = ("classification", "regression", "other")

CURVES_OF_SCORES = tuple(f"{split}_{name}" for name in SCORES for split in ("train", "val"))
"""What a record's epochs may have beside losses and accuracies."""


def top_of(curve: str) -> float:
    """Return the best that one of a record's curves can be, where more is better: 1 of an accuracy; else infinite."""
    kind = curve.partition("_")[2]
    return 1.0 if kind == "accuracy" else SCORES[kind].top if kind in SCORES else math.inf


def task_of_loss(name: str) -> str:
    """Return the task of a loss by its name in a configuration, such as `mse`, `MSELoss`, `nn.HuberLoss()`; or "" ."""
    plain = "".join(letter for letter in name.lower().removeprefix("nn.") if letter.isalnum())
    plain = plain.removesuffix("loss") or plain
    errors = [word for score in SCORES.values() if score.is_loss for word in score.words]
    return "regression" if plain in (*errors, "squarederror", "absoluteerror", "regsquarederror", "msle") else ""
