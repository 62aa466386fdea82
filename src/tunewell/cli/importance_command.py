"""`tunewell importance`: what a study has learned of its parameters, what it wasted, and how noisy its metric is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from tunewell.cli.options import existing_study, json_option, store_option, study_argument
from tunewell.cli.printing import print_json, print_lines, table

if TYPE_CHECKING:
    from tunewell.analysis.in_common import AllInCommon
    from tunewell.reporting import Passage


@click.command("importance")
@study_argument
@store_option
@json_option
def command(*, study: str | None, store: str | None, as_json: bool) -> None:
    """Show which parameters of STUDY mattered, and what its trials show besides.

    Without STUDY it is the newest that has an epoch on record. It shows by how much each parameter mattered, which must
    be chosen together, what the best trials have in common, which epochs were wasted, and by how much a new seed
    changes the metric; each with how sure it is.
    """
    from tunewell.reporting import (  # noqa: PLC0415  it needs SciPy, and --help does not
        in_common,
        interactions,
        mattered,
        noise,
        wasted,
    )

    with existing_study(store, study) as opened:
        name, metric = opened.record.name, opened.metric
        weights, pairs, shared = opened.importance(), opened.interactions(), opened.in_common()
        spent, varies = opened.waste(), opened.noise()
    if as_json:
        print_json(
            {
                "study": name,
                "metric": metric,
                "importance": asdict(weights) | {"too_few": weights.too_few},
                "interactions": asdict(pairs) | {"too_few": pairs.too_few},
                "in_common": _plain(shared),
                "waste": asdict(spent) | {"epochs": spent.epochs, "share": spent.share},
                "noise": asdict(varies) | {"margin": varies.margin, "too_few": varies.too_few},
            }
        )
        return
    passages = mattered(weights, metric), interactions(pairs), in_common(shared), wasted(spent), noise(varies, metric)
    for nth, passage in enumerate(passages):
        print_lines(_lines(passage, first=not nth))


def _lines(passage: Passage, *, first: bool) -> Iterator[str]:
    if not first:
        yield ""
    yield click.style(passage.title, bold=True)
    yield ""
    if passage.rows:
        yield from table(passage.columns, passage.rows)
        yield from [""] if passage.lines else []
    yield from passage.lines


def _plain(found: AllInCommon) -> dict[str, object]:
    """Return it as JSON may have it: the values of a choice are no keys there."""
    rows = [
        asdict(one)
        | {
            "shares": [{"value": value, "share": share} for value, share in one.shares.items()],
            "shares_of_all": [{"value": value, "share": share} for value, share in one.shares_of_all.items()],
        }
        for one in found.parameters
    ]
    return asdict(found) | {"parameters": rows, "too_few": found.too_few}
