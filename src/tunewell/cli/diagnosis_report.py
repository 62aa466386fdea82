"""The report of `tunewell diagnose`: the record that it reads, and its findings as lines of text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from tunewell.cli.options import existing_study
from tunewell.cli.picture import pictures
from tunewell.diagnosis import Diagnosis, NextChange, examine
from tunewell.diagnosis.diagnose import NOT_PLAIN
from tunewell.diagnosis.model import level_of
from tunewell.diagnosis.readers import read_file
from tunewell.diagnosis.run_config import parse_config, valid_config
from tunewell.diagnosis.run_record import CURVES
from tunewell.study import Study

_MIN_CONFIDENCE = 0.05  # findings that are less likely are left to --json
_SURE = 0.5
_WIDTH = 100
_KNOWN = {
    "watched": "its curves and what hooks measured",
    "summarized": "its curves and a summary of its data; hooks would make this surer",
    "configured": "its curves and settings; hooks would make this surer",
    "curves": "its curves alone; settings (--set), and hooks, would make this surer",
}


def of_file(path: Path, columns: Mapping[str, str], settings: Sequence[str]) -> tuple[Diagnosis, str | None]:
    """Diagnose the run in a file; also return what to say of unknown names while a curve is missing."""
    record = read_file(path, columns)
    diagnosis = examine(_with(record, settings))
    names, run = record.get("not_understood", []), diagnosis.run
    missing = [name for name in CURVES[:4] if not (np.isfinite(run[name]) | run.broken[name]).any()]
    if not (names and missing):
        return diagnosis, None
    return diagnosis, (
        f"{path.name} tells no {', '.join(missing)}; not understood are {', '.join(map(repr, names[:12]))}: "
        f"if one is that, say --columns {missing[-1]}=NAME"
    )


def of_trial_of(
    name: str | None, number: int | None, store: str | None, settings: Sequence[str]
) -> tuple[str, Diagnosis]:
    """Diagnose a trial, the best if no number is given; also return its name in words."""
    with existing_study(store, name) as study:
        chosen = _best(study) if number is None else number
        record = _with(study.run_record(chosen), settings)
        return f"trial {chosen} of study {study.record.name}", examine(record)


def _with(record: Mapping[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """Return the record with what the command line gives of the run, which goes before what is on record."""
    given = parse_config(settings)
    return {**record, **given, "config": {**valid_config(record.get("config") or {}), **given["config"]}}


def _best(study: Study) -> int:
    """Return the trial of the best report, as `tunewell best` has it; the first while none is finite."""
    best = study.best_so_far
    return 0 if best is None else best.trial


def lines(name: str, diagnosis: Diagnosis, *, drawn: bool) -> Iterator[str]:
    """Yield the report; with the curves, if they are to be drawn."""
    run, findings = diagnosis.run, diagnosis.findings
    yield f"{name}: {len(run)} {'epoch' if len(run) == 1 else 'epochs'}, known by {_KNOWN[level_of(run)]}"
    yield ""
    if drawn:
        yield from pictures(run, diagnosis.signs[0].curve, diagnosis.signs[0].epoch)
        yield ""
    for place, finding in enumerate(findings):
        if place and finding.confidence < _MIN_CONFIDENCE:
            break
        color = "green" if finding.label == "healthy" else "red" if place == 0 else None
        yield f"{finding.confidence:4.0%}  {click.style(finding.label, bold=place == 0, fg=color)}"
        is_repeated = finding.evidence.startswith(NOT_PLAIN) and any(
            other.evidence == finding.evidence for other in findings[:place]
        )
        yield from textwrap.wrap(
            "no single sign of it is plain either" if is_repeated else finding.evidence,
            _WIDTH,
            initial_indent="      ",
            subsequent_indent="      ",
            break_long_words=False,
        )
        if finding.next.param:
            yield from textwrap.wrap(
                f"next: {_in_words(finding.next)}", _WIDTH, initial_indent="      ", subsequent_indent="            "
            )

    if level_of(run) == "curves" and findings[0].confidence < _SURE:
        yield ""
        yield "tell it the learning rate, the optimizer and so on with --set (--set lr=0.1) to make it surer"


def _in_words(change: NextChange) -> str:
    """Format `lr, decrease to 0.08: a decade is the usual step`."""
    value = "" if change.value is None else f" to {change.value}"
    if isinstance(change.value, Mapping):
        value = f" to {', '.join(f'{key} {one}' for key, one in change.value.items())}"
    return f"{change.param}, {change.direction.replace('_', ' ')}{value}: {change.why}"
