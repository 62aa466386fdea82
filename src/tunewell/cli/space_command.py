"""`tunewell space`: a preview of what a space draws, before any training."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
import numpy as np

from tunewell.cli.echo import echo
from tunewell.cli.options import json_option
from tunewell.cli.printing import fitted, print_json, print_lines
from tunewell.errors import ScriptError, SpaceError
from tunewell.space.preview import lines, preview
from tunewell.space.space import Space
from tunewell.training.script import load_script


@click.command("space")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def command(file: Path, *, as_json: bool) -> None:
    """Show what a space draws, a small histogram a parameter.

    FILE is a Python file with a `space`, or a space as TOML. Each histogram is on its parameter's own axis, so that
    a wrong scale is seen before it costs a training.
    """
    space = read_space(file)
    print_warnings(space)
    print_preview(space, as_json=as_json)


def read_space(file: Path) -> Space:
    """Read the space in a Python or TOML file.

    Raises:
        ScriptError: there is no such file, or no space in it.
        SpaceError: the TOML describes none.
    """
    if file.suffix != ".toml":
        return load_script(file).needed_space()
    try:
        return Space.from_toml(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ScriptError(f"{file} cannot be read: {error.strerror}; give the file that holds the space") from error
    except (SpaceError, UnicodeDecodeError) as error:
        raise SpaceError(f"{file}: {error}") from error


def print_warnings(space: Space) -> None:
    """Print what looks like a mistake to standard error."""
    for warning in space.warnings():
        echo(f"{click.style('warning:', fg='yellow', bold=True)} {warning}", err=True)


def print_preview(space: Space, *, as_json: bool) -> None:
    """Print what will be drawn, as pictures or as figures."""
    histograms = preview(space, np.random.default_rng(0))
    if as_json:
        print_json([asdict(histogram) for histogram in histograms])
        return
    print_lines(map(fitted, lines(histograms)))
