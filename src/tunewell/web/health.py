"""The health of a study: alerts that want an eye, and badges of trials that a diagnosis has something to say of.

To diagnose ten thousand trials takes minutes, so that only those are looked at that somebody would act on: those that
train, the best, and the newest that ended.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import numpy as np

from tunewell.display.formatting import clipped, counted
from tunewell.errors import RecordError, last_line
from tunewell.figures.source import seen
from tunewell.study import provenance
from tunewell.trial import Trial, TrialState
from tunewell.web.shelf import Watched

_MOST_EXAMINED, _MOST_RUNNING = 12, 32
_LATELY = 20
"""Trials, of the newest that ended, of which too many may have failed."""
_PATIENCE, _LEAST_S = 10.0, 60.0
"""A trial is stalled after as many of its own epochs, and after so many seconds, without a report."""
_LONGEST = 160


def health(watched: Watched) -> dict[str, Any]:
    """Return `alerts`, the gravest first, each with its trials, and `badges`, by trial the likeliest finding."""
    with watched.lock:
        watched.look()
        found = seen(watched.reader)
        states, trials = found.states, found.trials
        running = [one for one in trials if one.state is TrialState.RUNNING][-_MOST_RUNNING:]
        gone = _gone_workers(watched, running)
        alerts = [
            *gone,
            *_stalled(watched, [one for one in running if not any(one.number in a["trials"] for a in gone)]),
        ]
        alerts += [alert for state in ("failed", "diverged") if (alert := _often(state, states, trials)) is not None]
        ended = np.flatnonzero((states == "complete") | (states == "stopped") | (states == "diverged"))
        wanted = [one.number for one in running] + found.order[:4].tolist() + ended[::-1][:4].tolist()
        records = {}
        for number in list(dict.fromkeys(wanted))[:_MOST_EXAMINED]:
            try:
                records[number] = watched.reader.run_record(number)
            except RecordError:
                continue  # it has reported nothing yet
    return {"alerts": alerts, "badges": _badges(records)}


def _badges(records: dict[int, Any]) -> dict[str, dict[str, Any]]:
    from tunewell.diagnosis import examine  # noqa: PLC0415  its rules are many

    badges = {}
    for number, record in records.items():
        try:
            findings = [one for one in examine(record).findings if one.label != "healthy"]
        except RecordError:
            continue
        if findings:
            first = findings[0]
            badges[str(number)] = {
                "title": first.label.replace("_", " "),
                "confidence": first.confidence,
                "seen": first.evidence,
                "more": len(findings) - 1,
            }
    return badges


def _gone_workers(watched: Watched, running: list[Trial]) -> list[dict[str, Any]]:
    """Return an alert for each process of this machine that is gone though its trials are in progress."""
    alerts = []
    for one in watched.reader.sessions():
        left = [trial.number for trial in running if trial.session == one.id]
        is_here = one.host == provenance.host()
        if not left or not is_here or (one.ended_at is None and provenance.is_running(one.pid, one.process)):
            continue
        text = (
            f"process {one.pid}, which trained {_named(left)}, is gone; whoever goes on with the study takes "
            f"{'it' if len(left) == 1 else 'them'} up"
        )
        alerts.append({"kind": "gone", "trials": left, "text": text})
    return alerts


def _stalled(watched: Watched, running: list[Trial]) -> list[dict[str, Any]]:
    """Return an alert for each trial that has been silent for much longer than its epochs take."""
    alerts: list[dict[str, Any]] = []
    now = time.time()
    if not watched.is_run():
        return alerts  # that nobody trains is said elsewhere
    for trial in running:
        times = np.array([report.at for report in watched.reader.reports(trial.number)])
        if len(times) < 3:
            continue
        usual = float(np.median(np.diff(times)))
        silent = now - float(times[-1])
        if silent > max(_LEAST_S, _PATIENCE * usual):
            text = f"trial {trial.number} has reported nothing for {silent:.0f} s; its epochs took {usual:.2g} s"
            alerts.append({"kind": "stalled", "trials": [trial.number], "text": text})
    return alerts


def _often(state: str, states: np.ndarray, trials: Any) -> dict[str, Any] | None:
    """Return an alert if half of the trials that ended lately failed, or diverged."""
    ended = np.flatnonzero(~np.isin(states, ["running", "paused", "held"]))[-_LATELY:]
    bad = [int(number) for number in ended if states[number] == state]
    if len(bad) < 3 or len(bad) * 2 < len(ended):
        return None
    reasons = Counter(last_line(reason) for number in bad if (reason := trials[number].reason))
    why = f": {clipped(reasons.most_common(1)[0][0], _LONGEST)}" if reasons else ""
    text = f"of the newest {counted(len(ended), 'trial')} that ended {len(bad)} {state}{why}"
    return {"kind": state, "trials": bad, "text": text}


def _named(numbers: list[int]) -> str:
    few = ", ".join(map(str, numbers[:4])) + (", ..." if len(numbers) > 4 else "")
    return f"{'trial' if len(numbers) == 1 else 'trials'} {few}"
