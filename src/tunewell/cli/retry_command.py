"""`tunewell retry`: let trials that failed be trained on."""

from __future__ import annotations

import click

from tunewell.advice import advice
from tunewell.cli.echo import echo
from tunewell.cli.options import existing_store, store_option
from tunewell.errors import SettingError, TrialNotFound
from tunewell.study import Study
from tunewell.study.provenance import user
from tunewell.trial import TrialState


@click.command("retry")
@click.argument("study")
@click.option("--failed", is_flag=True, help="All that failed.")
@click.option("--trial", "numbers", type=int, multiple=True, metavar="N", help="This one; may be given several times.")
@store_option
def command(*, study: str, failed: bool, numbers: tuple[int, ...], store: str | None) -> None:
    """Let trials of a STUDY that failed be trained on, each from its last checkpoint or, if it has none, its seed.

    A process that runs the study takes them up at once; else `tunewell tune --resume` does, before anything new.
    """
    if failed == bool(numbers):
        raise SettingError("say which trials: --failed for all that failed, or --trial N")
    with existing_store(store) as opened:
        tuned = Study.open(opened, study)
        trials = tuned.trials
        for number in numbers:  # all of them, before any is changed
            if not 0 <= number < len(trials):
                raise TrialNotFound(number, len(trials))
            if trials[number].state is not TrialState.FAILED:
                raise SettingError(f"trial {number} did not fail, it is {trials[number].state}; leave it out")
        failed_ones = [trial.number for trial in trials if trial.state is TrialState.FAILED]
        chosen = list(dict.fromkeys(numbers)) or failed_ones
        for number in chosen:
            done = tuned.retry(number, by=user())
            echo(f"trial {number} goes on after epoch {done}" if done else f"trial {number} begins again")
    if not chosen:
        echo("no trial failed")
        return
    go_on = advice("tune", "SCRIPT", options={"--name": study, "--resume": True}, store=store)
    echo(f"if no process runs the study: {go_on}", err=True)
