from __future__ import annotations

import importlib.util
import random
import sys
import warnings
from pathlib import Path

import pytest

if importlib.util.find_spec("torch") is None:
    pytest.skip("PyTorch is not installed", allow_module_level=True)

import numpy as np
import torch

from tunewell.errors import ScriptError
from tunewell.inspection import KINDS, Mistake
from tunewell.inspection.observing import Limits, observe, observe_script, observed
from tunewell.inspection.pytorch import TorchObserver

_here = Path(__file__).parent


def _load(name: str):
    spec = importlib.util.spec_from_file_location(name, _here / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


_programs, _faults = _load("pytorch_programs"), _load("pytorch_faults")


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def observers(monkeypatch):
    made = []
    monkeypatch.setattr(
        "tunewell.inspection.pytorch.observer", lambda limits: made.append(TorchObserver(limits)) or made[-1]
    )
    return made


def run(source: str, max_steps: int = 60) -> list[Mistake]:
    def train() -> None:
        exec(compile(source, "program.py", "exec"), {"__name__": "__main__"})

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return observed(train, Limits(max_steps, 120.0), "the training")


@pytest.mark.parametrize("name", _programs.SOUND)
def test_a_sound_program_is_accused_of_nothing(name, observers):
    assert run(_programs.HEAD + _programs.SOUND[name]) == []
    assert observers[0].failures == []


@pytest.mark.parametrize("fault", _faults.FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_found_with_its_line(fault, observers):
    source = _programs.HEAD + _programs.SOUND[fault.program]
    for old, new in fault.edits:
        assert old in source
        source = source.replace(old, new)
    places = [(one.path, source.splitlines()[one.line - 1]) for one in run(source) if one.kind == fault.kind]
    assert any(path == "program.py" and fault.line in line for path, line in places), places
    assert observers[0].failures == []


def test_each_kind_of_its_faults_is_a_kind():
    assert {fault.kind for fault in _faults.FAULTS} <= KINDS.keys()


def test_nothing_of_an_observer_stays():
    hooks = torch.nn.modules.module
    before = (
        torch.autograd.backward,
        torch.save,
        torch.load,
        torch.compile,
        torch.nn.Module.load_state_dict,
        torch.utils.data.DataLoader.__iter__,
        torch.optim.lr_scheduler.LRScheduler.step,
        torch.optim.lr_scheduler.ReduceLROnPlateau.step,
        len(hooks._global_forward_pre_hooks),
        len(hooks._global_forward_hooks),
        len(torch.overrides._get_current_function_mode_stack()),
        list(sys.meta_path),
    )
    run(_programs.HEAD + _programs.REGRESSION)
    after = (
        torch.autograd.backward,
        torch.save,
        torch.load,
        torch.compile,
        torch.nn.Module.load_state_dict,
        torch.utils.data.DataLoader.__iter__,
        torch.optim.lr_scheduler.LRScheduler.step,
        torch.optim.lr_scheduler.ReduceLROnPlateau.step,
        len(hooks._global_forward_pre_hooks),
        len(hooks._global_forward_hooks),
        len(torch.overrides._get_current_function_mode_stack()),
        list(sys.meta_path),
    )
    assert after == before


def test_looking_changes_no_number():
    weights = []

    def train() -> None:
        torch.manual_seed(0)
        layers = [
            torch.nn.Linear(10, 16),
            torch.nn.BatchNorm1d(16),
            torch.nn.ReLU(),
            torch.nn.Dropout(),
            torch.nn.Linear(16, 4),
        ]
        model = torch.nn.Sequential(*layers)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        rows = torch.utils.data.TensorDataset(torch.randn(64, 10), torch.randint(4, (64,)))
        for _ in range(3):
            for x, y in torch.utils.data.DataLoader(rows, 16, shuffle=True):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(model(x), y).backward()
                optimizer.step()
        weights.append(torch.cat([one.detach().flatten() for one in model.parameters()]))

    train()
    observed(train, Limits(60, 60.0), "the training")
    assert torch.equal(*weights)


def test_a_training_function_is_looked_at_and_ended():
    steps = []

    def train(run) -> None:
        model = torch.nn.Linear(4, 3)
        optimizer = torch.optim.SGD(model.parameters(), lr=run.params["lr"])
        for _ in run.epochs(1000):
            x, y = torch.randn(32, 4), torch.randint(3, (32,))
            loss = torch.nn.functional.cross_entropy(model(x).softmax(1), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            steps.append(random.random() + np.random.rand())
            run.report(loss=loss.item())

    torch.manual_seed(5)
    random.seed(5)
    before = torch.rand(1), random.random()
    torch.manual_seed(5)
    random.seed(5)
    [mistake] = observe(train, {"lr": 0.1}, seed=3, max_steps=30)
    assert (torch.rand(1), random.random()) == before
    assert mistake.kind == "logits-expected"
    assert Path(mistake.path) == Path(__file__)
    assert len(steps) == 29


def test_a_training_that_fails_is_an_error_that_says_where():
    def train(run) -> None:
        raise ValueError("no such file")

    with pytest.raises(ScriptError, match=r"failed, at test_pytorch.py:\d+: ValueError: no such file"):
        observe(train, {})


def test_a_training_that_takes_no_step_is_an_error():
    with pytest.raises(ScriptError, match="without a step"):
        observe(lambda run: torch.nn.Linear(2, 2)(torch.randn(3, 2)), {})


def test_a_checkpoint_of_a_few_steps_replaces_no_other(tmp_path):
    file = tmp_path / "best.pt"
    torch.save({"epochs": 100}, file)
    source = _programs.HEAD + _programs.MLP.replace(
        "    model.eval()\n", f"    torch.save(1, {str(file)!r})\n    model.eval()\n"
    )
    assert run(source) == []
    assert torch.load(file) == {"epochs": 100}


def test_a_long_epoch_is_cut_short_so_that_its_evaluation_is_seen(observers):
    source = _programs.HEAD + _programs.LOADERS.replace("blobs(256)", "blobs(25600)").replace("    model.eval()\n", "")
    assert [mistake.kind for mistake in run(source)] == ["evaluates-in-training-mode"]
    assert observers[0].steps < 60


SCRIPT = """
import argparse
import torch
parser = argparse.ArgumentParser()
parser.add_argument("--rate", type=float, required=True)
options = parser.parse_args()
if __name__ == "__main__":
    model = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=options.rate)
    while True:
        x = torch.randn(16, 4)
        loss = torch.nn.functional.mse_loss(model(x), x.sum(1))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
"""


def test_a_script_is_run_as_a_program_of_its_own(tmp_path):
    file = tmp_path / "train.py"
    file.write_text(SCRIPT, encoding="utf-8")
    [mistake] = observe_script(file, ["--rate", "0.1"], max_steps=20)
    assert mistake.kind == "shapes-broadcast"
    assert mistake.place == f"{file}:12"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "import argparse\np = argparse.ArgumentParser()\np.add_argument('data')\np.parse_args()",
            "the arguments that it needs .*data",
        ),
        ("input('which data? ')", "train.py waits for input"),
        ("print(1)", "imports none of torch"),
        ("x = 1\nopen('rows-that-are-not-there.csv')", "train.py failed, at train.py:2: FileNotFoundError"),
        ("import torch\ntorch.nn.Linear(2, 2)", "train.py ended without a step"),
        ("import os\nos._exit(3)", "ended its process"),
    ],
)
def test_a_script_that_cannot_be_looked_at_is_an_error_of_one_line(tmp_path, source, message):
    file = tmp_path / "train.py"
    file.write_text(source, encoding="utf-8")
    with pytest.raises(ScriptError, match=message) as error:
        observe_script(file, max_steps=20)
    assert "\n" not in str(error.value)


def test_a_script_that_takes_no_step_in_time_is_an_error_that_says_so(tmp_path):
    file = tmp_path / "train.py"
    file.write_text("import torch\nlayer = torch.nn.Linear(2, 2)\nwhile True:\n    layer(torch.ones(1, 2))\n")
    with pytest.raises(ScriptError, match=r"train\.py took no step of an optimizer in 2 s; give it fewer rows"):
        observe_script(file, timeout_s=2.0)


def test_a_script_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(ScriptError, match="does not exist"):
        observe_script(tmp_path / "train.py")
