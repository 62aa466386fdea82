"""The report of `tunewell diagnose --probe`, of a Python file or a program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from tunewell.cli import diagnosis_report
from tunewell.cli.echo import echo
from tunewell.cli.job import Job
from tunewell.cli.metric_options import Metric, check_metric, look_at
from tunewell.cli.printing import wrapped
from tunewell.diagnosis import Possible
from tunewell.diagnosis.readers.framework import of_source, with_framework
from tunewell.diagnosis.readers.names import curve_named
from tunewell.display.formatting import counted
from tunewell.inspection import Inspected, inspect
from tunewell.probing import ProbeReport, ProbeResult, probe
from tunewell.space.parse_settings import parse_settings
from tunewell.space.values import Value
from tunewell.training.script import Script


def probed(
    to_train: Job,
    wanted: Metric,
    settings: Sequence[str],
    epochs: int | None,
    seed: int,
    possible: Possible | None = None,
) -> ProbeReport:
    """Train it and experiment with it; what happens is printed on standard error."""
    space = to_train.needed_space()
    to_train.check(space)
    check_metric(to_train, wanted)
    setting = parse_settings(settings, space)
    path, inspected = inspected_source(to_train, setting)
    for one in inspected.mistakes:
        echo(f"{one.place}: {one.kind}: {one.seen}", err=True)
    to_train, look = look_at(to_train, wanted, by_loss=True)
    metric = None if possible is None or possible.metric is None else curve_named(possible.metric)
    return probe(
        to_train.train_for((look.metric if look else wanted.name) or "val_loss"),
        space,
        epochs=epochs or to_train.file.epochs,
        setting=setting,
        about=about_of(to_train.file, path),
        mistakes=inspected.mistakes,
        target=None if possible is None else possible.value,
        metric=metric,
        seed=seed,
        say=lambda line: echo(line, err=True),
    )


def inspected_source(to_train: Job, setting: Mapping[str, Value]) -> tuple[Path | None, Inspected]:
    """Return the Python file that trains, if it is to be seen, and its mistakes; what was not looked at is printed."""
    path, arguments = to_train.source(setting)
    if path is None:
        echo("not looked at for mistakes: it is no Python file that can be seen from here", err=True)
        return None, Inspected((), was_run=False)
    found = inspect(path, arguments or (), static=arguments is None)
    why = found.not_run or ("of such a command the file alone is known" if arguments is None else None)
    if why is not None:
        echo(f"its steps could not be looked at for mistakes, only its source: {why}", err=True)
    return path, found


def about_of(script: Script, path: Path | None = None) -> Mapping[str, Any]:
    """Return what a script says about its training, and the framework that its imports name.

    path: of the Python file, where the script is a program.
    """
    try:
        framework = of_source((path or script.path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        framework = ""
    return with_framework(dict(script.about or {}), framework)


def lines(name: str, report: ProbeReport, *, drawn: bool) -> Iterator[str]:
    """Yield the experiments, then the findings."""
    for one in report.probes:
        if one.why_not:
            continue
        yield from wrapped(f"{click.style(one.name, bold=True)}: {one.found}", "", "  ")
        yield from _meaning(one)
    if reasons := dict.fromkeys(one.why_not for one in report.probes if one.why_not):
        names = {why: ", ".join(one.name for one in report.probes if one.why_not == why) for why in reasons}
        yield from wrapped(f"not looked at: {'; '.join(f'{names[why]} ({why})' for why in reasons)}", "", "  ")
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
