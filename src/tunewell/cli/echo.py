"""Output with nothing in it that a terminal obeys: names and notes of a record are data."""

from __future__ import annotations

import re

import click

# bold, dim and the colors of letters are ours; a record that brings them along hides nothing by them
_COLOR = re.compile(r"(\x1b\[(?:0|1|2|22|3[0-79]|9[0-7])(?:;(?:0|1|2|22|3[0-79]|9[0-7]))*m)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def shown(text: str) -> str:
    r"""Return the text, with control characters spelled out: a window's title is not set by a study's name.

    Lines, tabs and colors stay; `\r` does not.
    """
    if not _CONTROL.search(text):
        return text
    return "".join(
        part if _COLOR.fullmatch(part) else _CONTROL.sub(lambda found: ascii(found[0])[1:-1], part)
        for part in _COLOR.split(text)
    )


def echo(message: object = "", *, err: bool = False, color: bool | None = None) -> None:
    """Print a line; colors are left out where the output is no terminal."""
    click.echo(shown(str(message)), err=err, color=color)
