"""The meaning of somebody else's names of columns and metrics.

`val_acc`, `Accuracy/valid` and `validation-accuracy` are one thing. A name is cut into words; some name a
split, some what was measured.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from tunewell.logs.scores import SCORES

_VALIDATION = {
    "val",
    "valid",
    "validation",
    "validate",
    "validating",
    "dev",
    "eval",
    "evaluation",
    "evaluating",
    "evaluator",
    "validator",
    "va",
    "vali",
    "cv",
}
TEST = {"test", "tst", "te", "testing", "tester", "holdout"}
_TRAINING = {"train", "training", "tr", "trn", "learn"}
_LOSS = {"loss", "nll", "crossentropy", "xent", "logloss", "mlogloss", "ce", "bce", "objective"}
_ACCURACY = {"acc", "accuracy", "top1", "acc1", "prec1", "multiclassaccuracy", "binaryaccuracy"}
_OF_WHAT = {"instance", "pixel", "class", "balanced", "node", "token", "word", "char", "sentence", "sequence"}
"""Words for what an accuracy counts."""
_RATE = {"lr", "learningrate"}
_IGNORED = {
    *("epoch", "mean", "avg", "average", "metrics", "metric", "scalars", "categorical", "sparse", "binary", "cross"),
    *("entropy", "score", "running", "total", "sgd", "adam", "adamw", "rmsprop", "group", "pg0", "pg1", "0", "s"),
    *(
        "set",
        "split",
        "phase",
        "data",
        "dataset",
        "results",
        "result",
        "current",
        "overall",
        "the",
        "on",
        "is",
        "of",
        "batch",
    ),
}
"""Words that say neither what was measured nor that it is something else."""
_MODIFIERS = {
    *("macro", "micro", "weighted", "samples", "m", "b", "50", "95", "5095", "coefficient", "coef", "index", "multi"),
    *("coco", "bbox", "segm", "lm"),
}
"""Words beside the name of a score, or a loss, that leave it what it is."""
_PARTS = {"box", "cls", "dfl", "obj", "seg", "mask", "pose", "kobj", "rpn", "objectness", "classifier", "giou"}
"""Words for a part of a loss; the parts of one split add up to it."""
_ASIDE = {
    *("time", "runtime", "duration", "eta", "second", "seconds", "sec", "elapsed", "timestamp", "created", "speed"),
    *("memory", "mem", "gpu", "cpu", "flos", "mfu", "fps", "throughput", "num", "v", "seed", "run", "version", "best"),
    "ms",
}
"""Words of what is logged beside the curves."""
_NUMBERED = re.compile(r"(?i)\b(val|valid|validation|eval|test)_\d+")
"""A split of several, as boosted trees number them."""

EPOCH = ("epoch", "epochs", "ep")
STEP = ("step", "global_step", "iteration", "iter")


@dataclass(frozen=True, slots=True)
class Meaning:
    """The meaning of a name: a quantity, and the rows on which it was measured."""

    quantity: str
    """`loss`, `accuracy`, `lr`, or a key of `SCORES`."""
    split: str = ""
    """`train`, `val`, `test`, or "" where no word of the name says it."""
    objective: str = ""
    """The loss that it is, a key of `SCORES`; "" where it does not say."""
    part: str = ""
    """The part of a loss that it is, such as `box`."""

    @property
    def curve(self) -> str:
        """The curve of a record that it is: without a word for the split, training's."""
        if self.quantity == "lr":
            return "lr"
        return f"{'val' if self.split in ('val', 'test') else 'train'}_{self.quantity}"


@lru_cache(maxsize=1000)
def meaning(name: str) -> Meaning | None:
    """Return what a name means; None if it is not understood."""
    words = words_of(_NUMBERED.sub(r"\1", name))
    split = split_of(name)
    rest = words - _IGNORED - {"step"} - _VALIDATION - TEST - _TRAINING
    if (rest and rest <= _RATE) or rest == {"learning", "rate"}:
        return Meaning("lr")
    if (rest and rest <= _LOSS | _MODIFIERS and rest & _LOSS) or (not rest and {"cross", "entropy"} <= words):
        return Meaning("loss", split)
    if (rest - _OF_WHAT and rest - _OF_WHAT <= _ACCURACY) or rest in (
        {"acc", "1"},
        {"prec", "1"},
        {"top", "1"},
        {"top", "1", "acc"},
    ):
        return Meaning("accuracy", split)
    if "loss" in rest and len(rest) == 2 and (part := (rest - {"loss"}).pop()) in _PARTS:
        return Meaning("loss", split, part=part)
    score = _score(rest - _LOSS if "loss" in rest else rest)
    if score and "loss" in rest:
        return Meaning("loss", split, objective=score) if SCORES[score].is_loss or score == "dice" else None
    return Meaning(score, split) if score else None


def _score(rest: set[str]) -> str:
    """Return the score that words name; "" if they name none."""
    if {"error", "squared"} <= rest or {"error", "absolute"} <= rest:
        percentage = "mape" if "percentage" in rest else "mae"
        found = percentage if "absolute" in rest else "rmse" if "root" in rest else "mse"
        return found if rest <= {"error", "squared", "absolute", "root", "percentage", *_MODIFIERS} else ""
    if rest == {"smooth", "l1"}:
        return "huber"
    if rest in ({"error", "rate"}, {"err", "rate"}, {"classification", "error"}, {"top1", "err"}, {"top1", "error"}):
        return "error"
    if rest == {"r", "squared"}:
        return "r2"
    plain = rest - _MODIFIERS - {"roc", "pr"}
    if rest == {"pr", "auc"}:
        return "map"
    return next((name for name, score in SCORES.items() if plain and plain <= score.words), "")


@lru_cache(maxsize=1000)
def is_aside(name: str) -> bool:
    """Return True if a name is that of a time, a speed or the like, which nobody takes for a curve."""
    return bool(words_of(name) & _ASIDE)


@lru_cache(maxsize=1000)
def split_of(name: str) -> str:
    """Return `val`, `test` or `train` as a word of a name says it; "" if none does."""
    words = words_of(_NUMBERED.sub(r"\1", name))
    if "evaluating" in words and words & (TEST | _TRAINING):
        words = words - {"evaluating"}  # the rows that are gone through have a name of their own
    return "val" if words & _VALIDATION else "test" if words & TEST else "train" if words & _TRAINING else ""


@lru_cache(maxsize=1000)
def says_split(name: str) -> bool:
    """Return True if a name has a word for training, validation or test rows."""
    return bool(words_of(name) & (_TRAINING | _VALIDATION | TEST))


def is_bare(name: str) -> bool:
    """Return True for the name of a split alone, as in `Val: 0.81`, which says not what was measured on it."""
    return says_split(name) and len(words_of(name)) == 1


def words_of(name: str) -> set[str]:
    """Return the words that a name is made of, in small letters."""
    plain = name.replace("IoU", "iou").replace("mAP", "map").replace("²", "2")
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", plain)
    return {word for word in re.split(r"[^a-z0-9]+", apart.lower()) if word}


def by_step(name: str) -> tuple[bool, bool]:
    """Sort what was measured by epoch before what was measured by step."""
    words = words_of(name)
    return "step" in words, "epoch" not in words
