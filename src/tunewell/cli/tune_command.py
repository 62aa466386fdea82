"""`tunewell tune`: tune a Python file or any program."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from tunewell.advice import advice
from tunewell.bridges.following import following, places_of
from tunewell.cli.echo import echo
from tunewell.cli.execution_options import execution_options, parse_execution
from tunewell.cli.front_report import aims_in_words, front_lines
from tunewell.cli.job import Job, ProgramCommand, job, static_option
from tunewell.cli.main import INTERRUPTED
from tunewell.cli.metric_options import Metric, check_file, check_metric, direction_for, look_at, metric_options
from tunewell.cli.options import changed_option, checkpoints_option, json_option, store_option
from tunewell.cli.past_studies import PastStudies
from tunewell.cli.printing import facts, print_json, print_lines, stdout_to_stderr
from tunewell.cli.recorded_job import recorded_job
from tunewell.cli.results_report import (
    bound_lines,
    confirmed_lines,
    outlook_line,
    past_line,
    replayed_lines,
    unfinished_line,
)
from tunewell.cli.space_command import print_preview, print_warnings
from tunewell.cli.study_options import METRIC, Options, as_on_record, grid_of, new_study, old_study
from tunewell.display.formatting import counted, duration, measured
from tunewell.display.progress import progress
from tunewell.display.records import study_record
from tunewell.display.summary import counts, in_words, spent_of_budget, spent_share
from tunewell.display.tables import setting_lines
from tunewell.errors import SettingError
from tunewell.runners import Controller, Execution
from tunewell.runners.base import NullObserver
from tunewell.runners.deadline import confirmation_s
from tunewell.runners.isolation import settled
from tunewell.runners.tune import drive, study_name
from tunewell.samplers import NAMES as SAMPLERS
from tunewell.samplers import GridSampler
from tunewell.schedulers import NAMES as SCHEDULERS
from tunewell.stores import IN_MEMORY, default_store, open_store
from tunewell.study import Study
from tunewell.study.aims import parse_metrics
from tunewell.study.confirmation import confirmation
from tunewell.study.metric import direction_of
from tunewell.study.settings import DEFAULT_BUDGET, DEFAULT_TIER, LAST_TIER
from tunewell.training.run import Train

if TYPE_CHECKING:
    from tunewell.runners.replay import ParamSchedule


_REPEATED = (
    "metric",
    "direction",
    "metrics",
    "constraint",
    "budget",
    "epochs",
    "scheduler",
    "eta",
    "min_epochs",
    "sampler",
    "levels",
    "tier",
    "seed",
    "min_delta",
    "past",
)
"""The settings that a study begun from another has of that one."""


@click.command("tune", cls=ProgramCommand)
@click.argument("script", required=False)
@click.option("--space", "space_file", metavar="FILE", help="The space, as TOML, in place of the script's own.")
@static_option
@click.option(
    "--metric",
    metavar="NAME",
    help=f"Which reported number is optimized.  [default: {METRIC}; of a program, the best that a first look finds]",
)
@click.option(
    "--direction",
    type=click.Choice(["minimize", "maximize"]),
    help="Which way the metric is better, where its name does not say.",
)
@click.option(
    "--metrics",
    metavar="NAME:DIRECTION",
    multiple=True,
    help="Several metrics in place of one, whose front is searched for, as in "
    "val_accuracy:maximize,latency_ms:minimize; may be given several times.",
)
@click.option(
    "--constraint",
    metavar="TEXT",
    multiple=True,
    help="Try only settings that meet it, 'hidden * layers <= 4096'; or, of what is reported, learn which do: "
    "'memory_gb <= 8'. May be given several times.",
)
@metric_options
@click.option(
    "--budget",
    metavar="AMOUNT",
    help=f"30 (full trainings' worth of epochs), 900epochs, 100trials or 2h.  [default: {DEFAULT_BUDGET}]",
)
@click.option(
    "--epochs", type=click.IntRange(1), metavar="N", help="Epochs of a full training, where the training does not say."
)
@execution_options
@click.option(
    "--scheduler",
    type=click.Choice(["auto", *SCHEDULERS]),
    help="Which trial gets the next epochs.  [default: auto, the defaults and a few more, then freeze_thaw]",
)
@click.option("--eta", type=int, metavar="N", help="One trial in so many goes on at each rung of the scheduler.")
@click.option("--min-epochs", type=int, metavar="N", help="The scheduler's first rung.")
@click.option(
    "--sampler",
    type=click.Choice(SAMPLERS),
    help="Where new settings come from.  [default: sobol; asha decides then, if no scheduler is named]",
)
@click.option("--levels", type=int, metavar="N", help="How many values of each number a grid has.")
@click.option(
    "--tier",
    type=click.IntRange(1, LAST_TIER),
    metavar="N",
    help=f"Tune parameters up to this tier, 1 to {LAST_TIER}; others keep their defaults.  [default: {DEFAULT_TIER}]",
)
@click.option("--seed", type=click.IntRange(0), metavar="N", help="Same seed, same study.  [default: 0]")
@store_option
@checkpoints_option
@click.option("--name", metavar="NAME", help="The study's name.  [default: the script's, numbered]")
@click.option("--resume", is_flag=True, help="Go on with the newest study of that name.")
@changed_option
@click.option(
    "--from-study",
    "repeated",
    metavar="STUDY",
    help="Begin a study with the settings of this one (space, metric, budget, scheduler, seed, ...), but for what the "
    "command line says itself.",
)
@click.option(
    "--warm-start",
    "past",
    metavar="STUDY|SOURCE",
    multiple=True,
    help="Learn from this study of other data, in the same store, or from the runs of a tracker, such as "
    "mlflow:URI#EXPERIMENT, which are taken into the store first; may be given several times.",
)
@click.option(
    "--min-delta", type=click.FloatRange(0), metavar="X", help="Stop when no training is expected to gain as much."
)
@click.option(
    "--confirm",
    type=click.IntRange(1),
    metavar="N",
    help="In the end, train the three best settings again in full, each with N fresh seeds.",
)
@click.option("--autopilot", is_flag=True, help="Let rules steer each trial, every action on record.")
@click.option(
    "--schedule-from",
    "origin",
    metavar="STUDY:TRIAL",
    help="Train with the schedule of parameters that this steered trial ended up with, and nothing else.",
)
@click.option("--seeds", type=click.IntRange(1), metavar="N", help="With --schedule-from: so many times.  [default: 1]")
@click.option(
    "--track",
    metavar="TRACKER",
    multiple=True,
    help="Send the study to a tracker while it runs: mlflow[:URI], wandb[:PROJECT], tensorboard:FOLDER or trackio; may "
    "be given several times. No training waits for it.",
)
@click.option("--babysat", is_flag=True, hidden=True, help="Train one trial with the defaults, to be steered.")
@click.option(
    "--held",
    metavar="NAME=VALUE",
    multiple=True,
    help="With --resume and an edited space: what past trials had of a parameter that is new, or what new trials have "
    "of one that is gone.  [default: its default]",
)
@click.option("--dry-run", is_flag=True, help="Show what would be drawn, and train nothing.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    script: str | None,
    program: tuple[str, ...],
    space_file: str | None,
    static: bool,
    store: str | None,
    checkpoints: str | None,
    name: str | None,
    resume: bool,
    changed: bool,
    repeated: str | None,
    confirm: int | None,
    autopilot: bool,
    babysat: bool,
    origin: str | None,
    seeds: int | None,
    track: tuple[str, ...],
    dry_run: bool,
    quiet: bool,
    as_json: bool,
    pattern: str | None,
    log_file: str | None,
    **options: Any,
) -> None:
    """Find the best setting of a Python file or of any program.

    A SCRIPT defines `space` and `train(run)`, and may define `metric`, `direction`, `epochs` and `budget`; an
    option takes precedence over these. A PROGRAM's hyperparameters are found in its own flags or constants, unless the
    command names them, and its metrics in what it prints, or in a log that it writes:

        tunewell tune -- python train.py --batch-size 64

        tunewell tune --space space.toml -- python train.py --lr {learning_rate}

    Ctrl-C lets the running epochs finish; `--resume` goes on from there, and from a crash.
    """
    execution = replace(parse_execution(options), seeds_to_confirm=confirm or 0)
    execution.check_installed()
    several = parse_metrics(options["metrics"])
    if several and (options["metric"] or options["direction"]):
        raise SettingError("--metrics names all metrics with their directions; leave out --metric and --direction")
    places = places_of(track)
    if places and (store or default_store()) in IN_MEMORY:
        raise SettingError("a study in memory cannot be tracked by another process; name a store: --store FILE")
    if repeated is not None:
        if resume or origin is not None or babysat:
            other = "--resume" if resume else "--schedule-from"
            raise SettingError(f"--from-study begins a study with settings of its own; leave out {other}")
        lists = ("past", "metrics", "constraint")
        options |= {name: () if name in lists else None for name in _REPEATED if not _is_typed(ctx, name)}
        options["space_is_given"] = _is_typed(ctx, "space_file")
        space_file = space_file if options["space_is_given"] else None
    if babysat:
        options |= {"scheduler": "full", "budget": "1trials", "tier": options["tier"] or LAST_TIER, "first": [{}]}
    schedule = _schedule(origin, store, seeds)
    if schedule is not None:
        options |= {"scheduler": "full", "budget": f"{seeds or 1}trials", "tier": LAST_TIER}
        options["first"] = [schedule.setting] * (seeds or 1)
    if babysat or autopilot:
        execution = replace(execution, checkpoint_every=execution.checkpoint_every or 1)
    if changed and not resume:
        raise SettingError("--changed is for a study that is gone on with; say --resume too, or leave it out")
    if dry_run and resume:
        raise SettingError("--dry-run shows what a new study would draw; leave out --resume")
    with stdout_to_stderr():
        like = None if repeated is None else Study.open(store or default_store(), repeated)
        if like is not None and not script and not program:
            to_train = recorded_job(like, partial(advice, "tune", options={"--from-study": repeated}, store=store))
        else:
            search = not resume and like is None
            to_train = job(script, program, space_file, epochs=options["epochs"], static=static, search=search)
            to_train = to_train if like is None else as_on_record(to_train, like)
        metric = Metric(options["metric"], options["direction"], pattern, log_file)
        if several:
            first = next(iter(several))
            metric = replace(metric, name=first, direction=direction_of(first, several[first]))
        if like is not None and metric.name is None:
            metric = replace(metric, name=like.record.metric, direction=metric.direction or like.record.direction)
        check_metric(to_train, metric, resume=resume)
        options["direction"] = direction_for(to_train, metric)
        if not resume:
            # in memory first: what cannot be used is refused before a store is made
            past = PastStudies.read(options["past"], store, options["metric"] or to_train.file.metric or METRIC)
            draft = new_study(to_train, Options(**options), None, name, past.drafts, like)
            _announce(draft, grid_of(Options(**options)))
    if dry_run:
        print_preview(draft.space, as_json=as_json)
        return
    with stdout_to_stderr():
        if not resume:
            to_train, options = _looked_at(to_train, metric, options, execution.workers, quiet=quiet)
    opened = open_store(store or default_store(), create=not resume, checkpoints=checkpoints)
    try:
        with stdout_to_stderr():
            if resume:
                before_now = name or study_name(opened, to_train.name, resume=True)
                if before_now in [record.name for record in opened.studies()]:
                    to_train = as_on_record(to_train, Study.open(opened, before_now))
                study = old_study(to_train, Options(**options), opened, name, changed=changed)
            else:
                newest = study_name(opened, to_train.name, resume=True)
                study = new_study(to_train, Options(**options), opened, name, past.into(opened), like)
                if name is None and study.record.name != to_train.name and not quiet:
                    new = f"study {newest!r} exists, and this is a new one, {study.record.name!r}"
                    other = shlex.join(["--resume", "--name", newest])
                    echo(f"{new}; {other} goes on with the other", err=True)
            before = _trained(study)
            train = to_train.as_begun(study).train_for(study.metric)
            execution = settled(execution, train)
            with following(opened, study.record, places, _warn):
                over = _run(
                    study,
                    train,
                    execution,
                    quiet=quiet,
                    controllers=_controllers(study, to_train, schedule, autopilot=autopilot),
                )
            if schedule is not None:
                print_lines(replayed_lines(study, schedule.origin, schedule.value), err=True)
            if over and confirm and study.best_so_far is not None:
                again = confirmation(study, seeds=confirm)
                _warn_if_late(study, execution)
                with following(opened, again.record, places, _warn):
                    over = _run(again, train, replace(execution, seeds_to_confirm=0), quiet=quiet)
        go_on: dict[str, str | int | bool | None] = {
            "--resume": True,
            "--checkpoints": checkpoints,
            "--name": name,
            "--confirm": confirm or None,
            "--autopilot": autopilot,
        }
        look = None if study.is_in_memory else advice("show", study.record.name, store=store)
        _print_summary(study, over=over, look=look, as_json=as_json)
        print_lines(bound_lines(study, to_train.advice("tune", go_on | {"--budget": "MORE"}, store)), err=True)
        if over and execution.deadline is not None and (spent_share(study) or 0.0) < 1 and not study.is_in_memory:
            spent = spent_of_budget(study)
            echo(f"the time is up, {spent}; go on with: {to_train.advice('tune', go_on, store)}", err=True)
        nothing_found = study.best_so_far is None
        nothing_done = _trained(study) == before
    finally:
        opened.close()
    if not over:
        if study.is_in_memory:
            echo("interrupted; the study was in memory, and is gone; --store FILE keeps one", err=True)
        else:
            echo(f"interrupted; all is on record; go on with: {to_train.advice('tune', go_on, store)}", err=True)
        ctx.exit(INTERRUPTED)
    if nothing_done and not confirm:
        why = (
            f"no training is expected to gain {study.min_delta:g}; say --min-delta 0 to go on"
            if study.flat
            else ("the budget is spent; give more with --resume --budget")
        )
        echo(f"nothing was left to train: {why}", err=True)
    if nothing_found:
        ctx.exit(1)


def _warn(line: str) -> None:
    echo(f"{click.style('warning:', fg='yellow', bold=True)} {line}", err=True)


def _is_typed(ctx: click.Context, name: str) -> bool:
    """Return True if an option stands on the command line, rather than in a file of settings or nowhere."""
    return ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


def _looked_at(
    to_train: Job, metric: Metric, options: dict[str, Any], workers: int, *, quiet: bool
) -> tuple[Job, dict[str, Any]]:
    """Take a first look at a program; return the job with what was found, and the options that this gives."""
    to_train, look = look_at(to_train, metric, quiet=quiet)
    if look is None:
        return to_train, options
    found: dict[str, Any] = {
        "metric": look.metric,
        "direction": options["direction"] or look.direction,
        "scheduler": check_file(look, workers, options["scheduler"]),
    }
    if look.found.is_once:
        found |= {"epochs": 1, "scheduler": options["scheduler"] or "full"}
    return to_train, options | found


def _trained(study: Study) -> tuple[int, int]:
    """Return the trials and epochs so far; a trial may fail before its first epoch."""
    return len(study.trials), int(study.history.epochs.sum())


def _announce(study: Study, grid: GridSampler | None) -> None:
    """Print what is worth knowing before any training."""
    if grid is not None:
        echo(f"the grid has {counted(len(grid.settings(study.space)), 'setting')}", err=True)
    print_warnings(study.space)


def _controllers(
    study: Study, to_train: Job, schedule: ParamSchedule | None, *, autopilot: bool
) -> Sequence[Controller]:
    """Return what acts on the study while it runs."""
    if schedule is not None:
        from tunewell.runners.replay import Replay  # noqa: PLC0415  only who replays needs it

        return [Replay(schedule)]
    if autopilot:
        from tunewell.autopilot import Autopilot  # noqa: PLC0415  the rules of the diagnosis are many

        return [Autopilot(study, about=to_train.file.about)]
    return ()


def _schedule(origin: str | None, store: str | None, seeds: int | None) -> ParamSchedule | None:
    """Return the schedule that `--schedule-from` names."""
    if origin is None:
        if seeds is not None:
            raise SettingError("--seeds is for --schedule-from; --confirm trains the best settings again")
        return None
    from tunewell.runners.replay import schedule_of  # noqa: PLC0415  only who replays needs it

    name, colon, trial = origin.rpartition(":")
    if not colon or not trial.isdigit():
        raise SettingError(f"--schedule-from needs STUDY:TRIAL, such as train:3; got {origin!r}")
    return schedule_of(Study.open(store or default_store(), name), int(trial))


def _run(
    study: Study, train: Train, execution: Execution, *, quiet: bool, controllers: Sequence[Controller] = ()
) -> bool:
    """Train until the study is over; return False if it was interrupted."""
    if quiet:
        return drive(study, train, execution, NullObserver(), controllers)
    wish = f"{aims_in_words(study)}, budget {in_words(study.budget)}"
    echo(f"study {study.record.name!r} in {study.url}: {wish}", err=True)
    with progress(sys.stderr) as observer:
        return drive(study, train, execution, observer, controllers)


def _warn_if_late(study: Study, execution: Execution) -> None:
    """Print a line if the deadline comes before all is confirmed."""
    deadline = execution.deadline
    if deadline is None:
        return
    needed = confirmation_s(study.reader, execution.seeds_to_confirm, execution.workers)
    if deadline.left_s < needed:
        left = duration(max(0.0, deadline.left_s))
        echo(f"to confirm takes about {duration(needed)}, and {left} are left: it is cut short", err=True)


def _print_summary(study: Study, *, over: bool, look: str | None, as_json: bool) -> None:
    record, best = study.record, study.best_so_far
    if as_json:
        print_json(study_record(study) | {"seconds": study.spent.seconds, "finished": over})
        return
    if best is None:
        echo(
            f"nothing found: {study.nothing_found}"
            if study.aims.limits
            else f"no trial has reported a finite {record.metric}"
        )
    else:
        value = click.style(measured(best.value), fg="green", bold=True)
        what = "knee of the front:" if study.aims.are_several else "best"
        echo(f"{what} {record.metric} {value}, trial {best.trial}, epoch {best.epoch}\n")
        print_lines(f"    {line}" for line in setting_lines(best.params))
        if (unfinished := unfinished_line(study, best)) is not None:
            echo(f"\n{unfinished}")
        print_lines(confirmed_lines(study))
        print_lines(front_lines(study))
    print_lines(study.doubts(), err=True)
    echo()
    print_lines(
        facts(
            {
                "spent": f"{spent_of_budget(study)}, {duration(study.spent.seconds)}",
                "trials": counts(study, over=over),
                "outlook": outlook_line(study),
                "past": past_line(study),
                "record": f"study {record.name!r} in {study.url}",
                "look": look,
            }
        )
    )
