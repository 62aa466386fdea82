"""`tunewell plan`: when a study will have spent its budget, what an epoch costs, and what more time would buy."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from tunewell.cli.options import existing_study, json_option, store_option, study_argument
from tunewell.cli.printing import facts, print_json, print_lines

if TYPE_CHECKING:
    from tunewell.study import Study
    from tunewell.study.plan import Plan


@click.command("plan")
@study_argument
@store_option
@json_option
@click.option("--confirm", type=click.IntRange(1), metavar="N", help="Plan for so many seeds at the end.  [default: 3]")
def command(*, study: str | None, store: str | None, as_json: bool, confirm: int | None) -> None:
    """Show when STUDY will have spent its budget, and what more time would buy.

    Without STUDY it is the newest that has an epoch on record. The finish is an interval that holds in four of five
    cases, by what the study's own steps have taken, for as long as somebody runs it; and it says which parameters make
    an epoch slow.
    """
    from tunewell.runners.deadline import confirmation_s  # noqa: PLC0415  it needs SciPy, and --help does not
    from tunewell.study.plan import plan  # noqa: PLC0415

    with existing_study(store, study) as opened:
        found = plan(opened.reader)
        confirming = confirmation_s(opened.reader, confirm or 3, found.workers)
        is_run = opened.is_run()
        if as_json:
            about = {"study": opened.record.name, "metric": opened.metric, "is_run": is_run}
            again = {"confirmation_seconds": confirming or None}
            print_json(
                about | asdict(found) | {"costs": asdict(found.costs) | {"too_few": found.costs.too_few}} | again
            )
            return
        print_lines(_lines(opened, found, confirming, confirm or 3, is_run=is_run))


def _lines(study: Study, plan: Plan, confirming: float, seeds: int, *, is_run: bool) -> Iterator[str]:
    from tunewell.cli.results_report import outlook_line  # noqa: PLC0415
    from tunewell.display.formatting import counted, duration, measured  # noqa: PLC0415
    from tunewell.display.summary import spent_of_budget  # noqa: PLC0415

    record, pace, per_hour = study.record, plan.seconds_per_epoch, plan.trainings_per_hour
    yield from facts(
        {
            "study": f"{record.name}, {record.direction} {record.metric}",
            "spent": spent_of_budget(study),
            "left": None if plan.epochs_left is None else counted(plan.epochs_left, "epoch"),
            "finish": _finish(plan, is_run=is_run),
            "pace": None if pace is None else f"{measured(pace)} s an epoch, {plan.workers} at a time",
            "an hour": per_hour and f"{per_hour:,.{int(per_hour < 10)}f} full trainings",
            "outlook": outlook_line(study),
            "more time": _more(plan),
            "confirm": f"--confirm {seeds} takes about {duration(confirming)} after that" if confirming else None,
        }
    )
    yield ""
    if plan.costs.too_few:
        yield f"What makes an epoch slow is not known yet: {plan.costs.too_few}."
    elif not plan.costs.parameters:
        yield f"No parameter surely changes what an epoch takes, by {plan.costs.trials} trials."
    for one in plan.costs.parameters:
        yield (
            f"{one.name}: from {_value(one.cheap)} to {_value(one.dear)} an epoch takes {one.factor:.2g} times as long "
            f"({one.low:.2g} to {one.high:.2g})"
        )


def _finish(plan: Plan, *, is_run: bool) -> str:
    from tunewell.display.formatting import duration, moment  # noqa: PLC0415

    left = plan.time_left
    if left is None:
        return f"not known: {plan.unknown}"
    if left.high <= 0:
        return "the budget is spent"
    wide = left.high - left.low >= 1
    interval = f" ({duration(left.low)} to {duration(left.high)} in 8 of 10 cases)" if wide else ""
    when = f", about {moment(time.time() + left.middle)}" if is_run else ", once it is gone on with"
    return f"in {duration(left.middle)}{interval}{when}"


def _more(plan: Plan) -> str:
    from tunewell.display.summary import more_in_words  # noqa: PLC0415

    if plan.more is None:
        return f"what it would buy is not known: {plan.more_unknown}"
    return more_in_words(plan.more.gain, plan.more.seconds)


def _value(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
