"""`tunewell rescue`: train as it is, diagnose, make the change that is named, and report each step."""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tunewell.advice import advice
from tunewell.cli.echo import echo
from tunewell.cli.execution_options import isolate_option
from tunewell.cli.job import Job, ProgramCommand, job, static_option
from tunewell.cli.main import INTERRUPTED
from tunewell.cli.metric_options import Metric, check_metric, look_at, metric_options
from tunewell.cli.options import changed_option, json_option, store_option
from tunewell.cli.printing import print_json, print_lines, stdout_to_stderr
from tunewell.cli.study_options import METRIC, check_trained
from tunewell.diagnosis import Possible
from tunewell.display.progress import progress
from tunewell.runners.base import NullObserver
from tunewell.runners.trained import Trained
from tunewell.runners.tune import study_name
from tunewell.space.parse_settings import parse_settings
from tunewell.stores import default_store, open_store
from tunewell.study import Study
from tunewell.study.settings import DEFAULT_TIER, LAST_TIER
from tunewell.training.run import Train

if TYPE_CHECKING:
    from tunewell.inspection import Mistake


@click.command("rescue", cls=ProgramCommand)
@click.argument("script", required=False)
@click.option("--space", "space_file", metavar="FILE", help="The space, as TOML, in place of the script's own.")
@static_option
@click.option("--metric", metavar="NAME", help=f"Which reported number is to get better.  [default: {METRIC}]")
@click.option(
    "--direction",
    type=click.Choice(["minimize", "maximize"]),
    help="Which way the metric is better, where its name does not say.",
)
@metric_options
@click.option("--target", type=float, metavar="X", help="What the metric is known to reach; all is done there.")
@click.option("--budget", metavar="AMOUNT", help="As of `tunewell tune`.  [default: 15 full trainings]")
@click.option(
    "--epochs", type=click.IntRange(1), metavar="N", help="Epochs of a full training, where the training does not say."
)
@click.option(
    "--set",
    "settings",
    metavar="NAME=VALUE",
    multiple=True,
    help="The setting to begin with, as far as it is not the default; may be given several times.",
)
@click.option(
    "--tier",
    type=click.IntRange(1, LAST_TIER),
    default=DEFAULT_TIER,
    show_default=True,
    metavar="N",
    help=f"Change parameters up to this tier, 1 to {LAST_TIER}.",
)
@click.option("--seed", type=click.IntRange(0), default=0, metavar="N", help="Same seed, same rescue.  [default: 0]")
@store_option
@click.option("--name", metavar="NAME", help="The study's name.  [default: the script's with -rescue, numbered]")
@click.option("--resume", is_flag=True, help="Go on with the newest study of that name.")
@click.option("--anyway", is_flag=True, help="Train also if a mistake is seen in the program, which no setting mends.")
@isolate_option
@changed_option
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
    pattern: str | None,
    log_file: str | None,
    settings: tuple[str, ...],
    tier: int,
    store: str | None,
    name: str | None,
    resume: bool,
    anyway: bool,
    changed: bool,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Find out why a training is stuck, and get it unstuck.

    Trains the SCRIPT (or the PROGRAM) as it is, diagnoses the run, makes the one change that is named, looks whether it
    helped, and so on, until nothing is found that holds the best run back, the target is reached or the budget spent.
    What single changes do not mend is searched as `tunewell tune` does. A mistake that is seen in the SCRIPT, or in the
    Python file of the PROGRAM, is named before anything is trained: no setting mends it.
    """
    from tunewell.cli.own_places import places  # noqa: PLC0415  as below
    from tunewell.cli.probe_report import about_of  # noqa: PLC0415  the rules are many, --help needs none of them
    from tunewell.cli.rescue_report import lines, record  # noqa: PLC0415  the rules are many, --help needs none of them
    from tunewell.rescue import rescue  # noqa: PLC0415

    with stdout_to_stderr():
        to_train = job(script, program, space_file, epochs=options["epochs"], static=static)
        space = to_train.needed_space()
        to_train.check(space)
        wanted = Metric(options.pop("metric"), options["direction"], pattern, log_file)
        check_metric(to_train, wanted, resume=resume)
        metric = wanted.name or to_train.file.metric or METRIC
        as_it_is = parse_settings(settings, space)
        path, mistakes = (None, ()) if resume else _named_mistakes(to_train, as_it_is)
    beyond = [one for one in mistakes if not one.is_of_setting]
    if beyond and not anyway:
        if as_json:
            print_json({"mistakes": [one.as_dict() for one in mistakes]})
        echo("nothing was trained: no setting mends that; mend it, or say --anyway", err=True)
        ctx.exit(1)
    with stdout_to_stderr():
        about = about_of(to_train.file, path)
        possible = None
        if script is not None and options["target"] is None and _passes_rows(to_train.file.path):
            possible = _shown_possible(to_train, as_it_is, about, quiet=quiet)
        if not resume:
            to_train, first = look_at(to_train, wanted, quiet=quiet)
            if first is not None:
                metric, options["direction"] = first.metric, options["direction"] or first.direction
        as_named = to_train
        longer = partial(to_train.longer, metric=metric) if to_train.may_be_longer else None
        opened = open_store(store or default_store(), create=not resume)
        name = name or study_name(opened, f"{to_train.name}-rescue", resume=resume)
    try:
        if resume and name in [record.name for record in opened.studies()]:
            begun = Study.open(opened, name)
            to_train, metric = to_train.as_begun(begun), wanted.name or begun.metric
            _go_on_with(begun, to_train.train_for(metric), changed=changed)
        with stdout_to_stderr(), nullcontext(NullObserver()) if quiet else progress(sys.stderr) as observer:
            result = rescue(
                to_train.train_for(metric),
                space,
                metric=metric,
                direction=options["direction"] or to_train.file.direction,
                max_epochs=options["epochs"] or to_train.file.epochs,
                budget=options["budget"],
                target=options["target"],
                as_it_is=as_it_is,
                about=about,
                possible=possible,
                mistakes=mistakes,
                anyway=True,
                longer=longer,
                max_tier=tier,
                seed=options["seed"],
                store=opened,
                name=name,
                resume=resume,
                isolate=options["isolate"],
                observer=observer,
            )
        look = None if result.study.is_in_memory else advice("show", result.study.record.name, store=store)
        if as_json:
            print_json(record(result, beyond))
        else:
            search = to_train.advice("tune", {}, store) if options["target"] is None else None
            print_lines(lines(result, look, search, options["target"], beyond, partial(places, as_named)))
        nothing_found = result.best is None
    finally:
        opened.close()
    if not result.over:
        kept = "all is on record; go on with the same command and --resume"
        echo(f"interrupted; {'nothing is kept' if result.study.is_in_memory else kept}", err=True)
        ctx.exit(INTERRUPTED)
    if nothing_found:
        ctx.exit(1)


def _named_mistakes(to_train: Job, as_it_is: Mapping[str, Any]) -> tuple[Path | None, Sequence[Mistake]]:
    """Name the mistakes of a program; return its file, if it is to be seen, and the mistakes."""
    from tunewell.cli.inspect_command import described  # noqa: PLC0415  as above
    from tunewell.cli.probe_report import inspected_source  # noqa: PLC0415

    path, found = inspected_source(to_train, as_it_is)
    print_lines((line for one in found.mistakes for line in described(one)), err=True)
    return path, found.mistakes


def _passes_rows(path: Path) -> bool:
    """Return True if a script calls a method `data`, as `run.data(x, y)` is."""
    tree = ast.parse(path.read_bytes())
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return any(isinstance(called, ast.Attribute) and called.attr == "data" for called in calls)


def _shown_possible(
    to_train: Job, as_it_is: Mapping[str, Any], about: Mapping[str, Any], *, quiet: bool
) -> Possible | None:
    """Return what a simple model shows to be possible on the rows that the script passes through `run.data`."""
    from tunewell.probing.probes import in_words, possible_of, rows_seen  # noqa: PLC0415  as above
    from tunewell.probing.simple_models import baselines  # noqa: PLC0415

    rows = rows_seen(to_train.train, to_train.needed_space(), as_it_is)
    found = "" if rows is None else baselines(*rows, seed=0)
    if isinstance(found, str):
        return None
    if not quiet:
        echo(f"simple models: {in_words(found)}", err=True)
    return possible_of(found, about)


def _go_on_with(study: Study, train: Train, *, changed: bool) -> None:
    """Put what is trained from now on on record. Raises SettingError if it is another training, and may not be."""
    check_trained(study, train, changed=changed)
    study.begin_session()
    Trained.by(train).record(study)
    study.close()
