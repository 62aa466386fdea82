"""A driver that is killed between a command and its effect: after a resume the effect is there, and there once."""

import os
import sys
from contextlib import suppress

import numpy as np
import pytest

import tunewell as tw
from tunewell.commands import Branch, Note, Pause, Resume, Rewind, Set, Stop
from tunewell.commands import Checkpoint as WriteCheckpoint
from tunewell.errors import TrialEnded
from tunewell.runners import Execution, run_inline
from tunewell.study import provenance

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks")

SPACE = tw.Space(learning_rate=tw.Float(1e-3, 1.0, scale="log", default=0.1, live=True))
EPOCHS, SENT_AT = 5, 3
KILLS = 7
"""Later the effect is there, and other tests kill drivers."""
WRITES = {
    "report", "begin_step", "end_step", "take_step", "settle_command", "steer_trial", "add_branch", "add_checkpoint",
    "drop_checkpoint", "add_event", "begin_session", "end_session", "add_retrained", "revise_step", "change_study",
}  # fmt: skip
ACTIONS = {
    "set": Set("learning_rate", 0.5),
    "pause": Pause(),
    "stop": Stop(),
    "checkpoint": WriteCheckpoint(),
    "rewind": Rewind(2, {"learning_rate": 0.7}),
    "rewind to the beginning": Rewind(0),
    "branch": Branch(None, {"learning_rate": 0.7}),
    "branch from before": Branch(2, {"learning_rate": 0.7}),
    "twin": Branch(2, epochs=1),
    "note": Note("see"),
}


class Killed:
    """A store whose process is killed after so many of its writes since the command was sent."""

    def __init__(self, store, folder, after):
        self.store, self.folder, self.left = store, folder, after

    def __getattr__(self, name):
        found = getattr(self.store, name)
        if name not in WRITES:
            return found

        def write(*args, **named):
            result = found(*args, **named)
            if (self.folder / "sent").exists():
                if self.left == 0:
                    os._exit(9)
                self.left -= 1
            return result

        return write


class Training:
    """Sends trial 0 a command, once: at an epoch of its own, or at one of trial 1 while it rests."""

    def __init__(self, folder, action, *, at_rest):
        self.folder, self.action, self.at_rest = folder, action, at_rest

    def __call__(self, run):
        state = {"weights": np.ones(3)}
        run.track(state=state)
        for epoch in run.epochs(EPOCHS):
            state["weights"] *= 1 - run.params.learning_rate
            if run.trial == int(self.at_rest) and epoch == (1 if self.at_rest else SENT_AT):
                self._send_once("sent", self.action)
            if run.trial == 1 and epoch == EPOCHS - 1 and (self.at_rest or isinstance(self.action, Pause)):
                with suppress(TrialEnded):  # by the command
                    self._send_once("resumed", Resume())
            run.report(val_loss=float(state["weights"].sum()))

    def _send_once(self, name, action):
        if not (self.folder / name).exists():
            study = tw.Study.open(self.folder / "s.db", "s")
            (self.folder / name).touch()
            study.steer(0, action, why="enough")


def trained(folder, action, *, at_rest, killed_after=None, resume=False):
    store = tw.open_store(folder / "s.db")
    if killed_after is not None:
        store = Killed(store, folder, killed_after)
    if resume:
        study = tw.Study.open(store, "s")
    else:
        settings = {"max_epochs": EPOCHS, "budget": "2trials", "scheduler": "full", "first": [SPACE.defaults()] * 2}
        study = tw.Study(SPACE, metric="val_loss", store=store, name="s", **settings)
        if at_rest:  # trial 0 was paused by hand after some epochs, and is let go on at the end
            step = study.ask()
            for epoch in range(1, SENT_AT + 1):
                study.report(step.trial, epoch, val_loss=1.0)
                saved = study.checkpoint_folder / f"{epoch}.npz"
                saved.parent.mkdir(parents=True, exist_ok=True)
                run = tw.Run(SPACE.defaults())
                run.track(state={"weights": np.ones(3)})
                run._state.epoch = epoch
                study.add_checkpoint(step.trial, epoch, saved.name, run.checkpoint(saved))
            study.tell(step.trial, held=True)
            study.close()
            study = tw.Study.open(store, "s")
    run_inline(study, Training(folder, action, at_rest=at_rest), Execution(checkpoint_every=1))


def outcome(folder):
    """Return what came of it: trials, commands, and how often each was carried out."""
    study = tw.Study.open(folder / "s.db", "s")
    trials = [
        (str(trial.state), trial.reason, trial.parent, trial.parent_epoch, dict(trial.params)) for trial in study.trials
    ]
    commands = [(command.kind, command.refused, command.branch) for command in study.commands(0)]
    events = sorted(str(event.data.get("command")) for event in study.events(0) if event.kind == "steered")
    return sorted(trials, key=repr), commands, events, study.values(0)


@pytest.mark.parametrize("at_rest", [False, True], ids=["training", "at rest"])
@pytest.mark.parametrize("kind", ACTIONS)
def test_the_effect_of_a_command_is_there_once_wherever_its_driver_is_killed(kind, at_rest, tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "_versions", dict)  # which takes half of the time
    if at_rest and kind == "pause":
        pytest.skip("it is paused")
    action = ACTIONS[kind]
    whole = tmp_path / "whole"
    whole.mkdir()
    trained(whole, action, at_rest=at_rest)
    expected = outcome(whole)
    for killed_after in range(KILLS):
        folder = tmp_path / str(killed_after)
        folder.mkdir()
        child = os.fork()
        if child == 0:
            with suppress(BaseException):
                trained(folder, action, at_rest=at_rest, killed_after=killed_after)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) == 0:
            break  # it was over by then
        trained(folder, action, at_rest=at_rest, resume=True)
        assert outcome(folder) == expected, f"killed after {killed_after + 1} writes"
