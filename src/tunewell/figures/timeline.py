"""The times at which trials were trained, worker by worker."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from tunewell.arrays import own_numerics
from tunewell.figures.axes import names_axis, time_axis
from tunewell.figures.figure import Figure, Layer, Panel
from tunewell.figures.source import LOOKS, Seen, StudySource, seen
from tunewell.figures.words import counted

_MOST_REPORTS = 20_000  # beyond, the stretches between pauses are not looked up
_PAUSE = 4.0  # times as long as an epoch usually takes
_MOST_LANES = 64


@dataclass(frozen=True, slots=True)
class _Stretch:
    session: int
    trial: int
    start: float
    end: float


@own_numerics
def timeline(study: StudySource) -> Figure:
    """Return when each trial was trained, a row a worker.

        tw.figures.timeline(study).save("timeline.png")

    The record has when a trial began, reported and ended, and which process ran it; what ran at once is put on rows of
    its own. Of over 20,000 epochs a trial is one bar from its begin to its end, its pauses among it.
    """
    found = seen(study)
    in_detail = int(found.history.epochs[: len(found)].sum()) <= _MOST_REPORTS
    stretches = _stretches(found, study, in_detail=in_detail)
    begin = min((one.start for one in stretches), default=0.0)
    lanes, names = _lanes(stretches)
    end = max((one.end for one in stretches), default=begin)
    layers = []
    states = found.states[[one.trial for one in stretches]] if stretches else np.empty(0, dtype=object)
    tops = np.array([len(names) - 1.0 - lane for lane in lanes])
    rows = np.array([one.trial for one in stretches], dtype=np.int64)
    starts = np.array([one.start - begin for one in stretches])
    ends = np.array([one.end - begin for one in stretches])
    ends = np.maximum(ends, starts + 0.001 * (end - begin))  # that it is seen
    for state, look in LOOKS.items():
        here = np.flatnonzero(states == state)
        if here.size:
            layers.append(
                Layer(
                    "bars", look.color, starts[here], tops[here] - 0.4, ends[here], tops[here] + 0.4, label=state,
                    symbol=look.symbol, rows=rows[here],
                )
            )  # fmt: skip
    since = _moment(begin)
    caption = (
        f"{counted(len(set(rows.tolist())), 'trial')} on {counted(len(names), 'row')}, a row for each that ran at once."
    )
    left = len(found) - len(set(rows.tolist()))
    if left:
        caption += f" {left:,} {'has' if left == 1 else 'have'} no time on record, or no room."
    if not in_detail:
        caption += " Each from its begin to its end, pauses among it."
    across = time_axis(f"time since {since}" if since else "time", end - begin)
    table = found.table(
        started_at=np.array([one.started_at for one in found.trials]),
        ended_at=np.array([np.nan if one.ended_at is None else one.ended_at for one in found.trials]),
    )
    return Figure(
        "timeline", "trials by time", caption, (Panel(across, names_axis("", reversed(names)), tuple(layers)),), table
    )


def _stretches(found: Seen, study: StudySource, *, in_detail: bool) -> list[_Stretch]:
    """Return the stretches of time in which trials were trained, by their begin."""
    at: dict[int, list[float]] = {}
    if in_detail:
        for report in study.reports():
            at.setdefault(report.trial, []).append(report.at)
    stretches: list[_Stretch] = []
    for trial in found.trials:
        if not _is_time(trial.started_at):
            continue
        known = at.get(trial.number, ())
        times = sorted(time for time in known if _is_time(time) and time >= trial.started_at) if known else []
        ended = trial.ended_at if trial.ended_at is not None and _is_time(trial.ended_at) else None
        parts = _parts(trial.started_at, times, ended)
        stretches += [_Stretch(trial.session, trial.number, start, end) for start, end in parts]
    return sorted(stretches, key=lambda one: (one.start, one.trial))


def _parts(start: float, times: list[float], ended: float | None) -> Iterable[tuple[float, float]]:
    """Yield the stretches of one trial: reports far apart lie on both sides of a pause."""
    if not times:
        yield start, max(start, start if ended is None else ended)
        return
    gaps = np.diff([start, *times])
    usual, shortest = float(np.median(gaps)), float(gaps.min())
    begin, last = start, start
    for time, gap in zip(times, gaps.tolist(), strict=True):
        if last > start and gap > _PAUSE * usual + 1e-3:
            yield begin, last
            begin = max(last, time - shortest)
        last = time
    yield begin, max(last, ended) if ended is not None and ended - last <= _PAUSE * usual + 1.0 else last


def _lanes(stretches: list[_Stretch]) -> tuple[list[int], list[str]]:
    """Return the row of each stretch, and the names of the rows: the first that is free in its session."""
    free: dict[int, list[int]] = {}
    busy: dict[int, list[tuple[float, int]]] = {}
    taken: list[tuple[int, int]] = []
    n_of: dict[int, int] = {}
    # the begin of a stretch after a pause is an estimate, which may lie before the end of another's
    slack = 0.25 * float(np.median([one.end - one.start for one in stretches] or [0.0])) + 1e-6
    for one in stretches:
        waiting, running = free.setdefault(one.session, []), busy.setdefault(one.session, [])
        while running and running[0][0] <= one.start + slack:
            heapq.heappush(waiting, heapq.heappop(running)[1])
        lane = heapq.heappop(waiting) if waiting else n_of.get(one.session, 0)
        n_of[one.session] = max(n_of.get(one.session, 0), lane + 1)
        heapq.heappush(running, (one.end, lane))
        taken.append((one.session, lane))
    order = sorted(set(taken))
    kept = order[:_MOST_LANES]
    place = {lane: min(i, len(kept) - 1) for i, lane in enumerate(order)}
    several = len(n_of) > 1
    session_names = {session: i for i, session in enumerate(sorted(n_of), 1)}
    names = [f"session {session_names[s]}, worker {k + 1}" if several else f"worker {k + 1}" for s, k in kept]
    return [place[lane] for lane in taken], names


def _is_time(seconds: float) -> bool:
    return 0 < seconds < 4e9  # of a damaged record it may be anything


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC") if _is_time(seconds) else ""
