"""A CSV file: a row is a run, or an epoch of one.

Which column is what is named, or known by its name: `run` (or `trial`), `epoch` (or `step`), `state`, `started_at`,
`ended_at`. Of the others, what changes within a run is a metric, and what does not is a parameter; where a row is a
run, metrics are named.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tunewell.bridges.base import Found
from tunewell.bridges.places import Place
from tunewell.bridges.records import Point, TrackedRun, parsed
from tunewell.errors import RecordError, SettingError
from tunewell.near_names import perhaps
from tunewell.space.values import Value
from tunewell.trial import TrialState

_KNOWN: Mapping[str, Sequence[str]] = {
    "run": ("run", "run_id", "trial", "run_name", "id", "name"),
    "epoch": ("epoch", "step", "_step"),
    "state": ("state", "status"),
    "started": ("started_at", "start_time", "began"),
    "ended": ("ended_at", "end_time"),
    "at": ("reported_at", "timestamp", "_timestamp", "time"),
}
_OURS = frozenset({"value", "best_epoch", "epochs", "reason", "retrained", "session", "seed", "seconds"})
"""Columns of tunewell's own tables that are neither parameters nor metrics."""
_STATES = {
    **{str(state): state for state in TrialState},
    **dict.fromkeys(("finished", "completed", "success", "succeeded", "done", "ok"), TrialState.COMPLETE),
    **dict.fromkeys(("killed", "pruned", "aborted", "cancelled", "canceled"), TrialState.STOPPED),
    **dict.fromkeys(("fail", "crashed", "error"), TrialState.FAILED),
}


def source(place: Place) -> CsvSource:
    """Return the runs of a file."""
    return CsvSource(place)


@dataclass(slots=True)
class CsvSource:
    """A CSV file. It implements `Source`."""

    where: Place
    columns: Mapping[str, str] = field(default_factory=dict)
    """What the columns `run`, `epoch`, `state`, `started`, `ended` and `at` are called."""
    params: Sequence[str] = ()
    """Columns that are parameters; if none is named, those that do not change within a run."""
    metrics: Sequence[str] = ()
    """Columns that are metrics, besides those that change within a run."""

    @property
    def place(self) -> str:
        """The place where it is."""
        return str(self.where)

    def read(self) -> Found:
        """Implement `Source.read`."""
        header, rows = self._rows()
        column = {what: self._column(what, header) for what in _KNOWN}
        for name in (*self.params, *self.metrics):
            if name not in header:
                raise SettingError(
                    f"{self.place} has no column {name!r}; it has {_shown(header)}{perhaps(name, header)}"
                )
        keys = [row[column["run"]] if column["run"] else str(number) for number, row in enumerate(rows, 1)]
        by_run: dict[str, list[dict[str, str]]] = {}
        for key, row in zip(keys, rows, strict=True):
            by_run.setdefault(key, []).append(row)
        rest = [name for name in header if name and name not in column.values() and name not in _OURS]
        changing = {
            name for name in rest for own in by_run.values() if len({row[name] for row in own if row[name] != ""}) > 1
        }
        metrics = [name for name in rest if name in self.metrics or (name in changing and name not in self.params)]
        params = list(self.params) or [name for name in rest if name not in metrics]
        values = _values(by_run, params)
        notes = _out_of_order(by_run, column["epoch"])
        runs = [self._run(key, own, values[key], metrics, column) for key, own in by_run.items()]
        return Found(runs, metric=metrics[0] if len(metrics) == 1 else None, notes=notes)

    def _rows(self) -> tuple[list[str], list[dict[str, str]]]:
        path = Path(self.where.target).expanduser()
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                text = csv.DictReader(file, restval="")
                rows = [{str(name): value or "" for name, value in row.items() if name is not None} for row in text]
                header = [str(name) for name in text.fieldnames or ()]
        except FileNotFoundError:
            raise RecordError(f"{self.place}: there is no file {str(path)!r}") from None
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise RecordError(f"{self.place} is no CSV file that can be read: {error}") from error
        if not rows:
            raise RecordError(f"{self.place} has no row")
        if len(set(header)) < len(header):
            twice = next(name for name in header if header.count(name) > 1)
            raise RecordError(f"{self.place} has two columns {twice!r}; rename one of them")
        return header, rows

    def _column(self, what: str, header: Sequence[str]) -> str | None:
        named = self.columns.get(what)
        if named is not None:
            if named not in header:
                raise SettingError(
                    f"{self.place} has no column {named!r}; it has {_shown(header)}{perhaps(named, header)}"
                )
            return named
        return next((name for name in _KNOWN[what] if name in header), None)

    def _run(
        self,
        key: str,
        rows: Sequence[Mapping[str, str]],
        params: Mapping[str, Value],
        metrics: Sequence[str],
        column: Mapping[str, str | None],
    ) -> TrackedRun:
        curves: dict[str, list[Point]] = {}
        for number, row in enumerate(rows, 1):
            step = number if column["epoch"] is None else _whole(self.place, column["epoch"], row)
            at = _seconds(row.get(column["at"] or "", ""))
            for name in metrics:
                value = _number(row[name])
                if value is not None:
                    curves.setdefault(name, []).append(Point(step, value, at))
        last = rows[-1]
        return TrackedRun(
            id=f"csv:{Path(self.where.target).name}:{key}",
            name=key,
            params=params,
            curves=curves,
            state=_STATES.get(last.get(column["state"] or "", "").lower(), TrialState.COMPLETE),
            began=_seconds(rows[0].get(column["started"] or "", "")) or 0.0,
            ended=_seconds(last.get(column["ended"] or "", "")),
        )


def _values(by_run: Mapping[str, Sequence[Mapping[str, str]]], names: Sequence[str]) -> dict[str, dict[str, Value]]:
    found: dict[str, dict[str, Value]] = {key: {} for key in by_run}
    for name in names:
        texts = {key: next((row[name] for row in rows if row[name] != ""), "") for key, rows in by_run.items()}
        given = {key: text for key, text in texts.items() if text != ""}
        for key, value in zip(given, parsed(list(given.values())), strict=True):
            found[key][name] = value
    return found


def _out_of_order(by_run: Mapping[str, Sequence[Mapping[str, str]]], epoch: str | None) -> list[str]:
    if epoch is None:
        return []
    steps = {key: [_number(row[epoch]) or 0.0 for row in rows] for key, rows in by_run.items()}
    odd = [key for key, own in steps.items() if own != sorted(own)]
    return (
        [f"the epochs of {len(odd)} runs are out of order, such as those of {odd[0]!r}; they were sorted"]
        if odd
        else []
    )


def _whole(place: str, column: str | None, row: Mapping[str, str]) -> int:
    number = _number(row[str(column)])
    if number is None or not number.is_integer():
        raise RecordError(f"{place}: column {column!r} is to be the epoch, a whole number, got {row[str(column)]!r}")
    return int(number)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _seconds(text: str) -> float | None:
    """Return a time, a number of seconds since 1970 or a date (in UTC if it names no zone)."""
    number = _number(text)
    if number is not None and math.isfinite(number):
        return number
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _shown(header: Sequence[str]) -> str:
    return ", ".join(map(repr, header[:20])) + (", ..." if len(header) > 20 else "")
