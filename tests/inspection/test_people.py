"""Whole programs in the habits of many people: the sound ones are not accused, and one fault in each is found."""

import pytest
from tests.inspection.people_faults import FAULTS, IN_SOURCE, IN_STEPS, PROGRAMS, RUN, source
from tests.inspection.whole_programs import in_source, in_steps

from tunewell.inspection import KINDS

NO_OPTIMIZER = "functional"
"""The program that takes its steps by hand: of it the source alone is looked at."""


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_source_of_a_sound_program_shows_nothing(name):
    assert in_source(PROGRAMS[name]) == set()


@pytest.mark.parametrize("fault", IN_SOURCE, ids=lambda one: one.name)
def test_the_source_of_a_faulty_program_shows_its_fault_alone(fault):
    assert in_source(source(fault)) == {fault.kind}


@pytest.mark.slow
@pytest.mark.parametrize("name", [one for one in RUN if one != NO_OPTIMIZER])
def test_the_steps_of_a_sound_program_show_nothing(name, monkeypatch, tmp_path):
    assert in_steps(RUN[name], monkeypatch, tmp_path) == set()


@pytest.mark.slow
@pytest.mark.parametrize("fault", IN_STEPS, ids=lambda one: one.name)
def test_the_steps_of_a_faulty_program_show_its_fault(fault, monkeypatch, tmp_path):
    assert fault.kind in in_steps(source(fault), monkeypatch, tmp_path)


def test_each_kind_has_five_faults_at_least():
    kinds = [one.kind for one in FAULTS]
    assert {kind for kind in KINDS if kinds.count(kind) < 5} == set()


def test_each_fault_has_a_name_of_its_own():
    names = [one.name for one in FAULTS]
    assert len(set(names)) == len(names)
