"""Successive halving in brackets, and Hyperband, which cycles through brackets of several kinds.

A bracket is a group of trials that start together; at each rung the best 1/eta of them go on, once all have got
there. Which bracket a trial belongs to follows from its number alone, so nothing has to be remembered.

* Jamieson and Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization", 2016.
* Li et al., "Hyperband: a novel bandit-based approach to hyperparameter optimization", 2018.

Shapes: n trials; C brackets of one kind, each of `size` trials.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tunewell.history import History
from tunewell.samplers import Sampler
from tunewell.samplers.construction import check_whole
from tunewell.schedulers.rungs import check_rung_settings, rungs, values_at_rung
from tunewell.schedulers.scheduler import Scheduler
from tunewell.space.space import Space
from tunewell.trial import Allowance, Resume, Start


@dataclass(frozen=True, slots=True)
class HalvingScheduler(Scheduler):
    """Trains a bracket of trials a little, keeps the best 1/eta, trains these more, and so on; then the next bracket.

    The best of a bracket are known when all of it has got to a rung. Workers that would wait for that begin
    the next bracket. When no trial is left to start, the last bracket goes on with what it has.

    Example:
        >>> def train(run):
        ...     for epoch in run.epochs(3):
        ...         run.report(val_loss=(run.params.rate - 0.3) ** 2 + 1 / epoch)
        >>> scheduler = tw.HalvingScheduler(tw.SobolSampler(), eta=3, min_epochs=1)
        >>> space = {"rate": tw.Float(0.0, 1.0)}
        >>> study = tw.tune(train, space, metric="val_loss", budget=4, scheduler=scheduler, store="memory")
        >>> study.spent.epochs
        12
    """

    name: ClassVar[str] = "halving"
    sampler: Sampler
    eta: int = 3
    """One trial in so many goes on at each rung; rungs are this factor apart."""
    min_epochs: int | None = None
    """The first rung; None leaves room for two halvings (see `rungs`)."""
    n_trials: int | None = None
    """Trials in a bracket; None is as many as leave one to be trained to its end."""

    def __post_init__(self) -> None:
        check_rung_settings(self.eta, self.min_epochs)
        if self.n_trials is not None:
            check_whole("n_trials", self.n_trials, at_least=1)

    def next(
        self, space: Space, history: History, allowance: Allowance, rng: np.random.Generator
    ) -> Start | Resume | None:
        """Let the oldest bracket go on that can, else start a trial of the newest."""
        cycle = self.brackets(history.max_epochs)
        return _next(cycle, self.eta, self.sampler, space, history, allowance, rng)

    def brackets(self, max_epochs: int) -> tuple[Bracket, ...]:
        """Return the one kind of bracket."""
        ladder = rungs(self.min_epochs, max_epochs, self.eta)
        return (Bracket(self.n_trials or self.eta ** (len(ladder) - 1), ladder),)


@dataclass(frozen=True, slots=True)
class HyperbandScheduler(Scheduler):
    """Successive halving with many short trials, then fewer and longer ones, to trials in full; then again.

    So it is right some of the time whether or not the first epochs of a training tell its end.

    Example:
        >>> def train(run):
        ...     for epoch in run.epochs(3):
        ...         run.report(val_loss=(run.params.rate - 0.3) ** 2 + 1 / epoch)
        >>> scheduler = tw.HyperbandScheduler(tw.SobolSampler())
        >>> space = {"rate": tw.Float(0.0, 1.0)}
        >>> study = tw.tune(train, space, metric="val_loss", budget=4, scheduler=scheduler, store="memory")
        >>> study.spent.epochs
        12
    """

    name: ClassVar[str] = "hyperband"
    sampler: Sampler
    eta: int = 3
    """One trial in so many goes on at each rung; rungs are this factor apart."""
    min_epochs: int = 1
    """The first rung of the bracket that starts the most trials."""

    def __post_init__(self) -> None:
        check_whole("min_epochs", self.min_epochs, at_least=1)
        check_rung_settings(self.eta, self.min_epochs)

    def next(
        self, space: Space, history: History, allowance: Allowance, rng: np.random.Generator
    ) -> Start | Resume | None:
        """Let the oldest bracket go on that can, else start a trial of the newest."""
        cycle = self.brackets(history.max_epochs)
        return _next(cycle, self.eta, self.sampler, space, history, allowance, rng)

    def brackets(self, max_epochs: int) -> tuple[Bracket, ...]:
        """Return a bracket for each rung to begin at, each of about the same cost.

        The sizes are those of the paper's Table 1, in which (s_max + 1) / (s + 1) is rounded down; its
        Algorithm 1 rounds the product up instead, which does not give the table.
        """
        ladder = rungs(self.min_epochs, max_epochs, self.eta)
        n = len(ladder)
        return tuple(Bracket(n // (n - i) * self.eta ** (n - i - 1), ladder[i:]) for i in range(n))


@dataclass(frozen=True, slots=True)
class Bracket:
    """A group of trials that are halved together."""

    size: int
    """Trials at the first rung."""
    rungs: tuple[int, ...]

    def rounds(self, eta: int) -> Iterator[tuple[int, int]]:
        """Yield how many trials are trained through which epoch, rung by rung."""
        n = self.size
        for rung in self.rungs:
            yield n, rung
            n = max(1, n // eta)


def _next(
    cycle: Sequence[Bracket],
    eta: int,
    sampler: Sampler,
    space: Space,
    history: History,
    allowance: Allowance,
    rng: np.random.Generator,
) -> Start | Resume | None:
    resume = _resume(cycle, eta, history, no_more=False)
    if resume is not None:
        return resume
    params = sampler.suggest(space, history, rng) if allowance.trials > 0 else None
    if params is not None:
        return Start(params, until=_bracket(cycle, len(history)).rungs[0])
    return _resume(cycle, eta, history, no_more=True)


def _bracket(cycle: Sequence[Bracket], trial: int) -> Bracket:
    """Return the bracket that the trial belongs to."""
    ends = np.cumsum([bracket.size for bracket in cycle])
    return cycle[int(np.searchsorted(ends, trial % ends[-1], side="right"))]


def _resume(cycle: Sequence[Bracket], eta: int, history: History, *, no_more: bool) -> Resume | None:
    """Return the lowest trial that may go on, so that older brackets are done first."""
    trials_per_cycle = sum(bracket.size for bracket in cycle)
    begin = 0
    best: Resume | None = None
    for bracket in cycle:
        first = np.arange(begin, len(history), trials_per_cycle)
        trials = first[:, None] + np.arange(bracket.size)
        for resume in _resumes(bracket, trials, eta, history, no_more=no_more):
            if best is None or resume.trial < best.trial:
                best = resume
        begin += bracket.size
    return best


def _resumes(
    bracket: Bracket, trials: NDArray[np.int64], eta: int, history: History, *, no_more: bool
) -> Iterator[Resume]:
    """Yield, rung by rung, the lowest trial that may go on to it.

    trials: (C, size): the numbers of each bracket's trials; those of the last may not have started yet.
    no_more: none will start any more, so a bracket that is not full goes on with what it has.
    """
    if not trials.size:
        return
    members = trials < len(history)
    full = members.all(axis=1, keepdims=True) | no_more
    rows = np.where(members, trials, 0)
    epochs, paused, ended = history.epochs[rows], history.paused[rows], history.ended[rows]
    for rung in bracket.rungs:
        waiting = trials[members & paused & (epochs < rung)]
        if waiting.size:
            yield Resume(int(waiting.min()), until=rung)
        settled = full & ((epochs >= rung) | ended | ~members).all(axis=1, keepdims=True)
        values = np.where(members, values_at_rung(history, rung)[rows], np.nan)  # NaN is sorted last
        places = values.argsort(axis=1, kind="stable").argsort(axis=1)
        members &= settled & (places < np.maximum(1, members.sum(axis=1, keepdims=True) // eta))
