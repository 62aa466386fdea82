"""Steps and trials: who may begin, take and end them."""

# ruff: noqa: D102  names of tests are sentences

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tunewell.commands import Command, Pause
from tunewell.errors import StepTaken, TrialEnded, TrialNotFound
from tunewell.stores import Store
from tunewell.testing.records import (
    COMPLETE,
    FAILED,
    PARAMS,
    PAUSED,
    RUNNING,
    STOPPED,
    a_trial,
    begin,
    begin_session,
    changes_of_a_running_trial,
    nothing_new,
)
from tunewell.trial import Checkpoint, Event, Trial, TrialState


class TrialLaws:
    """Promises of every store: steps and trials: who may begin, take and end them."""

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
