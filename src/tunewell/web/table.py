"""The table of a study's trials: whole, as packed columns, and the rows of those that have changed.

Columns: `trial`, `state` (as figures have them: a stopped trial whose metric was not finite is `diverged`), the metric
as `value` at `best_epoch`, `epochs`, `until`, `parent`, `parent_epoch`, `began_at`, `ended_at`, `seconds` between the
two, `tags` (words, with a blank between), `notes` (how many), `favourite`, `reason`, and `param:NAME` for each
parameter, with the value that the trial began with. Row i is trial i.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tunewell.display.formatting import clipped
from tunewell.errors import last_line
from tunewell.figures import Table
from tunewell.figures.source import rounded, seen
from tunewell.trial import OPEN_END, Trial, TrialState
from tunewell.web.shelf import Watched

_DIGITS = 7
_CODES = 65_534
_LONGEST_REASON = 200


def trials_table(watched: Watched) -> dict[str, Any]:
    """Return all trials, in the format of a figure's table, with the revision that they are of."""
    with watched.lock:
        revision = watched.look()
        found = seen(watched.reader)
        trials, log = found.trials, watched.reader.log
        n = len(trials)
        curves = log.history.curves[:n]
        finite = np.where(np.isfinite(curves), curves, np.inf)
        best_epoch = np.where(np.isfinite(found.best), finite.argmin(axis=1) + 1.0 if curves.size else 0.0, np.nan)
        # packed they would lose their digits among some that are enormous
        value = [None if one != one else one for one in rounded(found.best, _DIGITS).tolist()]  # noqa: PLR0124  NaN
        until = found.history.until[:n].astype(np.float64)
        columns: dict[str, Any] = {
            "trial": np.arange(float(n)) if n < _CODES else list(range(n)),
            "state": found.states.tolist(),
            "value": value,
            "best_epoch": best_epoch,
            "epochs": found.history.epochs[:n].astype(np.float64),
            "until": np.where(until >= OPEN_END, np.nan, until),
            "parent": _numbers([one.parent for one in trials]),
            "parent_epoch": _numbers([one.parent_epoch for one in trials]),
            "began_at": _numbers([one.started_at for one in trials]),
            "ended_at": _numbers([one.ended_at for one in trials]),
            "seconds": _numbers([_seconds(one) for one in trials]),
            "tags": [" ".join(watched.tags.get(number, ())) or None for number in range(n)],
            "notes": [watched.notes.get(number, 0) for number in range(n)],
            "favourite": [number in watched.favourites for number in range(n)],
            "reason": [None if one.reason is None else _reason(one) for one in trials],
        }
        for place, (name, param) in enumerate(found.space.params.items()):
            columns[f"param:{name}"] = found.values(place, name, param)
    table = Table(columns).as_dict()
    # nearly all values differ, and as a list they are half as long as words and their places
    next(one for one in table["columns"] if one["name"] == "value")["values"] = value
    return {"revision": revision, "table": table}


def rows_of(watched: Watched, numbers: Sequence[int]) -> dict[str, list[Any]]:
    """Return the same columns of some trials, as lists. To be called with the study's lock held."""
    log, space = watched.reader.log, watched.reader.space
    trials, history = [log.trials[number] for number in numbers], log.history
    bests = [log.best_of(number) for number in numbers]
    return {
        "trial": list(numbers),
        "state": [_state(one, history.curves) for one in trials],
        "value": [None if best is None else float(f"{best[1]:.{_DIGITS}g}") for best in bests],
        "best_epoch": [None if best is None else best[0] for best in bests],
        "epochs": [int(history.epochs[number]) for number in numbers],
        "until": [None if one.until >= OPEN_END else one.until for one in trials],
        "parent": [one.parent for one in trials],
        "parent_epoch": [one.parent_epoch for one in trials],
        "began_at": [one.started_at for one in trials],
        "ended_at": [one.ended_at for one in trials],
        "seconds": [_seconds(one) for one in trials],
        "tags": [" ".join(watched.tags.get(number, ())) or None for number in numbers],
        "notes": [watched.notes.get(number, 0) for number in numbers],
        "favourite": [number in watched.favourites for number in numbers],
        "reason": [_reason(one) for one in trials],
        **{f"param:{name}": [_shown(one.params.get(name)) for one in trials] for name in space.names},
    }


def states_of(watched: Watched) -> dict[str, int]:
    """Return how many trials are in each state, without those in which none is."""
    history = watched.reader.log.history
    names, counts = np.unique(history.states.astype(str), return_counts=True)
    found = dict(zip(names.tolist(), counts.tolist(), strict=True))
    diverged = int((history.broken & history.stopped).sum()) if found.get("stopped") else 0
    if diverged:
        found |= {"stopped": found["stopped"] - diverged, "diverged": diverged}
    return {name: count for name, count in sorted(found.items()) if count}


def _state(trial: Trial, curves: np.ndarray) -> str:
    is_broken = trial.state is TrialState.STOPPED and bool(np.isinf(curves[trial.number]).any())
    return "diverged" if is_broken else str(trial.state)


def _shown(value: object) -> object:
    return float(f"{value:.12g}") if isinstance(value, float) else value


def _numbers(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _seconds(trial: Trial) -> float | None:
    return None if trial.ended_at is None else round(trial.ended_at - trial.started_at, 3)


def _reason(trial: Trial) -> str | None:
    return None if trial.reason is None else clipped(last_line(trial.reason), _LONGEST_REASON)
