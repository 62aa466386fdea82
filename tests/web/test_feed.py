"""The feed: what has changed, once, to all, with nothing lost, whatever becomes of the store."""

import asyncio
import json
import sqlite3
import threading
import time
from contextlib import ExitStack, closing, contextmanager

import pytest
from tests.web.served import SPACE, Stream, a_study, serving

import tunewell as tw
from tunewell.commands import Pause, Set
from tunewell.stores import open_store
from tunewell.web import feed as feed_module
from tunewell.web.feed import _Event, _Listener


@contextmanager
def training(url, name="digits"):
    """A study that this process trains, as another process would."""
    with closing(open_store(url)) as store:
        study = tw.Study.open(store, name)
        study.set_budget("100trials")
        yield study
        study.close()


def is_change(event):
    return event[0] == "change"


def is_of(trial):
    return lambda event: is_change(event) and trial in (event[2]["rows"] or {}).get("trial", [])


def test_it_begins_with_how_the_study_stands_and_goes_on_with_what_changes(store, browser):
    with Stream(browser) as stream, training(store) as study:
        assert stream.response.headers["content-type"].startswith("text/event-stream")
        name, revision, first = next(stream)
        assert (name, first["rows"], first["trials"], first["states"]) == ("change", {}, 3, {"complete": 3})
        assert first["best"] == {"trial": 2, "epoch": 4, "value": 1 / 6}
        step = study.ask()
        study.report(step.trial, 1, val_loss=0.125)
        event = stream.until(lambda event: event[2].get("best", {}).get("value") == 0.125)[-1]
        rows = event[2]["rows"]
        assert event[1] > revision
        assert (rows["trial"], rows["state"], rows["value"], rows["epochs"]) == ([3], ["running"], [0.125], [1])
        assert rows["param:hidden"] == [step.params["hidden"]]
        assert event[2]["points"] == [[3, 1, 0.125]]
        assert event[2]["states"] == {"complete": 3, "running": 1}


def test_a_change_of_one_trial_is_small(store, browser):
    with Stream(browser) as stream, training(store) as study:
        next(stream)
        study.report(study.ask().trial, 1, val_loss=0.125)
        assert len(json.dumps(stream.until(is_of(3))[-1][2])) < 2000


def test_who_comes_back_gets_what_came_meanwhile(store):
    """From a server that has run on, and from one that was started since, which has read the log later than that."""
    with serving(store) as served, served.browser() as browser, training(store) as study:
        with Stream(browser) as stream:
            revision = next(stream)[1]
        study.report(study.ask().trial, 1, val_loss=0.125)
        study.steer(1, tw.commands.Note("seen"), by="ann")
        for again in ({"after": revision}, {"last_event_id": revision}):
            with Stream(browser, **again) as stream:
                assert_told(stream)
    with serving(store) as served, served.browser() as browser, Stream(browser, last_event_id=revision) as stream:
        assert_told(stream)


def assert_told(stream):
    name, identity, told = next(stream)
    assert (name, identity, [one["text"] for one in told["commands"]]) == ("commands", None, ["seen"])
    name, identity, change = next(stream)
    assert (name, identity) == ("change", change["revision"])
    rows = dict(
        zip(change["rows"]["trial"], zip(change["rows"]["value"], change["rows"]["notes"], strict=True), strict=True)
    )
    assert rows == {1: (pytest.approx(0.2), 1), 3: (0.125, 0)}


def test_all_who_listen_get_the_same(store, served):
    with ExitStack() as stack, training(store) as study:
        streams = [stack.enter_context(Stream(stack.enter_context(served.browser()))) for _ in range(3)]
        for stream in streams:
            next(stream)
        assert sum(thread.name == "feed-1" for thread in threading.enumerate()) == 1
        step = study.ask()
        for epoch in step.epochs:
            study.report(step.trial, epoch, val_loss=0.1 / epoch)
        study.tell(step.trial)
        last = [stream.until(lambda e: is_of(3)(e) and e[2]["rows"]["state"] == ["complete"])[-1] for stream in streams]
        assert last[0] == last[1] == last[2]


def test_it_stops_looking_when_nobody_listens(store, browser, monkeypatch):
    monkeypatch.setattr(feed_module, "_LINGER_S", 0.1)
    with Stream(browser) as stream:
        next(stream)
    end = time.monotonic() + 30
    while any(thread.name in ("feed-1", "silence-1") for thread in threading.enumerate()):
        assert time.monotonic() < end
        time.sleep(0.05)
    with Stream(browser) as stream:  # and begins again
        assert next(stream)[0] == "change"


def test_a_feed_that_is_over_is_let_go(store, served, browser, monkeypatch):
    monkeypatch.setattr(feed_module, "_LINGER_S", 0.05)
    feeds = served.server.pages.feeds
    for _ in range(2):
        with Stream(browser) as stream:
            next(stream)
            assert list(feeds._feeds) == [1]
        end = time.monotonic() + 30
        while feeds._feeds or any(one.name.startswith("feed-") for one in threading.enumerate()):
            assert time.monotonic() < end
            time.sleep(0.05)


def test_a_command_is_told_of_when_it_is_asked_and_when_it_is_taken_up_or_refused(store, browser):
    with Stream(browser) as stream, training(store) as study:
        next(stream)
        step = study.ask()
        study.report(step.trial, 1, val_loss=0.5)
        for action in (Set("learning_rate", 0.5), Pause(), Set("learning_rate", 0.25)):
            study.steer(step.trial, action, by="ann", why="to see")
        told = {}
        while len(told) < 3:
            event = stream.until(lambda event: event[0] == "commands")[-1]
            told |= {one["id"]: one for one in event[2]["commands"]}
        assert {one["state"] for one in told.values()} == {"asked"}
        study.steering.poll(step.trial, 1)
        while {one["state"] for one in told.values()} == {"asked"}:
            event = stream.until(lambda event: event[0] == "commands")[-1]
            told |= {one["id"]: one for one in event[2]["commands"]}
        first = told[min(told)]
        assert (first["state"], first["epoch"], first["by"], first["why"]) == ("taken", 1, "ann", "to see")
        assert first["text"].endswith("-> 0.5")


def test_it_says_when_nobody_runs_the_study_any_more(store, browser):
    with Stream(browser) as stream:
        with training(store) as study:
            study.report(study.ask().trial, 1, val_loss=0.5)
            stream.until(lambda event: is_change(event) and event[2]["is_run"])
        stream.until(lambda event: is_change(event) and not event[2]["is_run"])


def test_another_space_has_the_page_read_all_anew(store, browser):
    with Stream(browser) as stream, training(store) as study:
        next(stream)
        study.extend(tw.Space({**SPACE.params, "hidden": tw.Int(4, 128, default=16)}))
        event = stream.until(lambda event: is_change(event) and event[2]["reload"])[-1]
        assert event[2]["rows"] is None


def test_who_knows_more_than_there_is_reads_all_anew(browser):
    with Stream(browser, after=10**12) as stream:
        assert next(stream)[2]["reload"] is True


@pytest.mark.parametrize("after", ["-1", "x", "1.5", "1e3", "9" * 30, "1 2", "１"])
def test_what_is_no_revision_is_refused(browser, after):
    assert browser.get("/api/studies/1/feed", params={"after": after}).status_code == 400
    if after.isascii():
        assert browser.get("/api/studies/1/feed", headers={"Last-Event-ID": after}).status_code == 400


# --- what may become of the store


def test_a_study_that_is_deleted_is_gone(store, browser):
    with Stream(browser) as stream:
        next(stream)
        delete_study(store)
        event = stream.until(lambda event: event[0] == "gone")[-1]
        assert "'digits' was deleted" in event[2]["why"]
        assert list(stream) == []
    for path in ("", "/trials", "/trials/0", "/figures/history"):
        answer = browser.get(f"/api/studies/1{path}")
        assert answer.status_code == 404
        assert "deleted" in answer.json()["error"]
    assert browser.get("/api/studies").json()["studies"] == []
    with Stream(browser) as stream:
        assert [name for name, _, _ in stream] == ["gone"]


def test_a_store_that_vanishes_and_returns(store, browser, tmp_path):
    with Stream(browser) as stream:
        next(stream)
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        move(store, elsewhere)
        lost = stream.until(lambda event: event[0] == "lost")[-1][2]
        assert str(store) in lost["why"]
        answer = browser.get("/api/studies/1/trials/2")
        assert answer.status_code == 503
        assert "error" in answer.json()
        move(elsewhere / store.name, store.parent)
        events = stream.until(lambda event: event[0] == "back")
        assert events[-1][2]["since"] == lost["since"]
        assert next(stream)[2]["reload"] is True
        assert browser.get("/api/studies/1/trials").status_code == 200
        with training(store) as study:  # and it goes on
            study.report(study.ask().trial, 1, val_loss=0.5)
            stream.until(is_of(3))


def test_a_store_in_whose_place_there_is_another(store, browser):
    with Stream(browser) as stream:
        next(stream)
        for path in store.parent.glob(f"{store.name}*"):
            path.unlink()
        a_study(store, "other")
        event = stream.until(lambda event: event[0] == "gone")[-1]
        assert "another" in event[2]["why"] or "deleted" in event[2]["why"]
    assert [one["name"] for one in browser.get("/api/studies").json()["studies"]] == ["other"]


def test_a_clock_that_jumps_changes_nothing(store, browser, monkeypatch):
    real = time.time
    with Stream(browser) as stream, training(store) as study:
        next(stream)
        for jump in (-400 * 86_400, 400 * 86_400, -10):
            monkeypatch.setattr(time, "time", lambda jump=jump: real() + jump)
            step = study.ask()
            for epoch in step.epochs:
                study.report(step.trial, epoch, val_loss=0.5)
            study.tell(step.trial)
            done = stream.until(lambda e, n=step.trial: is_of(n)(e) and "complete" in e[2]["rows"]["state"])
            revisions = [revision for _, revision, _ in done if revision is not None]
            assert revisions == sorted(revisions)
    assert browser.get("/api/studies/1/trials").json()["table"]["rows"] == 6
    assert browser.get("/api/studies/1/figures/timeline").status_code == 200


def test_it_says_that_it_is_still_there(browser, monkeypatch):
    monkeypatch.setattr(feed_module, "HEARTBEAT_S", 0.1)
    with browser.stream("GET", "/api/studies/1/feed") as response:
        lines = response.iter_lines()
        assert next(line for line in lines if line.startswith(":"))


def test_who_is_too_slow_is_let_go_and_the_others_are_not():
    async def listened():
        listener = _Listener(asyncio.get_running_loop())
        listener.put([_Event(b"x")] * 150)
        taken = [listener.queue.get_nowait() for _ in range(listener.queue.qsize())]
        listener.put([_Event(b"y")])
        return taken, listener.queue.empty()

    taken, nothing_more = asyncio.run(listened())
    assert taken[-1] is None
    assert len(taken) < 120
    assert nothing_more


def test_a_server_that_ends_ends_its_feeds(store):
    with serving(store) as served, served.browser() as browser, Stream(browser) as stream:
        next(stream)
        served.server.stop()
        assert list(stream) == []


def delete_study(url):
    with closing(sqlite3.connect(url)) as database, database:
        for table in ("reports", "events", "checkpoints", "commands", "steps", "trials", "sessions", "spaces"):
            database.execute(f"DELETE FROM {table}")
        database.execute("DELETE FROM studies")


def move(path, folder):
    """Move a store with what SQLite keeps beside it."""
    for one in sorted(path.parent.glob(f"{path.name}*"), reverse=True):
        one.rename(folder / one.name)
