"""`tunewell export`: the record as a file for a spreadsheet or a program."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from tunewell.cli.echo import echo, echo_data
from tunewell.cli.excel_file import excel_file
from tunewell.cli.options import existing_study, store_option, study_argument
from tunewell.display.formatting import counted
from tunewell.display.records import json_text, study_record, whole_study_record
from tunewell.display.spreadsheet import csv_text, trial_rows, without_zone
from tunewell.errors import SettingError, TrackerError
from tunewell.study import Study
from tunewell.whole_file import whole_file

_FORMATS = ("csv", "json", "xlsx")


@click.command("export")
@study_argument
@click.option(
    "--format",
    "kind",
    type=click.Choice(_FORMATS),
    help="csv, json or xlsx (Excel).  [default: as --output ends, else csv]",
)
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Where to.  [default: standard output]")
@click.option(
    "--what",
    type=click.Choice(["trials", "reports"]),
    default="trials",
    help="The rows of a CSV file: a trial each, or an epoch each.  [default: trials]",
)
@click.option(
    "--to",
    "tracker",
    metavar="TRACKER",
    help="Send the study to a tracker instead: mlflow[:URI], wandb[:PROJECT], tensorboard:FOLDER or trackio. What is "
    "there already is not sent again.",
)
@store_option
def command(
    *, study: str | None, kind: str | None, output: Path | None, what: str, tracker: str | None, store: str | None
) -> None:
    """Write the record of STUDY to a file, or send it to a tracker.

    Without STUDY it is the newest that has an epoch on record. JSON holds all that is known; Excel has a sheet each
    for its trials, their curves and reports, and the study, and a chart of the best.
    """
    if tracker is not None:
        for option, given in (("--format", kind), ("--output", output)):
            if given is not None:
                raise SettingError(f"{option} is for a file, and --to for a tracker; leave one of them out")
        _send(study, tracker, store)
        return
    kind = kind or _format_of(output)
    if output is not None and not output.parent.is_dir():
        raise SettingError(f"--output {output}: there is no folder {str(output.parent)!r}; make it, or write elsewhere")
    with existing_study(store, study) as opened:
        if kind == "xlsx":
            _write_excel(opened, output)
        elif kind == "json":
            _write_text(json_text(whole_study_record(opened)) + "\n", output)
        else:
            _write_text(csv_text(trial_rows(opened) if what == "trials" else report_rows(opened)), output)
        name = opened.record.name
    if output is not None:
        echo(f"study {name!r} is in {output}", err=True)


def _send(name: str | None, tracker: str, store: str | None) -> None:
    """Send a study to a tracker, and say what was sent."""
    from tunewell.bridges.cursor import Cursor  # noqa: PLC0415  a file needs no tracker
    from tunewell.bridges.follower import Follower  # noqa: PLC0415
    from tunewell.bridges.places import sink_place  # noqa: PLC0415

    place = sink_place(tracker)
    with existing_study(store, name) as opened:
        record = opened.record
        with Cursor(opened.store, record, place) as cursor:
            follower = Follower(opened.store, record, place.sink, cursor)
            follower.connect()
            while follower.forward():
                pass
            follower.end()
    sent = follower.sent
    if sent.refused:
        trials = ", ".join(map(str, sorted(sent.refused)))
        raise TrackerError(f"trials {trials} were refused: {next(iter(sent.refused.values()))}", lasting=True)
    what = f"{counted(sent.epochs, 'epoch')} of {counted(len(sent.trials), 'trial')}"
    echo(f"study {record.name!r} is in {place}: {what} sent" if sent.trials else f"nothing new for {place}", err=True)


def report_rows(study: Study) -> list[dict[str, object]]:
    """Return a flat row a report: its trial, epoch and time, and every metric that any report has.

    A metric with the name of another column goes by `metric_...`.
    """
    reports = study.reports()
    names = dict.fromkeys(name for report in reports for name in report.metrics)
    columns = {name: f"metric_{name}" if name in ("trial", "epoch", "reported_at") else name for name in names}
    return [
        {"trial": report.trial, "epoch": report.epoch, "reported_at": without_zone(report.at)}
        | {column: report.metrics.get(name) for name, column in columns.items()}
        for report in reports
    ]


def _format_of(output: Path | None) -> str:
    if output is None or not output.suffix:
        return "csv"
    kind = output.suffix.removeprefix(".").lower()
    if kind not in _FORMATS:
        raise SettingError(
            f"what {output} should hold cannot be told from its name; say --format {', '.join(_FORMATS)}"
        )
    return kind


def _write_text(text: str, output: Path | None) -> None:
    if output is None:
        echo_data(text)
    else:
        with whole_file(output) as path:
            path.write_text(text, encoding="utf-8", newline="")


def _write_excel(study: Study, output: Path | None) -> None:
    if output is None:
        raise SettingError("an Excel file cannot go to standard output; say --output FILE.xlsx")
    content, n_cut = excel_file(study, trial_rows(study), report_rows(study), _about(study))
    with whole_file(output) as path:
        path.write_bytes(content)
    if n_cut:
        echo(f"{counted(n_cut, 'text')} longer than a cell of Excel may be, and cut; --format json has all", err=True)


def _about(study: Study) -> list[dict[str, object]]:
    """Return the study itself, a row a fact."""
    facts = study_record(study).items()
    return [
        {"name": name, "value": json_text(value) if isinstance(value, Mapping | list) else value}
        for name, value in facts
    ]
