"""The training of a study that is on record, as far as it is here, and was not put on record to be run."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import click

from tunewell.cli.echo import echo
from tunewell.cli.job import Job, job
from tunewell.cli.settings import named_in_settings
from tunewell.errors import SettingError
from tunewell.study import Study


def recorded_job(study: Study, say: Callable[..., str]) -> Job:
    """Return the script that a study was begun with, if it is here; of a command on record no more is used.

    say: returns the command that names what is trained itself, of the words that follow and of `program`.

    Raises:
        SettingError: the study was begun with something else, or that is not here.
    """
    from tunewell.cli.tune_command import command as tune  # noqa: PLC0415  for its options

    commands = [_words(session.command) for session in study.sessions()]
    begun = [words for words in commands if "tune" in words]
    if not begun:
        raise SettingError("the record does not say what is trained; say it: " + say("train.py"))
    words = begun[-1][begun[-1].index("tune") + 1 :]
    begun_with = tune.make_context("tune", words, resilient_parsing=True).params
    if not begun_with["program"] and not begun_with["script"]:  # it was begun with what its settings file names
        named, command_line = named_in_settings(click.get_current_context())
        if named or command_line:
            echo(f"training {named or shlex.join(command_line)}, as the settings here say", err=True)
            return job(named, command_line, None)
        raise SettingError(
            "the study trains what a settings file says, which is not in this folder; say what it trains: "
            + say("train.py")
        )
    if begun_with["program"]:
        raise SettingError(
            "the study was begun with a program, which no record can have run here; say it yourself: "
            + say(program=begun_with["program"])
        )
    script, space_file = Path(begun_with["script"] or ""), begun_with["space_file"]
    for file in (script, *([] if space_file is None else [Path(space_file)])):
        if not _is_here(file):
            what = "trains" if file is script else "has its space from"
            raise SettingError(
                f"the study {what} {str(file)!r}, which is not in this folder; say what it trains: "
                + say(f"PATH/{script.name}")
            )
    echo(f"training {script}, as the record says", err=True)
    return job(str(script), (), space_file)


def _is_here(file: Path) -> bool:
    """Return True if it is a file in this folder, or below: a record may name any, and what it names is run."""
    try:
        return file.is_file() and Path.cwd() in file.resolve().parents
    except (OSError, ValueError, RuntimeError):  # no name of a file, or links that lead round in circles
        return False


def _words(command: str) -> list[str]:
    """Split a command as a shell would; return nothing where that cannot be done."""
    try:
        return shlex.split(command)
    except ValueError:  # no shell would take it either
        return []
