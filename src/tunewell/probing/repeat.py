"""A check whether a training can be repeated to the same numbers, from its seed and from a checkpoint.

Anything that a checkpoint lacks (an optimizer's moments, a schedule's place, a generator) shows in the epochs after it
is restored, so a few epochs are trained straight, again from the same seed, and again from a checkpoint; and compared.
"""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tunewell.checkpoint import kind_of, untracked
from tunewell.errors import CheckpointError, ProbeFailed, SettingError
from tunewell.probing.short_training import EpochLimit, checked, run_seeded
from tunewell.space.space import SpaceLike, as_space
from tunewell.space.values import Params, Value
from tunewell.training.function import check_train
from tunewell.training.run import Run, Train

EXACT, NEARLY, NOT = "exact", "within 1e-6", "not repeatable"
_NEARLY = 1e-6
_SAMPLED = frozenset({"grad_norm", "grad_norm_max", "update_ratio", "grad_noise_scale"})
"""What a watcher measures on some steps of an epoch: on others, after a restore, though the training is the same."""


@dataclass(frozen=True, slots=True)
class Repeatability:
    """The grade of how well epochs could be trained again."""

    name: str
    """`exact`, `within 1e-6` or `not repeatable`."""
    why: str = ""
    """The largest difference, where there is one, or what is missing."""


@dataclass(frozen=True, slots=True)
class RepeatCheck:
    """The repeatability of a training from its seed and from its checkpoints."""

    seed: Repeatability
    checkpoint: Repeatability
    tracked: tuple[str, ...]
    """The names that it passes to `run.track`."""
    epochs: int
    """The cost of the check."""
    holds: Mapping[str, str]
    """By what is tracked: `weights`, `optimizer`, `schedule`, `generator`, ..."""
    lacks: Mapping[str, str]
    """The same, by the variable, of what the training function has and does not track."""


def repeatable(
    train: Train, space: SpaceLike, *, setting: Mapping[str, Value] | None = None, epochs: int = 4, seed: int = 0
) -> RepeatCheck:
    """Train a few epochs straight, again from the seed, and again from a checkpoint half-way; and compare.

    Args:
        train: a function of one argument, the `Run`.
        space: the parameters that it takes.
        setting: the values that are not the defaults.
        epochs: of each training, at least 2.
        seed: of each.

    Raises:
        SettingError: a setting cannot be used.
        ProbeFailed: the training fails, or reports nothing.
    """
    if epochs < 2:
        raise SettingError(f"a check of what is repeatable takes 2 epochs at least, got {epochs}")
    check_train(train)
    params, half = as_space(space).filled(setting or {}), epochs // 2
    first, second = (_trained(train, params, seed, EpochLimit(epochs)) for _ in range(2))
    by_seed = _compared(first.reports, second.reports, 1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.npz"
        saving = _Saving(half, path)
        saved = _trained(train, params, seed, saving)
        if saving.refusal is not None or not first.tracked:
            from_checkpoint = Repeatability(
                NOT, saving.refusal or "nothing is tracked: call run.track(...) in the training function"
            )
        else:
            try:
                restored = _trained(train, params, seed, _Restoring(epochs, path))
                from_checkpoint = _compared(
                    first.reports, restored.reports, half + 1, () if first.on_report is None else _SAMPLED
                )
            except ProbeFailed as error:
                from_checkpoint = Repeatability(NOT, str(error))
    holds = {name: kind_of(value) or "data" for name, value in saved.tracked.items()}
    return RepeatCheck(by_seed, from_checkpoint, tuple(first.tracked), 3 * epochs, holds, saving.lacks)


class _Saving(EpochLimit):
    """A channel that ends after an epoch, with a checkpoint."""

    def __init__(self, last: int, path: Path) -> None:
        super().__init__(last)
        self._path = path
        self._run: Run | None = None
        self.refusal: str | None = None
        self.lacks: Mapping[str, str] = {}

    def begin(self, run: Run, n_epochs: int | None) -> int:
        """Implement `Channel.begin`."""
        self._run = run
        self.lacks = untracked(_variables(), [*run.tracked.values(), run])
        return super().begin(run, n_epochs)

    def may_train(self, epoch: int) -> bool:
        """Implement `Channel.may_train`."""
        if epoch == self.last + 1 and self._run is not None and self._run.tracked:
            try:
                self._run.checkpoint(self._path)
            except CheckpointError as error:
                self.refusal = str(error)
        return super().may_train(epoch)


class _Restoring(EpochLimit):
    """A channel that begins at a checkpoint."""

    def __init__(self, last: int, path: Path) -> None:
        super().__init__(last)
        self._path = path

    def begin(self, run: Run, n_epochs: int | None) -> int:
        """Implement `Channel.begin`."""
        super().begin(run, n_epochs)
        return run.restore(self._path)


def _variables() -> Mapping[str, object]:
    """Return the variables of the training function, the first caller outside of this package."""
    frame = sys._getframe(1)  # noqa: SLF001  nothing public gives the caller's variables
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).split(".")[0] == "tunewell":
        if frame.f_code is run_seeded.__code__:
            return {}
        frame = frame.f_back
    return dict(frame.f_locals)


def _trained(train: Train, params: Params, seed: int, channel: EpochLimit) -> Run:
    run = Run(params, seed=seed, channel=channel)
    checked(run_seeded(train, run, channel))
    return run


def _compared(
    one: Sequence[Mapping[str, float]],
    other: Sequence[Mapping[str, float]],
    first: int,
    left_out: Collection[str] = (),
) -> Repeatability:
    """Return the largest difference of two runs' reports from an epoch on, relative to the numbers' size."""
    worst, where = 0.0, ""
    rows = {row["epoch"]: row for row in other}
    for row in one:
        if row["epoch"] < first:
            continue
        again = rows.get(row["epoch"])
        if again is None:
            return Repeatability(NOT, f"epoch {row['epoch']:.0f} was not reported again")
        for name, value in ((name, value) for name, value in row.items() if name not in left_out):
            apart = _apart(value, again.get(name, math.nan))
            if apart > worst:
                worst, where = apart, f"{name} differs by {apart:.1g} of itself at epoch {row['epoch']:.0f}"
    if worst == 0.0:
        return Repeatability(EXACT)
    return Repeatability(NEARLY, where) if worst <= _NEARLY else Repeatability(NOT, where)


def _apart(value: float, again: float) -> float:
    if value == again or (math.isnan(value) and math.isnan(again)):
        return 0.0
    difference = abs(value - again) / max(abs(value), abs(again))
    return difference if math.isfinite(difference) else math.inf
