"""Output with nothing in it that a terminal obeys."""

from __future__ import annotations

import io
import sys

import click

from tunewell.display.terminal import shown


def echo(message: object = "", *, err: bool = False, color: bool | None = None) -> None:
    """Print a line; colors are left out where the output is no terminal."""
    click.echo(shown(str(message)), err=err, color=color)


def echo_data(text: str) -> None:
    """Print data to standard output: as they are, unless they are looked at on a terminal.

    Raises:
        OSError: a part of them found no place.
    """
    stream = getattr(sys.stdout, "buffer", None)
    if sys.stdout.isatty() or not isinstance(stream, io.RawIOBase):
        click.echo(shown(text) if sys.stdout.isatty() else text, nl=False)
        return
    # unbuffered (PYTHONUNBUFFERED): Python lets go without a word of what a full disk had no place for
    left = memoryview(text.encode(sys.stdout.encoding, sys.stdout.errors or "strict"))
    while left:
        left = left[stream.write(left) or 0 :]
