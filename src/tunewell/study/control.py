"""The control of a study as a whole, from any process that can open its store.

Its budget, a pause of all its trials, a trial that somebody wants: each is on record at once, with whose it is, and
every process that runs the study takes it up before its next decision.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from tunewell.errors import SettingError, TrialEnded, TrialNotFound
from tunewell.space.values import Value
from tunewell.study.budget import Budget
from tunewell.study.decider import Decider
from tunewell.study.reader import StudyReader
from tunewell.study.steps import trial_seed
from tunewell.trial import OPEN_END, Event, Trial, TrialState, trial_number, whole

BUDGET, PAUSED, RESUMED, QUEUED = "budget", "paused", "resumed", "queued"
"""The kinds of events by which these are recorded; `paused` and `resumed` name no trial: they are of all."""


class Control:
    """The commands to a study as a whole.

    Every method may be called from any thread.
    """

    def __init__(self, reader: StudyReader, decider: Decider) -> None:
        """Make the control of what `reader` reads; `decider` knows how long a first look is."""
        self._reader, self._decider = reader, decider

    def set_budget(self, budget: str | float, *, by: str = "user", why: str = "") -> Budget:
        """Give the study another budget, larger or smaller, in which what was spent so far counts.

        Args:
            budget: as of `Study`: `40`, `"900epochs"`, `"100trials"`, `"2h"`.
            by: who.
            why: for the record.

        Raises:
            SettingError: it is no budget.
        """
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
            SettingError: `epochs` is no number of epochs.
            TrialNotFound: there is no trial `like`.
        """
        reader, log = self._reader, self._reader.log
        with reader.lock:
            log.refresh()
            others: Mapping[str, Value] = {}
            if like is not None:
                if not 0 <= trial_number(like) < len(log.trials):
                    raise TrialNotFound(trial_number(like), len(log.trials))
                others = log.trials[trial_number(like)].params
            setting, until = reader.space.filled({**others, **params}), self._until(epochs)
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
