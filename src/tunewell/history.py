"""The trials of a study as arrays: all that samplers and schedulers know.

Shapes: n trials, d parameters, c epochs that any trial has reported so far. Lower is better: the study has turned
the sign. The arrays grow in place, so that a decision at 10,000 trials costs no re-reading; and they are as wide as
what has been reported, not as a full training, which may have a million epochs.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tunewell.space.space import Space
from tunewell.space.versions import UNPLACED, SpaceVersions
from tunewell.trial import OPEN_END, Trial, TrialState

_Scalar = TypeVar("_Scalar", bound=np.generic)
_STATES = tuple(TrialState)
_NAMES = np.array([str(state) for state in _STATES], dtype=object)
_CODE = {state: code for code, state in enumerate(_STATES)}


class History:
    """The trials of a study as arrays, row i being trial number i. Readers do not write to them."""

    def __init__(self, space: Space, max_epochs: int | None, versions: SpaceVersions | None = None) -> None:
        """Make an empty history.

        space: today's.
        max_epochs: how many epochs a full training has; None while that is not known.
        versions: the versions of the space, if there were others.
        """
        self.space = space
        self.versions: SpaceVersions = SpaceVersions((space,)) if versions is None else versions
        self.max_epochs: int = max_epochs or 1
        """The number of epochs of a full training; 1 while that is not known."""
        self._longest = max_epochs or OPEN_END
        self._n = 0
        self._new: list[Trial] = []
        """Trials whose points have not been read yet."""
        self._load: Callable[[], Iterable[NDArray[np.float64]]] | None = None
        self._notes: list[Mapping[str, object]] = []
        self._points = np.empty((0, len(space.params)))
        self._curves = np.empty((0, 0))
        self._reported = 0
        self._excess: NDArray[np.float64] | None = None
        self._epochs = np.empty(0, dtype=np.int64)
        self._until = np.empty(0, dtype=np.int64)
        self._states = np.empty(0, dtype=np.int8)

    def __len__(self) -> int:
        return self._n

    def view(self) -> History:
        """Return the history as of now, without a copy; it does not grow while another thread reads it."""
        self._catch_up()
        view = copy.copy(self)
        view._new = []  # noqa: SLF001  our own; what comes later is not for it
        return view

    def seen_as(self, curves: NDArray[np.float64], excess: NDArray[np.float64] | None = None) -> History:
        """Return the history with other curves in place of the metric's, (n, c), and what is known of limits.

        excess: (n, number of limits): above 0 where a trial broke a limit, NaN where nothing is known.
        """
        seen = self.view()
        seen._curves = np.full_like(self._curves, np.nan)  # noqa: SLF001  our own, which nobody else has
        seen._curves[: curves.shape[0], : curves.shape[1]] = curves  # noqa: SLF001
        seen._excess = excess  # noqa: SLF001
        return seen

    @property
    def excess(self) -> NDArray[np.float64]:
        """(n, number of limits): how far each is beyond them, above 0 if it broke one, NaN if not known."""
        return np.empty((len(self), 0)) if self._excess is None else self._excess

    @property
    def infeasible(self) -> NDArray[np.bool_]:
        """(n,): known to have broken a limit on what is reported."""
        found: NDArray[np.bool_] = np.asarray((self.excess > 0).any(axis=1))
        return found

    @property
    def notes(self) -> list[Mapping[str, object]]:
        """The notes that schedulers wrote on each trial."""
        return self._notes if len(self._notes) == self._n else self._notes[: self._n]

    @property
    def points(self) -> NDArray[np.float64]:
        """(n, d): each trial in the unit cube; NaN where a parameter is inactive.

        A trial of an earlier version of the space may lie outside [0, 1].
        """
        self._catch_up()
        return self._points[: len(self)]

    @property
    def curves(self) -> NDArray[np.float64]:
        """(n, c): the metric by epoch, lower is better; inf where it was not finite, NaN where none was reported."""
        self._catch_up()
        return self._curves[: len(self), : self._reported]

    @property
    def lowest(self) -> NDArray[np.float64]:
        """(n,): the best finite value of each trial; inf where there is none."""
        curves = self.curves
        found: NDArray[np.float64] = np.where(np.isfinite(curves), curves, np.inf).min(axis=1, initial=np.inf)
        return found

    @property
    def epochs(self) -> NDArray[np.int64]:
        """(n,): the last epoch that each trial is known to have trained."""
        return self._epochs[: len(self)]

    @property
    def until(self) -> NDArray[np.int64]:
        """(n,): the epoch at which each trial's last step ends; a running trial is promised that much."""
        return self._until[: len(self)]

    @property
    def states(self) -> NDArray[np.object_]:
        """(n,): the name of each trial's state."""
        names: NDArray[np.object_] = _NAMES[self._states[: len(self)]]
        return names

    @property
    def running(self) -> NDArray[np.bool_]:
        """(n,): a step is in progress."""
        return self._in_state(TrialState.RUNNING)

    @property
    def paused(self) -> NDArray[np.bool_]:
        """(n,): may be resumed."""
        return self._in_state(TrialState.PAUSED)

    @property
    def held(self) -> NDArray[np.bool_]:
        """(n,): paused by hand; no scheduler may resume it."""
        return self._in_state(TrialState.HELD)

    @property
    def failed(self) -> NDArray[np.bool_]:
        """(n,): ended by an error."""
        return self._in_state(TrialState.FAILED)

    @property
    def stopped(self) -> NDArray[np.bool_]:
        """(n,): ended before its last epoch, because its metric was no longer finite or somebody stopped it."""
        return self._in_state(TrialState.STOPPED)

    @property
    def broken(self) -> NDArray[np.bool_]:
        """(n,): ended by an error, or because its metric was no longer finite: what it reported before is no result."""
        stopped = np.flatnonzero(self.stopped)
        broken = self.failed
        broken[stopped] = np.isinf(self.curves[stopped]).any(axis=1)
        return broken

    @property
    def proven(self) -> NDArray[np.bool_]:
        """(n,): known to train where others failed: complete, or beyond the epoch at which half of those had."""
        broken = self.broken
        complete = self._in_state(TrialState.COMPLETE)
        if not broken.any():
            return complete
        beyond: NDArray[np.bool_] = self.epochs > np.median(self.epochs[broken])
        return ~broken & (beyond | complete)

    @property
    def ended(self) -> NDArray[np.bool_]:
        """(n,): complete, stopped, failed or held: no step of a scheduler's can follow."""
        return ~(self.running | self.paused)

    def _in_state(self, state: TrialState) -> NDArray[np.bool_]:
        return np.equal(self._states[: len(self)], _CODE[state])

    def at(self, epoch: int) -> NDArray[np.float64]:
        """Return each trial's metric at `epoch`, (n,), or the last one reported before it if it had no report.

        NaN for a trial that is not that far yet. One that ended before it keeps its last value; inf stands
        for a trial that failed, diverged or never reported the metric.
        """
        curves = self.curves[:, :epoch]
        values = curves[:, epoch - 1].copy() if epoch <= self._reported else np.full(len(self), np.nan)
        unreported = np.flatnonzero(np.isnan(values) & ((self.epochs >= epoch) | self.ended))
        if unreported.size:
            values[unreported] = _last_known(curves[unreported])
        values[self.failed] = np.inf
        return values

    def update(self, trials: Sequence[Trial], values: NDArray[np.float64] | None = None) -> None:
        """Take in new or changed trials, then new reports.

        trials: in order of number where they are new.
        values: (m, 3), rows of trial number, epoch, metric (lower is better), oldest first.
        """
        known = len(self)
        new = [trial for trial in trials if trial.number >= known]
        self._make_room(known + len(new))
        numbers = [trial.number for trial in trials]
        if trials:
            # a running trial's record tells what it had when its step began
            goes_on = [trial.state is TrialState.RUNNING and trial.number < known for trial in trials]
            before = np.where(goes_on, self._epochs[numbers], 0)
            self._epochs[numbers] = np.maximum(before, [trial.epochs for trial in trials])
            self._until[numbers] = [trial.until for trial in trials]
            self._states[numbers] = [_CODE[trial.state] for trial in trials]
        # what is there already is complete before the count says that there is more
        self._notes += [trial.note for trial in new]
        for trial in trials:
            self._notes[trial.number] = trial.note
        self._new += new
        self._n = known + len(new)
        if values is not None and len(values):
            self.curves  # noqa: B018  those that came before
            self._take(values)
            np.maximum.at(self._epochs, values[:, 0].astype(np.int64), values[:, 1].astype(np.int64))

    def advance(self, reached: Sequence[tuple[int, int]]) -> None:
        """Take in how far running trials are: number, epoch."""
        for number, epoch in reached:
            self._epochs[number] = max(self._epochs[number], epoch)

    def defer(self, load: Callable[[], Iterable[NDArray[np.float64]]]) -> None:
        """Register more reports, in parts as `update` takes them, to be read when the curves are first needed."""
        self._load = load

    def _take(self, values: NDArray[np.float64]) -> None:
        numbers, epochs = values[:, 0].astype(np.int64), values[:, 1].astype(np.int64)
        within = epochs <= self._longest
        reported = max(self._reported, int(epochs[within].max(initial=0)))
        self._widen(reported)
        self._reported = reported
        self._curves[numbers[within], epochs[within] - 1] = values[within, 2]

    def _catch_up(self) -> None:
        """Take in what was deferred, and the points and the beginnings of new trials."""
        load, new = self._load, self._new
        if load is None and not new:
            return
        self._points = _grown(self._points, len(self._states), self._points.shape[1])
        self._widen(self._reported)
        if new:
            numbers = slice(new[0].number, new[-1].number + 1)
            self._points[numbers] = self._encoded(new)
        for part in () if load is None else load():
            self._take(part)
        for trial in new:
            if trial.parent is not None and trial.parent_epoch is not None:
                # what the trial that it branched from had reported by then is its curve too
                shared = min(trial.parent_epoch, self._reported)
                self._curves[trial.number, :shared] = self._curves[trial.parent, :shared]
        self._load, self._new = None, []  # only now: if reading fails, it is read again

    def _encoded(self, trials: Sequence[Trial]) -> NDArray[np.float64]:
        """Return (n, d): the trials in the unit cube; NaN for one with values that no space has had."""
        try:
            return self.versions.encode_many([trial.params for trial in trials])
        except UNPLACED:
            if len(trials) > 1:
                half = len(trials) // 2
                return np.vstack([self._encoded(trials[:half]), self._encoded(trials[half:])])
            return np.full((1, len(self.space.params)), np.nan)

    def _make_room(self, trials: int) -> None:
        if trials > len(self._states):
            rows = max(16, 2 * trials)
            self._epochs = _grown(self._epochs, rows)
            self._until = _grown(self._until, rows)
            self._states = _grown(self._states, rows)

    def _widen(self, epochs: int) -> None:
        """Make room for all trials, and for so many epochs."""
        rows, columns = len(self._states), self._curves.shape[1]
        if epochs > columns:
            columns = min(max(16, 2 * epochs), self._longest)
        if (rows, columns) != self._curves.shape:
            self._curves = _grown(self._curves, rows, columns)


def _last_known(curves: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the last value of each row that is not NaN, (k, c) -> (k,); inf if there is none."""
    if not curves.size:
        return np.full(len(curves), np.inf)
    known = ~np.isnan(curves)
    last = curves.shape[1] - 1 - known[:, ::-1].argmax(axis=1)
    return np.where(known.any(axis=1), curves[np.arange(len(curves)), last], np.inf)


def _grown(array: NDArray[_Scalar], *shape: int) -> NDArray[_Scalar]:
    """Return a larger array with the same beginning; NaN, or 0 among integers, elsewhere."""
    fill = np.nan if np.issubdtype(array.dtype, np.floating) else 0
    bigger = np.full(shape, fill, dtype=array.dtype)
    bigger[tuple(slice(n) for n in array.shape)] = array
    return bigger
