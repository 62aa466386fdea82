"""`tunewell worker`: join a study that another process runs, from another shell or another machine."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from tunewell.advice import advice
from tunewell.cli.echo import echo
from tunewell.cli.execution_options import execution_options, parse_execution
from tunewell.cli.job import Job, ProgramCommand, job
from tunewell.cli.main import INTERRUPTED
from tunewell.cli.options import checkpoints_option, store_option
from tunewell.cli.printing import stdout_to_stderr
from tunewell.cli.study_options import check_trained
from tunewell.display.formatting import counted
from tunewell.display.progress import progress
from tunewell.display.summary import counts
from tunewell.errors import SettingError
from tunewell.runners.base import NullObserver
from tunewell.runners.isolation import settled
from tunewell.runners.tune import drive
from tunewell.stores import default_store, open_store
from tunewell.study import Study


@click.command("worker", cls=ProgramCommand)
@click.argument("study")
@click.argument("script", required=False)
@store_option
@checkpoints_option
@execution_options
@click.option("--quiet", is_flag=True, help="Show no progress.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    study: str,
    script: str | None,
    program: tuple[str, ...],
    store: str | None,
    checkpoints: str | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Train trials of a STUDY beside the process that began it, until its budget is spent.

    SCRIPT is what was tuned, in case it lies elsewhere here; a PROGRAM is always given. All processes share the store,
    and each trial has one of them. If a process is gone, another takes its trials up: at once on the same machine,
    after a minute's silence (TUNEWELL_LEASE, in seconds) on another; from their checkpoints, where those lie in a
    folder that both can read.

        tunewell worker digits train.py --store postgresql://ada@db.lab/tuning
    """
    execution = parse_execution(options)
    opened = open_store(store or default_store(), create=False, checkpoints=checkpoints)
    try:
        joined = Study.open(opened, study)
        with stdout_to_stderr():
            to_train = job(script, program, None) if script or program else _as_on_record(joined, store)
            _check_same(to_train, joined)
            # what lies elsewhere on another machine may have another name there
            check_trained(joined, to_train.train_for(joined.metric), changed=True)
        before = len(joined.trials)
        joined.begin_session(join=True)
        train = to_train.train_for(joined.metric)
        execution = settled(execution, train)
        if quiet:
            over = drive(joined, train, execution, NullObserver())
        else:
            echo(f"working on study {study!r} in {opened.url}, of {counted(before, 'trial')} so far", err=True)
            with progress(sys.stderr) as observer:
                over = drive(joined, train, execution, observer)
        echo(f"study {study!r}: {counts(joined)}", err=True)
    finally:
        opened.close()
    if not over:
        echo("interrupted; all is on record, and others may go on with it", err=True)
        ctx.exit(INTERRUPTED)


def _as_on_record(study: Study, store: str | None) -> Job:
    """Return the script that the study was begun with, if it is here; of a command on record no more is used."""
    from tunewell.cli.tune_command import command as tune  # noqa: PLC0415  for its options

    commands = [_words(session.command) for session in study.sessions()]
    begun = [words for words in commands if "tune" in words]
    if not begun:
        raise SettingError(
            "the record does not say what is trained; say it: "
            + advice("worker", study.record.name, "train.py", store=store)
        )
    words = begun[-1][begun[-1].index("tune") + 1 :]
    begun_with = tune.make_context("tune", words, resilient_parsing=True).params
    if begun_with["program"]:
        raise SettingError(
            "the study was begun with a program, which no record can have run here; say it yourself: "
            + advice("worker", study.record.name, store=store, program=begun_with["program"])
        )
    script, space_file = Path(begun_with["script"] or ""), begun_with["space_file"]
    for file in (script, *([] if space_file is None else [Path(space_file)])):
        if not _is_here(file):
            what = "trains" if file is script else "has its space from"
            raise SettingError(
                f"the study {what} {str(file)!r}, which is not in this folder; say what it trains: "
                + advice("worker", study.record.name, f"PATH/{script.name}", store=store)
            )
    echo(f"training {script}, as the record says", err=True)
    return job(str(script), (), space_file)


def _is_here(file: Path) -> bool:
    """Return True if it is a file in this folder, or below: a record may name any, and what it names is run."""
    try:
        return file.is_file() and Path.cwd() in file.resolve().parents
    except (OSError, ValueError, RuntimeError):  # no name of a file, or links that lead round in circles
        return False


def _words(command: str) -> list[str]:
    """Split a command as a shell would; return nothing where that cannot be done."""
    try:
        return shlex.split(command)
    except ValueError:  # no shell would take it either
        return []


def _check_same(to_train: Job, study: Study) -> None:
    """Check that what is to be trained has the study's parameters."""
    to_train.check(study.space)
    theirs = to_train.file.space
    if theirs is not None and set(theirs.names) != set(study.space.names):
        raise SettingError(
            f"study {study.record.name!r} has the parameters {', '.join(study.space.names)}; "
            f"{to_train.name} has {', '.join(theirs.names)}"
        )
