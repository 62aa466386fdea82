"""The decision what a study does next, within what is left of its budget.

It only reads: whoever takes the answer reserves the step in the store, where somebody else may have been quicker.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from tunewell.history import History
from tunewell.proposals import PROPOSED, Proposal, has_room, next_in_turn, proposal_states, proposals
from tunewell.samplers.sampler import given_left
from tunewell.schedulers import Scheduler, build
from tunewell.schedulers.scheduler import declares
from tunewell.space.versions import SpaceVersions
from tunewell.study.reader import StudyReader
from tunewell.study.scalar import as_decided, weighed_note, weights
from tunewell.study.steps import ExpectedGains
from tunewell.trial import OPEN_END, Allowance, Resume, Start


class Decider:
    """The scheduler of a study, with the budget that it decides within. Its owner holds the study's lock."""

    def __init__(self, reader: StudyReader, scheduler: Scheduler | None, *, min_delta: float) -> None:
        """Decide for a study.

        Args:
            reader: of the study.
            scheduler: which decides; None for the one on record.
            min_delta: the study is over when no step is expected to improve the metric by as much; 0: never.
        """
        self._reader, self._log = reader, reader.log
        self._scheduler = scheduler
        self.min_delta = min_delta
        self.expected_gains: ExpectedGains = ExpectedGains(reader.store, reader.record)

    @property
    def scheduler(self) -> Scheduler:
        """The scheduler; built from the record when it is first needed, since a study can be read without it.

        Raises:
            SettingError: it is somebody's own, and was not given.
        """
        if self._scheduler is None:
            self._scheduler = build(self._reader.record.scheduler)
        return self._scheduler

    @property
    def out_of_time(self) -> bool:
        """True if the budget is a time, and it is over."""
        budget = self._reader.budget
        return budget.unit == "seconds" and self._reader.spent.seconds >= budget.amount

    @property
    def flat(self) -> bool:
        """True if no step of the last five trainings' worth was expected to improve the metric by `min_delta`."""
        with self._reader.lock:
            return bool(self.min_delta) and self.expected_gains.gain(self._log) < self.min_delta

    def decide(self) -> Start | Resume | None:
        """Return the scheduler's answer, within the budget; None while the study is paused."""
        allowance, history = self.allowance(), self._log.history
        if self._log.is_paused or allowance.epochs < 1 or self.out_of_time or self.flat:
            return None
        released = np.flatnonzero(history.paused & (history.epochs < history.until))
        if released.size:  # somebody let it go on, or began it as a branch
            trial = self._log.trials[int(released[0])]
            return Resume(trial.number, min(trial.until, trial.epochs + allowance.epochs))
        if self._log.max_epochs is None:
            return self._go_ahead(allowance)
        answer = self._next(allowance)
        if answer is None:
            return None
        if isinstance(answer, Start):
            answer = self._proposed_instead(answer)
        done = int(history.epochs[answer.trial]) if isinstance(answer, Resume) else 0
        return replace(answer, until=min(answer.until, done + allowance.epochs))

    def _proposed_instead(self, start: Start) -> Start:
        """Return the start of a proposal in place of the scheduler's own, where one waits and it is its turn.

        It trains no longer than the scheduler looks at a new trial at first, and takes its place: some schedulers tell
        by a trial's number how long its looks are, so one that begins with more than the shortest look is left to them.
        """
        events = self._reader.store.study_events(self._reader.record.id, PROPOSED)
        if not events or not has_room(self._log.trials) or self._given_left:
            return start
        proposal = self._next_proposal(proposals(events))
        if proposal is None or start.until > self.first_look():
            return start
        kept = {name: value for name, value in start.note.items() if name != "why"}  # reasons for another setting
        return replace(start, params=proposal.params, note=kept | proposal.note)

    def _next_proposal(self, known: list[Proposal]) -> Proposal | None:
        return next_in_turn(proposal_states(known, self._log.trials, self._log.versions))

    @property
    def _given_left(self) -> int:
        """The number of settings that the user gave, and that no trial has begun with: they come before any other."""
        sampler = getattr(self.scheduler, "sampler", None)
        return 0 if sampler is None else given_left(sampler, self._reader.space, self._log.history)

    def _go_ahead(self, allowance: Allowance) -> Start | None:
        """Let one trial show how long a training is, which nobody knows yet; the others wait."""
        budget = self._reader.budget
        if self._log.history.running.any() or allowance.trials < 1:
            return None
        if budget.unit == "trainings" and len(self._log.trials) >= budget.amount:
            return None  # as many trainings as the budget has, and none showed how long one is
        plan = self._next(allowance)
        return replace(plan, until=OPEN_END) if isinstance(plan, Start) else None

    def end_of_first_step(self, trial: int, max_epochs: int) -> int:
        """Return where the step of the trial that went ahead ends, now that it has shown how long a training is."""
        allowance = self.allowance(besides=trial, max_epochs=max_epochs)
        inherited = self._log.trials[trial].inherited
        return inherited + max(1, min(self._first_look(max_epochs, allowance) - inherited, allowance.epochs))

    def first_look(self) -> int:
        """Return the epoch at which a new trial's first step ends; an open end while nobody knows how long one is."""
        known = self._log.max_epochs
        return OPEN_END if known is None else self._first_look(known, Allowance(OPEN_END, 1))

    def _first_look(self, max_epochs: int, allowance: Allowance) -> int:
        plan = self.scheduler.next(self._reader.space, self._log.empty_history(max_epochs), allowance, self._rng(0))
        return plan.until if isinstance(plan, Start) else max_epochs

    def check_drawn_from(self, versions: SpaceVersions) -> None:
        """Check that settings can be drawn from a new version of the space; a grid may name what is gone."""
        history = History(versions.space, self._log.max_epochs, versions)
        self.scheduler.next(versions.space, history, Allowance(OPEN_END, 1), self._rng(0))

    def is_waiting(self) -> bool:
        """Return True if somebody has paused the study, or a trial, and there is budget left to let it go on."""
        is_held = self._log.is_paused or bool(self._log.history.held.any())
        return is_held and self.allowance().epochs >= 1 and not self.out_of_time

    def allowance(self, besides: int | None = None, max_epochs: int | None = None) -> Allowance:
        """Return what is left of the budget.

        Args:
            besides: a running trial, of which all counts as left.
            max_epochs: of a full training, if that is not on record yet.
        """
        budget, trials = self._reader.budget, OPEN_END
        if budget.unit == "trials":
            trials = math.ceil(budget.amount) - len(self._log.trials)
        known = max_epochs or self._log.max_epochs
        in_all = None if known is None else budget.epochs(known)
        epochs = OPEN_END if in_all is None else in_all
        # one that failed at once costs an epoch too, or a study whose trials all do would never end
        spent = self._log.epochs_spent(besides) + self._log.n_fruitless
        return Allowance(max(0, epochs - spent), max(0, trials))

    def _next(self, allowance: Allowance) -> Start | Resume | None:
        """Let the scheduler decide, by the history and, if it reads them, by all reports."""
        scheduler, aims = self.scheduler, self._log.aims
        if declares(scheduler, "reads_reports"):
            scheduler = scheduler.given(self._log.trials, self._reader.reports())
        history = self._log.history
        if not aims.are_several and not aims.limits:
            return scheduler.next(self._reader.space, history, allowance, self._rng(self._log.n_steps))
        weight = weights(len(aims.metrics), self._rng(self._log.n_steps, 1))
        seen = as_decided(history, self._log.outcomes, weight)
        answer = scheduler.next(self._reader.space, seen, allowance, self._rng(self._log.n_steps))
        if answer is None or not aims.are_several:
            return answer
        return replace(answer, note=weighed_note(answer.note, aims, weight))

    def _rng(self, step: int, *key: int) -> np.random.Generator:
        """Return a generator keyed by the step's number, which is in the log: nothing has to be saved."""
        return np.random.default_rng([self._reader.record.seed, step, *key])
