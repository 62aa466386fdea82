"""`inspect`: all that can be seen of a training file, in its source and while its first steps run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tunewell.errors import ScriptError
from tunewell.inspection.mistakes import KINDS, Mistake
from tunewell.inspection.source import mistakes_in, read_program
from tunewell.inspection.source.program import Program

_FRAMEWORKS = re.compile(r"\b(torch|keras|tensorflow|(pytorch_)?lightning|transformers|fastai)\b")
"""What a program must mention for its steps to be looked at: of others there is nothing to see."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """The mistakes of a training file, and how it was looked at."""

    mistakes: tuple[Mistake, ...]
    """In the order of `KINDS`; one of each kind."""
    was_run: bool
    """False if the source alone was read."""
    not_run: str | None = None
    """Why its steps could not be looked at, if they were to be."""


def inspect(path: str | Path, arguments: Sequence[str] = (), *, static: bool = False) -> Inspected:
    """Look at a training file: one with a `train(run)` and a space, or any script that trains.

    Args:
        path: the Python file, or a notebook, of which the source alone is read.
        arguments: of a script, as on its own command line.
        static: read the source alone, and run nothing of it.

    Raises:
        ScriptError: there is no such file, or it is no Python.
    """
    program = read_program(path)
    found = mistakes_in(program)
    if program.is_notebook and not static:
        why = f"{path} is a notebook, which is read and not run; `jupyter nbconvert --to script` makes a file that is"
        return Inspected(tuple(_one_of_each(found)), was_run=False, not_run=why)
    if static or not _FRAMEWORKS.search(program.text):
        return Inspected(tuple(_one_of_each(found)), was_run=False)
    try:
        seen = _seen(program, arguments)
    except ScriptError as error:
        return Inspected(tuple(_one_of_each(found)), was_run=False, not_run=str(error))
    return Inspected(tuple(_one_of_each([*found, *seen])), was_run=True)


def _seen(program: Program, arguments: Sequence[str]) -> list[Mistake]:
    from tunewell.inspection.observing import observe_script  # noqa: PLC0415  only who runs needs it

    return observe_script(program.path, arguments, of_train=not arguments and _is_for_tune(program))


def _is_for_tune(program: Program) -> bool:
    """Return True for a file that `tunewell tune` takes: run as a script, it may do nothing, or tune."""
    train = program.functions.get("train")
    takes_run = train is not None and program.scope(train) is program.tree and len(train.args.args) == 1
    return takes_run and program.mentions("tunewell")


def _one_of_each(mistakes: Sequence[Mistake]) -> list[Mistake]:
    """Return the first of each kind: what the source shows has the exact place, and the run would show it again."""
    first: dict[str, Mistake] = {}
    for one in mistakes:
        first.setdefault(one.kind, one)
    order = list(KINDS)
    return sorted(first.values(), key=lambda one: order.index(one.kind))
