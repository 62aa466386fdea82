"""`tunewell merge`: studies of several stores in one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import click

from tunewell.cli.echo import echo
from tunewell.cli.options import checkpoints_option, json_option
from tunewell.cli.printing import print_json
from tunewell.display.formatting import counted
from tunewell.errors import SettingError
from tunewell.stores import IN_MEMORY
from tunewell.study.copied import ADDED, MORE, SKIPPED, Merged
from tunewell.study.merging import merging


@click.command("merge")
@click.argument("stores", nargs=-1, required=True, metavar="STORE...")
@click.option(
    "--into", required=True, metavar="PATH|URL", help="Where they are merged to; it may have studies already."
)
@click.option("--study", "studies", multiple=True, metavar="NAME", help="Merge this one only; may be repeated.")
@click.option("--as", "name", metavar="NAME", help="Join them into one study of this name, with all their trials.")
@checkpoints_option
@json_option
@click.pass_context
def command(
    context: click.Context,
    *,
    stores: tuple[str, ...],
    into: str,
    studies: tuple[str, ...],
    name: str | None,
    checkpoints: str | None,
    as_json: bool,
) -> None:
    """Copy the studies of several STOREs, files or postgresql://USER@HOST/DATABASE, to one.

    Each keeps all that is on record of it, and its checkpoints. One that is there already takes what is new. With --as
    studies of the same space, metric and direction become one. The STOREs stay as they are.
    """
    for url in (*stores, into):
        if url in IN_MEMORY:
            raise SettingError(f"nothing is kept in {url!r}, which ends with this command; name a file")
    done = []
    for merged in merging(stores, into, studies=studies, name=name, checkpoints=checkpoints):
        done.append(merged)
        if not as_json:
            _print(merged)
    if as_json:
        print_json([asdict(merged) for merged in done])
    elif not done:
        echo(f"there is no study yet in {' and '.join(stores)}", err=True)
    if any(merged.outcome == SKIPPED for merged in done):
        context.exit(1)


def _print(merged: Merged) -> None:
    here = f"{merged.store}: {merged.study}"
    if merged.outcome == SKIPPED:
        echo(f"{here}: skipped: {'; '.join(merged.notes)}", err=True)
        return
    there = "" if merged.name == merged.study else f" -> {merged.name}"
    echo(f"{here}{there}: {', '.join(_came(merged))}")
    for note in merged.notes:
        echo(f"{here}: {note}", err=True)


def _came(merged: Merged) -> Iterator[str]:
    if merged.outcome not in (ADDED, MORE):
        yield merged.outcome
        return
    new = " more" if merged.outcome == MORE else ""
    yield f"{merged.trials}{new} {counted(merged.trials, 'trial').partition(' ')[2]}"
    yield counted(merged.reports, "report")
    if merged.checkpoints:
        yield counted(merged.checkpoints, "checkpoint")
