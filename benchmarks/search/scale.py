"""Is the best rate of a network of 512 units found from its small versions? `tw.scale_check`, beside a sweep in full.

python benchmarks/search/scale.py [--tasks ...] [--width 512] [--seeds 2]

Tasks of `replay`, by their validation loss after a few epochs. The right rate is where a parabola through the losses'
logarithms at rates that are a factor of two apart, the mean of the seeds, is lowest at the full width. The cost is that
of all trainings at small widths, in seconds of the processor, over that of a sweep at the full one with one seed.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
sys.path.append(str(Path(__file__).with_name("replay")))

import numpy as np
from tasks import TASKS, Task
from trainings import trained

import tunewell as tw

USUAL = {"batch_size": 64, "momentum": 0.9, "lr_decay": 0.999, "weight_decay": 1e-4, "layers": 2, "dropout": 0.0}
SWEPT = ("digits-adam", "digits-sgd", "mixture-sgd", "friedman1-adam", "waves-adam")
RANGES = {"adam": tw.Float(1e-5, 0.1, scale="log"), "sgd": tw.Float(1e-4, 1.0, scale="log")}


def row(task: Task, width: int, seeds: int) -> str:
    """The task's, in Markdown."""

    def train(run: tw.Run) -> None:
        for value in trained(task, dict(run.params), run.seed):
            run.report(val_loss=value)

    setting = {name: value for name, value in USUAL.items() if name in task.space.params}
    space = tw.Space(
        {"learning_rate": RANGES[task.optimizer], "hidden_units": tw.Int(4, 4096, scale="log", default=width)}
        | {name: task.space.params[name] for name in setting}
    )
    found = tw.scale_check(train, space, size="hidden_units", setting=setting)
    seconds = sum(one.seconds for one in found.at_sizes)
    right, of_sweep = swept(task, setting, width, found.rate, seeds)
    off = found.rate / right
    sizes = ", ".join(f"{one.rate:.2g} at {one.size}" for one in found.at_sizes)
    holds = "yes" if found.carries_over else f"no: {found.why}"
    return (
        f"| {task.name} | {sizes} | {found.rate:.2g} | {found.low:.2g} to {found.high:.2g} | {right:.2g} | {off:.2f} "
        f"| {100 * seconds / of_sweep:.0f} % | {holds} |"
    )


def swept(task: Task, setting: dict[str, float], width: int, near: float, seeds: int) -> tuple[float, float]:
    """The best rate at the full width, and the seconds of a sweep of the whole range with one seed."""
    low, high = RANGES[task.optimizer].low, RANGES[task.optimizer].high
    costs: dict[int, float] = {}
    seconds = 0.0

    def cost(step: int) -> float:
        nonlocal seconds
        if step not in costs:
            begun, values = time.process_time(), []
            for seed in range(1, seeds + 1):
                *_, last = trained(task, {**setting, "learning_rate": near * 2.0**step, "hidden_units": width}, seed)
                values.append(math.log(last) if math.isfinite(last) else math.inf)
            seconds += time.process_time() - begun
            costs[step] = float(np.mean(values))
        return costs[step]

    best = 0
    while True:
        around = [step for step in range(best - 2, best + 3) if step not in costs]
        for step in around:
            cost(step)
        least = min(costs, key=lambda step: costs[step])
        if least == best and not around:
            break
        best = least
    points = [step for step in range(best - 1, best + 2) if math.isfinite(costs[step])]
    at = float(best)
    if len(points) == 3:
        bend, slope, _ = np.polyfit(points, [costs[step] for step in points], 2)
        at = float(np.clip(-slope / (2 * bend), best - 1, best + 1))
    whole = math.ceil(math.log2(high / low)) / 2 + 1 + 2  # a coarse sweep, and the best one's two neighbours
    return near * 2.0**at, seconds / len(costs) / seeds * whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", default=list(SWEPT), choices=list(TASKS), metavar="TASK")
    parser.add_argument("--width", type=int, default=512, help="of the full network; 512 if not given")
    parser.add_argument("--seeds", type=int, default=2, help="of the sweep at the full width; 2 if not given")
    parser.add_argument("--epochs", type=int, default=6, help="of each training; 6 if not given")
    parser.add_argument("--rows", type=int, default=600, help="to train on; 600 if not given")
    arguments = parser.parse_args()
    print("| task | best at small widths | predicted | 80 % | right | times too high | cost of a sweep | holds |")
    print("|---" * 8 + "|")
    for name in arguments.tasks:
        task = replace(TASKS[name], metric="val_loss", epochs=arguments.epochs, n_rows=arguments.rows)
        print(row(task, arguments.width, arguments.seeds), flush=True)


if __name__ == "__main__":
    main()
