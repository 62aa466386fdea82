"""How a rescue reads: from the first number to the last, a attempt a run."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import asdict

import click

from tunewell.cli.printing import facts, setting_lines
from tunewell.cli.records import best_record
from tunewell.display.formatting import measured, short
from tunewell.display.summary import counts, spent_of_budget
from tunewell.rescue import Attempt, Rescue

_WIDTH = 100


def lines(told: Rescue, look: str, search: str | None = None) -> Iterator[str]:
    """The story, the setting that it ends with, and what is left to be said of that run.

    search: what searches on, where no target was given.
    """
    metric = told.study.metric
    for attempt in told.attempts:
        yield from _attempt(attempt, metric)
    if told.searched:
        yield ""
        yield f"single changes were not enough: {told.searched} more trials were searched"
    yield ""
    yield from _ending(told)
    if search is not None and told.best is not None and not told.healthy:
        yield f"no target was given: if you know what is possible, say --target X; or search on: {search}"
    yield ""
    yield from facts(
        {
            "spent": spent_of_budget(told.study),
            "trials": counts(told.study),
            "record": f"study {told.study.record.name!r} in {told.study.url}",
            "look": look,
        }
    )


def record(told: Rescue) -> dict[str, object]:
    """The same as plain data."""
    return {
        "study": told.study.record.name,
        "metric": told.study.metric,
        "first": told.first,
        "best": None if told.best is None else best_record(told.best),
        "healthy": told.healthy,
        "finished": told.over,
        "attempts": [asdict(attempt) for attempt in told.attempts],
        "searched": told.searched,
        "epochs": told.study.spent.epochs,
        "findings": [finding.as_dict() for finding in told.findings],
    }


def _attempt(attempt: Attempt, metric: str) -> Iterator[str]:
    reached = f"no finite {metric}" if attempt.value is None else f"{metric} {measured(attempt.value)}"
    after = f"{reached} after {attempt.epochs} epochs"
    if attempt.treats is None:
        yield f"{click.style('as it is', bold=True)}: {after}"
        return
    yield ""
    found = f"trial {attempt.treats}: {attempt.label}, {attempt.confidence:.0%}: {attempt.evidence}"
    yield from textwrap.wrap(found, _WIDTH, subsequent_indent="  ", break_long_words=False)
    before = "" if attempt.at_patient is None else f", {measured(attempt.at_patient)} before"
    mark = click.style("better", fg="green") if attempt.helped else "no better"
    changed = click.style(f"{attempt.param} {_shown(attempt.old)} -> {_shown(attempt.new)}", bold=True)
    yield f"  {changed}: {after}{before}: {mark}"


def _ending(told: Rescue) -> Iterator[str]:
    metric, best = told.study.metric, told.best
    if best is None:
        yield f"no trial has reported a finite {metric}"
        return
    first = "nothing finite" if told.first is None else measured(told.first)
    yield f"{metric} from {first} to {click.style(measured(best.value), fg='green', bold=True)}, trial {best.trial}"
    yield ""
    yield from (f"    {line}" for line in setting_lines(best.params))
    yield ""
    if told.healthy:
        yield f"nothing is found that holds trial {best.trial} back"
    elif told.findings and told.findings[0].label == "healthy":
        sure = f"{told.findings[0].confidence:.0%} sure"
        yield f"nothing plain holds trial {best.trial} back; that it is healthy is {sure}"
    elif told.findings:
        left = told.findings[0]
        text = f"what may hold trial {best.trial} back is {left.label}, {left.confidence:.0%}: {left.evidence}"
        yield from textwrap.wrap(text, _WIDTH, subsequent_indent="  ", break_long_words=False)


def _shown(value: object) -> str:
    return short(value) if value is not None else "-"
