"""What holds for every bridge that takes runs and gives them back, against the trackers themselves."""

import math
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.bridges.studies import ODD, SPACE, Trained, bring, curves, forget, points, record, send, times

from tunewell.bridges.places import source_place
from tunewell.bridges.records import LIVE
from tunewell.space import Space
from tunewell.study.reader import StudyReader
from tunewell.trial import TrialState

pytestmark = pytest.mark.filterwarnings("ignore")  # of the trackers' own libraries

COARSE = {"mlflow": 5e-4, "trackio": 1e-6, "tensorboard": 0.0, "wandb": 0.0}
"""By how much a time that a tracker keeps may be off, in seconds."""


@pytest.fixture
def study(store):
    return Trained(store)


def kind(tracker):
    return tracker.partition(":")[0]


def test_a_study_comes_back_as_it_was(store, study, tracker):
    study.first_half()
    study.second_half()
    sent = send(store, study.record, tracker)
    assert (sent.epochs, sent.trials, sent.refused) == (11, {0, 1, 2, 3, 4}, {})
    result = bring(tracker, store)
    assert (result.new, result.epochs, result.notes) == (5, 11, [])
    back = store.study("back")
    names = ("metric", "direction", "max_epochs", "budget", "space", "scheduler", "seed", "created_at")
    assert all(getattr(back, name) == getattr(study.record, name) for name in names)
    ours, theirs = store.changes(study.record.id, 0).trials, store.changes(back.id, 0).trials
    for one, other in zip(ours, theirs, strict=True):
        assert {**one.params} == {**other.params}
        assert [type(value) for value in one.params.values()] == [type(value) for value in other.params.values()]
        assert replace(one, session=0, note={}) == replace(other, note={})
        assert other.note.items() >= one.note.items()
    assert curves(store, back.id) == curves(store, study.record.id)
    for place, at in times(store, study.record.id).items():
        assert times(store, back.id)[place] == pytest.approx(at, rel=0, abs=COARSE[kind(tracker)] + 1e-9)
    assert theirs[2].note["tags"] == ["good"]
    assert theirs[2].note["notes"] == ["it has\nlearned =1+1"]
    assert [event.data["command"] for event in store.events(back.id, 2)] == ["set", "tag", "note"]
    assert theirs[0].note["ran"]["git_commit"] == "abc"


def test_several_metrics_with_limits_and_constraints_come_back(store, tracker):
    aims = {"metrics": {"val_loss": "minimize", "train/loss": "maximize"}, "limits": [f"{ODD} <= 0"]}
    space = SPACE.where("learning_rate * layers <= 4")
    study = Trained(store, record(aims=aims, space=space.to_dict()))
    study.first_half()
    study.second_half()
    send(store, study.record, tracker)
    bring(tracker, store)
    here, there = (StudyReader.open(store, name) for name in ("digits", "back"))
    assert there.record.aims == aims
    assert there.space == here.space == space
    assert [(one.trial, one.epoch, dict(one.values)) for one in there.front()] == [
        (one.trial, one.epoch, dict(one.values)) for one in here.front()
    ]


def test_what_is_imported_twice_is_there_once(store, study, tracker):
    study.first_half()
    send(store, study.record, tracker)
    bring(tracker, store)
    before = curves(store, store.study("back").id)
    again = bring(tracker, store)
    assert (again.new, again.grown, again.unchanged, again.epochs) == (0, 0, 3, 0)
    assert curves(store, store.study("back").id) == before
    assert len(store.reports(store.study("back").id)) == 6


def test_what_is_sent_twice_is_there_once(store, study, tracker):
    study.first_half()
    send(store, study.record, tracker)
    before = points(tracker)
    forget(store)
    send(store, study.record, tracker)
    assert points(tracker) == before
    assert bring(tracker, store).new == 3


def test_a_study_that_grows_is_sent_and_brought_in_as_it_does(store, study, tracker):
    study.first_half()
    send(store, study.record, tracker)
    first = bring(tracker, store)
    assert (first.new, first.epochs) == (3, 6)
    back = store.study("back")
    running = store.changes(back.id, 0).trials[2]
    assert running.state is TrialState.HELD  # nobody trains it here
    assert running.note["state_there"] == "running"
    study.second_half()
    assert send(store, study.record, tracker).epochs == 5
    second = bring(tracker, store)
    assert (second.new, second.grown, second.unchanged, second.epochs) == (2, 1, 2, 5)
    assert curves(store, back.id) == curves(store, study.record.id)
    assert [trial.state for trial in store.changes(back.id, 0).trials] == [
        trial.state for trial in store.changes(study.record.id, 0).trials
    ]


def test_steering_is_a_first_value_a_curve_and_an_event(store, study, tracker):
    study.first_half()
    study.second_half()
    send(store, study.record, tracker)
    from tunewell.bridges import records

    kept = []
    original = records.run_of_card

    def spied(text, curves, *args, **kwargs):
        kept.append(curves)
        return original(text, curves, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"tunewell.bridges.{kind(tracker)}.run_of_card", spied)
        runs = source_place(tracker).source().read().runs
    steered, seen = next((run, own) for run, own in zip(runs, kept, strict=True) if run.trial.number == 2)
    assert steered.params["learning_rate"] == pytest.approx(0.02)
    live = next(own for name, own in seen.items() if name == f"{LIVE}learning_rate")
    assert [(point.step, point.value) for point in sorted(live)] == [(1, 0.02), (2, 0.25), (3, 0.25)]
    assert steered.steering[0].by == "ada"
    assert steered.steering[0].data["why"] == "to see"


def test_imported_runs_can_be_diagnosed_and_learned_from(store, study, tracker):
    study.first_half()
    study.second_half()
    send(store, study.record, tracker)
    bring(tracker, store)
    reader = StudyReader.open(store, "back")
    assert reader.run_record(0)["epochs"]
    assert reader.best.trial == 0
    assert reader.history.curves.shape[0] == 5
    assert not reader.log.has_misfits()
    assert reader.space == Space.from_dict(study.record.space)


def test_many_metrics_and_odd_names_arrive(store, study, tracker):
    study.begin(0, 2)
    many = {f"metric {n}/é": n / 7 for n in range(1_200)} | {"_private": 1.0, "step": 2.0, "a.b": 3.0, "x" * 240: 4.0}
    study.report(0, 1, **many)
    send(store, study.record, tracker)
    bring(tracker, store)
    assert curves(store, store.study("back").id) == curves(store, study.record.id)
    assert ODD in store.reports(store.study("back").id)[0].metrics


KILLED = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from tunewell.bridges.cursor import Cursor
from tunewell.bridges.follower import Follower
from tunewell.bridges.places import sink_place
from tunewell.stores import open_store
if {kind!r} == "trackio":
    import pathlib
    from trackio import sqlite_storage
    sqlite_storage.TRACKIO_DIR = pathlib.Path(os.environ["TRACKIO_DIR"])

place, left = sink_place({tracker!r}), [4]

class Deadly:
    def __init__(self):
        self.sink = place.sink()
        self.place, self.begin, self.flush, self.end = place, self.sink.begin, self.sink.flush, self.sink.end

    def send(self, run):
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        self.sink.send(run)

store = open_store({store!r})
study = store.study("digits")
with Cursor(store, study, place) as cursor:
    Follower(store, study, Deadly, cursor).forward()
"""


def test_a_sender_that_is_killed_loses_nothing_and_sends_nothing_twice(store, study, tracker, tmp_path):
    for number in range(8):
        study.begin(number, 3)
        for epoch in (1, 2, 3):
            study.report(number, epoch)
        study.end(number, TrialState.COMPLETE, 3)
    tests = str(Path(__file__).parents[2])
    text = KILLED.format(tests=tests, kind=kind(tracker), store=str(tmp_path / "tunewell.db"), tracker=tracker)
    done = subprocess.run([sys.executable, "-c", text], check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == -signal.SIGKILL, done.stderr
    deadline = time.monotonic() + 60
    while len(there := points(tracker)) < 4 and time.monotonic() < deadline:
        time.sleep(0.5)  # W&B's own process may still write
    assert len(there) == 4
    send(store, study.record, tracker)
    there = points(tracker)
    assert len(there) == 8
    assert {own["val_loss"] for own in there.values()} == {3}
    bring(tracker, store)
    assert curves(store, store.study("back").id) == curves(store, study.record.id)
    assert all(trial.state is TrialState.COMPLETE for trial in store.changes(store.study("back").id, 0).trials)


def test_two_studies_of_one_name_stay_apart(store, study, tracker, tmp_path):
    from tunewell.stores import open_store

    study.first_half()
    send(store, study.record, tracker)
    other = open_store(tmp_path / "other.db")
    twin = Trained(other, record(uuid="0b7c3f46-1111-4123-847a-1d1f1b2b4c5d"))
    twin.begin(0, 2)
    twin.report(0, 1)
    send(other, twin.record, tracker)
    other.close()
    result = bring(tracker, store)
    assert result.new == 4
    assert math.isfinite(StudyReader.open(store, "back").best.value)


def test_a_study_of_an_odd_name_arrives_where_it_should(store, tracker, tmp_path):
    study = Trained(store, record(name="../a/b 'é' #1\n=1+1"))
    study.first_half()
    send(store, study.record, tracker.replace("trackio:digits", "trackio"))
    if kind(tracker) == "trackio":
        (file,) = (tmp_path / "trackio").glob("*.db")
        tracker = f"trackio:{file}"
    assert bring(tracker, store).new == 3
    assert not (tmp_path / "a").exists()
    assert not (tmp_path.parent / "a").exists()
