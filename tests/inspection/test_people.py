"""Whole programs in the habits of many people: the sound ones are not accused, and one fault in each is found."""

import contextlib
import importlib.util
import io
import os
import sys
import warnings
from pathlib import Path

import pytest

from tunewell.inspection import KINDS
from tunewell.inspection.source import mistakes_in, parsed


def _load(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


faults = _load("people_faults")
pytorch, keras_ = _load("people_pytorch"), _load("people_keras")
FRAMEWORKS = {**dict.fromkeys(pytorch.SOUND, "torch"), **dict.fromkeys(keras_.SOUND, "keras")}


def seen(source):
    return {one.kind for one in mistakes_in(parsed(source))}


def run(name, source, monkeypatch, tmp_path):
    """Return the kinds that the first steps of a program show, as of a script."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    if name not in FRAMEWORKS:
        pytest.skip("TensorFlow is not run here")
    pytest.importorskip(FRAMEWORKS[name])
    pytest.importorskip("pandas")
    from tunewell.inspection.observing import Limits, observed

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["program.py"])

    def train():
        exec(compile(source, "program.py", "exec"), {"__name__": "__main__"})

    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        return {one.kind for one in observed(train, Limits(60, 120.0), "the training")}


@pytest.mark.parametrize("name", faults.PROGRAMS)
def test_the_source_of_a_sound_program_accuses_nobody(name):
    assert seen(faults.PROGRAMS[name]) == set()


@pytest.mark.parametrize("fault", faults.IN_SOURCE, ids=lambda one: one.name)
def test_the_source_of_a_faulty_program_shows_it_and_nothing_else(fault):
    assert seen(faults.source(fault)) == {fault.kind}


@pytest.mark.slow
@pytest.mark.parametrize("name", [one for one in FRAMEWORKS if one != "functional"])  # which has no optimizer
def test_the_steps_of_a_sound_program_accuse_nobody(name, monkeypatch, tmp_path):
    assert run(name, faults.PROGRAMS[name], monkeypatch, tmp_path) == set()


@pytest.mark.slow
@pytest.mark.parametrize("fault", faults.IN_STEPS, ids=lambda one: one.name)
def test_the_steps_of_a_faulty_program_show_it(fault, monkeypatch, tmp_path):
    assert fault.kind in run(fault.program, faults.source(fault), monkeypatch, tmp_path)


def test_each_kind_has_three_faults_at_least():
    kinds = [one.kind for one in (*faults.IN_SOURCE, *faults.IN_STEPS, *faults.UNSEEN)]
    assert {kind for kind in KINDS if kinds.count(kind) < 3} == set()
