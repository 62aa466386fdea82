"""The space in a file: a Python file, ours as TOML, the settings of a folder, or what another tool has written."""

from __future__ import annotations

from pathlib import Path
from tomllib import TOMLDecodeError

import click

from tunewell.cli.echo import echo
from tunewell.cli.settings import SPACE
from tunewell.cli.settings_file import OWN, SHARED, settings_in
from tunewell.errors import ScriptError, SpaceError
from tunewell.space.foreign import SUFFIXES, Foreign, read_foreign
from tunewell.space.space import Space
from tunewell.training.script import load_script


def read_space(file: Path) -> Space:
    """Read the space in a file; what cannot be taken of another tool's is printed to standard error.

    Raises:
        ScriptError: there is no such file, or no space in it.
        SpaceError: it describes none.
    """
    if file.suffix in SUFFIXES:
        found = read_foreign_space(file)
        print_notes(found)
        return found.space
    if file.suffix != ".toml":
        return load_script(file).needed_space()
    try:
        return _of_toml(file)
    except SpaceError as error:
        raise SpaceError(f"{file}: {error}") from error


def _of_toml(file: Path) -> Space:
    """Return the space in a TOML file: all of it, or the table of a settings file."""
    text = _text(file)
    try:
        settings = settings_in(file, text)
    except TOMLDecodeError as error:
        raise SpaceError(f"the space is not valid TOML: {error}") from error
    table = None if settings is None else settings.table.get(SPACE)
    if isinstance(table, dict) and not isinstance(table.get("type"), str):  # which would be a parameter of that name
        return Space.from_dict(table)
    if file.name in (OWN, SHARED):
        where = ".".join(("tool", "tunewell", SPACE) if file.name == SHARED else (SPACE,))
        raise SpaceError(f"it has no [{where}.NAME], in which a parameter stands")
    return Space.from_toml(text)


def read_foreign_space(file: Path) -> Foreign:
    """Read the space that another tool has written, and what it says besides.

    Raises:
        ScriptError: there is no such file.
        SpaceError: no tool that is known writes such a file, or its space cannot be used.
    """
    try:
        return read_foreign(_text(file), file.suffix)
    except SpaceError as error:
        raise SpaceError(f"{file}: {error}") from error


def print_notes(found: Foreign) -> None:
    """Print what another tool's file says that a space cannot, to standard error."""
    for note in found.notes:
        echo(f"{click.style('note:', bold=True)} {note}", err=True)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ScriptError(f"{file} cannot be read: {error.strerror}; give the file that holds the space") from error
    except UnicodeDecodeError as error:
        raise SpaceError(f"{file}: {error}") from error
