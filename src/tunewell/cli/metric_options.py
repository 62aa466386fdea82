"""The metric of a program: the options that say where it is, and the first look that finds it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tunewell.cli.echo import echo
from tunewell.cli.job import Job
from tunewell.display.formatting import counted, duration
from tunewell.errors import SettingError
from tunewell.study.metric import direction_of

if TYPE_CHECKING:
    from tunewell.training.first_look import FirstLook
    from tunewell.training.metric_choice import Candidate

_Command = TypeVar("_Command", bound=Callable[..., Any])
_REPORTS_BY_ITSELF = re.compile(r"\btunewell\b|\bTUNEWELL_SOCKET\b")
_PLACEHOLDER = re.compile(r"\{[A-Za-z_]\w*\}")
_MOST_NAMED = 8

_OPTIONS = (
    click.option(
        "--pattern",
        metavar="REGEX",
        help="Of a program: finds the metrics in what it prints, by groups of their names, as in "
        r"'epoch (?P<epoch>\d+).*acc (?P<val_acc>[\d.]+)'.",
    ),
    click.option(
        "--log-file",
        metavar="FILE",
        help="Of a program: the log that it writes while it trains, which may have placeholders, {trial} say.  "
        "[default: found, if it prints no metrics]",
    ),
)


@dataclass(frozen=True, slots=True)
class Metric:
    """The options that name a program's metric."""

    name: str | None = None
    direction: str | None = None
    pattern: str | None = None
    log_file: str | None = None


def metric_options(command: _Command) -> _Command:
    """Give a command the options that say where a program's metrics are."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def check_metric(job: Job, metric: Metric, *, resume: bool = False) -> None:
    """Check what can be checked before a program is run.

    Raises:
        SettingError: an option is for another kind of training, cannot be used, or a direction is missing.
    """
    for option, value in (("--pattern", metric.pattern), ("--log-file", metric.log_file)):
        if value is None:
            continue
        if not job.program:
            raise SettingError(f"{option} is for a program, after --; a script's function reports by run.report(...)")
        if resume:
            raise SettingError(f"{option} is for a new study; this one reads its program as it was begun; leave it out")
    known = {*job.needed_space().names, "seed", "trial"} if metric.log_file is not None else set()
    for name in _PLACEHOLDER.findall(metric.log_file or ""):
        if name[1:-1] not in known:
            raise SettingError(
                f"--log-file has {name}, which is no parameter of the space; there are {', '.join(sorted(known))}"
            )
    if metric.pattern is not None:
        from tunewell.logs.pattern import PatternReader  # noqa: PLC0415  only who has a pattern needs it

        PatternReader(metric.pattern, metric.name or "")
    if metric.name is not None and job.program and not resume:
        direction_of(metric.name, direction_for(job, metric))


def direction_for(job: Job, metric: Metric) -> str | None:
    """Return the direction that is given, or that the name of a program's metric tells; None if neither."""
    if metric.direction is not None or metric.name is None or not job.program:
        return metric.direction
    from tunewell.training.metric_choice import direction_by_name  # noqa: PLC0415  only who names one needs it

    return direction_by_name(metric.name)


def look_at(job: Job, metric: Metric, *, quiet: bool = False, by_loss: bool = False) -> tuple[Job, FirstLook | None]:
    """Take a first look at a program; return the job with where its metrics are, and what was found.

    None if it is no program, or one that reports by itself, which needs no look.

    by_loss: a loss is wanted, if the metric is not named.

    Raises:
        TunewellError: it cannot be tuned as it is.
    """
    if not job.program or _reports_by_itself(job, metric):
        return job, None
    from tunewell.training.external_program import ExternalProgram  # noqa: PLC0415  only who tunes a program needs it
    from tunewell.training.first_look import first_look  # noqa: PLC0415
    from tunewell.training.metric_choice import loss_of  # noqa: PLC0415

    if not quiet:
        echo("looking at the program: it runs with its default setting until its second epoch", err=True)
    look = first_look(
        ExternalProgram(job.program, metric.name),
        job.needed_space(),
        metric=metric.name,
        pattern=metric.pattern,
        log_file=metric.log_file,
        choose=loss_of if by_loss else _ask if not quiet and _is_terminal() else None,
        tell=lambda line: None if quiet else echo(line, err=True),
    )
    direction_of(look.metric, metric.direction or look.direction)
    if not quiet:
        _announce(look, chosen=metric.name is None)
    for remark in look.remarks:
        echo(remark, err=True)
    return replace(job, found=look.found), look


def check_file(look: FirstLook, workers: int, scheduler: str | None) -> str | None:
    """Check that the files of trials are known from one another; return the scheduler that this needs, if any.

    Raises:
        SettingError: they cannot, with these workers or this scheduler.
    """
    if look.path is None or _PLACEHOLDER.search(look.found.path):
        return scheduler
    file, mend = _shown(look.path), "give each trial a file of its own: {trial} in the command and in --log-file"
    if workers > 1:
        raise SettingError(f"{file} cannot be told from that of another worker; {mend}, or say --workers 1")
    if look.found.is_new:
        return scheduler  # a folder, or a file, of its own for each training
    if scheduler in (None, "auto"):
        echo(f"all trials write {file}, so each is trained in full, one after the other; or {mend}", err=True)
        return "full"
    if scheduler != "full":
        raise SettingError(
            f"all trials write {file}, which a paused one would find overwritten; {mend}, or say --scheduler full"
        )
    return scheduler


def _reports_by_itself(job: Job, metric: Metric) -> bool:
    """Return True for a program whose source calls tunewell."""
    if metric.pattern is not None or metric.log_file is not None:
        return False
    for word in job.program:
        if word.endswith(".py"):
            try:
                text = Path(word).read_text(encoding="utf-8", errors="replace")
            except (OSError, ValueError):
                continue
            if _REPORTS_BY_ITSELF.search(text):
                return True
    return False


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _ask(found: Sequence[Candidate]) -> str:
    """Return the metric that the user chooses."""
    for nth, one in enumerate(found, start=1):
        echo(f"  {nth}  {one.name} ({one.direction})", err=True)
    chosen: int = click.prompt(
        "which is to be optimized?", type=click.IntRange(1, len(found)), default=1, show_default=True, err=True
    )
    return found[chosen - 1].name


def _announce(look: FirstLook, *, chosen: bool) -> None:
    """Print what was found, and what it has cost."""
    where = f"in {_shown(look.path)}" if look.path is not None else "in what it prints"
    others = [one.name for one in look.candidates if one.name != look.metric]
    names = [look.metric, *others][:_MOST_NAMED]
    much = "its whole training" if look.is_whole else counted(look.epochs, "epoch")
    cost = f"{much}, {duration(look.seconds)}, outside the budget"
    echo(f"found {', '.join(names)} {where}; the look took {cost}", err=True)
    rows = {one.name: one.rows for one in look.candidates}
    equal = [name for name in others if rows[name] == rows.get(look.metric)]
    if chosen and equal:
        echo(f"{look.metric} is optimized; choose another with --metric, such as --metric {equal[0]}", err=True)


def _shown(path: Path) -> str:
    """Return a path as the user would write it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
