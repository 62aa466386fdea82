"""Numbers with the step at which each was logged, put together by epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Series: TypeAlias = Mapping[str, Sequence[tuple[float, float]]]
"""By curve: (step, value), in the order of the log."""


def by_epoch(series: Series) -> list[dict[str, Any]]:
    """Combine series of numbers into one mapping an epoch, counted from 1.

    The curve with the fewest values, of those of validation if there are any, marks where epochs end: that is logged
    once an epoch. What was logged oftener is averaged over the steps since the end of the epoch before.
    """
    known = {name: points for name, points in series.items() if points}
    marks = [name for name in known if name.startswith("val_")] or list(known)
    ends = sorted({step for step, _ in known[min(marks, key=lambda name: len(known[name]))]}) if marks else []
    rows: list[dict[str, Any]] = [{"epoch": i + 1} for i in range(len(ends))]
    for name, points in known.items():
        for row, values in zip(rows, _parts(points, ends), strict=True):
            if values:
                row[name] = sum(values) / len(values)
    return rows


def _parts(points: Sequence[tuple[float, float]], ends: Sequence[float]) -> list[list[float]]:
    """Return the values of each epoch; those after the last end belong to none."""
    parts: list[list[float]] = [[] for _ in ends]
    epoch = 0
    for step, value in sorted(points, key=lambda point: point[0]):
        while epoch < len(ends) and step > ends[epoch]:
            epoch += 1
        if epoch == len(ends):
            break
        parts[epoch].append(value)
    return parts
