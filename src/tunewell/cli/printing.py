"""Printing: lines, tables and JSON, in the style and width of a terminal; what users' code prints goes elsewhere."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from functools import partial

import click

from tunewell.cli.echo import echo
from tunewell.display import tables
from tunewell.display.records import json_text

_READABLE, _NARROWEST = 100, 40
_bold = partial(click.style, bold=True)
_dim = partial(click.style, dim=True)


def print_lines(lines: Iterable[str], *, err: bool = False) -> None:
    """Print each line, to standard output or to standard error."""
    for line in lines:
        echo(line, err=err)


def print_json(data: object) -> None:
    """Print one JSON document."""
    echo(json_text(data))


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    """Yield the lines of a table that fits the terminal, its header bold."""
    return tables.table(columns, rows, width=_width(), heading=_bold)


def facts(pairs: Mapping[str, object]) -> Iterator[str]:
    """Yield a line a fact, its name dim; a fact that is None is left out."""
    return tables.facts(pairs, label=_dim)


def fitted(line: str) -> str:
    """Return the line, cut to the terminal's width; whole if it goes to a file or another program."""
    return tables.fitted(line, _width())


def wrapped(text: str, first: str = "", rest: str | None = None) -> list[str]:
    """Return a paragraph as lines that fit the terminal and are not too wide to read, the first with its own indent.

    rest: begins the lines after the first; as many spaces as the first one's indent has, if None.
    """
    rest = " " * len(click.unstyle(first)) if rest is None else rest
    width = min(_READABLE, max(_NARROWEST, _width()))
    lines = textwrap.wrap(
        text, width, initial_indent=" " * len(click.unstyle(first)), subsequent_indent=rest, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
    return [first + lines[0][len(click.unstyle(first)) :], *lines[1:]] if lines else [first]


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize


@contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Send what the user's code prints inside to standard error: in this process, in workers and in programs."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
