"""The places of settings in the user's own program: a flag, the line of a constant, an entry of a file."""

from __future__ import annotations

import ast
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tunewell.cli.job import Job
from tunewell.display.formatting import short
from tunewell.space.values import Value

Changed = Mapping[str, tuple[Value, Value]]
"""By parameter: the value as it is, and the new one."""


def places(job: Job, changed: Changed, length: tuple[int, int] | None = None) -> Iterator[str]:
    """Yield what to write in the user's own program, a line a place.

    length: epochs of a training as it is, and the new ones, if they were changed.
    """
    if not job.program:
        yield from _in_script(job, changed, length)
    elif job.parameters is None:
        yield from _flags(_groups(job.program), changed)
    else:
        layout = job.parameters.layout
        found = (word.rpartition("=")[::2] for word in layout.replaced)
        addresses = {text.strip("{}"): address for address, text in found}
        for name in [name for name in changed if name in addresses]:
            old, new = changed[name]
            yield f"{_placed(job, addresses[name])} = {short(new)} in place of {short(old)}"
        yield from _flags([words for _, words in layout.added], changed)
        how = job.parameters.length
        if length is not None and how is not None:
            own, new_length = length
            what = f"{_placed(job, how)} =" if isinstance(how, str) else shlex.join(how[1]).replace("'{}'", "{}")
            what = what.replace("{}", str(new_length)) if "{}" in what else f"{what} {new_length}"
            yield f"{what} in place of {own} epochs"


def _flags(groups: Sequence[Sequence[str]], changed: Changed) -> Iterator[str]:
    """Yield `--lr 0.1 in place of 0.001` for each group of words that a changed parameter fills."""
    from tunewell.training.external_program import ExternalProgram, placeholders  # noqa: PLC0415  slow to import

    values = {name: new for name, (_, new) in changed.items()}
    for words in groups:
        names = [name for name in changed if name in placeholders(words)]
        if names:
            filled = shlex.join(ExternalProgram(words).filled(values))
            yield f"{filled or 'no such flag'} in place of {', '.join(short(changed[name][0]) for name in names)}"


def _groups(program: Sequence[str]) -> list[Sequence[str]]:
    """Return the words of a command, a flag with its value."""
    groups: list[Sequence[str]] = []
    for before, word in zip(("", *program), program, strict=False):
        is_flagged = before.startswith("-") and word.startswith("{")
        groups.append((before, word) if is_flagged else (word,))
    return groups


def _placed(job: Job, address: str) -> str:
    """Return an address with its file, and its line where it is a constant's: `train.py:3: LR`."""
    from tunewell.scripts.constants import OF_MODULE, constants  # noqa: PLC0415  as above

    assert job.parameters is not None
    layout = job.parameters.layout
    if any("config_file" in word for word in layout.launcher):
        return f"{layout.launcher[-1]}: {address}"
    script = Path(next(word for word in layout.before if word.endswith(".py")))
    module, _, own = address.rpartition(OF_MODULE)
    file = script.parent / f"{module}.py" if module else script
    try:
        found = constants(ast.parse(file.read_bytes()))
    except (OSError, SyntaxError, ValueError):
        found = {}
    return f"{file}:{found[own].line}: {own}" if own in found else f"{file}: {own}"


def _in_script(job: Job, changed: Changed, length: tuple[int, int] | None) -> Iterator[str]:
    """Yield the lines of a script that define the parameters, or the loop over its epochs."""
    path = Path(os.path.relpath(job.file.path))
    tree = ast.parse(job.file.path.read_bytes())
    keywords = [node for node in ast.walk(tree) if isinstance(node, ast.keyword)]
    for name, (old, new) in changed.items():
        line = next((node.value.lineno for node in keywords if node.arg == name), None)
        place = job.space_file or (path if line is None else f"{path}:{line}")
        yield f"{place}: {name} = {short(new)} in place of {short(old)}"
    if length is not None:
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        loops = [one.lineno for one in calls if isinstance(one.func, ast.Attribute) and one.func.attr == "epochs"]
        place = f"{path}:{loops[0]}" if loops else path
        yield f"{place}: {length[1]} epochs in place of {length[0]}"
