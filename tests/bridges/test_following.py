"""A study that is followed while it trains: by the command line, in Python, past trackers that are down and kill -9."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from tests.bridges.studies import bring, curves, points

import tunewell as tw
from tunewell.errors import MissingExtra, SettingError
from tunewell.stores import open_store

pytestmark = pytest.mark.filterwarnings("ignore")  # of the trackers' own libraries

TRAIN = """
import time
import tunewell as tw
space = tw.Space(learning_rate=tw.learning_rate(), width=tw.Int(8, 64))
metric = "val_loss"
def train(run):
    for epoch in run.epochs(3):
        time.sleep(PAUSE)
        run.report(val_loss=run.params.learning_rate / epoch + 1 / 3)
"""


@pytest.fixture(autouse=True)
def _in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(TRAIN.replace("PAUSE", "0.01"))


def tunewell(*words, **options):
    command = [sys.executable, "-m", "tunewell", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=400, **options)


def a_free_port():
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return place.getsockname()[1]


def same(text, name="back"):
    """Bring in what a tracker has, and compare it with the record."""
    store = open_store("tunewell.db")
    result = bring(text, store, name)
    assert curves(store, store.study(name).id) == curves(store, store.study("train").id)
    ours, theirs = (store.changes(store.study(study).id, 0).trials for study in ("train", name))
    assert [(one.state, dict(one.params)) for one in ours] == [(one.state, dict(one.params)) for one in theirs]
    store.close()
    return result


def test_a_study_is_in_the_tracker_when_tune_returns():
    pytest.importorskip("tensorboard")
    done = tunewell("tune", "train.py", "--budget", "4trials", "--track", "tensorboard:events", "--quiet")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert same("tensorboard:events").new == 4
    again = tunewell("export", "--to", "tensorboard:events", "train")
    assert again.stderr.startswith("nothing new for tensorboard:events")


def test_a_study_in_python_is_followed_too():
    pytest.importorskip("tensorboard")

    def train(run):
        for epoch in run.epochs(2):
            run.report(loss=run.params.x / epoch)

    study = tw.tune(
        train,
        tw.Space(x=tw.Float(0, 1)),
        metric="loss",
        budget="3trials",
        store="tunewell.db",
        name="train",
        track=["tensorboard:events"],
    )
    assert same("tensorboard:events").epochs == study.spent.trained
    with pytest.raises(SettingError, match="in memory cannot be followed"):
        tw.tune(train, tw.Space(x=tw.Float(0, 1)), metric="loss", budget=1, store="memory", track="tensorboard:events")
    with pytest.raises(SettingError, match="is no tracker"):
        tw.tune(train, tw.Space(x=tw.Float(0, 1)), metric="loss", budget=1, track="nowhere:events")


def test_a_tracker_that_is_not_installed_is_named_before_any_training(monkeypatch):
    monkeypatch.setattr("tunewell.bridges.places.find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"pip install 'tunewell\[wandb\]'"):
        tw.tune(lambda run: None, tw.Space(x=tw.Float(0, 1)), metric="loss", track="wandb:digits")


def test_a_server_that_cannot_be_reached_is_named_and_training_goes_on():
    pytest.importorskip("mlflow")
    uri = f"mlflow:http://127.0.0.1:{a_free_port()}"
    done = tunewell("tune", "train.py", "--budget", "2trials", "--track", uri, "--quiet")
    assert done.returncode == 0
    first, last = done.stderr.splitlines()
    assert first.startswith(f"warning: {uri} cannot be reached (Connection refused)")
    assert first.endswith("training goes on, all is on record, and what it reports is sent when that can be reached")
    assert "send them with: " in last
    assert last.endswith(f"tunewell export train --to {uri}")
    refused = tunewell("export", "train", "--to", uri)
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1


def test_a_folder_that_cannot_be_written_stops_no_training(tmp_path):
    pytest.importorskip("tensorboard")
    (tmp_path / "events").write_text("a file")
    done = tunewell("tune", "train.py", "--budget", "2trials", "--track", "tensorboard:events", "--quiet")
    assert done.returncode == 0
    assert "nothing is sent until that is mended" in done.stderr
    (tmp_path / "events").unlink()
    assert "epochs of 2 trials sent" in tunewell("export", "train", "--to", "tensorboard:events").stderr
    assert same("tensorboard:events").new == 2


def test_what_a_killed_training_has_reported_arrives(tmp_path):
    pytest.importorskip("tensorboard")
    (tmp_path / "train.py").write_text(TRAIN.replace("PAUSE", "0.1"))
    words = ["tune", "train.py", "--budget", "60trials", "--track", "tensorboard:events", "--quiet"]
    process = subprocess.Popen([sys.executable, "-m", "tunewell", *words])
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not list((tmp_path / "events").rglob("trial-0003")):
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    store = open_store("tunewell.db")
    n_reports = len(store.reports(store.study("train").id))
    store.close()
    while time.monotonic() < deadline:
        there = points("tensorboard:events")
        if sum(own.get("val_loss", 0) for own in there.values()) == n_reports:
            break
        time.sleep(0.2)
    assert sum(own.get("val_loss", 0) for own in there.values()) == n_reports
    more = ["tune", "train.py", "--resume", "--budget", "12trials", "--track", "tensorboard:events", "--quiet"]
    assert tunewell(*more).returncode == 0
    same("tensorboard:events")


@pytest.mark.slow
def test_a_server_that_is_stopped_and_started_loses_nothing(tmp_path, mlflow_uri):
    (tmp_path / "train.py").write_text(TRAIN.replace("PAUSE", "1.0"))
    port = a_free_port()

    def serve():
        command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", mlflow_uri]
        command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
        without_jobs = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # four processes, for nothing here
        process = subprocess.Popen(
            command, env=without_jobs, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        deadline = time.monotonic() + 400
        while time.monotonic() < deadline:
            with socket.socket() as place:
                if place.connect_ex(("127.0.0.1", port)) == 0:
                    return process
            time.sleep(0.2)
        stop(process)
        raise AssertionError("the server does not begin")

    def stop(process):
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    server = serve()
    place = f"mlflow:http://127.0.0.1:{port}"
    try:
        words = ["tune", "train.py", "--budget", "30trials", "--track", place, "--quiet", "--scheduler", "full"]
        tuned = subprocess.Popen([sys.executable, "-m", "tunewell", *words], stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 200
        while time.monotonic() < deadline and len(known(mlflow_uri)) < 2:
            time.sleep(0.5)
        stop(server)
        time.sleep(5.0)
        server = serve()
        _, errors = tuned.communicate(timeout=400)
        assert tuned.returncode == 0
        if errors:
            assert tunewell("export", "train", "--to", place).returncode == 0
        assert same(f"mlflow:{mlflow_uri}").new == 30
        assert same(place, "by-server").new == 30
        assert {own["val_loss"] for own in points(f"mlflow:{mlflow_uri}").values()} == {3}
    finally:
        stop(server)


def known(uri):
    try:
        return points(f"mlflow:{uri}")
    except Exception:  # noqa: BLE001  it has no run yet
        return {}
