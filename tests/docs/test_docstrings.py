"""Each public name has an example in its docstring, and the examples are run as they stand."""

import doctest
import importlib.util
import inspect

import pytest

import tunewell as tw

by_name = pytest.mark.parametrize("name", tw.__all__)


def examples(name):
    """The examples in the docstring of a name itself, not in those of its methods."""
    return doctest.DocTestParser().get_doctest(
        inspect.getdoc(getattr(tw, name)) or "", {"tw": tw, "__name__": "example"}, f"tw.{name}", None, None
    )


@by_name
def test_each_public_name_shows_what_it_does(name):
    shown = examples(name).examples
    assert shown
    assert not any(doctest.SKIP in one.options for one in shown)
    assert any("tw." in one.source for one in shown)


@by_name
def test_the_example_of_the_name_runs(name, tmp_path, monkeypatch, capsys):
    test = examples(name)
    needed = {
        word
        for word in ("torch", "sklearn")
        if any(f"import {word}" in one.source or f"from {word}" in one.source for one in test.examples)
    }
    if missing := [one for one in needed if importlib.util.find_spec(one) is None]:
        pytest.skip(f"needs {missing}")
    monkeypatch.chdir(tmp_path)
    told = []
    outcome = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, out=told.append)
    assert outcome.failed == 0, "".join(told)
