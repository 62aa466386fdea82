"""`study.figures` has each figure of a study, with the figure's own parameters, defaults and documentation."""

import inspect

import pytest

from tunewell import figures
from tunewell.figures import Figures

NAMES = [name for name, member in vars(Figures).items() if inspect.isfunction(member) and not name.startswith("_")]


def test_each_figure_that_takes_a_study_is_there():
    of_studies = [
        name
        for name in figures.__all__
        if inspect.isfunction(member := getattr(figures, name))
        and next(iter(inspect.signature(member).parameters)) in ("study", "source")
    ]
    assert sorted(of_studies) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_method_takes_what_its_figure_takes_and_says_what_it_says(name):
    function, method = getattr(figures, name), getattr(Figures, name)
    _, *of_function = inspect.signature(function).parameters.values()
    _, *of_method = inspect.signature(method).parameters.values()
    assert of_method == of_function
    assert inspect.getdoc(method) == inspect.getdoc(function)
