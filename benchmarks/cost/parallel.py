"""Many processes on one study: what the record bears, beside Optuna on the same stores and plain SQLite as the floor.

Each process asks for a trial, reports its 20 epochs one by one and tells that it has ended, over and over, for so many
seconds; nothing is trained, so that all there is to wait for is the record. Counted are the trials that ended, how
long the slowest report waited, errors, and what is missing from the record of what was answered.

    python benchmarks/cost/parallel.py [--workers 1 8 32] [--seconds 10] [--repeats 1] [--json FILE]

The floor writes the same rows to the same SQLite tables by hand, a transaction each: WAL, BEGIN IMMEDIATE, a busy
timeout, and nothing else. PostgreSQL is a server of Debian's package that the benchmark starts, with its disk waited
for. Wall-clock time, which other work on the machine lengthens: ratios within a run say more than its figures.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import optuna

import tunewell as tw
from tunewell.errors import StoreError
from tunewell.testing.postgresql import PostgresServer, find_binaries

REPORTS = 20
SPACE = tw.Space(learning_rate=tw.Float(1e-4, 1.0, scale="log"), hidden=tw.Int(16, 512, scale="log"))


@dataclass
class Tally:
    """What one process did."""

    trials: int = 0
    slowest_s: float = 0.0
    errors: int = 0
    reported: int = 0

    def timed(self, report: Callable[[], object]) -> None:
        began = time.perf_counter()
        report()
        self.slowest_s = max(self.slowest_s, time.perf_counter() - began)
        self.reported += 1


class Tunewell:
    """Ours."""

    name = "tunewell"

    @staticmethod
    def set_up(url: str) -> None:
        tw.Study(
            SPACE,
            metric="loss",
            max_epochs=REPORTS,
            budget="1000000trials",
            scheduler="full",
            sampler="random",
            store=url,
            name="s",
        ).store.close()

    @staticmethod
    def work(url: str, start: Callable[[], float], tally: Tally) -> None:
        study = tw.Study.open(url, "s")
        study.begin_session(join=True)
        until = start()
        while time.time() < until:
            try:
                step = study.ask()
                for epoch in step.epochs:
                    tally.timed(partial(study.report, step.trial, epoch, loss=1.0 / epoch))
                study.tell(step.trial)
                tally.trials += 1
            except StoreError:
                tally.errors += 1
        study.close()
        study.store.close()

    @staticmethod
    def kept(url: str) -> tuple[int, int]:
        study = tw.Study.open(url, "s")
        done = sum(trial.state.ended for trial in study.trials), len(study.reports())
        study.store.close()
        return done


class Optuna:
    """Optuna, as its documentation has processes share a study."""

    name = "Optuna"

    @staticmethod
    def set_up(url: str) -> None:
        optuna.create_study(storage=_for_optuna(url), study_name="s", sampler=optuna.samplers.RandomSampler())

    @staticmethod
    def work(url: str, start: Callable[[], float], tally: Tally) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.load_study(storage=_for_optuna(url), study_name="s", sampler=optuna.samplers.RandomSampler())
        until = start()
        while time.time() < until:
            try:
                trial = study.ask()
                trial.suggest_float("learning_rate", 1e-4, 1.0, log=True)
                trial.suggest_int("hidden", 16, 512, log=True)
                for epoch in range(1, REPORTS + 1):
                    tally.timed(partial(trial.report, 1.0 / epoch, epoch))
                study.tell(trial, 1.0 / REPORTS)
                tally.trials += 1
            except Exception:  # noqa: BLE001  whatever a lock makes of it
                tally.errors += 1

    @staticmethod
    def kept(url: str) -> tuple[int, int]:
        study = optuna.load_study(storage=_for_optuna(url), study_name="s")
        trials = study.get_trials(deepcopy=False)
        ended = sum(trial.state.is_finished() for trial in trials)
        return ended, sum(len(trial.intermediate_values) for trial in trials)


_REVISE = "UPDATE studies SET revision = revision + 1 WHERE id = 1 RETURNING revision"
_NEXT_STEP = (
    "UPDATE studies SET revision = revision + 1, n_steps = n_steps + 1 WHERE id = 1 RETURNING revision, n_steps"
)
_ADD_TRIAL = f"""
    INSERT INTO trials (study_id, number, params, state, epochs, until, seed, started_at, retrained, note, session,
                        revision)
    VALUES (1, ?, '{{"learning_rate": 0.1, "hidden": 32}}', 'running', 0, {REPORTS}, 0, ?, 0, '{{}}', 0, ?)
"""
_ADD_STEP = f"""
    INSERT INTO steps (study_id, number, trial, first, until, session, at) VALUES (1, ?, ?, 1, {REPORTS}, 0, ?)
"""
_ADD_REPORT = """
    INSERT INTO reports (study_id, trial, epoch, value, metrics, at, revision) VALUES (1, ?, ?, ?, ?, ?, ?)
"""
_END_TRIAL = """
    UPDATE trials SET state = 'complete', epochs = ?2, ended_at = ?3, revision = ?4 WHERE study_id = 1 AND number = ?1
"""


class Plain:
    """The floor: the same rows in the same tables, written by hand, a transaction each."""

    name = "plain sqlite3"

    @staticmethod
    def set_up(url: str) -> None:
        Tunewell.set_up(url)

    @staticmethod
    def work(url: str, start: Callable[[], float], tally: Tally) -> None:
        database = sqlite3.connect(url, timeout=60, isolation_level=None)
        database.execute("PRAGMA synchronous = NORMAL")

        def write(statement: str, *values: object) -> None:
            database.execute("BEGIN IMMEDIATE")
            (revision,) = database.execute(_REVISE).fetchone()
            database.execute(statement, (*values, revision))
            database.execute("COMMIT")

        def begin() -> int:
            database.execute("BEGIN IMMEDIATE")
            revision, n_steps = database.execute(_NEXT_STEP).fetchone()
            number = int(n_steps) - 1
            database.execute(_ADD_TRIAL, (number, time.time(), revision))
            database.execute(_ADD_STEP, (number, number, time.time()))
            database.execute("COMMIT")
            return number

        until = start()
        while time.time() < until:
            try:
                trial = begin()
                for epoch in range(1, REPORTS + 1):
                    loss = 1.0 / epoch
                    row = trial, epoch, loss, f'{{"loss": {loss}}}', time.time()
                    tally.timed(partial(write, _ADD_REPORT, *row))
                write(_END_TRIAL, trial, REPORTS, time.time())
                tally.trials += 1
            except sqlite3.OperationalError:
                tally.errors += 1
                with suppress(sqlite3.OperationalError):
                    database.execute("ROLLBACK")
        database.close()

    @staticmethod
    def kept(url: str) -> tuple[int, int]:
        return Tunewell.kept(url)


CONTESTANTS: dict[str, Any] = {kind.name: kind for kind in (Tunewell, Optuna, Plain)}


def _for_optuna(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://") if "://" in url else f"sqlite:///{url}"


BEGUN_S = 120.0
"""By then all processes have begun; they load their libraries side by side."""


def _process(name: str, url: str, seconds: float, start: Barrier, tallies: Queue[Tally]) -> None:
    tally = Tally()

    def began() -> float:
        start.wait(timeout=BEGUN_S)
        return time.time() + seconds

    try:
        CONTESTANTS[name].work(url, began, tally)
    finally:
        tallies.put(tally)


@dataclass
class Result:
    """What all processes did together."""

    contestant: str
    store: str
    workers: int
    trials_per_s: float
    reports_per_s: float
    slowest_s: float
    errors: int
    lost: int
    """Trials and reports that were answered and are not on record."""


def measure(name: str, store: str, url: str, workers: int, seconds: float) -> Result:
    contestant = CONTESTANTS[name]
    contestant.set_up(url)
    spawn = multiprocessing.get_context("spawn")
    start, tallies = spawn.Barrier(workers + 1), spawn.Queue()
    processes = [spawn.Process(target=_process, args=(name, url, seconds, start, tallies)) for _ in range(workers)]
    for process in processes:
        process.start()
    start.wait(timeout=BEGUN_S)  # one that died before it began is not waited for
    began = time.perf_counter()
    done = [tallies.get(timeout=seconds * 10 + 600) for _ in processes]
    took = time.perf_counter() - began
    for process in processes:
        process.join()
    trials, reports = sum(tally.trials for tally in done), sum(tally.reported for tally in done)
    kept = contestant.kept(url)
    return Result(
        name,
        store,
        workers,
        trials / took,
        reports / took,
        max(tally.slowest_s for tally in done),
        sum(tally.errors for tally in done),
        max(0, trials - kept[0]) + max(0, reports - kept[1]),
    )


@contextmanager
def _server() -> Iterator[PostgresServer | None]:
    if find_binaries() is None:
        print("no PostgreSQL server here: its rows are left out")
        yield None
        return
    server = PostgresServer(durable=True)
    try:
        yield server
    finally:
        server.remove()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--only", nargs="+", default=list(CONTESTANTS), choices=list(CONTESTANTS))
    parser.add_argument("--stores", nargs="+", default=["SQLite", "PostgreSQL"], choices=["SQLite", "PostgreSQL"])
    parser.add_argument("--json", type=Path, help="write every result there")
    asked = parser.parse_args()
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as folder, _server() as server:
        for workers in asked.workers:
            for repeat in range(asked.repeats):
                for store in asked.stores:
                    for name in asked.only:
                        if store == "PostgreSQL" and (server is None or name == Plain.name):
                            continue
                        url = f"{folder}/{name}-{workers}-{repeat}.db"
                        if store == "PostgreSQL":
                            assert server is not None
                            url = server.new_database(f"{name}-{workers}-{repeat}")
                        results.append(measure(name, store, url, workers, asked.seconds))
                        print(_line(results[-1]), flush=True)
    print()
    _compare(results)
    if asked.json:
        asked.json.write_text(json.dumps([asdict(result) for result in results], indent=1))


def _line(result: Result) -> str:
    return (
        f"{result.store:10}  {result.contestant:13}  {result.workers:3} processes  "
        f"{result.trials_per_s:8.1f} trials/s  "
        f"{result.reports_per_s:9.0f} reports/s  slowest report {result.slowest_s:7.3f} s  "
        f"{result.errors} errors  {result.lost} lost"
    )


def _compare(results: Sequence[Result]) -> None:
    """Ratios of the medians."""

    def median(store: str, name: str, workers: int) -> float | None:
        found = [r.trials_per_s for r in results if (r.store, r.contestant, r.workers) == (store, name, workers)]
        return statistics.median(found) if found else None

    for store in dict.fromkeys(result.store for result in results):
        for workers in dict.fromkeys(result.workers for result in results):
            ours = median(store, Tunewell.name, workers)
            for other in (Optuna.name, Plain.name):
                theirs = median(store, other, workers)
                if ours and theirs:
                    print(f"{store}, {workers} processes: {ours / theirs:.2f} times the trials a second of {other}")


if __name__ == "__main__":
    main()
