"""`tunewell init`: what may be tuned of a script that has never heard of tunewell, in a file to be looked at."""

from __future__ import annotations

import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tunewell.advice import advice
from tunewell.cli.echo import echo
from tunewell.cli.found_report import lack_lines, lines
from tunewell.cli.job import ProgramCommand, static_option
from tunewell.cli.options import json_option
from tunewell.cli.printing import print_json, print_lines
from tunewell.cli.space_command import print_preview
from tunewell.errors import SettingError
from tunewell.whole_file import whole_file

if TYPE_CHECKING:
    from tunewell.scripts import FoundParameters

_FILE = "tunewell.toml"
_HEAD = """# What `tunewell tune` does in this folder. Ranges and scales are the field's usual ones around the script's
# own defaults: look at them, and take out what should not be tuned, here and in the command.
"""


class _FromTheBeginning(ProgramCommand):
    """A command that a settings file which is there already says nothing to."""

    takes_settings = False


@click.command("init", cls=_FromTheBeginning)
@click.argument("script", required=False)
@static_option
@click.option("--metric", metavar="NAME", help="Which printed number is optimized.")
@click.option("--force", is_flag=True, help=f"Write over a {_FILE} that is there.")
@json_option
def command(
    *, script: str | None, program: tuple[str, ...], static: bool, metric: str | None, force: bool, as_json: bool
) -> None:
    """Find the hyperparameters of a script that has never heard of tunewell, and write tunewell.toml.

    Of a SCRIPT in Python, or a PROGRAM with its arguments, which stay as they are. It is run up to where it reads
    command line, or its constants are read; nothing in it is changed. Shows what is tuned, what is left out and why,
    and what the script lacks, with the lines that add it.
    """
    from tunewell.scripts import find_parameters  # noqa: PLC0415  --help needs none of it

    words = _words(script, program)
    place = Path(_FILE)
    if place.exists() and not force:
        raise SettingError(f"{_FILE} is there already; --force writes over it")
    found = find_parameters(words, static=static)
    with whole_file(place) as file:
        file.write_text(_toml(found, metric), encoding="utf-8")
    if as_json:
        print_json(_record(found))
    else:
        print_lines(lines(found))
        echo()
        print_preview(found.space, as_json=False)
        echo()
        print_lines(lack_lines(found))
    echo(f"wrote {_FILE}; {advice('tune')} tunes with it", err=True)


def _words(script: str | None, program: tuple[str, ...]) -> tuple[str, ...]:
    """Return the program that the command line names."""
    if (script is None) == (not program):
        both = f"give a script ({script}) or a program (after --), not both"
        raise SettingError(both if script else "give a Python file, or a program after --: tunewell init train.py")
    if script is None:
        return program
    on_path = shutil.which("python")
    is_ours = on_path is not None and Path(on_path).parent == Path(sys.executable).parent
    return ("python" if is_ours else sys.executable, script)


def _toml(found: FoundParameters, metric: str | None) -> str:
    import tomli_w  # noqa: PLC0415  only who writes TOML needs it

    settings: dict[str, Any] = {"command": list(found.command)}
    settings |= {} if metric is None else {"metric": metric}
    settings |= {} if found.epochs is None else {"max_epochs": found.epochs}
    return f"{_HEAD}{tomli_w.dumps({**settings, 'space': found.space.to_dict()})}"


def _record(found: FoundParameters) -> dict[str, object]:
    return {
        "command": list(found.command),
        "max_epochs": found.epochs,
        "space": found.space.to_dict(),
        "left_out": [{"name": name, "why": why} for name, why in found.left_out],
        "lacks": [asdict(lack) for lack in found.lacks],
        "resume": None if found.resume is None else asdict(found.resume),
        "how": found.how,
    }
