"""The branches and rewinds of a study in lines, as a tree: what each changed, and what it gained."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import click
import numpy as np

from tunewell.advice import advice
from tunewell.analysis.lineage import branch_tree
from tunewell.analysis.twins import Difference
from tunewell.display.formatting import clipped, counted, measured, short
from tunewell.display.summary import state_of
from tunewell.errors import last_line
from tunewell.study import Study
from tunewell.trial import Trial


def branch_lines(study: Study) -> Iterator[str]:
    """Yield a line a trial, those that branched from another below it; nothing if none did."""
    found = list(branch_tree(study.trials))
    if not found:
        return
    twins, over = study.twins(), not study.is_run()
    yield ""
    yield click.style("branches", bold=True)
    for depth, trial in found:
        best = study.best_of(trial.number)
        value = "nothing finite" if best is None else measured(best[1])
        line = f"trial {trial.number}: {study.metric} {value}"
        if trial.parent is not None:
            if trial.number in twins:
                yield f"{'  ' * depth}{_twin(study, trial, twins[trial.number])}"
                continue
            line += f", from epoch {trial.parent_epoch}, {_changed(study, trial)}{_gained(study, trial)}"
        why = "" if trial.reason is None else f" ({clipped(last_line(trial.reason))})"
        yield f"{'  ' * depth}{line}, {state_of(trial, over=over)}{why}"


def steered_line(study: Study, trial: int) -> str | None:
    """Return what was changed while a trial, or one that it comes from, trained; None if nothing was."""
    segments = study.schedule(trial)
    changes = []
    for name in dict.fromkeys(name for segment in segments for name in segment.values):
        values = [(segment.first, segment.values.get(name)) for segment in segments]
        later = [(first, value) for (_, before), (first, value) in pairwise(values) if value != before]
        if later:
            then = "".join(f", then {short(value)} from epoch {first}" for first, value in later)
            changes.append(f"{name} {short(values[0][1])}{then}")
    if not changes:
        return None
    return f"steered: {'; '.join(changes)}; see {advice('replay', study.record.name, str(trial), store=study.url)}"


def _twin(study: Study, trial: Trial, found: Difference) -> str:
    """Return whether the change that a twin did not make has helped, or its effect would have come anyway."""
    result = "no difference that can be told"
    if found.is_none:
        result = "the curves are equal: the training does not seem to read the value"
    if abs(found.mean) > found.margin:
        result = "the change helps" if found.mean > 0 else "the change harms"
    by = f"{abs(found.mean):.2g} {'better' if found.mean >= 0 else 'worse'} with it on average"
    margin = f" (+- {found.margin:.2g})" if math.isfinite(found.margin) else ""
    since = f"twin of trial {trial.parent} from epoch {trial.parent_epoch}"
    return f"trial {trial.number}: {since}, {counted(found.epochs, 'epoch')}: {study.metric} {by}{margin}: {result}"


def _changed(study: Study, trial: Trial) -> str:
    """Return the values that a branch changed, with those that its parent had then."""
    at = int(trial.parent_epoch or 0)
    before = study.schedule(int(trial.parent or 0))
    then = next((part.values for part in before if part.first <= max(at, 1) <= part.last), trial.params)
    changed = [
        f"{name} {short(then.get(name))} -> {short(value)}"
        for name, value in trial.params.items()
        if then.get(name) != value
    ]
    return ", ".join(changed) or "nothing changed"


def _gained(study: Study, trial: Trial) -> str:
    """Return its best against its parent's best up to the same epoch, if they differ."""
    curves, epochs = study.history.curves, int(study.history.epochs[trial.number])
    own, parent = (_lowest(curves[number, :epochs]) for number in (trial.number, int(trial.parent or 0)))
    if not np.isfinite(own + parent) or own == parent:
        return ""
    return f", {measured(abs(own - parent))} {'better' if own < parent else 'worse'} than trial {trial.parent} by then"


def _lowest(curve: np.ndarray) -> float:
    return float(curve[np.isfinite(curve)].min(initial=np.inf))
