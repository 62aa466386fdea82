"""Whole programs in the habits of many people: the sound ones are not accused, and one fault in each is found."""

import contextlib
import io
import os
import sys
import warnings

import pytest
from tests.inspection.people_faults import FAULTS, IN_SOURCE, IN_STEPS, PROGRAMS, RUN, source
from tests.inspection.people_more import JAX
from tests.inspection.people_more import PYTORCH as MORE
from tests.inspection.people_pytorch import SOUND as PYTORCH

from tunewell.inspection import KINDS
from tunewell.inspection.source import mistakes_in, parsed

NO_OPTIMIZER = "functional"
"""The program that takes its steps by hand: of it the source alone is looked at."""


def in_source(text):
    return {one.kind for one in mistakes_in(parsed(text))}


def in_steps(name, text, monkeypatch, tmp_path):
    """Return the kinds that the first steps of a program show, run as a script."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    pytest.importorskip("torch" if name in {**PYTORCH, **MORE} else "optax" if name in JAX else "keras")
    pytest.importorskip("pandas")
    from tunewell.inspection.observing import Limits, observed

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["program.py"])

    def train():
        exec(compile(text, "program.py", "exec"), {"__name__": "__main__"})

    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        return {one.kind for one in observed(train, Limits(60, 120.0), "the training")}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_source_of_a_sound_program_shows_nothing(name):
    assert in_source(PROGRAMS[name]) == set()


@pytest.mark.parametrize("fault", IN_SOURCE, ids=lambda one: one.name)
def test_the_source_of_a_faulty_program_shows_its_fault_alone(fault):
    assert in_source(source(fault)) == {fault.kind}


@pytest.mark.slow
@pytest.mark.parametrize("name", [one for one in RUN if one != NO_OPTIMIZER])
def test_the_steps_of_a_sound_program_show_nothing(name, monkeypatch, tmp_path):
    assert in_steps(name, RUN[name], monkeypatch, tmp_path) == set()


@pytest.mark.slow
@pytest.mark.parametrize("fault", IN_STEPS, ids=lambda one: one.name)
def test_the_steps_of_a_faulty_program_show_its_fault(fault, monkeypatch, tmp_path):
    assert fault.kind in in_steps(fault.program, source(fault), monkeypatch, tmp_path)


def test_each_kind_has_five_faults_at_least():
    kinds = [one.kind for one in FAULTS]
    assert {kind for kind in KINDS if kinds.count(kind) < 5} == set()


def test_each_fault_has_a_name_of_its_own():
    names = [one.name for one in FAULTS]
    assert len(set(names)) == len(names)
