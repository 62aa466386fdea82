"""The two ways of a bridge: a `Sink` takes runs, a `Source` has some."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from tunewell.bridges.records import TrackedRun
from tunewell.errors import TrackerError, TunewellError
from tunewell.no_garbage import no_garbage
from tunewell.space.params import Param
from tunewell.space.space import Space
from tunewell.stores import StudyRecord

_LONGEST_REASON = 300


class Sink(Protocol):
    """A tracker that is sent the runs of one study.

    Laws, which the contract of bridges checks of every sink:

    * What a method was given is in the tracker when it returns, unless `send` says that it waits for `flush`.
    * The same may be sent twice, as after a crash: the tracker has it once.
    * What fails for now (no network, a full disk) raises TrackerError; what will fail again a *lasting* one.
    * Methods are called from one thread.
    """

    place: str
    """Where it all goes, in words, with no password in it."""

    def begin(self, study: StudyRecord, space: Space) -> None:
        """Get ready for the runs of a study: connect, find what is there of it, make its group or parent."""
        ...

    def send(self, run: TrackedRun) -> None:
        """Send a trial: all of it but its curves, of which it has those points that are new."""
        ...

    def flush(self) -> None:
        """Return when all that was sent is in the tracker."""
        ...

    def end(self, *, is_over: bool) -> None:
        """Let go of the tracker. is_over: nothing of the study trains any more."""
        ...


@dataclass(slots=True)
class Found:
    """The runs of a source, and what it says of all of them."""

    runs: Sequence[TrackedRun]
    domains: Mapping[str, Param] = field(default_factory=dict)
    """Parameters whose range the source knows, by the name that they have there."""
    metric: str | None = None
    """What was optimized, if the source says so."""
    direction: str | None = None
    study: StudyRecord | None = None
    """The study of tunewell's that all of the runs are of, if they are."""
    notes: Sequence[str] = ()
    """A line for all that could not be read."""
    only_floats: bool = False
    """It keeps each number as a float, so that whole ones may be counts."""


def gathered(
    runs: Sequence[TrackedRun],
    notes: Sequence[str] = (),
    domains: Mapping[str, Param] | None = None,
    *,
    metric: str | None = None,
    only_floats: bool = False,
) -> Found:
    """Return what was found, with what the studies of tunewell's among it say, where they agree."""
    studies = {run.study.uuid: run.study for run in runs if run.study is not None}
    are_ours = bool(studies) and all(run.study is not None for run in runs)
    aims = {(study.metric, study.direction) for study in studies.values()}
    direction = None
    if are_ours and len(aims) == 1:
        metric, direction = aims.pop()
    only = next(iter(studies.values())) if are_ours and len(studies) == 1 else None
    only_floats = only_floats and not are_ours
    return Found(runs, domains or {}, metric, direction, study=only, notes=notes, only_floats=only_floats)


class Source(Protocol):
    """A tracker, or a file, that has runs. It is only read."""

    @property
    def place(self) -> str:
        """The place where they are, in words, with no password in it."""
        ...

    def read(self) -> Found:
        """Return all runs, those that are being written too, as far as they are.

        Raises:
            RecordError: there are none, or they cannot be read.
            TrackerError: the tracker cannot be reached, or refuses.
        """
        ...


@dataclass(frozen=True, slots=True)
class AlreadyRead:
    """A source that was read before, so that what is wrong with it is known before a store is made."""

    found: Found
    place: str

    @classmethod
    def of(cls, source: Source) -> AlreadyRead:
        """Read a source. Errors are those of `Source.read`."""
        with no_garbage():
            return cls(source.read(), source.place)

    def read(self) -> Found:
        """Implement `Source.read`."""
        return self.found


@contextmanager
def tracker_errors(place: str, lasting: Iterable[type[BaseException]] = ()) -> Iterator[None]:
    """Turn whatever a tracker's own library raises inside the block into a TrackerError.

    lasting: its errors that will come again.
    """
    try:
        yield
    except TunewellError:
        raise
    except Exception as error:
        raise TrackerError(f"{place}: {reason(error)}", lasting=isinstance(error, tuple(lasting))) from error


def reason(error: BaseException) -> str:
    """Return an error in a line."""
    text = " ".join(str(error).split())
    short = text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}..."
    return f"{type(error).__name__}: {short}" if short else type(error).__name__
