"""What tunewell costs beside the training, with Optuna in the same run.

Asking for a trial, reporting its one epoch and telling that it has ended; a report by itself; a report with the answer
to what the training does next, as a runner has it (in Optuna `should_prune`); opening a study that holds many trials.
Each figure is CPU time (`time.process_time`), the median of several batches that take turns, so that a noisy machine
weighs on both; behind it, in brackets, how many times ours it is.

    python benchmarks/cost/overhead.py [--sizes 10 1000 10000] [--json FILE]
"""

from __future__ import annotations

import argparse
import copy
import functools
import gc
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import optuna

import tunewell as tw
from tunewell.runners import Execution
from tunewell.runners.driver import Driver
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
ASKS_A_BATCH = 50
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

    def __init__(self, store: Store) -> None:
        self.store = store
        self.study = self.opened()

    def opened(self, *, resume: bool = False) -> tw.Study:
        return tw.Study(
            SPACE, metric="loss", max_epochs=REPORTS_A_BATCH, budget="1000000000trials", scheduler="full",
            sampler="random", store=self.store, name="overhead", resume=resume,
        )  # fmt: skip

    def ask_and_tell(self, n: int) -> None:
        for _ in range(n):
            step = self.study.ask()
            assert step is not None
            self.study.report(step.trial, 1, loss=1.0)
            self.study.tell(step.trial, ended=True)

    def reports(self, n: int) -> float:
        """Seconds for n reports of a trial."""
        step = self.study.ask()
        assert step is not None
        start = time.process_time()
        for epoch in range(1, n + 1):
            self.study.report(step.trial, epoch, loss=1.0, accuracy=0.5)
        seconds = time.process_time() - start
        self.study.tell(step.trial, ended=True)
        return seconds

    def answered_reports(self, n: int) -> float:
        """Seconds for n reports of a trial that trains in a runner, which wants to know whether to go on."""
        step = self.study.ask()
        assert step is not None
        driver = Driver(self.study, Execution())
        start = time.process_time()
        for epoch in range(1, n + 1):
            driver.report(step.trial, epoch, {"loss": 1.0, "accuracy": 0.5})
        seconds = time.process_time() - start
        self.study.tell(step.trial, ended=True)
        return seconds

    def open(self) -> None:
        """Have every trial at hand."""
        assert self.opened(resume=True).trials


class Optuna:
    """One of Optuna's."""

    def __init__(self, storage: str | None) -> None:
        self.storage = storage
        self.study = optuna.create_study(storage=storage, study_name="overhead")
        self.sampler: optuna.samplers.BaseSampler = optuna.samplers.RandomSampler(seed=0)

    def ask_and_tell(self, n: int) -> None:
        self.study.sampler = self.sampler
        for _ in range(n):
            trial = self.study.ask()
            suggest(trial)
            trial.report(1.0, 1)
            self.study.tell(trial, 1.0)

    def reports(self, n: int) -> float:
        trial = self.study.ask()
        suggest(trial)
        start = time.process_time()
        for epoch in range(1, n + 1):
            trial.report(1.0, epoch)
        seconds = time.process_time() - start
        self.study.tell(trial, 1.0)
        return seconds

    def answered_reports(self, n: int) -> float:
        trial = self.study.ask()
        suggest(trial)
        start = time.process_time()
        for epoch in range(1, n + 1):
            trial.report(1.0, epoch)
            trial.should_prune()
        seconds = time.process_time() - start
        self.study.tell(trial, 1.0)
        return seconds

    def open(self) -> None:
        if self.storage is not None:
            assert optuna.load_study(study_name="overhead", storage=self.storage).trials

    def with_tpe(self) -> Optuna:
        """The same study, asked through the sampler that Optuna takes by default."""
        other = copy.copy(self)
        other.sampler = optuna.samplers.TPESampler(seed=0)
        return other


def cpu_ms(work: Callable[[], object], n: int = 1) -> float:
    start = time.process_time()
    work()
    return (time.process_time() - start) / n * 1e3


def measure(ours: Tunewell, theirs: Optuna, sizes: list[int]) -> dict[str, dict[str, float]]:
    """A row of medians for each thing that is timed."""
    sides = {"tunewell": ours, "Optuna random": theirs, "Optuna TPE": theirs.with_tpe()}
    table: dict[str, dict[str, float]] = {}
    filled = 0
    for size in sizes:
        for side in (ours, theirs):
            side.ask_and_tell(max(0, size - filled))
        gc.collect()
        gc.freeze()  # what one has filled is not swept at the other's expense
        costs: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(BATCHES):
            for name, side in sides.items():
                side.ask_and_tell(1)  # the other's batch has left it cold caches
                costs[name].append(cpu_ms(functools.partial(side.ask_and_tell, ASKS_A_BATCH), ASKS_A_BATCH))
        table[f"ask + report + tell at {size} trials, ms"] = {n: statistics.median(c) for n, c in costs.items()}
        filled = size + BATCHES * (ASKS_A_BATCH + 1)
    last: dict[str, Tunewell | Optuna] = {"tunewell": ours, "Optuna random": theirs}
    if theirs.storage is not None:
        table[f"opening the study of {sizes[-1]} trials, ms"] = {n: cpu_ms(side.open) for n, side in last.items()}
    rows = {"a report, ms": "reports", "a report and its answer, ms": "answered_reports"}
    for row, method in rows.items():
        seconds: dict[str, list[float]] = {name: [] for name in last}
        for _ in range(BATCHES):
            for name, side in last.items():
                seconds[name].append(getattr(side, method)(REPORTS_A_BATCH))
        table[row] = {n: statistics.median(s) / REPORTS_A_BATCH * 1e3 for n, s in seconds.items()}
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 1000, 10000])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    results: dict[str, dict[str, dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/optuna.db"
        for title, store, storage in (
            ("In memory", tw.MemoryStore(), None),
            ("SQLite: ours WAL, synchronous NORMAL", tw.open_store(Path(folder) / "normal.db"), url),
            (
                "SQLite: ours WAL, synchronous FULL",
                tw.open_store(f"sqlite:///{folder}/full.db?synchronous=full"),
                f"sqlite:///{folder}/optuna2.db",
            ),
        ):
            sizes = arguments.sizes[:-1] if "FULL" in title else arguments.sizes  # the largest takes minutes
            results[title] = measure(Tunewell(store), Optuna(storage), sizes)
            print(f"\n{title}" + (", Optuna as it comes (rollback journal, synchronous FULL)" if storage else ""))
            for row, cells in results[title].items():
                figures = "".join(
                    f"   {name} {value:8.3f} ({value / cells['tunewell']:5.1f})" for name, value in cells.items()
                )
                print(f"  {row:38s}{figures}", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
