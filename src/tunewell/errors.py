"""The errors that tunewell raises on purpose, on the ground floor, so that every other module may import them.

* TunewellError
  + SpaceError       (a ValueError)    a space, a parameter or a value for one is malformed
  + SettingError     (a ValueError)    a setting of a study or a command cannot be used
  + ReportError      (a ValueError)    a report does not fit what was requested
  + RecordError      (a ValueError)    the record of a run cannot be read
  + ScriptError                        a user's file is not what a command needs
  + StoreError                         a record cannot be opened, read or written
    - StudyExists                      the store has a study of that name already
    - StudyNotFound  (a LookupError)   the store has no study of that name
    - StudyBusy                        another process is running the study
    - TrialNotFound  (a LookupError)   the study has no trial of that number
    - TrialEnded                       the trial has ended; its record is frozen
    - StepTaken                        another process has taken the trial up
  + CheckpointError                    a checkpoint cannot be written or restored
  + NothingReported                    the study has no finite value of its metric yet
  + RepeatedFailure                    trials keep failing with one and the same error
  + ProbeFailed                        a training that was to be probed failed
  + MistakesSeen                       a program has mistakes that no setting mends
  + MissingExtra     (an ImportError)  an optional package is not installed
  + TrackerError                       a tracker cannot be reached, or refuses what it is sent

Each is built from plain values that it keeps in `args`, so each can be pickled and cross a process.
The message says what is wrong, what was got and what to do, in one line.
"""

from __future__ import annotations

from collections.abc import Sequence

from tunewell.near_names import perhaps


def last_line(text: str) -> str:
    """Return the last line of an error's text, which says what was wrong if the text is a traceback."""
    return (text.strip().splitlines() or ["an error without a message"])[-1]


class TunewellError(Exception):
    """The root: `except TunewellError` catches all that tunewell raises on purpose.

    Example:
        >>> try:
        ...     tw.Float(1.0, 0.1)
        ... except tw.TunewellError as error:
        ...     print(type(error).__name__)
        SpaceError
    """

    after_training: bool = False
    """True if it ended a study in which this process had trained: then it is no matter of bad input alone."""


class SpaceError(TunewellError, ValueError):
    """A space, a parameter or a value for one is malformed."""


class SettingError(TunewellError, ValueError):
    """A setting of a study or of a command cannot be used."""


class ReportError(TunewellError, ValueError):
    """A report does not fit what was requested."""


class RecordError(TunewellError, ValueError):
    """The record of a run cannot be read."""


class ScriptError(TunewellError):
    """A user's file is not what a command needs."""


class StoreError(TunewellError):
    """A record cannot be opened, read or written."""


class StudyExists(StoreError):
    """The store has a study of that name already."""

    def __init__(self, name: str, store: str) -> None:
        super().__init__(name, store)
        self.name = name
        self.store = store

    def __str__(self) -> str:
        there = f"{self.store} has a study {self.name!r} already"
        return f"{there}; go on with it (--resume, or resume=True) or choose another name"


class StudyNotFound(StoreError, LookupError):
    """The store has no study of that name."""

    def __init__(self, name: str, store: str, known: tuple[str, ...]) -> None:
        super().__init__(name, store, known)
        self.name = name
        self.store = store
        self.known = known

    def __str__(self) -> str:
        has = f"it has {', '.join(map(repr, self.known))}" if self.known else "it has none yet"
        return f"{self.store} has no study {self.name!r}; {has}{perhaps(self.name, self.known)}"


class StudyBusy(StoreError):
    """Another process, or another `Study` of this one, is running the study."""

    def __init__(self, name: str, pid: int, host: str, mend: str = "wait for it or end it first") -> None:
        super().__init__(name, pid, host, mend)
        self.name = name
        self.pid = pid
        self.host = host
        self.mend = mend

    def __str__(self) -> str:
        return f"study {self.name!r} is being run by process {self.pid} on {self.host}; {self.mend}"


class TrialNotFound(StoreError, LookupError):
    """The study has no trial of that number."""

    def __init__(self, trial: int, n_trials: int) -> None:
        super().__init__(trial, n_trials)
        self.trial = trial
        self.n_trials = n_trials

    def __str__(self) -> str:
        has = f"its trials are 0 to {self.n_trials - 1}" if self.n_trials else "it has none yet"
        return f"the study has no trial {self.trial}; {has}"


class TrialEnded(StoreError):
    """The trial has no step in progress; its record is frozen."""

    def __init__(self, trial: int, state: str, requested: str = "") -> None:
        """Make the error; `requested` is the command that came too late."""
        super().__init__(trial, state, requested)
        self.trial = trial
        self.state = state
        self.requested = requested

    def __str__(self) -> str:
        if self.requested:
            return (
                f"trial {self.trial} has ended, it is {self.state}, so {self.requested} comes too late; "
                f"a branch goes on from one of its epochs"
            )
        return f"trial {self.trial} is {self.state}, not running, so nothing can be added to it; ask() for a step first"


class StepTaken(StoreError):
    """Another process has taken the trial up, because the one that trained it was silent for too long."""

    def __init__(self, trial: int) -> None:
        super().__init__(trial)
        self.trial = trial

    def __str__(self) -> str:
        return f"trial {self.trial} was taken up by another process, which counted this one as gone; ask() for a step"


class CheckpointError(TunewellError):
    """A checkpoint cannot be written or restored."""


class NothingReported(TunewellError):
    """The study has no finite value of its metric yet."""


class RepeatedFailure(TunewellError):
    """Trials keep failing with one and the same error."""

    def __init__(self, count: int, error: str) -> None:
        super().__init__(count, error)
        self.count = count
        self.error = error

    def __str__(self) -> str:
        last = self.error.strip().splitlines()[-1] if self.error.strip() else "no message"
        return f"stopped: {self.count} trials in a row failed with the same error: {last}"


class ProbeFailed(TunewellError):
    """A training that was to be probed raised an error, or reported nothing."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error

    def __str__(self) -> str:
        return f"the training failed: {last_line(self.error)}"


class TrainingTraceback(Exception):
    """The cause of an error that came of a training: what was raised there, maybe in another process, as text."""

    def __str__(self) -> str:
        return f"\n{self.args[0].rstrip()}"

    @classmethod
    def of(cls, error: str) -> TrainingTraceback | None:
        """Return the cause that an error's text has; None if it is a line alone."""
        return cls(error) if len(error.strip().splitlines()) > 1 else None


class MistakesSeen(TunewellError):
    """A program has mistakes that no setting mends, so that nothing was trained."""

    def __init__(self, seen: Sequence[str]) -> None:
        super().__init__(tuple(seen))
        self.seen: tuple[str, ...] = tuple(seen)
        """Place, kind and mend of each, in words."""

    def __str__(self) -> str:
        return f"nothing was trained, since no setting mends {'; '.join(self.seen)}; or train with anyway=True"


class MissingExtra(TunewellError, ImportError):
    """An optional package is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(package, extra, purpose)
        self.package = package
        self.extra = extra
        self.purpose = purpose

    def __str__(self) -> str:
        return f"{self.purpose} needs {self.package}, which is not installed: pip install 'tunewell[{self.extra}]'"


class TrackerError(TunewellError):
    """A tracker cannot be reached, or refuses what it is sent; what was to be sent is on record still."""

    def __init__(self, message: str, *, lasting: bool = False) -> None:
        """Make the error; `lasting`: to try again, with nothing else changed, does not help."""
        super().__init__(message)
        self.lasting = lasting

    def __reduce__(self) -> tuple[object, ...]:
        return _tracker_error, (self.args[0], self.lasting)


def _tracker_error(message: str, lasting: bool) -> TrackerError:  # noqa: FBT001  as it was pickled
    return TrackerError(message, lasting=lasting)
