"""Rungs: the epochs at which trials pause and are compared. ASHA, successive halving and Hyperband stand on them.

Shapes: n trials. Lower is better.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tunewell.history import History
from tunewell.samplers.construction import check_whole
from tunewell.trial import Resume


def rungs(min_epochs: int | None, max_epochs: int, eta: int) -> tuple[int, ...]:
    """Return `min_epochs` times the powers of `eta`, rising; the last is `max_epochs`.

    None for `min_epochs` leaves room for two halvings, no more: the earliest epochs of a training say little
    of its end (a high learning rate that wins often looks bad at first), so a cut that is made there throws the
    best away. A rung past two thirds of a full training would save next to nothing and is left out.
    """
    rung = -(-max_epochs // eta**2) if min_epochs is None else min_epochs
    rising = []
    while 3 * rung <= 2 * max_epochs:
        rising.append(rung)
        rung *= eta
    return (*rising, max_epochs)


def check_rung_settings(eta: int, min_epochs: int | None) -> None:
    """Check the settings of a scheduler with rungs.

    Raises:
        SettingError: a setting cannot be used.
    """
    check_whole("eta", eta, at_least=2)
    if min_epochs is not None:
        check_whole("min_epochs", min_epochs, at_least=1)


def arrived(history: History, rung: int) -> NDArray[np.bool_]:
    """Return the trials to compare at the rung, (n,): trained through it, or ended on the way to it."""
    return (history.epochs >= rung) | (history.ended & (history.until >= rung))


def values_at_rung(history: History, rung: int) -> NDArray[np.float64]:
    """Return each trial's metric at the rung, (n,); inf for one that failed, was stopped or broke a limit, whenever.

    Its place at a rung that it had passed falls to the next best, which can still go on.
    """
    values = history.at(rung)
    values[history.failed | history.stopped | history.infeasible] = np.inf
    return values


def cut_short(history: History, ladder: tuple[int, ...]) -> Resume | None:
    """Resume, to the next rung, a paused trial that is between two since its step was interrupted; None if none is."""
    between = np.flatnonzero(history.paused & ~np.isin(history.epochs, ladder))
    if not between.size:
        return None
    trial = int(between[0])
    return Resume(trial, until=next(rung for rung in ladder if rung > history.epochs[trial]))
