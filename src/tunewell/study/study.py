"""Ask, report, tell: the one place where space, scheduler and store meet.

A study is a log of training runs. `ask` reads the log and lets the scheduler say which run gets the next
epochs; `report` and `tell` append to it. The study itself remembers nothing that the log does not hold, so any
process can go on with it. Inside, everything minimizes: the sign of a metric turns here and in `log`.
"""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np

from tunewell.arrays import own_numerics
from tunewell.errors import (
    RepeatedFailure,
    ReportError,
    StepTaken,
    StoreError,
    StudyNotFound,
    TrainingTraceback,
    TrialEnded,
    TrialNotFound,
    last_line,
)
from tunewell.near_names import nearest
from tunewell.samplers import Sampler
from tunewell.schedulers import Scheduler
from tunewell.space.space import Space, SpaceLike, as_space
from tunewell.space.values import Value
from tunewell.stores import DamagedStudy, MemoryStore, Session, Store, StudyRecord, open_store
from tunewell.study.aims import Aims, Constraints, stated
from tunewell.study.branches import TWIN
from tunewell.study.budget import Budget
from tunewell.study.control import Control
from tunewell.study.damage import readable_study
from tunewell.study.decider import Decider
from tunewell.study.directive import Move
from tunewell.study.limits import check_unbounded
from tunewell.study.offered import Offered
from tunewell.study.plan import Plan, plan
from tunewell.study.reader import StudyReader, find_study
from tunewell.study.sessions import SessionLease
from tunewell.study.settings import (
    DEFAULT_NAME,
    DEFAULT_TIER,
    LAST_TIER,
    RECORDED,
    PastStudy,
    StudySettings,
    check_same,
)
from tunewell.study.space_versions import add_version
from tunewell.study.steering import Steering
from tunewell.study.steps import Progress, begun
from tunewell.trial import (
    DAMAGED,
    OPEN_END,
    RETRIED,
    WAIT,
    Checkpoint,
    Event,
    Step,
    Trial,
    TrialState,
    as_numbers,
    trial_number,
)

FAILURES_IN_A_ROW = 3
"""So many trials failing in a row with the same error stop a study: it is the code then, not the setting.

Where some went well before, so many more that with the share of those that failed chance hardly brings them about."""
_CHANCE = 1e-6


class Reported(NamedTuple):
    """The outcome of a report."""

    is_finite: bool
    """The study's metric is, as far as it was reported; otherwise the trial is over."""
    commands_wait: bool
    """There are commands to be taken up, to this trial or another."""


_FEW_METRICS = 6  # all are named beside the one that was probably meant


@final
class Study(Offered):
    """A search for the best setting of a space's parameters, kept in a store.

    It has a `reader`, through which all that is on record is read, a `steering`, through which commands go to its
    trials, and a `control` of the study as a whole; what these offer it offers too. Every method may be called from any
    thread.

    Example:
        >>> study = tw.Study({"rate": tw.Float(0.0, 1.0)}, metric="val_loss", max_epochs=3, budget=2, store="memory")
        >>> while (step := study.ask()) is not None:
        ...     for epoch in step.epochs:
        ...         _ = study.report(step.trial, epoch, val_loss=(step.params.rate - 0.3) ** 2 + 1 / epoch)
        ...     _ = study.tell(step.trial)
        >>> study.spent.epochs
        6
    """

    @own_numerics
    def __init__(
        self,
        space: SpaceLike,
        *,
        metric: str | None = None,
        direction: str | None = None,
        metrics: Mapping[str, str | None] | None = None,
        constraints: Constraints | None = None,
        max_epochs: int | None = None,
        budget: str | float | None = None,
        scheduler: str | Scheduler = "auto",
        sampler: str | Sampler | None = None,
        first: Sequence[Mapping[str, Value]] = (),
        warm_start: Sequence[PastStudy] = (),
        max_tier: int = DEFAULT_TIER,
        seed: int = 0,
        store: str | Path | Store | None = None,
        name: str | None = None,
        resume: bool = False,
        min_delta: float | None = None,
    ) -> None:
        """Begin a study, or go on with one.

        Args:
            space: what may be tuned: a `Space`, or a dict of parameters by name.
            metric: the name, among those reported, of what is optimized.
            direction: `minimize` or `maximize`; inferred from the metric's name where that says it.
            metrics: in place of both, several: `{"val_accuracy": "maximize", "latency_ms": "minimize"}`. The search is
                for their front; the first is the study's metric where one number is shown.
            constraints: on settings, a list of texts and functions (`"hidden * layers <= 4096"`,
                `lambda p: p.hidden <= 512`), which all that is tried meets; on what is reported, a dict
                (`{"memory_gb": "<= 8"}`), which the search learns; or a list of both.
            max_epochs: how many epochs a full training has; given by the first training if None.
            budget: what may be spent: `30` full trainings' worth of epochs, `"900epochs"`, `"100trials"`, `"2h"`; if
                None, 30, or what is on record when the study is resumed.
            scheduler: which run gets the next epochs; a name (`auto`, `full`, `halving`, ...) or a scheduler;
                `recorded`, where the study is resumed, for the one on record.
            sampler: where new settings come from; a name (`random`, `sobol`, `grid`) or a sampler. Only with a
                scheduler that is named, since a scheduler that is given has its own.
            first: settings to try before any other.
            warm_start: studies of the same kind of network on other data, which `auto` and `freeze_thaw` learn from.
            max_tier: parameters of a higher tier are held at their defaults.
            seed: of the search and, with the trial's number, of each trial. Same seed, same study (one worker).
            store: a path, a URL or a store; None keeps the study in memory.
            name: of the study in its store; `study` if None.
            resume: go on with the study of that name if there is one; its settings must be the same,
                but for the budget, which is replaced (it counts what was spent before).
            min_delta: end before the budget is spent when no step of the last five trainings' worth was expected to
                improve the metric by as much; if None, never, or what is on record when the study is resumed.

        Raises:
            SettingError: a setting cannot be used.
            StudyExists: the store has a study of that name, and `resume` is False.
        """
        settings = StudySettings(
            space=as_space(space),
            metric=metric,
            direction=direction,
            metrics=metrics,
            constraints=constraints,
            max_epochs=max_epochs,
            budget=budget,
            scheduler=scheduler,
            sampler=sampler,
            first=first,
            warm_start=warm_start,
            max_tier=max_tier,
            seed=seed,
            name=name,
            min_delta=min_delta,
        )
        opened = MemoryStore() if store is None else open_store(store) if isinstance(store, str | Path) else store
        known = _known(opened, name or DEFAULT_NAME) if resume else None
        requested, built = settings.define(known)
        if known is not None:
            check_same(known, requested, versions=len(opened.spaces(known.id)))
        record = opened.add_study(requested) if known is None else known
        self._lease = SessionLease(opened, record)
        # a cycle of references would keep the lease after the study is dropped
        self.reader: StudyReader = StudyReader(opened, record, seconds=self._lease.seconds)
        self._log = self.reader.log
        self._lock = self.reader.lock
        self.steering: Steering = Steering(self.reader, self._lease)
        # as on record, unless it is somebody's own
        decides = None if known is not None and isinstance(scheduler, str) else built
        is_on_record = min_delta is None
        self.decider: Decider = Decider(
            self.reader, decides, min_delta=record.min_delta if is_on_record else requested.min_delta
        )
        self.control: Control = Control(self.reader, self.decider)
        if budget is not None:
            self.reader.requested_budget = Budget.parse(requested.budget)
        self._sign = -1.0 if self.reader.maximize else 1.0
        self._is_joined = False
        self._progress: dict[int, Progress] = {}
        self.has_trained: bool = False
        """True once this process has put a report on record."""
        self._failures: list[str] = []
        if record.max_epochs is None and requested.max_epochs is not None:
            self._set_max_epochs(requested.max_epochs)

    @classmethod
    def open(cls, store: str | Path | Store, name: str | None = None) -> Study:
        """Return a study that a store has, to be read or gone on with.

        If `name` is None, it is the newest one that has an epoch on record and does not confirm another.

        Raises:
            StoreError: there is no such store.
            StudyNotFound: it has no such study.
        """
        opened, record = find_study(store, name)
        return cls(
            Space.from_dict(record.space),
            **stated(Aims.from_dict(record.aims, record.metric, record.direction)),
            scheduler=RECORDED,
            max_tier=LAST_TIER,
            seed=record.seed,
            store=opened,
            name=record.name,
            resume=True,
        )

    @classmethod
    def of(cls, settings: StudySettings, store: str | Path | Store | None = None, *, resume: bool = False) -> Study:
        """Return a study with these settings; the same as to name each of them."""
        return cls(
            settings.space,
            metric=settings.metric,
            direction=settings.direction,
            metrics=settings.metrics,
            constraints=settings.constraints,
            max_epochs=settings.max_epochs,
            budget=settings.budget,
            scheduler=settings.scheduler,
            sampler=settings.sampler,
            first=settings.first,
            warm_start=settings.warm_start,
            max_tier=settings.max_tier,
            seed=settings.seed,
            store=store,
            name=settings.name,
            resume=resume,
            min_delta=settings.min_delta,
        )

    def plan(self) -> Plan:
        """Return what is left of the study: when it will have spent its budget, and what an epoch costs.

        left = study.plan().time_left
        if left is not None:
            print(f"{left.low:.0f} to {left.high:.0f} s, in four of five cases")
        """
        return plan(self.reader)

    @property
    def budget(self) -> Budget:
        """The amount that may be spent."""
        return self.reader.budget

    @budget.setter
    def budget(self, budget: Budget) -> None:
        self.reader.requested_budget = budget

    def lengthen(self, max_epochs: int) -> None:
        """Let a full training have more epochs from now on; a budget of trainings stays what it was in epochs.

        Trials that have ended stay as they are.
        """
        budget = self.reader.budget
        if budget.unit == "trainings" and self._log.max_epochs is not None:
            self.budget = Budget(budget.epochs(self._log.max_epochs) or 0, "epochs")
        self._set_max_epochs(max_epochs)

    @own_numerics
    def ask(self) -> Step | None:
        """Return the next thing to train: a step, one whose `wait` is True, or None when the study is over.

        Raises:
            RepeatedFailure: the last three trials failed with the same error, or more of them where others went well.
            StudyBusy: another process is running the study.
        """
        with self._lock:
            if self._failures_repeat():
                error = self._failures[-1]
                raise RepeatedFailure(len(self._failures), error) from TrainingTraceback.of(error)
            session = self.begin_session()
            self._log.refresh()  # so that there is less to be read while others wait
            with self.reader.store.decision_lock(self.reader.record.id):
                return self._next_step(session)

    @own_numerics
    def again(self, trial: int) -> Step:
        """Return what is left of a step in progress, to be given out once more because what trained it has failed.

        Raises:
            TrialEnded: no step of the trial is in progress.
            StepTaken: another process counted this one as gone, and has taken the trial up.
        """
        trial = trial_number(trial)
        with self._lock:
            progress = self._in_progress(trial)
            self._log.refresh()
            if self._log.trials[trial].session != progress.session:
                del self._progress[trial]
                raise StepTaken(trial)
            # an epoch at least, though all was reported, or there is nothing to be tried
            done = min(int(self._log.history.epochs[trial]), self._log.trials[trial].until - 1)
            return self._give_out(self._log.trials[trial], done + 1)

    def retry(self, trial: int, *, by: str = "user") -> int:
        """Let a trial that failed be trained on, from its last checkpoint if it has one; return after which epoch.

        The process that runs the study takes it up before anything else, as does the next one that does.

        Raises:
            TrialEnded: it did not fail.
            TrialNotFound: there is no such trial.
            SettingError: who it is by is bounded.
        """
        check_unbounded(self.reader, by, "a trial may not be retried")
        trial = trial_number(trial)
        with self._lock:
            self._log.refresh()
            known = self._log.trials
            if not 0 <= trial < len(known):
                raise TrialNotFound(trial, len(known))
            # an epoch at least, though all was reported, or there is nothing to be tried
            done = min(int(self._log.history.epochs[trial]), known[trial].until - 1)
            self.reader.store.reopen_trial(self.reader.record.id, trial, done)
            data = {"error": last_line(known[trial].reason or "")}
            self.reader.store.add_event(
                self.reader.record.id, Event(RETRIED, time.time(), trial, done, by=by, data=data)
            )
            return done

    @own_numerics
    def extend(
        self,
        space: SpaceLike,
        *,
        held: Mapping[str, Value] | None = None,
        max_tier: int | None = None,
        by: str | None = None,
        why: str = "",
    ) -> tuple[str, ...]:
        """Go on with another space: wider, narrower, with parameters more or less; return what changed, a line each.

        Nothing is lost: trials so far stay, with their own values, and the search goes on learning from them. A study
        that another process runs takes the new space up at its next step.

        Args:
            space: what may be tuned from now on. A parameter that it lacks is held at a value.
            held: of a parameter that is added, the value that trials had so far; its default, if none is given. Of
                one that is taken away, the value that it has from now on; its default so far.
            max_tier: as of `Study`; if None, 3, but what the study tunes stays tuned.
            by: who, for the record; the user, if None.
            why: for the record.

        Raises:
            SpaceError: such a value is not known, or a parameter becomes another kind of thing.
            SettingError: the study's sampler cannot draw from the space; or who it is by is bounded.
        """
        check_unbounded(self.reader, by or "user", "the space may not be changed")
        with self._lock:
            space = as_space(space)
            kept = self.reader.space.tuned if max_tier is None else frozenset[str]()
            requested = space.hold(
                [name for name in space.names if space.tier(name) > (max_tier or 3) and name not in kept]
            )
            changes = add_version(
                self.reader.store,
                self.reader.record,
                self._log,
                requested,
                held or {},
                self.decider.check_drawn_from,
                by=by,
                why=why,
            )
            self.reader.record = replace(self.reader.record, space=self.reader.space.to_dict())
            return changes

    def report(self, trial: int, epoch: int, /, **metrics: float) -> bool:
        """Record what an epoch of a step measured; it is safe when this returns.

        Returns True if the trial should be trained on; False once the study's metric is no longer finite,
        which counts as the worst and ends the trial at `tell`.

        Raises:
            ReportError: a value is no number, the epoch is none of the step's, or the first report lacks the metric.
            TrialEnded: no step of the trial is in progress.
            StepTaken: another process counted this one as gone, and has taken the trial up.
        """
        # a NumPy integer would be stored as bytes
        return self.record_report(trial_number(trial), int(epoch), as_numbers(metrics)).is_finite

    def record_report(self, trial: int, epoch: int, metrics: Mapping[str, float]) -> Reported:
        """Record a report whose metrics were checked; the same as `report`, for those who run trials.

        Returns whether the study's metric is still finite, and whether commands wait to be taken up.
        """
        with self._lock:
            progress = self._in_progress(trial)
            if not progress.epoch < epoch <= progress.until:
                raise ReportError(
                    f"trial {trial} reported epoch {epoch}, but was asked for "
                    f"epochs {progress.epoch + 1} to {progress.until}; report each once, in order"
                )
            value = metrics.get(self.reader.metric)
            if value is None and not progress.measured:
                near = nearest(self.reader.metric, metrics)
                few = f" ({', '.join(metrics) or 'none'})" if near is None or len(metrics) <= _FEW_METRICS else ""
                meant = "" if near is None else f"did you mean {near!r}? If not, "
                raise ReportError(
                    f"the metric {self.reader.metric!r} is not among those reported{few}; "
                    f"{meant}name one that is as the metric, or report it from the first epoch on"
                )
            is_finite = value is None or math.isfinite(value)
            if not is_finite:
                value = self._sign * math.inf
            with self._letting_go(trial):
                n_waiting = self.reader.store.report(
                    self.reader.record.id,
                    trial,
                    epoch,
                    metrics,
                    value,
                    time.time(),
                    session=progress.session,
                    seconds=self._lease.seconds(self._log.seconds),
                )
            progress.epoch, progress.measured = epoch, True
            self.has_trained = True
            if not is_finite and progress.infinite_at is None:
                progress.infinite_at = epoch
            return Reported(is_finite, n_waiting > 0)

    @own_numerics
    def tell(
        self,
        trial: int,
        *,
        error: str | BaseException | None = None,
        ended: bool = False,
        held: bool = False,
        stopped: str | None = None,
    ) -> TrialState:
        """Record that a step is done; return the trial's state.

        Args:
            trial: whose step.
            error: why it failed, if it did: the exception, or a text such as its traceback.
            ended: the training is over, though the step has more epochs.
            held: it was paused by hand, within the step or at its end.
            stopped: why it was stopped by hand, if it was.

        Raises:
            TrialEnded: no step of the trial is in progress.
            StepTaken: another process counted this one as gone, and has taken the trial up.
        """
        trial = trial_number(trial)
        if isinstance(error, BaseException):
            error = "".join(traceback.format_exception(error))
        with self._lock:
            progress = self._in_progress(trial)
            over = ended or (progress.until == self._log.max_epochs and not (held and progress.epoch < progress.until))
            if error is None and not progress.measured:
                # a scheduler has nothing to go by, and would spend the whole budget on finding that out
                error = f"the step ended without a report of {self.reader.metric!r}; report it after each epoch"
            if progress.is_twin and not ended and stopped is None and not (held and progress.epoch < progress.until):
                stopped = "a twin, whose epochs are over"
            state, epochs, reason = progress.outcome(self.reader.metric, error, over=over)
            if ended:
                epochs = progress.epoch
            if stopped is not None and error is None:
                state, epochs, reason = TrialState.STOPPED, progress.epoch, stopped
            elif held and error is None and not state.ended:
                state, epochs = TrialState.HELD, progress.epoch
            # one that diverged says nothing of how long trainings are
            learned = progress.epoch if state is TrialState.COMPLETE and self._log.max_epochs is None else None
            with self._letting_go(trial):
                self.reader.store.end_step(
                    self.reader.record.id,
                    trial,
                    state,
                    epochs,
                    reason=reason,
                    at=time.time() if state.ended else None,
                    session=progress.session,
                    max_epochs=learned,
                )
            if learned is not None:
                self._log.refresh()
            del self._progress[trial]
            self._failures = [] if error is None else [*self._failures, error]
            return state

    def put_back(self, trial: int) -> None:
        """Let a trial pause where it is, in the middle of its step, and go on from there when the study does.

        Raises:
            TrialEnded: no step of the trial is in progress.
            StepTaken: another process counted this one as gone, and has taken the trial up.
        """
        trial = trial_number(trial)
        with self._lock:
            progress = self._in_progress(trial)
            with self._letting_go(trial):
                self.reader.store.end_step(
                    self.reader.record.id, trial, TrialState.PAUSED, progress.epoch, session=progress.session
                )
            del self._progress[trial]

    def close(self) -> None:
        """End this process's session; steps in progress are given out again when the study is resumed."""
        with self._lock:
            self._progress.clear()
            self._is_joined = False
            self._lease.end()

    @own_numerics
    def learn_max_epochs(self, n: int, trial: int) -> int:
        """Record that a full training has n epochs, as trial number `trial` says; return where its step ends.

        The first to say so decides. Its step was given out with an open end, because no scheduler can
        plan without that number; now the scheduler says where it would have ended.
        """
        with self._lock:
            self._log.refresh()
            progress, known = self._progress[trial], self._log.max_epochs
            n, learned = (n, n) if known is None else (known, None)
            if progress.until == OPEN_END:
                progress.until = self.decider.end_of_first_step(trial, n)
                # at once, or a study that is killed in between would go on otherwise than one that is not
                with self._letting_go(trial):
                    self.reader.store.revise_step(
                        self.reader.record.id, trial, until=progress.until, max_epochs=learned
                    )
            elif learned is not None:
                self.reader.store.change_study(self.reader.record.id, max_epochs=learned)
            self._log.refresh()
            return progress.until

    def add_retrained(self, trial: int, epochs: int, *, unreadable: str | None = None) -> None:
        """Record that epochs had to be trained a second time, because the trial's state was kept nowhere.

        The budget does not pay for them, whatever the reason: else a study that was killed would not be the study that
        it would have been.

        unreadable: what is wrong with the trial's checkpoint, if it has one.
        """
        with self._lock:
            self.reader.store.add_retrained(self.reader.record.id, trial, epochs)
            why: dict[str, Any] = {} if unreadable is None else {"unreadable": unreadable}
            self.add_event("retrained", trial=trial, epochs=epochs, **why)

    def add_checkpoint(self, trial: int, epoch: int, path: str, size: int) -> None:
        """Record a trial's newest checkpoint; `path` is relative to `checkpoint_folder`.

        Raises:
            StepTaken: the trial was this process's, and another has taken it up.
        """
        progress = self._progress.get(trial)
        checkpoint = Checkpoint(trial, epoch, path, size, time.time())
        self.reader.store.add_checkpoint(
            self.reader.record.id, checkpoint, session=None if progress is None else progress.session
        )

    def drop_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Forget a checkpoint, and delete its file."""
        self.reader.store.drop_checkpoint(self.reader.record.id, checkpoint.trial, checkpoint.epoch)
        if self.reader.checkpoint_folder is not None:
            (self.reader.checkpoint_folder / checkpoint.path).unlink(missing_ok=True)

    def add_event(self, kind: str, *, trial: int | None = None, epoch: int | None = None, **data: object) -> None:
        """Put on record that something happened."""
        self.reader.store.add_event(self.reader.record.id, Event(kind, time.time(), trial, epoch, data=data))

    def _next_step(self, session: Session) -> Step | None:
        while True:
            self._log.refresh()
            if self._log.is_paused and self.decider.is_waiting():
                return WAIT
            # what a session that is gone left in progress is given out again before anything new is decided, so
            # that a study that was killed and resumed is the study that it would have been
            step = self._taken_up(session)
            if step is not None:
                owed = self.steering.owed(step.trial)
                if step.epochs and owed.move is Move.CONTINUE:
                    return step
                # it was all reported, or it was to stop or to pause; only the last word was missing
                self.tell(step.trial, held=owed.held, stopped=owed.reason)
                continue
            self.steering.poll_at_rest()
            answer = self.decider.decide()
            if answer is None:
                return WAIT if self._log.history.running.any() or self.decider.is_waiting() else None
            trial = begun(answer, self._log.trials, session, self.reader.record.seed)
            first = trial.epochs + 1
            if self.reader.store.begin_step(self.reader.record.id, self._log.n_steps, trial):
                self.decider.expected_gains.note(trial, first, answer.note.get("why"))
                return self._give_out(trial, first)

    def _give_out(self, trial: Trial, first: int) -> Step:
        before = [] if first == 1 else self.reader.reports(trial.number)
        measured = [report for report in before if self.reader.metric in report.metrics]
        infinite = [report.epoch for report in measured if not math.isfinite(report.metrics[self.reader.metric])]
        self._progress[trial.number] = Progress(
            trial.until,
            first - 1,
            bool(measured) or (first > 1 and trial.parent is not None),  # what it begins as was measured
            min(infinite, default=None),
            trial.session,
            is_twin=TWIN in trial.note,
        )
        return Step(trial.number, trial.params, range(first, trial.until + 1), trial.seed)

    def _taken_up(self, session: Session) -> Step | None:
        """Take up what is left of a step whose session ended in the middle of it; None if there is no such step."""
        running = np.flatnonzero(self._log.history.running)
        others = [self._log.trials[n] for n in running if n not in self._progress]
        others = [trial for trial in others if trial.session != session.id]
        gone = self._lease.gone({trial.session for trial in others})
        for trial in others:
            if trial.session in gone or not trial.session:
                if self.reader.store.take_step(
                    self.reader.record.id, trial.number, of=trial.session, session=session.id
                ):
                    self._log.refresh()
                    done = int(self._log.history.epochs[trial.number])
                    self.add_event("interrupted", trial=trial.number, epoch=done)
                    return self._give_out(self._log.trials[trial.number], done + 1)
                self._log.refresh()  # somebody else was quicker
        return None

    def begin_session(self, *, join: bool = False) -> Session:
        """Run the study in this process from now on; `ask` does so by itself.

        join: beside other processes that run it. Steps are given out once, whoever asks; a trial goes on in another
            process if its own is gone.

        Raises:
            StudyBusy: another process is running the study, and it is not to be joined.
        """
        session = self._lease.session
        if session is None:
            self._is_joined |= join
            self._log.refresh()
            self._check_sound()
            session = self._lease.begin(self._log, join=self._is_joined)
            if not self._is_joined:
                self._record_settings()
            self._is_joined = True  # from now on; if it was counted as gone, others may have begun
        return session

    def _check_sound(self) -> None:
        """Check that nothing is damaged of what a decision rests on.

        Raises:
            StoreError: something is.
        """
        if any(trial.reason == DAMAGED for trial in self._log.trials) or self._log.has_misfits():
            raise StoreError(f"{self.url}: {DAMAGED}, or read it: nothing can be added to it")
        if isinstance(self.reader.record, DamagedStudy) or self._log.has_lost_space:
            raise StoreError(
                f"{self.url}: the row of study {self.name!r}, or its space, is damaged; restore the record from a "
                "copy, or read it: nothing can be added to it"
            )

    def _record_settings(self) -> None:
        """Record the settings of a study that is gone on with: only now is it known that no other process runs it."""
        now = replace(self.reader.record, budget=self._log.budget, is_paused=self._log.is_paused)
        new = replace(now, budget=str(self.reader.budget), min_delta=self.min_delta, is_paused=False)
        if new != now:
            self.reader.store.change_study(
                self.reader.record.id, budget=new.budget, min_delta=new.min_delta, is_paused=new.is_paused
            )
            self._log.refresh()
        self.reader.record, self.reader.requested_budget = new, None

    @contextmanager
    def _letting_go(self, trial: int) -> Iterator[None]:
        """Forget the trial's step if, inside the block, it is found that another process has taken it."""
        try:
            yield
        except (StepTaken, TrialEnded) as error:
            del self._progress[trial]
            if isinstance(error, TrialEnded):  # it was in progress here: another has taken it, and finished it since
                raise StepTaken(trial) from None
            raise

    def _set_max_epochs(self, n: int) -> None:
        self.reader.store.change_study(self.reader.record.id, max_epochs=n)
        self._log.refresh()

    def _failures_repeat(self) -> bool:
        n = len(self._failures)
        if n < FAILURES_IN_A_ROW or len(set(map(last_line, self._failures))) > 1:
            return False
        went_well = sum(trial.state is not TrialState.FAILED and trial.epochs > 0 for trial in self._log.trials)
        failed = sum(trial.state is TrialState.FAILED for trial in self._log.trials) - n
        share = (max(failed, 0) + 1) / (went_well + max(failed, 0) + 2)
        return not went_well or bool(share**n < _CHANCE)

    def _in_progress(self, trial: int) -> Progress:
        """Return how far a step that this process gave out has come.

        Raises:
            TrialEnded: no step of the trial is in progress here.
            TrialNotFound: there is no such trial.
        """
        progress = self._progress.get(trial)
        if progress is None:
            self._log.refresh()
            trials = self._log.trials
            if not 0 <= trial < len(trials):
                raise TrialNotFound(trial, len(trials))
            raise TrialEnded(trial, trials[trial].state)
        return progress


def _known(store: Store, name: str) -> StudyRecord | None:
    try:
        return readable_study(store, store.study(name))
    except StudyNotFound:
        return None
