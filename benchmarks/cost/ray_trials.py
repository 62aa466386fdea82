"""What a trial costs on a Ray cluster beside its training: tunewell's actors, and Ray Tune with and without reuse.

    python benchmarks/cost/ray_trials.py [--trials 30] [--workers 2] [--repeats 3]

Each trial reports 5 epochs of a trivial objective. Both run on one local cluster that is up already; ours keeps its
record in an SQLite file. Wall-clock milliseconds a trial, from the start of the search to its end, and the same
without the time to the first trial's end, in which the actors begin.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

os.environ |= {"RAY_AIR_NEW_OUTPUT": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0", "RAY_DEDUP_LOGS": "0"}

import ray
from ray import tune as ray_tune

import tunewell as tw
from tunewell.runners import Execution, Ray
from tunewell.runners.base import NullObserver
from tunewell.runners.tune import drive

EPOCHS = 5


def train(run: tw.Run) -> None:
    for epoch in run.epochs(EPOCHS):
        run.report(loss=run.params["x"] / epoch)


class FirstEnd(NullObserver):
    """Notes when the first trial ended."""

    def __init__(self) -> None:
        self.at = 0.0

    def on_step_end(self, study: tw.Study, trial: int) -> None:  # noqa: ARG002  as `Observer` has it
        self.at = self.at or time.perf_counter()


def tunewell(trials: int, workers: int, folder: Path) -> tuple[float, float]:
    """Milliseconds a trial: of all, and of those after the first."""
    study = tw.Study(
        tw.Space(x=tw.Float(0.0, 1.0)),
        metric="loss",
        max_epochs=EPOCHS,
        budget=f"{trials}trials",
        scheduler="full",
        sampler="random",
        store=folder / "tunewell.db",
    )
    first, began = FirstEnd(), time.perf_counter()
    drive(study, train, Execution(workers=workers, ray=Ray()), first)
    ended = time.perf_counter()
    assert [len(study.reports(n)) for n in range(trials)] == [EPOCHS] * trials
    return (ended - began) / trials * 1e3, (ended - first.at) / (trials - 1) * 1e3


class Trainable(ray_tune.Trainable):
    """The same, as Ray Tune has it; it can be reset, so that an actor may go on with another trial."""

    def setup(self, config: Mapping[str, Any]) -> None:
        self.config, self.epoch = dict(config), 0

    def step(self) -> dict[str, Any]:
        self.epoch += 1
        return {"loss": self.config["x"] / self.epoch, "done": self.epoch == EPOCHS}

    def reset_config(self, new_config: Mapping[str, Any]) -> bool:
        self.setup(new_config)
        return True

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        pass

    def load_checkpoint(self, checkpoint: object) -> None:
        pass


class FirstResult(ray_tune.Callback):
    """Notes when the first trial ended."""

    def __init__(self) -> None:
        self.at = 0.0

    def on_trial_complete(self, **_: object) -> None:
        self.at = self.at or time.perf_counter()


def ray_tuned(trials: int, workers: int, folder: Path, *, reuse: bool) -> tuple[float, float]:
    first, began = FirstResult(), time.perf_counter()
    tuner = ray_tune.Tuner(
        ray_tune.with_resources(Trainable, {"cpu": 1}),
        param_space={"x": ray_tune.uniform(0.0, 1.0)},
        tune_config=ray_tune.TuneConfig(
            num_samples=trials, metric="loss", mode="min", reuse_actors=reuse, max_concurrent_trials=workers
        ),
        run_config=ray_tune.RunConfig(storage_path=str(folder), verbose=0, callbacks=[first]),
    )
    results = tuner.fit()
    ended = time.perf_counter()
    assert len(results) == trials
    assert not results.errors
    return (ended - began) / trials * 1e3, (ended - first.at) / (trials - 1) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    ray.init(num_cpus=asked.workers, include_dashboard=False, logging_level="error", log_to_driver=False)
    sides: dict[str, Callable[[Path], tuple[float, float]]] = {
        "tunewell": lambda folder: tunewell(asked.trials, asked.workers, folder),
        "Ray Tune, actors reused": lambda folder: ray_tuned(asked.trials, asked.workers, folder, reuse=True),
        "Ray Tune": lambda folder: ray_tuned(asked.trials, asked.workers, folder, reuse=False),
    }
    costs: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for _ in range(asked.repeats):
        for name, side in sides.items():
            with tempfile.TemporaryDirectory() as folder:
                costs[name].append(side(Path(folder)))
            print(f"{name:24s} {costs[name][-1][0]:8.0f} ms a trial, {costs[name][-1][1]:8.0f} after the first")
    print()
    ours = [statistics.median(run[k] for run in costs["tunewell"]) for k in (0, 1)]
    for name, runs in costs.items():
        every, later = (statistics.median(run[k] for run in runs) for k in (0, 1))
        times = f"({every / ours[0]:.1f})", f"({later / ours[1]:.1f})"
        print(f"{name:24s} {every:8.0f} ms {times[0]:7s} after the first {later:8.1f} ms {times[1]}")
    ray.shutdown()


if __name__ == "__main__":
    main()
