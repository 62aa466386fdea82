"""The epochs of a run that counts steps of its own: from 0, in batches, or with an `epoch` that is logged beside.

What is logged with the metric that is optimized marks the epochs. No number is averaged or made up: of several in one
epoch the last counts.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from operator import lt

from tunewell.bridges.records import Curves, Point, TrackedRun

_STEP = "step"


class Counting(StrEnum):
    """The meaning of the steps of a source."""

    EPOCHS = "epochs, from 1"
    FROM_ZERO = "epochs, from 0"
    LOGGED = "those of its own metric `epoch`"
    REPORTS = "no epochs: each report is taken for one"


@dataclass(frozen=True, slots=True)
class Row:
    """The numbers of one epoch."""

    epoch: int
    metrics: Mapping[str, float]
    at: float


def counting(runs: Sequence[TrackedRun], metric: str) -> Counting:
    """Return what the steps of the runs are, by those of a metric."""
    steps = [[point.step for point in newest(run.curves[metric])] for run in runs if run.curves.get(metric)]
    if any(run.trial is not None for run in runs):
        return Counting.EPOCHS
    if any(len(own) > 1 for own in steps) and all(_logged(run, metric) for run in runs if run.curves.get(metric)):
        return Counting.LOGGED
    first = 0 if any(own[0] <= 0 for own in steps) else 1
    if all(own == list(range(first, first + len(own))) for own in steps):
        return Counting.EPOCHS if first else Counting.FROM_ZERO
    return Counting.REPORTS


def rows(run: TrackedRun, metric: str, by: Counting) -> list[Row]:
    """Return a run's epochs, each with all that was logged in it; the first is 1."""
    if run.trial is not None:
        return _joined({name: newest(points) for name, points in run.curves.items()}, run.began)
    marks = newest(run.curves.get(metric, ()))
    if not marks:
        return []
    epochs = _epochs(run, metric, marks, by)
    ends = [point.step for point in marks]
    shifted: dict[str, list[Point]] = {}
    for name, points in run.curves.items():
        if name == "epoch" and by is Counting.LOGGED:
            continue
        own = newest(points)
        if [point.step for point in own] == ends:
            shifted[name] = [Point(epoch, value, at) for epoch, (_, value, at) in zip(epochs, own, strict=True)]
            continue
        last_of_all = len(own) == 1 and len(marks) > 1 and _is_late(own[0], marks[-1])
        for point in own:
            place = len(ends) - 1 if last_of_all else bisect_left(ends, point.step)
            if place < len(ends):
                shifted.setdefault(name, []).append(Point(epochs[place], point.value, point.at))
    if by is Counting.REPORTS and _STEP not in shifted:
        shifted[_STEP] = [Point(epoch, float(mark.step), mark.at) for epoch, mark in zip(epochs, marks, strict=True)]
    return _joined({name: newest(points) for name, points in shifted.items()}, run.began)


def newest(points: Sequence[Point]) -> list[Point]:
    """Return the points by step, of those of one step the one that was logged last."""
    steps = [point.step for point in points]
    if all(map(lt, steps, islice(steps, 1, None))):
        return list(points)
    by_step: dict[int, Point] = {}
    for point in points:
        known = by_step.get(point.step)
        if known is None or known.at is None or point.at is None or point.at >= known.at:
            by_step[point.step] = point
    return [by_step[step] for step in sorted(by_step)]


def _is_late(point: Point, last: Point) -> bool:
    """Return True for a number that was logged once, when all was over, with a step that says nothing."""
    return point.step <= 0 and point.at is not None and last.at is not None and point.at >= last.at


def _logged(run: TrackedRun, metric: str) -> list[int]:
    """Return the epochs that a run logs beside a metric, one for each of its points; empty if it does not."""
    logged = {point.step: point.value for point in newest(run.curves.get("epoch", ()))}
    found = [logged.get(point.step, math.nan) for point in newest(run.curves[metric])]
    if not found or not all(math.isfinite(number) and number >= 0 for number in found):
        return []
    whole = [math.ceil(number - 1e-6) for number in found]
    if len(set(whole)) != len(whole) or sorted(whole) != whole:
        return []
    return [number + 1 for number in whole] if whole[0] == 0 else whole


def _epochs(run: TrackedRun, metric: str, marks: Sequence[Point], by: Counting) -> list[int]:
    match by:
        case Counting.EPOCHS:
            return [point.step for point in marks]
        case Counting.FROM_ZERO:
            return [point.step + 1 for point in marks]
        case Counting.LOGGED:
            return _logged(run, metric)
    return list(range(1, len(marks) + 1))


def _joined(curves: Curves, began: float) -> list[Row]:
    """Return a row an epoch of curves that are by epoch."""
    found: dict[int, tuple[dict[str, float], float]] = {}
    for name, points in curves.items():
        for epoch, value, at in points:
            known = found.get(epoch)
            if known is None:
                found[epoch] = ({name: value}, began if at is None else at)
            else:
                known[0][name] = value
                if at is not None and at > known[1]:
                    found[epoch] = (known[0], at)
    return [Row(epoch, *found[epoch]) for epoch in sorted(found) if epoch >= 1]
