"""`tunewell scale-check`: the learning rate of a large network, from small ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tunewell.cli.echo import echo
from tunewell.cli.job import ProgramCommand, job, static_option
from tunewell.cli.metric_options import Metric
from tunewell.cli.options import json_option
from tunewell.cli.printing import print_json, print_lines, stdout_to_stderr, table
from tunewell.cli.rate_options import looked_at, rate_options
from tunewell.display.formatting import measured, short
from tunewell.space.parse_settings import parse_settings

if TYPE_CHECKING:
    from tunewell.probing import ScaleCheck


@click.command("scale-check", cls=ProgramCommand)
@click.argument("script", required=False)
@click.option("--space", "space_file", metavar="FILE", help="The space, as TOML, in place of the script's own.")
@static_option
@click.option("--size", required=True, metavar="NAME", help="The parameter that is the size, such as a width.")
@click.option("--full", type=click.IntRange(1), metavar="N", help="The size that is meant.  [default: its default]")
@rate_options
@click.option("--epochs", type=click.IntRange(1), metavar="N", help="Epochs of each training.  [default: all it has]")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, metavar="N", help="Same seed, same trainings."
)
@click.option("--no-check", is_flag=True, help="Predict alone; train nothing at the full size.")
@json_option
def command(
    *,
    script: str | None,
    program: tuple[str, ...],
    space_file: str | None,
    static: bool,
    size: str,
    full: int | None,
    param: str | None,
    metric: str | None,
    direction: str | None,
    pattern: str | None,
    log_file: str | None,
    settings: tuple[str, ...],
    epochs: int | None,
    seed: int,
    no_check: bool,
    as_json: bool,
) -> None:
    """Find the best learning rate of small networks, and carry it to the full size.

    Trains a SCRIPT or a PROGRAM as `tunewell tune` has them at a thirty-second, a sixteenth and an eighth of the size,
    with several rates each, learns how the best one shifts, and checks the prediction at the full size. Nothing goes on
    record.
    """
    from tunewell.probing import scale_check  # noqa: PLC0415  --help needs none of it

    def print_training(at: int, rate: float, value: float) -> None:
        echo(f"{size} {at}, {short(rate)}: {measured(value)}", err=True)

    with stdout_to_stderr():
        to_train = job(script, program, space_file, static=static)
        to_train, space, wanted = looked_at(to_train, Metric(metric, direction, pattern, log_file))
        found = scale_check(
            to_train.train_for(wanted.name or "val_loss"),
            space,
            size=size,
            full=full,
            param=param,
            metric=wanted.name,
            direction=wanted.direction,
            setting=parse_settings(settings, space),
            epochs=epochs,
            seed=seed,
            check=not no_check,
            on_training=print_training,
        )
    if as_json:
        print_json(_record(found))
        return
    print_lines(_lines(found))


def _lines(found: ScaleCheck) -> list[str]:
    rows = [(str(one.size), short(one.rate), str(one.trainings)) for one in found.at_sizes]
    lines = [*table((found.size, f"best {found.param}", "trainings"), rows), ""]
    shift = f"{found.shift:.2g}"
    shifts = "stays as it is" if shift == "1" else f"is {shift} times as high"
    lines.append(f"when {found.size} doubles, the best {found.param} {shifts}")
    shown = click.style(f"{found.param} = {found.rate:g}", fg="green" if found.carries_over else "yellow", bold=True)
    lines.append(f"at {found.size} = {found.full}: {shown}, in eight cases of ten {found.low:.2g} to {found.high:.2g}")
    if found.checked:
        values = [(short(one.rate), measured(one.value)) for one in found.checked]
        lines += ["", *table((f"{found.param} at {found.full}", found.metric), values), ""]
    holds = {True: "carries over", False: "does not carry over", None: "not checked"}[found.carries_over]
    return [*lines, f"{holds}: {found.why}"]


def _record(found: ScaleCheck) -> dict[str, object]:
    return {
        "param": found.param,
        "size": found.size,
        "full": found.full,
        "metric": found.metric,
        "direction": found.direction,
        "rate": found.rate,
        "low": found.low,
        "high": found.high,
        "shift": found.shift,
        "carries_over": found.carries_over,
        "why": found.why,
        "epochs": found.epochs,
        "at_sizes": [{"size": one.size, "rate": one.rate, "trainings": one.trainings} for one in found.at_sizes],
        "checked": [{"rate": one.rate, "value": one.value} for one in found.checked],
    }
