"""Whole programs in sixty further habits: none is accused, and one fault in each is found.

All are read; steps are run of one, and of the rest by `make exhaustive` and `make inspections`.
"""

import pytest
from tests.inspection.habit_faults import FAULTS, IN_SOURCE, IN_STEPS, SOUND
from tests.inspection.whole_programs import in_source, in_steps

from tunewell.inspection import KINDS

ALSO = {
    "softmax-over-one-unit-churn_lightning": ("logits-expected",),
    "units-and-classes-differ-keras_preprocessing_layers": ("softmax-over-one-unit",),
    "parameters-frozen-frozen_body": ("loss-cut-off",),
}
"""What is true of a program besides its fault."""
OF_ANOTHER_BACKEND = ("keras_custom_step",)
"""Of Keras on PyTorch, which cannot be beside Keras on JAX in one process."""


@pytest.mark.parametrize("name", SOUND)
def test_the_source_of_a_sound_program_shows_nothing(name):
    assert in_source(SOUND[name]) == set()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: one.name)
def test_the_source_of_a_faulty_program_shows_no_other_kind(fault):
    found = in_source(fault.source)
    assert found <= {fault.kind, *ALSO.get(fault.name, ())}
    assert (fault.kind in found) == (fault.name in IN_SOURCE)


def test_each_kind_has_faults_of_its_own():
    assert {fault.kind for fault in FAULTS} == set(KINDS)


def test_the_steps_of_a_sound_program_show_nothing(monkeypatch, tmp_path):
    assert in_steps(SOUND["low_rank"], monkeypatch, tmp_path) == set()


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.parametrize("name", [name for name in SOUND if name not in OF_ANOTHER_BACKEND])
def test_the_steps_of_each_sound_program_show_nothing(name, monkeypatch, tmp_path):
    assert in_steps(SOUND[name], monkeypatch, tmp_path) == set()


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.parametrize("fault", IN_STEPS, ids=lambda one: one.name)
def test_the_steps_of_a_faulty_program_show_its_fault(fault, monkeypatch, tmp_path):
    assert fault.kind in in_steps(fault.source, monkeypatch, tmp_path)
