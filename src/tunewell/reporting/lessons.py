"""The lessons of a study's trials, each as a passage; the analysis is in `tunewell.analysis`."""

from __future__ import annotations

from collections.abc import Mapping

from tunewell.analysis.importance import Importances
from tunewell.analysis.in_common import AllInCommon, InCommon
from tunewell.analysis.interactions import Interactions
from tunewell.analysis.noise import Noise
from tunewell.analysis.waste import Waste
from tunewell.display.formatting import counted, short
from tunewell.reporting.passage import Passage
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


def mattered(known: Importances, metric: str) -> Passage:
    """Return by how much each parameter mattered for the metric."""
    title = f"What mattered for {metric}, with 90 % intervals"
    if known.too_few is not None:
        return Passage(title, (f"Not known yet: {known.too_few}.",))
    rows = tuple(
        (one.name, f"{one.share:.0%}", f"{one.low:.0%} to {one.high:.0%}")
        if one.is_known
        else (one.name, None, f"only {counted(one.trials, 'trial')} had it")
        for one in known
    )
    failed = f", {known.failed} of which failed or diverged and count as the worst" if known.failed else ""
    left = f"; {known.left_out} more cannot be compared with any" if known.left_out else ""
    line = f"From {counted(known.trials, 'trial')}{failed}{left}."
    return Passage(title, (line,), ("parameter", "share", "interval"), rows)


def interactions(known: Interactions) -> Passage:
    """Return the parameters that must be chosen together."""
    title = "What must be chosen together"
    if known.too_few is not None:
        return Passage(title, (f"Not known yet: {known.too_few}.",))
    if not known.sure:
        return Passage(title, (f"No two, as far as {known.trials} trials show.",))
    rows = tuple((" and ".join(pair.names), f"{pair.share:.0%}", _chance(pair.chance)) for pair in known.sure)
    return Passage(title, columns=("parameters", "share", "chance of it by luck"), rows=rows)


def in_common(known: AllInCommon) -> Passage:
    """Return the values that the best trials have in common."""
    title = f"What the best {known.best or ''} have in common".replace("  ", " ")
    if known.too_few is not None:
        return Passage(title, (f"Not known yet: {known.too_few}.",))
    if not known.sure:
        return Passage(title, (f"Nothing that could not be luck, in {known.best} of {known.trials}.",))
    rows = tuple((one.name, *_ranges(one), _chance(one.chance)) for one in known.sure)
    return Passage(title, columns=("parameter", "8 of 10 of the best", "of all", "chance of it by luck"), rows=rows)


def wasted(known: Waste) -> Passage:
    """Return the epochs that the study could have done without."""
    title = "What was wasted"
    if not known.epochs:
        return Passage(title, (f"Nothing, of {counted(known.trained, 'epoch')}.",))
    rows = tuple((_KINDS[one.kind], one.epochs, len(one.trials)) for one in known.kinds if one.epochs)
    line = f"Together {known.share:.0%} of {counted(known.trained, 'epoch')}, as it turned out."
    return Passage(title, (line,), ("epochs spent", "epochs", "trials"), rows)


def noise(known: Noise, metric: str) -> Passage:
    """Return by how much a new seed changes the metric."""
    title = f"By how much a new seed changes {metric}"
    if known.too_few is not None:
        return Passage(title, (f"Not known: {known.too_few}.",))
    rows = tuple(
        (f"{one.sd:.2g}", f"{one.low:.2g} to {one.high:.2g}", one.learned_from, _SOURCES[one.source])
        for one in known.estimates
    )
    line = f"Two trials that differ by less than {known.margin:.2g} are not told apart."
    return Passage(title, (line,), ("standard deviation", "90 % interval", "from", ""), rows)


def _ranges(one: InCommon) -> tuple[str, str]:
    if one.shares:
        return _most(one.shares), _most(one.shares_of_all)
    return f"{short(one.low)} to {short(one.high)}", f"{short(one.low_of_all)} to {short(one.high_of_all)}"


def _most(shares: Mapping[Value, float]) -> str:
    most = sorted(shares.items(), key=lambda item: -item[1])[:3]
    return ", ".join(f"{value} {share:.0%}" for value, share in most if share > 0)


def _chance(chance: float) -> str:
    return "under 0.1 %" if chance < 0.001 else f"{chance:.1%}"
