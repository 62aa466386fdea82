"""The options of commands that look for a learning rate by short trainings, and their first look at what is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tunewell.cli.job import Job
from tunewell.cli.metric_options import Metric, check_metric, look_at, metric_options

if TYPE_CHECKING:
    from tunewell.space.space import Space

_Command = TypeVar("_Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--param", metavar="NAME", help="The parameter that is the learning rate.  [default: by its usual names]"
    ),
    click.option("--metric", metavar="NAME", help="What rates are judged by.  [default: val_loss, else train_loss]"),
    click.option(
        "--direction", type=click.Choice(["minimize", "maximize"]), help="Of the metric.  [default: by its usual names]"
    ),
    metric_options,
    click.option(
        "--set",
        "settings",
        metavar="NAME=VALUE",
        multiple=True,
        help="A value of another parameter, as far as it is not the default; may be given several times.",
    ),
)


def rate_options(command: _Command) -> _Command:
    """Give a command the options that say which parameter is the rate, what judges it, and what all else is."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def looked_at(job: Job, metric: Metric) -> tuple[Job, Space, Metric]:
    """Take a first look at what is to be trained a few times; return it, its space, and by what it is judged, a loss.

    Raises:
        TunewellError: it cannot be tuned as it is.
    """
    space = job.needed_space()
    job.check(space)
    check_metric(job, metric)
    job, look = look_at(job, metric, by_loss=True)
    if look is not None:
        metric = replace(metric, name=look.metric, direction=metric.direction or look.direction)
    return job, space, metric
