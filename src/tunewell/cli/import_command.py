"""`tunewell import`: runs of a tracker, or of a file, as a study."""

from __future__ import annotations

from dataclasses import asdict

import click

from tunewell.advice import advice
from tunewell.cli.echo import echo
from tunewell.cli.options import json_option
from tunewell.cli.printing import facts, print_json, print_lines, stdout_to_stderr
from tunewell.display.formatting import counted
from tunewell.errors import SettingError, StoreError
from tunewell.stores import IN_MEMORY, default_store, open_store

_COLUMNS = ("run", "epoch", "state", "started", "ended", "at", "params", "metrics")


@click.command("import")
@click.argument("source")
@click.option(
    "--into",
    "store",
    metavar="PATH|URL",
    help="The store that the study is to be in.  [default: $TUNEWELL_STORE, else tunewell.db]",
)
@click.option("--study", "name", metavar="NAME", help="The study's name.  [default: imported]")
@click.option("--metric", metavar="NAME", help="What was optimized, where the source does not say.")
@click.option(
    "--direction",
    type=click.Choice(["minimize", "maximize"]),
    help="Which way the metric is better, where its name does not say.",
)
@click.option(
    "--rename",
    metavar="THEIRS=NAME",
    multiple=True,
    help="What a parameter is to be called; two that mean the same may have one name. May be given several times.",
)
@click.option(
    "--columns",
    metavar="WHAT=COLUMN,...",
    help="Of a CSV file: which columns are run, epoch, state, started, ended, at; params=A+B and metrics=C+D.",
)
@json_option
def command(
    *,
    source: str,
    store: str | None,
    name: str | None,
    metric: str | None,
    direction: str | None,
    rename: tuple[str, ...],
    columns: str | None,
    as_json: bool,
) -> None:
    """Take runs of a tracker into a study, each once however often it is called.

    SOURCE is mlflow:URI[#EXPERIMENT], wandb:ENTITY/PROJECT or wandb:FOLDER (offline), tensorboard:FOLDER,
    trackio:PROJECT or trackio:FILE.db, optuna:URL[#STUDY] or optuna:JOURNAL, or csv:FILE. It is only read.

        tunewell import mlflow:sqlite:///mlflow.db#digits --study digits-of-last-year

    The study can be shown and diagnosed, and `tunewell tune --warm-start STUDY` learns from it.
    """
    from tunewell.bridges.base import AlreadyRead  # noqa: PLC0415
    from tunewell.bridges.csv import CsvSource  # noqa: PLC0415  --help needs no bridge
    from tunewell.bridges.importing import aim, take_in  # noqa: PLC0415
    from tunewell.bridges.places import source_place  # noqa: PLC0415

    if (store or default_store()) in IN_MEMORY:
        raise SettingError("what is taken into memory ends with this command; name a file: --into FILE")
    renamed = _pairs("--rename", list(rename))
    place = source_place(source)
    reader = place.source()
    if columns is not None:
        if not isinstance(reader, CsvSource):
            raise SettingError(f"--columns is for a CSV file; {place} says itself which is which")
        given = _pairs("--columns", columns.split(","))
        for what in given:
            if what not in _COLUMNS:
                raise SettingError(f"--columns knows {', '.join(_COLUMNS)}; got {what!r}")
        listed = {what: given.pop(what).split("+") for what in ("params", "metrics") if what in given}
        reader = CsvSource(place, given, **listed)
    if metric is not None and isinstance(reader, CsvSource):
        reader = CsvSource(place, reader.columns, reader.params, [*reader.metrics, metric])
    with stdout_to_stderr():
        read = AlreadyRead.of(reader)
        try:
            opened = open_store(store or default_store(), create=False)
        except StoreError:
            aim(read.found, metric, direction)  # what is wrong is known before a store is made
            opened = open_store(store or default_store())
        try:
            result = take_in(read, opened, name or "imported", metric=metric, direction=direction, renamed=renamed)
        finally:
            opened.close()
    if as_json:
        print_json(asdict(result))
        return
    print_lines((f"note: {line}" for line in result.notes), err=True)
    for line in result.warnings:
        echo(f"{click.style('warning:', fg='yellow', bold=True)} {line}", err=True)
    without = f", of which {result.without_metric} never logged the metric" if result.without_metric else ""
    print_lines(
        facts(
            {
                "new": f"{counted(result.new, 'run')}, {counted(result.epochs, 'epoch')}{without}",
                "grown": counted(result.grown, "run") if result.grown else None,
                "known": f"{counted(result.unchanged, 'run')}, with nothing new" if result.unchanged else None,
                "record": f"study {result.study!r} in {store or default_store()}",
                "look": advice("show", result.study, store=store),
            }
        )
    )


def _pairs(option: str, given: list[str]) -> dict[str, str]:
    found = {}
    for pair in given:
        theirs, equals, ours = pair.rpartition("=")
        if not (equals and theirs.strip() and ours.strip()):
            raise SettingError(f"{option} takes NAME=NAME, got {pair!r}")
        found[theirs.strip()] = ours.strip()
    return found
