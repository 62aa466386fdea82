"""PyTorch on two ranks, by torchrun: rank 0 alone reports, and both are steered, saved and ended together."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import tunewell as tw
from contract import ROOT, Commands, marked_lines, without_tunewell
from tunewell.commands import Branch, Pause, Resume, Rewind, Set, Stop
from tunewell.runners import Execution
from tunewell.runners.tune import drive
from tunewell.training.external_program import ExternalProgram

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("default")  # theirs are not ours
SOURCE = (ROOT / "examples" / "ddp_digits.py").read_text(encoding="utf-8")
SPACE = tw.Space(learning_rate=tw.learning_rate(optimizer="adam"), hidden=tw.hidden_units(high=256, default=64))
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
SAVED = """
    model, optimizer = train(tw.current_run(**space.defaults()))
    weights = np.concatenate([one.detach().numpy().ravel() for one in model.parameters()])
    name = f"{tw.current_run().trial}-{dist.get_rank()}"
    np.savez(f"weights-{name}.npz", weights=weights, rate=optimizer.param_groups[0]["lr"])
"""
KILLED = """        if epoch == 2 and dist.get_rank() == 1 and __import__("os").path.exists("kill"):
            __import__("os").remove("kill")
            __import__("os").kill(__import__("os").getpid(), 9)
        sampler.set_epoch(epoch)
"""


def program(folder, source=SOURCE):
    source = source.replace("\n    train(tw.current_run(**space.defaults()))\n", SAVED)
    source = source.replace("        sampler.set_epoch(epoch)\n", KILLED)
    (folder / "train.py").write_text(source)
    return [*TORCHRUN, "train.py"]


def searched(folder, script=None, write=program, **options):
    study = tw.Study(
        SPACE,
        metric="val_accuracy",
        max_epochs=4,
        budget="1trials",
        scheduler="full",
        first=[SPACE.defaults()],
        store=folder / "tunewell.db",
        name="s",
    )
    train = ExternalProgram(write(folder), "val_accuracy")
    drive(study, train, Execution(checkpoint_every=1, **options), controllers=[Commands(script or {})])
    return tw.Study.open(folder / "tunewell.db", "s")


def ended(folder, trial):
    """Return the weights and the learning rate of both ranks, which must be the same."""
    one, other = (np.load(folder / f"weights-{trial}-{rank}.npz") for rank in (0, 1))
    assert np.array_equal(one["weights"], other["weights"])
    assert one["rate"] == other["rate"]
    return one["weights"].tobytes(), float(one["rate"])


@pytest.fixture(autouse=True)
def _inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    monkeypatch.setenv("TUNEWELL_SEED", "0")


def test_it_takes_three_lines():
    assert len(marked_lines(SOURCE)) == 3


def test_a_rank_that_was_killed_is_gone_on_from_and_an_undisturbed_training_is_the_same(tmp_path):
    (tmp_path / "kill").touch()
    study = searched(tmp_path, retries=1, retry_on=["ProgramFailed"])
    assert not (tmp_path / "kill").exists()
    assert [report.epoch for report in study.reports(0)] == [1, 2, 3, 4]  # one of each epoch: rank 0's
    assert "retrained" not in [event.kind for event in study.events(0)]
    under_tunewell = ended(tmp_path, 0)
    for source in (SOURCE, without_tunewell(SOURCE)):
        environment = {**os.environ, "TUNEWELL_SEED": str(study.trials[0].seed)}
        subprocess.run(program(tmp_path, source), check=True, capture_output=True, env=environment)
        assert ended(tmp_path, 0) == under_tunewell


def test_both_ranks_are_paused_branched_rewound_set_and_stopped_together(tmp_path):
    script = {(0, 1): [Pause()], (0, "rests"): [Resume()], (0, 2): [Branch()], (0, 3): [Rewind(1)]}
    study = searched(tmp_path, {**script, (1, 3): [Stop()], (2, 2): [Set("learning_rate", 0.02)]})
    assert [one.refused for one in study.commands()] == [None] * 6
    epochs = [[report.epoch for report in study.reports(trial)] for trial in range(3)]
    assert epochs == [[1, 2, 3], [3], [2, 3, 4]]
    assert study.reports(1)[0].metrics == study.reports(0)[2].metrics
    assert study.reports(2)[0].metrics == study.reports(0)[1].metrics
    assert ended(tmp_path, 1)[1] != ended(tmp_path, 2)[1] == 0.02


def lightning_program(folder):
    """Lightning's example on two ranks, one of which is killed once."""
    source = (ROOT / "examples" / "lightning_digits.py").read_text(encoding="utf-8")
    source = source.replace('accelerator="cpu",', 'accelerator="cpu", devices=2, strategy="ddp",')
    hook = """
    def on_train_epoch_start(self):
        if self.trainer.current_epoch == 2 and self.trainer.global_rank == 1 and __import__("os").path.exists("kill"):
            __import__("os").remove("kill")
            __import__("os").kill(__import__("os").getpid(), 9)

    def validation_step"""
    saved = """
    trainer = train(tw.current_run(**space.defaults()))
    weights = np.concatenate([one.detach().numpy().ravel() for one in trainer.lightning_module.parameters()])
    np.savez(f"weights-{tw.current_run().trial}-{trainer.global_rank}.npz", weights=weights, rate=0)
"""
    source = source.replace("\n    def validation_step", hook)
    (folder / "train.py").write_text(source.replace("\n    train(tw.current_run(**space.defaults()))\n", saved))
    return [*TORCHRUN, "train.py"]


@pytest.mark.exhaustive
def test_ranks_of_lightning_go_on_to_the_same_numbers_after_one_was_killed(tmp_path):
    pytest.importorskip("lightning")
    found = []
    for kill in (False, True):
        folder = tmp_path / str(kill)
        folder.mkdir()
        os.chdir(folder)
        if kill:
            (folder / "kill").touch()
        study = searched(folder, write=lightning_program, retries=1, retry_on=["ProgramFailed"])
        assert not (folder / "kill").exists()
        assert [report.epoch for report in study.reports(0)] == [1, 2, 3, 4]
        found.append(ended(folder, 0)[0])
    assert found[0] == found[1]
