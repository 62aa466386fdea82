"""The record of one training run as arrays: whatever is missing is NaN, whatever is out of order is sorted.

Shapes: E is the number of epochs on record, L the number of weight matrices from input to output, S the number of
steps whose loss is on record.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewell.arrays import Floats
from tunewell.diagnosis.run_config import valid_config
from tunewell.errors import RecordError
from tunewell.logs.scores import CURVES_OF_SCORES, SCORES, TASKS, task_of_loss

CURVES = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "lr")
"""What every run reports each epoch."""
HOOKS = (
    "train_eval_loss",
    "train_eval_accuracy",
    "val_balanced_accuracy",
    "val_top_prediction_share",
    "grad_norm",
    "grad_norm_max",
    "weight_norm",
    "update_ratio",
    "dead_fraction",
    "saturated_fraction",
    "grad_noise_scale",
)
"""What a run reports as well if its network is watched."""
LAYERS = (
    "grad_norm",
    "weight_norm",
    "update_ratio",
    "activation_mean",
    "activation_std",
    "dead_fraction",
    "saturated_fraction",
)
"""What a watched network reports of each weight matrix."""
_ACCURACIES = ("train_accuracy", "val_accuracy")
_LOSSES = ("train_loss", "val_loss")
MOST_CLASSES = 1000
"""The largest number of classes that a loss at the start is taken to indicate."""
_SHARES = ("train_accuracy", "val_accuracy", "train_eval_accuracy", "val_balanced_accuracy", "val_top_prediction_share")
_MOST = 1e30  # a number beyond is held there, so that its square is still one
_MAX_SHARE = 1.5  # accuracies above are percentages


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One training run. Every array exists; what was not measured, or was not finite, is NaN."""

    epoch: Floats
    """(E,), increasing, from 1 unless the first epochs are missing."""
    curves: Mapping[str, Floats]
    """(E,) for each of `CURVES` and `HOOKS`."""
    broken: Mapping[str, NDArray[np.bool_]]
    """(E,) for each curve: true where a value was reported that was no finite number."""
    layers: Mapping[str, Floats]
    """(E, L) for each of `LAYERS`; L is 0 without hooks."""
    step_losses: Floats
    """(S,); a loss that was not finite is NaN."""
    config: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    n_train: float = math.nan
    n_val: float = math.nan
    n_classes: float = math.nan
    step_losses_every: float = math.nan
    estimated: frozenset[str] = frozenset()
    """Curves that were not measured, and are what others amount to."""
    task: str = "classification"
    """One of `TASKS`; `other` for one that is judged by neither an accuracy nor an error in numbers."""
    scores: Mapping[str, Floats] = field(default_factory=dict)
    """(E,) for each of `CURVES_OF_SCORES` that the run reported."""

    def __len__(self) -> int:
        return len(self.epoch)

    def __getitem__(self, name: str) -> Floats:
        return self.curves[name]

    @property
    def by_loss(self) -> bool:
        """True if the run has no accuracy and none can be estimated: it is judged by its losses alone."""
        if self.task != "classification":
            return True
        if any(np.isfinite(self[name]).any() for name in _ACCURACIES):
            return False
        return bool(self.scores) or self._begins_beyond_guessing()

    def _begins_beyond_guessing(self) -> bool:
        """Return True if the first loss is more than guessing costs, and nothing says that there are classes."""
        knows_classes = not math.isnan(self.n_classes) or any(name.startswith("class_counts") for name in self.data)
        if knows_classes or "loss" in self.config:
            return False
        first = next((known[0] for name in _LOSSES if (known := self[name][np.isfinite(self[name])]).size), 0.0)
        return bool(first > math.log(MOST_CLASSES))


def read_record(record: Mapping[str, Any]) -> RunRecord:
    """Read the run that a record in the form of JSON describes.

    Raises:
        RecordError: it has no epochs, or not one finite loss or accuracy and no sign of one that was not finite.
    """
    if not isinstance(record, Mapping):
        raise RecordError(
            f"a record must be a mapping with 'epochs', got {type(record).__name__}; see docs/diagnose.md"
        )
    rows = _rows(record.get("epochs"))
    numbers = np.array([_number(row.get("epoch")) for row in rows])
    numbers = np.where(np.isnan(numbers), np.arange(1, len(rows) + 1), numbers)
    numbers += float(numbers.min() == 0)  # some logs count from 0
    order = np.argsort(numbers, kind="stable")
    last_of_each = np.append(np.diff(numbers[order]) > 0, True)
    chosen = order[last_of_each]
    kept = [rows[i] for i in chosen]
    curves = {name: np.array([_number(row.get(name)) for row in kept]) for name in (*CURVES, *HOOKS)}
    broken = {
        name: np.array([name in row and math.isnan(_number(row[name])) for row in kept], dtype=bool) for name in curves
    }
    if not any(np.isfinite(curves[name]).any() or broken[name].any() for name in CURVES[:4]):
        raise RecordError(
            "the epochs have no train_loss, train_accuracy, val_loss or val_accuracy; "
            f"they have {_listed(rows)}: rename what is one of these (of a file, --columns train_loss=NAME)"
        )
    _as_fractions(curves)
    scores = {name: np.array([_number(row.get(name)) for row in kept]) for name in CURVES_OF_SCORES}
    scores = {name: values for name, values in scores.items() if np.isfinite(values).any()}
    _errors_as_accuracies(curves, scores)
    config = valid_config(_mapping(record.get("config")))
    task = _task(config.get("task") or record.get("task"), config, curves, scores)
    if task != "classification":
        curves |= {name: np.full(len(kept), np.nan) for name in _SHARES}
    n_classes = math.nan if task == "regression" else _positive(record.get("n_classes"))
    return RunRecord(
        epoch=numbers[chosen],
        curves=curves,
        broken=broken,
        layers=_layers(kept),
        step_losses=np.array([_number(value) for value in _list(record.get("step_losses"))], dtype=np.float64),
        config=config,
        data=_mapping(record.get("data_summary")),
        n_train=_positive(record.get("n_train")),
        n_val=_positive(record.get("n_val")),
        n_classes=n_classes if n_classes >= 2 else math.nan,
        step_losses_every=_positive(record.get("step_losses_every")),
        task=task,
        scores=scores,
    )


def _task(given: object, config: Mapping[str, Any], curves: Mapping[str, Floats], scores: Mapping[str, Floats]) -> str:
    """Return the task: as it is given, as the loss has it, as accuracies have it, or as the other metrics do."""
    if given in TASKS:
        return str(given)
    of_loss = task_of_loss(str(config.get("loss", "")))
    if of_loss:
        return of_loss
    if any(np.isfinite(curves[name]).any() for name in _ACCURACIES):
        return "classification"
    if "target_variance" in config:
        return "regression"
    tasks = {SCORES[name.partition("_")[2]].task for name in scores} - {"classification"}
    return "regression" if "regression" in tasks else next(iter(tasks), "classification")


def _errors_as_accuracies(curves: dict[str, Floats], scores: dict[str, Floats]) -> None:
    """Turn shares of rows that are wrong into accuracies, where there are none."""
    for split in ("train", "val"):
        error, accuracy = scores.pop(f"{split}_error", None), f"{split}_accuracy"
        if error is None or np.isfinite(curves[accuracy]).any() or not 0 <= np.nanmin(error) <= np.nanmax(error) <= 100:
            continue
        curves[accuracy] = 1 - (error / 100 if np.nanmax(error) > _MAX_SHARE else error)


def _rows(epochs: object) -> list[Mapping[str, Any]]:
    rows = _list(epochs)
    if not rows:
        raise RecordError(f"a record needs 'epochs', a list of one mapping an epoch, got {_shown(epochs)}")
    for row in rows:
        if not isinstance(row, Mapping):
            raise RecordError(
                f"an epoch must be a mapping such as {{'epoch': 1, 'train_loss': 2.3}}, got {_shown(row)}"
            )
        for name in CURVES:  # text would be taken for a number that was not finite, and so for a loss that diverged
            if isinstance(row.get(name), str) and not _is_number(row[name]):
                raise RecordError(
                    f"{name} must be a number, or None (null) where it was not finite; got {_shown(row[name])}"
                )
    return rows


def _layers(rows: Sequence[Mapping[str, Any]]) -> dict[str, Floats]:
    """Return the numbers of layers, (E, L) each; epochs that lack layers are NaN."""
    lists = [[layer for layer in _list(row.get("layers")) if isinstance(layer, Mapping)] for row in rows]
    depth = max(map(len, lists))
    found = {name: np.full((len(rows), depth), np.nan) for name in LAYERS}
    for epoch, layers in enumerate(lists):
        for place, layer in enumerate(layers):
            for name in LAYERS:
                found[name][epoch, place] = _number(layer.get(name))
    return found


def _as_fractions(curves: dict[str, Floats]) -> None:
    """Turn percentages into fractions; all shares of a run are in one unit."""
    highest = max((np.nanmax(curves[name]) for name in _SHARES if np.isfinite(curves[name]).any()), default=0.0)
    if highest > _MAX_SHARE:
        for name in _SHARES:
            curves[name] = curves[name] / 100


def _number(value: object) -> float:
    """Return a number within `_MOST`; NaN for what is absent, not finite, or no number."""
    if isinstance(value, bool) or value is None:
        return math.nan
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return max(-_MOST, min(_MOST, number)) if math.isfinite(number) else math.nan


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _positive(value: object) -> float:
    number = _number(value)
    return number if number > 0 else math.nan


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    """Return what is in a sequence or an array; nothing, of anything else."""
    return list(value) if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str | bytes) else []


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _listed(rows: Sequence[Mapping[str, Any]]) -> str:
    names = list(dict.fromkeys(str(name) for row in rows for name in row))
    return ", ".join(map(repr, names[:12])) or "nothing"
