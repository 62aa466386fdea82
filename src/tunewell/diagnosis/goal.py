"""A value that is known to be possible of a metric, beside the one that a run has reached."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real

import numpy as np

from tunewell.arrays import Floats
from tunewell.diagnosis.findings import LABELS
from tunewell.diagnosis.rules.wording import IN_WORDS, figure, percent
from tunewell.diagnosis.run_record import RunRecord
from tunewell.diagnosis.signals.summaries import finite
from tunewell.errors import SettingError
from tunewell.logs.scores import SCORES
from tunewell.near_names import did_you_mean

_BY_DEFAULT = ("val_accuracy", "train_accuracy")
_PERCENT = 100
_ERRORS = 2.0  # standard errors are noise
_LEAST_NOISE = {True: 0.005, False: 0.02}  # of a share, and of another number as a share of it
_AS_GOOD = 0.1  # of the noise
_ROWS = 400  # of validation, where their number is not known
_REACHED = 0.95
"""The confidence that a run which reached what is possible is healthy."""
_IS_HEALTHY = np.array(LABELS) == "healthy"


@dataclass(frozen=True, slots=True)
class Possible:
    """A value that is known to be possible of a metric."""

    value: float
    """A percentage will do for a share."""
    metric: str | None = None
    """One of the run's; validation accuracy if None, or what else it has, scores before losses."""
    source: str = ""
    """Why it is known, in words; "" if somebody knows it."""
    noise: float = 0.0
    """Its own uncertainty: differences below are none."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A value that is known to be possible of a metric, and what a run reached."""

    metric: str
    possible: float
    reached: float
    epoch: float
    noise: float
    """A difference below is none, with so few validation rows."""
    source: str
    """Why it is known to be possible, in words; "" if it was given."""

    @property
    def _way(self) -> int:
        return -1 if lower_is_better(self.metric) else 1

    @property
    def is_reached(self) -> bool:
        """True if the run is there, or so near that the rows cannot tell."""
        return self._way * (self.possible - self.reached) <= _AS_GOOD * self.noise

    @property
    def falls_short(self) -> bool:
        """True if the run is clearly below, beyond the noise of its validation rows."""
        return self._way * (self.possible - self.reached) > self.noise

    @property
    def in_words(self) -> str:
        """`validation accuracy reached 70.4 % at epoch 12; 97 % is known to be possible`."""
        shown = percent if _is_share(self.metric) else figure
        known = self.source or f"{shown(self.possible)} is known to be possible"
        return f"{name_of(self.metric)} reached {shown(self.reached)} at epoch {self.epoch:g}; {known}"


def goal_of(run: RunRecord, known: Possible) -> Goal:
    """Return what is possible beside what the run reached.

    Raises:
        SettingError: it is no finite number, or the run has no such metric, or none at all.
    """
    possible = known.value
    if isinstance(possible, bool) or not isinstance(possible, Real) or not math.isfinite(possible):
        raise SettingError(f"target must be a finite number, got {possible!r}")
    names = metrics_of(run)
    if not names:
        raise SettingError("the run has no metric that is a finite number, so no target can be compared with it")
    name = known.metric or names[0]
    if name not in names:
        raise SettingError(f"the run has no {name}; {did_you_mean(name, names, listed='it has')}")
    values = {**run.curves, **run.scores}[name]
    if _is_share(name):
        if not 0 <= possible <= _PERCENT:
            raise SettingError(f"target must be a share, or in percent, for {name}; got {possible!r}")
        possible = possible / _PERCENT if possible > 1 else possible
    best = int(np.nanargmin(values) if lower_is_better(name) else np.nanargmax(values))
    reached = float(values[best])
    noise = math.hypot(_noise(run, name, values, reached), known.noise)
    return Goal(name, float(possible), reached, float(run.epoch[best]), noise, known.source)


def metrics_of(run: RunRecord) -> list[str]:
    """Return the metrics that a target may be of: validation's first, accuracies before scores before losses."""
    curves = {**run.curves, **run.scores}
    losses = [name for name in ("val_loss", "train_loss") if name in curves]
    scores = sorted(run.scores, key=lambda name: not name.startswith("val_"))
    names = [_BY_DEFAULT[0], *(name for name in scores if name.startswith("val_")), losses[0], _BY_DEFAULT[1]]
    names = list(dict.fromkeys([*names, *scores, *losses]))
    return [name for name in names if np.isfinite(curves[name]).any() and name not in run.estimated]


def with_goal(chances: Floats, goal: Goal) -> Floats:
    """Return the probabilities of the causes, (K,), of a run that may have reached what is known to be possible.

    A run that is there is healthy by that, unless it cannot be: it may have been there before it diverged.
    """
    if goal.is_reached and chances[_IS_HEALTHY].any():
        others = np.where(_IS_HEALTHY, 0.0, chances)
        rest = others.sum()
        healthy = max(_REACHED, 1 - rest)
        result: Floats = np.where(_IS_HEALTHY, healthy, others * ((1 - healthy) / rest if rest else 0.0))
        return result
    return chances


def without_healthy(chances: Floats) -> Floats:
    """Return the probabilities of the causes, (K,), of a run that is known not to be healthy.

    Nobody gets what `healthy` had: that something is wrong makes none of the causes more plain, and it may be none of
    them.
    """
    result: Floats = np.where(_IS_HEALTHY, 0.0, chances)
    return result


def lower_is_better(metric: str) -> bool:
    """Return True for a loss or an error."""
    kind = metric.partition("_")[2]
    return kind == "loss" or (kind in SCORES and SCORES[kind].less_is_better)


def name_of(metric: str) -> str:
    """Return a metric in words."""
    split, _, kind = metric.partition("_")
    rows = "validation" if split == "val" else "training"
    return IN_WORDS.get(metric) or f"{SCORES[kind].title} on {rows} rows"


def _is_share(metric: str) -> bool:
    kind = metric.partition("_")[2]
    return kind == "accuracy"


def _noise(run: RunRecord, name: str, values: Floats, reached: float) -> float:
    """Return what a metric differs by from sample to sample of rows, or else from epoch to epoch at the end."""
    if _is_share(name):
        rows = run.n_val if name.startswith("val_") else run.n_train
        rows = _ROWS if math.isnan(rows) else rows
        share = min(max(reached, 0.0), 1.0)
        return max(_LEAST_NOISE[True], _ERRORS * math.sqrt(share * (1 - share) / rows))
    late = finite(values)[-max(3, len(values) // 4) :]
    jumps = np.abs(np.diff(late))
    usual = float(np.median(jumps)) if jumps.size else 0.0
    return max(usual, _LEAST_NOISE[False] * abs(reached))
