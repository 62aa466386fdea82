"""`tunewell worker`: join a study that another process runs, from another shell or another machine."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import click

from tunewell.advice import advice
from tunewell.cli.echo import echo
from tunewell.cli.execution_options import execution_options, parse_execution
from tunewell.cli.job import Job, ProgramCommand, job
from tunewell.cli.main import INTERRUPTED
from tunewell.cli.options import checkpoints_option, store_option
from tunewell.cli.printing import stdout_to_stderr
from tunewell.cli.recorded_job import recorded_job
from tunewell.cli.study_options import as_on_record, check_trained
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
            if script or program:
                to_train = as_on_record(job(script, program, None, search=False), joined)
            else:
                to_train = recorded_job(joined, partial(advice, "worker", study, store=store))
            to_train = to_train.as_begun(joined)
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


def _check_same(to_train: Job, study: Study) -> None:
    """Check that what is to be trained has the study's parameters."""
    to_train.check(study.space)
    theirs = to_train.file.space
    if theirs is not None and set(theirs.names) != set(study.space.names):
        raise SettingError(
            f"study {study.record.name!r} has the parameters {', '.join(study.space.names)}; "
            f"{to_train.name} has {', '.join(theirs.names)}"
        )
