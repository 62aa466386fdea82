"""Output with nothing in it that a terminal obeys."""

from __future__ import annotations

import sys

import click

from tunewell.display.terminal import shown


def echo(message: object = "", *, err: bool = False, color: bool | None = None) -> None:
    """Print a line; colors are left out where the output is no terminal."""
    click.echo(shown(str(message)), err=err, color=color)


def echo_data(text: str) -> None:
    """Print data to standard output: as they are, unless they are looked at on a terminal."""
    click.echo(shown(text) if sys.stdout.isatty() else text, nl=False)
