"""Alerts that are posted to a webhook: what is new, once, and nowhere but where they were asked for."""

import json
import threading
import time
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from tests.web.served import SPACE, serving

import tunewell as tw
from tunewell.errors import SettingError
from tunewell.stores import open_store
from tunewell.web import alerts
from tunewell.web.alerts import Alerts, key_of
from tunewell.web.shelf import Shelf


@contextmanager
def webhook(status=200, headers=()):
    """A server that answers so; what was posted to it."""
    posted, came = [], threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.append((self.path, self.headers["Content-Type"], json.loads(body)))
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            came.set()

        def do_GET(self):
            posted.append((self.path, None, None))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook/secret", posted, came
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def running(url):
    """A study that this process runs."""
    with closing(open_store(url)) as store:
        study = tw.Study(
            SPACE, metric="val_loss", max_epochs=4, budget="30trials", scheduler="full", store=store, name="ill"
        )
        study.begin_session()
        yield study


def fail(study, n):
    for i in range(n):
        step = study.ask()
        study.report(step.trial, 1, val_loss=0.5)
        study.tell(step.trial, error=RuntimeError("no memory left") if i % 3 else ValueError("another"))


def test_what_is_new_of_a_study_that_is_run_is_told_once_and_that_it_has_come_to_rest(tmp_path):
    url = tmp_path / "tunewell.db"
    with running(url) as study:
        shelf = Shelf(lambda: open_store(url, create=False))
        found = Alerts(shelf, [])
        assert found.look() == []
        fail(study, 5)
        (message,) = found.look()
        assert (message["kind"], message["study"], len(message["trials"])) == ("failed", "ill", 5)
        assert message["text"] == message["content"]
        assert "no memory left" in message["text"]
        fail(study, 1)
        assert found.look() == []  # it is the same, with another number
        study.close()
        time.sleep(1.1)  # whether a process runs it is known as of a second ago
        (message,) = found.look()
        assert message["kind"] == "at_rest"
        assert "6 trials" in message["text"]
        assert found.look() == []
        shelf.close()


def test_what_there_is_at_the_beginning_is_not_new(tmp_path):
    url = tmp_path / "tunewell.db"
    with running(url) as study:
        fail(study, 5)
        shelf = Shelf(lambda: open_store(url, create=False))
        assert Alerts(shelf, []).look() == []
        shelf.close()
        study.close()


def test_a_silence_that_lasts_is_one_alert():
    one = {"kind": "stalled", "trials": [3], "text": "trial 3 has reported nothing for 80 s"}
    assert key_of(one) == key_of(one | {"text": "trial 3 has reported nothing for 100 s"})
    assert key_of(one) != key_of(one | {"trials": [4]})


def test_the_server_posts_them(tmp_path, monkeypatch):
    monkeypatch.setattr(alerts, "EVERY_S", 0.1)
    url = tmp_path / "tunewell.db"
    with webhook() as (address, posted, came), running(url) as study:
        with serving(url, alerts_to=[address]) as served, served.browser() as browser:
            browser.get("/api/studies/1")
            end = time.monotonic() + 60
            while not served.server._alerts._known:  # it has looked at it
                assert time.monotonic() < end
                time.sleep(0.05)
            fail(study, 5)
            assert came.wait(60)
        study.close()
    path, kind, message = posted[0]
    assert (path, kind, message["kind"]) == ("/hook/secret", "application/json", "failed")


def test_where_a_webhook_leads_to_is_not_followed_and_its_address_is_in_no_log(caplog, tmp_path):
    with webhook() as (elsewhere, led, _), webhook(302, [("Location", elsewhere)]) as (address, posted, _):
        one = Alerts.__new__(Alerts)
        one._addresses = [address]
        one._post([{"text": "x"}])
    assert (len(posted), led) == (1, [])
    assert "answered 302" in caplog.text
    assert "secret" not in caplog.text
    one._post([{"text": "x"}])  # it has gone away
    assert "could not be posted to 127.0.0.1" in caplog.text


@pytest.mark.parametrize(
    "address", ["", "hooks.example.org", "file:///etc/passwd", "ftp://x/", "https://", "http://a b/", "http://x:99999/"]
)
def test_what_is_no_webhook_is_refused(address):
    with pytest.raises(SettingError, match="address of a webhook"):
        Alerts(None, [address])
