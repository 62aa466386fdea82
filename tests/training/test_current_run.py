"""A script that has a run of its own: alone it trains as it is, under a tuner it is steered and saved as any trial."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import tunewell as tw
from tunewell.commands import Branch, Pause, Resume, Rewind, Set, Stop
from tunewell.runners import Execution
from tunewell.runners.tune import drive
from tunewell.training.external_program import ExternalProgram
from tunewell.training.first_look import first_look

SPACE = tw.Space(rate=tw.Float(0.01, 0.9, scale="log", default=0.1, live=True))
SCRIPT = """
import os, signal, sys
import numpy as np
import tunewell as tw

run = tw.current_run(rate=0.1)
assert run is tw.current_run()
state = {"weights": run.rng.normal(size=3), "after": 0}
run.track(state=state)
for epoch in run.epochs(6):
    if epoch == 4 and os.path.exists("kill"):
        os.remove("kill")
        os.kill(TUNER if TUNER else os.getpid(), signal.SIGKILL)
    state["weights"] *= 1 - run.params.rate
    state["weights"] += 0.01 * run.rng.normal(size=3) + 0.001 * state["after"]
    if TALKS:
        print('{"loss": 0.0}')  # no report of a program that has a run of its own
    run.report(loss=float(np.abs(state["weights"]).sum()), rate=run.params.rate)
    state["after"] += 1  # after the report, and part of the epoch all the same
np.save(f"weights-{run.trial}-{os.getpid()}.npy", state["weights"])
"""


class Steered:
    """Sends commands when a trial has reported an epoch, as another process would."""

    def __init__(self, script):
        self.script = script

    def on_step(self, study, step):
        pass

    def on_report(self, study, trial, epoch, metrics):
        for action in self.script.pop((trial, epoch), ()):
            study.steer(trial, action)

    def on_step_end(self, study, trial):
        for action in self.script.pop((trial, "rests"), ()):
            study.steer(trial, action)


def program(tuner="0"):
    return ExternalProgram((sys.executable, "-c", SCRIPT.replace("TUNER", tuner).replace("TALKS", "True")), "loss")


def searched(folder, script=None, *, tuner="0", n=1, **options):
    store = folder / "tunewell.db"
    study = tw.Study(
        SPACE,
        metric="loss",
        max_epochs=6,
        budget=f"{n}trials",
        scheduler="full",
        first=[SPACE.defaults()] * n,
        store=store,
        name="s",
        resume=store.exists(),
    )
    drive(study, program(tuner), Execution(checkpoint_every=1, **options), controllers=[Steered(script or {})])
    return tw.Study.open(folder / "tunewell.db", "s")


def curve(study, trial, name="loss"):
    return {report.epoch: report.metrics[name] for report in study.reports(trial)}


@pytest.fixture(autouse=True)
def _inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))


@pytest.fixture
def reference(tmp_path):
    (tmp_path / "undisturbed").mkdir()
    return curve(searched(tmp_path / "undisturbed"), 0)


def test_alone_it_trains_as_it_is(tmp_path):
    code = SCRIPT.replace("TUNER", "0").replace("TALKS", "False")
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert len(list(tmp_path.glob("weights-0-*.npy"))) == 1


def test_each_epoch_is_on_record_and_so_is_a_checkpoint_of_each(tmp_path):
    study = searched(tmp_path)
    assert sorted(curve(study, 0)) == [1, 2, 3, 4, 5, 6]
    assert [one.epoch for one in study.checkpoints(0)] == [1, 2, 3, 4, 5, 6]
    assert study.trials[0].state == "complete"


def test_it_is_set_paused_resumed_and_stopped(tmp_path):
    script = {(0, 2): [Set("rate", 0.5), Pause()], (0, "rests"): [Resume()], (0, 5): [Stop()]}
    study = searched(tmp_path, script)
    assert list(curve(study, 0, "rate").values()) == [0.1, 0.1, 0.5, 0.5, 0.5]
    assert (study.trials[0].state, [one.refused for one in study.commands(0)]) == ("stopped", [None] * 4)
    assert list(tmp_path.glob("weights-0-*.npy"))  # the code after the loop has run


def test_branches_and_rewound_trials_go_on_to_the_last_bit(tmp_path, reference):
    study = searched(tmp_path, {(0, 3): [Branch()], (0, 5): [Rewind(4)]})
    assert {**curve(study, 0), **curve(study, 1)} == reference
    assert curve(study, 1) == {epoch: reference[epoch] for epoch in (4, 5, 6)}
    assert curve(study, 2) == {epoch: reference[epoch] for epoch in (5, 6)}


def test_a_program_that_was_killed_is_tried_again_from_its_checkpoint(tmp_path, reference):
    (tmp_path / "kill").touch()
    study = searched(tmp_path, retries=1, retry_on=["ProgramFailed"])
    assert curve(study, 0) == reference
    assert not (tmp_path / "kill").exists()
    assert "retrained" not in [event.kind for event in study.events(0)]


def test_one_whose_tuner_was_killed_goes_on_from_its_checkpoint_when_that_is_resumed(tmp_path, reference):
    (tmp_path / "kill").touch()
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_current_run as test; "
    code += "test.searched(test.Path.cwd(), tuner='os.getppid()')"
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode < 0
    assert sorted(curve(tw.Study.open(tmp_path / "tunewell.db", "s"), 0)) == [1, 2, 3]
    study = searched(tmp_path)
    assert (study.trials[0].state, curve(study, 0)) == ("complete", reference)
    assert "retrained" not in [event.kind for event in study.events(0)]


def test_a_first_look_at_it_finds_what_it_reports():
    seen = first_look(program(), SPACE)
    assert set(seen.found.names) == {"loss", "rate"}


def test_what_a_framework_prints_of_an_epoch_that_a_run_reports_is_no_report(tmp_path, monkeypatch):
    printed = SCRIPT.replace("    run.report(", "    print({'loss': 7.0, 'epoch': epoch}, flush=True)\n    run.report(")
    monkeypatch.setattr(sys.modules[__name__], "SCRIPT", printed)
    study = searched(tmp_path)
    assert [report.epoch for report in study.reports(0)] == [1, 2, 3, 4, 5, 6]
    assert 7.0 not in [report.metrics["loss"] for report in study.reports(0)]
