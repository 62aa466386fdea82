"""The meaning of somebody else's names of columns and metrics, and the parameter that a change would move.

`val_acc`, `Accuracy/valid` and `validation-accuracy` are one thing. A name is cut into words; some name a
split, some what was measured. Whatever is not understood is left out, and `--columns` says what it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from tunewell.diagnosis.run_config import ALIASES, DEPTH_ALIASES, WIDTH_ALIASES
from tunewell.diagnosis.run_record import CURVES, HOOKS
from tunewell.errors import RecordError

_VALIDATION = {"val", "valid", "validation", "dev", "eval", "evaluation"}
_TEST = {"test", "tst", "te", "holdout"}
_TRAINING = {"train", "training", "tr", "trn"}
_LOSS = {"loss", "nll", "crossentropy", "xent", "logloss", "ce"}
_ACCURACY = {"acc", "accuracy", "top1", "acc1", "multiclassaccuracy", "binaryaccuracy"}
_RATE = {"lr", "learningrate"}
_IGNORED = {
    *("epoch", "mean", "avg", "average", "metrics", "metric", "scalars", "categorical", "sparse", "binary", "cross"),
    *("entropy", "score", "running", "total", "sgd", "adam", "adamw", "rmsprop", "group", "pg1", "0"),
}
"""Words that say neither what was measured nor that it is something else."""

EPOCH = ("epoch", "epochs", "ep")
STEP = ("step", "global_step", "iteration", "iter")

_MOVED = ALIASES | {
    "lr_schedule": ("lr_decay", "lr_gamma", "gamma", "decay_rate"),
    "width": WIDTH_ALIASES,
    "depth": DEPTH_ALIASES,
    "init": ("init", "initialization", "initializer", "weight_init"),
}
"""The parameters that move what a change may name."""


def curves_of(names: Iterable[str], columns: Mapping[str, str] | None = None) -> dict[str, str]:
    """Map curves to the names that hold them: `{"train_loss": "loss", "val_loss": "val_loss"}`.

    columns: curves that the user named; they go before what is guessed.

    Raises:
        RecordError: the user named a curve or a column that there is not.
    """
    names = list(names)
    found: dict[str, str] = {}
    for curve, name in (columns or {}).items():
        if curve not in (*CURVES, *HOOKS, "epoch"):
            raise RecordError(f"no curve is called {curve!r}; the curves are {', '.join(CURVES)}, and epoch")
        if name not in names:
            raise RecordError(f"there is no column {name!r}; the columns are {', '.join(map(repr, names[:20]))}")
        found[curve] = name
    for is_test in (False, True):  # a test split stands in for validation where there is none
        for name in sorted(names, key=_by_step):
            curve_of_name = _curve(name)
            if curve_of_name is None or name in found.values() or (_words(name) & _TEST != set()) is not is_test:
                continue
            found.setdefault(curve_of_name, name)
    return found


def not_understood(names: Iterable[str], curves: Mapping[str, str]) -> list[str]:
    """Return the names that `curves_of` makes nothing of, epochs and steps aside."""
    known = {*curves.values(), *EPOCH, *STEP}
    return [name for name in names if name not in known and name.strip().lower() not in known and not _curve(name)]


def says_split(name: str) -> bool:
    """Return True if a name has a word for training, validation or test rows."""
    return bool(_words(name) & (_TRAINING | _VALIDATION | _TEST))


def parameter_of(key: str, names: Iterable[str]) -> str | None:
    """Find the parameter, among these names, that moves what a change calls `key`; None if there is none."""
    by_name = {name.lower(): name for name in names}
    return next((by_name[alias] for alias in _MOVED.get(key, ()) if alias in by_name), None)


def _curve(name: str) -> str | None:
    """Return the curve of one name; None if it is not understood."""
    plain = name.strip().lower()
    if plain in (*CURVES, *HOOKS):
        return plain
    words = _words(name)
    rest = words - _IGNORED - {"step"} - _VALIDATION - _TEST - _TRAINING
    if (rest and rest <= _RATE) or rest == {"learning", "rate"}:
        return "lr"
    split = "val" if words & (_VALIDATION | _TEST) else "train"
    if (rest and rest <= _LOSS) or (not rest and {"cross", "entropy"} <= words):
        return f"{split}_loss"
    return f"{split}_accuracy" if rest and rest <= _ACCURACY else None


def _words(name: str) -> set[str]:
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
    return {word for word in re.split(r"[^a-z0-9]+", apart.lower()) if word}


def _by_step(name: str) -> tuple[bool, bool]:
    """Sort what was measured by epoch before what was measured by step."""
    words = _words(name)
    return "step" in words, "epoch" not in words
