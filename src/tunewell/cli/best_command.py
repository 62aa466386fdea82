"""`tunewell best`: the best setting of a study."""

from __future__ import annotations

import click

from tunewell.cli.echo import echo
from tunewell.cli.front_report import front_lines
from tunewell.cli.lineage_report import steered_line
from tunewell.cli.options import existing_study, json_option, store_option, study_argument
from tunewell.cli.printing import print_json, print_lines
from tunewell.cli.results_report import bound_lines, confirmed_lines, unfinished_line
from tunewell.display.formatting import measured
from tunewell.display.records import best_record, front_records
from tunewell.display.tables import setting_lines
from tunewell.errors import CheckpointError


@click.command("best")
@study_argument
@store_option
@json_option
@click.option("--checkpoint", "only_checkpoint", is_flag=True, help="Print only the file with the state of that epoch.")
def command(*, study: str | None, store: str | None, as_json: bool, only_checkpoint: bool) -> None:
    """Print the best setting of STUDY, fit to be pasted into Python.

    Without STUDY it is the newest that has an epoch on record.
    """
    with existing_study(store, study) as opened:
        best = opened.best
        metric, name = opened.metric, opened.record.name
        unfinished = unfinished_line(opened, best)
        steered = steered_line(opened, best.trial)
        advice = [*front_lines(opened), *opened.doubts(), *confirmed_lines(opened), *bound_lines(opened)]
        front = front_records(opened)
        what = "knee of the front: " if opened.aims.are_several else ""
    if only_checkpoint:
        if best.checkpoint is None:
            raise CheckpointError(
                f"no state of trial {best.trial} after epoch {best.epoch} was kept; it is where the training function "
                "calls run.track(model=...), and the study is in a file"
            )
        echo(str(best.checkpoint))
        return
    if as_json:
        print_json({"study": name, "metric": metric} | best_record(best) | ({"front": front} if front else {}))
        return
    echo(f"study {name!r}: {what}{metric} {measured(best.value)}, trial {best.trial}, epoch {best.epoch}", err=True)
    if unfinished is not None:
        echo(unfinished, err=True)
    print_lines(setting_lines(best.params))
    if steered is not None:
        echo(steered, err=True)
    print_lines(advice, err=True)
