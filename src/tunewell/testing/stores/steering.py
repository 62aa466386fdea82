"""Events, checkpoints and commands."""

# ruff: noqa: D102  names of tests are sentences

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tunewell.commands import Action, Branch, Command, Note, Pause, Resume, Rewind, Set, Stop, Tag, Untag
from tunewell.commands import Checkpoint as WriteCheckpoint
from tunewell.errors import TrialEnded, TrialNotFound
from tunewell.stores import Store
from tunewell.testing.records import COMPLETE, FAILED, HELD, PAUSED, RUNNING, STOPPED, a_trial, begin
from tunewell.trial import Checkpoint, Event, TrialState


class SteeringLaws:
    """Promises of every store: events, checkpoints and commands."""

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
