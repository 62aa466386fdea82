"""What tunewell costs beside the training: milliseconds for ask + tell, reports per second; Optuna in the same run.

Each figure is CPU time (`time.process_time`), the median of several batches interleaved between the two, so that a
noisy machine weighs on both. Trials report nothing in the ask + tell part, as in Optuna's own benchmarks.

    python benchmarks/overhead.py [--sizes 10 1000 10000] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import optuna

import tunewell as tw
from tunewell.stores import Store

SPACE = tw.Space(
    learning_rate=tw.Float(1e-4, 1.0, scale="log"),
    batch_size=tw.Int(16, 512, scale="log"),
    hidden=tw.Int(16, 512, scale="log"),
    momentum=tw.Float(0.5, 0.999, scale="log1m"),
    dropout=tw.Float(0.0, 0.6),
    layers=tw.Int(1, 5),
    optimizer=tw.Choice(["sgd", "adam"]),
)
BATCHES = 5
ASKS_A_BATCH = 20
REPORTS_A_BATCH = 500


def suggest(trial: optuna.Trial) -> None:
    """The same space in Optuna's words, as near as it comes."""
    trial.suggest_float("learning_rate", 1e-4, 1.0, log=True)
    trial.suggest_int("batch_size", 16, 512, log=True)
    trial.suggest_int("hidden", 16, 512, log=True)
    trial.suggest_float("momentum", 0.5, 0.999)
    trial.suggest_float("dropout", 0.0, 0.6)
    trial.suggest_int("layers", 1, 5)
    trial.suggest_categorical("optimizer", ["sgd", "adam"])


class Tunewell:
    """One of our studies, with trials that end after one report."""

    name = "tunewell"

    def __init__(self, store: Store, scheduler: str) -> None:
        self.study = tw.Study(
            SPACE, metric="loss", max_epochs=REPORTS_A_BATCH, budget="1000000000trials", scheduler=scheduler,
            sampler="random", store=store,
        )  # fmt: skip

    def ask_and_tell(self, n: int) -> None:
        for _ in range(n):
            step = self.study.ask()
            assert step is not None
            self.study.report(step.trial, 1, loss=1.0)
            self.study.tell(step.trial, ended=True)

    def reports(self, n: int) -> None:
        step = self.study.ask()
        assert step is not None
        start = time.process_time()
        for epoch in range(1, n + 1):
            self.study.report(step.trial, epoch, loss=1.0, accuracy=0.5)
        self.report_s = time.process_time() - start
        self.study.tell(step.trial, ended=True)


class Optuna:
    """One of Optuna's."""

    name = "optuna"

    def __init__(self, storage: str | None, sampler: optuna.samplers.BaseSampler) -> None:
        self.study = optuna.create_study(storage=storage, sampler=sampler)

    def ask_and_tell(self, n: int) -> None:
        for _ in range(n):
            trial = self.study.ask()
            suggest(trial)
            trial.report(1.0, 1)
            self.study.tell(trial, 1.0)

    def reports(self, n: int) -> None:
        trial = self.study.ask()
        suggest(trial)
        start = time.process_time()
        for epoch in range(1, n + 1):
            trial.report(1.0, epoch)
        self.report_s = time.process_time() - start
        self.study.tell(trial, 1.0)


def cpu_ms(work: Callable[[], None], n: int) -> float:
    start = time.process_time()
    work()
    return (time.process_time() - start) / n * 1e3


def measure(ours: Tunewell, theirs: Optuna, sizes: list[int], largest_of_theirs: int) -> dict[str, object]:
    """Ask + tell at each size, both filled up to it; then reports."""
    table: dict[str, object] = {}
    filled = 0
    for size in sizes:
        ours.ask_and_tell(size - filled)
        both = size <= largest_of_theirs
        if both:
            theirs.ask_and_tell(size - filled)
        filled = size
        costs: dict[str, list[float]] = {"tunewell": [], "optuna": []}
        for _ in range(BATCHES):
            costs["tunewell"].append(cpu_ms(lambda: ours.ask_and_tell(ASKS_A_BATCH), ASKS_A_BATCH))
            if both:
                costs["optuna"].append(cpu_ms(lambda: theirs.ask_and_tell(ASKS_A_BATCH), ASKS_A_BATCH))
        table[f"ask + report + tell at {size}, ms"] = {name: statistics.median(c) for name, c in costs.items() if c}
    rates: dict[str, list[float]] = {"tunewell": [], "optuna": []}
    for _ in range(BATCHES):
        for side in (ours, theirs):
            side.reports(REPORTS_A_BATCH)
            rates[side.name].append(REPORTS_A_BATCH / side.report_s)
    table["reports a second"] = {name: statistics.median(r) for name, r in rates.items()}
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 1000, 10000])
    parser.add_argument("--optuna-up-to", type=int, default=1000, help="do not fill Optuna's SQLite beyond this (slow)")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    results: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryDirectory() as folder:
        random_sampler = optuna.samplers.RandomSampler(seed=0)
        for title, store, storage, limit in (
            ("memory, random", tw.MemoryStore(), None, max(arguments.sizes)),
            (
                "SQLite, random; ours: WAL, synchronous NORMAL; Optuna's: its default (rollback journal, FULL)",
                tw.open_store(Path(folder) / "tunewell.db"),
                f"sqlite:///{folder}/optuna.db",
                arguments.optuna_up_to,
            ),
        ):
            results[title] = measure(Tunewell(store, "full"), Optuna(storage, random_sampler), arguments.sizes, limit)
            print(f"\n{title}")
            for row, values in results[title].items():
                assert isinstance(values, dict)
                cells = "  ".join(f"{name} {value:10.3f}" for name, value in values.items())
                kind = "reports" in row and "second" in row
                ratio = ""
                if "optuna" in values:
                    a, b = values["tunewell"], values["optuna"]
                    ratio = f"  ratio {(a / b if kind else b / a):.1f}"
                print(f"  {row:40s} {cells}{ratio}")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
