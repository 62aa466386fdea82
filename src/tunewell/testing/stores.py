"""The laws of every store.

To check one, subclass `StoreContract` and give it the fixture `store`, an empty one:

    class TestMyStore(StoreContract):
        @pytest.fixture
        def store(self):
            return MyStore()

A store that several processes may hold at once keeps the laws of `SharedStoreContract` too. That one wants, besides,
the fixture `reopen`: a function that opens the same store again and that can be pickled.
"""

# ruff: noqa: D102  names of tests are sentences

from __future__ import annotations

import math
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from multiprocessing.synchronize import Event as Signal
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from tunewell.commands import Action, Branch, Command, Note, Pause, Resume, Rewind, Set, Stop, Tag, Untag
from tunewell.commands import Checkpoint as WriteCheckpoint
from tunewell.errors import StepTaken, StoreError, StudyExists, StudyNotFound, TrialEnded, TrialNotFound
from tunewell.space.values import Params
from tunewell.stores import MemoryStore, Session, SpaceVersion, Store
from tunewell.testing.records import (
    COMPLETE,
    ELSEWHERE,
    FAILED,
    HELD,
    PARAMS,
    PAUSED,
    RUNNING,
    SESSION,
    STOPPED,
    STUDY,
    WIDER,
    Reader,
    a_life,
    a_trial,
    begin,
    begin_session,
    changes_of_a_running_trial,
    check_all_is_there,
    everything,
    in_common,
    nothing_new,
    renamed,
    spoil,
    train,
    values_of,
    whole_life,
)
from tunewell.trial import Checkpoint, Event, Report, Trial, TrialState

ODD_ORDER = [(1, 1), (0, 1), (0, 2), (1, 2), (0, 1), (1, 3)]
"""Trials and epochs; one was rewound."""


WRITERS, TRIALS = 32, 3
"""How many processes write to one study at a time, and how many trials each."""


def _ending_early(reports: Iterable[object]) -> Iterator[Any]:
    """Yield some of the reports, and fail."""
    yield next(iter(reports))
    raise StoreError("the rest of them is gone")


class StoreContract:
    """The promises that a study relies on."""

    @pytest.fixture
    def store(self) -> Store:
        """Return the store to check, empty."""
        raise NotImplementedError("give the contract a fixture `store`")

    @pytest.fixture
    def study(self, store: Store) -> int:
        """Return the id of a study with nothing in it."""
        return store.add_study(STUDY).id

    # --- studies and sessions

    def test_a_study_is_read_as_it_was_written(self, store: Store) -> None:
        written = store.add_study(STUDY)
        assert written == replace(STUDY, id=written.id)
        assert store.study("digits") == written
        assert store.studies() == [written]

    def test_studies_are_listed_oldest_first(self, store: Store) -> None:
        names = ["b", "a", "Ünïcode 'quoted' 深層"]
        for name in names:
            store.add_study(replace(STUDY, name=name, uuid=f"uuid of {name}"))
        assert [study.name for study in store.studies()] == names

    @pytest.mark.usefixtures("study")
    def test_a_name_is_given_to_one_study(self, store: Store) -> None:
        with pytest.raises(StudyExists, match="digits"):
            store.add_study(replace(STUDY, uuid="another", seed=1))
        assert [known.seed for known in store.studies()] == [STUDY.seed]

    @pytest.mark.usefixtures("study")
    def test_an_unknown_study_is_refused_with_those_there_are(self, store: Store) -> None:
        with pytest.raises(StudyNotFound) as caught:
            store.study("letters")
        assert caught.value.known == ("digits",)

    def test_a_study_can_change_its_budget_and_learn_its_epochs(self, store: Store, study: int) -> None:
        store.change_study(study, budget="900epochs")
        assert store.study("digits") == replace(STUDY, id=study, budget="900epochs")
        before = store.changes(study, 0).revision
        store.change_study(study, max_epochs=50)
        assert store.study("digits") == replace(STUDY, id=study, budget="900epochs", max_epochs=50)
        assert store.changes(study, before).max_epochs == 50
        before = store.changes(study, 0).revision
        store.change_study(study, budget="5trials", is_paused=True, event=Event("paused", 3.0, by="ada"))
        changes = store.changes(study, before)
        assert (changes.revision, changes.budget, changes.is_paused) == (before + 1, "5trials", True)
        assert [(event.kind, event.by) for event in store.events(study)] == [("paused", "ada")]
        assert store.studies()[0].is_paused
        store.change_study(study, min_delta=0.01)
        assert store.study("digits").min_delta == 0.01

    def test_a_study_that_is_not_there_takes_nothing(self, store: Store, study: int) -> None:
        with pytest.raises(StoreError):
            store.changes(study + 1, 0)
        with pytest.raises(StoreError):
            store.begin_step(study + 1, 0, a_trial(0))
        with pytest.raises(StoreError):
            store.add_event(study + 1, Event("lost", at=1.0))
        with pytest.raises(StoreError):
            store.add_space(study + 1, WIDER)
        with pytest.raises(StoreError):
            store.spaces(study + 1)

    def test_a_study_begins_with_the_first_version_of_its_space(self, store: Store, study: int) -> None:
        assert store.spaces(study) == [SpaceVersion(1, STUDY.space, STUDY.created_at)]
        assert store.changes(study, 0).n_spaces == 1

    def test_a_version_of_the_space_is_read_as_it_was_written(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        before = store.changes(study, 0)
        assert store.add_space(study, WIDER)
        assert store.spaces(study)[1:] == [replace(WIDER, first_trial=1)]
        assert store.study("digits").space == WIDER.space
        after = store.changes(study, before.revision)
        assert (after.n_spaces, list(after.trials)) == (2, [])
        assert after.revision > before.revision

    def test_a_version_of_the_space_is_added_once(self, store: Store, study: int) -> None:
        other = store.add_study(replace(STUDY, name="letters", uuid="another")).id
        assert store.add_space(study, WIDER)
        before = store.changes(study, 0)
        for number in (1, 2, 4):
            assert not store.add_space(study, replace(WIDER, number=number, space={}))
        assert nothing_new(store, study, before)
        assert store.add_space(study, replace(WIDER, number=3))
        assert [version.number for version in store.spaces(study)] == [1, 2, 3]
        assert len(store.spaces(other)) == 1

    def test_sessions_are_read_as_they_were_written(self, store: Store, study: int) -> None:
        plain = Session(started_at=1.8e9, host="cluster", pid=1, command="x", directory="/")
        first, second = (begin_session(store, study, session) for session in (SESSION, plain))
        store.end_session(first, at=1.76e9)
        assert store.sessions(study) == [replace(SESSION, id=first, ended_at=1.76e9), replace(plain, id=second)]

    def test_a_session_begins_only_if_its_caller_knows_the_newest(self, store: Store, study: int) -> None:
        other = store.add_study(replace(STUDY, name="letters", uuid="another")).id
        first = store.begin_session(study, SESSION, newest=0)
        assert first is not None
        assert store.begin_session(study, SESSION, newest=0) is None
        assert [session.id for session in store.sessions(study)] == [first]
        assert store.begin_session(other, SESSION, newest=0) is not None
        assert store.begin_session(study, SESSION, newest=first + 1) is None
        second = store.begin_session(study, SESSION, newest=first)
        assert second is not None
        store.end_session(second, at=1.76e9)
        assert store.begin_session(study, SESSION, newest=first) is None
        assert [session.id for session in store.sessions(study)] == [first, second]
        assert first < second

    # --- steps and trials

    def test_a_trial_is_read_as_it_was_written(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        trial = Trial(
            number=1,
            params=PARAMS,
            state=RUNNING,
            epochs=0,
            until=9,
            seed=2**31 - 1,
            started_at=1.75e9,
            parent=0,
            parent_epoch=3,
            note={"bracket": 2, "seen": [1, 2.5, None, "δ"], "bound": math.inf},
            session=begin_session(store, study),
        )
        store.begin_step(study, 1, trial)
        (read,) = [known for known in store.changes(study, 0).trials if known.number == 1]
        assert read == trial
        assert [type(value) for value in read.params.values()] == [float, int, bool, str, float]

    def test_a_step_number_is_given_once(self, store: Store, study: int) -> None:
        assert store.begin_step(study, 0, a_trial(0))
        before = store.changes(study, 0)
        assert not store.begin_step(study, 0, a_trial(1))
        assert not store.begin_step(study, 2, a_trial(1))
        assert nothing_new(store, study, before)
        assert store.begin_step(study, 1, a_trial(1))
        assert store.changes(study, 0).n_steps == 2

    def test_a_trial_number_cannot_be_skipped(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        before = store.changes(study, 0)
        with pytest.raises(TrialNotFound, match="no trial 2"):
            store.begin_step(study, 1, a_trial(2))
        assert nothing_new(store, study, before)

    def test_a_paused_trial_goes_on_with_its_record(self, store: Store, study: int) -> None:
        session = begin_session(store, study)
        begin(store, study, 0, params=PARAMS, note={"bracket": 1})
        store.end_step(study, 0, PAUSED, 3)
        (paused,) = store.changes(study, 0).trials
        assert (paused.state, paused.epochs) == (PAUSED, 3)
        again = replace(a_trial(0), until=9, session=session, started_at=0.0, note={"bracket": 1, "fit": [0.5]})
        assert store.begin_step(study, 1, again)
        (resumed,) = store.changes(study, 0).trials
        assert resumed == replace(paused, state=RUNNING, until=9, session=session, note=again.note)

    @pytest.mark.parametrize("state", [RUNNING, COMPLETE, STOPPED, FAILED])
    def test_only_a_paused_trial_can_go_on(self, store: Store, study: int, state: TrialState) -> None:
        begin(store, study, 0)
        if state is not RUNNING:
            store.end_step(study, 0, state, 3)
        before = store.changes(study, 0)
        with pytest.raises(TrialEnded):
            store.begin_step(study, 1, a_trial(0))
        assert nothing_new(store, study, before)

    def test_a_running_step_can_be_revised(self, store: Store, study: int) -> None:
        session = begin_session(store, study)
        begin(store, study, 0)
        (before,) = store.changes(study, 0).trials
        store.revise_step(study, 0, until=7)
        assert store.changes(study, 0).trials == [replace(before, until=7)]
        assert store.take_step(study, 0, of=before.session, session=session)
        assert store.changes(study, 0).trials == [replace(before, until=7, session=session)]

    def test_the_length_of_a_training_is_on_record_with_the_step_that_showed_it(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        before = store.changes(study, 0)
        store.revise_step(study, 0, until=7, max_epochs=50)
        after = store.changes(study, before.revision)
        assert (after.max_epochs, after.trials[0].until, after.revision) == (50, 7, before.revision + 1)
        assert store.study("digits").max_epochs == 50
        store.end_step(study, 0, COMPLETE, 7, at=1.0, max_epochs=60)
        last = store.changes(study, after.revision)
        assert (last.max_epochs, last.trials[0].state, last.revision) == (60, COMPLETE, after.revision + 1)
        with pytest.raises(TrialEnded):
            store.revise_step(study, 0, until=9, max_epochs=70)
        with pytest.raises(TrialEnded):
            store.end_step(study, 0, COMPLETE, 9, max_epochs=70)
        assert store.changes(study, 0).max_epochs == 60

    def test_of_two_that_take_a_step_from_a_third_one_does(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        assert store.take_step(study, 0, of=0, session=1)
        before = store.changes(study, 0)
        assert not store.take_step(study, 0, of=0, session=2)
        assert store.changes(study, 0).trials == before.trials
        store.end_step(study, 0, COMPLETE, 1, at=1.0)
        assert not store.take_step(study, 0, of=1, session=2)
        with pytest.raises(TrialNotFound):
            store.take_step(study, 1, of=0, session=2)

    def test_one_whose_step_was_taken_can_add_nothing_to_it(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        store.report(study, 0, 1, {"val_loss": 0.5}, 0.5, at=1.0, session=0)
        store.take_step(study, 0, of=0, session=1)
        before = store.changes(study, 0)
        with pytest.raises(StepTaken, match="trial 0"):
            store.report(study, 0, 2, {"val_loss": 0.25}, 0.25, at=2.0, session=0)
        with pytest.raises(StepTaken, match="trial 0"):
            store.end_step(study, 0, COMPLETE, 2, at=2.0, session=0)
        with pytest.raises(StepTaken, match="trial 0"):
            store.add_checkpoint(study, Checkpoint(0, 2, "x.ckpt", 1, 2.0), session=0)
        assert nothing_new(store, study, before)
        assert store.checkpoints(study) == []
        store.add_checkpoint(study, Checkpoint(0, 2, "x.ckpt", 1, 2.0), session=1)
        store.report(study, 0, 2, {"val_loss": 0.25}, 0.25, at=2.0, session=1)
        store.end_step(study, 0, COMPLETE, 2, at=2.0, session=1)
        with pytest.raises(TrialEnded):
            store.report(study, 0, 3, {"val_loss": 0.25}, 0.25, at=2.0, session=0)

    def test_a_session_beats_until_it_ends(self, store: Store, study: int) -> None:
        first, second = begin_session(store, study), begin_session(store, study)
        assert [store.beat(first), store.beat(first), store.beat(second)] == [True] * 3
        store.end_session(first, at=2.0)
        assert not store.beat(first)
        assert not store.beat(second + 1)
        assert [session.beats for session in store.sessions(study)] == [2, 1]

    @pytest.mark.parametrize("state", [COMPLETE, STOPPED, FAILED])
    def test_an_ended_trial_is_frozen(self, store: Store, study: int, state: TrialState) -> None:
        begin(store, study, 0)
        store.report(study, 0, 1, {"val_loss": 0.5}, 0.5, at=1.0)
        store.end_step(study, 0, state, 1, reason="Traceback ...\n  é", at=2.0)
        before = store.changes(study, 0)
        assert before.trials[0] == replace(a_trial(0), state=state, epochs=1, reason="Traceback ...\n  é", ended_at=2.0)
        for change in changes_of_a_running_trial(store, study, 0):
            with pytest.raises(TrialEnded, match=str(state)):
                change()
        assert nothing_new(store, study, before)

    def test_a_paused_trial_takes_nothing_until_it_goes_on(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        store.end_step(study, 0, PAUSED, 3)
        for change in changes_of_a_running_trial(store, study, 0):
            with pytest.raises(TrialEnded, match="paused"):
                change()
        begin(store, study, 0)
        store.report(study, 0, 4, {}, None, at=1.0)

    @pytest.mark.parametrize("number", [-1, 1, 10**9])
    def test_a_trial_that_is_not_there_takes_nothing(self, store: Store, study: int, number: int) -> None:
        begin(store, study, 0)
        before = store.changes(study, 0)
        for change in changes_of_a_running_trial(store, study, number):
            with pytest.raises(TrialNotFound, match=f"no trial {number}; its trials are 0 to 0"):
                change()
        with pytest.raises(TrialNotFound):
            store.add_retrained(study, number, 1)
        with pytest.raises(TrialNotFound):
            store.add_event(study, Event("odd", at=1.0, trial=number))
        with pytest.raises(TrialNotFound):
            store.add_checkpoint(study, Checkpoint(number, 1, "x.ckpt", 1, 1.0))
        with pytest.raises(TrialNotFound):
            store.add_command(study, Command(number, Pause(), 1.0))
        with pytest.raises(TrialNotFound):
            store.steer_trial(study, number, STOPPED)
        assert nothing_new(store, study, before)

    def test_epochs_trained_twice_are_added_up(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        store.add_retrained(study, 0, 3)
        store.end_step(study, 0, COMPLETE, 5)
        store.add_retrained(study, 0, 4)
        assert store.changes(study, 0).trials[0].retrained == 7

    # --- reports

    def test_a_report_is_read_as_it_was_written(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        metrics = {"val_loss": math.nan, "train loss ñ": -0.0, "up": math.inf, "down": -math.inf, "tiny": 5e-324}
        store.report(study, 0, 1, metrics, math.inf, at=1.75e9)
        (report,) = store.reports(study)
        assert (report.trial, report.epoch, report.at) == (0, 1, 1.75e9)
        assert repr(report.metrics) == repr(metrics)  # not-a-number equals nothing, and 0 is -0 to ==
        assert values_of(store, study) == [[0, 1, math.inf]]

    def test_numbers_of_numpy_are_taken(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        loss: Any = np.float32(0.5)  # which is no float to Python
        store.report(study, 0, 1, {"val_loss": loss, "seen": cast("Any", np.int64(3))}, loss, at=1.0)
        assert store.reports(study) == [Report(0, 1, {"val_loss": 0.5, "seen": 3.0}, 1.0)]
        assert values_of(store, study) == [[0, 1, 0.5]]

    def test_reports_come_oldest_first_of_all_trials_or_one(self, store: Store, study: int) -> None:
        written = [Report(trial, epoch, {"val_loss": 0.1 * i}, i) for i, (trial, epoch) in enumerate(ODD_ORDER)]
        begin(store, study, 0)
        begin(store, study, 1)
        for report in written:
            store.report(study, report.trial, report.epoch, report.metrics, report.metrics["val_loss"], report.at)
        assert store.reports(study) == written
        assert store.reports(study, 1) == [report for report in written if report.trial == 1]
        assert values_of(store, study) == [[r.trial, r.epoch, r.metrics["val_loss"]] for r in written]

    def test_a_report_without_the_metric_has_no_value(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        store.report(study, 0, 1, {"train_loss": 1.0}, None, at=1.0)
        store.report(study, 0, 2, {"val_loss": 0.5}, 0.5, at=2.0)
        assert values_of(store, study) == [[0, 2, 0.5]]
        assert [report.epoch for report in store.reports(study)] == [1, 2]

    def test_values_are_read_between_two_revisions(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        revisions = []
        for epoch in range(1, 6):
            store.report(study, 0, epoch, {"val_loss": epoch / 4}, epoch / 4, at=1.0)
            revisions.append(store.changes(study, 0).revision)
        assert values_of(store, study, revisions[0], revisions[3]) == [[0, epoch, epoch / 4] for epoch in (2, 3, 4)]
        assert values_of(store, study, revisions[4]) == []
        store.report(study, 0, 2, {"val_loss": 9.0}, 9.0, at=2.0)  # once more
        assert values_of(store, study, revisions[4]) == [[0, 2, 9.0]]

    def test_it_is_known_how_far_running_trials_are(self, store: Store, study: int) -> None:
        for trial in range(3):
            begin(store, study, trial)
        store.report(study, 1, 1, {"val_loss": 1.0}, 1.0, at=1.0)
        store.report(study, 2, 2, {"train_loss": 1.0}, None, at=1.0)
        store.report(study, 2, 1, {"train_loss": 1.0}, None, at=1.0)
        assert list(store.changes(study, 0).reached) == [(1, 1), (2, 2)]
        assert list(store.changes(study, 10**6).reached) == [(1, 1), (2, 2)]
        store.end_step(study, 2, PAUSED, 2)
        assert list(store.changes(study, 0).reached) == [(1, 1)]

    def test_it_is_known_how_far_a_trial_came_whose_step_is_to_be_done_again(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        for epoch in (1, 2):
            store.report(study, 0, epoch, {"val_loss": 1.0}, 1.0, at=1.0)
        store.end_step(study, 0, FAILED, 2, reason="OSError: no", at=5.0)
        revision = store.changes(study, 0).revision
        store.reopen_trial(study, 0, 1)
        assert list(store.changes(study, revision).reached) == list(store.changes(study, 0).reached) == [(0, 2)]
        assert list(store.changes(study, store.changes(study, 0).revision).reached) == []

    def test_it_is_known_how_many_commands_wait(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        first = store.add_command(study, Command(0, Pause(), 1.0))
        store.add_command(study, Command(0, Resume(), 1.0))
        assert store.changes(study, 0).n_waiting == 2
        store.settle_command(study, replace(first, taken_at=2.0, epoch=1))
        assert store.changes(study, 0).n_waiting == 1

    def test_a_report_to_a_study_that_is_paused_counts_one_more_that_waits(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        store.change_study(study, is_paused=True)
        assert store.report(study, 0, 1, {"val_loss": 1.0}, 1.0, at=1.0) == 1
        store.add_command(study, Command(0, Pause(), 1.0))
        assert store.report(study, 0, 2, {"val_loss": 1.0}, 1.0, at=1.0) == 2
        store.change_study(study, is_paused=False)
        assert store.report(study, 0, 3, {"val_loss": 1.0}, 1.0, at=1.0) == 1

    def test_the_seconds_of_a_study_are_the_most_that_anybody_knew(self, store: Store, study: int) -> None:
        one, other = begin_session(store, study), begin_session(store, study)
        begin(store, study, 0)
        assert store.changes(study, 0).seconds == 0.0
        for given, known in [(2.5, 2.5), (1.0, 2.5), (4.0, 4.0)]:
            store.report(study, 0, 1, {"val_loss": 0.5}, 0.5, at=1.0, seconds=given)
            assert store.changes(study, 0).seconds == known
        store.beat(one, seconds=5.0)
        store.beat(other, seconds=4.5)
        assert store.changes(study, 0).seconds == 5.0
        store.end_session(one, at=2.0, seconds=6.0)
        assert not store.beat(one, seconds=9.0)
        store.end_session(other, at=2.0)
        assert store.changes(study, 0).seconds == 6.0

    def test_the_last_sign_of_a_session_is_of_its_own_trials(self, store: Store, study: int) -> None:
        mine, other = (begin_session(store, study) for _ in range(2))
        assert store.last_sign(mine) == SESSION.started_at
        late = SESSION.started_at + 100.0
        for number, session in enumerate((mine, other)):
            store.begin_step(study, number, replace(a_trial(number), session=session, started_at=late + number))
        assert store.last_sign(mine) == late
        store.report(study, 0, 1, {"val_loss": 1.0}, 1.0, at=late + 10)
        store.report(study, 1, 1, {"val_loss": 1.0}, 1.0, at=late + 90)
        store.report(study, 0, 2, {"val_loss": 1.0}, 1.0, at=late + 5)
        assert (store.last_sign(mine), store.last_sign(other)) == (late + 10, late + 90)
        store.end_step(study, 0, COMPLETE, 2, at=late + 20)
        assert store.last_sign(mine) == late + 20
        with pytest.raises(StoreError, match="no session whose id is 99"):
            store.last_sign(99)

    # --- changes

    def test_an_empty_study_has_no_trials_and_no_values(self, store: Store, study: int) -> None:
        changes = store.changes(study, 0)
        assert (changes.n_steps, changes.max_epochs, list(changes.trials)) == (0, None, [])
        assert list(store.values(study, 0, changes.revision)) == []

    def test_changes_are_read_once(self, store: Store, study: int) -> None:
        reader = Reader(store, study)
        for change in a_life(store, study):
            change()
            reader.read()
            assert nothing_new(store, study, store.changes(study, 0))
            assert reader == Reader(store, study).read()
        assert reader.n_changed == 10  # changes of a trial, which the reader read one by one

    def test_studies_do_not_mix(self, store: Store, study: int) -> None:
        other = store.add_study(replace(STUDY, name="letters", uuid="another")).id
        for change in a_life(store, study):
            change()
        begin(store, other, 0)
        store.report(other, 0, 1, {"val_loss": 9.0}, 9.0, at=1.0)
        changes = store.changes(other, 0)
        assert (changes.n_steps, list(changes.trials), values_of(store, other)) == (1, [a_trial(0)], [[0, 1, 9.0]])
        assert len(store.reports(other)) == 1
        assert (store.events(other), store.checkpoints(other), store.sessions(other)) == ([], [], [])

    def test_what_is_read_are_values(self, store: Store) -> None:
        inner = [1]
        space, note, data = {"params": {"x": inner}}, {"seen": inner}, {"why": inner}
        params, metrics = {"x": 0.5}, {"val_loss": 0.5}
        study = store.add_study(replace(STUDY, space=space)).id
        begin(store, study, 0, params=Params(params), note=note)
        store.report(study, 0, 1, metrics, 0.5, at=1.0)
        store.add_event(study, Event("odd", at=1.0, data=data))
        before = repr(everything(store, study))
        inner.append(2)
        params["x"] = metrics["val_loss"] = 99.0
        for theirs in (store.studies()[0].space, store.reports(study)[0].metrics, store.events(study)[0].data):
            spoil(theirs)
        changes = store.changes(study, 0)
        spoil(changes.trials[0].note)
        for part in store.values(study, 0, changes.revision):
            part[:] = 99.0
        assert repr(everything(store, study)) == before

    # --- studies as a whole

    def test_a_study_is_copied_as_it_is(self, store: Store, study: int) -> None:
        for change in a_life(store, study):
            change()
        contents = store.contents(study)
        assert repr(list(contents.reports)) == repr(list(contents.reports))  # read anew
        memory = MemoryStore()
        there = memory.add_contents(contents)
        back = store.add_contents(replace(memory.contents(there.id), record=renamed(there, "copy")))
        assert store.studies() == [store.study("digits"), back]
        assert in_common(store.contents(back.id)) == in_common(memory.contents(there.id)) == in_common(contents)
        assert whole_life(store, back.id) == whole_life(store, study)

    def test_a_copy_goes_on_by_itself(self, store: Store, study: int) -> None:
        for change in a_life(store, study):
            change()
        before = whole_life(store, study)
        copy = store.add_contents(replace(store.contents(study), record=renamed(STUDY, "copy"))).id
        assert store.changes(copy, 0).n_steps == store.changes(study, 0).n_steps
        store.report(copy, 2, 1, {"val_loss": 0.125}, 0.125, at=9.0)
        begin(store, copy, 3)
        store.end_session(store.sessions(copy)[0].id, 9.0)
        command = store.add_command(copy, Command(3, Pause(), 9.0))
        assert store.settle_command(copy, replace(command, taken_at=9.5), Event("steered", 9.5, 3))
        assert whole_life(store, study) == before
        assert values_of(store, copy)[-1] == [2, 1, 0.125]

    def test_a_copied_trial_is_in_the_copied_session(self, store: Store, study: int) -> None:
        begin_session(store, study)
        session = begin_session(store, study)
        assert store.begin_step(study, 0, replace(a_trial(0), session=session))
        assert store.begin_step(study, 1, replace(a_trial(1), session=99))  # of which nothing is known
        copy = store.add_contents(replace(store.contents(study), record=renamed(STUDY, "copy"))).id
        copied = [one.id for one in store.sessions(copy)]
        assert len({*copied, *(one.id for one in store.sessions(study))}) == 4
        assert [trial.session for trial in store.changes(copy, 0).trials] == [copied[1], 0]
        assert [step.session for step in store.contents(copy).steps] == [copied[1], 0]
        assert store.take_step(copy, 0, of=copied[1], session=copied[0])

    def test_nothing_is_copied_to_a_name_or_uuid_that_is_taken(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        contents, before = store.contents(study), everything(store, study)
        for record in (replace(STUDY, uuid="another"), replace(STUDY, name="another")):
            with pytest.raises(StudyExists, match="has a study 'digits' already"):
                store.add_contents(replace(contents, record=record))
        assert everything(store, study) == before

    def test_a_copy_is_all_there_or_not_at_all(self, store: Store, study: int) -> None:
        for change in a_life(store, study):
            change()
        contents, before = store.contents(study), repr(everything(store, study))
        with pytest.raises(StoreError, match="gone"):
            store.add_contents(
                replace(contents, record=renamed(STUDY, "copy"), reports=_ending_early(list(contents.reports)))
            )
        with pytest.raises(StoreError, match="gone"):
            store.replace_contents(study, replace(contents, reports=_ending_early(list(contents.reports))))
        assert repr(everything(store, study)) == before

    def test_a_study_is_replaced_by_more_of_it(self, store: Store, study: int) -> None:
        life = list(a_life(store, study))
        for change in life[:12]:
            change()
        copy = store.add_contents(replace(store.contents(study), record=renamed(STUDY, "copy")))
        reader = Reader(store, copy.id).read()
        for change in life[12:]:
            change()
        more = replace(store.contents(study), revision=store.contents(copy.id).revision)
        assert store.replace_contents(copy.id, more)
        assert not store.replace_contents(copy.id, more)  # it has been written to since
        assert store.study("copy") == replace(store.study("digits"), id=copy.id, name="copy", uuid=copy.uuid)
        assert whole_life(store, copy.id) == whole_life(store, study)
        assert reader.read().trials == Reader(store, copy.id).read().trials
        assert len(store.commands(copy.id, since=more.revision)) == len(store.commands(copy.id)) == 1
        with pytest.raises(StoreError, match="no study whose id is 99"):
            store.replace_contents(99, more)
        with pytest.raises(StoreError, match="no study whose id is 99"):
            store.contents(99)

    # --- events and checkpoints

    def test_events_come_oldest_first_of_the_study_or_of_a_trial(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        begin(store, study, 1)
        events = [
            Event("begun", at=3.0),
            Event("restored", at=2.0, trial=1, epoch=4, by="Ada", data={"from": "a.ckpt", "loss": math.inf, "n": [1]}),
            Event("failed", at=1.0, trial=0),
        ]
        for event in events:
            store.add_event(study, event)
        assert store.events(study) == events
        assert store.events(study, 1) == [events[1]]

    def test_events_of_the_study_itself_come_by_kind(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        of_study = [Event("seen", at=2.0, by="Ada"), Event("seen", at=1.0, data={"n": [1]})]
        for event in (of_study[0], Event("seen", at=3.0, trial=0), Event("heard", at=4.0), of_study[1]):
            store.add_event(study, event)
        assert store.study_events(study, "seen") == of_study
        assert store.study_events(study, "smelt") == []

    def test_the_newest_checkpoint_of_each_trial_is_kept(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        begin(store, study, 1)
        old, new = Checkpoint(0, 2, "0-2.ckpt", 10, 1.0), Checkpoint(0, 4, "0-4.ckpt", 2**40, 2.0)
        other = Checkpoint(1, 3, "1-3.ckpt", 20, 3.0)
        for checkpoint in (other, old, new):
            store.add_checkpoint(study, checkpoint)
        assert store.checkpoints(study) == [old, new, other]
        store.add_checkpoint(study, replace(new, path="again.ckpt"))
        store.drop_checkpoint(study, 0, 2)
        store.drop_checkpoint(study, 0, 3)  # there is none
        assert store.checkpoints(study) == [replace(new, path="again.ckpt"), other]

    # --- steering

    def test_a_command_waits_until_it_is_settled(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        commands = [
            store.add_command(study, Command(0, Set("x", 0.25), 1.5, "ann", "too slow")),
            store.add_command(study, Command(0, Pause(), 2.5)),
        ]
        assert commands[0].id < commands[1].id
        assert store.commands(study) == store.commands(study, waiting=True) == commands
        done = replace(commands[0], taken_at=3.0, epoch=7, before=0.5)
        store.settle_command(study, done)
        assert store.commands(study) == [done, commands[1]]
        assert store.commands(study, waiting=True) == [commands[1]]
        store.settle_command(study, replace(commands[1], taken_at=4.0, epoch=8, refused="not now"))
        assert store.commands(study)[1].refused == "not now"
        assert store.commands(study, waiting=True) == []

    def test_commands_since_a_revision_are_those_that_were_sent_or_taken_up_after_it(
        self, store: Store, study: int
    ) -> None:
        begin(store, study, 0)
        first = store.add_command(study, Command(0, Pause(), 1.5))
        before = store.changes(study, 0).revision
        assert store.commands(study, since=before) == []
        second = store.add_command(study, Command(0, Resume(), 2.5))
        assert store.commands(study, since=before) == [second]
        done = replace(first, taken_at=3.0, epoch=7)
        store.settle_command(study, done, Event("steered", 3.0, 0, 7))
        assert store.commands(study, since=before) == [done, second]
        assert store.commands(study, since=before, waiting=True) == [second]
        assert store.commands(study, since=store.changes(study, before).revision) == []

    @pytest.mark.parametrize("state", [COMPLETE, STOPPED, FAILED])
    def test_an_ended_trial_takes_no_command(self, store: Store, study: int, state: TrialState) -> None:
        begin(store, study, 0)
        store.end_step(study, 0, state, 1, at=1.0)
        with pytest.raises(TrialEnded, match=str(state)):
            store.add_command(study, Command(0, Pause(), 2.0))
        assert store.commands(study) == []
        assert store.add_command(study, Command(0, Branch(), 2.0)) == store.commands(study)[0]
        assert store.add_command(study, Command(0, Note("why"), 2.0)) == store.commands(study)[1]

    def test_a_trial_that_does_not_run_can_be_held_let_go_and_stopped(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        with pytest.raises(TrialEnded, match="running"):
            store.steer_trial(study, 0, HELD)
        store.end_step(study, 0, HELD, 2)
        with pytest.raises(TrialEnded, match="held"):
            begin(store, study, 0)
        for state in (PAUSED, HELD, PAUSED):
            before = store.changes(study, 0).revision
            store.steer_trial(study, 0, state)
            (trial,) = store.changes(study, before).trials
            assert (trial.state, trial.epochs, trial.until) == (state, 2, 3)
        store.steer_trial(study, 0, STOPPED, reason="by hand", at=5.0)
        (trial,) = store.changes(study, 0).trials
        assert (trial.state, trial.reason, trial.ended_at) == (STOPPED, "by hand", 5.0)
        with pytest.raises(TrialEnded, match="stopped"):
            store.steer_trial(study, 0, PAUSED)

    def test_only_a_trial_that_failed_can_be_reopened(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        with pytest.raises(TrialEnded, match="running"):
            store.reopen_trial(study, 0, 1)
        store.end_step(study, 0, FAILED, 2, reason="OSError: no", at=5.0)
        before = store.changes(study, 0).revision
        store.reopen_trial(study, 0, 1)
        (trial,) = store.changes(study, before).trials
        assert (trial.state, trial.epochs, trial.reason, trial.ended_at) == (PAUSED, 1, None, None)
        with pytest.raises(TrialEnded, match="paused"):
            store.reopen_trial(study, 0, 1)
        with pytest.raises(TrialNotFound):
            store.reopen_trial(study, 1, 1)
        begin(store, study, 0)
        store.report(study, 0, 2, {"val_loss": 0.5}, 0.5, at=6.0)

    def test_a_branch_is_the_next_trial_and_needs_no_step(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        branch = replace(a_trial(1), state=PAUSED, epochs=2, parent=0, parent_epoch=2)
        store.add_branch(study, branch)
        assert store.changes(study, 0).trials[1] == branch
        assert store.changes(study, 0).n_steps == 1
        with pytest.raises(TrialEnded):
            store.add_branch(study, branch)
        with pytest.raises(TrialNotFound):
            store.add_branch(study, replace(branch, number=3))
        begin(store, study, 1)
        assert store.changes(study, 0).trials[1].state is RUNNING

    def test_a_branch_its_checkpoint_and_what_came_of_its_command_are_there_at_once(
        self, store: Store, study: int
    ) -> None:
        begin(store, study, 0)
        command = store.add_command(study, Command(0, Branch(2), 1.0))
        done = replace(command, taken_at=2.0, epoch=3, branch=1)
        branch = replace(a_trial(1), state=PAUSED, epochs=2, parent=0, parent_epoch=2)
        saved = Checkpoint(1, 2, "copy.ckpt", 10, 2.0)
        before = store.changes(study, 0).revision
        with pytest.raises(TrialEnded):
            store.add_branch(study, replace(branch, number=0), replace(saved, trial=0), done=done)
        assert (store.checkpoints(study), store.commands(study)) == ([], [command])
        assert store.add_branch(study, branch, saved, done=done)
        changes = store.changes(study, before)
        assert (changes.revision, list(changes.trials), changes.n_waiting) == (before + 1, [branch], 0)
        assert (store.checkpoints(study), store.commands(study)) == ([saved], [done])

    def test_a_command_is_branched_for_once(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        command = store.add_command(study, Command(0, Branch(), 1.0))
        done = replace(command, taken_at=2.0, epoch=3, branch=1)
        branch = replace(a_trial(1), state=PAUSED, epochs=2, parent=0, parent_epoch=2)
        assert store.add_branch(study, branch, done=done)
        again = replace(done, taken_at=3.0, branch=2)
        assert not store.add_branch(
            study, replace(branch, number=2), Checkpoint(2, 2, "copy.ckpt", 10, 2.0), done=again
        )
        assert len(list(store.changes(study, 0).trials)) == 2
        assert (store.checkpoints(study), store.commands(study)) == ([], [done])

    def test_a_rewound_trial_is_stopped_and_its_successor_there_at_once(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        command = store.add_command(study, Command(0, Rewind(2, {}), 1.0))
        done = replace(command, taken_at=2.0, epoch=3, branch=1)
        branch = replace(a_trial(1), state=PAUSED, epochs=2, parent=0, parent_epoch=2)
        with pytest.raises(TrialEnded, match="trial 0 is running"):
            store.add_branch(study, branch, done=done, stopped="rewound")
        assert (store.commands(study), len(list(store.changes(study, 0).trials))) == ([command], 1)
        store.end_step(study, 0, PAUSED, 3)
        assert store.add_branch(study, branch, done=done, stopped="rewound")
        parent, child = store.changes(study, 0).trials
        assert (parent.state, parent.reason, parent.ended_at, parent.epochs) == (STOPPED, "rewound", 2.0, 3)
        assert (child, store.commands(study)) == (branch, [done])

    def test_a_command_is_obeyed_once_and_with_what_comes_of_it(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        command, event = store.add_command(study, Command(0, Pause(), 1.0)), Event("steered", 2.0, 0, 3)
        done = replace(command, taken_at=2.0, epoch=3)
        with pytest.raises(TrialEnded, match="running"):
            store.steer_trial(study, 0, HELD, done=done, event=event)
        assert (store.commands(study), store.events(study)) == ([command], [])
        store.end_step(study, 0, PAUSED, 3)
        before = store.changes(study, 0).revision
        assert store.steer_trial(study, 0, HELD, done=done, event=event)
        assert store.changes(study, 0).revision == before + 1
        assert (store.commands(study), store.events(study)) == ([done], [event])
        later = replace(done, taken_at=4.0)
        assert not store.steer_trial(study, 0, PAUSED, done=later, event=event)
        assert not store.settle_command(study, later, event)
        assert store.changes(study, 0).trials[0].state is HELD
        assert (store.commands(study), store.events(study)) == ([done], [event])
        sent = store.add_command(study, Command(0, Set("x", 0.25), 5.0))
        assert store.steer_trial(study, 0, None, done=replace(sent, taken_at=6.0, epoch=3))
        assert store.changes(study, 0).trials[0].state is HELD

    def test_every_action_is_read_as_it_was_written(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        actions: list[Action] = [
            Set("x", "adam"),
            Pause(),
            Resume(),
            Stop(),
            WriteCheckpoint(),
            Rewind(0, {"x": 0.25}),
            Rewind(3),
            Branch(params={"x": True}, epochs=4),
            Note("why"),
            Tag("good"),
            Untag("good"),
        ]
        for action in actions:
            store.add_command(study, Command(0, action, 1.0))
        assert [command.action for command in store.commands(study)] == actions

    def test_a_report_says_how_many_commands_wait(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        assert store.report(study, 0, 1, {"val_loss": 0.5}, 0.5, at=1.0) == 0
        first = store.add_command(study, Command(0, Pause(), 1.0))
        store.add_command(study, Command(0, Resume(), 1.0))
        assert store.report(study, 0, 2, {"val_loss": 0.5}, 0.5, at=2.0) == 2
        store.settle_command(study, replace(first, taken_at=2.0, epoch=1))
        assert store.report(study, 0, 3, {"val_loss": 0.5}, 0.5, at=3.0) == 1

    def test_what_came_of_a_command_and_its_event_are_there_at_once(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        sent, event = store.add_command(study, Command(0, Pause(), 1.0)), Event("steered", 2.0, 0, 1)
        before = store.changes(study, 0).revision
        store.settle_command(study, replace(sent, taken_at=2.0, epoch=1), event)
        assert store.events(study) == [event]
        assert store.changes(study, 0).revision == before + 1

    # --- many at once

    def test_threads_take_turns(self, store: Store, study: int) -> None:
        errors: list[BaseException] = []

        def work(worker: int) -> None:
            try:
                train(store, study, worker, trials=5)
            except BaseException as error:  # noqa: BLE001  whatever it is, the test wants to show it
                errors.append(error)

        threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
        reader = Reader(store, study)
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            reader.read()
        assert errors == []
        check_all_is_there(reader.read(), workers=4, trials=5)
        assert reader == Reader(store, study).read()

    def test_threads_hold_the_decision_lock_one_at_a_time(self, store: Store, study: int) -> None:
        inside: list[int] = []

        def hold_the_lock() -> None:
            for _ in range(20):
                with store.decision_lock(study):
                    inside.append(1)
                    most.append(len(inside))
                    inside.pop()

        most: list[int] = []
        threads = [threading.Thread(target=hold_the_lock) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert most == [1] * 80

    def test_it_can_be_closed_twice(self, store: Store) -> None:
        store.close()
        store.close()

    # --- trials that were trained elsewhere

    def test_reports_are_read_by_revision_with_all_their_metrics(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        since = store.changes(study, 0).revision
        store.report(study, 0, 1, {"val_loss": 0.5, "acc": math.inf}, 0.5, at=1.0)
        until = store.changes(study, 0).revision
        store.report(study, 0, 2, {"acc": 0.25}, None, at=2.0)
        last = store.changes(study, 0).revision
        first, second = Report(0, 1, {"val_loss": 0.5, "acc": math.inf}, 1.0), Report(0, 2, {"acc": 0.25}, 2.0)
        assert store.new_reports(study, 0, last) == [first, second]
        assert store.new_reports(study, since, until) == [first]
        assert store.new_reports(study, until, last) == [second]
        assert store.new_reports(study, last, last) == []

    def test_trials_of_elsewhere_come_with_their_reports(self, store: Store, study: int) -> None:
        known = Reader(store, study).read()
        trial = replace(ELSEWHERE, number=0, state=HELD)
        branch = replace(trial, number=1, state=COMPLETE, parent=0, parent_epoch=1, epochs=2, until=2, ended_at=9.0)
        reports = [Report(0, 1, {"val_loss": math.nan, "acc": 0.5}, 1.0), Report(1, 2, {"val_loss": 0.5}, 2.0)]
        event = Event("imported", 3.0, trial=1, data={"from": "a table"})
        store.add_recorded(study, [trial, branch], [(reports[0], math.inf), (reports[1], 0.5)], [event])
        known.read()
        assert list(known.trials.values()) == [trial, branch]
        assert known.values == [[0, 1, math.inf], [1, 2, 0.5]]
        assert repr(store.reports(study)) == repr(reports)
        assert store.events(study) == [event]
        assert known.n_steps == 0

    def test_a_trial_of_elsewhere_grows(self, store: Store, study: int) -> None:
        trial = replace(ELSEWHERE, number=0)
        store.add_recorded(study, [trial], [(Report(0, 1, {"val_loss": 0.5}, 1.0), 0.5)])
        known = Reader(store, study).read()
        ended = {"state": COMPLETE, "epochs": 2, "until": 2, "ended_at": 9.0, "note": {"source": "run 7", "n": 1}}
        grown = replace(trial, **cast("Any", ended))
        other = {"params": Params({"x": 9.0}), "seed": 8, "started_at": 6.0}
        store.add_recorded(
            study, [replace(grown, **cast("Any", other))], [(Report(0, 2, {"val_loss": 0.25}, 2.0), 0.25)]
        )
        known.read()
        assert known.trials == {0: grown}  # what it was begun with stays
        assert known.values == [[0, 1, 0.5], [0, 2, 0.25]]

    def test_a_trial_that_was_trained_here_is_not_written_over(self, store: Store, study: int) -> None:
        session = begin_session(store, study)
        assert store.begin_step(study, 0, replace(a_trial(0), session=session))
        with pytest.raises(TrialEnded):
            store.add_recorded(study, [replace(ELSEWHERE, number=0)])
        with pytest.raises(TrialNotFound):
            store.add_recorded(study, [replace(ELSEWHERE, number=1), replace(ELSEWHERE, number=3)])
        assert list(Reader(store, study).read().trials) == [0]  # of the second call there is nothing


class SharedStoreContract(StoreContract):
    """The promises of a store that several processes hold at once, besides."""

    @pytest.fixture
    def reopen(self) -> Callable[[], Store]:
        """Return a function that opens the store of the fixture `store` again, in this process or another."""
        raise NotImplementedError("give the contract a fixture `reopen`")

    def test_all_is_there_when_it_is_opened_again(self, store: Store, study: int, reopen: Callable[[], Store]) -> None:
        for change in a_life(store, study):
            change()
        before = everything(store, study)
        store.close()
        again = reopen()
        assert everything(again, study) == before
        assert again.begin_step(study, before[1].n_steps, a_trial(len(before[1].trials)))
        again.close()

    def test_each_sees_at_once_what_another_wrote(self, store: Store, study: int, reopen: Callable[[], Store]) -> None:
        other = reopen()
        reader = Reader(other, study)
        for change in a_life(store, study):
            change()
            assert reader.read() == Reader(store, study).read()
        other.close()

    def test_of_two_that_begin_the_same_step_one_does(
        self, store: Store, study: int, reopen: Callable[[], Store]
    ) -> None:
        other = reopen()
        seen = store.changes(study, 0), other.changes(study, 0)
        begun = [s.begin_step(study, n.n_steps, a_trial(0)) for s, n in zip((store, other), seen, strict=True)]
        assert begun == [True, False]
        other.close()

    def test_processes_lose_nothing_while_another_reads(
        self, store: Store, study: int, reopen: Callable[[], Store]
    ) -> None:
        spawn = multiprocessing.get_context("spawn")
        start = spawn.Barrier(WRITERS)
        processes = [spawn.Process(target=_train_in_a_process, args=(reopen, study, n, start)) for n in range(WRITERS)]
        for process in processes:
            process.start()
        reader = Reader(store, study)
        while any(process.is_alive() for process in processes):
            reader.read()
            time.sleep(0.002)
        assert [process.exitcode for process in processes] == [0] * WRITERS
        check_all_is_there(reader.read(), workers=WRITERS, trials=TRIALS)
        assert reader == Reader(store, study).read()

    def test_a_decision_lock_is_waited_for_and_ends_with_its_holder(
        self, store: Store, study: int, reopen: Callable[[], Store]
    ) -> None:
        spawn = multiprocessing.get_context("spawn")
        held, taken = spawn.Event(), spawn.Queue()
        process = spawn.Process(target=_hold_the_lock, args=(reopen, study, held))
        process.start()
        assert held.wait(60)
        waiting = threading.Thread(target=_wait_for_the_lock, args=(store, study, taken), daemon=True)
        waiting.start()
        time.sleep(0.3)
        assert taken.empty()  # it has to wait
        process.kill()
        assert taken.get(timeout=5) == "mine"
        waiting.join()
        process.join()

    def test_of_processes_that_begin_a_session_at_once_one_does(
        self, store: Store, study: int, reopen: Callable[[], Store]
    ) -> None:
        spawn = multiprocessing.get_context("spawn")
        start, begun = spawn.Barrier(4), spawn.Queue()
        processes = [spawn.Process(target=_begin_a_session, args=(reopen, study, start, begun)) for _ in range(4)]
        for process in processes:
            process.start()
        sessions = [begun.get(timeout=60) for _ in processes]
        for process in processes:
            process.join()
        (session,) = store.sessions(study)
        assert [number for number in sessions if number is not None] == [session.id]

    def test_what_a_killed_process_committed_is_kept(
        self, store: Store, study: int, reopen: Callable[[], Store], tmp_path: Path
    ) -> None:
        journal = tmp_path / "journal"
        begin(store, study, 0)
        process = multiprocessing.get_context("spawn").Process(target=_report_for_ever, args=(reopen, study, journal))
        process.start()
        while process.is_alive() and (not journal.exists() or journal.stat().st_size < 500):
            time.sleep(0.001)
        process.kill()
        process.join()
        committed = journal.read_text().split()
        kept = [str(report.epoch) for report in store.reports(study)]
        assert len(committed) > 50
        assert kept in (committed, [*committed, str(len(committed) + 1)])  # the last one may not be in the journal yet
        store.report(study, 0, len(kept) + 1, {"val_loss": 0.5}, 0.5, at=1.0)
        assert len(values_of(store, study)) == len(kept) + 1


def _hold_the_lock(reopen: Callable[[], Store], study: int, held: Signal) -> None:
    store = reopen()
    with store.decision_lock(study):
        held.set()
        time.sleep(600)


def _wait_for_the_lock(store: Store, study: int, taken: Queue[str]) -> None:
    with store.decision_lock(study):
        taken.put("mine")


def _begin_a_session(reopen: Callable[[], Store], study: int, start: Barrier, begun: Queue[int | None]) -> None:
    store = reopen()
    start.wait()
    begun.put(store.begin_session(study, SESSION, newest=0))
    store.close()


def _train_in_a_process(reopen: Callable[[], Store], study: int, worker: int, start: Barrier) -> None:
    start.wait()
    store = reopen()
    train(store, study, worker, trials=TRIALS)
    store.close()


def _report_for_ever(reopen: Callable[[], Store], study: int, journal: Path) -> None:
    store = reopen()
    epoch = 0
    with journal.open("a", buffering=1) as committed:  # by line: what is written is out of this process
        while True:
            epoch += 1
            store.report(study, 0, epoch, {"val_loss": 1.0 / epoch}, 1.0 / epoch, time.time())
            committed.write(f"{epoch}\n")
