"""Trackers that refuse, do not answer, or have no room: a line says so, training goes on, and nothing is lost."""

import http.server
import os
import resource
import subprocess
import sys
import threading
from contextlib import suppress

import pytest
from tests.bridges.studies import Trained, bring, curves, points, send

from tunewell.errors import TrackerError
from tunewell.stores import open_store
from tunewell.trial import TrialState

pytestmark = pytest.mark.filterwarnings("ignore")  # of the trackers' own libraries

TRAIN = """
import tunewell as tw
space = tw.Space(learning_rate=tw.learning_rate(), width=tw.Int(8, 64))
metric = "val_loss"
def train(run):
    for epoch in run.epochs(3):
        run.report(val_loss=run.params.learning_rate / epoch + 1 / 3)
"""


class Server:
    """A server on loopback that refuses each request with a status, or answers none until it is let go."""

    def __init__(self, status):
        self.let_go, self.asked = threading.Event(), []
        server = self

        def answer(handler):
            handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
            server.asked.append(handler.path)
            if status is None:
                server.let_go.wait()
            body = b'{"errors": [{"message": "permission denied"}], "error": "permission denied"}'
            with suppress(OSError):  # whoever has asked may have gone
                handler.send_response(status or 503)
                handler.send_header("Content-Type", "application/json")
                handler.send_header("Content-Length", str(len(body)))
                handler.end_headers()
                handler.wfile.write(body)

        verbs = {f"do_{verb}": answer for verb in ("GET", "POST", "PUT", "HEAD")}
        silent = {"log_message": lambda *_: None}
        made = type("Handler", (http.server.BaseHTTPRequestHandler,), verbs | silent)
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), made)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self):
        self.let_go.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def served():
    """Return a server that is stopped after the test."""
    begun = []

    def serve(status):
        begun.append(Server(status))
        return begun[-1]

    yield serve
    for one in begun:
        one.stop()


def tuned(tmp_path, place, **environment):
    """Train two trials in full, followed to a place; return what was said of that."""
    (tmp_path / "train.py").write_text(TRAIN)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tunewell",
            "tune",
            "train.py",
            "--budget",
            "2trials",
            "--scheduler",
            "full",
            "--track",
            place,
            "--quiet",
        ],
        cwd=tmp_path,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    store = open_store(tmp_path / "tunewell.db")
    assert len(store.reports(store.study("train").id)) == 6  # all is on record
    store.close()
    return done.stderr.splitlines()


@pytest.mark.slow  # its library, which waits for half a minute
@pytest.mark.parametrize("status", [401, 403])
def test_wandb_with_a_wrong_key_stops_no_training(tmp_path, served, status):
    pytest.importorskip("wandb")
    server = served(status)
    first, last = tuned(
        tmp_path, "wandb:digits", WANDB_BASE_URL=server.url, WANDB_API_KEY="a" * 40, WANDB_SILENT="true"
    )
    assert server.asked
    assert first.startswith("warning: wandb:digits: ")
    assert first.endswith(
        "run wandb login, or set WANDB_API_KEY; training goes on, all is on record, and nothing is sent until that is"
        " mended"
    )
    assert "6 epochs of 2 trials are not there; all is on record, send them with: " in last
    assert last.endswith("tunewell export train --to wandb:digits")


@pytest.mark.slow  # its library, which waits for half a minute
def test_wandb_that_cannot_be_reached_stops_no_training(tmp_path, served):
    pytest.importorskip("wandb")
    server = served(401)
    server.stop()  # whose port refuses from now on
    first, last = tuned(
        tmp_path, "wandb:digits", WANDB_BASE_URL=server.url, WANDB_API_KEY="a" * 40, WANDB_SILENT="true"
    )
    assert "wandb:PROJECT#offline keeps it all in files" in first
    assert "what it reports is sent when that can be reached" in first
    assert last.endswith("tunewell export train --to wandb:digits")


@pytest.mark.parametrize("status", [401, 403])
def test_a_server_of_mlflow_that_refuses_says_what_it_needs(tmp_path, served, status):
    pytest.importorskip("mlflow")
    first, last = tuned(tmp_path, f"mlflow:{served(status).url}")
    assert "refuses: " in first
    assert "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN" in first
    assert "6 epochs of 2 trials are not there" in last


def test_a_server_that_never_answers_stops_no_training(tmp_path, served):
    pytest.importorskip("mlflow")
    server = served(None)
    first, last = tuned(
        tmp_path, f"mlflow:{server.url}", MLFLOW_HTTP_REQUEST_TIMEOUT="1", MLFLOW_HTTP_REQUEST_MAX_RETRIES="0"
    )
    assert server.asked
    assert "training goes on, all is on record, and what it reports is sent when that can be reached" in first
    assert "6 epochs of 2 trials are not there; all is on record, send them with: " in last


def test_where_there_is_no_room_nothing_is_lost_and_nothing_comes_twice(store, tracker):
    if tracker.startswith("wandb"):
        pytest.skip("its own process writes its files, and keeps to the limits that it began with")
    study = Trained(store)
    for number in range(3):
        study.begin(number, 2)
        for epoch in (1, 2):
            study.report(number, epoch, **{f"metric {n}": n / 7 for n in range(400)})
        study.end(number, TrialState.COMPLETE, 2)
    store.contents(study.record.id)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (8192, before[1])
    )  # as a disk that is full: what is longer is not written
    try:
        with pytest.raises(TrackerError) as caught:
            send(store, study.record, tracker)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not caught.value.lasting
    send(store, study.record, tracker)
    assert {own["val_loss"] for own in points(tracker).values()} == {2}
    bring(tracker, store)
    assert curves(store, store.study("back").id) == curves(store, study.record.id)
