"""`tunewell space`: a preview of what a space draws, before any training."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
import numpy as np

from tunewell.advice import Options, advice, script_argument
from tunewell.cli.echo import echo, echo_data
from tunewell.cli.options import json_option
from tunewell.cli.printing import fitted, print_json, print_lines
from tunewell.cli.space_file import print_notes, read_foreign_space, read_space
from tunewell.errors import SettingError
from tunewell.space.foreign import SUFFIXES, Foreign
from tunewell.space.preview import lines, preview
from tunewell.space.space import Space


@click.command("space")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--toml", "as_toml", is_flag=True, help="Print the space as TOML, which --space of other commands takes.")
@json_option
def command(file: Path, *, as_toml: bool, as_json: bool) -> None:
    """Show what a space draws, a small histogram a parameter.

    FILE is a Python file with a `space`, a space as TOML, a settings file, or a space of another tool: a W&B sweep,
    Optuna's distributions, ConfigSpace's JSON, KerasTuner's oracle.json. Each histogram is on its parameter's own axis,
    so that a wrong scale is seen before it costs a training.
    """
    if as_toml and as_json:
        raise SettingError("--toml and --json are two ways to print the same; say one of them")
    if file.suffix in SUFFIXES:
        found = read_foreign_space(file)
        space = found.space
        print_notes(found)
        echo(f"as tunewell tunes it: {_advice(file, found)}", err=True)
    else:
        space = read_space(file)
    print_warnings(space)
    if as_toml:
        echo_data(space.to_toml())
        return
    print_preview(space, as_json=as_json)


def _advice(file: Path, found: Foreign) -> str:
    """Return the command that tunes what another tool's file says is tuned, as it says."""
    options: Options = {"--space": script_argument(file), **found.options}
    return advice("tune", *(() if found.program else ("SCRIPT",)), options=options, program=found.program)


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
