"""What a study offers of its parts is what the parts have: the same parameters, defaults and documentation."""

import inspect

import pytest

from tunewell.study.control import Control
from tunewell.study.decider import Decider
from tunewell.study.offered import Offered
from tunewell.study.reader import StudyReader
from tunewell.study.steering import Steering

RENAMED = {"steer": "send"}
MEMBERS = {
    name: original
    for name in vars(Offered)
    if not name.startswith("__")
    for part in (StudyReader, Decider, Steering, Control)
    if (original := vars(part).get(RENAMED.get(name, name))) is not None
}


def test_hardly_any_member_is_an_attribute_that_only_instances_have():
    own = {name for name, member in vars(Offered).items() if isinstance(member, property) or inspect.isfunction(member)}
    assert own - MEMBERS.keys() == {"record", "store", "metric", "maximize", "min_delta"}


@pytest.mark.parametrize("name", MEMBERS)
def test_a_member_is_documented_as_that_of_the_part(name):
    assert inspect.getdoc(vars(Offered)[name]) == inspect.getdoc(MEMBERS[name])


@pytest.mark.parametrize("name", [name for name in MEMBERS if inspect.isfunction(MEMBERS[name])])
def test_a_method_takes_what_the_method_of_the_part_takes(name):
    of_study = inspect.signature(inspect.unwrap(vars(Offered)[name])).parameters
    of_part = inspect.signature(inspect.unwrap(MEMBERS[name])).parameters
    assert [*of_study.values()] == [*of_part.values()]
