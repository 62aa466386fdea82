"""The gain that more time would bring, from how the best value has come down so far.

The past is cut into pieces that are equally long as logarithms of the epochs trained, since a search that is twice as
old takes twice as long for a step of the same kind. The pieces to come gain what one of the past did, newer ones more
often (the Bayesian bootstrap: Rubin, 1981), or in a few cases what none did; and less the later they are, as a power of
the epochs: to a half from one doubling to the next, or so, since what can still be gained becomes less.

This asks for no model of the search. It knows nothing of what is to come that the best values so far do not show.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tunewell.arrays import Floats, own_numerics

_LEAST_TRAININGS = 4
"""With fewer full trainings' worth of epochs nothing is known; nor of a time longer than half of all so far."""
_PIECES = 6
"""Of each doubling of the epochs."""
_POWER, _SPREAD = 1.0, 1.2
"""How quickly gains become less: the middle, and how uncertain that is, as a standard deviation of its logarithm."""
_UNSEEN = 1.0
"""A gain unlike all so far counts as so many pieces."""
_DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Gain:
    """The improvement of the best value after more time, in the metric's own unit; never below 0.

    Example:
        >>> import numpy as np
        >>> from tunewell.analysis.more_time import gain_of
        >>> gain_of(1 / np.arange(1.0, 101.0), 50, max_epochs=10).low > 0
        True
    """

    epochs: int
    """How many more would be trained."""
    mean: float
    low: float
    """In one case of ten it is less,"""
    high: float
    """and in one of ten more."""


@own_numerics
def gain_of(values: Floats, epochs: int, max_epochs: int) -> Gain | None:
    """Return what more epochs would gain; None while too little is known.

    Args:
        values: (t,) what each epoch of the study reported, in the order of the reports; lower is better.
        epochs: that would be trained more; at most t / 2, of which it is then, are taken.
        max_epochs: of a full training.
    """
    t = len(values)
    epochs = min(epochs, t // 2)
    best = np.minimum.accumulate(np.where(np.isfinite(values), values, np.inf))
    if t < _LEAST_TRAININGS * max_epochs or epochs < 1 or not np.isfinite(best[max_epochs - 1]):
        return None
    width = math.log(2) / _PIECES
    edges = np.arange(math.log(t), math.log(max_epochs) - 1e-9, -width)[::-1]
    at = best[np.maximum(0, np.floor(np.exp(edges) + 1e-9).astype(int) - 1)]
    gains, back = at[:-1] - at[1:], math.log(t) - (edges[1:] + edges[:-1]) / 2
    weights, rng = np.exp(-back), np.random.default_rng(0)
    power = _POWER * np.exp(_SPREAD * rng.standard_normal(_DRAWS))
    shares = np.cumsum(rng.standard_gamma(np.broadcast_to(weights, (_DRAWS, len(gains)))), axis=1)
    in_all = shares[:, -1] + rng.standard_gamma(np.full(_DRAWS, _UNSEEN))
    faded = np.exp(-power[:, None] * back)  # (draws, pieces)
    usual = (weights * gains * faded).sum(axis=1) / max(1e-300, float(weights[gains > 0].sum()))
    total, pieces = np.zeros(_DRAWS), math.log((t + epochs) / t) / width
    for piece in range(math.ceil(pieces)):
        ahead = (piece + 0.5) * width
        place = rng.random(_DRAWS) * in_all
        picked = np.minimum((shares < place[:, None]).sum(axis=1), len(gains) - 1)
        like, unlike = gains[picked] * faded[np.arange(_DRAWS), picked], usual * rng.standard_exponential(_DRAWS)
        gained = np.where(place > shares[:, -1], unlike, like) * np.exp(-power * ahead)
        total += np.where(rng.random(_DRAWS) < pieces - piece, gained, 0.0)
    low, high = np.quantile(total, [0.1, 0.9]).tolist()
    return Gain(epochs, float(total.mean()), low, high)
