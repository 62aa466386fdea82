"""`tunewell export`: the record as a file for a spreadsheet or a program."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from tunewell.cli.echo import echo, echo_data
from tunewell.cli.options import existing_study, store_option, study_argument
from tunewell.display.formatting import counted
from tunewell.display.records import json_text, study_record, whole_study_record
from tunewell.display.spreadsheet import csv_text, trial_rows, without_zone
from tunewell.errors import MissingExtra, SettingError, TrackerError
from tunewell.study import Study
from tunewell.whole_file import whole_file

_FORMATS = ("csv", "json", "xlsx")
_MOST_ROWS = 2**20
"""The rows of an Excel sheet, its header among them."""
_MOST_COLUMNS = 2**14
_LONGEST_TEXT = 32_767
"""The characters of a cell, as Excel counts them: in UTF-16."""
_LARGEST_NUMBER = 10**15
"""Whole numbers from here on have more digits than Excel keeps."""
_NO_CHARACTERS = re.compile("[\ud800-\udfff\ufffe\uffff]")
"""Those that no XML has, besides those that openpyxl knows of."""


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
    for the study, its trials and its reports.
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
    try:
        from openpyxl import Workbook  # noqa: PLC0415  an extra
    except ImportError:
        raise MissingExtra("openpyxl", "excel", "an Excel file") from None
    sheets = {"trials": trial_rows(study), "reports": report_rows(study), "study": _about(study)}
    book = Workbook(write_only=True)
    n_cut = 0
    for title, rows in sheets.items():
        if len(rows) >= _MOST_ROWS:
            raise SettingError(f"an Excel sheet has no room for {len(rows):,} {title}; export them as csv")
        if rows and len(rows[0]) > _MOST_COLUMNS:
            raise SettingError(
                f"an Excel sheet has no room for {len(rows[0]):,} columns of {title}; export them as csv"
            )
        sheet = book.create_sheet(title)
        lines: list[list[object]] = [list(row) for row in rows[:1]]
        lines += [list(row.values()) for row in rows]
        for line in lines:
            n_cut += sum(isinstance(value, str) and _size(value) > _LONGEST_TEXT for value in line)
            sheet.append([_cell(sheet, value) for value in line])
    content = io.BytesIO()  # on a full disk the zip file would complain once more when it is forgotten
    book.save(content)
    with whole_file(output) as path:
        path.write_bytes(content.getvalue())
    if n_cut:
        echo(f"{counted(n_cut, 'text')} longer than a cell of Excel may be, and cut; --format json has all", err=True)


def _about(study: Study) -> list[dict[str, object]]:
    """Return the study itself, a row a fact."""
    facts = study_record(study).items()
    return [
        {"name": name, "value": json_text(value) if isinstance(value, Mapping | list) else value}
        for name, value in facts
    ]


def _cell(sheet: Any, value: Any) -> Any:
    """Make a cell: a text stays a text whatever it begins with, and is never run as a formula."""
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415  an extra
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE  # noqa: PLC0415

    if isinstance(value, float) and not math.isfinite(value):
        value = str(value)
    if isinstance(value, int) and abs(value) >= _LARGEST_NUMBER:
        value = str(value)
    if not isinstance(value, str):
        return WriteOnlyCell(sheet, value)
    cell = WriteOnlyCell(sheet, _cut(_NO_CHARACTERS.sub("", ILLEGAL_CHARACTERS_RE.sub("", value))))
    cell.data_type = "s"
    return cell


def _cut(text: str) -> str:
    """Return a text that fits into a cell: of one that is too long the beginning, and a word on the rest."""
    if _size(text) <= _LONGEST_TEXT:
        return text
    mark = f"... ({len(text):,} characters; the rest is left out)"
    kept = text.encode("utf-16-le")[: 2 * (_LONGEST_TEXT - len(mark))]
    return kept.decode("utf-16-le", errors="ignore") + mark


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", errors="surrogatepass")) // 2
