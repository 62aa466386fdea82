"""One session after another: a study is run by one process at a time, and by the next where that one was killed."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from weakref import WeakValueDictionary

from tunewell import provenance
from tunewell.errors import StudyBusy
from tunewell.log import Log
from tunewell.stores import Session, Store, StudyRecord
from tunewell.trial import TrialState

SILENT_S = 600.0
"""A session of another machine, where no process can be looked up, counts as killed when it was silent for so long."""

_going_on: WeakValueDictionary[tuple[int, float], Log] = WeakValueDictionary()
"""The sessions of this process, by `_key`, each for as long as somebody holds the log of the study that it runs.

A forked child inherits them, but not the process number in their keys.
"""


def begin_session(store: Store, study: StudyRecord, log: Log) -> tuple[Session, list[int]]:
    """This process's session, and the trials whose steps a session that was killed left in progress.

    Raises:
        StudyBusy: another process, or another `Study` of this one, is running the study.
    """
    session = Session(started_at=time.time(), **asdict(provenance.gather()))
    _going_on[_key(session)] = log  # before it is in the store, where other threads look
    number = None
    while number is None:  # another session may begin between the look and the leap
        known = store.sessions(study.id)
        log.refresh()
        unfinished = [other for other in known if other.ended_at is None]
        for other in unfinished:
            if _goes_on(other, session, store, study, log):
                raise StudyBusy(study.name, other.pid, other.host, _mend(other, session))
        number = store.begin_session(study.id, session, newest=known[-1].id if known else 0)
    log.refresh()  # from here on nobody else writes
    for other in unfinished:
        store.end_session(other.id, _last_sign_of(other, store, study, log))
    return replace(session, id=number), [trial.number for trial in log.trials if trial.state is TrialState.RUNNING]


def end_session(store: Store, session: Session) -> None:
    """End a session of this process in order."""
    try:
        store.end_session(session.id, time.time())
    finally:
        _going_on.pop(_key(session), None)


def seconds_on_record(store: Store, study: StudyRecord) -> float:
    """How long the sessions took that have ended."""
    sessions = store.sessions(study.id)
    return sum(session.ended_at - session.started_at for session in sessions if session.ended_at is not None)


def _goes_on(other: Session, here: Session, store: Store, study: StudyRecord, log: Log) -> bool:
    """Whether a session that has not ended in order still runs."""
    if other.host != here.host:
        return time.time() - _last_sign_of(other, store, study, log) < SILENT_S
    if other.pid == here.pid:
        return _key(other) in _going_on
    return provenance.is_running(other.pid, other.process)


def _mend(other: Session, here: Session) -> str:
    """What to do about a session that still runs."""
    if other.host != here.host:
        return f"wait for it or end it first; it counts as ended once it is silent for {SILENT_S / 60:.0f} minutes"
    if other.pid == here.pid:
        return "that is this process: close() the other Study first"
    return "wait for it or end it first"


def _key(session: Session) -> tuple[int, float]:
    """Names one session among all that this process, its forks and its parents began."""
    return session.pid, session.started_at


def _last_sign_of(session: Session, store: Store, study: StudyRecord, log: Log) -> float:
    """When a session that did not end in order was last heard of."""
    times = [session.started_at]
    for trial in log.trials:
        if trial.session == session.id:
            times += [trial.ended_at or trial.started_at]
            times += [report.at for report in store.reports(study.id, trial.number)[-1:]]
    return max(times)
