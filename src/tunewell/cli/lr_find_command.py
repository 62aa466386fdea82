"""`tunewell lr-find`: which learning rates a training takes, and which one to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tunewell.cli.echo import echo
from tunewell.cli.job import ProgramCommand, job, static_option
from tunewell.cli.metric_options import Metric
from tunewell.cli.options import json_option
from tunewell.cli.printing import print_json, print_lines, stdout_to_stderr, table
from tunewell.cli.rate_options import looked_at, rate_options
from tunewell.display.formatting import measured, short
from tunewell.errors import SettingError
from tunewell.space.parse_settings import parse_settings
from tunewell.whole_file import whole_file

if TYPE_CHECKING:
    from tunewell.probing import Sweep, SweepPoint


@click.command("lr-find", cls=ProgramCommand)
@click.argument("script", required=False)
@click.option("--space", "space_file", metavar="FILE", help="The space, as TOML, in place of the script's own.")
@static_option
@rate_options
@click.option("--low", type=click.FloatRange(0, min_open=True), metavar="X", help="The lowest rate.")
@click.option("--high", type=click.FloatRange(0, min_open=True), metavar="X", help="The highest rate.")
@click.option(
    "--per-decade", type=click.IntRange(1), default=2, show_default=True, metavar="N", help="How many rates a decade."
)
@click.option(
    "--epochs", type=click.IntRange(1), default=1, show_default=True, metavar="N", help="Epochs of each training."
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, metavar="N", help="Same seed, same sweep."
)
@click.option("--figure", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Draw it, as SVG.")
@json_option
def command(
    *,
    script: str | None,
    program: tuple[str, ...],
    space_file: str | None,
    static: bool,
    param: str | None,
    metric: str | None,
    direction: str | None,
    pattern: str | None,
    log_file: str | None,
    settings: tuple[str, ...],
    low: float | None,
    high: float | None,
    per_decade: int,
    epochs: int,
    seed: int,
    figure: Path | None,
    as_json: bool,
) -> None:
    """Train shortly at rising learning rates until training diverges, and suggest one.

    From a decade below the parameter's range to a decade above it, an epoch each, all else at its default; of a SCRIPT
    or a PROGRAM as `tunewell tune` has them. Nothing goes on record.
    """
    from tunewell.probing import lr_find  # noqa: PLC0415  --help needs none of it

    def print_point(point: SweepPoint) -> None:
        echo(f"{point.rate:.3g}: {'diverged' if point.diverged else measured(point.loss)}", err=True)

    if figure is not None and not figure.parent.is_dir():
        raise SettingError(f"--figure {figure}: there is no folder {str(figure.parent)!r}; make it, or draw elsewhere")
    with stdout_to_stderr():
        to_train = job(script, program, space_file, static=static)
        to_train, space, wanted = looked_at(to_train, Metric(metric, direction, pattern, log_file))
        sweep = lr_find(
            to_train.train_for(wanted.name or "val_loss"),
            space,
            param=param,
            metric=wanted.name,
            direction=wanted.direction,
            setting=parse_settings(settings, space),
            low=low,
            high=high,
            per_decade=per_decade,
            epochs=epochs,
            seed=seed,
            on_point=print_point,
        )
    if figure is not None:
        from tunewell.cli.sweep_figure import svg  # noqa: PLC0415  only a figure needs it

        with whole_file(figure) as path:
            path.write_text(svg(sweep), encoding="utf-8")
    if as_json:
        print_json(_record(sweep))
        return
    print_lines(_lines(sweep, of_program=bool(to_train.program)))


def _lines(sweep: Sweep, *, of_program: bool) -> list[str]:
    losses = [point.loss for point in sweep.points if not point.diverged]
    least, most = (min(losses), max(losses)) if losses else (0.0, 1.0)
    rows = []
    for point in sweep.points:
        width = 0 if point.diverged or most == least else round(40 * (point.loss - least) / (most - least))
        rows.append((short(point.rate), measured(point.loss), "diverged" if point.diverged else "▏" + "━" * width))
    lines = [*table((sweep.param, sweep.metric, ""), rows), ""]
    if sweep.suggestion is None or sweep.range is None:
        return [*lines, f"no rate can be suggested: {sweep.why}"]
    low, high = sweep.range
    shown = click.style(f"{sweep.param} = {sweep.suggestion:g}", fg="green", bold=True)
    around = f'tw.Float({low:.2g}, {high:.2g}, scale="log", tier=1)'
    if of_program:
        around = f"low = {low:.2g} and high = {high:.2g} of [space.{sweep.param}] in the file that tunewell init writes"
    return [*lines, f"{shown}: {sweep.why}", f"to search around it: {around}"]


def _record(sweep: Sweep) -> dict[str, object]:
    return {
        "param": sweep.param,
        "metric": sweep.metric,
        "direction": sweep.direction,
        "suggestion": sweep.suggestion,
        "why": sweep.why,
        "range": sweep.range,
        "epochs": sweep.epochs,
        "points": [{"rate": p.rate, "loss": p.loss, "diverged": p.diverged} for p in sweep.points],
    }
