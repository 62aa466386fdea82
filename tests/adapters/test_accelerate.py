"""A loop of Hugging Face's Accelerate, on one process and on two."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import tunewell as tw
from contract import ROOT, Commands, Framework, InProcessContract, OtherProcessContract, Searched
from tunewell.commands import Branch, Pause, Resume, Rewind, Set
from tunewell.runners import Execution
from tunewell.runners.tune import drive
from tunewell.training.external_program import ExternalProgram

pytest.importorskip("accelerate")
torch = pytest.importorskip("torch")
FRAMEWORK = Framework(
    "accelerate_digits.py",
    imports="accelerate",
    weights=lambda trained: [one.detach().numpy() for one in trained[0].state_dict().values()],
    rate=lambda trained: trained[1].param_groups[0]["initial_lr"],
    environment={"ACCELERATE_USE_CPU": "true"},
    test_file="test_accelerate",
)


class TestAccelerate(InProcessContract):
    framework = FRAMEWORK


@pytest.mark.exhaustive  # scripts are PyTorch's adapter's, and ranks are tried in test_ddp.py
class TestAccelerateInOtherProcesses(OtherProcessContract):
    framework = FRAMEWORK


SAVED = """
    network, optimizer = train(tw.current_run(**space.defaults()))
    weights = np.concatenate([one.detach().numpy().ravel() for one in network.parameters()])
    rate = optimizer.param_groups[0]["initial_lr"]
    np.savez(f"weights-{tw.current_run().trial}-{Accelerator().process_index}.npz", weights=weights, rate=rate)
"""
LAUNCH = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2", "--num_machines", "1"]
LAUNCH += ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]


@pytest.mark.exhaustive
def test_two_processes_are_rewound_branched_and_set_together(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    source = (ROOT / "examples" / FRAMEWORK.example).read_text(encoding="utf-8")
    (tmp_path / "train.py").write_text(source.replace("\n    train(tw.current_run(**space.defaults()))\n", SAVED))
    module = FRAMEWORK.module()
    settings = {"max_epochs": 4, "budget": "1trials", "scheduler": "full", "first": [module.space.defaults()]}
    study = tw.Study(module.space, metric="val_accuracy", store=tmp_path / "tunewell.db", name="s", **settings)
    script = {(0, 1): [Pause()], (0, "rests"): [Resume()], (0, 2): [Branch(), Branch(params={"learning_rate": 0.02})]}
    script |= {(0, 3): [Rewind(1)]}
    program = ExternalProgram([*LAUNCH, "train.py"], "val_accuracy")
    drive(study, program, Execution(checkpoint_every=1), controllers=[Commands(script)])
    study = tw.Study.open(tmp_path / "tunewell.db", "s")
    assert [one.refused for one in study.commands()] == [None] * 5
    epochs = [[report.epoch for report in study.reports(trial)] for trial in range(4)]
    assert epochs == [[1, 2, 3], [3, 4], [3, 4], [2, 3, 4]]  # one of each epoch: rank 0's
    ended = {trial: [np.load(f"weights-{trial}-{rank}.npz") for rank in (0, 1)] for trial in (1, 2, 3)}
    for one, other in ended.values():
        assert np.array_equal(one["weights"], other["weights"])
        assert one["rate"] == other["rate"]
    assert np.array_equal(ended[1][0]["weights"], ended[3][0]["weights"])
    assert ended[2][0]["rate"] == pytest.approx(0.02)
