"""The metrics that trials have reported and that count, as arrays: those that are optimized, and those with a limit.

A metric that was not reported at an epoch has the value that it had last. Read from the store as the log grows.

Shapes: n trials, c epochs, k metrics.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tunewell.arrays import Floats
from tunewell.stores import Store
from tunewell.study.aims import Aims, Limit
from tunewell.trial import Report, Trial


class Outcomes:
    """The metrics of a study's aims, of every trial at every epoch."""

    def __init__(self, store: Store, study_id: int, aims: Aims) -> None:
        """Begin with no trials: the first `refresh` reads them."""
        self._store, self._study_id = store, study_id
        self.aims = aims
        self._revision = 0
        self._known: dict[str, Floats] = {name: np.empty((0, 0)) for name in aims.names}
        self._n, self._c = 0, 0
        self._branches: set[int] = set()
        self.reported: set[str] = set()
        """Those of its metrics that any trial has reported."""
        self.all_names: dict[str, None] = {}
        """All metrics that any trial has reported, those of the aims or not."""

    def refresh(self, trials: Sequence[Trial], revision: int) -> None:
        """Read the reports up to a revision."""
        reports = self._store.new_reports(self._study_id, self._revision, revision) if revision > self._revision else []
        reports = [report for report in reports if report.trial < len(trials)]
        last = max([self._c, *(report.epoch for report in reports)])
        self._make_room(len(trials), last)
        for report in reports:
            self._take(report)
        for trial in trials:
            # what the trial that it branched from had reported by then is its own too
            if trial.parent is not None and trial.parent_epoch and trial.number not in self._branches:
                self._branches.add(trial.number)
                for known in self._known.values():
                    known[trial.number, : trial.parent_epoch] = known[trial.parent, : trial.parent_epoch]
        self._revision = max(self._revision, revision)

    def _make_room(self, n: int, c: int) -> None:
        rows, columns = next(iter(self._known.values())).shape
        if n > rows or c > columns:
            for name, known in self._known.items():
                bigger = np.full(
                    (max(rows, 2 * n if n > rows else n), max(columns, 2 * c if c > columns else c)), np.nan
                )
                bigger[:rows, :columns] = known
                self._known[name] = bigger
        self._n, self._c = n, c

    def _take(self, report: Report) -> None:
        for name, value in report.metrics.items():
            self.all_names.setdefault(name)
            if name in self._known:
                self.reported.add(name)
                self._known[name][report.trial, report.epoch - 1] = value

    def of(self, name: str) -> Floats:
        """Return a metric, as reported, (n, c): the last value of each epoch; NaN before the first."""
        return _carried(self._known[name][: self._n, : self._c])

    def lower_is_better(self) -> Floats:
        """Return the metrics that are optimized, (n, c, k)."""
        return np.stack([sign * self.of(name) for name, sign in self.aims.signs.items()], axis=2)

    def meets_limits(self) -> NDArray[np.bool_]:
        """Return where no limit is known to be broken, (n, c)."""
        met = np.ones((self._n, self._c), dtype=bool)
        for limit in self.aims.limits:
            values = self.of(limit.metric)
            met &= np.isnan(values) | limit.holds(values)
        return met

    def reports(self) -> NDArray[np.bool_]:
        """Return where a report has one of the metrics that are optimized, (n, c)."""
        found = [~np.isnan(self._known[name][: self._n, : self._c]) for name in self.aims.metrics]
        any_of_them: NDArray[np.bool_] = np.logical_or.reduce(found)
        return any_of_them

    def excess(self) -> Floats:
        """Return how far each trial's newest values are beyond the limits, (n, number of limits), from -1 to 1.

        Above 0 a limit is broken; NaN where nothing is known. In deviations of what trials have reported.
        """
        return np.column_stack([self._excess(limit) for limit in self.aims.limits])

    def _excess(self, limit: Limit) -> Floats:
        values = self.of(limit.metric)
        newest = values[:, -1] if values.shape[1] else np.full(self._n, np.nan)
        known = newest[np.isfinite(newest)]
        apart = np.abs(known - limit.bound)
        scale = float(np.median(apart)) if len(apart) else 1.0
        over = limit.sign * (newest - limit.bound) / (scale or 1.0)
        with np.errstate(invalid="ignore"):
            found: Floats = np.where(np.isnan(newest), np.nan, np.tanh(over))
            return np.where(
                limit.holds(newest),
                np.minimum(found, -1e-3),
                np.where(np.isnan(found), np.nan, np.maximum(found, 1e-3)),
            )


def _carried(values: Floats) -> Floats:
    """Return values, (n, c), each that is NaN replaced by the last one before it."""
    if not values.size:
        return values
    places = np.where(np.isnan(values), 0, np.arange(values.shape[1]))
    found: Floats = np.take_along_axis(values, np.maximum.accumulate(places, axis=1), axis=1)
    return found
