"""What can be read of a study: its trials, their reports, the best of them. Nothing here changes anything.

All of it comes from the log, so a study that another process runs is read in the same way.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tunewell.analysis.bounds import AtBound, at_bounds
from tunewell.analysis.decisions import Decision, Outlook, decisions, outlook, since_extended
from tunewell.analysis.lineage import Segment, live_values, owner, schedule
from tunewell.analysis.twins import Difference, difference
from tunewell.errors import MissingExtra, RecordError, SettingError, StoreError, TrialEnded, TrialNotFound
from tunewell.history import History
from tunewell.space.space import Space
from tunewell.space.values import Params, Value
from tunewell.stores import Store, StudyRecord
from tunewell.study.budget import Budget
from tunewell.study.log import Log
from tunewell.study.steering import TWIN, checked, refused_event
from tunewell.study.table import trial_rows
from tunewell.trial import Command, Event, Report, Trial

if TYPE_CHECKING:
    import pandas as pd

_OfTrial = TypeVar("_OfTrial", Report, Event)


@dataclass(frozen=True, slots=True)
class Best:
    """The best report so far."""

    trial: int
    epoch: int
    value: float
    """The study's metric, as reported."""
    params: Params


class StudyReader:
    """A study as it is on record. Every method may be called from any thread."""

    def _read(self, store: Store, record: StudyRecord) -> None:
        self.store = store
        self.record = record
        self.metric = record.metric
        self.maximize = record.direction == "maximize"
        self.budget = Budget.parse(record.budget)
        self._lock = threading.RLock()
        self._log = Log(store, record)
        self._is_still = False

    @property
    def space(self) -> Space:
        """What may be tuned; of a study that was extended, as it is since."""
        return self._log.versions.space

    @property
    def max_epochs(self) -> int | None:
        """How many epochs a full training has; None until the first training tells."""
        return self._log.max_epochs

    @property
    def checkpoint_folder(self) -> Path | None:
        """Where this study's checkpoints lie; None if its store is in memory."""
        folder = self.store.folder
        return None if folder is None else folder / ".tunewell" / self.record.uuid

    @property
    def best(self) -> Best:
        """The trial, epoch and value of the best report so far.

        Raises:
            StoreError: no finite value has been reported yet.
        """
        found = self.best_so_far
        if found is None:
            raise StoreError(f"study {self.record.name!r} has no finite {self.metric!r} on record yet")
        return found

    @property
    def best_so_far(self) -> Best | None:
        """The same; None if no finite value has been reported yet."""
        with self._lock:
            self._look()
            found = self._log.best()
            if found is None:
                return None
            trial, epoch, value = found
            return Best(trial, epoch, value, self._log.trials[trial].params)

    @property
    def trials(self) -> list[Trial]:
        """All trials, by number."""
        with self._lock:
            self._look()
            return list(self._log.trials)

    @property
    def history(self) -> History:
        """What samplers and schedulers see: all trials as arrays, lower is better."""
        with self._lock:
            self._look()
            return self._log.history.view()

    def best_of(self, trial: int) -> tuple[int, float] | None:
        """The epoch and value of a trial's best report; None if it has no finite one."""
        with self._lock:
            self._look()
            return self._log.best_of(trial)

    @contextmanager
    def still(self) -> Iterator[None]:
        """Inside, the trials and their history stay as they are now, so that answers fit together.

        For readers of a study that another process runs.
        """
        self._look()
        self._is_still = True
        try:
            yield
        finally:
            self._is_still = False

    def reports(self, trial: int | None = None) -> list[Report]:
        """Every report, or a trial's, with all its metrics, oldest first."""
        return self._known(self.store.reports(self.record.id, trial))

    def events(self, trial: int | None = None) -> list[Event]:
        """Every event, or a trial's, oldest first."""
        return self._known(self.store.events(self.record.id, trial))

    def why(self, trial: int) -> list[Decision]:
        """Why a trial was started, and resumed each time: what the scheduler's model expected of it.

        Empty for one of the first settings, before a model knows anything, and for schedulers without a model.
        """
        return decisions(self.events(trial), maximize=self.maximize)

    def outlook(self) -> Outlook | None:
        """What one more training is expected to bring; None while no model has made ten decisions in this space."""
        return outlook(decisions(since_extended(self.events()), maximize=self.maximize))

    def schedule(self, trial: int) -> list[Segment]:
        """The values of a trial's parameters by epochs, from the first one on, with those that it branched from.

        Raises:
            TrialNotFound: there is no such trial.
        """
        trials = self.trials
        if not 0 <= trial < len(trials):
            raise TrialNotFound(trial, len(trials))
        return schedule(trials, self.commands(), trial, int(self.history.epochs[trial]))

    def commands(self, trial: int | None = None) -> list[Command]:
        """What was asked of all trials, or of one, oldest first, with what came of it."""
        return [one for one in self.store.commands(self.record.id) if trial in (None, one.trial)]

    def steer(self, trial: int, kind: str, *, by: str = "user", why: str = "", **data: object) -> Command:
        """Ask something of a trial; the process that runs the study takes it up at the trial's next epoch.

        Args:
            trial: which.
            kind: `pause`, `resume`, `stop`, `checkpoint`; `set` with `name` and `value`, of a live parameter; `note`
                with `text`; `rewind` with `epoch`: end the trial, and go on as it was after that epoch (0: from its
                seed); `branch`, with an earlier `epoch` if need be: another trial that goes on from there; both with a
                `setting` of changed values if need be.
            by: who, or which rule.
            why: for the record.
            **data: what the kind takes.

        Raises:
            SettingError: it cannot be meant: an unknown parameter, one that is not live, a value outside its range, an
                epoch of which no checkpoint is kept.
            TrialNotFound: there is no such trial.
            TrialEnded: the trial has.
        """
        command = self._checked(Command(trial, kind, time.time(), by=by, why=why, data=data))
        return self.store.add_command(self.record.id, command)

    def _checked(self, command: Command) -> Command:
        """The command with what it needs to know; if it is refused at once, that is on record too."""
        trials, number = self.trials, command.trial
        if not 0 <= number < len(trials):
            raise TrialNotFound(number, len(trials))
        trial, epochs = trials[number], int(self.history.epochs[number])
        # what a branch or a rewind goes back to may be of a trial that this one comes from
        saved = [one for one in self.store.checkpoints(self.record.id) if owner(trials, number, one.epoch) == one.trial]
        try:
            return replace(command, data=checked(command.kind, trial, epochs, self.space, saved, command.data))
        except (SettingError, TrialEnded) as refusal:
            self.store.add_event(self.record.id, refused_event(command, epochs, str(refusal)))
            raise

    def set_with_twin(
        self, trial: int, name: str, value: Value, *, epochs: int, by: str = "user", why: str = ""
    ) -> tuple[Command, Command]:
        """Set a live value, and let a twin go on without it for so many epochs, where a worker is free; both commands.

        `twins` says what came of it.

        Raises:
            SettingError: the value cannot be set.
            TrialNotFound: there is no such trial.
            TrialEnded: the trial has.
        """
        asked = {"name": name, "value": value}
        self._checked(Command(trial, "set", time.time(), by=by, why=why, data=asked))  # before there is a twin
        now = {**self.trials[trial].params, **{each: held for _, each, held in live_values(self.commands(), trial)}}
        old, told = {name: now[name]}, f"twin of {name}={value}"
        twin = self.steer(trial, "branch", by=by, why=told, setting=old, epochs=epochs)
        return self.steer(trial, "set", by=by, why=why, name=name, value=value), twin

    def twins(self) -> dict[int, Difference]:
        """By the twin's number, what the change that it did not make has done to the trial that did; of those known."""
        curves = self.history.curves
        found = {}
        for trial in self.trials:
            if TWIN in trial.note and trial.parent is not None:
                one = difference(curves[trial.parent], curves[trial.number], int(trial.parent_epoch or 0))
                if one is not None:
                    found[trial.number] = one
        return found

    def run_record(self, trial: int) -> dict[str, Any]:
        """A trial as the record of a training run, for `tunewell.diagnose`: reports by epoch, the setting as config.

        Raises:
            TrialNotFound: there is no such trial.
            RecordError: it has reported nothing yet.
        """
        from tunewell.diagnosis.readers import of_trial  # noqa: PLC0415  its rules are many, and few programs ask

        trials = self.trials
        if not 0 <= trial < len(trials):
            raise TrialNotFound(trial, len(trials))
        reports = self.reports(trial)
        if not reports:
            raise RecordError(f"trial {trial} of study {self.record.name!r} has reported nothing yet; try another")
        return of_trial(trials[trial], reports, self.max_epochs)

    def at_bounds(self) -> list[AtBound]:
        """Parameters whose best values lie at an end of their range, and how far to extend it."""
        return at_bounds(self.history)

    def trials_dataframe(self) -> pd.DataFrame:
        """One row a trial: number, state, value and epoch of its best report, epochs, parameters, times.

        Raises:
            MissingExtra: pandas is not installed.
        """
        try:
            import pandas as pd  # noqa: PLC0415  an extra, and slow to import
        except ImportError:
            raise MissingExtra("pandas", "pandas", "trials_dataframe()") from None
        return pd.DataFrame(self.trial_rows())

    def trial_rows(self) -> list[dict[str, object]]:
        """The trials as flat rows, the same columns in each: what tables and exports show.

        A parameter or metric with the name of another column goes by `param_...` or `metric_...`.
        """
        with self._lock:
            self._look()
            return trial_rows(self._log, self.metric, self.space.names)

    def _look(self) -> None:
        if not self._is_still:
            self._log.refresh()

    def _known(self, records: list[_OfTrial]) -> list[_OfTrial]:
        """Without those of trials that came after a reader asked for stillness."""
        if not self._is_still:
            return records
        return [record for record in records if record.trial is None or record.trial < len(self._log.trials)]
