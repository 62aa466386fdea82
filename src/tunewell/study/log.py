"""A study's log, read as it grows: its trials, their history, and what they have cost.

All of it is derived from the store, so whoever reads the log knows what whoever writes it knows.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tunewell.errors import StoreError
from tunewell.history import History
from tunewell.space.versions import UNPLACED, SpaceVersions
from tunewell.stores import Store, StudyRecord
from tunewell.study.aims import Aims
from tunewell.study.damage import readable_versions
from tunewell.study.front import Front, front
from tunewell.study.outcomes import Outcomes
from tunewell.trial import DAMAGED, OPEN_END, Trial, TrialState, damaged_trial

_LONGEST_GAP = 10_000


class Log:
    """The log of a study, as its store has it, up to the last `refresh`."""

    versions: SpaceVersions
    has_lost_space: bool

    def __init__(self, store: Store, study: StudyRecord) -> None:
        """Begin with no trials: the first `refresh` reads them."""
        self._store = store
        self._study = study
        self._study_id = study.id
        self._sign = -1.0 if study.direction == "maximize" else 1.0
        self.aims: Aims = Aims.from_dict(study.aims, study.metric, study.direction)
        self._begin(study.max_epochs)

    def _begin(self, max_epochs: int | None) -> None:
        self.max_epochs = max_epochs
        self.versions, self.has_lost_space = readable_versions(self._store, self._study)
        self.history: History = self.empty_history()
        self._outcomes = Outcomes(self._store, self._study_id, self.aims)
        self.trials: list[Trial] = []
        self.n_steps: int = 0
        """How many steps have been given out."""
        self.seconds: float = 0.0
        """For how long processes have run the study, as far as is on record."""
        self.n_waiting: int = 0
        """How many commands wait to be taken up."""
        self.budget: str = self._study.budget
        """As on record."""
        self.is_paused: bool = self._study.is_paused
        """Somebody has paused the study."""
        self.revision: int = 0
        """Up to which it has been read."""
        self._changed_at: dict[int, int] = {}
        """By trial: the revision with which it was read that it has changed; without those of the first reading."""
        self._read_first_at: int | None = None
        self._values_until = 0
        """The revision up to which the history has the reports' values."""
        self._spent = 0
        self._inherited = 0
        self._retrained = 0
        self._to_train_again: dict[int, int] = {}
        """By trial: epochs that it has reported, and whose record does not have them, since it failed after them."""
        self.n_fruitless: int = 0
        """How many trials failed before they had trained an epoch."""

    def empty_history(self, max_epochs: int | None = None) -> History:
        """Return the history of a study that has done nothing yet.

        max_epochs: of a full training, if that is not on record yet.
        """
        return History(self.versions.space, max_epochs or self.max_epochs, self.versions)

    def refresh(self) -> None:
        """Read what the log has gained."""
        changes = self._store.changes(self._study_id, self.revision)
        # the arrays have another width, or the trials other places, so start over
        while (changes.max_epochs, changes.n_spaces) != (self.max_epochs, len(self.versions.spaces)):
            self._begin(changes.max_epochs)
            changes = self._store.changes(self._study_id, 0)
        trials = list(_without_gaps(changes.trials, len(self.trials)))
        if len(self.versions.spaces) > 1:
            trials = [replace(trial, params=self.versions.complete(trial.params)) for trial in trials]
        new = [trial for trial in trials if trial.number >= len(self.trials)]
        changed = [trial for trial in trials if trial.number < len(self.trials)]
        self._count([self.trials[trial.number] for trial in changed], -1)
        for trial in changed:
            self.trials[trial.number] = trial
            self._to_train_again.pop(trial.number, None)
        self.trials += new
        running = [(number, epoch) for number, epoch in changes.reached if self._is_running(number)]
        for number, epoch in changes.reached:
            if not self._is_running(number):
                self._to_train_again[number] = epoch - self.trials[number].epochs
        self._count(trials, 1)
        if self._read_first_at is None:
            self._read_first_at = changes.revision
        else:
            known = self.history.epochs
            since = [trial.number for trial in trials]
            since += [number for number, epoch in changes.reached if number >= len(known) or epoch > known[number]]
            self._changed_at |= dict.fromkeys(since, changes.revision)
        self.history.update(trials)
        self.history.advance(running)
        self.revision = changes.revision
        self.n_steps = changes.n_steps
        self.n_waiting = changes.n_waiting
        self.seconds = changes.seconds
        self.budget = changes.budget or self.budget
        self.is_paused = changes.is_paused
        if self._values_until < self.revision:
            self.history.defer(_weakly(self._new_values))

    def changed_since(self, revision: int) -> list[int] | None:
        """Return the trials that were begun, or changed, or reported, after a revision; None if that is too long ago.

        It is if the log was not read by then, or had to be read anew since.
        """
        if self._read_first_at is None or revision < self._read_first_at:
            return None
        return sorted(number for number, at in self._changed_at.items() if at > revision)

    def _new_values(self) -> Iterator[NDArray[np.float64]]:
        until = self.revision
        for part in self._store.values(self._study_id, self._values_until, until):
            yield part[part[:, 0] < len(self.trials)] * (1.0, 1.0, self._sign)  # others have lost their trial
        self._values_until = until

    def _count(self, trials: Sequence[Trial], n: int) -> None:
        """Add what trials have cost n times, which may be -1."""
        self._spent += n * sum(map(self._cost, trials))
        self._inherited += n * sum(trial.parent_epoch or 0 for trial in trials)
        self._retrained += n * sum(trial.retrained for trial in trials)
        self.n_fruitless += n * sum(trial.state is TrialState.FAILED and not self._cost(trial) for trial in trials)

    def epochs_spent(self, besides: int | None = None) -> int:
        """Return the epochs that were trained, each once, or promised to running steps.

        besides: a running trial that is left out.
        """
        return self._spent - (0 if besides is None else self._cost(self.trials[besides]))

    def _cost(self, trial: Trial) -> int:
        """Return the epochs that a trial has trained itself, or that its step was promised."""
        if trial.state is not TrialState.RUNNING:
            return trial.epochs - trial.inherited + self._to_train_again.get(trial.number, 0)
        return trial.until - (trial.inherited if trial.until < OPEN_END else 0)  # an open end is promised all there is

    def _is_running(self, number: int) -> bool:
        return self.trials[number].state is TrialState.RUNNING

    def has_misfits(self) -> bool:
        """Return True if a trial's params are none that a space of the study ever had."""
        try:
            self.versions.encode_many([trial.params for trial in self.trials])
        except UNPLACED:
            return True
        return False

    def epochs_trained(self) -> int:
        """Return the epochs that were trained, each once: by the trial itself, not by the one that it branched from."""
        return int(self.history.epochs.sum()) - self._inherited + sum(self._to_train_again.values())

    def epochs_retrained(self) -> int:
        """Return the epochs that were trained a second time, which cost time but nothing of the budget."""
        return self._retrained

    @property
    def outcomes(self) -> Outcomes:
        """The metrics that count, and those with limits, up to the last `refresh`."""
        self._outcomes.refresh(self.trials, self.revision)
        return self._outcomes

    def front(self) -> Front:
        """Return the reports that no other betters in all metrics, without those that broke a limit."""
        return front(self.outcomes, ~self.history.broken)

    def best(self) -> tuple[int, int, float] | None:
        """Return trial, epoch and value, as reported, of the best report; None if no finite one is on record.

        Of several metrics it is the knee of the front. One that broke a limit is none. A trial that failed or diverged
        counts only where no other has reported anything.
        """
        if self.aims.are_several:
            found = self.front()
            place = found.knee
            if place is None:
                return None
            return int(found.trials[place]), int(found.epochs[place]), self._sign * float(found.values[place, 0])
        curves, broken = self.history.curves, self.history.broken
        if self.aims.limits:
            met = self.outcomes.meets_limits()
            met = np.pad(met, ((0, 0), (0, max(0, curves.shape[1] - met.shape[1]))), constant_values=True)
            curves = np.where(met[:, : curves.shape[1]], curves, np.nan)
        sound = self._lowest(np.where(broken[:, np.newaxis], np.nan, curves)) if broken.any() else None
        return sound or self._lowest(curves)

    def best_of(self, trial: int) -> tuple[int, float] | None:
        """Return epoch and value, as reported, of a trial's best report; None if it has no finite one."""
        found = self._lowest(self.history.curves[trial, np.newaxis])
        return None if found is None else found[1:]

    def _lowest(self, curves: np.ndarray) -> tuple[int, int, float] | None:
        finite = np.where(np.isfinite(curves), curves, np.inf)
        if not np.isfinite(finite).any():
            return None
        row, column = np.unravel_index(int(finite.argmin()), finite.shape)
        return int(row), int(column) + 1, self._sign * float(finite[row, column])


_Load = Callable[[], Iterable[NDArray[np.float64]]]


def _weakly(load: _Load) -> _Load:
    """Return a method that does not keep its object: a cycle of references would keep the store's files open."""
    method = weakref.WeakMethod(load)
    return lambda: () if (known := method()) is None else known()


def _without_gaps(trials: Sequence[Trial], known: int) -> Iterator[Trial]:
    """Yield the trials, by number; in place of one that a damaged record has lost, one that failed."""
    if [trial.number for trial in trials] == list(range(known, known + len(trials))):  # as they nearly always are
        yield from trials
        return
    for trial in trials:
        if trial.number - known > _LONGEST_GAP:
            raise StoreError(f"trial {trial.number} on record comes after {known} others: {DAMAGED}")
        while known < trial.number:
            yield damaged_trial(known)
            known += 1
        known = max(known, trial.number + 1)
        yield trial
