"""The view that an autopilot's rule has of a run: its curves from the first epoch on, and its parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from tunewell.arrays import Floats
from tunewell.diagnosis import Finding
from tunewell.diagnosis.readers.names import parameter_of
from tunewell.space.params import Choice
from tunewell.space.space import Space
from tunewell.space.values import Value


@dataclass(frozen=True, slots=True)
class View:
    """A run at the end of an epoch. Shapes: E epochs so far; a number that was not reported is NaN."""

    space: Space
    values: Mapping[str, Value]
    """Of the parameters, now."""
    curves: Mapping[str, Floats]
    """(E,) each: `train_loss`, `val_loss`, ... as far as they are reported, by the trials that it branched from too."""
    metric: Floats
    """(E,): the study's metric, lower is better."""
    max_epochs: int
    """Epochs of a full training."""
    checkpoint_epochs: tuple[int, ...]
    """Epochs of which there is a checkpoint to go back to."""
    changed_at: int
    """The epoch after which something was changed last; 0 if nothing was."""
    diagnosis: Callable[[], tuple[Finding, ...]] = tuple
    """Returns what holds the run back so far, the likeliest first."""
    values_before: tuple[Mapping[str, Value], ...] = ()
    """The values before each action that still stands, oldest first."""
    is_review: bool = False
    """True if the run as a whole is to be reviewed, which is every ninth of a training."""

    @property
    def epoch(self) -> int:
        """The last epoch."""
        return len(self.metric)

    def curve(self, name: str) -> Floats:
        """Return a curve, (E,); all NaN if it is not reported."""
        return self.curves.get(name, np.full(self.epoch, math.nan))

    def since_change(self, curve: Floats) -> Floats:
        """Return a curve's part after the last change."""
        return curve[self.changed_at :]

    def rate(self) -> str | None:
        """Return the live parameter that is the learning rate, if there is one."""
        return self.live("lr")

    def live(self, key: str) -> str | None:
        """Return the live parameter that moves what a record calls `key`."""
        name = self.parameter(key)
        return name if name is not None and self.space.params[name].live else None

    def parameter(self, key: str) -> str | None:
        """Return the parameter that moves what a record calls `key`; unless live, a run has to begin anew with it."""
        name = parameter_of(key, self.space.names)
        return name if name in self.values else None

    def new_value(self, name: str, value: float) -> float | None:
        """Return the value within the parameter's range; None if it is the one that there is."""
        param, now = self.space.params[name], self.values[name]
        if isinstance(param, Choice) or not isinstance(now, int | float):
            return None
        clipped = float(f"{min(max(value, param.low), param.high):.6g}")
        return None if clipped == now else clipped

    def good_epoch(self) -> int:
        """Return the newest epoch with a checkpoint up to the best report; 0, the beginning, if there is none."""
        finite = np.where(np.isfinite(self.metric), self.metric, math.inf)
        best = int(finite.argmin()) + 1 if np.isfinite(finite).any() else 0
        return max((epoch for epoch in self.checkpoint_epochs if epoch <= best), default=0)
