"""What is asked for by POST: it is done, or refused with the mend, and on record with whose it is."""

import json
import threading
from contextlib import closing, contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.web.served import SPACE, a_study, serving

import tunewell as tw
from tunewell.stores import open_store
from tunewell.web.orders import LONGEST_TEXT, changed_space


@contextmanager
def opened(url, name="digits"):
    with closing(open_store(url)) as store:
        study = tw.Study.open(store, name)
        yield study
        study.close()


@pytest.fixture
def running(store):
    """A study of which trial 3 runs, and has reported an epoch; trial 4 is paused by hand."""
    with opened(store) as study:
        study.set_budget("100trials")
        step = study.ask()
        study.report(step.trial, 1, val_loss=0.5)
        held = study.ask()
        study.report(held.trial, 1, val_loss=0.4)
        study.tell(held.trial, held=True)
        yield study


def send(browser, status=201, **order):
    answer = browser.post("/api/studies/1/commands", json=order)
    assert answer.status_code == status, answer.text
    return answer.json()


# --- commands


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ({"kind": "set", "name": "learning_rate", "value": 0.5}, "learning_rate"),
        ({"kind": "pause"}, "pause"),
        ({"kind": "stop"}, "stop"),
        ({"kind": "rewind", "epoch": 0}, "rewound to epoch 0, goes on as trial 5"),
        ({"kind": "rewind", "epoch": 0, "params": {"learning_rate": 0.5}}, "goes on as trial 5, learning_rate 0.5"),
        ({"kind": "branch", "epoch": 0, "params": {"hidden": 8}}, "branched as trial 5 from epoch 0, hidden 8"),
        ({"kind": "note", "text": "the loss has stopped falling"}, "the loss has stopped falling"),
        ({"kind": "tag", "name": "odd"}, "tag odd"),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_a_command_is_asked_for_and_taken_up_by_who_trains(running, browser, order, said):
    row = send(browser, trial=3, why="to see", **order)
    assert (row["trial"], row["kind"], row["by"], row["why"]) == (3, order["kind"], "web", "to see")
    is_remark = order["kind"] in ("note", "tag")
    assert row["state"] == ("taken" if is_remark else "asked")
    running.steering.poll(3, 1)
    known = browser.get("/api/studies/1/trials/3").json()["commands"]
    assert (known[-1]["id"], known[-1]["state"], known[-1]["epoch"]) == (row["id"], "taken", 1)
    assert said in known[-1]["text"]


def test_a_command_that_comes_too_late_is_refused_when_it_is_taken_up(running, browser):
    send(browser, trial=3, kind="stop")
    send(browser, trial=3, kind="set", name="learning_rate", value=0.5)
    running.steering.poll(3, 1)
    stopped, late = browser.get("/api/studies/1/trials/3").json()["commands"]
    assert (stopped["state"], late["state"]) == ("taken", "refused")
    assert "stopped by the command before" in late["refused"]


def test_a_trial_that_does_not_train_is_stopped_at_once(running, browser):
    assert send(browser, trial=4, kind="stop", why="no hope")["state"] == "taken"
    trial = browser.get("/api/studies/1/trials/4").json()
    assert (trial["trial"]["state"], trial["reason"]) == ("stopped", "no hope")


def test_a_trial_that_is_paused_by_hand_goes_on(running, browser):
    send(browser, trial=4, kind="resume")
    running.reader.look()
    running.steering.poll_at_rest()
    assert browser.get("/api/studies/1/trials/4").json()["trial"]["state"] == "paused"


def test_a_twin_shows_what_a_change_does(running, browser):
    send(browser, trial=3, kind="set", name="learning_rate", value=0.5, twin=2)
    kinds = [one["kind"] for one in browser.get("/api/studies/1/trials/3").json()["commands"]]
    assert kinds == ["branch", "set"]


@pytest.mark.parametrize(
    ("order", "status", "mend"),
    [
        ({"trial": 0, "kind": "stop"}, 409, "has ended"),
        ({"trial": 99, "kind": "stop"}, 404, "no trial 99"),
        ({"trial": -1, "kind": "note", "text": "x"}, 404, "no trial -1"),
        ({"trial": 3, "kind": "set", "name": "hidden", "value": 8}, 422, "branch with hidden=8 instead"),
        ({"trial": 3, "kind": "set", "name": "hiden", "value": 8}, 422, "there are learning_rate"),
        ({"trial": 3, "kind": "set", "name": "learning_rate", "value": 100.0}, 422, "learning_rate"),
        ({"trial": 3, "kind": "set", "name": "learning_rate", "value": "fast"}, 422, "learning_rate"),
        ({"trial": 3, "kind": "set", "name": "learning_rate", "value": None}, 400, "must be a number"),
        ({"trial": 3, "kind": "set", "name": "learning_rate", "value": [1]}, 400, "must be a number"),
        ({"trial": 3, "kind": "set", "name": ["learning_rate"], "value": 1}, 400, "name must be a text"),
        ({"trial": 3, "kind": "rewind", "epoch": 1}, 422, "run.track"),
        ({"trial": 3, "kind": "rewind", "epoch": 7}, 422, "come to epoch 1"),
        ({"trial": 3, "kind": "rewind"}, 400, "epoch must be a whole number"),
        ({"trial": 3, "kind": "branch", "params": {"hidden": 10**6}}, 422, "hidden"),
        ({"trial": 3, "kind": "branch", "params": {"__proto__": 1}}, 422, "no parameter"),
        ({"trial": 3, "kind": "branch", "params": [1]}, 400, "params must be an object"),
        ({"trial": 3, "kind": "note", "text": "  "}, 422, "needs a text"),
        ({"trial": 3, "kind": "note", "text": "x" * (LONGEST_TEXT + 1)}, 422, "shorten it"),
        ({"trial": 3, "kind": "tag", "name": "two words"}, 422, "one word"),
        ({"trial": 3, "kind": "explode"}, 400, "kind must be one of"),
        ({"trial": 3}, 400, "kind must be one of"),
        ({"trial": True, "kind": "stop"}, 400, "whole number"),
        ({"trial": "3", "kind": "stop"}, 400, "whole number"),
        ({"trial": 3.0, "kind": "stop"}, 400, "whole number"),
        ({"trial": 10**40, "kind": "stop"}, 400, "whole number"),
        ({"trial": 3, "kind": "stop", "path": "/etc/passwd"}, 400, "no field"),
        ({"trial": 3, "kind": "stop", "by": "root"}, 400, "no field"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_refused_with_the_mend(running, browser, order, status, mend):
    assert mend in send(browser, status, **order)["error"]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"3", b"null", b'"x"', b'{"value": NaN}', b'{"value": Infinity}', b"\xff\xfe", b"{" * 5000]
)
def test_a_body_that_is_no_object_is_refused(browser, body):
    answer = browser.post("/api/studies/1/commands", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, "error" in answer.json()) == (400, True)


TEXTS = st.text(max_size=200)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A server on which orders of all kinds are tried."""
    folder = tmp_path_factory.mktemp("played")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder))
        a_study(folder / "tunewell.db")
        with serving(folder / "tunewell.db") as served, served.browser() as browser:
            yield browser


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60)
@given(text=TEXTS.filter(lambda text: text.strip()), why=TEXTS)
def test_a_note_is_kept_as_it_was_written(played, text, why):
    """Whatever the script, and with what only looks like code: it is text, and comes back as text."""
    body = json.dumps({"trial": 0, "kind": "note", "text": text, "why": why}).encode()
    answer = played.post("/api/studies/1/commands", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 201, answer.text
    known = played.get("/api/studies/1/trials/0")
    assert (
        b"<" not in known.content or b"\\u003c" in known.content or known.headers["content-type"] == "application/json"
    )
    # NUL and halves of characters are spelled out by the store where they are not in JSON
    assert answer.json()["data"]["text"] == text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60)
@given(
    route=st.sampled_from(["commands", "pause", "resume", "budget", "queue", "space", "space/preview"]),
    order=st.dictionaries(
        st.sampled_from(
            ["trial", "kind", "name", "value", "epoch", "params", "text", "why", "budget", "like", "changes"]
        )
        | TEXTS,
        VALUES | st.sampled_from(["set", "branch", "note", 0, 1, {"hidden": {"high": 1e400}}]),
        max_size=6,
    ),
)
def test_no_order_makes_the_server_fail(played, route, order):
    body = json.dumps(order).encode()
    answer = played.post(f"/api/studies/1/{route}", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (200, 201, 400, 404, 409, 413, 422), (answer.status_code, answer.text)
    json.loads(answer.content, parse_constant=pytest.fail)


def test_two_tabs_send_commands_and_all_are_on_record(running, served):
    """Of each the page shows that it was asked, and what came of it, in both tabs the same."""
    with served.browser() as one, served.browser() as other:
        sent, failed = [], []

        def send_all(browser, who):
            try:
                for n in range(16):
                    order = {"trial": 3, "kind": "note", "text": f"{who} {n}"}
                    if n % 4 == 0:
                        order = {"trial": 3, "kind": "set", "name": "learning_rate", "value": 0.001 * (n + 1 + who)}
                    sent.append(send(browser, **order)["id"])
            except AssertionError as error:
                failed.append(error)

        tabs = [threading.Thread(target=send_all, args=(browser, who)) for who, browser in enumerate((one, other))]
        for tab in tabs:
            tab.start()
        for tab in tabs:
            tab.join()
        assert not failed
        running.steering.poll(3, 1)
        seen = [browser.get("/api/studies/1/trials/3").json()["commands"] for browser in (one, other)]
        assert seen[0] == seen[1]
        assert sorted(sent) == [row["id"] for row in seen[0]]
        assert len(seen[0]) == 32
        assert {row["state"] for row in seen[0]} == {"taken"}


def test_tags_and_favourites(browser):
    for name in ("odd", "favourite", "später"):
        send(browser, trial=1, kind="tag", name=name)
    send(browser, trial=1, kind="untag", name="odd")
    row = browser.get("/api/studies/1/trials/1").json()["trial"]
    assert (row["tags"], row["favourite"]) == ("später", True)
    columns = {one["name"]: one["values"] for one in browser.get("/api/studies/1/trials").json()["table"]["columns"]}
    assert columns["favourite"] == [False, True, False]
    assert columns["tags"] == [None, "später", None]


def test_whose_the_commands_are(store):
    with serving(store, by="web (ann)") as served, served.browser() as browser:
        assert send(browser, trial=0, kind="note", text="x")["by"] == "web (ann)"


# --- the study


def test_a_study_is_paused_and_goes_on(running, browser):
    assert browser.post("/api/studies/1/pause", json={"why": "lunch"}).json()["is_paused"] is True
    assert running.is_paused
    known = browser.get("/api/studies/1").json()
    assert known["is_paused"] is True
    assert "paused" in known["waits"]
    assert browser.post("/api/studies/1/resume", json={}).json()["is_paused"] is False
    assert not running.is_paused
    events = [
        (event.kind, event.by, event.data["why"]) for event in running.events() if event.kind in ("paused", "resumed")
    ]
    assert events == [("paused", "web", "lunch"), ("resumed", "web", "")]


@pytest.mark.parametrize(
    ("budget", "now"), [(50, "50trainings"), ("900epochs", "900epochs"), ("2h", "7200s"), (0.5, "0.5trainings")]
)
def test_the_budget_is_raised(running, browser, budget, now):
    assert browser.post("/api/studies/1/budget", json={"budget": budget}).json()["budget"] == now
    running.reader.look()
    assert str(running.budget) == now
    assert browser.get("/api/studies").json()["studies"][0]["budget"] == now


@pytest.mark.parametrize("budget", [0, -1, "much", "", None, True, [], "9" * 200, float("1e308") * 10])
def test_what_is_no_budget_is_refused(browser, budget):
    answer = browser.post(
        "/api/studies/1/budget", content=json.dumps({"budget": budget}), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (400, 422)


def test_a_trial_is_queued_and_comes_first(running, browser):
    answer = browser.post(
        "/api/studies/1/queue", json={"params": {"hidden": 9}, "like": 1, "epochs": 2, "why": "a hunch"}
    )
    assert answer.status_code == 201
    number = answer.json()["trial"]
    step = running.ask()
    assert (step.trial, step.params["hidden"], list(step.epochs)) == (number, 9, [1, 2])
    like = browser.get("/api/studies/1/trials/1").json()["params"]
    assert step.params["optimizer"] == like["optimizer"]


@pytest.mark.parametrize(
    "order",
    [
        {"params": {"hidden": 10**9}},
        {"params": {"nothing": 1}},
        {"params": {}, "like": 77},
        {"params": {}, "like": 0, "epochs": 0},
        {"params": {}, "like": 0, "epochs": 10**6},
    ],
    ids=str,
)
def test_what_cannot_be_queued_is_refused(browser, order):
    answer = browser.post("/api/studies/1/queue", json=order)
    assert answer.status_code in (404, 422)
    assert browser.get("/api/studies").json()["studies"][0]["trials"] == 3


# --- its space


CHANGES = {
    "hidden": {"high": 128},
    "learning_rate": {"low": 1e-3, "high": 0.5},
    "optimizer": {"fix": "adam"},
    "dropout": {"kind": "float", "low": 0.0, "high": 0.5, "default": 0.0},
}


def test_a_change_of_the_space_is_shown_and_then_made(running, browser):
    shown = browser.post("/api/studies/1/space/preview", json={"changes": CHANGES}).json()
    assert (shown["error"], shown["figure"]["kind"]) == (None, "space")
    assert "hidden: high 64 -> 128" in shown["text"]
    assert len(running.reader.log.versions.spaces) == 1
    made = browser.post("/api/studies/1/space", json={"changes": CHANGES}).json()
    assert made["text"] == shown["text"]
    running.reader.look()
    assert running.space.params["hidden"].high == 128
    assert running.space.params["optimizer"].values == ("adam",)
    step = running.ask()
    assert step.params["optimizer"] == "adam"
    assert "dropout" in step.params
    names = [one["name"] for one in browser.get("/api/studies/1").json()["space"]]
    assert names == ["learning_rate", "hidden", "optimizer", "dropout"]
    columns = [one["name"] for one in browser.get("/api/studies/1/trials").json()["table"]["columns"]]
    assert "param:dropout" in columns


def test_a_parameter_is_taken_away_and_held(running, browser):
    made = browser.post("/api/studies/1/space", json={"changes": {"hidden": {"remove": True, "held": 32}}}).json()
    assert made["text"] == "hidden: taken away; held at 32"


@pytest.mark.parametrize(
    ("changes", "mend"),
    [
        ({"hidden": {"low": 100}}, "hidden"),
        ({"hiden": {"low": 5}}, "hiden"),
        ({"hidden": {"scale": "cubic"}}, "hidden"),
        ({"learning_rate": {"low": 0}}, "learning_rate"),
        ({"optimizer": {"values": []}}, "optimizer"),
        ({"new": {"kind": "float", "low": 0, "high": 1}}, "new"),
        ({"new": {"kind": "pickle", "low": 0, "high": 1}}, "new"),
        ({"optimizer": {"remove": True}}, "optimizer"),
    ],
    ids=str,
)
def test_a_space_that_cannot_be_is_refused(browser, changes, mend):
    shown = browser.post("/api/studies/1/space/preview", json={"changes": changes}).json()
    assert mend in shown["error"]
    answer = browser.post("/api/studies/1/space", json={"changes": changes})
    assert (answer.status_code, shown["error"]) == (422, answer.json()["error"])


@pytest.mark.parametrize(
    "changes", [None, [], {}, "x", {"hidden": 3}, {"hidden": {"code": "import os"}}, {"hidden": {"fix": {}}}]
)
def test_changes_that_are_none_are_malformed(browser, changes):
    for path in ("space", "space/preview"):
        assert browser.post(f"/api/studies/1/{path}", json={"changes": changes}).status_code == 400


def test_a_fixed_number_stays_a_number():
    space, held = changed_space(SPACE, {"learning_rate": {"fix": 0.1}})
    assert (space.params["learning_rate"].values, held) == ((0.1,), {})
    assert space.params["learning_rate"].live
