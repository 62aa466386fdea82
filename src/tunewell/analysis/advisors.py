"""The worth of each author's proposals, beside the starts of the search itself.

A proposal is compared with the search's own starts where both have trained equally long: each pair at the last epoch
that both have reached. The chance of being better is the share of the pairs that the proposal wins (Mann and Whitney),
a tie counting half and a trial that failed or diverged losing to any other. Its interval is Newcombe's (2006), from the
variance that Hanley and McNeil gave (1982): it does not shrink to nothing where one side wins every pair.

Shapes: n proposals, m starts of the search, c epochs.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tunewell.arrays import Floats
from tunewell.history import History
from tunewell.proposals import SEARCH, ProposalState, author_of, by_author
from tunewell.trial import Trial

LEAST = 4
"""Trials on either side without which the chance is left out."""
_Z = 1.6449  # of a normal distribution, 90 % lie within
_NEWEST = 1000  # trials of either side that are compared, so that it stays quick


@dataclass(frozen=True, slots=True)
class Chance:
    """The chance that a proposal is better than a start of the search that has trained as long."""

    middle: float
    low: float
    """In one case of twenty it is below this,"""
    high: float
    """and in one above this."""


@dataclass(frozen=True, slots=True)
class Advisor:
    """The worth of one author's proposals, or of what the search started by itself."""

    by: str
    """The author; `search` for the search itself, which proposes nothing."""
    proposed: int
    started: int
    waiting: int
    epochs: int
    """Those that they have trained."""
    resumed: float | None
    """The share of those started that the scheduler let go on after their first look; None if none was."""
    best: float | None
    """The best value of a sound trial, as reported; None if there is none."""
    better: Chance | None
    """Beside the search's own; None for the search, or if too few have trained."""
    too_few: str | None
    """Why there is no chance; None if there is one."""


def advisors(
    trials: Sequence[Trial],
    history: History,
    known: Sequence[ProposalState],
    first: Mapping[int, int],
    queued: Collection[int | None],
    *,
    maximize: bool,
) -> list[Advisor]:
    """Return the search, then each author in the order of their first proposal.

    Args:
        trials: of the study, by number.
        history: of the same trials.
        known: what became of each proposal.
        first: the epoch at which each trial's first step ended, by number.
        queued: trials that somebody has ordered, which are neither.
        maximize: larger values are better.
    """
    ordered = {one.number for one in trials if one.number in queued or one.parent is not None}
    own = [one.number for one in trials if author_of(one) is None and one.number not in ordered]
    found = [_advisor(SEARCH, own, [], history, first, maximize=maximize)]
    for by, proposal_states in by_author(known):
        started = [one.trial for one in proposal_states if one.trial is not None]
        found.append(_advisor(by, started, proposal_states, history, first, maximize=maximize, own=own))
    return found


def _advisor(
    by: str,
    started: Sequence[int],
    known: Sequence[ProposalState],
    history: History,
    first: Mapping[int, int],
    *,
    maximize: bool,
    own: Sequence[int] | None = None,
) -> Advisor:
    rows = np.array(started, dtype=np.int64)
    sound = rows[~history.broken[rows]]
    lowest = float(history.lowest[sound].min(initial=math.inf))
    begun = [one for one in started if history.epochs[one] > 0 and one in first]
    chance, too_few = (None, None) if own is None else _better(rows, np.array(own, dtype=np.int64), history)
    return Advisor(
        by=by,
        proposed=len(known),
        started=len(started),
        waiting=sum(one.waits for one in known),
        epochs=int(history.epochs[rows].sum()),
        resumed=sum(bool(history.until[one] > first[one]) for one in begun) / len(begun) if begun else None,
        best=None if math.isinf(lowest) else (-lowest if maximize else lowest),
        better=chance,
        too_few=too_few,
    )


def _better(rows: np.ndarray, own: np.ndarray, history: History) -> tuple[Chance | None, str | None]:
    theirs, ours = (_measured(one, history)[-_NEWEST:] for one in (rows, own))
    if min(len(theirs), len(ours)) < LEAST:
        return None, f"too few: {len(theirs)} of them and {len(ours)} of the search have trained, and it takes {LEAST}"
    wins = _wins(theirs, ours, history)
    return interval(wins, len(theirs), len(ours)), None


def _measured(rows: np.ndarray, history: History) -> np.ndarray:
    """Return the trials that have shown something: a finite value, or that they fail."""
    found: np.ndarray = rows[history.broken[rows] | np.isfinite(history.lowest[rows])]
    return found


def _wins(theirs: np.ndarray, ours: np.ndarray, history: History) -> float:
    """Return the share of the pairs that are won, each compared at the last epoch that both have."""
    values = _filled(history)
    epochs, broken = np.minimum(history.epochs, values.shape[1]), history.broken
    at = np.minimum(
        np.where(broken[theirs], values.shape[1], epochs[theirs])[:, None],
        np.where(broken[ours], values.shape[1], epochs[ours])[None, :],
    )  # (n, m)
    at = np.maximum(at - 1, 0)
    one = np.where(broken[theirs][:, None], np.inf, values[theirs[:, None], at])
    other = np.where(broken[ours][None, :], np.inf, values[ours[None, :], at])
    comparable = ~(np.isnan(one) | np.isnan(other))
    won = np.where(one == other, 0.5, one < other)[comparable]
    return float(won.mean()) if won.size else 0.5


def _filled(history: History) -> Floats:
    """Return (trials, c): the metric by epoch; one that was not reported is the last before it."""
    curves = history.curves
    last = np.maximum.accumulate(np.where(np.isnan(curves), 0, np.arange(curves.shape[1])), axis=1)
    return np.take_along_axis(curves, last, axis=1)


def interval(share: float, n: int, m: int) -> Chance:
    """Return the chance, from the share of n x m pairs that were won, with its 90 % interval."""
    low = _edge(share, n, m, lower=True)
    return Chance(share, low, _edge(share, n, m, lower=False))


def _edge(share: float, n: int, m: int, *, lower: bool) -> float:
    """Return the chance that lies so far from the share that the latter just fits it."""
    inside, outside = share, 0.0 if lower else 1.0
    for _ in range(50):
        middle = (inside + outside) / 2
        if abs(share - middle) <= _Z * math.sqrt(_variance(middle, n, m)):
            inside = middle
        else:
            outside = middle
    return inside


def _variance(chance: float, n: int, m: int) -> float:
    pairs = (n + m) / 2 - 1
    spread = (1 - chance) / (2 - chance) + chance / (1 + chance)
    return chance * (1 - chance) * (1 + pairs * spread) / (n * m)
