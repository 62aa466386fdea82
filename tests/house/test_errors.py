"""The tree of errors in the docstring is the tree of the classes."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from tunewell import errors

MARKS = "*+-"


def _drawn() -> list[tuple[int, str, str]]:
    """Depth, name and the base besides, of each line of the docstring that begins with a mark of the tree."""
    lines = [line.split() for line in inspect.getdoc(errors).splitlines() if line.lstrip()[:2] in ("* ", "+ ", "- ")]
    return [
        (MARKS.index(mark), name, rest[1].rstrip(")") if rest[:1] in (["(a"], ["(an"]) else "")
        for mark, name, *rest in lines
    ]


def _tree(error: type[BaseException], depth: int = 0) -> Iterator[tuple[int, str, str]]:
    besides = [base.__name__ for base in error.__bases__ if base.__module__ == "builtins" and depth]
    yield depth, error.__name__, ", ".join(besides)
    for child in error.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from _tree(child, depth + 1)


def test_the_tree_of_errors_is_drawn_whole() -> None:
    drawn, made = _drawn(), list(_tree(errors.TunewellError))
    assert sorted(drawn) == sorted(made)
    assert [name for _, name, _ in drawn] == [name for _, name, _ in made], (
        "draw the errors in the order of their classes"
    )
