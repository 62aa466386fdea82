"""The noise of the metric: by how much a training's result changes when nothing but its seed does.

Estimated from the first of these that a study has enough of; all of them are given.

* confirmed: trainings of the same setting with fresh seeds: what is meant, measured.
* repeated: trials with nearly the same setting, at the last epoch that both have: a little too much, since the settings
  do differ.
* wobble: how far the last epochs of curves lie from a straight line through them: rather too little, since neighbouring
  epochs are of one seed.

Each is a standard deviation with its 90 % interval (of chi-square, with as many degrees of freedom as were pooled).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri  # type: ignore[import-untyped]

from tunewell.analysis.waste import near_pairs
from tunewell.arrays import Floats, own_numerics
from tunewell.history import History

_PAIRS, _FREEDOM = 3, 2  # the fewest that an estimate is made of
_END = 8  # epochs at the end of a curve
_FEWEST_END = 5
_CURVES = 200
_TO_SD = 1.4826  # of a normal distribution: its standard deviation in median absolute deviations


@dataclass(frozen=True, slots=True)
class NoiseEstimate:
    """The standard deviation of the metric between seeds, from one source."""

    source: str
    """`confirmed`, `repeated` or `wobble`."""
    sd: float
    low: float
    high: float
    """Its 90 % interval."""
    learned_from: str
    """In words, such as `9 trainings of 3 settings`."""


@dataclass(frozen=True, slots=True)
class Noise:
    """The change of the metric that a new seed makes; or the reason why that is not known."""

    estimates: tuple[NoiseEstimate, ...]
    """The most trustworthy first."""

    @property
    def best(self) -> NoiseEstimate | None:
        """The most trustworthy one; None if there is none."""
        return self.estimates[0] if self.estimates else None

    @property
    def margin(self) -> float | None:
        """Two results that differ by less may be the same, at 95 %; None if the noise is not known."""
        return None if self.best is None else 1.96 * math.sqrt(2.0) * self.best.sd

    @property
    def too_few(self) -> str | None:
        """The reason why there is no result; None if there is one."""
        if self.estimates:
            return None
        return "no setting was trained twice, and no curve is long enough; `tunewell tune --confirm 3` measures it"


@own_numerics
def noise(history: History, confirmed: Sequence[Sequence[float]] = ()) -> Noise:
    """Return by how much a new seed changes the metric.

    confirmed: for each setting that was trained again, what its trainings reached.
    """
    known = [_of_confirmed(confirmed), _of_repeats(history), _of_ends(history)]
    return Noise(tuple(one for one in known if one is not None))


def _of_confirmed(groups: Sequence[Sequence[float]]) -> NoiseEstimate | None:
    several = [np.asarray(group, dtype=float) for group in groups if len(group) > 1 and np.isfinite(group).all()]
    freedom = sum(len(group) - 1 for group in several)
    if freedom < _FREEDOM:
        return None
    squares = sum(float(((group - group.mean()) ** 2).sum()) for group in several)
    trainings = sum(map(len, several))
    words = (
        f"{trainings} trainings of {len(several)} setting{'s' if len(several) > 1 else ''}, each with a seed of its own"
    )
    return _estimate("confirmed", math.sqrt(squares / freedom), freedom, words)


def _of_repeats(history: History) -> NoiseEstimate | None:
    sound = ~history.broken & (history.epochs > 0)
    apart = []
    for early, late in near_pairs(history, sound):
        curves = history.curves[[early, late]]
        both = np.flatnonzero(np.isfinite(curves).all(axis=0))
        if (
            both.size and not (curves[0, : both[-1] + 1] == curves[1, : both[-1] + 1]).all()
        ):  # a branch shares its curve
            apart.append(float(curves[0, both[-1]] - curves[1, both[-1]]))
    if len(apart) < _PAIRS:
        return None
    # half of the squared difference of two estimates the variance; the median keeps out pairs that differ for a reason
    sd = _TO_SD * float(np.median(np.abs(apart))) / math.sqrt(2.0)
    return _estimate("repeated", sd, len(apart), f"{len(apart)} pairs of trials with nearly the same setting")


def _of_ends(history: History) -> NoiseEstimate | None:
    """Return what the ends of the better half of the longest curves wobble by."""
    curves = history.curves
    long = np.flatnonzero(~history.broken & (np.isfinite(curves).sum(axis=1) >= 2 * _FEWEST_END))
    long = long[np.argsort(history.lowest[long], kind="stable")][: min(_CURVES, (len(long) + 1) // 2)]
    left = [residuals for number in long.tolist() if (residuals := _residuals(curves[number])) is not None]
    if not left:
        return None
    sds = [float(np.sqrt((r**2).sum() / (len(r) - 2))) for r in left]
    curves_words = f"the last epochs of {len(left)} curve{'s' if len(left) > 1 else ''}"
    return _estimate("wobble", float(np.median(sds)), sum(len(r) - 2 for r in left), curves_words)


def _residuals(curve: Floats) -> Floats | None:
    """Return how far the last epochs lie from a straight line; None if there are too few."""
    at = np.flatnonzero(np.isfinite(curve))
    at = at[-min(_END, len(at) // 2) :]
    if len(at) < _FEWEST_END:
        return None
    x = at - at.mean()
    y = curve[at] - curve[at].mean()
    residuals: Floats = y - x * float(x @ y) / float(x @ x)
    return residuals


def _estimate(source: str, sd: float, freedom: int, words: str) -> NoiseEstimate | None:
    if not math.isfinite(sd):
        return None
    low, high = (sd * math.sqrt(freedom / float(chdtri(freedom, p))) for p in (0.05, 0.95))
    return NoiseEstimate(source, sd, low, high, words)
