"""Grid search wastes trials where random search does not (Bergstra and Bengio, 2012, figure 1).

Two parameters, of which only one matters; nobody knows which. Nine trials of a grid try three values of the one
that matters, each three times over; nine random trials try nine. Studies run in simulated time, each with the peak of
its target at another place. `python benchmarks/search/grid_against_random.py` prints the table; it takes seconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tunewell.samplers import GridSampler, RandomSampler, Sampler, SobolSampler
from tunewell.schedulers import FullScheduler
from tunewell.space.params import Float
from tunewell.space.space import Space
from tunewell.space.values import Params
from tunewell.testing import Simulation, simulate

SPACE = Space(important=Float(0.0, 1.0), idle=Float(0.0, 1.0))
N_TRIALS = 9
EPOCHS = 5  # of a full training
INSET = [1 / 6, 1 / 2, 5 / 6]  # no level spent on an end of the range
WIDTH = 0.1  # of the peak; the range is 1
SAMPLERS: dict[str, Callable[[int], Sampler]] = {
    "grid": lambda _: GridSampler(3),
    "grid, inset": lambda _: GridSampler({"important": INSET, "idle": INSET}),
    "random": lambda _: RandomSampler(),
    "sobol": SobolSampler,
}


@dataclass(frozen=True, slots=True)
class Row:
    """What one sampler's studies came to, on average."""

    sampler: str
    values_tried: float
    """Different values of the important parameter."""
    best: float
    """The best score found; the peak has 1."""
    found: float
    """The share of studies that came to a score of 0.5."""


def compare(n_studies: int) -> list[Row]:
    """A row for each sampler over the same targets."""
    peaks = np.random.default_rng(2012).random(n_studies)
    return [
        _row(name, [study(make(seed), peak, seed) for seed, peak in enumerate(peaks)])
        for name, make in SAMPLERS.items()
    ]


def study(sampler: Sampler, peak: float, seed: int) -> Simulation:
    """Nine trainings, each to its end."""

    def loss(params: Params, epoch: int) -> float:
        return 1.0 - _score(params, peak) * (1.0 - 0.5**epoch) / (1.0 - 0.5**EPOCHS)

    return simulate(FullScheduler(sampler), SPACE, loss, max_epochs=EPOCHS, epochs=N_TRIALS * EPOCHS, seed=seed)


def _score(params: Params, peak: float) -> float:
    # the idle parameter is not quite without effect, as in life
    return 0.99 * math.exp(-(((params.important - peak) / WIDTH) ** 2)) + 0.01 * float(params.idle)


def _row(name: str, studies: list[Simulation]) -> Row:
    tried = [len({trial.params.important for trial in log.trials}) for log in studies]
    best = np.array([1.0 - log.best for log in studies])
    return Row(name, float(np.mean(tried)), float(best.mean()), float((best >= 0.5).mean()))


def main() -> None:
    """Print the table."""
    n_studies = 1000
    print(f"{n_studies} studies of {N_TRIALS} trials, peak {WIDTH:.0%} of the range wide\n")
    print(f"{'sampler':12} {'values tried':>12} {'best score':>12} {'peak found':>12}")
    for row in compare(n_studies):
        print(f"{row.sampler:12} {row.values_tried:12.0f} {row.best:12.2f} {row.found:12.0%}")


if __name__ == "__main__":
    main()
