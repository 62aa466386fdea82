"""A follower: what a study's record gains is sent to a tracker, in order, each part until it is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tunewell.bridges.base import Sink
from tunewell.bridges.cursor import Cursor
from tunewell.bridges.outgoing import Outgoing, pending
from tunewell.bridges.records import TrackedRun
from tunewell.errors import TrackerError
from tunewell.space.space import Space
from tunewell.stores import Store, StudyRecord


@dataclass(slots=True)
class Sent:
    """The part that a follower has sent."""

    epochs: int = 0
    trials: set[int] = field(default_factory=set)
    refused: dict[int, str] = field(default_factory=dict)
    """By trial, why the tracker does not take it."""


class Follower:
    """It sends a study to one place. Whatever fails raises, and is sent when `forward` is called again."""

    def __init__(self, store: Store, study: StudyRecord, make: Callable[[], Sink], cursor: Cursor) -> None:
        """Send nothing yet; make: return a new sink, since one that failed is not used again."""
        self._make, self._cursor = make, cursor
        self._begun_with = study
        self._outgoing = Outgoing(store, study, cursor.revision)
        self._sink: Sink | None = None
        self.sent: Sent = Sent()

    def connect(self) -> None:
        """Connect to the tracker, if need be. Raises TrackerError."""
        if self._sink is None:
            sink, study = self._make(), self._outgoing.study
            sink.begin(study, Space.from_dict(study.space))
            self._sink, self._begun_with = sink, study

    def forward(self) -> bool:
        """Send what is new; False if nothing was.

        Raises:
            TrackerError: it cannot be sent now, or a lasting one: it will not be taken.
        """
        revision, runs = self._outgoing.look()
        if not runs:
            if revision != self._outgoing.revision:
                self._moved(revision)
            return False
        try:
            if self._begun_with is not self._outgoing.study:  # its space was extended, and is to be declared anew
                self.end()
            self.connect()
            assert self._sink is not None  # it was made just now
            for run in runs:
                self._send(self._sink, run)
            self._sink.flush()
        except TrackerError:
            self._sink = None
            raise
        self._moved(revision)
        return True

    def _send(self, sink: Sink, run: TrackedRun) -> None:
        assert run.trial is not None  # they are trials
        try:
            sink.send(run)
        except TrackerError as error:
            if not error.lasting:
                raise
            self.sent.refused[run.trial.number] = str(error)  # the others go on
            return
        self.sent.refused.pop(run.trial.number, None)
        self.sent.epochs += pending([run])[0]
        self.sent.trials.add(run.trial.number)

    def _moved(self, revision: int) -> None:
        self._outgoing.sent(revision)
        if not self.sent.refused:
            self._cursor.move(revision)

    def left(self) -> tuple[int, int]:
        """Return how many epochs, of how many trials, are still to be sent."""
        runs: Sequence[TrackedRun] = self._outgoing.look()[1]
        return pending(runs)

    def end(self) -> None:
        """Let go of the tracker. Raises TrackerError."""
        if self._sink is not None:
            sink, self._sink = self._sink, None
            sink.end(is_over=not self._outgoing.is_run())
