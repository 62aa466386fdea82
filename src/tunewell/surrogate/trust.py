"""Trust in a past: the chance that what past studies expect holds, judged where it matters, among the good.

Two models, one with the past and one without, predict each trial from all others. What counts is how likely they find
what it reached if that is good, and, of a poor one, only that it is poor: a past may be right about the bulk, which is
easy, and wrong among the good. That is the censored likelihood (Diks, Panchenko and van Dijk, "Likelihood-based scoring
rules for comparing density forecasts in tails", 2011).
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import log_ndtr  # type: ignore[import-untyped]

from tunewell.arrays import Floats
from tunewell.surrogate.curves import CurveModel


def trust(with_past: CurveModel, alone: CurveModel, time: Floats, y: Floats) -> float:
    """Return the chance that the model with the past is the right one, of two that know the same.

    Args:
        with_past: fitted to the observations and to what past studies expect of them.
        alone: fitted to the observations.
        time: of each observation, as the models have it: (n,).
        y: of each observation, lower is better: (n,).
    """
    first = time == time.min()
    bound = float(np.median(y[first]))
    # a trial that was trained on is one of the good, or was thought so
    poor = first & (y >= bound)
    ahead = _score(with_past, poor, bound, y) - _score(alone, poor, bound, y) - _BURDEN
    return 1 / (1 + math.exp(-max(-_SURE, min(_SURE, ahead))))


_BURDEN = 2.0
"""In nats: trust is to be earned. Where both models predict what is known as well, the one with the past says more of
what is not known, and nothing speaks for that."""
_SURE = 50.0  # in nats: beyond it, exp() is of no use


def _score(model: CurveModel, poor: np.ndarray, bound: float, y: Floats) -> float:
    last, mean, deviation = model.left_out()
    z = (y[last] - mean) / deviation
    exact = -0.5 * z**2 - np.log(deviation) - 0.5 * math.log(2 * math.pi)
    above = log_ndtr((mean - bound) / deviation)
    return float(np.where(poor[last], above, exact).sum())
