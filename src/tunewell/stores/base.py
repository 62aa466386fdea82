"""The interface of a store: the log of a study, from which everything else is derived."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tunewell.commands import Command
from tunewell.errors import StoreError
from tunewell.space.values import Value
from tunewell.trial import Checkpoint, Event, Report, Trial, TrialState, is_file_name


@dataclass(frozen=True, slots=True)
class StudyRecord:
    """The record of what a study was made with: enough to go on with it in another process."""

    name: str
    metric: str
    direction: str
    """`minimize` or `maximize`."""
    max_epochs: int | None
    """How many epochs a full training has; None until the first training tells."""
    budget: str
    """As `Budget` writes and reads it: `30trainings`, `900epochs`, `100trials`, `7200s`."""
    space: Mapping[str, object]
    """As `Space.to_dict` writes it; the newest version, where the study was extended."""
    scheduler: Mapping[str, object]
    """Name and settings, as `schedulers.describe` writes them."""
    seed: int
    created_at: float
    uuid: str
    """Names the study across stores."""
    min_delta: float = 0.0
    """It ends when no training is expected to improve the metric by as much; 0: only when the budget is spent."""
    is_paused: bool = False
    """No step is given out, and trainings pause after their epoch, until the study goes on."""
    aims: Mapping[str, object] = field(default_factory=dict)
    """As `Aims.to_dict` writes it: `metrics`, where there are several, and `limits` on what is reported."""
    id: int = 0
    """Its key in this store; the store gives it."""

    def __post_init__(self) -> None:
        """Check `uuid`, which names the folder of the study's checkpoints. Raises StoreError if it leads elsewhere."""
        if not is_file_name(self.uuid):
            raise StoreError(f"study {self.name!r} has {self.uuid!r} for a uuid; the record was tampered with")


class DamagedStudy(StudyRecord):
    """A study of which not everything can be read: it is shown, and not gone on with.

    What cannot be read is 0, or empty, unless something else on record tells it.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Session:
    """One process that ran a study: where, when, and with which code."""

    started_at: float
    host: str
    pid: int
    command: str
    directory: str
    git_commit: str | None = None
    git_dirty: bool | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    """Python's and the packages'."""
    process: str | None = None
    """When process `pid` began, as `boot:tick:namespace`; None where the system does not tell."""
    ended_at: float | None = None
    """None while it runs, or if it was killed."""
    beats: int = 0
    """Raised every few seconds for as long as it runs: whoever sees it stand still knows that it is gone."""
    id: int = 0


@dataclass(frozen=True, slots=True)
class SpaceVersion:
    """A study's space from some trial on: the first one, or what it was extended to."""

    number: int
    """Its place among the study's versions, from 1."""
    space: Mapping[str, object]
    """As `Space.to_dict` writes it."""
    at: float
    """Seconds since 1970 (UTC)."""
    by: str = "tunewell"
    held: Mapping[str, Value] = field(default_factory=dict)
    """Parameter -> the value that trials of earlier versions had of it, which their record lacks."""
    first_trial: int = 0
    """How many trials the study had before; the store says so."""


class DamagedSpace(SpaceVersion):
    """A version of a study's space that cannot be read; its `space` is empty."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """The additions to a study's log since a revision."""

    revision: int
    """Read from here next time."""
    n_steps: int
    """How many steps the study has given out in all."""
    max_epochs: int | None
    trials: Sequence[Trial]
    """New and changed ones, by number."""
    reached: Sequence[tuple[int, int]] = ()
    """Trials that have reported, by number, each with the highest epoch of its reports.

    Those that run, and new and changed ones that are to train again what they have reported already.
    """
    n_spaces: int = 1
    """How many versions of its space the study has."""
    n_waiting: int = 0
    """How many commands wait to be taken up."""
    seconds: float = 0.0
    """For how long processes have run the study: the most that was given to `beat`, `report` or `end_session`."""
    budget: str = ""
    """The study's, as it is now."""
    is_paused: bool = False
    """No step is given out, and trainings pause after their epoch."""


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A step that was given out: which epochs a trial was to train, and in which session."""

    number: int
    """From 0."""
    trial: int
    first: int
    """The first epoch."""
    until: int
    """The last one."""
    session: int
    at: float


@dataclass(frozen=True, slots=True)
class StudyContents:
    """All that is on record of a study at one moment, to be written to another store."""

    record: StudyRecord
    spaces: Sequence[SpaceVersion]
    sessions: Sequence[Session]
    """Trials and steps name them by their `id`."""
    trials: Sequence[Trial]
    steps: Sequence[StepRecord]
    reports: Iterable[tuple[Report, float | None]]
    """Each with the study's metric in it, as it was given to `report`. They may be many, so they are read anew, in
    parts, each time that somebody iterates over them."""
    n_reports: int
    events: Sequence[Event]
    checkpoints: Sequence[Checkpoint]
    commands: Sequence[Command]
    seconds: float = 0.0
    """For how long processes have run the study."""
    revision: int = 0
    """At which it was read."""


BECOMES = ("state", "epochs", "until", "ended_at", "reason", "note")
"""What may still become of a trial that is trained elsewhere."""


class Store(Protocol):
    """A keeper of studies.

    Laws, which `tunewell.testing.StoreContract` checks of every store:

    * What a method did is kept: it is committed before the method returns.
    * A method is one atomic step; a crash leaves all of it or nothing.
    * Numbers (of trials, of steps) count from 0 without a gap and are never given twice.
    * Only a running trial takes reports; an ended trial is frozen (`TrialEnded`).
    * What is read are values: to change one changes nothing in the store.
    * Mappings (a space, a note, an event's data) are plain JSON, in which a float may also be infinite or NaN.
    * Methods may be called from any thread; and, where the store is shared, from any process.
    * A store that cannot be written or read raises StoreError; so does writing to a study that is not there.
    """

    url: str
    """As the user would name it, with no password in it."""

    folder: Path | None
    """Where the checkpoints of its studies lie, in `.tunewell`; None if it is in memory."""

    def add_study(self, study: StudyRecord) -> StudyRecord:
        """Add a study, and return it with its `id`. Raises StudyExists."""
        ...

    def study(self, name: str) -> StudyRecord:
        """Return the study of a name. Raises StudyNotFound."""
        ...

    def studies(self) -> list[StudyRecord]:
        """Return every study, oldest first."""
        ...

    def change_study(
        self,
        study_id: int,
        *,
        max_epochs: int | None = None,
        budget: str | None = None,
        min_delta: float | None = None,
        is_paused: bool | None = None,
        event: Event | None = None,
    ) -> None:
        """Set what is given.

        event: is appended with it.
        """
        ...

    def add_space(self, study_id: int, version: SpaceVersion) -> bool:
        """Record a new version of the study's space, which is the study's space from now on.

        False, and nothing is written, if its number is not the next: somebody else was quicker, so look at the versions
        and decide again.
        """
        ...

    def spaces(self, study_id: int) -> list[SpaceVersion]:
        """Return all versions of the space, oldest first; the first is the one that the study was added with."""
        ...

    def begin_session(self, study_id: int, session: Session, *, newest: int | None = None) -> int | None:
        """Begin a session, and return its id, which is higher than those of the study's earlier sessions.

        newest: the id of the newest session that the caller knows of, 0 if it knows of none. None is returned, and no
            session begins, if the study has a newer one: somebody else was quicker, so look at the sessions and
            decide again.
        """
        ...

    def end_session(self, session_id: int, at: float, *, seconds: float = 0.0) -> None:
        """Record that a session ended in order.

        seconds: for how long processes have run the study, as far as the caller knows.
        """
        ...

    def beat(self, session_id: int, *, seconds: float = 0.0) -> bool:
        """Raise the `beats` of a session; False, and nothing is written, if it has ended or there is none.

        seconds: for how long processes have run the study, as far as the caller knows.
        """
        ...

    def sessions(self, study_id: int) -> list[Session]:
        """Return every session, oldest first."""
        ...

    def last_sign(self, session_id: int) -> float:
        """Return when it began, or a later time when a trial whose last step was its own reported, began or ended."""
        ...

    def decision_lock(self, study_id: int) -> AbstractContextManager[None]:
        """Hold the lock under which one process decides on a step inside the block, and others wait until it is over.

        So nobody decides in vain because somebody was quicker. It is advisory: one that is held too long is no longer
        respected, and correctness depends on the step's number alone.
        """
        ...

    def begin_step(self, study_id: int, step: int, trial: Trial) -> bool:
        """Record that the study's step number `step` runs `trial` (state RUNNING) through `trial.until`.

        A trial whose number is the next is added; a paused one becomes running, its `until`, `session` and `note` as
        given.
        False, and nothing is written, if the step number is not the next: somebody else was quicker, so look
        at the changes and decide again.

        Raises TrialEnded if the trial is there but not paused, TrialNotFound if its number would leave a gap.
        """
        ...

    def revise_step(self, study_id: int, trial: int, *, until: int, max_epochs: int | None = None) -> None:
        """Record that a running trial's step ends at another epoch.

        max_epochs: how many a full training has, if the trial has shown it; on record with the end of its step.

        Raises TrialEnded if it is not running, TrialNotFound.
        """
        ...

    def take_step(self, study_id: int, trial: int, *, of: int, session: int) -> bool:
        """Record that a running trial's step goes on in `session`, which takes it from the session `of`.

        False, and the trial is as it was, if it does not run, or not in that session: somebody else was quicker.
        Raises TrialNotFound.
        """
        ...

    def report(
        self,
        study_id: int,
        trial: int,
        epoch: int,
        metrics: Mapping[str, float],
        value: float | None,
        at: float,
        *,
        session: int | None = None,
        seconds: float = 0.0,
    ) -> int:
        """Add a report, and return how many commands wait to be taken up; while the study is paused, one more.

        value: the study's metric, finite or the infinity that is worst; None if it was not reported.
        session: who reports; None for whoever runs the trial.
        seconds: for how long processes have run the study, as far as the caller knows.

        Raises TrialEnded if the trial is not running, StepTaken if another session runs it, TrialNotFound.
        """
        ...

    def end_step(
        self,
        study_id: int,
        trial: int,
        state: TrialState,
        epochs: int,
        *,
        reason: str | None = None,
        at: float | None = None,
        session: int | None = None,
        max_epochs: int | None = None,
    ) -> None:
        """Set a running trial's state and epochs.

        at: when it ended, if it did.
        session: who says so; None for whoever runs the trial.
        max_epochs: how many a full training has, if the trial has shown it.

        Raises TrialEnded if it is not running, StepTaken if another session runs it, TrialNotFound.
        """
        ...

    def add_retrained(self, study_id: int, trial: int, epochs: int) -> None:
        """Add to the trial's count of epochs trained twice. Raises TrialNotFound."""
        ...

    def add_event(self, study_id: int, event: Event) -> None:
        """Append an event. Raises TrialNotFound if it names a trial that is not there."""
        ...

    def events(self, study_id: int, trial: int | None = None) -> list[Event]:
        """Return all events of a study or of one trial, oldest first."""
        ...

    def study_events(self, study_id: int, kind: str) -> list[Event]:
        """Return the events of a kind that name no trial, oldest first; quick, however many others there are."""
        ...

    def add_checkpoint(self, study_id: int, checkpoint: Checkpoint, *, session: int | None = None) -> None:
        """Record a trial's checkpoint, in place of the one it had of that epoch.

        session: whose it is; None for whoever ran the trial last.

        Raises StepTaken if another session ran the trial last, TrialNotFound.
        """
        ...

    def drop_checkpoint(self, study_id: int, trial: int, epoch: int) -> None:
        """Forget a checkpoint, if there is one: its file is deleted."""
        ...

    def checkpoints(self, study_id: int) -> list[Checkpoint]:
        """Return every checkpoint, by trial and epoch."""
        ...

    def add_command(self, study_id: int, command: Command) -> Command:
        """Add a command, which waits to be taken up, and return it with its `id`.

        Raises TrialEnded if the trial has, and it is not to be branched from or given a note; TrialNotFound.
        """
        ...

    def settle_command(self, study_id: int, done: Command, event: Event | None = None) -> bool:
        """Note that a command was taken up, with what came of it, or why it was refused.

        False, and nothing is written, if it was taken up already: somebody else was quicker.

        event: is appended with it.
        """
        ...

    def commands(self, study_id: int, *, waiting: bool = False, since: int = 0) -> list[Command]:
        """Return all commands, or those that wait, oldest first.

        since: without those that were neither sent nor taken up after this revision.
        """
        ...

    def steer_trial(
        self,
        study_id: int,
        trial: int,
        state: TrialState | None,
        *,
        reason: str | None = None,
        at: float | None = None,
        done: Command | None = None,
        event: Event | None = None,
    ) -> bool:
        """Set the state of a trial that is paused or held; all of it is there, or nothing.

        state: None leaves it as it is.
        at: when it ended, if it did.
        done: the command that requested it, with what came of it, which is noted too. If it was taken up already,
            False is returned, and nothing is written.
        event: is appended with all that.

        Raises TrialEnded if it is neither paused nor held, TrialNotFound.
        """
        ...

    def reopen_trial(self, study_id: int, trial: int, epochs: int) -> None:
        """Let a trial that failed be paused after an epoch. Raises TrialEnded if it did not fail, TrialNotFound."""
        ...

    def add_branch(
        self,
        study_id: int,
        trial: Trial,
        checkpoint: Checkpoint | None = None,
        *,
        done: Command | None = None,
        event: Event | None = None,
        stopped: str | None = None,
    ) -> bool:
        """Add a trial that begins as another's checkpoint, in the state that it has; all of it is there, or nothing.

        checkpoint: what the trial begins with, on record with it.
        done: the command that requested it, with what came of it, which is noted too. If it was taken up already,
            False is returned, and nothing is added.
        event: is appended with all that.
        stopped: why the trial that the command is for, which is paused or held, is stopped with it.

        Raises TrialEnded if its number is taken, or if the other is neither paused nor held; TrialNotFound if it would
        leave a gap.
        """
        ...

    def changes(self, study_id: int, since: int) -> Changes:
        """Return all that happened after revision `since` (0: everything), consistent in itself.

        Of reports it says how far they are; what they measured is for `values`, which may be many.
        """
        ...

    def values(self, study_id: int, since: int, until: int) -> Iterator[NDArray[np.float64]]:
        """Yield the study's metric in the reports after revision `since` up to `until`, oldest first, in parts.

        Each part is (m, 3): trial number, epoch, the metric as reported. Reports without it are left out.
        """
        ...

    def reports(self, study_id: int, trial: int | None = None) -> list[Report]:
        """Return all reports of a study or of one trial, oldest first, metrics as reported, NaN and infinity too."""
        ...

    def contents(self, study_id: int) -> StudyContents:
        """Return all that is on record of a study, consistent in itself, whoever writes to it meanwhile.

        Raises StoreError if a part of it cannot be read: then, or while the reports are iterated over.
        """
        ...

    def add_contents(self, contents: StudyContents) -> StudyRecord:
        """Add a study with all that has happened in it, and return it with its `id`; all of it is there, or nothing.

        Its sessions and commands get ids of their own, in the same order, and its trials name the sessions by these.

        Raises StudyExists if the name, or the uuid, is taken.
        """
        ...

    def replace_contents(self, study_id: int, contents: StudyContents) -> bool:
        """Write this in place of all that is on record of a study, but for its name and uuid; or nothing.

        False, and nothing is written, if the study is not at `contents.revision` any more: somebody has written to it,
        so look at it and decide again. For its readers all of it is new.
        """
        ...

    def new_reports(self, study_id: int, since: int, until: int) -> list[Report]:
        """Return the reports after revision `since` up to `until`, oldest first, each with all its metrics."""
        ...

    def add_recorded(
        self,
        study_id: int,
        trials: Sequence[Trial],
        reports: Sequence[tuple[Report, float | None]] = (),
        events: Sequence[Event] = (),
    ) -> None:
        """Add trials that were trained elsewhere, or what has become of them since; all of it is there, or nothing.

        A trial whose number is the next is added as it is; of one that is there, what it was begun with stays, and
        state, epochs, until, end, reason and note are as given.

        trials: by number; each has session 0, and is not running, since nobody trains it here.
        reports: to be appended, each with the study's metric as `report` takes it.
        events: to be appended.

        Raises TrialEnded if a session has trained a trial here, TrialNotFound if a number would leave a gap.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
