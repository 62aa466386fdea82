"""The meaning of somebody else's names of columns and metrics, and the parameter that a change would move.

`val_acc`, `Accuracy/valid` and `validation-accuracy` are one thing. A name is cut into words; some name a
split, some what was measured. Whatever is not understood is left out, and `--columns` says what it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tunewell.diagnosis.run_config import ALIASES, DEPTH_ALIASES, WIDTH_ALIASES
from tunewell.diagnosis.run_record import CURVES, HOOKS
from tunewell.diagnosis.scores import CURVES_OF_SCORES, SCORES
from tunewell.errors import RecordError

_VALIDATION = {"val", "valid", "validation", "validate", "validating", "dev", "eval", "evaluation", "evaluating"}
_TEST = {"test", "tst", "te", "testing", "holdout"}
_TRAINING = {"train", "training", "tr", "trn"}
_LOSS = {"loss", "nll", "crossentropy", "xent", "logloss", "mlogloss", "ce", "bce", "objective"}
_ACCURACY = {"acc", "accuracy", "top1", "acc1", "prec1", "multiclassaccuracy", "binaryaccuracy"}
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
_MODIFIERS = {"macro", "micro", "weighted", "samples", "m", "b", "50", "95", "coefficient", "coef", "index", "multi"}
"""Words beside the name of a score, or a loss, that leave it what it is."""
_PARTS = {"box", "cls", "dfl", "obj", "seg", "mask", "pose", "kobj", "rpn", "objectness", "classifier", "giou"}
"""Words for a part of a loss; the parts of one split add up to it."""
_ASIDE = {
    *("time", "runtime", "duration", "eta", "second", "seconds", "sec", "elapsed", "timestamp", "created", "speed"),
    *("memory", "mem", "gpu", "cpu", "flos", "mfu", "fps", "throughput", "num", "v", "seed", "run", "version", "best"),
}
"""Words of what is logged beside the curves."""
_NUMBERED = re.compile(r"(?i)\b(val|valid|validation|eval|test)_\d+")
"""A split of several, as boosted trees number them."""

EPOCH = ("epoch", "epochs", "ep")
STEP = ("step", "global_step", "iteration", "iter")

_MOVED = ALIASES | {
    "lr_schedule": ("lr_decay", "lr_gamma", "gamma", "decay_rate"),
    "width": WIDTH_ALIASES,
    "depth": DEPTH_ALIASES,
    "init": ("init", "initialization", "initializer", "weight_init"),
}
"""The parameters that move what a change may name."""


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
    words = _words(_NUMBERED.sub(r"\1", name))
    split = "val" if words & _VALIDATION else "test" if words & _TEST else "train" if words & _TRAINING else ""
    rest = words - _IGNORED - {"step"} - _VALIDATION - _TEST - _TRAINING
    if (rest and rest <= _RATE) or rest == {"learning", "rate"}:
        return Meaning("lr")
    if (rest and rest <= _LOSS | _MODIFIERS and rest & _LOSS) or (not rest and {"cross", "entropy"} <= words):
        return Meaning("loss", split)
    if (rest and rest <= _ACCURACY) or rest in ({"acc", "1"}, {"prec", "1"}, {"top", "1"}, {"top", "1", "acc"}):
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


def curves_of(names: Iterable[str], columns: Mapping[str, str] | None = None) -> dict[str, str]:
    """Map curves to the names that hold them: `{"train_loss": "loss", "val_loss": "val_loss"}`.

    columns: curves that the user named; they go before what is guessed.

    Raises:
        RecordError: the user named a curve or a column that there is not.
    """
    names = list(names)
    found: dict[str, str] = {}
    for curve, name in (columns or {}).items():
        check_column(curve, name, names)
        found[curve] = name
    for is_test in (False, True):  # a test split stands in for validation where there is none
        for name in sorted(names, key=by_step):
            curve_of_name = _curve(name)
            if curve_of_name is None or name in found.values() or (_words(name) & _TEST != set()) is not is_test:
                continue
            found.setdefault(curve_of_name, name)
    return found


def scores_of(names: Iterable[str]) -> dict[str, str]:
    """Map the metrics that are neither a loss nor an accuracy to the names that hold them: `{"val_f1": "valid F1"}`."""
    found: dict[str, str] = {}
    for name in names:
        known = meaning(name)
        if known and known.quantity in SCORES:
            found.setdefault(known.curve, name)
    return found


def check_column(curve: str, name: str, names: Sequence[str]) -> None:
    """Check that the user named a curve and a column that there are.

    Raises:
        RecordError: there is no such curve, or no such column.
    """
    if curve not in (*CURVES, *HOOKS, *CURVES_OF_SCORES, "epoch"):
        raise RecordError(f"no curve is called {curve!r}; the curves are {', '.join(CURVES)}, and epoch")
    if name not in names:
        raise RecordError(f"there is no column {name!r}; the columns are {', '.join(map(repr, names[:20]))}")


def not_understood(names: Iterable[str], curves: Mapping[str, str]) -> list[str]:
    """Return the names that `curves_of` makes nothing of, epochs and steps aside."""
    known = {*curves.values(), *EPOCH, *STEP}
    return [name for name in names if name not in known and name.strip().lower() not in known and not _curve(name)]


def is_aside(name: str) -> bool:
    """Return True if a name is that of a time, a speed or the like, which nobody takes for a curve."""
    return bool(_words(name) & _ASIDE)


@lru_cache(maxsize=1000)
def says_split(name: str) -> bool:
    """Return True if a name has a word for training, validation or test rows."""
    return bool(_words(name) & (_TRAINING | _VALIDATION | _TEST))


def parameter_of(key: str, names: Iterable[str]) -> str | None:
    """Find the parameter, among these names, that moves what a change calls `key`; None if there is none."""
    by_name = {name.lower(): name for name in names}
    return next((by_name[alias] for alias in _MOVED.get(key, ()) if alias in by_name), None)


def _curve(name: str) -> str | None:
    """Return the curve of one name; None if it is not understood, or no curve of a record."""
    plain = name.strip().lower()
    if plain in (*CURVES, *HOOKS):
        return plain
    found = meaning(name)
    return found.curve if found and found.quantity in ("loss", "accuracy", "lr") and not found.part else None


def _words(name: str) -> set[str]:
    plain = name.replace("IoU", "iou").replace("mAP", "map").replace("²", "2")
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", plain)
    return {word for word in re.split(r"[^a-z0-9]+", apart.lower()) if word}


def by_step(name: str) -> tuple[bool, bool]:
    """Sort what was measured by epoch before what was measured by step."""
    words = _words(name)
    return "step" in words, "epoch" not in words
