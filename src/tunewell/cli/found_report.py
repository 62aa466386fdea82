"""The report of what was found in a script: its hyperparameters, and what is left out."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby

import click

from tunewell.advice import advice
from tunewell.cli.printing import table, wrapped
from tunewell.display.formatting import counted, short
from tunewell.errors import SettingError
from tunewell.scripts import FoundParameters
from tunewell.space.params import Choice, Param

_MOST_NAMES = 8


def lines(found: FoundParameters) -> Iterator[str]:
    """Yield a table of what was found, and a line on what was left out."""
    yield f"{counted(len(found.space.params), 'hyperparameter')} found by {found.how}:"
    rows = [(name, _range(param), _scale(param), param.default) for name, param in found.space.params.items()]
    yield from table(("name", "range", "scale", "default"), rows)
    if found.epochs is not None:
        yield f"a training has {counted(found.epochs, 'epoch')}"
    if found.resume is not None and found.resume.words:
        folder = found.resume.folder
        off = found.resume.flag if found.resume.is_below_given else folder
        text = (
            f"a trial that was ended goes on from its own checkpoint by {found.resume.flag}, in a folder of its own "
            f"({folder}); to turn that off, give {off} in the command"
        )
        yield from wrapped(text, rest="  ")
    if found.left_out:
        yield from wrapped(f"left out: {'; '.join(_reasons(found.left_out))}", rest="  ")


def lack_lines(found: FoundParameters) -> Iterator[str]:
    """Yield what the script lacks, with the lines that add it, and what was seen of its own checkpoints."""
    for lack in found.lacks:
        yield from wrapped(f"lacks {lack.what}{':' if lack.mend else ''}", rest="  ")
        yield from (f"    {line}" for line in lack.mend)
    if found.resume is not None and not found.resume.words:
        flag, folder = found.resume.flag, found.resume.folder
        why = "it has no flag for the folder where it saves" if folder is None else f"{folder} is given, or {flag} is"
        yield f"{flag} is not used to go on: {why}; a trial that was ended is trained anew"


def confirm(program: Sequence[str]) -> None:
    """Let the user confirm the numbers that were found in a program's command.

    Raises:
        SettingError: the user does not, or is not there.
    """
    if sys.stdin is not None and sys.stdin.isatty():
        if click.confirm("tune these?", default=True, err=True):
            return
        raise SettingError("nothing was tuned; name what may be: --space FILE.toml, and {name} in the command")
    raise SettingError(
        f"{program[0]} cannot be looked into, so that its numbers are to be confirmed: "
        f"{advice('init', program=program)} writes them to tunewell.toml"
    )


def _range(param: Param) -> str:
    if isinstance(param, Choice):
        return ", ".join(map(short, param.values))
    return f"{short(param.low)} to {short(param.high)}"


def _scale(param: Param) -> str:
    return "choice" if isinstance(param, Choice) else param.scale


def _reasons(left_out: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield `data_dir, out_dir (is a path)` for each reason."""
    unique = list(dict.fromkeys(left_out))
    order = list(dict.fromkeys(reason for _, reason in unique))
    for reason, group in groupby(sorted(unique, key=lambda one: order.index(one[1])), key=lambda one: one[1]):
        names = [name for name, _ in group]
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        yield f"{', '.join(names[:_MOST_NAMES])}{more} ({reason})"
