"""The demo over five seeds of split, networks and search: does it keep what it promises?

    python benchmarks/search/demo.py [number of seeds]

A line a seed: accuracy before and after, on the validation images and on the test images that no decision saw, and
the seconds that it took with one worker. Promised: from 65 to 75 % on validation to at least 97 % on test on
average, and never less than 96 %.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import numpy as np

from tunewell.demo.demonstration import run_demo
from tunewell.stores import MemoryStore


def main() -> None:
    """Print the table."""
    n_seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    rows = []
    print("seed   before: val   test    after: val   test   epochs   seconds   mattered most")
    for seed in range(n_seeds):
        start = time.perf_counter()
        result = run_demo(MemoryStore(), seed=seed)
        seconds = time.perf_counter() - start
        if result is None:
            sys.exit("interrupted")
        after = result.after
        rows.append([result.before.best.value, result.before.test_accuracy, after.best.value, after.test_accuracy])
        most = ", ".join(item.name for item in result.mattered[:3])
        print(f"{seed:4d}   {line(rows[-1])}    {result.epochs:5d}    {seconds:6.1f}   {most}")
    for name, summary in {"mean": np.mean, "least": np.min, "most": np.max}.items():
        print(f"{name:5s}  {line(summary(rows, axis=0))}")


def line(row: Sequence[float]) -> str:
    """The four accuracies under their headings."""
    before, before_test, after, after_test = (f"{value:6.1%}" for value in row)
    return f"     {before} {before_test}        {after} {after_test}"


if __name__ == "__main__":
    main()
