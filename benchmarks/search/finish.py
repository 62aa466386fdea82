"""Does the interval of `tunewell plan` hold? Asked at several points of studies whose end is known then.

    python benchmarks/search/finish.py [simulated studies] [real ones]

Simulated: settings of which some take many times as long as others, epochs of uneven length, a machine that gets slower
or quicker, one to four workers, four schedulers; only the clock is simulated. Real: the demo's digits network, on this
machine as busy as it is, with one or two workers. Promised: of intervals that are said to hold in 80 % of cases 75 to
85 % do.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

import tunewell as tw
from tunewell.analysis.pace import Done, TimeLeft, UnderWay, time_left
from tunewell.demo import digits
from tunewell.runners import Execution
from tunewell.runners.tune import drive
from tunewell.samplers import RandomSampler, SobolSampler
from tunewell.schedulers import (
    AshaScheduler,
    FreezeThawScheduler,
    FullScheduler,
    HyperbandScheduler,
    Scheduler,
)
from tunewell.study import Study
from tunewell.testing import Simulation, simulate
from tunewell.trial import Step

SPACE = tw.Space(
    learning_rate=tw.Float(1e-4, 1.0, scale="log"),
    hidden=tw.Int(16, 1024, scale="log"),
    layers=tw.Int(1, 4),
    batch_size=tw.Int(16, 512, scale="log"),
)
SCHEDULERS: tuple[Callable[[], Scheduler], ...] = (
    lambda: AshaScheduler(SobolSampler()),
    lambda: HyperbandScheduler(SobolSampler()),
    lambda: FullScheduler(RandomSampler()),
    lambda: FreezeThawScheduler(SobolSampler()),
)
POINTS = (0.1, 0.25, 0.5, 0.75, 0.9)
"""Shares of the budget at which the question is asked."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was said at a point of a study, and what came of it."""

    point: float
    said: TimeLeft
    took: float

    @property
    def held(self) -> bool:
        """The study ended within the interval."""
        return self.said.low <= self.took <= self.said.high


def main() -> None:
    """Print the tables."""
    simulated, real = (int(text) for text in (*sys.argv[1:], "100", "20")[:2])
    show("simulated", [one for seed in range(simulated) for one in of_simulated(seed)])
    show("real", [one for seed in range(real) for one in of_real(seed)])


def show(kind: str, asked: Sequence[Asked]) -> None:
    """Print a line a point: how many intervals held, how wide they were, how far the middle was off."""
    if not asked:
        return
    print(f"{kind}\n   spent  asked   held  ended before   after   high / low   off by")
    for point in (*POINTS, None):
        here = [one for one in asked if point in (None, one.point)]
        if not here:
            continue
        held, before = (np.mean([test(one) for one in here]) for test in (lambda one: one.held, _ended_before))
        width = np.median([one.said.high / max(one.said.low, 1e-9) for one in here])
        off = math.exp(np.median([abs(math.log(one.took / max(one.said.middle, 1e-9))) for one in here])) - 1
        name = "all" if point is None else f"{point:.0%}"
        line = f"{name:>8}  {len(here):5d}  {held:5.0%}  {before:12.0%}  {1 - held - before:6.0%}"
        print(f"{line}  {width:11.2f}  {off:7.0%}")


def _ended_before(one: Asked) -> bool:
    return one.took < one.said.low


def of_simulated(seed: int) -> Iterator[Asked]:
    """Yield what is said of one study in simulated time."""
    rng = np.random.default_rng(seed)
    by_width, by_depth, by_batch = rng.uniform(0, 1, 3)
    noise, drift = float(rng.choice([0.02, 0.1, 0.3])), rng.normal(0, 0.15)
    larger_is_better, rate = rng.normal(0, 0.3), rng.uniform(math.log(1e-3), math.log(0.3))
    base, workers = rng.uniform(0.1, 1), int(rng.choice([1, 2, 4]))
    kind = seed % len(SCHEDULERS)
    budget = 200 if kind == 3 else int(rng.choice([200, 400, 600, 1000]))
    chance, epochs = np.random.default_rng([seed, 1]), 0

    def curve(params: Mapping[str, float], epoch: int) -> float:
        off = (
            abs(math.log(params["learning_rate"]) - rate) / 3 - larger_is_better * math.log(params["hidden"] / 128) / 2
        )
        return (0.3 + 0.7 * math.exp(-epoch / 6)) / (1 + math.exp(-off)) + 0.01 * chance.normal()

    def cost(params: Mapping[str, float]) -> float:
        nonlocal epochs
        epochs += 1
        size = (params["hidden"] / 128) ** by_width * params["layers"] ** by_depth
        each = 0.3 + size / (params["batch_size"] / 64) ** by_batch
        return base * each * math.exp(noise * chance.normal() + drift * epochs / budget)

    run = simulate(
        SCHEDULERS[kind](), SPACE, curve, max_epochs=20, epochs=budget, n_workers=workers, seed=seed, cost=cost
    )
    for point in POINTS:
        said, took = _asked(run, max(1, int(point * len(run.times))), workers)
        if said is not None:
            yield Asked(point, said, took)


def _asked(run: Simulation, n: int, workers: int) -> tuple[TimeLeft | None, float]:
    """Return what is said when n epochs were reported, and how long it took from then."""
    at = {(trial, epoch): when for (trial, epoch, _), when in zip(run.reports, run.times, strict=True)}
    now, given, under_way = run.times[n - 1], 0, []
    done: list[tuple[float, Done]] = []
    for step in run.steps:
        if step.started_at >= now:
            break
        ends = [at[step.trial, epoch] for epoch in range(step.first, step.until + 1) if (step.trial, epoch) in at]
        trained = sum(end <= now for end in ends)
        given += len(ends)
        if trained == len(ends):
            done.append((ends[-1], Done(trained, ends[-1] - step.started_at, step.trial, ends)))
        else:
            pace = (ends[trained - 1] - step.started_at) / trained if trained else math.nan
            under_way.append(UnderWay(len(ends), trained, pace, step.trial, ends[:trained]))
    known = [one for _, one in sorted(done, key=lambda one: one[0])]
    said = time_left(known, under_way, epochs=len(run.times) - given, workers=workers)
    return said, max(run.times) - now


class _Asker:
    """A controller that asks for the plan at each point of a study that runs."""

    def __init__(self, budget: int) -> None:
        self._at = [(point, math.ceil(point * budget)) for point in POINTS]
        self.said: list[tuple[float, TimeLeft, float]] = []

    def on_step(self, study: Study, step: Step) -> None:
        """Do nothing."""

    def on_report(self, study: Study, trial: int, epoch: int, metrics: Mapping[str, float]) -> None:  # noqa: ARG002
        """Ask, if a point has come."""
        while self._at and study.spent.trained >= self._at[0][1]:
            point, _ = self._at.pop(0)
            left = study.plan().time_left
            if left is not None:
                self.said.append((point, left, time.monotonic()))

    def on_step_end(self, study: Study, trial: int) -> None:
        """Do nothing."""


def of_real(seed: int) -> Iterator[Asked]:
    """Yield what is said of one study of the digits network."""
    rng = np.random.default_rng(seed)
    budget = int(rng.choice([100, 200, 300]))
    workers = 1 + seed % 2
    scheduler = ("auto", "asha", "full")[seed % 3]
    study = tw.Study(
        digits.space, metric=digits.metric, budget=f"{budget}epochs", scheduler=scheduler, seed=seed, store="memory"
    )
    asker = _Asker(budget)
    drive(study, digits.train, Execution(workers=workers, threads=True), controllers=[asker])
    ended = time.monotonic()
    for point, said, at in asker.said:
        yield Asked(point, said, ended - at)


if __name__ == "__main__":
    main()
