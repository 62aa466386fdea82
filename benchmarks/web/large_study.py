"""Make a large study in an SQLite file, at once: `python benchmarks/web/large_study.py FILE TRIALS REPORTS`.

To train it would take minutes. It has 8 parameters and curves that fall; of the trials some failed, some were stopped,
and most paused early, as a search has them.
"""

import json
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np

import tunewell as tw
from tunewell.stores import open_store

SPACE = tw.Space(
    learning_rate=tw.Float(1e-5, 1.0, scale="log", live=True),
    momentum=tw.Float(0.5, 0.999, scale="log1m", live=True),
    hidden=tw.Int(16, 512, scale="log"),
    layers=tw.Int(1, 8),
    dropout=tw.Float(0.0, 0.8),
    weight_decay=tw.Float(1e-7, 1e-1, scale="log"),
    optimizer=tw.Choice(["sgd", "adam", "rmsprop"]),
    batch_size=tw.Choice([16, 32, 64, 128, 256], ordered=True),
)


def large_study(path: Path, n_trials: int, n_reports: int, name: str = "large") -> None:
    """Add a study with so many trials, each of up to so many reports."""
    with closing(open_store(path)) as store:
        study = tw.Study(
            SPACE, metric="val_loss", max_epochs=n_reports, budget=f"{n_trials}trials", store=store, name=name, seed=1
        )
        study_id = study.record.id
    rng, begun = np.random.default_rng(0), time.time() - 86_400
    settings = SPACE.decode_many(rng.random((n_trials, len(SPACE.params))))
    trials, reports, revision = [], [], 1
    epochs = np.minimum(n_reports, 1 + rng.geometric(0.15, n_trials))
    epochs[rng.random(n_trials) < 0.3] = n_reports
    for n, params in enumerate(settings):
        distance = abs(np.log10(params["learning_rate"]) + 2) + params["dropout"]
        floor, start = 0.05 + 0.2 * distance, 2.3
        curve = floor + (start - floor) * np.exp(-np.arange(1, epochs[n] + 1) / 5) + rng.normal(0, 0.01, epochs[n])
        is_failed = rng.random() < 0.02
        state = "failed" if is_failed else "complete" if epochs[n] == n_reports else "paused"
        at = begun + 8.0 * n
        for epoch, value in enumerate(curve.tolist(), 1):
            revision += 1
            metrics = json.dumps({"val_loss": value, "train_loss": 0.9 * value})
            reports.append((study_id, n, epoch, value, metrics, at + epoch, revision))
        ended = None if state == "paused" else at + float(epochs[n])
        reason = "Traceback (most recent call last):\nValueError: out of memory" if is_failed else None
        trials.append(
            (
                study_id,
                n,
                json.dumps(dict(params)),
                state,
                int(epochs[n]),
                int(epochs[n]),
                n,
                at,
                ended,
                reason,
                revision,
            )
        )
    with closing(sqlite3.connect(path)) as database, database:
        database.executemany(
            "INSERT INTO trials (study_id, number, params, state, epochs, until, seed, started_at, ended_at, reason,"
            " revision, retrained, note, session) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '{}', 0)",
            trials,
        )
        database.executemany(
            "INSERT INTO reports (study_id, trial, epoch, value, metrics, at, revision) VALUES (?, ?, ?, ?, ?, ?, ?)",
            reports,
        )
        database.execute("UPDATE studies SET revision = ?, n_steps = ? WHERE id = ?", (revision, n_trials, study_id))


if __name__ == "__main__":
    large_study(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
