"""A large study on SQLite: how long it takes to open, to decide, and what memory it takes, each in a fresh process.

    python benchmarks/cost/large_study.py [--trials 10000 100000] [--reports 50] [--scheduler full --sampler random]

The record is written in bulk by SQL, each trial with its reports. Then a process that has imported tunewell already
opens the study and has every trial at hand; asks for a step, reports an epoch and tells, 50 times; and looks for the
best report, for which all are read. Wall-clock seconds; memory is the process's peak beyond what it held before.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import resource
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from multiprocessing.queues import Queue
from pathlib import Path

import tunewell as tw

SPACE = tw.Space(
    learning_rate=tw.Float(1e-4, 1.0, scale="log"),
    hidden=tw.Int(16, 512, scale="log"),
    momentum=tw.Float(0.5, 0.999, scale="log1m"),
    dropout=tw.Float(0.0, 0.6),
)
ASKS = 50


def fill(file: Path, trials: int, reports: int, scheduler: str, sampler: str | None) -> None:
    """A study of so many trials that ran to their end."""
    study = tw.Study(
        SPACE,
        metric="loss",
        max_epochs=reports,
        budget=f"{2 * trials}trials",
        scheduler=scheduler,
        sampler=sampler,
        store=file,
        name="large",
    )
    study.store.close()
    rng, now = random.Random(0), time.time()

    def trial_rows() -> Iterator[tuple[object, ...]]:
        for number in range(trials):
            params = {
                "learning_rate": 10 ** rng.uniform(-4, 0),
                "hidden": rng.randint(16, 512),
                "momentum": rng.uniform(0.5, 0.999),
                "dropout": rng.uniform(0, 0.6),
            }
            yield number, json.dumps(params), reports, reports, number, now, now, number + 1

    def report_rows() -> Iterator[tuple[object, ...]]:
        revision = trials
        for number in range(trials):
            level = rng.random()
            for epoch in range(1, reports + 1):
                revision += 1
                loss = level + 1 / epoch
                yield number, epoch, loss, f'{{"loss": {loss}}}', now, revision

    with closing(sqlite3.connect(file)) as database, database:
        database.executemany(
            "INSERT INTO trials (study_id, number, params, state, epochs, until, seed, started_at, ended_at, retrained,"
            " note, session, revision) VALUES (1, ?, ?, 'complete', ?, ?, ?, ?, ?, 0, '{}', 0, ?)",
            trial_rows(),
        )
        database.executemany(
            "INSERT INTO reports (study_id, trial, epoch, value, metrics, at, revision) VALUES (1, ?, ?, ?, ?, ?, ?)",
            report_rows(),
        )
        database.execute("UPDATE studies SET revision = ?, n_steps = ?", (trials * (reports + 1), trials))


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def look(file: Path, answers: Queue[dict[str, float]]) -> None:
    """What a process that works on the study waits for."""
    before = peak_mib()
    study: tw.Study | None = None

    def open_it() -> None:
        nonlocal study
        study = tw.Study.open(file, "large")
        assert study.trials

    def decide() -> None:
        assert study is not None
        step = study.ask()
        assert step is not None
        waited.append(time.perf_counter() - began)
        study.report(step.trial, 1, loss=1.0)
        study.tell(step.trial, ended=True)

    found = {"open, s": seconds(open_it), "memory, MiB": peak_mib() - before}
    assert study is not None
    waited: list[float] = []
    for _ in range(ASKS):
        began = time.perf_counter()
        decide()
    found |= {"first ask, ms": waited[0] * 1e3, "an ask, ms": statistics.median(waited) * 1e3}
    found |= {"memory after asks, MiB": peak_mib() - before}
    found |= {"best, s": seconds(lambda: study.best), "memory after that, MiB": peak_mib() - before}
    answers.put(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--reports", type=int, default=50, help="of a trial")
    parser.add_argument("--scheduler", default="full")
    parser.add_argument("--sampler")
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        for trials in asked.trials:
            file = Path(folder) / f"{trials}.db"
            sampler = asked.sampler or ("random" if asked.scheduler == "full" else None)
            fill(file, trials, asked.reports, asked.scheduler, sampler)
            size = file.stat().st_size / 2**20
            print(f"{trials} trials, {trials * asked.reports} reports, a file of {size:.0f} MiB", flush=True)
            runs = []
            for _ in range(asked.repeats):
                answers: Queue[dict[str, float]] = spawn.Queue()
                process = spawn.Process(target=look, args=(file, answers))
                process.start()
                runs.append(answers.get(timeout=600))
                process.join()
            for name in runs[0]:
                values = sorted(run[name] for run in runs)
                print(f"  {name:24s} {statistics.median(values):10.3f}  ({values[0]:.3f} to {values[-1]:.3f})")


if __name__ == "__main__":
    main()
