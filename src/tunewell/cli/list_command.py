"""`tunewell list`: the studies of a store."""

from __future__ import annotations

import click

from tunewell.cli.echo import echo
from tunewell.cli.options import existing_store, json_option, store_option
from tunewell.cli.printing import print_json, print_lines, table
from tunewell.display.formatting import age, measured
from tunewell.display.records import study_record
from tunewell.display.summary import spent_of_budget
from tunewell.study import Study


@click.command("list")
@store_option
@json_option
def command(*, store: str | None, as_json: bool) -> None:
    """List the studies on record, the newest last."""
    with existing_store(store) as opened:
        studies = [Study.open(opened, record.name) for record in opened.studies()]
        if as_json:
            print_json([study_record(study) for study in studies])
        elif not studies:
            echo(f"{opened.url} has no study yet; `tunewell tune` makes one", err=True)
        else:
            columns = ("study", "metric", "best", "trials", "spent", "begun")
            print_lines(table(columns, [_cells(study) for study in studies]))


def _cells(study: Study) -> tuple[object, ...]:
    best = study.best_so_far
    record = study.record
    return (
        record.name,
        record.metric,
        best and measured(best.value),
        len(study.trials),
        spent_of_budget(study),
        age(record.created_at),
    )
