"""The whole house in half a minute: a two-layer network of NumPy is tuned by the command line, on SQLite."""

import csv
import json
import sqlite3
import subprocess
import sys

SCRIPT = """
import numpy as np
import tunewell as tw

space = tw.Space(
    learning_rate=tw.learning_rate(optimizer="sgd"),
    hidden=tw.Int(2, 16, scale="log", default=8),
    momentum=tw.momentum(),
)
metric = "val_loss"


def train(run):
    p = run.params
    x = np.linspace(-2, 2, 30).reshape(-1, 1)
    y = np.sin(x)
    w1, b1 = run.rng.normal(size=(1, p.hidden)), np.zeros(p.hidden)
    w2 = run.rng.normal(size=(p.hidden, 1)) / p.hidden
    velocity = [np.zeros_like(w) for w in (w1, b1, w2)]
    for epoch in run.epochs(9):
        for _ in range(20):
            h = np.tanh(x @ w1 + b1)
            error = (h @ w2 - y) / len(x)
            dh = (error @ w2.T) * (1 - h**2)
            for w, v, gradient in zip((w1, b1, w2), velocity, (x.T @ dh, dh.sum(0), h.T @ error), strict=True):
                v *= p.momentum
                v -= p.learning_rate * gradient
                w += v
        run.report(val_loss=float(np.mean((np.tanh(x @ w1 + b1) @ w2 - y) ** 2)))
"""


def test_a_tiny_network_is_tuned_from_the_command_line_and_all_is_on_record(begin, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TUNEWELL_STORE", raising=False)
    (tmp_path / "train.py").write_text(SCRIPT)

    def from_nothing(*arguments):
        """As a shell begins it."""
        done = subprocess.run(
            [sys.executable, "-m", "tunewell", *arguments],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def tunewell(*arguments):
        process = begin(*arguments)
        shown, talk = process.communicate(timeout=60)
        assert process.returncode == 0, talk
        return shown

    from_nothing("tune", "train.py", "--budget", "6", "--seed", "1")
    assert [study["study"] for study in json.loads(tunewell("list", "--json"))] == ["train"]

    best = json.loads(tunewell("best", "--json"))
    rows = list(csv.DictReader(tunewell("export").splitlines()))
    assert best["value"] == min(float(row["val_loss"]) for row in rows) < 0.02

    database = sqlite3.connect(tmp_path / "tunewell.db")
    (epochs,) = database.execute("SELECT count(*) FROM reports").fetchone()
    database.close()
    assert epochs == 6 * 9

    again = tunewell("tune", "train.py", "--budget", "6", "--seed", "1", "--name", "again", "--json")
    assert json.loads(again)["best"] == {
        key: best[key] for key in ("trial", "epoch", "value", "params", "state", "checkpoint")
    }

    more = json.loads(tunewell("tune", "train.py", "--resume", "--budget", "8", "--json"))
    assert more["study"] == "train"
    assert more["epochs"] == 8 * 9
    assert more["best"]["value"] <= best["value"]
