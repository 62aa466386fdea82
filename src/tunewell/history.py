"""All trials of a study as arrays, which is all that samplers and schedulers know.

Shapes: n trials, d parameters, E epochs of a full training. Lower is better: the study has turned the sign.
The arrays grow in place, so that a decision at 10,000 trials costs no re-reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tunewell.space.space import Space
from tunewell.trial import Trial, TrialState

_Scalar = TypeVar("_Scalar", bound=np.generic)
_STATES = tuple(TrialState)
_CODE = {state: code for code, state in enumerate(_STATES)}


class History:
    """What is known of a study's trials, row i being trial number i. Readers do not write to its arrays."""

    def __init__(self, space: Space, max_epochs: int) -> None:
        """`max_epochs`: E, how many epochs a full training has."""
        self.space = space
        self.max_epochs = max_epochs
        self.notes: list[Mapping[str, object]] = []
        """What schedulers wrote on each trial."""
        self._points = np.empty((0, len(space.params)))
        self._curves = np.empty((0, max_epochs))
        self._epochs = np.empty(0, dtype=np.int64)
        self._until = np.empty(0, dtype=np.int64)
        self._states = np.empty(0, dtype=np.int8)

    def __len__(self) -> int:
        return len(self.notes)

    @property
    def points(self) -> NDArray[np.float64]:
        """(n, d): each trial in the unit cube; NaN where a parameter is inactive."""
        return self._points[: len(self)]

    @property
    def curves(self) -> NDArray[np.float64]:
        """(n, E): the metric by epoch, lower is better; inf where it was not finite, NaN where none was reported."""
        return self._curves[: len(self)]

    @property
    def epochs(self) -> NDArray[np.int64]:
        """(n,): the last epoch that each trial is known to have trained."""
        return self._epochs[: len(self)]

    @property
    def until(self) -> NDArray[np.int64]:
        """(n,): the epoch at which each trial's last step ends; a running trial is promised that much."""
        return self._until[: len(self)]

    @property
    def running(self) -> NDArray[np.bool_]:
        """(n,): a step is in progress."""
        return self._in_state(TrialState.RUNNING)

    @property
    def paused(self) -> NDArray[np.bool_]:
        """(n,): may be resumed."""
        return self._in_state(TrialState.PAUSED)

    @property
    def failed(self) -> NDArray[np.bool_]:
        """(n,): ended by an error."""
        return self._in_state(TrialState.FAILED)

    @property
    def stopped(self) -> NDArray[np.bool_]:
        """(n,): ended before its last epoch, because its metric was no longer finite or somebody stopped it."""
        return self._in_state(TrialState.STOPPED)

    @property
    def ended(self) -> NDArray[np.bool_]:
        """(n,): complete, stopped or failed; no step can follow."""
        return ~(self.running | self.paused)

    def _in_state(self, state: TrialState) -> NDArray[np.bool_]:
        return np.equal(self._states[: len(self)], _CODE[state])

    def at(self, epoch: int) -> NDArray[np.float64]:
        """(n,): each trial's metric at `epoch`, or the last one reported before it if that epoch had no report.

        NaN for a trial that is not that far yet. One that ended before it keeps its last value; inf stands
        for a trial that failed, diverged or never reported the metric.
        """
        values = self.curves[:, epoch - 1].copy()
        unreported = np.flatnonzero(np.isnan(values) & ((self.epochs >= epoch) | self.ended))
        if unreported.size:
            before = self.curves[unreported, :epoch]
            known = ~np.isnan(before)
            last = epoch - 1 - known[:, ::-1].argmax(axis=1)
            values[unreported] = np.where(known.any(axis=1), before[np.arange(len(before)), last], np.inf)
        values[self.failed] = np.inf
        return values

    def update(self, trials: Iterable[Trial], values: NDArray[np.float64]) -> None:
        """Take in new or changed trials, then new reports.

        trials: in order of number where they are new.
        values: (m, 3), rows of trial number, epoch, metric (lower is better), oldest first.
        """
        for trial in trials:
            if trial.number == len(self):
                self._make_room(trial.number + 1)
                self.notes.append(trial.note)
                self._points[trial.number] = self.space.encode(trial.params)
                self._curves[trial.number] = np.nan
            self._epochs[trial.number] = trial.epochs
            self._until[trial.number] = trial.until
            self._states[trial.number] = _CODE[trial.state]
        if len(values):
            numbers, epochs = values[:, 0].astype(np.int64), values[:, 1].astype(np.int64)
            within = epochs <= self.max_epochs
            self._curves[numbers[within], epochs[within] - 1] = values[within, 2]
            np.maximum.at(self._epochs, numbers, epochs)

    def _make_room(self, rows: int) -> None:
        if rows > len(self._epochs):
            size = max(16, 2 * rows)
            self._points = _grown(self._points, size)
            self._curves = _grown(self._curves, size)
            self._epochs = _grown(self._epochs, size)
            self._until = _grown(self._until, size)
            self._states = _grown(self._states, size)


def _grown(array: NDArray[_Scalar], rows: int) -> NDArray[_Scalar]:
    bigger = np.empty((rows, *array.shape[1:]), dtype=array.dtype)
    bigger[: len(array)] = array
    return bigger
