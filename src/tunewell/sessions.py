"""One session after another: a study is run by one process at a time, and by the next where that one was killed."""

from __future__ import annotations

import time
from dataclasses import asdict, replace

from tunewell import provenance
from tunewell.errors import StudyBusy
from tunewell.log import Log
from tunewell.stores import Session, Store, StudyRecord
from tunewell.trial import TrialState


def begin_session(store: Store, study: StudyRecord, log: Log) -> tuple[Session, list[int]]:
    """This process's session, and the trials whose steps a session that was killed left in progress.

    Raises:
        StudyBusy: another process is running the study.
    """
    here = provenance.gather()
    unfinished = [session for session in store.sessions(study.id) if session.ended_at is None]
    for other in unfinished:
        elsewhere = (other.host, other.pid) != (here.host, here.pid)
        if elsewhere and provenance.is_running(other.pid, other.started_at):
            raise StudyBusy(study.name, other.pid, other.host)
    log.refresh()
    for other in unfinished:
        store.end_session(other.id, _last_sign_of(other, store, study, log))
    session = Session(started_at=time.time(), **asdict(here))
    session = replace(session, id=store.begin_session(study.id, session))
    return session, [trial.number for trial in log.trials if trial.state is TrialState.RUNNING]


def seconds_on_record(store: Store, study: StudyRecord) -> float:
    """How long the sessions took that have ended."""
    sessions = store.sessions(study.id)
    return sum(session.ended_at - session.started_at for session in sessions if session.ended_at is not None)


def _last_sign_of(session: Session, store: Store, study: StudyRecord, log: Log) -> float:
    """When a session that did not end in order was last heard of."""
    times = [session.started_at]
    for trial in log.trials:
        if trial.session == session.id:
            times += [trial.ended_at or trial.started_at]
            times += [report.at for report in store.reports(study.id, trial.number)[-1:]]
    return max(times)
