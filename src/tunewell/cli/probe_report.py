"""The report of `tunewell diagnose train.py --probe`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from tunewell.cli import diagnosis_report
from tunewell.cli.echo import echo
from tunewell.cli.job import job
from tunewell.cli.printing import stdout_to_stderr, wrapped
from tunewell.diagnosis import Possible
from tunewell.diagnosis.readers.framework import of_source, with_framework
from tunewell.display.formatting import counted
from tunewell.inspection import inspect
from tunewell.probing import ProbeReport, ProbeResult, probe
from tunewell.space.parse_settings import parse_settings
from tunewell.training.script import Script


def of_script(
    path: str, settings: Sequence[str], epochs: int | None, seed: int, possible: Possible | None = None
) -> ProbeReport:
    """Train the file's function and experiment with it; what happens is printed on standard error."""
    with stdout_to_stderr():
        to_train = job(path, (), None)
        space = to_train.needed_space()
        inspected = inspect(path)
        for one in inspected.mistakes:
            echo(f"{one.place}: {one.kind}: {one.seen}", err=True)
        return probe(
            to_train.train,
            space,
            epochs=epochs or to_train.file.epochs,
            setting=parse_settings(settings, space),
            about=about_of(to_train.file),
            mistakes=inspected.mistakes,
            target=None if possible is None else possible.value,
            metric=None if possible is None else possible.metric,
            seed=seed,
            say=lambda line: echo(line, err=True),
        )


def about_of(script: Script) -> Mapping[str, Any]:
    """Return what a script says about its training, and the framework that its imports name."""
    try:
        framework = of_source(script.path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        framework = ""
    return with_framework(dict(script.about or {}), framework)


def lines(name: str, report: ProbeReport, *, drawn: bool) -> Iterator[str]:
    """Yield the experiments, then the findings."""
    for one in report.probes:
        yield from wrapped(f"{click.style(one.name, bold=True)}: {one.found}", "", "  ")
        yield from _meaning(one)
    yield ""
    yield from diagnosis_report.lines(name, report.diagnosis, drawn=drawn)
    yield ""
    yield f"{counted(report.epochs, 'epoch')} {'was' if report.epochs == 1 else 'were'} trained"


def record(report: ProbeReport) -> dict[str, object]:
    """Return the same as plain data."""
    return {
        "mistakes": [one.as_dict() for one in report.mistakes],
        "probes": [
            {
                "name": one.name,
                "found": one.found,
                "points_to": list(one.points_to),
                "rules_out": list(one.rules_out),
                "epochs": one.epochs,
            }
            for one in report.probes
        ],
        "findings": [finding.as_dict() for finding in report.findings],
        "epochs": report.epochs,
    }


def _meaning(one: ProbeResult) -> Iterator[str]:
    for verb, labels in (("points to", one.points_to), ("rules out", one.rules_out)):
        if labels:
            yield from wrapped(f"{verb} {', '.join(labels)}", "  ", "    ")
