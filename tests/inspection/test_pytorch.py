from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path

import pytest

if importlib.util.find_spec("torch") is None:
    pytest.skip("PyTorch is not installed", allow_module_level=True)

import torch

from tunewell.inspection import Mistake
from tunewell.inspection.observing import Limits, observed
from tunewell.inspection.pytorch import TorchObserver

_here = Path(__file__).parent


def _load(name: str):
    spec = importlib.util.spec_from_file_location(name, _here / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    import sys

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
    found = {mistake.kind: mistake for mistake in run(source)}
    assert fault.kind in found
    assert fault.line in source.splitlines()[found[fault.kind].line - 1]
    assert found[fault.kind].path == "program.py"
    assert observers[0].failures == []
