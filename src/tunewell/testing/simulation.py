"""A study in simulated time: what a scheduler decides, without any training.

Trials are curves, an epoch takes the time that one says, workers are free or busy, and a clock jumps from one
epoch's end to the next. Everything is deterministic, so a scheduler's laws can be checked and its
savings measured in milliseconds.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

import numpy as np

from tunewell.history import History
from tunewell.schedulers import Scheduler
from tunewell.space.space import Space
from tunewell.space.values import Params
from tunewell.trial import OPEN_END, Allowance, Resume, Start, Trial, TrialState

Curve = Callable[[Params, int], float]
"""A trial's metric after an epoch, lower is better. Not finite: the trial diverged. An exception: it failed."""
Cost = Callable[[Params], float]
"""The time that an epoch of a trial takes."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A call of the scheduler, all that it could know, and what it returned."""

    at: float
    step: int
    """The number of steps that were given out before."""
    allowance: Allowance
    answer: Start | Resume | None
    trials: tuple[Trial, ...]
    """All trials, as they were then."""
    n_reports: int
    """The number of reports that had come in."""


@dataclass(frozen=True, slots=True)
class Step:
    """The epochs of a trial that a worker trained in one go."""

    trial: int
    first: int
    until: int
    """The epoch that the scheduler named."""
    started_at: float


@dataclass(slots=True)
class Simulation:
    """The log of a simulated study."""

    space: Space
    max_epochs: int
    seed: int
    trials: list[Trial] = field(default_factory=list)
    reports: list[tuple[int, int, float]] = field(default_factory=list)
    """Trial, epoch, metric, in the order in which they came in."""
    times: list[float] = field(default_factory=list)
    """When each report came in."""
    steps: list[Step] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    finished_at: float = 0.0

    @property
    def epochs_spent(self) -> int:
        """The epochs of all trials together; a failure costs at least one, as in a study."""
        return sum(max(trial.epochs, trial.state is TrialState.FAILED) for trial in self.trials)

    @property
    def best(self) -> float:
        """The lowest metric reported."""
        return min((value for _, _, value in self.reports), default=math.inf)

    def epochs_to(self, target: float) -> float:
        """Return how many epochs were trained until a report was at or below the target; inf if none was."""
        reached = (i for i, (_, _, value) in enumerate(self.reports, start=1) if value <= target)
        return next(reached, math.inf)

    def history(self, decision: Decision | None = None) -> History:
        """Return all that is known at the end, or was known at a decision, read anew from the log."""
        history = History(self.space, self.max_epochs)
        trials = self.trials if decision is None else decision.trials
        reports = self.reports if decision is None else self.reports[: decision.n_reports]
        history.update(trials, np.array(reports, dtype=float).reshape(-1, 3))
        return history

    def rng(self, step: int) -> np.random.Generator:
        """Return the generator that the scheduler drew from at a step."""
        return np.random.default_rng([self.seed, step])


def simulate(
    scheduler: Scheduler,
    space: Space,
    curve: Curve,
    *,
    max_epochs: int,
    epochs: int,
    trials: int = OPEN_END,
    n_workers: int = 1,
    seed: int = 0,
    cost: Cost = lambda _: 1.0,
    kills: Collection[float] = (),
) -> Simulation:
    """Run a study to its end.

    Args:
        scheduler: what is tried.
        space: what may be tuned.
        curve: what training gives.
        max_epochs: of a full training.
        epochs: the budget.
        trials: the most that may start.
        n_workers: how many steps may run at a time.
        seed: of the scheduler's randomness.
        cost: how long an epoch takes.
        kills: times at which all running trials are interrupted, and so paused in the middle of their steps.

    Raises:
        AssertionError: the scheduler broke a promise, which the message names.
    """
    study = _Study(scheduler, Simulation(space, max_epochs, seed), curve, cost, epochs, trials)
    waiting = sorted(kills, reverse=True)
    while True:
        while len(study.running) < n_workers and study.begin_step():
            pass
        if not study.running:
            return study.log
        if waiting and waiting[-1] <= study.running[0][0]:
            study.interrupt(waiting.pop())
        else:
            study.train_epoch()


@dataclass(slots=True)
class _Study:
    """The state of a simulation."""

    scheduler: Scheduler
    log: Simulation
    curve: Curve
    cost: Cost
    epochs: int
    trials: int
    running: list[tuple[float, int, int]] = field(default_factory=list)
    """A heap: when the next epoch of a running trial ends, the step (of equals, the older first), the trial."""
    history: History = field(init=False)

    def __post_init__(self) -> None:
        self.history = self.log.history()

    def begin_step(self) -> bool:
        """Ask the scheduler for a step; return False if it has nothing to do."""
        allowance = self._allowance()
        if allowance.epochs < 1:
            return False
        log, step = self.log, len(self.log.steps)
        answer = self.scheduler.next(log.space, self.history, allowance, log.rng(step))
        log.decisions.append(Decision(log.finished_at, step, allowance, answer, tuple(log.trials), len(log.reports)))
        if answer is None:
            return False
        trial = self._resumed(answer) if isinstance(answer, Resume) else self._started(answer, allowance)
        assert trial.epochs < answer.until <= log.max_epochs, f"goes from epoch {trial.epochs} to {answer.until}"
        trial = replace(trial, until=min(answer.until, trial.epochs + allowance.epochs))
        self._write(trial)
        log.steps.append(Step(trial.number, trial.epochs + 1, trial.until, log.finished_at))
        heapq.heappush(self.running, (log.finished_at + self.cost(trial.params), step, trial.number))
        return True

    def train_epoch(self) -> None:
        """Jump to the end of the epoch that ends next."""
        at, step, number = heapq.heappop(self.running)
        self.log.finished_at = at
        trial = self.log.trials[number]
        epoch = trial.epochs + 1
        try:
            value = self.curve(trial.params, epoch)
        except Exception as error:  # noqa: BLE001  a trial that fails is a result
            self._write(replace(trial, state=TrialState.FAILED, reason=str(error), ended_at=at))
            return
        diverged = not math.isfinite(value)
        self.log.reports.append((number, epoch, math.inf if diverged else value))
        self.log.times.append(at)
        if diverged:
            state = TrialState.STOPPED
        elif epoch < trial.until:
            state = TrialState.RUNNING
            heapq.heappush(self.running, (at + self.cost(trial.params), step, number))
        else:
            state = TrialState.COMPLETE if epoch == self.log.max_epochs else TrialState.PAUSED
        self._write(
            replace(trial, epochs=epoch, state=state, ended_at=at if state.ended else None), self.log.reports[-1]
        )

    def interrupt(self, at: float) -> None:
        """Pause all that runs, where it is; what an epoch in progress has learned is lost."""
        self.log.finished_at = at
        for _, _, number in self.running:
            self._write(replace(self.log.trials[number], state=TrialState.PAUSED))
        self.running.clear()

    def _started(self, answer: Start, allowance: Allowance) -> Trial:
        number = len(self.log.trials)
        assert allowance.trials > 0, f"starts trial {number}, but no more may start"
        return Trial(
            number=number,
            params=self.log.space.check(answer.params),
            state=TrialState.RUNNING,
            epochs=0,
            until=answer.until,
            seed=number,
            started_at=self.log.finished_at,
            note=answer.note,
        )

    def _resumed(self, answer: Resume) -> Trial:
        assert answer.trial < len(self.log.trials), f"resumes trial {answer.trial}, which was never started"
        trial = self.log.trials[answer.trial]
        assert trial.state is TrialState.PAUSED, f"resumes trial {answer.trial}, which is {trial.state}"
        note = {name: value for name, value in answer.note.items() if name != "why"}
        return replace(trial, state=TrialState.RUNNING, note={**trial.note, **note})

    def _write(self, trial: Trial, *reports: tuple[int, int, float]) -> None:
        self.log.trials[trial.number : trial.number + 1] = [trial]
        self.history.update([trial], np.array(reports, dtype=float).reshape(-1, 3))

    def _allowance(self) -> Allowance:
        promised = sum(
            trial.until if trial.state is TrialState.RUNNING else max(trial.epochs, trial.state is TrialState.FAILED)
            for trial in self.log.trials
        )
        return Allowance(max(0, self.epochs - promised), max(0, self.trials - len(self.log.trials)))
