"""`tunewell diagnose`: what holds a run back, on what evidence, and the change to make next."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from tunewell.cli.options import existing_study, json_option, store_option
from tunewell.cli.picture import pictures
from tunewell.cli.printing import print_json
from tunewell.diagnosis import Change, Diagnosis, examine
from tunewell.diagnosis.model import level_of
from tunewell.diagnosis.readers import of_trial, read_file
from tunewell.errors import RecordError, SettingError, TrialNotFound
from tunewell.study import Study

_TOLD = 0.05  # findings that are less likely are left to --json
_WIDTH = 100
_KNOWN = {
    "watched": "the curves and what hooks measured",
    "summarized": "the curves and a summary of the data; with hooks it would be surer",
    "configured": "the curves and the settings; with hooks it would be surer",
    "curves": "the curves alone; with the settings it would be surer, with hooks much surer",
}
_FILES = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".log")


@click.command("diagnose")
@click.argument("source", required=False, metavar="[FILE|STUDY]")
@click.option("--trial", "number", type=int, metavar="N", help="Which trial of the study.  [default: the best]")
@click.option("--columns", metavar="CURVE=COLUMN,...", help="What columns hold: train_loss=loss_tr,val_accuracy=acc_te")
@click.option("--curves/--no-curves", "drawn", default=None, help="Draw the curves.  [default: on a terminal]")
@store_option
@json_option
def command(
    *, source: str | None, number: int | None, columns: str | None, drawn: bool | None, store: str | None, as_json: bool
) -> None:
    """Say what holds a training run back.

    FILE is a record in JSON, a CSV file of curves (of Keras, Lightning or one's own), or TensorBoard's event files;
    STUDY is on record in the store, the newest if neither is given.
    """
    if source is not None and _is_file(source):
        if number is not None:
            raise SettingError(f"--trial {number} is for a study, and {source!r} is a file; leave it out")
        name = source
        record: Mapping[str, Any] = read_file(Path(source), _columns(columns))
    else:
        name, record = _trial(source, number, store)
    diagnosis = examine(record)
    if as_json:
        print_json([finding.as_dict() for finding in diagnosis.findings])
        return
    for line in _lines(name, diagnosis, drawn=sys.stdout.isatty() if drawn is None else drawn):
        click.echo(line)


def _is_file(source: str) -> bool:
    """A path that exists, or a name that can only be meant as one."""
    path = Path(source)
    return path.exists() or path.suffix.lower() in _FILES or len(path.parts) > 1


def _columns(told: str | None) -> dict[str, str]:
    """`train_loss=loss_tr,val_loss=loss_te` as a mapping."""
    pairs = [pair.partition("=") for pair in (told or "").split(",") if pair.strip()]
    for curve, equals, column in pairs:
        if not (curve.strip() and equals and column.strip()):
            raise SettingError(f"--columns takes CURVE=COLUMN,... such as train_loss=loss_tr, got {told!r}")
    return {curve.strip(): column.strip() for curve, _, column in pairs}


def _trial(name: str | None, number: int | None, store: str | None) -> tuple[str, Mapping[str, Any]]:
    """A trial's name and its record."""
    with existing_study(store, name) as study:
        chosen = _best(study) if number is None else number
        if not 0 <= chosen < len(study.trials):
            raise TrialNotFound(chosen, len(study.trials))
        reports = study.reports(chosen)
        if not reports:
            raise RecordError(f"trial {chosen} of study {study.record.name!r} has reported nothing yet; try another")
        record = of_trial(study.trials[chosen], reports, study.max_epochs)
        return f"trial {chosen} of study {study.record.name}", record


def _best(study: Study) -> int:
    """The trial of the best report; the first while none is finite."""
    bests = [(best[1], trial.number) for trial in study.trials if (best := study.best_of(trial.number))]
    return (max if study.maximize else min)(bests, default=(0.0, 0))[1]


def _lines(name: str, diagnosis: Diagnosis, *, drawn: bool) -> Iterator[str]:
    run, findings = diagnosis.run, diagnosis.findings
    yield f"{name}: {len(run)} epochs, known by {_KNOWN[level_of(run)]}"
    yield ""
    if drawn:
        yield from pictures(run, diagnosis.signs[0].curve, diagnosis.signs[0].epoch)
        yield ""
    for place, finding in enumerate(findings):
        if place and finding.confidence < _TOLD:
            break
        color = "green" if finding.label == "healthy" else "red" if place == 0 else None
        yield f"{finding.confidence:4.0%}  {click.style(finding.label, bold=place == 0, fg=color)}"
        yield from textwrap.wrap(
            finding.evidence, _WIDTH, initial_indent="      ", subsequent_indent="      ", break_long_words=False
        )
        if finding.next.param:
            yield from textwrap.wrap(
                f"next: {_in_words(finding.next)}", _WIDTH, initial_indent="      ", subsequent_indent="            "
            )


def _in_words(change: Change) -> str:
    """`lr, decrease to 0.08: a decade is the usual step`."""
    value = "" if change.value is None else f" to {change.value}"
    if isinstance(change.value, Mapping):
        value = f" to {', '.join(f'{key} {told}' for key, told in change.value.items())}"
    return f"{change.param}, {change.direction.replace('_', ' ')}{value}: {change.why}"
