"""The results of a study in lines: ranges that are too narrow, confirmed settings, what more search would bring."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from tunewell.cli.printing import table
from tunewell.display.formatting import counted, measured
from tunewell.errors import last_line
from tunewell.study import Study
from tunewell.study.confirmed import confirmed
from tunewell.study.reader import Best
from tunewell.trial import TrialState

_DISTRUSTED = 0.1  # a chance that a past holds, below which it is worth a line


def bound_lines(study: Study, go_on: str = "go on with --resume --budget MORE") -> Iterator[str]:
    """Yield a line for each range that seems to end too early; `go_on` says how the wider one is taken up."""
    if study.is_in_memory:
        go_on = "tune again"
    for one in study.at_bounds():
        yield (
            f"{one.name}: the best trials lie at {one.side}={one.bound:.6g}; to search beyond, "
            f"write {one.side}={one.suggested:.12g} in the space, then {go_on}"
        )


def unfinished_line(study: Study, best: Best) -> str | None:
    """Return what is to be known of a best report whose trial has not been trained to its end; None if it has."""
    trial, epochs = study.trials[best.trial], int(study.history.epochs[best.trial])
    if study.history.broken[best.trial]:
        return (
            f"but trial {best.trial} {trial.state}: {last_line(trial.reason or '')}; no other has reported anything yet"
        )
    if best.state is TrialState.COMPLETE or study.max_epochs is None or epochs >= study.max_epochs:
        return None
    return f"trial {best.trial} was trained for {epochs} of {study.max_epochs} epochs; what it does later is not known"


def confirmed_lines(study: Study) -> Iterator[str]:
    """Yield what the best settings reached when they were trained again; nothing if they were not."""
    found = confirmed(study)
    if not found:
        return
    yield ""
    yield f"The best report is the luckiest of {counted(len(study.trials), 'trial')}. Trained again with fresh seeds:"
    yield ""
    any_broke = any(one.broken for one in found)
    rows = [
        (
            one.trial,
            measured(one.found),
            measured(one.mean) if one.values else None,
            f"{one.margin:.2g}" if len(one.values) > 1 else None,
            len(one.values) + one.broken,
            *([one.broken] if any_broke else []),
        )
        for one in found
    ]
    yield from table(("trial", "found", "mean", "95 % within", "seeds", *(["broke"] if any_broke else [])), rows)
    yield ""
    best = found[0]
    if not best.values:
        yield "None of them is an honest best: each broke when it was trained again."
        return
    line = f"An honest best is trial {best.trial}, with {measured(best.mean)} on average"
    yield f"{line}, where it did not break." if best.broken else f"{line}."


def outlook_line(study: Study) -> str | None:
    """Return what more search would bring; None if no model has predicted it."""
    found = study.outlook()
    if found is None:
        return None
    return f"one more training gains {found.gain:.2g} on average; {found.chance:.0%} chance that it gains anything"


def past_line(study: Study) -> str | None:
    """Return that past studies mislead, if the search found so; None if it did not, or has none."""
    trust = study.trust()
    if trust is None or trust >= _DISTRUSTED:
        return None
    return f"the past studies do not hold here (chance {trust:.0%}): the search goes on without them"


def replayed_lines(study: Study, origin: str, before: float | None) -> Iterator[str]:
    """Yield what the schedule of a babysat trial reaches on its own: whether its result was skill or luck."""
    values = [best[1] for trial in study.trials if (best := study.best_of(trial.number)) is not None]
    if not values:
        return
    value = "nothing finite" if before is None else measured(before)
    yield f"{origin} had {value}; its schedule, trained {counted(len(values), 'time')}, {_with_margin(values)}"


def _with_margin(values: Sequence[float]) -> str:
    mean = sum(values) / len(values)
    if len(values) < 2:
        return measured(mean)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
    return f"{measured(mean)} on average, with a deviation of {deviation:.2g}"
