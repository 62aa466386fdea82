"""The control of a study as a whole, from any process that can open its store.

Its budget, a pause of all its trials, a trial that somebody wants or proposes: each is on record at once, with whose it
is, and every process that runs the study takes it up before its next decision.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from contextlib import nullcontext

from tunewell.errors import SettingError, TrialEnded, TrialNotFound
from tunewell.proposals import Proposal, check_waiting, checked_author, checked_why, same_trial
from tunewell.space.values import Params, Value
from tunewell.study.budget import Budget
from tunewell.study.decider import Decider
from tunewell.study.limits import bound, check_queued, check_unbounded, share_of
from tunewell.study.reader import StudyReader
from tunewell.study.steps import trial_seed
from tunewell.trial import OPEN_END, QUEUED, Event, Trial, TrialState, trial_number, whole

BUDGET, PAUSED, RESUMED = "budget", "paused", "resumed"
"""The kinds of events by which these are recorded; `paused` and `resumed` name no trial: they are of all."""

_MOST_BITS = 1024  # no float has more, and Python does not even write what has many more


class Control:
    """The commands to a study as a whole.

    Every method may be called from any thread.
    """

    def __init__(self, reader: StudyReader, decider: Decider) -> None:
        """Make the control of what `reader` reads; `decider` knows how long a first look is."""
        self._reader, self._decider = reader, decider

    def bound(self, author: str, share: float, *, by: str = "user", why: str = "") -> None:
        """Bound what an author may have trained by commands and ordered trials, to a share of the budget.

        From now on it holds for all that is done by that name, in whichever process: what would be more is refused, and
        so is a change of the budget, of the space or of bounds. Proposals have bounds of their own (`propose`).

        Args:
            author: by what name.
            share: of the budget, 0 to 1; in place of what it was bounded to before.
            by: who bounds it.
            why: for the record.

        Raises:
            SettingError: it is no share, or no name; or `by` is bounded.
        """
        with self._reader.lock:
            bound(self._reader, checked_author(author), share, by=by, why=checked_why(why))

    def set_budget(self, budget: str | float, *, by: str = "user", why: str = "") -> Budget:
        """Give the study another budget, larger or smaller, in which what was spent so far counts.

        Args:
            budget: as of `Study`: `40`, `"900epochs"`, `"100trials"`, `"2h"`.
            by: who.
            why: for the record.

        Raises:
            SettingError: it is no budget; or who it is by is bounded.
        """
        check_unbounded(self._reader, by, "the budget may not be changed")
        new, before = Budget.parse(budget), self._reader.budget
        data = {"from": str(before), "to": str(new), "why": why}
        self._change(Event(BUDGET, time.time(), by=by, data=data), budget=str(new))
        self._reader.requested_budget = None
        return new

    def pause(self, *, by: str = "user", why: str = "") -> None:
        """Pause the study: trainings pause after their epoch, and no step is given out until it goes on.

        Processes that run it wait. One that resumes it by `tune --resume` lets it go on.
        """
        self._change(Event(PAUSED, time.time(), by=by, data={"why": why}), is_paused=True)

    def resume(self, *, by: str = "user", why: str = "") -> None:
        """Let a study that was paused go on; trials that paused in the middle of a step come first."""
        self._change(Event(RESUMED, time.time(), by=by, data={"why": why}), is_paused=False)

    def queue(
        self,
        params: Mapping[str, Value],
        *,
        like: int | None = None,
        epochs: int | None = None,
        by: str = "user",
        why: str = "",
    ) -> Trial:
        """Add a trial with a setting of one's own, which is trained before the scheduler's next.

        Args:
            params: what is to be tried.
            like: a trial that has the values of all other parameters; their defaults if None.
            epochs: how long it trains at first, after which the scheduler treats it like any other; if None, as long as
                the scheduler looks at a new trial.
            by: who.
            why: for the record.

        Raises:
            SpaceError: it is no setting of the space.
            SettingError: `epochs` is no number of epochs; or it is more than its author is bounded to.
            TrialNotFound: there is no trial `like`.
        """
        reader, log = self._reader, self._reader.log
        bounded = share_of(reader, by) is not None
        with reader.lock, reader.store.decision_lock(reader.record.id) if bounded else nullcontext():
            log.refresh()
            setting, until = self._filled(params, like), self._until(epochs)
            check_queued(reader, until, by=by)
            while True:
                number, now = len(log.trials), time.time()
                seed = trial_seed(reader.record.seed, number)
                trial = Trial(number, setting, TrialState.PAUSED, 0, until, seed, now)
                event = Event(QUEUED, now, number, 0, by=by, data={"why": why})
                try:
                    reader.store.add_branch(reader.record.id, trial, event=event)
                except TrialEnded:
                    log.refresh()  # another process gave the number to a trial of its own
                    continue
                log.refresh()
                return trial

    def propose(
        self, params: Mapping[str, Value], *, like: int | None = None, by: str = "user", why: str = ""
    ) -> Proposal:
        """Propose a setting: a candidate, which has a first look when it is its turn, and marked as its author's.

        A queued trial is an order; this is advice, of whoever has some, good or bad. Three of ten starts are proposals
        at most, the authors in turn; each trains as long as the scheduler looks at a new trial at first, and goes on
        only if the scheduler prefers it.

        Args:
            params: what is to be tried.
            like: a trial that has the values of all other parameters; their defaults if None.
            by: whose proposal it is.
            why: for the record.

        Raises:
            SpaceError: it is no setting of the space.
            SettingError: a trial with that setting is there already, or a proposal; or too many wait; or what `by` or
                `why` says is no line of text.
            TrialNotFound: there is no trial `like`.
        """
        reader, log = self._reader, self._reader.log
        by, why = checked_author(by), checked_why(why)
        # the lock, so that no more wait than may, and none twice, though several processes propose at once
        with reader.lock, reader.store.decision_lock(reader.record.id):
            log.refresh()
            setting = self._filled(params, like)
            if (same := same_trial(setting, log.trials)) is not None:
                raise SettingError(f"trial {same.number} has this setting already ({same.state}); propose another")
            known = reader.proposals()
            for one in known:
                if one.waits and one.proposal.params == setting:
                    raise SettingError(f"{one.proposal.by} has proposed this setting already, and it waits")
            check_waiting(known, by)
            proposal = Proposal(uuid.uuid4().hex, setting, by, why, time.time())
            reader.store.add_event(reader.record.id, proposal.event)
            log.refresh()
            return proposal

    def _filled(self, params: Mapping[str, Value], like: int | None) -> Params:
        """Return the setting that somebody wants, of which some values are given."""
        trials, others = self._reader.log.trials, {}
        if not isinstance(params, Mapping) or not all(isinstance(name, str) for name in params):
            raise SettingError(f"a setting is a value by parameter name, got {type(params).__name__}")
        for name, value in params.items():
            if isinstance(value, int) and value.bit_length() > _MOST_BITS:
                raise SettingError(f"{name}: the value has more digits than any range; give one that is inside")
        if like is not None:
            if not 0 <= trial_number(like) < len(trials):
                raise TrialNotFound(trial_number(like), len(trials))
            others = dict(trials[trial_number(like)].params)
        return self._reader.space.filled({**others, **params})

    def _until(self, epochs: int | None) -> int:
        if epochs is None:
            return self._decider.first_look()
        number, longest = whole(epochs), self._reader.max_epochs or OPEN_END
        if number is None or not 1 <= number <= longest:
            most = "" if longest == OPEN_END else f" and at most {longest}, a full training"
            raise SettingError(f"a queued trial needs a number of epochs, at least 1{most}, got {epochs!r}")
        return number

    def _change(self, event: Event, *, budget: str | None = None, is_paused: bool | None = None) -> None:
        with self._reader.lock:
            self._reader.store.change_study(self._reader.record.id, budget=budget, is_paused=is_paused, event=event)
            self._reader.log.refresh()
