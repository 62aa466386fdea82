"""`tunewell importance`: what a study has learned of its parameters, what it wasted, and how noisy its metric is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict

import click

from tunewell.analysis.importance import Importances
from tunewell.analysis.in_common import AllInCommon, InCommon
from tunewell.analysis.interactions import Interactions
from tunewell.analysis.noise import Noise
from tunewell.analysis.waste import Waste
from tunewell.cli.options import existing_study, json_option, store_option, study_argument
from tunewell.cli.printing import print_json, print_lines, table
from tunewell.display.formatting import counted, short
from tunewell.space.values import Value

_KINDS = {
    "failed": "on trials that failed",
    "diverged": "on trials that diverged",
    "repeated": "on settings nearly as one before",
    "hopeless": "after falling behind the median for good",
    "retrained": "trained a second time",
}
_SOURCES = {
    "confirmed": "measured",
    "repeated": "rather too much, since settings differ",
    "wobble": "rather too little, within one seed",
}


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
    with existing_study(store, study) as opened:
        name, metric = opened.record.name, opened.metric
        weights, pairs, shared = opened.importance(), opened.interactions(), opened.in_common()
        wasted, noise = opened.waste(), opened.noise()
    if as_json:
        print_json(
            {
                "study": name,
                "metric": metric,
                "importance": asdict(weights) | {"too_few": weights.too_few},
                "interactions": asdict(pairs) | {"too_few": pairs.too_few},
                "in_common": _plain(shared),
                "waste": asdict(wasted) | {"epochs": wasted.epochs, "share": wasted.share},
                "noise": asdict(noise) | {"margin": noise.margin, "too_few": noise.too_few},
            }
        )
        return
    print_lines(_section(f"What mattered for {metric}, with 90 % intervals", _importance_lines(weights), first=True))
    print_lines(_section("What must be chosen together", _pair_lines(pairs)))
    print_lines(_section(f"What the best {shared.best or ''} have in common".replace("  ", " "), _common_lines(shared)))
    print_lines(_section("What was wasted", _waste_lines(wasted)))
    print_lines(_section(f"By how much a new seed changes {metric}", _noise_lines(noise)))


def _section(title: str, lines: Iterable[str], *, first: bool = False) -> Iterator[str]:
    if not first:
        yield ""
    yield click.style(title, bold=True)
    yield ""
    yield from lines


def _importance_lines(found: Importances) -> Iterator[str]:
    if found.too_few is not None:
        yield f"Not known yet: {found.too_few}."
        return
    rows = [
        (one.name, f"{one.share:.0%}", f"{one.low:.0%} to {one.high:.0%}")
        if one.is_known
        else (one.name, None, f"only {counted(one.trials, 'trial')} had it")
        for one in found
    ]
    yield from table(("parameter", "share", "interval"), rows)
    yield ""
    failed = f", {found.failed} of which failed or diverged and count as the worst" if found.failed else ""
    left = f"; {found.left_out} more cannot be compared with any" if found.left_out else ""
    yield f"From {counted(found.trials, 'trial')}{failed}{left}."


def _pair_lines(found: Interactions) -> Iterator[str]:
    if found.too_few is not None:
        yield f"Not known yet: {found.too_few}."
    elif not found.sure:
        yield f"No two, as far as {found.trials} trials show."
    else:
        rows = [(" and ".join(pair.names), f"{pair.share:.0%}", _chance(pair.chance)) for pair in found.sure]
        yield from table(("parameters", "share", "chance of it by luck"), rows)


def _common_lines(found: AllInCommon) -> Iterator[str]:
    if found.too_few is not None:
        yield f"Not known yet: {found.too_few}."
    elif not found.sure:
        yield f"Nothing that could not be luck, in {found.best} of {found.trials}."
    else:
        rows = [(one.name, *_in_words(one), _chance(one.chance)) for one in found.sure]
        yield from table(("parameter", "8 of 10 of the best", "of all", "chance of it by luck"), rows)


def _in_words(one: InCommon) -> tuple[str, str]:
    if one.shares:
        return _most(one.shares), _most(one.shares_of_all)
    return f"{short(one.low)} to {short(one.high)}", f"{short(one.low_of_all)} to {short(one.high_of_all)}"


def _most(shares: Mapping[Value, float]) -> str:
    most = sorted(shares.items(), key=lambda item: -item[1])[:3]
    return ", ".join(f"{value} {share:.0%}" for value, share in most if share > 0)


def _waste_lines(found: Waste) -> Iterator[str]:
    if not found.epochs:
        yield f"Nothing, of {counted(found.trained, 'epoch')}."
        return
    rows = [(_KINDS[one.kind], one.epochs, len(one.trials)) for one in found.kinds if one.epochs]
    yield from table(("epochs spent", "epochs", "trials"), rows)
    yield ""
    yield f"Together {found.share:.0%} of {counted(found.trained, 'epoch')}, as it turned out."


def _noise_lines(found: Noise) -> Iterator[str]:
    if found.too_few is not None:
        yield f"Not known: {found.too_few}."
        return
    rows = [
        (f"{one.sd:.2g}", f"{one.low:.2g} to {one.high:.2g}", one.learned_from, _SOURCES[one.source])
        for one in found.estimates
    ]
    yield from table(("standard deviation", "90 % interval", "from", ""), rows)
    yield ""
    yield f"Two trials that differ by less than {found.margin:.2g} are not told apart."


def _chance(chance: float) -> str:
    return "under 0.1 %" if chance < 0.001 else f"{chance:.1%}"


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
