"""Steering: what is asked of a trial while it trains, by another `Study` on the same store, as from another process."""

import os
import re
import signal
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

import tunewell as tw
from tunewell.commands import KINDS, Branch, Note, Pause, Resume, Rewind, Set, Stop
from tunewell.commands import Checkpoint as WriteCheckpoint
from tunewell.errors import SettingError, TrialEnded, TrialNotFound
from tunewell.runners import Execution
from tunewell.runners.driver import Driver
from tunewell.runners.tune import drive
from tunewell.study.branches import copied_checkpoint
from tunewell.trial import TrialState

SPACE = tw.Space(
    learning_rate=tw.Float(1e-3, 1.0, scale="log", default=0.1, live=True),
    hidden=tw.Int(1, 64, default=8),
)


class Training:
    """Descends a bowl with noise, and lets a script of commands loose on itself: epoch -> what is sent at its end."""

    def __init__(self, path, script=None, *, epochs=8, tracks=True):
        self.path, self.script, self.epochs, self.tracks = path, script or {}, epochs, tracks
        self.seen = []

    def __call__(self, run):
        state = {"weights": run.rng.normal(size=3), "steps": 0}
        if self.tracks:
            run.track(state=state)
        for epoch in run.epochs(self.epochs):
            state["weights"] *= 1 - run.params.learning_rate
            state["weights"] += 0.01 * run.rng.normal(size=3)
            state["steps"] += 1
            self.seen.append((run.trial, epoch, run.params.learning_rate))
            for sent in self.script.pop((run.trial, epoch), ()):
                action, why = sent if isinstance(sent, tuple) else (sent, "")
                with_open(self.path, lambda study, action=action, why=why: study.steer(run.trial, action, why=why))
            run.report(val_loss=float(np.abs(state["weights"]).sum()))


def with_open(path, do):
    return do(tw.Study.open(path, "s"))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "tunewell.db"


def tuned(path, script=None, *, n=1, workers=1, threads=False, **settings):
    training = Training(path, script, **settings)
    study = tw.Study(
        SPACE,
        metric="val_loss",
        max_epochs=training.epochs,
        budget=f"{n}trials",
        scheduler="full",
        first=[SPACE.defaults()] * n,
        store=path,
        name="s",
    )
    drive(study, training, Execution(workers=workers, threads=threads, checkpoint_every=1))
    return tw.Study.open(path, "s"), training


def curve(study, trial):
    return {report.epoch: report.metrics["val_loss"] for report in study.reports(trial)}


def test_a_live_value_is_set_from_the_next_epoch_on_and_is_on_record(path):
    study, training = tuned(path, {(0, 3): [(Set("learning_rate", 0.5), "too slow")]})
    assert [rate for _, _, rate in training.seen] == [0.1] * 3 + [0.5] * 5
    (command,) = study.commands(0)
    assert (command.epoch, command.refused, command.action, command.before) == (
        3, None, Set("learning_rate", 0.5), 0.1,
    )  # fmt: skip
    (event,) = study.events(0)
    assert (event.kind, event.by, event.epoch) == ("steered", "user", 3)
    assert (event.data["command"], event.data["why"]) == ("set", "too slow")


def test_commands_are_taken_up_in_the_order_in_which_they_came(path):
    script = {
        (0, 2): [
            Set("learning_rate", 0.2),
            Set("learning_rate", 0.4),
            Note("looks fine"),
        ]
    }
    study, training = tuned(path, script)
    assert training.seen[2][2] == 0.4
    assert [command.before for command in study.commands(0)] == [0.1, 0.2, None]
    assert [command.epoch for command in study.commands(0)] == [2, 2, 1]  # a note stands where the trial was


def test_a_stopped_trial_ends_with_the_reason_and_the_study_goes_on(path):
    study, _ = tuned(path, {(0, 3): [(Stop(), "hopeless"), Pause()]}, n=2)
    first, second = study.trials
    assert (first.state, first.reason, first.epochs) == ("stopped", "hopeless", 3)
    assert second.state == "complete"
    assert study.commands(0)[1].refused == "the trial was stopped by the command before"


def test_a_held_trial_waits_for_its_owner_while_others_train(path):
    script = {(0, 2): [Pause()], (1, 5): []}
    training = Training(path, script)
    resumed = []

    def train(run):
        if run.trial == 1:
            assert tw.Study.open(path, "s").trials[0].state == "held"
            with_open(path, lambda study: study.steer(0, Resume()))
            resumed.append(True)
        training(run)

    study = tw.Study(SPACE, metric="val_loss", max_epochs=8, budget="2trials", scheduler="full", store=path, name="s")
    drive(study, train)
    assert resumed
    assert [trial.state for trial in study.trials] == ["complete", "complete"]
    assert [(trial, epoch) for trial, epoch, _ in training.seen][:3] == [(0, 1), (0, 2), (1, 1)]


def test_a_branch_goes_on_from_where_its_parent_was(path):
    script = {(0, 4): [Branch(params={"learning_rate": 0.9})]}
    study, training = tuned(path, script)
    parent, child = study.trials
    assert (child.parent, child.parent_epoch, child.seed) == (0, 4, parent.seed)
    assert child.params == {**parent.params, "learning_rate": 0.9}
    assert (parent.state, child.state) == ("complete", "complete")
    assert sorted(curve(study, 1)) == [5, 6, 7, 8]
    assert [rate for trial, _, rate in training.seen if trial == 1] == [0.9] * 4
    assert study.history.curves[1, :4].tolist() == study.history.curves[0, :4].tolist()
    assert study.commands(0)[0].branch == 1


def test_a_branch_with_nothing_changed_has_its_parents_curve_to_the_last_bit(path):
    study, _ = tuned(path, {(0, 3): [Branch()]})
    later = {epoch: value for epoch, value in curve(study, 0).items() if epoch > 3}
    assert curve(study, 1) == later


def test_branches_made_at_once_have_copies_of_their_own_which_are_gone_if_the_branch_is_not_made(path, monkeypatch):
    study, _ = tuned(path)
    folder = study.checkpoint_folder
    saved = next(one for one in study.checkpoints(0) if one.epoch == 3)
    one, other = (copied_checkpoint(folder, saved, 3) for _ in range(2))
    assert one != other
    assert one.read_bytes() == other.read_bytes() == (folder / "trial-0-epoch-3.npz").read_bytes()
    study.steer(0, Branch(3))
    there = sorted(folder.iterdir())

    def another_was_quicker(study_id, trial, checkpoint, *, done, event, stopped):
        study.store.settle_command(study_id, replace(done, branch=None, refused="elsewhere"))
        return False

    monkeypatch.setattr(study.store, "add_branch", another_was_quicker)
    drive(study, Training(path))
    assert sorted(folder.iterdir()) == there


def test_a_rewound_trial_ends_and_goes_on_as_another_from_that_epoch(path):
    script = {
        (0, 3): [Set("learning_rate", 1.0)],
        (0, 6): [(Rewind(2), "it diverged")],
    }
    study, training = tuned(path, script)
    parent, child = study.trials
    assert (parent.state, parent.reason, parent.epochs) == ("stopped", "rewound to epoch 2", 6)
    assert (child.parent, child.parent_epoch, child.state) == (0, 2, "complete")
    assert [rate for trial, _, rate in training.seen if trial == 1] == [0.1] * 6  # as it was then
    assert curve(study, 1)[3] == curve(study, 0)[3]


def test_a_branch_whose_model_has_another_shape_says_that_it_can_begin_anew(path):
    def train(run):
        run.track(weights=np.zeros(run.params.hidden))
        for epoch in run.epochs(6):
            if (run.trial, epoch) == (0, 3):
                with_open(path, lambda study: study.steer(0, Branch(params={"hidden": 16})))
                with_open(path, lambda study: study.steer(0, Branch(0, {"hidden": 16})))
            run.report(val_loss=1.0)

    study = tw.Study(
        SPACE, metric="val_loss", budget="1trials", scheduler="full", first=[SPACE.defaults()], store=path, name="s"
    )  # fmt: skip
    drive(study, train, Execution(checkpoint_every=1))
    of_shape = {int(trial.parent_epoch or 0): trial for trial in study.trials if trial.parent is not None}
    assert of_shape[3].state == "failed"
    assert "only from the beginning (epoch 0): weights has shape (16,)" in of_shape[3].reason
    assert of_shape[0].state == "complete"


def test_a_rewind_goes_back_beyond_the_epoch_that_the_trial_branched_at(path):
    script = {(0, 6): [Rewind(4)], (1, 6): [Rewind(2)]}
    study, _ = tuned(path, script)
    assert [(trial.parent, trial.parent_epoch) for trial in study.trials] == [(None, None), (0, 4), (0, 2)]
    assert study.trials[1].reason == "rewound to epoch 2"
    assert study.trials[2].state == "complete"
    # nothing was changed, so the epochs that were trained again are the same
    assert [curve(study, 2)[epoch] for epoch in (3, 4, 5, 6)] == [curve(study, 0)[epoch] for epoch in (3, 4, 5, 6)]


def test_checkpoints_beyond_the_limit_go_but_not_the_best_or_what_was_asked_for_or_branched_from(path, monkeypatch):
    monkeypatch.setattr("tunewell.runners.driver.KEPT_BYTES", 20_000)

    def train(run):
        run.track(weights=np.zeros(500))  # about 5 kB
        for epoch in run.epochs(16):
            if (run.trial, epoch) == (0, 3):
                with_open(path, lambda study: study.steer(0, WriteCheckpoint()))
            if (run.trial, epoch) == (0, 6):
                with_open(path, lambda study: study.steer(0, Branch(5, epochs=1)))
            run.report(val_loss=abs(epoch - 7))

    study = tw.Study(
        SPACE, metric="val_loss", budget="1trials", scheduler="full", first=[SPACE.defaults()], store=path, name="s"
    )  # fmt: skip
    drive(study, train, Execution(checkpoint_every=1))
    kept = [one for one in study.store.checkpoints(study.record.id) if one.trial == 0]
    assert {3, 5, 7, 16} <= {one.epoch for one in kept}
    assert len(kept) < 7
    assert sorted(path.name for path in study.checkpoint_folder.glob("trial-0-*")) == sorted(one.path for one in kept)
    with pytest.raises(SettingError, match="there is no checkpoint of epoch 1; the nearest is that of epoch 3"):
        study.steer(0, Branch(1))


def test_a_held_trial_of_which_nothing_is_tracked_is_neither_saved_nor_branched(path):
    training = Training(path, {(0, 2): [Pause()]}, tracks=False)
    study = tw.Study(
        SPACE, metric="val_loss", max_epochs=8, budget="1trials", scheduler="full", first=[SPACE.defaults()],
        store=path, name="s",
    )  # fmt: skip
    runner = threading.Thread(target=drive, args=(study, training, Execution(checkpoint_every=1)), daemon=True)
    runner.start()
    reader = tw.Study.open(path, "s")
    deadline = time.monotonic() + 30
    while not (reader.trials and reader.trials[0].state == "held"):
        assert time.monotonic() < deadline, "it is not held"
        time.sleep(0.02)
    for action in (WriteCheckpoint(), Branch(), Resume()):
        reader.steer(0, action)
    runner.join(timeout=30)
    _, saved, branch, resumed = reader.commands(0)
    assert saved.refused.startswith("nothing is tracked: call run.track(...)")
    assert branch.refused.startswith("nothing is tracked: call run.track(...)")
    assert resumed.refused is None


def test_a_branch_from_the_beginning_needs_no_checkpoint_when_the_study_is_resumed(path):
    training = Training(path, {(0, 3): [Rewind(0)]}, tracks=False)

    def interrupted(run):
        report = run.report

        def until_the_fourth(**metrics):
            report(**metrics)
            if (run.trial, len(run.reports)) == (1, 3):
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.2)  # the main thread hears of it

        run.report = until_the_fourth
        training(run)

    study = tw.Study(
        SPACE, metric="val_loss", max_epochs=8, budget="1trials", scheduler="full", first=[SPACE.defaults()],
        store=path, name="s",
    )  # fmt: skip
    drive(study, interrupted, Execution(checkpoint_every=1))
    assert study.trials[1].state == "running"
    study.close()
    study = tw.Study.open(path, "s")
    drive(study, Training(path, tracks=False), Execution(checkpoint_every=1))
    assert [trial.state for trial in study.trials] == ["stopped", "complete"]


def test_a_trial_of_which_nothing_is_tracked_can_be_set_and_stopped_but_not_branched(path):
    script = {(0, 2): [Branch(), Set("learning_rate", 0.3)], (0, 5): [Stop()]}
    study, training = tuned(path, script, tracks=False)
    refused, was_set, _ = study.commands(0)
    assert refused.refused.startswith("nothing is tracked: call run.track(...)")
    assert refused.epoch == 2
    assert was_set.refused is None
    assert training.seen[2][2] == 0.3
    assert len(study.trials) == 1


def test_what_was_set_holds_when_the_trial_is_trained_again(path):
    script = {(0, 3): [Set("learning_rate", 0.5)]}
    whole, _ = tuned(path, dict(script), tracks=False)
    cut_off_path = path.with_name("other.db")
    training = Training(cut_off_path, dict(script), tracks=False)

    def cut_off_at_the_fifth(run):
        before = run.report

        def report(**metrics):
            before(**metrics)
            if len(run.reports) == 5:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.2)  # the main thread hears of it

        run.report = report
        training(run)

    study = tw.Study(
        SPACE,
        metric="val_loss",
        max_epochs=8,
        budget="1trials",
        scheduler="full",
        first=[SPACE.defaults()],
        store=cut_off_path,
        name="s",
    )
    assert not drive(study, cut_off_at_the_fifth)
    resumed = tw.Study.open(cut_off_path, "s")
    assert drive(resumed, training)
    assert "retrained" in [event.kind for event in resumed.events(0)]
    assert curve(resumed, 0) == curve(whole, 0)


@pytest.mark.parametrize(("workers", "threads"), [(2, True)])
def test_trials_that_train_side_by_side_are_steered_each_by_itself(path, workers, threads):
    script = {(1, 3): [Set("learning_rate", 0.9)], (0, 4): [Stop()]}
    study, training = tuned(path, script, n=2, workers=workers, threads=threads)
    assert [trial.state for trial in study.trials] == ["stopped", "complete"]
    assert {rate for trial, _, rate in training.seen if trial == 0} == {0.1}
    assert [rate for trial, epoch, rate in training.seen if trial == 1 and epoch > 3] == [0.9] * 5


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (Set("rate", 1.0), "there is no parameter 'rate'"),
        (Set("hidden", 16), "hidden is not live.*branch with hidden=16"),
        (Set("learning_rate", 7.0), "learning_rate: .*7.0"),
        (Rewind(99), "has come to epoch 2, not to 99"),
        (Rewind(1), "no checkpoint of epoch 1; the nearest is that of epoch 2"),
        (Rewind(None), "rewind needs an epoch"),
        (Branch(params={"depth": 2}), "there is no parameter 'depth'"),
        (Note(" "), "note needs a text"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(path, action, message):
    study = tw.Study(SPACE, metric="val_loss", max_epochs=8, budget="1trials", scheduler="full", store=path, name="s")
    step = study.ask()
    for epoch in (1, 2):
        study.report(step.trial, epoch, val_loss=1.0)
    study.add_checkpoint(0, 2, "trial-0-epoch-2.npz", 10)
    with pytest.raises(SettingError, match=message):
        study.steer(0, action, by="ann", why="in haste")
    assert study.commands() == []
    (event,) = (event for event in study.events(0) if event.kind == "steered")
    assert (event.by, event.epoch, event.data["command"], event.data["why"]) == (
        "ann",
        2,
        KINDS[type(action)],
        "in haste",
    )
    assert re.search(message, event.data["refused"])


@pytest.mark.parametrize("action", [Stop(), Rewind(0)])
def test_a_trial_that_another_process_has_begun_a_step_of_is_left_to_that_one(path, action):
    study = tw.Study(
        SPACE, metric="val_loss", max_epochs=8, budget="2trials", scheduler="full", first=[SPACE.defaults()] * 2,
        store=path, name="s",
    )  # fmt: skip
    step = study.ask()
    study.report(step.trial, 1, val_loss=1.0)
    study.tell(step.trial, ended=False, held=True)
    study.steer(0, action, why="enough")

    study.reader.log.refresh()
    known, record = study.trials[0], study.record.id
    study.store.steer_trial(record, 0, TrialState.PAUSED)
    assert study.store.begin_step(record, 1, known)
    study.steering.poll_at_rest()
    (waiting,) = study.store.commands(record, waiting=True)
    assert (waiting.action, len(study.trials)) == (action, 1)


@pytest.mark.parametrize("action", ["explode", "pause", Set, None])
def test_what_is_no_command_is_refused(path, action):
    study = tw.Study(SPACE, metric="val_loss", max_epochs=8, budget="1trials", scheduler="full", store=path, name="s")
    study.ask()
    with pytest.raises(SettingError, match=r"a command is one of tunewell.commands, such as Set\("):
        study.steer(0, action)
    assert study.commands() == []


def test_a_trial_that_is_not_there_or_has_ended_takes_no_command(path):
    study, _ = tuned(path)
    with pytest.raises(TrialNotFound):
        study.steer(7, Pause())
    with pytest.raises(
        TrialEnded, match="trial 0 has ended, it is complete, so pause comes too late; a branch goes on"
    ):
        study.steer(0, Pause())
    assert study.events(0)[-1].data["refused"].startswith("trial 0 has ended")


def test_a_twin_goes_on_without_the_change_and_says_what_it_does(path):
    training = Training(path, epochs=20)

    def train(run):
        before = run.report

        def report(**metrics):
            if (run.trial, len(run.reports)) == (0, 4):
                with_open(path, lambda study: study.set_with_twin(0, "learning_rate", 0.5, epochs=6, why="bolder"))
            before(**metrics)

        run.report = report
        training(run)

    study = tw.Study(
        SPACE, metric="val_loss", max_epochs=20, budget="1trials", scheduler="full", first=[SPACE.defaults()],
        store=path, name="s",
    )  # fmt: skip
    drive(study, train)
    changed, twin = study.trials
    assert (changed.state, twin.state, twin.reason) == ("complete", "stopped", "a twin, whose epochs are over")
    assert (twin.parent, twin.parent_epoch, twin.epochs) == (0, 5, 11)
    assert [rate for trial, epoch, rate in training.seen if trial == 0 and epoch > 5] == [0.5] * 15
    assert [rate for trial, _, rate in training.seen if trial == 1] == [0.1] * 6
    found = study.twins()[1]
    assert found.epochs == 6
    gains = [curve(study, 1)[epoch] - curve(study, 0)[epoch] for epoch in range(6, 12)]
    assert found.mean == pytest.approx(np.mean(gains))
    assert found.last == pytest.approx(gains[-1])
    assert found.margin > 0


def test_a_twin_of_a_value_that_cannot_be_set_is_refused(path):
    study = tw.Study(SPACE, metric="val_loss", max_epochs=8, budget="1trials", scheduler="full", store=path, name="s")
    study.ask()
    with pytest.raises(SettingError, match="hidden is not live"):
        study.set_with_twin(0, "hidden", 4, epochs=3)
    with pytest.raises(SettingError, match="a twin needs a number of epochs"):
        study.set_with_twin(0, "learning_rate", 0.5, epochs=0)
    assert study.commands() == []


def test_a_note_is_taken_of_a_trial_that_has_ended(path):
    study, _ = tuned(path)
    study.steer(0, Note("the best so far"))
    drive(tw.Study.open(path, "s"), Training(path))
    (note,) = study.commands(0)
    assert (note.epoch, note.refused) == (8, None)


def resting(path, epochs=2):
    """Return a study of which trial 0 rests, paused by the scheduler after some epochs, and nothing else trains."""
    study = tw.Study(SPACE, metric="val_loss", max_epochs=8, budget="9trials", scheduler="asha", store=path, name="s")
    step = study.ask()
    for epoch in step.epochs:
        study.report(step.trial, epoch, val_loss=1.0)
    study.tell(step.trial)
    assert study.trials[0].state is TrialState.PAUSED
    return study


def test_commands_to_a_trial_at_rest_are_obeyed_in_order(path):
    study = resting(path)
    for action in (Pause(), Resume(), Set("learning_rate", 0.5), Stop(), Set("learning_rate", 0.7)):
        study.steer(0, action)
    study.reader.log.refresh()
    study.steering.poll_at_rest()
    assert [command.refused for command in study.commands(0)] == [None] * 4 + ["the trial is stopped"]
    assert (study.trials[0].state, study.values(0)["learning_rate"]) == ("stopped", 0.5)
    study.close()


def test_a_process_that_asks_for_nothing_keeps_no_command_waiting(path):
    first = resting(path)  # a notebook that was left open
    second = tw.Study.open(path, "s")
    second.begin_session(join=True)
    second.steer(0, Stop())
    second.ask()
    assert second.trials[0].state == "stopped"
    first.ask()
    (command,) = first.commands(0)
    assert command.is_done
    assert [event.kind for event in first.events(0)].count("steered") == 1
    for study in (first, second):
        study.close()


def test_a_rewind_that_cannot_be_made_stops_nothing(path):
    study = tw.Study(SPACE, metric="val_loss", max_epochs=4, budget="1trials", scheduler="full", store=path, name="s")

    def train(run):
        run.track(state={"steps": 0})
        for epoch in run.epochs(4):
            if epoch == 3:
                with_open(path, lambda other: other.steer(0, Rewind(2)))
                for file in study.checkpoint_folder.glob("*-2.npz"):
                    file.unlink()
            run.report(val_loss=1 / epoch)

    drive(study, train, Execution(checkpoint_every=1))
    (command,) = study.commands(0)
    assert "cannot be copied" in command.refused
    assert [trial.state for trial in study.trials] == ["complete"]


@pytest.mark.parametrize(
    ("action", "state", "reason"),
    [(Stop(), "stopped", "enough"), (Pause(), "held", None), (Rewind(2), "stopped", "rewound to epoch 2")],
    ids=["stop", "pause", "rewind"],
)
def test_a_command_that_was_taken_up_is_obeyed_after_a_kill_before_the_trial_did(path, action, state, reason):
    study = tw.Study(SPACE, metric="val_loss", max_epochs=8, budget="1trials", scheduler="full", store=path, name="s")
    step = study.ask()
    for epoch in (1, 2, 3):
        study.report(step.trial, epoch, val_loss=1 / epoch)
        if epoch == 2:
            study.checkpoint_folder.mkdir(parents=True, exist_ok=True)
            (study.checkpoint_folder / "two.npz").write_bytes(b"state")
            study.add_checkpoint(step.trial, 2, "two.npz", 5)
    study.steer(step.trial, action, why="enough")
    directive = study.steering.poll(step.trial, 3)
    assert directive.move.value in ("stop", "pause")
    study.close()  # as a kill leaves it: the trial has not obeyed yet
    resumed = with_open(path, lambda study: study)
    following = resumed.ask()
    trial = resumed.trials[0]
    assert (trial.state, trial.reason, trial.epochs) == (state, reason, 3)
    if isinstance(action, Rewind):
        assert (following.trial, following.epochs) == (1, range(3, 9))  # its successor goes on alone
    resumed.close()


def test_a_pause_that_was_taken_back_is_not_owed(path):
    study = tw.Study(SPACE, metric="val_loss", max_epochs=8, budget="1trials", scheduler="full", store=path, name="s")
    step = study.ask()
    study.report(step.trial, 1, val_loss=1.0)
    study.steer(step.trial, Pause())
    study.steer(step.trial, Resume())
    study.steering.poll(step.trial, 1)
    study.close()
    resumed = with_open(path, lambda study: study)
    assert resumed.ask().epochs == range(2, 9)
    resumed.close()


def test_a_worker_that_dies_before_it_obeys_is_not_replaced(path):
    def train(run):
        for epoch in run.epochs(8):
            run.report(val_loss=1 / epoch)
            if run.trial == 0 and epoch == 3 and not (path.parent / "died").exists():
                (path.parent / "died").touch()
                with_open(path, lambda study: study.steer(0, Stop(), why="enough"))
                study.steering.poll(0, 3)  # taken up, and then
                raise OSError("the worker is gone")

    study = tw.Study(SPACE, metric="val_loss", budget="1trials", scheduler="full", store=path, name="s")
    drive(study, train, Execution(retries=2))
    assert (study.trials[0].state, study.trials[0].reason) == ("stopped", "enough")


class Counting:
    """A store that notes which of its methods are called."""

    def __init__(self, store):
        self.store, self.calls = store, []

    def __getattr__(self, name):
        found = getattr(self.store, name)
        if callable(found):
            self.calls.append(name)
        return found


def test_a_report_is_one_transaction_where_nobody_steers_and_a_set_costs_three_more(path):
    store = Counting(tw.open_store(path))
    study = tw.Study(SPACE, metric="val_loss", max_epochs=8, budget="1trials", scheduler="full", store=store, name="s")
    driver = Driver(study, Execution())
    step = driver.next_step()
    store.calls.clear()
    assert not driver.report(step.trial, 1, {"val_loss": 1.0}).live
    assert store.calls == ["report"]
    with_open(path, lambda other: other.steer(0, Set("learning_rate", 0.5)))
    store.calls.clear()
    assert driver.report(step.trial, 2, {"val_loss": 0.9}).live == {"learning_rate": 0.5}
    assert store.calls[0] == "report"
    assert len(store.calls) <= 1 + 3
