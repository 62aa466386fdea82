"""Ask, report, tell: the one place where space, scheduler and store meet.

A study is a log of training runs. `ask` reads the log and lets the scheduler say which run gets the next
epochs; `report` and `tell` append to it. The study itself remembers nothing that the log does not hold, so any
process can go on with it. Inside, everything minimizes: the sign of a metric turns here and in `log`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tunewell.errors import (
    RepeatedFailure,
    ReportError,
    SettingError,
    StepTaken,
    StoreError,
    StudyNotFound,
    TrialEnded,
    TrialNotFound,
    last_line,
)
from tunewell.history import History
from tunewell.samplers import Sampler
from tunewell.schedulers import Scheduler, build
from tunewell.space.space import Space
from tunewell.space.values import Value
from tunewell.space.versions import SpaceVersions
from tunewell.stores import MemoryStore, Session, Store, StudyRecord, open_store
from tunewell.study.budget import Budget
from tunewell.study.reader import StudyReader
from tunewell.study.sessions import SessionLease, seconds_on_record
from tunewell.study.settings import DEFAULT_NAME, check_same, confirms, define
from tunewell.study.space_versions import add_version
from tunewell.study.steered import Steered
from tunewell.study.steps import ExpectedGains, Progress, begun
from tunewell.trial import OPEN_END, RETRIED, WAIT, Allowance, Event, Resume, Start, Step, Trial, TrialState, as_numbers

FAILURES_IN_A_ROW = 3
"""So many trials failing in a row with the same error stop a study: it is the code then, not the setting."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What a study has cost so far; what running steps were promised counts as spent."""

    epochs: int
    trials: int
    seconds: float


class Study(Steered):
    """A search for the best setting of a space's parameters, kept in a store.

    Every method may be called from any thread.
    """

    def __init__(
        self,
        space: Space,
        *,
        metric: str,
        direction: str | None = None,
        max_epochs: int | None = None,
        budget: str | float | None = None,
        scheduler: str | Scheduler = "auto",
        sampler: str | Sampler | None = None,
        first: Sequence[Mapping[str, Value]] = (),
        warm_start: Sequence[StudyReader] = (),
        max_tier: int = 3,
        seed: int = 0,
        store: str | Path | Store | None = None,
        name: str | None = None,
        resume: bool = False,
        min_delta: float | None = None,
    ) -> None:
        """Begin a study, or go on with one.

        Args:
            space: what may be tuned.
            metric: the name, among those reported, of what is optimized.
            direction: `minimize` or `maximize`; inferred from the metric's name where that says it.
            max_epochs: how many epochs a full training has; told by the first training if None.
            budget: what may be spent: `30` full trainings' worth of epochs, `"900epochs"`, `"100trials"`, `"2h"`; if
                None, 30, or what is on record when the study is resumed.
            scheduler: which run gets the next epochs; a name (`auto`, `full`, `halving`, ...) or a scheduler.
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
        if isinstance(warm_start, StudyReader | str):
            raise SettingError("warm_start is a list of studies; put it in brackets: [Study.open(store, name)]")
        opened = MemoryStore() if store is None else open_store(store) if isinstance(store, str | Path) else store
        known = _known(opened, name or DEFAULT_NAME) if resume else None
        if known is not None and warm_start and not known.scheduler.get("past"):
            raise SettingError(f"study {known.name!r} was begun with no past studies; leave out warm_start")
        asked, built = define(
            space,
            metric=metric,
            direction=direction,
            max_epochs=max_epochs,
            budget=budget,
            scheduler=scheduler,
            sampler=sampler,
            first=first,
            # what they had to say when the study was begun is on record
            past=[(study.space, study.history) for study in warm_start] if known is None else [],
            max_tier=max_tier,
            seed=seed,
            name=name,
            min_delta=min_delta,
        )
        if known is None:
            self._set_up(opened, opened.add_study(asked), built)
            return
        check_same(known, asked, versions=len(opened.spaces(known.id)))
        # as on record, unless it is somebody's own
        self._set_up(opened, known, None if isinstance(scheduler, str) else built)
        if budget is not None:
            self.budget = Budget.parse(asked.budget)
        if min_delta is not None:
            self.min_delta = asked.min_delta
        if known.max_epochs is None and asked.max_epochs is not None:
            self._set_max_epochs(asked.max_epochs)

    @classmethod
    def open(cls, store: str | Path | Store, name: str | None = None) -> Study:
        """A study that a store has, to be read or gone on with.

        If `name` is None, it is the newest one that does not confirm another.

        Raises:
            StoreError: there is no such store.
            StudyNotFound: it has no such study.
        """
        opened = open_store(store, create=False) if isinstance(store, str | Path) else store
        if name is None:
            records = opened.studies()
            if not records:
                raise StoreError(f"{opened.url} has no study yet; `tunewell tune` makes one")
            record = next((known for known in reversed(records) if not confirms(known.name)), records[-1])
        else:
            record = opened.study(name)
        study = cls.__new__(cls)
        study._set_up(opened, record, None)  # noqa: SLF001  our own
        return study

    def _set_up(self, store: Store, record: StudyRecord, scheduler: Scheduler | None) -> None:
        self._read(store, record)
        self._begin_steering()
        self._scheduler = scheduler
        self.min_delta = record.min_delta
        self._expected_gains = ExpectedGains(store, record)
        self._sign = -1.0 if self.maximize else 1.0
        self._lease = SessionLease(store, record)
        self._is_joined = False
        self._seconds_before, self._began = 0.0, 0.0
        self._progress: dict[int, Progress] = {}
        self._failures: list[str] = []

    def ask(self) -> Step | None:
        """The next thing to train: a step, one whose `wait` is True, or None when the study is over.

        Raises:
            RepeatedFailure: the last three trials failed with the same error.
            StudyBusy: another process is running the study.
        """
        with self._lock:
            if self._failures_repeat():
                raise RepeatedFailure(len(self._failures), self._failures[-1])
            session = self.begin_session()
            self._log.refresh()  # so that there is less to be read while others wait
            with self.store.turn(self.record.id):
                return self._next_step(session)

    def again(self, trial: int) -> Step:
        """What is left of a step in progress, to be given out once more because what trained it has failed.

        Raises:
            TrialEnded: no step of the trial is in progress.
            StepTaken: another process counted this one as gone, and has taken the trial up.
        """
        with self._lock:
            if trial not in self._progress:
                raise self._not_in_progress(trial)
            self._log.refresh()
            if self._log.trials[trial].session != self._progress[trial].session:
                del self._progress[trial]
                raise StepTaken(trial)
            # an epoch at least, though all was reported, or there is nothing to be tried
            done = min(int(self._log.history.epochs[trial]), self._log.trials[trial].until - 1)
            return self._give_out(self._log.trials[trial], done + 1)

    def retry(self, trial: int, *, by: str = "user") -> int:
        """Let a trial that failed be trained on, from its last checkpoint if it has one; answers after which epoch.

        The process that runs the study takes it up before anything else, as does the next one that does.

        Raises:
            TrialEnded: it did not fail.
            TrialNotFound: there is no such trial.
        """
        with self._lock:
            self._log.refresh()
            known = self._log.trials
            if not 0 <= trial < len(known):
                raise TrialNotFound(trial, len(known))
            # an epoch at least, though all was reported, or there is nothing to be tried
            done = min(int(self._log.history.epochs[trial]), known[trial].until - 1)
            self.store.reopen_trial(self.record.id, trial, done)
            data = {"error": last_line(known[trial].reason or "")}
            self.store.add_event(self.record.id, Event(RETRIED, time.time(), trial, done, by=by, data=data))
            return done

    def extend(
        self, space: Space, *, held: Mapping[str, Value] | None = None, max_tier: int | None = None
    ) -> tuple[str, ...]:
        """Go on with another space: wider, narrower, with parameters more or less; answers what changed, a line each.

        Nothing is lost: trials so far stay, with their own values, and the search goes on learning from them. A study
        that another process runs takes the new space up at its next step.

        Args:
            space: what may be tuned from now on. A parameter that it lacks is held at a value.
            held: of a parameter that is added, the value that trials had so far; its default, if nothing is said. Of
                one that is taken away, the value that it has from now on; its default so far.
            max_tier: as of `Study`; if None, 3, but what the study tunes stays tuned.

        Raises:
            SpaceError: such a value is not known, or a parameter becomes another kind of thing.
            SettingError: the study's sampler cannot draw from the space.
        """
        with self._lock:
            kept = self.space.tuned if max_tier is None else frozenset[str]()
            asked = space.hold(
                [name for name in space.names if space.tier(name) > (max_tier or 3) and name not in kept]
            )
            changes = add_version(self.store, self.record, self._log, asked, held or {}, self._check_drawn_from)
            self.record = replace(self.record, space=self.space.to_dict())
            return changes

    def report(self, trial: int, epoch: int, /, **metrics: float) -> bool:
        """Record what an epoch of a step measured; it is safe when this returns.

        Answers whether the trial should be trained on: False once the study's metric is no longer finite,
        which counts as the worst and ends the trial when it is told.

        Raises:
            ReportError: a value is no number, the epoch was not asked for, or the first report lacks the metric.
            TrialEnded: no step of the trial is in progress.
            StepTaken: another process counted this one as gone, and has taken the trial up.
        """
        with self._lock:
            progress = self._progress.get(trial)
            if progress is None:
                raise self._not_in_progress(trial)
            if not progress.epoch < epoch <= progress.until:
                raise ReportError(
                    f"trial {trial} reported epoch {epoch}, but was asked for "
                    f"epochs {progress.epoch + 1} to {progress.until}; report each once, in order"
                )
            values = as_numbers(metrics)
            value = values.get(self.metric)
            if value is None and not progress.measured:
                raise ReportError(
                    f"the metric {self.metric!r} is not among those reported ({', '.join(metrics) or 'none'}); "
                    f"name one of these as the metric, or report it from the first epoch on"
                )
            if value is not None and not math.isfinite(value):
                value = self._sign * math.inf
            epoch = int(epoch)  # a NumPy integer would be stored as bytes
            with self._letting_go(trial):
                self.store.report(self.record.id, trial, epoch, values, value, time.time(), session=progress.session)
            progress.epoch, progress.measured = epoch, True
            if value is not None and not math.isfinite(value) and progress.infinite_at is None:
                progress.infinite_at = epoch
            return value is None or math.isfinite(value)

    def tell(
        self,
        trial: int,
        *,
        error: str | None = None,
        ended: bool = False,
        held: bool = False,
        stopped: str | None = None,
    ) -> TrialState:
        """A step is done; answers the trial's state.

        Args:
            trial: whose step.
            error: why it failed, as text (a traceback), if it did.
            ended: the training is over, though the step asked for more epochs.
            held: it was paused by hand, within the step or at its end.
            stopped: why it was stopped by hand, if it was.

        Raises:
            TrialEnded: no step of the trial is in progress.
            StepTaken: another process counted this one as gone, and has taken the trial up.
        """
        with self._lock:
            progress = self._progress.get(trial)
            if progress is None:
                raise self._not_in_progress(trial)
            over = ended or (progress.until == self.max_epochs and not (held and progress.epoch < progress.until))
            if error is None and not progress.measured:
                # a scheduler has nothing to go by, and would spend the whole budget on finding that out
                error = f"the step ended without a report of {self.metric!r}; report it after each epoch"
            state, epochs, reason = progress.outcome(self.metric, error, over=over)
            if ended:
                epochs = progress.epoch
            if stopped is not None and error is None:
                state, epochs, reason = TrialState.STOPPED, progress.epoch, stopped
            elif held and error is None and not state.ended:
                state, epochs = TrialState.HELD, progress.epoch
            if state is TrialState.COMPLETE and self.max_epochs is None:
                self._set_max_epochs(progress.epoch)  # one that diverged says nothing of how long they are
            with self._letting_go(trial):
                self.store.end_step(
                    self.record.id,
                    trial,
                    state,
                    epochs,
                    reason=reason,
                    at=time.time() if state.ended else None,
                    session=progress.session,
                )
            del self._progress[trial]
            self._failures = [] if error is None else [*self._failures, error][-FAILURES_IN_A_ROW:]
            return state

    def close(self) -> None:
        """End this process's session; steps in progress are given out again when the study is resumed."""
        with self._lock:
            self._progress.clear()
            self._is_joined = False
            self._lease.end()

    def learn_max_epochs(self, n: int, trial: int) -> int:
        """Trial number `trial` says that a full training has n epochs; answers where its step ends.

        The first to say so decides. Its step was given out with an open end, because no scheduler can
        plan without that number; now the scheduler is asked where it would have ended.
        """
        with self._lock:
            progress = self._progress[trial]
            if self.max_epochs is None:
                self._set_max_epochs(n)
            if progress.until == OPEN_END:
                plan = self.scheduler.next(
                    self.space, self._log.empty_history(), self._allowance(besides=trial), self._rng(0)
                )
                until = plan.until if isinstance(plan, Start) else n
                progress.until = max(1, min(until, self._allowance(besides=trial).epochs))
                self.store.revise_step(self.record.id, trial, until=progress.until)
            return progress.until

    def add_retrained(self, trial: int, epochs: int, *, charged: bool) -> None:
        """Record that epochs had to be trained a second time, because the trial's state was kept nowhere.

        charged: whether the budget pays for them, as far as there is anything left of it.
        """
        with self._lock:
            paid = min(epochs, self._allowance().epochs) if charged else 0
            if paid:
                self.store.add_retrained(self.record.id, trial, paid)
            self.add_event("retrained", trial=trial, epochs=epochs, charged=paid)

    def add_event(self, kind: str, *, trial: int | None = None, epoch: int | None = None, **data: object) -> None:
        """Put on record that something happened."""
        self.store.add_event(self.record.id, Event(kind, time.time(), trial, epoch, data=data))

    @property
    def scheduler(self) -> Scheduler:
        """What decides; built from the record when it is first needed, since a study can be read without it.

        Raises:
            SettingError: it is somebody's own, and was not given.
        """
        if self._scheduler is None:
            self._scheduler = build(self.record.scheduler)
        return self._scheduler

    @scheduler.setter
    def scheduler(self, scheduler: Scheduler) -> None:
        """Let another decide while the study is open; who goes on with it later has what is on record again."""
        self._scheduler = scheduler

    @property
    def spent(self) -> Spent:
        """What the study has cost so far."""
        with self._lock:
            self._look()
            if self._lease.session is None:
                seconds = seconds_on_record(self.store, self.record)
            else:
                seconds = self._seconds_before + time.monotonic() - self._began
            return Spent(self._log.epochs_spent(), len(self._log.trials), seconds)

    @property
    def out_of_time(self) -> bool:
        """The budget is a time, and it is over."""
        return self.budget.unit == "seconds" and self.spent.seconds >= self.budget.amount

    @property
    def flat(self) -> bool:
        """No step of the last five trainings' worth was expected to improve the metric by `min_delta`."""
        with self._lock:
            return bool(self.min_delta) and self._expected_gains.gain(self._log) < self.min_delta

    def _next_step(self, session: Session) -> Step | None:
        while True:
            self._log.refresh()
            # what a session that is gone left in progress is given out again before anything new is decided, so
            # that a study that was killed and resumed is the study that it would have been
            step = self._taken_up(session)
            if step is not None:
                if step.epochs:
                    return step
                self.tell(step.trial)  # it was all reported; only the last word was missing
                continue
            self._steer_those_at_rest()
            answer = self._decide()
            if answer is None:
                return WAIT if self._log.history.running.any() or self._is_held() else None
            trial = begun(answer, self._log.trials, session, self.record.seed)
            first = trial.epochs + 1
            if self.store.begin_step(self.record.id, self._log.n_steps, trial):
                self._expected_gains.note(trial, first, answer.note.get("why"))
                return self._give_out(trial, first)

    def _check_drawn_from(self, versions: SpaceVersions) -> None:
        """Whether settings can be drawn from a new version of the space; a grid may name what is gone."""
        history = History(versions.space, self.max_epochs, versions)
        self.scheduler.next(versions.space, history, Allowance(OPEN_END, 1), self._rng(0))

    def _decide(self) -> Start | Resume | None:
        """The scheduler's answer, within the budget."""
        allowance = self._allowance()
        if allowance.epochs < 1 or self.out_of_time or self.flat:
            return None
        released = np.flatnonzero(self._log.history.paused & (self._log.history.epochs < self._log.history.until))
        if released.size:  # somebody let it go on, or began it as a branch
            trial = self._log.trials[int(released[0])]
            return Resume(trial.number, min(trial.until, trial.epochs + allowance.epochs))
        if self.max_epochs is None:
            # nobody knows yet how long a training is: one trial goes ahead and tells, the others wait
            if self._log.history.running.any() or allowance.trials < 1:
                return None
            if self.budget.unit == "trainings" and len(self._log.trials) >= self.budget.amount:
                return None  # as many trainings as the budget has, and none told how long one is
            plan = self.scheduler.next(self.space, self._log.history, allowance, self._rng(self._log.n_steps))
            return replace(plan, until=OPEN_END) if isinstance(plan, Start) else None
        answer = self.scheduler.next(self.space, self._log.history, allowance, self._rng(self._log.n_steps))
        if answer is None:
            return None
        done = int(self._log.history.epochs[answer.trial]) if isinstance(answer, Resume) else 0
        return replace(answer, until=min(answer.until, done + allowance.epochs))

    def _give_out(self, trial: Trial, first: int) -> Step:
        before = [] if first == 1 else self.reports(trial.number)
        measured = [report for report in before if self.metric in report.metrics]
        infinite = [report.epoch for report in measured if not math.isfinite(report.metrics[self.metric])]
        self._progress[trial.number] = Progress(
            trial.until,
            first - 1,
            bool(measured) or (first > 1 and trial.parent is not None),  # what it begins as was measured
            min(infinite, default=None),
            trial.session,
        )
        return Step(trial.number, trial.params, range(first, trial.until + 1), trial.seed)

    def _taken_up(self, session: Session) -> Step | None:
        """What is left of a step whose session ended in the middle of it, if there is such a step."""
        running = np.flatnonzero(self._log.history.running)
        others = [self._log.trials[n] for n in running if n not in self._progress]
        others = [trial for trial in others if trial.session != session.id]
        gone = self._lease.gone({trial.session for trial in others})
        for trial in others:
            if trial.session in gone or not trial.session:
                if self.store.take_step(self.record.id, trial.number, of=trial.session, session=session.id):
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
            session = self._lease.begin(self._log, join=self._is_joined)
            if not self._is_joined:
                self._record_settings()
            self._is_joined = True  # from now on; if it was counted as gone, others may have begun
            self._seconds_before, self._began = seconds_on_record(self.store, self.record), time.monotonic()
        return session

    def _record_settings(self) -> None:
        """What was asked for of a study that is gone on with: only now is it known that no other process runs it."""
        new = replace(self.record, budget=str(self.budget), min_delta=self.min_delta)
        if new != self.record:
            self.store.change_study(self.record.id, budget=new.budget, min_delta=new.min_delta)
            self.record = new

    def _session_of(self, trial: int) -> int | None:
        progress = self._progress.get(trial)
        return None if progress is None else progress.session

    def _is_first(self) -> bool:
        return self._lease.is_first()

    @contextmanager
    def _letting_go(self, trial: int) -> Iterator[None]:
        """Inside, the trial's step is forgotten if another process has taken it."""
        try:
            yield
        except StepTaken:
            del self._progress[trial]
            raise

    def _set_max_epochs(self, n: int) -> None:
        self.store.change_study(self.record.id, max_epochs=n)
        self._log.refresh()

    def _rng(self, step: int) -> np.random.Generator:
        """Keyed by the step's number, which is in the log: nothing has to be saved."""
        return np.random.default_rng([self.record.seed, step])

    def _epochs_in_all(self) -> int:
        epochs = self.budget.epochs(self.max_epochs) if self.max_epochs is not None else None
        return OPEN_END if epochs is None else epochs

    def _allowance(self, besides: int | None = None) -> Allowance:
        trials = OPEN_END
        if self.budget.unit == "trials":
            trials = math.ceil(self.budget.amount) - len(self._log.trials)
        return Allowance(max(0, self._epochs_in_all() - self._log.epochs_spent(besides)), max(0, trials))

    def _is_held(self) -> bool:
        """Somebody has paused a trial, and there is budget left to let it go on."""
        return bool(self._log.history.held.any()) and self._allowance().epochs >= 1 and not self.out_of_time

    def _failures_repeat(self) -> bool:
        return len(self._failures) == FAILURES_IN_A_ROW and len(set(map(last_line, self._failures))) == 1

    def _not_in_progress(self, trial: int) -> StoreError:
        self._log.refresh()
        trials = self._log.trials
        if not 0 <= trial < len(trials):
            return TrialNotFound(trial, len(trials))
        return TrialEnded(trial, trials[trial].state)


def _known(store: Store, name: str) -> StudyRecord | None:
    try:
        return store.study(name)
    except StudyNotFound:
        return None
