"""Epochs that a study could have done without, as it turned out: each is counted once, under the first that applies.

* failed: on trials that ended by an error.
* diverged: on trials whose metric was no longer finite.
* repeated: on trials with nearly the setting of an earlier one, within 1 % of each range, every choice being the same.
* hopeless: after a trial had fallen behind the median of those that came as far, and never came back: what the median
  stopping rule would have saved (Golovin et al., "Google Vizier", 2017). The first epoch of a trial is never hopeless,
  and an epoch to which fewer than ten trials came is not judged.
* retrained: trained a second time, because a trial's state was lost. These come on top of those that were trained.

Shapes: n trials, c epochs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tunewell.arrays import Floats, Integers, own_numerics
from tunewell.history import History
from tunewell.space.params import Choice
from tunewell.trial import Trial

NEAR = 0.01
"""Numbers nearer than this share of their range, on its scale, are nearly the same."""
_MIN_TRIALS = 10


@dataclass(frozen=True, slots=True)
class Wasted:
    """One kind of waste."""

    kind: str
    """`failed`, `diverged`, `repeated`, `hopeless` or `retrained`."""
    epochs: int
    trials: tuple[int, ...]
    """On these trials."""


@dataclass(frozen=True, slots=True)
class Waste:
    """All that a study could have done without."""

    kinds: tuple[Wasted, ...]
    trained: int
    """The epochs that were trained, each once."""

    @property
    def epochs(self) -> int:
        """The epochs of all kinds together."""
        return sum(one.epochs for one in self.kinds)

    @property
    def share(self) -> float:
        """Their share of all epochs that were trained, each as often as it was."""
        again = sum(one.epochs for one in self.kinds if one.kind == "retrained")
        return self.epochs / max(1, self.trained + again)

    def __getitem__(self, kind: str) -> Wasted:
        return next(one for one in self.kinds if one.kind == kind)


@own_numerics
def waste(history: History, trials: Sequence[Trial]) -> Waste:
    """Return the epochs that a study could have done without."""
    trials = trials[: len(history)]
    inherited = np.array([trial.inherited for trial in trials], dtype=np.int64)
    own = np.maximum(history.epochs - inherited, 0)
    failed = history.failed
    diverged = history.broken & ~failed
    is_root = np.array([trial.parent is None for trial in trials], dtype=bool)
    repeated = is_root & repeats(history, is_root) & ~failed & ~diverged
    hopeless = np.minimum(_hopeless(history), own)
    hopeless[failed | diverged | repeated] = 0
    again = np.array([trial.retrained for trial in trials], dtype=np.int64)
    kinds = {
        "failed": np.where(failed, own, 0),
        "diverged": np.where(diverged, own, 0),
        "repeated": np.where(repeated, own, 0),
        "hopeless": hopeless,
        "retrained": again,
    }
    found = [Wasted(kind, int(n.sum()), tuple(np.flatnonzero(n).tolist())) for kind, n in kinds.items()]
    return Waste(tuple(found), int(own.sum()))


def repeats(history: History, among: np.ndarray) -> np.ndarray:
    """Return which trials have nearly the setting of an earlier one among them, (n,)."""
    found = np.zeros(len(history), dtype=bool)
    found[[later for _, later in near_pairs(history, among)]] = True
    return found


def near_pairs(history: History, among: np.ndarray) -> list[tuple[int, int]]:
    """Return trials among those that are marked with nearly the same setting: each with an earlier one."""
    points = np.nan_to_num(history.points, nan=-1.0)
    numbers = np.flatnonzero(among & np.isfinite(history.points).any(axis=1))
    choices = [isinstance(param, Choice) for param in history.space.params.values()]
    groups: dict[bytes, list[int]] = {}
    inactive = np.isnan(history.points)
    # choices and what is not active must be equal; of numbers, whole cells are looked at first
    keys = np.column_stack([points[:, choices], inactive]).astype(np.float64)
    for number in numbers.tolist():
        groups.setdefault(keys[number].tobytes(), []).append(number)
    pairs: list[tuple[int, int]] = []
    numeric = points[:, [not one for one in choices]]
    for members in groups.values():
        pairs += _near_within(numeric, np.array(members))
    return pairs


def _near_within(points: Floats, members: Integers) -> list[tuple[int, int]]:
    """Return each that is near an earlier one, with the first such; points: the coordinates that are numbers."""
    if len(members) < 2:
        return []
    if not points.shape[1]:
        return [(int(members[0]), int(one)) for one in members[1:]]
    found = []
    spreads = np.ptp(points[members], axis=0)
    column = int(spreads.argmax())  # sorted along it, only neighbours can be near
    order = members[np.argsort(points[members, column], kind="stable")]
    along = points[order, column]
    ends = np.searchsorted(along, along + NEAR, "right")
    first: dict[int, int] = {}
    step, candidates = 1, np.arange(len(order))
    while len(candidates := candidates[candidates + step < ends[candidates]]):
        here, there = order[candidates], order[candidates + step]
        near = (np.abs(points[here] - points[there]) <= NEAR).all(axis=1)
        for one, other in zip(here[near].tolist(), there[near].tolist(), strict=True):
            early, late = min(one, other), max(one, other)
            first[late] = min(first.get(late, early), early)
        step += 1
    found += [(early, late) for late, early in first.items()]
    return found


def _hopeless(history: History) -> Integers:
    """Return how many epochs each trial trained after it fell behind the median for good, (n,)."""
    curves = np.where(np.isnan(history.curves), np.inf, history.curves)
    if not curves.size:
        return np.zeros(len(history), dtype=np.int64)
    best = np.minimum.accumulate(curves, axis=1)
    n, c = best.shape
    reached = history.epochs[:, np.newaxis] >= np.arange(1, c + 1)
    held_up = np.zeros(n, dtype=np.int64)  # the last epoch at which it was not behind
    for epoch in range(1, c + 1):
        here = reached[:, epoch - 1]
        values = best[here, epoch - 1]
        if len(values) < _MIN_TRIALS:
            held_up[here] = epoch
        else:
            good = np.flatnonzero(here)[values <= np.median(values)]
            held_up[good] = epoch
    never: Integers = np.maximum(0, np.minimum(history.epochs, c) - np.maximum(held_up, 1))
    return never
