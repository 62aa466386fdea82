"""The report of `tunewell diagnose`: the record that it reads, and its findings as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from tunewell.cli.finding_words import lines_of
from tunewell.cli.options import existing_study
from tunewell.cli.picture import pictures
from tunewell.cli.printing import wrapped
from tunewell.diagnosis import Diagnosis, Possible, examine
from tunewell.diagnosis.goal import metrics_of
from tunewell.diagnosis.model import level_of
from tunewell.diagnosis.readers import decoded, read_file, read_text
from tunewell.diagnosis.run_config import parse_config, valid_config
from tunewell.diagnosis.run_record import CURVES, read_record
from tunewell.display.formatting import counted
from tunewell.errors import RecordError
from tunewell.study import Study

_MIN_CONFIDENCE = 0.05  # findings that are less likely are left to --json
_SURE = 0.5
_MOST_NAMES = 12
_KNOWN = {
    "watched": "its curves and what hooks measured",
    "summarized": "its curves and a summary of its data; hooks would make this surer",
    "configured": "its curves and settings; hooks would make this surer",
    "curves": "its curves alone; settings (--set), and hooks, would make this surer",
}


def of_file(
    path: Path, columns: Mapping[str, str], run: int | None, settings: Sequence[str], possible: Possible | None = None
) -> tuple[Diagnosis, str]:
    """Diagnose the run in a file; also return what was read of it, in words."""
    return _diagnosed(path.name, read_file(path, columns, run), settings, possible)


def of_text(
    name: str,
    content: bytes,
    columns: Mapping[str, str],
    run: int | None,
    settings: Sequence[str],
    possible: Possible | None = None,
) -> tuple[Diagnosis, str]:
    """Diagnose the run in a text; also return what was read of it, in words."""
    return _diagnosed(name, read_text(decoded(name, content), columns, run, name=name), settings, possible)


def _diagnosed(
    name: str, record: Mapping[str, Any], settings: Sequence[str], possible: Possible | None
) -> tuple[Diagnosis, str]:
    diagnosis = examine(_with(record, settings), possible=possible)
    names, run = record.get("not_understood", []), diagnosis.run
    missing = [curve for curve in CURVES[:4] if not (np.isfinite(run[curve]) | run.broken[curve]).any()]
    hint = f"; if one is {_or(missing)}, say --columns {missing[-1]}=NAME" if names and missing else ""
    return diagnosis, _what_was_read(name, record, len(run)) + hint


def _what_was_read(name: str, record: Mapping[str, Any], n_epochs: int) -> str:
    """Format `read 12 epochs from train.log: train_loss ("train loss"), val_loss; left out: "time"`."""
    source = record.get("source", {})
    curves = source.get("curves") or {curve: "" for curve in CURVES if any(curve in row for row in record["epochs"])}
    shown = [curve if held in ("", f'"{curve}"') else f"{curve} ({held})" for curve, held in curves.items()]
    what = source.get("parts") or ("epoch" if n_epochs == 1 else "epochs")
    runs = source.get("runs", 1)
    of_runs = f", run {source['run']} of {runs} (--run N reads another)" if runs > 1 else ""
    left_out = [*dict.fromkeys([*source.get("left_out", ()), *record.get("not_understood", ())])]
    rest = f"; left out: {_listed(left_out)}" if left_out else ""
    return f"read {n_epochs} {what} from {name}{of_runs}: {', '.join(shown)}{rest}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(f'"{name}"' for name in names[:_MOST_NAMES]) + more


def _or(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if names[:-1] else names)


def of_trial_of(
    name: str | None, number: int | None, store: str | None, settings: Sequence[str], possible: Possible | None = None
) -> tuple[str, Diagnosis]:
    """Diagnose a trial, the best if no number is given; also return its name in words."""
    with existing_study(store, name) as study:
        chosen = _best(study) if number is None else number
        record = _with(study.run_record(chosen), settings)
        if possible is not None and possible.metric is None and study.metric in metrics_of(read_record(record)):
            possible = replace(possible, metric=study.metric)
        return f"trial {chosen} of study {study.record.name}", examine(record, possible=possible)


def _with(record: Mapping[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """Return the record with what the command line gives of the run, which goes before what is on record."""
    given = parse_config(settings)
    return {**record, **given, "config": {**valid_config(record.get("config") or {}), **given["config"]}}


def _best(study: Study) -> int:
    """Return the trial of the best report, as `tunewell best` has it; the first while none is finite."""
    best = study.best_so_far
    if best is None and not study.spent.trained:
        raise RecordError(f"study {study.name!r} has no epoch on record yet; name another")
    return 0 if best is None else best.trial


def lines(name: str, diagnosis: Diagnosis, *, drawn: bool) -> Iterator[str]:
    """Yield the report; with the curves, if they are to be drawn. The first finding is shown in full."""
    run, findings = diagnosis.run, diagnosis.findings
    yield from wrapped(f"{name}: {counted(len(run), 'epoch')}, known by {_KNOWN[level_of(run)]}", "", "  ")
    yield ""
    if drawn:
        yield from pictures(run, diagnosis.signs[0].curve, diagnosis.signs[0].epoch)
        yield ""
    for place, finding in enumerate(findings):
        if place and finding.confidence < _MIN_CONFIDENCE:
            break
        color = "green" if finding.label == "healthy" else "red" if place == 0 else None
        if place:
            yield ""
        yield f"{finding.confidence:4.0%}  {click.style(finding.label, bold=place == 0 or None, fg=color)}"
        same = next((other.label for other in findings[:place] if other.evidence == finding.evidence), None)
        shown = finding if same is None else replace(finding, evidence=f"the same sign as {same}")
        yield from lines_of(shown, run, in_full=place == 0)
    if level_of(run) == "curves" and findings[0].confidence < _SURE:
        yield ""
        surer = "to make it surer, give the learning rate, the optimizer and so on with --set (--set lr=0.1)"
        yield from wrapped(surer if diagnosis.goal else f"{surer}, and what is known to be possible with --target")
