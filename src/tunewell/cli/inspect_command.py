"""`tunewell inspect`: the mistakes that can be seen in a training program."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from tunewell.cli.echo import echo
from tunewell.cli.options import json_option
from tunewell.cli.printing import print_json, print_lines, stdout_to_stderr
from tunewell.display.formatting import counted

if TYPE_CHECKING:
    from tunewell.inspection import Inspected, Mistake

_WIDTH = 100


@click.command("inspect", context_settings={"ignore_unknown_options": True})
@click.argument("script")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.option("--static", is_flag=True, help="Read the source alone; nothing of it is run.")
@json_option
@click.pass_context
def command(context: click.Context, *, script: str, arguments: tuple[str, ...], static: bool, as_json: bool) -> None:
    """Look for mistakes in a training program: in its source, and while its first steps run.

    SCRIPT is a Python file as `tunewell tune` takes it, or any that trains; what follows it is its own. Exit code 1
    means that a mistake was found.
    """
    from tunewell.inspection import inspect  # noqa: PLC0415  --help needs none of it

    with stdout_to_stderr():
        found = inspect(script, arguments, static=static)
    if found.not_run is not None:
        echo(f"its steps could not be looked at, only its source: {found.not_run}", err=True)
    if not found.uses_framework:
        echo("it names neither PyTorch, Keras nor JAX, whose mistakes are known: little can be seen of it", err=True)
    if as_json:
        print_json([one.as_dict() for one in found.mistakes])
    else:
        print_lines(_lines(script, found))
    if found.mistakes:
        context.exit(1)


def _lines(script: str, found: Inspected) -> Iterator[str]:
    looked = "in its source and its first steps" if found.was_run else "in its source"
    if not found.mistakes:
        yield f"{script}: no mistake is seen {looked}"
        return
    for one in found.mistakes:
        yield from described(one)
        yield ""
    yield f"{counted(len(found.mistakes), 'mistake')} seen {looked}"


def described(one: Mistake) -> Iterator[str]:
    """Yield the lines on a mistake: where it is, what it does, and its mend."""
    from tunewell.inspection import KINDS  # noqa: PLC0415  as above

    kind = KINDS[one.kind]
    place = f"{one.place}: " if one.place else ""
    yield f"{place}{click.style(one.kind, bold=True)}: {kind.title}"
    parts = {"seen": one.seen, "means": kind.meaning, "mend": one.mend, "check": kind.check, "or": kind.otherwise}
    for name, text in parts.items():
        yield from textwrap.wrap(
            text, _WIDTH, initial_indent=f"  {name:<6}", subsequent_indent=" " * 8, break_long_words=False
        )
