"""`tunewell babysit`: one run, watched live and steered."""

from __future__ import annotations

import math
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tunewell.advice import Options, advice
from tunewell.cli.echo import echo
from tunewell.cli.job import Job, ProgramCommand, job, static_option
from tunewell.cli.metric_options import Metric, check_metric, metric_options
from tunewell.cli.options import changed_option, store_option
from tunewell.cli.printing import print_lines, stdout_to_stderr
from tunewell.cli.settings_file import NONE, VARIABLE
from tunewell.display.formatting import clipped, measured
from tunewell.errors import MissingExtra, SettingError, StoreError, StudyNotFound, last_line
from tunewell.runners.tune import study_name
from tunewell.stores import IN_MEMORY, default_store, open_store
from tunewell.study import Study
from tunewell.study.provenance import user

if TYPE_CHECKING:
    from tunewell.babysit.snapshot import Snapshot

_POLL_S = 0.1
_START_TIMEOUT_S = 60.0
_SESSIONS_POLL_S = 2.0
_FINISH_S = 30.0
_ENDED = "the training has ended"
_INTERRUPTED = 130
_ORDERLY = (0, _INTERRUPTED, -signal.SIGINT)
"""Exit codes of a training that ended, by itself or by an interrupt."""


@click.command("babysit", cls=ProgramCommand)
@click.argument("script", required=False)
@click.option("--space", "space_file", metavar="FILE", help="The space, as TOML, in place of the script's own.")
@static_option
@click.option("--metric", metavar="NAME", help="As of `tunewell tune`.")
@metric_options
@click.option("--epochs", type=click.IntRange(1), metavar="N", help="As of `tunewell tune`.")
@click.option("--autopilot", is_flag=True, help="Let rules steer it too, each action on record.")
@click.option("--attach", metavar="STUDY", help="Watch and steer a study that another process runs.")
@click.option("--resume", is_flag=True, help="Go on with the newest run of that name.")
@changed_option
@click.option("--name", metavar="NAME", help="The study's name.  [default: the script's, numbered]")
@click.option("--seed", type=click.IntRange(0), default=0, metavar="N", help="Of the training.  [default: 0]")
@store_option
def command(
    *,
    script: str | None,
    program: tuple[str, ...],
    space_file: str | None,
    static: bool,
    metric: str | None,
    pattern: str | None,
    log_file: str | None,
    epochs: int | None,
    autopilot: bool,
    attach: str | None,
    resume: bool,
    changed: bool,
    name: str | None,
    seed: int,
    store: str | None,
) -> None:
    """Train one model and watch it, with a hand on it.

    A SCRIPT or a PROGRAM as `tunewell tune` has them, trained with its defaults by a process of its own. On a terminal:
    live curves, and keys to pause, step, change the learning rate or any live value, rewind, branch, note and stop.
    Elsewhere: a line an epoch, and `tunewell steer` to steer.
    """
    if sys.stdout.isatty() and find_spec("textual") is None:  # raised before anything is trained
        raise MissingExtra("textual", "babysit", "the screen of babysit")
    url = store or default_store()
    if url in IN_MEMORY:
        raise SettingError("babysit watches what another process trains, which needs a file: say --store FILE")
    if attach is not None:
        if script or program:
            raise SettingError("--attach watches what another process trains; leave out the script")
        study = Study.open(url, attach)
        gone = _without_process(study)
        is_interrupted = _watch(study, gone)
        if not _is_over(study) and (alone := gone()):
            again = advice("babysit", "SCRIPT", options={"--resume": True, "--name": attach}, store=store)
            echo(f"{alone}; {again} goes on", err=True)
        if is_interrupted:
            raise click.exceptions.Exit(_INTERRUPTED)
        return
    with stdout_to_stderr():
        to_train = job(script, program, space_file, epochs=epochs, static=static)
        to_train.check(to_train.needed_space())
        check_metric(
            to_train, Metric(pattern=pattern, log_file=log_file, name=metric if pattern else None), resume=resume
        )
    name = _checked_name(url, to_train, name, resume=resume)
    begins: Options = {"--resume": True, "--checkpoint-every": 1} if resume else {"--babysat": True, "--seed": seed}
    passed_on: Options = {
        "--pattern": pattern,
        "--log-file": log_file,
        "--metric": metric,
        "--epochs": epochs,
        "--autopilot": autopilot,
        "--changed": changed,
    }
    words = to_train.words_of("tune", {"--name": name, **begins, **passed_on})
    log = Path(f"{name}.log")
    with _training(words, url, log, keep=resume) as gone:
        # a first look at a program takes as long as two of its epochs
        study = _opened(url, name, gone, math.inf if to_train.program else _START_TIMEOUT_S)
        is_interrupted = _watch(study, gone)
        _let_end(study, gone)
    if (end := gone()) != _ENDED:
        echo(end, err=True)
    waits = [trial.number for trial in study.trials if not trial.state.ended]
    if waits:
        again = to_train.advice("babysit", {"--resume": True, "--name": name, "--autopilot": autopilot}, store)
        which = f"trial {waits[0]} is" if len(waits) == 1 else f"trials {', '.join(map(str, waits))} are"
        echo(f"{which} not over: {again} goes on", err=True)
    if end != _ENDED or is_interrupted:
        raise click.exceptions.Exit(1 if end != _ENDED else _INTERRUPTED)


def _checked_name(url: str, to_train: Job, name: str | None, *, resume: bool) -> str:
    """Return the name of a study; raise SettingError if it cannot be begun, or gone on with."""
    opened = open_store(url)
    try:
        name = name or study_name(opened, to_train.name, resume=resume)
        there = name in [record.name for record in opened.studies()]
    finally:
        opened.close()
    if resume and not there:
        raise SettingError(f"there is no study {name!r} to go on with; leave out --resume to begin one")
    if there and not resume:
        raise SettingError(
            f"there is a study {name!r} already: watch it with {shlex.join(['--attach', name])} if another process "
            "trains it, go on with it with --resume, or choose another --name"
        )
    return name


Gone = Callable[[], str | None]
"""A function that returns how the process that trains has ended; None while it has not."""


@contextmanager
def _training(words: Sequence[str], url: str, log: Path, *, keep: bool) -> Iterator[Gone]:
    """Run another process that trains; in the end it finishes its epoch, and all is on record."""
    # -P: it looks for tunewell where this process did, not in this folder
    command_line = [sys.executable, "-P", "-m", "tunewell", *words]
    is_killed = False
    with log.open("a" if keep else "w", encoding="utf-8") as output:
        process = subprocess.Popen(  # noqa: S603  our own
            command_line,
            stdout=output,
            stderr=output,
            start_new_session=True,
            # which others cannot read, as they can a command line; all other settings are in its words
            env={**os.environ, "TUNEWELL_STORE": url, VARIABLE: NONE},
        )

    def gone() -> str | None:
        code = process.poll()
        if code is None or code in _ORDERLY or is_killed:
            return None if code is None else _ENDED
        output = log.read_text(encoding="utf-8", errors="replace")
        return f"the training ended with exit code {code}; what it said is in {log}, last: {clipped(last_line(output))}"

    try:
        yield gone
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            echo("the epoch is finished first; Ctrl-C ends it at once", err=True)
            try:
                process.wait(timeout=_FINISH_S)
            except (subprocess.TimeoutExpired, KeyboardInterrupt):
                is_killed = True  # what was reported is on record
                process.kill()
                process.wait()


def _without_process(study: Study) -> Gone:
    """Return a function that says whether no process runs a study.

    One on another machine is taken to run it for as long as it has not ended.
    """
    looked, found = -math.inf, None

    def gone() -> str | None:
        nonlocal looked, found
        if time.monotonic() - looked > _SESSIONS_POLL_S:
            looked = time.monotonic()
            found = None if study.is_run() else "no process trains it, so what is asked waits until one does"
        return found

    return gone


def _opened(url: str, name: str, gone: Gone, patience_s: float) -> Study:
    """Return the study once the process has begun it."""
    deadline = time.monotonic() + patience_s
    while True:
        over = gone() is not None or time.monotonic() > deadline
        try:
            return Study.open(url, name)
        except (StudyNotFound, StoreError):
            if over:
                raise
            time.sleep(_POLL_S)


def _watch(study: Study, gone: Gone) -> bool:
    """Show the run until it is over, or left; return True if it was interrupted where there is no screen."""
    if sys.stdout.isatty():
        from tunewell.babysit.app import Babysitter  # noqa: PLC0415  Textual is an extra

        Babysitter(study, by=user(), gone=gone).run()
        return False
    if not _is_over(study):
        steer = advice("steer", study.record.name, "0", "set", "NAME", "VALUE", store=study.url)
        echo(f"to steer it: {steer}; or pause, ... in place of set", err=True)
    try:
        print_lines(_lines(study, gone))
    except KeyboardInterrupt:
        return True
    return False


def _lines(study: Study, gone: Gone) -> Iterator[str]:
    """Yield a line an epoch and a line a command, until nothing trains any more."""
    from tunewell.babysit.snapshot import snapshot  # noqa: PLC0415  --help needs none of it
    from tunewell.study.commands import describe  # noqa: PLC0415

    reported: set[object] = set()
    while True:
        over = _is_over(study) or gone() is not None
        now: Snapshot = snapshot(study.reader)
        for command in now.commands:
            if command.taken_at is not None and command.id not in reported:
                reported.add(command.id)
                yield describe(command)
        for report in study.reports():
            if (report.trial, report.epoch) not in reported:
                reported.add((report.trial, report.epoch))
                numbers = ", ".join(f"{name} {measured(value)}" for name, value in report.metrics.items())
                yield f"trial {report.trial}, epoch {report.epoch}: {numbers}"
        if over:
            return
        time.sleep(_POLL_S)


def _let_end(study: Study, gone: Gone) -> None:
    """Wait for a process that has nothing left to train, and puts that on record."""
    deadline = time.monotonic() + _FINISH_S
    while _is_over(study) and gone() is None and time.monotonic() < deadline:
        time.sleep(_POLL_S)


def _is_over(study: Study) -> bool:
    """Return True if every trial has ended, and there is one."""
    trials = study.trials
    return bool(trials) and all(trial.state.ended for trial in trials)
