"""`tunewell replay`: the schedule of parameters that a steered trial ended up with."""

from __future__ import annotations

import click

from tunewell.cli.options import existing_study, json_option, store_option
from tunewell.cli.printing import print_json, print_lines, table


@click.command("replay")
@click.argument("study")
@click.argument("trial", type=int)
@store_option
@json_option
def command(*, study: str, trial: int, store: str | None, as_json: bool) -> None:
    """Print the values of a trial's parameters by epoch, from its first one on.

    Those of the trials that it branched from come first. `tunewell tune SCRIPT --schedule-from STUDY:TRIAL` trains
    afresh with it.
    """
    with existing_study(store, study) as opened:
        segments = opened.schedule(trial)
    if as_json:
        print_json([{"trial": s.trial, "first": s.first, "last": s.last, "values": dict(s.values)} for s in segments])
        return
    names = list(dict.fromkeys(name for segment in segments for name in segment.values))
    rows = [(s.trial, f"{s.first} to {s.last}", *(s.values.get(name) for name in names)) for s in segments]
    print_lines(table(("trial", "epochs", *names), rows))
