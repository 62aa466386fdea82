"""The curves of a record behind somebody else's names, and the parameter that a change would move.

Whatever is not understood is left out, and `--columns` says what it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tunewell.diagnosis.run_config import ALIASES, DEPTH_ALIASES, WIDTH_ALIASES
from tunewell.diagnosis.run_record import CURVES, HOOKS
from tunewell.errors import RecordError
from tunewell.logs.names import EPOCH, STEP, TEST, by_step, meaning, words_of
from tunewell.logs.scores import CURVES_OF_SCORES, SCORES

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
        check_column(curve, name, names)
        found[curve] = name
    for is_test in (False, True):  # a test split stands in for validation where there is none
        for name in sorted(names, key=by_step):
            curve_of_name = _curve(name)
            if curve_of_name is None or name in found.values() or (words_of(name) & TEST != set()) is not is_test:
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


def curve_named(metric: str) -> str:
    """Return what a record calls a metric, `val_accuracy` for `Val Acc`; the name itself if it is not understood."""
    return next(iter(curves_of([metric]) | scores_of([metric])), metric)


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
