"""What `tunewell diagnose train.py --probe` says."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

import click

from tunewell.cli import diagnosis_report
from tunewell.cli.echo import echo
from tunewell.cli.job import job
from tunewell.cli.printing import talk_on_stderr
from tunewell.probing import Probe, Probed, probe
from tunewell.space.parse_settings import parse_settings

_WIDTH = 100


def of_script(path: str, settings: Sequence[str], epochs: int | None, seed: int) -> Probed:
    """Train the file's function and experiment with it; what happens is told on standard error."""
    with talk_on_stderr():
        to_train = job(path, (), None)
        space = to_train.needed_space()
        return probe(
            to_train.train,
            space,
            epochs=epochs or to_train.file.epochs,
            setting=parse_settings(settings, space),
            about=to_train.file.about,
            seed=seed,
            say=lambda line: echo(line, err=True),
        )


def lines(name: str, told: Probed, *, drawn: bool) -> Iterator[str]:
    """The experiments, then the findings."""
    for one in told.probes:
        yield from textwrap.wrap(
            f"{click.style(one.name, bold=True)}: {one.found}", _WIDTH, subsequent_indent="  ", break_long_words=False
        )
        yield from _meaning(one)
    yield ""
    yield from diagnosis_report.lines(name, told.diagnosis, drawn=drawn)
    yield ""
    yield f"{told.epochs} epochs were trained"


def record(told: Probed) -> dict[str, object]:
    """The same as plain data."""
    return {
        "probes": [
            {
                "name": one.name,
                "found": one.found,
                "names": list(one.names),
                "clears": list(one.clears),
                "epochs": one.epochs,
            }
            for one in told.probes
        ],
        "findings": [finding.as_dict() for finding in told.findings],
        "epochs": told.epochs,
    }


def _meaning(one: Probe) -> Iterator[str]:
    for verb, labels in (("points to", one.names), ("rules out", one.clears)):
        if labels:
            yield from textwrap.wrap(
                f"{verb} {', '.join(labels)}", _WIDTH, initial_indent="  ", subsequent_indent="    "
            )
