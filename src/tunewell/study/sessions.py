"""The processes that run a study, and those of them that are gone.

A process that runs a study has a session, and with it a lease on the trials that it trains: for as long as it runs,
it raises the session's `beats` every few seconds. Whoever sees them stand still for `lease_s()` of its own clock
counts the process as gone, and takes its trials up. No clock is compared with another machine's, nor with itself of
before a jump. One that was silent and comes back finds that its trials were taken, and lets go of them.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import asdict, replace
from weakref import WeakSet, WeakValueDictionary

from tunewell.advice import advice
from tunewell.errors import SettingError, StoreError, StudyBusy
from tunewell.stores import Session, Store, StudyRecord
from tunewell.study import provenance
from tunewell.study.log import Log

_going_on: WeakValueDictionary[tuple[int, float], SessionLease] = WeakValueDictionary()
"""The sessions of this process, by `_key`, each for as long as somebody holds the study that it runs.

A forked child inherits them, but not the process number in their keys.
"""


_LOOK_S = 1.0
"""How long a process that was found to run is taken to run on."""


def lease_s() -> float:
    """Return how long a process may be silent before another takes up its trials: `TUNEWELL_LEASE`, else 60 seconds."""
    text = os.environ.get("TUNEWELL_LEASE", "60")
    try:
        lease = float(text)
    except ValueError:
        lease = 0.0
    if not 0 < lease < float("inf"):
        raise SettingError(f"TUNEWELL_LEASE must be a number of seconds above 0, got {text!r}")
    return lease


class SessionLease:
    """The session of this process, one of those that run a study, and its lease on the trials that it trains."""

    def __init__(self, store: Store, study: StudyRecord) -> None:
        """Prepare a lease; `begin` begins its session."""
        self.session: Session | None = None
        self._store, self._study = store, study
        self._heard: dict[int, tuple[int, float]] = {}
        """Sessions of others: their beats, and when these were seen to rise."""
        self._began = 0.0
        """When the session did, by a clock that does not jump."""
        self._alive: set[int] = set()
        """Sessions that were found to go on."""
        self._looked = 0.0
        self._seconds_before = 0.0
        """For how long the study had been run when the session began."""

    def begin(self, log: Log, *, join: bool) -> Session:
        """Run the study in this process from now on; join: beside others that do.

        Raises:
            StudyBusy: another process, or another `Study` of this one, is running the study, and it is not joined.
        """
        lease_s()  # what cannot be used is refused now
        session = Session(started_at=time.time(), **asdict(provenance.gather()))
        _going_on[_key(session)] = self  # before it is in the store, where other threads look
        number, began = None, 0.0
        while number is None:  # another session may begin between the look and the leap
            known = self._store.sessions(self._study.id)
            if not join:
                self._find_alone(known, session)
            newest = None if join else known[-1].id if known else 0
            began = time.monotonic()
            number = self._store.begin_session(self._study.id, session, newest=newest)
        log.refresh()
        self._began, self._seconds_before = began, log.seconds
        self.session = replace(session, id=number)
        _beat_regularly(self)
        return self.session

    def end(self) -> None:
        """End this process's session in order."""
        session, self.session = self.session, None
        if session is None:
            return
        _going_on.pop(_key(session), None)
        lasted = time.monotonic() - self._began
        self._store.end_session(session.id, session.started_at + lasted, seconds=self._seconds_before + lasted)

    def seconds(self, on_record: float) -> float:
        """Return for how long processes have run the study: as is on record, or as this one knows.

        Each counts by a clock that does not jump, from what was on record when it began; so what several spend together
        counts once, and no times of two clocks are compared.
        """
        if self.session is None:
            return on_record
        return max(on_record, self._seconds_before + time.monotonic() - self._began)

    def gone(self, sessions: Collection[int]) -> set[int]:
        """Return which of these sessions are over or silent; put those that did not end in order on record as ended."""
        # to look processes up takes time, and there may be many
        if self._alive.issuperset(sessions) and time.monotonic() - self._looked < _LOOK_S:
            return set()
        self._looked = time.monotonic()
        known = self._store.sessions(self._study.id)
        gone = {other.id for other in known if other.ended_at is not None}
        for other in known:
            if other.ended_at is None and not self._goes_on(other):
                self._store.end_session(other.id, self._store.last_sign(other.id))
                gone.add(other.id)
        self._alive = {other.id for other in known} - gone
        return gone

    def beat(self) -> None:
        """Show that this process is there. If it was counted as gone meanwhile, it begins anew at its next step."""
        session = self.session
        if session is not None:
            with suppress(StoreError):  # a store that is away cannot be written to; the next time will do
                if not self._store.beat(session.id, seconds=self.seconds(0.0)) and self.session is session:
                    self.session = None

    def _find_alone(self, known: list[Session], here: Session) -> None:
        """Check that nobody else runs the study; put sessions that were killed on record as ended."""
        while True:
            unfinished = [other for other in known if other.ended_at is None]
            silent_since = {other.id: self._heard.get(other.id) for other in unfinished}
            alive = [other for other in unfinished if self._goes_on(other)]
            for other in unfinished:
                if other not in alive:
                    self._store.end_session(other.id, self._store.last_sign(other.id))
            heard = [other for other in alive if _is_here(other) or _rose(silent_since[other.id], other)]
            if heard:
                raise StudyBusy(self._study.name, heard[0].pid, heard[0].host, self._mend(heard[0], here))
            if not alive:
                return
            # of another machine, where no process can be looked up: only time will tell
            time.sleep(lease_s() / 50)
            known = self._store.sessions(self._study.id)

    def _mend(self, other: Session, here: Session) -> str:
        """Return what to do about a session that still runs."""
        if other.pid == here.pid and other.host == here.host:
            return "that is this process: close() the other Study first"
        return f"wait for it, end it, or work beside it: {advice('worker', self._study.name, store=self._store.url)}"

    def _goes_on(self, other: Session) -> bool:
        """Return True if a session that has not ended in order still runs, as far as can be known."""
        if _is_here(other):
            if other.pid == os.getpid():
                return _key(other) in _going_on
            if not provenance.is_running(other.pid, other.process):
                return False
        now = time.monotonic()
        beats, since = self._heard.get(other.id, (-1, now))
        if other.beats != beats:
            self._heard[other.id] = other.beats, now
            return True
        return now - since < lease_s()


def _is_here(session: Session) -> bool:
    """Return True if its process can be looked up: it is of this machine, and of no container that counts its own."""
    return session.host == provenance.host() and provenance.is_counted_here(session.process)


def _rose(before: tuple[int, float] | None, other: Session) -> bool:
    return before is not None and before[0] != other.beats


def _key(session: Session) -> tuple[int, float]:
    """Return what names one session among all that this process, its forks and its parents began."""
    return session.pid, session.started_at


_hearts: dict[int, WeakSet[SessionLease]] = {}
"""By process, since a fork has no thread: those for whom its one thread beats."""
_hearts_lock = threading.Lock()


def _beat_regularly(lease: SessionLease) -> None:
    """Raise its beats regularly, until nobody holds it any more."""
    with _hearts_lock:
        first = os.getpid() not in _hearts
        if first:
            _hearts.clear()  # a parent's
            _hearts[os.getpid()] = WeakSet()
        _hearts[os.getpid()].add(lease)
    if first:
        threading.Thread(target=_beat_for_ever, name="tunewell-lease", daemon=True).start()


def _beat_for_ever() -> None:
    beaten, every = time.monotonic(), 1.0
    while True:
        with suppress(SettingError):  # somebody has changed it since
            every = lease_s() / 4
        time.sleep(min(1.0, every))
        if time.monotonic() - beaten < every:
            continue
        beaten = time.monotonic()
        with _hearts_lock:
            beating = list(_hearts.get(os.getpid(), ()))
        while beating:  # and holds none of them for longer than that takes
            with suppress(Exception):  # whatever ails one of them, the others live on
                beating.pop().beat()
