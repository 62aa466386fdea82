"""`inspect`: all that can be seen of a training file, in its source and while its first steps run.

`inspect_training` looks at a function in the same way: at its file as far as the function uses it.
"""

from __future__ import annotations

import ast
import functools
import inspect as python_inspect
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType

from tunewell.errors import ScriptError
from tunewell.inspection.mistakes import KINDS, Mistake
from tunewell.inspection.source import mistakes_in, read_program
from tunewell.inspection.source.program import Program
from tunewell.space.values import Value
from tunewell.training.run import Train
from tunewell.training.script import ScriptTrain

_FRAMEWORKS = re.compile(
    r"\b(torch|keras|tensorflow|(pytorch_)?lightning|transformers|fastai|jax|flax|optax|equinox)\b"
)
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
    uses_framework: bool = True
    """False if it is of no framework whose mistakes are known, so that to see none says little."""


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
    uses_framework = _FRAMEWORKS.search(program.text) is not None
    if static or not uses_framework:
        return Inspected(tuple(_one_of_each(found)), was_run=False, uses_framework=uses_framework)
    try:
        seen = _seen(program, arguments)
    except ScriptError as error:
        return Inspected(tuple(_one_of_each(found)), was_run=False, not_run=str(error))
    return Inspected(tuple(_one_of_each([*found, *seen])), was_run=True)


def inspect_training(train: Train, params: Mapping[str, Value], *, seed: int = 0) -> Inspected:
    """Look at a training function: at its source, with what it calls in its own file, and while its first steps run.

    It takes its steps in this process, and is ended when enough was seen. Of a function that was typed, or is no
    Python, there is no source to be looked at.
    """
    if isinstance(train, ScriptTrain):
        return inspect(train.path)
    function = _plain(train)
    if function.__module__.partition(".")[0] == __name__.partition(".")[0]:
        return Inspected((), was_run=False)  # a program, or another of our own
    program, lines = _source_of(function)
    found = [] if program is None else [one for one in mistakes_in(program) if one.line in lines]
    mentions = program is None or _FRAMEWORKS.search(program.text) is not None
    from tunewell.inspection.observing import OBSERVERS, observe  # noqa: PLC0415  only who runs needs it

    if not mentions or not any(framework in sys.modules for framework in OBSERVERS):
        return Inspected(tuple(_one_of_each(found)), was_run=False)
    try:
        seen = observe(train, params, seed=seed)
    except ScriptError as error:
        return Inspected(tuple(_one_of_each(found)), was_run=False, not_run=str(error))
    return Inspected(tuple(_one_of_each([*found, *seen])), was_run=True)


def _plain(train: Train) -> FunctionType | type:
    """Return the function behind a training function, or the class of an object that can be called."""
    plain = train.func if isinstance(train, functools.partial) else train
    plain = getattr(plain, "__func__", plain)
    return plain if isinstance(plain, FunctionType) else type(plain)


def _source_of(function: FunctionType | type) -> tuple[Program | None, set[int]]:
    """Return the file of a function, and the lines that the function uses: its own, and those of what it calls."""
    try:
        path = python_inspect.getsourcefile(function)
        text, first = python_inspect.getsourcelines(function)
        program = None if path is None else read_program(path)
    except (OSError, TypeError, ScriptError):
        return None, set()
    if program is None:
        return None, set()
    definitions = {
        node.name: node
        for node in program.tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    own = range(first, first + len(text))
    waiting = [node for node in program.nodes if getattr(node, "lineno", 0) in own]
    used: dict[str, ast.AST] = {}
    while waiting:
        for node in ast.walk(waiting.pop()):
            name = node.id if isinstance(node, ast.Name) else ""
            if name in definitions and name not in used:
                used[name] = definitions[name]
                waiting.append(definitions[name])
    defined = {line for node in definitions.values() for line in _lines(node)}
    outside = set(range(1, program.text.count("\n") + 2)) - defined
    return program, {*own, *outside, *(line for node in used.values() for line in _lines(node))}


def _lines(node: ast.AST) -> range:
    return range(getattr(node, "lineno", 0), (getattr(node, "end_lineno", 0) or 0) + 1)


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
