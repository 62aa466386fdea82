"""`tunewell babysit`: one run, watched live and steered."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tunewell.cli.job import ProgramCommand, job
from tunewell.cli.options import store_option
from tunewell.cli.printing import talk_on_stderr
from tunewell.cli.steer_command import who
from tunewell.errors import MissingExtra, SettingError, StoreError, StudyNotFound
from tunewell.progress import measured
from tunewell.stores import open_store
from tunewell.study import Study
from tunewell.tuning import default_store, study_name

if TYPE_CHECKING:
    from tunewell.babysit.standing import Standing

_LOOK_S = 0.1
_BEGINS_S = 60.0


@click.command("babysit", cls=ProgramCommand)
@click.argument("script", required=False)
@click.option("--space", "space_file", metavar="FILE", help="The space, as TOML, in place of the script's own.")
@click.option("--metric", metavar="NAME", help="As of `tunewell tune`.")
@click.option("--epochs", type=click.IntRange(1), metavar="N", help="As of `tunewell tune`.")
@click.option("--autopilot", is_flag=True, help="Let rules steer it too, each action on record.")
@click.option("--attach", metavar="STUDY", help="Watch and steer a study that another process runs.")
@click.option("--name", metavar="NAME", help="The study's name.  [default: the script's, numbered]")
@click.option("--seed", type=click.IntRange(0), default=0, metavar="N", help="Of the training.  [default: 0]")
@store_option
def command(
    *,
    script: str | None,
    program: tuple[str, ...],
    space_file: str | None,
    metric: str | None,
    epochs: int | None,
    autopilot: bool,
    attach: str | None,
    name: str | None,
    seed: int,
    store: str | None,
) -> None:
    """Train one model and watch it, with a hand on it.

    A SCRIPT or a PROGRAM as `tunewell tune` has them, trained with its defaults by a process of its own. On a terminal:
    live curves, and keys to pause, step, change the learning rate or any live value, rewind, branch, note and stop.
    Elsewhere: a line an epoch, and `tunewell steer` to steer.
    """
    if sys.stdout.isatty() and find_spec("textual") is None:  # said before anything is trained
        raise MissingExtra("textual", "babysit", "the screen of babysit")
    url = store or default_store()
    if attach is not None:
        if script or program:
            raise SettingError("--attach watches what another process trains; leave out the script")
        study = Study.open(url, attach)
        _watch(study)
        return
    with talk_on_stderr():
        to_train = job(script, program, space_file)
        to_train.check(to_train.needed_space())
    opened = open_store(url)
    name = name or study_name(opened, to_train.name, resume=False)
    opened.close()
    said = [*(["--metric", metric] if metric else []), *(["--epochs", str(epochs)] if epochs else [])]
    options = ["--name", name, "--seed", str(seed), *said, *(["--autopilot"] if autopilot else [])]
    with _training(to_train.command_line("--babysat", *options), url, Path(f"{name}.log")):
        _watch(_begun(url, name))


@contextmanager
def _training(command_line: str, url: str, log: Path) -> Iterator[None]:
    """Inside, another process trains; in the end it finishes its epoch, and all is on record."""
    import shlex  # noqa: PLC0415

    words = [sys.executable, "-m", *shlex.split(command_line)]
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(  # noqa: S603  our own
            words,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**os.environ, "TUNEWELL_STORE": url},  # which others cannot read, as they can a command line
        )
    try:
        yield
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
        if process.returncode not in (0, 130, None):
            click.echo(f"the training ended with exit code {process.returncode}; what it said is in {log}", err=True)


def _begun(url: str, name: str) -> Study:
    deadline = time.monotonic() + _BEGINS_S
    while True:
        try:
            return Study.open(url, name)
        except (StudyNotFound, StoreError):
            if time.monotonic() > deadline:
                raise
            time.sleep(_LOOK_S)


def _watch(study: Study) -> None:
    if sys.stdout.isatty():
        from tunewell.babysit.app import Babysitter  # noqa: PLC0415  Textual is an extra

        Babysitter(study, by=who()).run()
        return
    for line in _lines(study):
        click.echo(line)


def _lines(study: Study) -> Iterator[str]:
    """A line an epoch and a line a command, until nothing trains any more."""
    from tunewell.babysit.standing import standing  # noqa: PLC0415  --help needs none of it
    from tunewell.steering import in_words  # noqa: PLC0415

    told: set[object] = set()
    while True:
        over = _is_over(study)
        stands: Standing = standing(study)
        for command in stands.commands:
            if command.taken_at is not None and command.id not in told:
                told.add(command.id)
                yield in_words(command)
        for report in study.reports():
            if (report.trial, report.epoch) not in told:
                told.add((report.trial, report.epoch))
                numbers = ", ".join(f"{name} {measured(value)}" for name, value in report.metrics.items())
                yield f"trial {report.trial}, epoch {report.epoch}: {numbers}"
        if over:
            return
        time.sleep(_LOOK_S)


def _is_over(study: Study) -> bool:
    """Every trial has ended, and there is one."""
    trials = study.trials
    return bool(trials) and all(trial.state.ended for trial in trials)
