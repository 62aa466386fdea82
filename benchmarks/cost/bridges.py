"""What bridges cost: 10,000 runs of 50 points from MLflow's database, and a report of a study that is followed.

Run with: python benchmarks/cost/bridges.py (needs mlflow; its database is filled with SQL, since MLflow itself would
take an hour).
"""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

from tunewell.bridges.following import following
from tunewell.bridges.importing import take_in
from tunewell.bridges.places import sink_place, source_place
from tunewell.space.params import Float
from tunewell.space.space import Space
from tunewell.stores import open_store
from tunewell.study import Study
from tunewell.study.reader import StudyReader

RUNS, POINTS, METRICS = 10_000, 50, ("val_loss",)
REPORTS = 2_000


def filled(path: Path) -> None:
    """Fill a database of MLflow's, which has its tables already."""
    with sqlite3.connect(path) as database:
        database.execute("INSERT INTO experiments (experiment_id, name, lifecycle_stage) VALUES (77, 'many', 'active')")
        runs = [(f"{run:032x}", f"run-{run}", "FINISHED", 10**12 + run, 10**12 + run + 99) for run in range(RUNS)]
        database.executemany(
            "INSERT INTO runs (run_uuid, name, status, start_time, end_time, lifecycle_stage, experiment_id,"
            " source_type) VALUES (?, ?, ?, ?, ?, 'active', 77, 'LOCAL')",
            runs,
        )
        params = [
            (name, str(10 ** -(run % 5 + k)), f"{run:032x}") for run in range(RUNS) for k, name in enumerate("ab")
        ]
        database.executemany("INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)", params)
        metrics = (
            (name, 1 / (point + 1) + run * 1e-6, 10**12 + point, f"{run:032x}", point, 0)
            for run in range(RUNS)
            for point in range(1, POINTS + 1)
            for name in METRICS
        )
        database.executemany(
            "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, ?)", metrics
        )
    database.close()


def import_from_mlflow(folder: Path) -> None:
    """Time the import, and that of the same runs again."""
    from mlflow.tracking import MlflowClient  # noqa: PLC0415  slow to import

    path = folder / "mlflow.db"
    MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()  # it makes its tables
    filled(path)
    store = open_store(folder / "imported.db")
    for name in ("the import", "once more"):
        began, cpu = time.perf_counter(), time.process_time()
        result = take_in(source_place(f"mlflow:sqlite:///{path}#many").source(), store, "back", metric="val_loss")
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        what = f"{name}: {result.new:,} new runs, {result.epochs:,} points"
        print(f"{what}: {seconds:.1f} s, of which {cpu:.1f} s of the processor (goal: under 60 s)", flush=True)
    began = time.perf_counter()
    best = StudyReader.open(store, "back").best
    print(f"its best, read from the study: trial {best.trial}, {time.perf_counter() - began:.1f} s")
    store.close()


def reports_while_followed(folder: Path) -> None:
    """Time reports of a study that nobody follows, and of one that is followed."""
    for followed in (False, True, False, True):
        store = open_store(folder / f"{time.time_ns()}.db")
        study = Study(Space(x=Float(0, 1)), metric="loss", max_epochs=REPORTS, scheduler="full", store=store, name="s")
        places = [sink_place(f"tensorboard:{folder / 'events'}")] if followed else []
        with following(store, study.record, places, print):
            study.begin_session()
            step = study.ask()
            assert step is not None
            taken = []
            for epoch in step.epochs[:REPORTS]:
                began, cpu = time.perf_counter(), time.thread_time()
                study.report(step.trial, epoch, loss=1 / epoch)
                taken.append((time.perf_counter() - began, time.thread_time() - cpu))
                time.sleep(0.001)
            study.close()
        store.close()
        how = "followed" if followed else "not followed"
        wall, cpu = (1e6 * statistics.median(times) for times in zip(*taken, strict=True))
        print(
            f"{how}: a report takes {wall:.0f} us, {cpu:.0f} of the processor (medians of {len(taken):,})", flush=True
        )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        import_from_mlflow(Path(temporary))
        reports_while_followed(Path(temporary))
