"""The worth of each author's proposals, in lines."""

from __future__ import annotations

from collections.abc import Iterator

import click

from tunewell.analysis.advisors import Advisor
from tunewell.cli.printing import table
from tunewell.display.formatting import measured
from tunewell.study import Study


def advisor_lines(study: Study) -> Iterator[str]:
    """Yield a line an author, after the search itself; nothing if nobody proposed."""
    known = study.advisors()
    if not known:
        return
    yield ""
    yield click.style("proposals", bold=True)
    columns = ("by", "proposed", "started", "waiting", "epochs", "resumed", "best", "better than the search's own")
    yield from table(columns, [_row(one) for one in known])
    for one in study.proposals():
        if one.obstacle is not None:
            yield click.style(f"one by {one.proposal.by} is not tried any more: {one.obstacle}", dim=True)


def _row(one: Advisor) -> list[object]:
    is_search = one.better is None and one.too_few is None
    return [
        one.by,
        None if is_search else one.proposed,
        one.started,
        None if is_search else one.waiting,
        one.epochs,
        None if one.resumed is None else f"{one.resumed:.0%}",
        None if one.best is None else measured(one.best),
        None if is_search else better_in_words(one),
    ]


def better_in_words(one: Advisor) -> str:
    """Return the chance that a proposal of an author is better than a start of the search, with its interval."""
    if one.better is None:
        return "too few"
    chance = one.better
    result = "" if chance.low > 0.5 or chance.high < 0.5 else ", within noise"
    return f"{chance.middle:.0%} ({chance.low:.0%} to {chance.high:.0%}{result})"
