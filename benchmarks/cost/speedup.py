"""What eight workers gain over one, in simulated time: how much sooner a search is where one worker gets it.

    python benchmarks/cost/speedup.py [--workers 8] [--seeds 8] [--schedulers freeze_thaw asha full]

Nothing is trained: learning curves are formulas of five parameters, an epoch of a wide network takes up to four times
as long as one of a narrow one, and workers take what the scheduler gives them as soon as they are free. Told are, as
geometric means over the seeds with two standard errors: how much sooner the whole budget of 12 trainings is spent, and
how much sooner the best loss is where that of one worker is after a third of it and at its end. Workers that decide
before others have finished know less, so that the last two are less than the first.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence

import numpy as np

import tunewell as tw
from tunewell.samplers import FirstSampler, SobolSampler
from tunewell.schedulers import by_name
from tunewell.space.values import Params
from tunewell.testing.simulation import Simulation, simulate

SPACE = tw.Space(
    learning_rate=tw.Float(1e-4, 1.0, scale="log", default=0.01),
    hidden=tw.Int(16, 512, scale="log", default=64),
    momentum=tw.Float(0.5, 0.999, scale="log1m", default=0.9),
    dropout=tw.Float(0.0, 0.6, default=0.1),
    weight_decay=tw.Float(1e-6, 1e-1, scale="log", default=1e-4),
)
EPOCHS, TRAININGS = 27, 12
_WEIGHTS = np.array([3.0, 0.8, 0.6, 0.4, 0.3])
"""How much each parameter matters."""


def landscape(seed: int) -> Callable[[Params, int], float]:
    """Learning curves whose best setting lies somewhere else for each seed."""
    best = np.random.default_rng([seed, 1]).uniform(0.2, 0.8, size=len(SPACE.params))

    def curve(params: Params, epoch: int) -> float:
        point = SPACE.encode(params)
        away = float(_WEIGHTS @ (point - best) ** 2)
        if point[0] > best[0] + 0.3:
            return math.inf  # the learning rate is too high
        speed = 0.05 + 0.6 * math.exp(-20 * max(0.0, best[0] - point[0]) ** 2)
        noise = 0.003 * np.random.default_rng([seed, epoch, *(int(1e6 * part) for part in point)]).normal()
        return 0.05 + away + 2.0 * math.exp(-speed * epoch) + noise

    return curve


def cost(params: Params) -> float:
    """Of an epoch."""
    return 0.5 * 4 ** float(SPACE.encode(params)[1])


def search(scheduler: str, seed: int, workers: int) -> Simulation:
    built = by_name(scheduler, FirstSampler([SPACE.defaults()], SobolSampler()))
    budget = EPOCHS * TRAININGS
    return simulate(
        built, SPACE, landscape(seed), max_epochs=EPOCHS, epochs=budget, n_workers=workers, seed=seed, cost=cost
    )


def lowest_by(found: Simulation, share: float) -> float:
    """The lowest loss of the first reports."""
    return min(value for _, _, value in found.reports[: round(share * len(found.reports))])


def time_to(found: Simulation, target: float) -> float:
    """When a report was as low; the end, if none was."""
    reached = (at for at, (_, _, value) in zip(found.times, found.reports, strict=True) if value <= target)
    return next(reached, found.finished_at)


def in_words(ratios: Sequence[float]) -> str:
    logs = np.log(ratios)
    error = 2 * logs.std(ddof=1) / math.sqrt(len(logs))
    return f"{math.exp(logs.mean()):5.1f} ({math.exp(logs.mean() - error):.1f} to {math.exp(logs.mean() + error):.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--schedulers", nargs="+", default=["freeze_thaw", "asha", "full"])
    asked = parser.parse_args()
    print(f"{asked.workers} workers: times sooner than one")
    for scheduler in asked.schedulers:
        pairs = [(search(scheduler, seed, 1), search(scheduler, seed, asked.workers)) for seed in range(asked.seeds)]
        rows = {"the budget is spent": [one.finished_at / many.finished_at for one, many in pairs]}
        for share, name in ((1 / 3, "the best of a third of it"), (1.0, "the best of all of it")):
            goals = [lowest_by(one, share) for one, _ in pairs]
            rows[name] = [
                time_to(one, goal) / time_to(many, goal) for (one, many), goal in zip(pairs, goals, strict=True)
            ]
        for name, ratios in rows.items():
            print(f"  {scheduler:12s} {name:28s} {in_words(ratios)}", flush=True)


if __name__ == "__main__":
    main()
