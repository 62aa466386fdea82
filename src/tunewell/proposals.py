"""Proposals: settings that anybody would have a study try, and what became of each.

A proposal is an event of its study, and the trial that takes it up names it in its note: so what waits follows from the
record alone, whoever reads it, and the number of the step that begins the trial decides between processes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tunewell.errors import SettingError
from tunewell.space.values import Params
from tunewell.space.versions import UNPLACED, SpaceVersions
from tunewell.trial import Event, Trial

PROPOSED = "proposed"
"""The kind of the event by which a proposal is recorded, and its key in the note of the trial that takes it up."""
SEARCH = "search"
"""What goes by the name of an author, but is none: the study's own scheduler."""
MOST_OF_TEN = 3
"""Of ten starts, those that may be proposals."""
MOST_WAITING, MOST_WAITING_OF_ONE = 20, 5
"""Proposals that may wait at a time, and those of one author."""
_LONGEST_NAME, _LONGEST_WHY = 60, 500


@dataclass(frozen=True, slots=True)
class Proposal:
    """A setting that somebody proposed."""

    id: str
    """Unlike that of any other."""
    params: Params
    """All of its values."""
    by: str
    """Its author."""
    why: str
    at: float
    """Seconds since 1970 (UTC)."""

    @property
    def event(self) -> Event:
        """The event that puts it on record."""
        data = {"id": self.id, "params": dict(self.params), "why": self.why}
        return Event(PROPOSED, self.at, by=self.by, data=data)

    @property
    def note(self) -> dict[str, object]:
        """The note of the trial that takes it up."""
        return {PROPOSED: {"id": self.id, "by": self.by, "why": self.why}}


@dataclass(frozen=True, slots=True)
class ProposalState:
    """The state of a proposal; it waits if it has neither a trial nor an obstacle."""

    proposal: Proposal
    trial: int | None = None
    """The trial that took it up."""
    obstacle: str | None = None
    """Why it cannot be taken up any more."""

    @property
    def waits(self) -> bool:
        """True if it may still be taken up."""
        return self.trial is None and self.obstacle is None


def proposals(events: Iterable[Event]) -> list[Proposal]:
    """Return the proposals on record, oldest first; what a damaged record has lost of one is no proposal."""
    found = []
    for event in events:
        number, params = event.data.get("id"), event.data.get("params")
        if event.kind == PROPOSED and isinstance(number, str) and isinstance(params, Mapping):
            found.append(Proposal(number, Params(dict(params)), event.by, str(event.data.get("why", "")), event.at))
    return found


def author_of(trial: Trial) -> str | None:
    """Return who proposed a trial; None if nobody did."""
    return _noted(trial, "by")


def reason_of(trial: Trial) -> str | None:
    """Return the reason that the author of a trial gave; None if none."""
    return _noted(trial, "why") or None


def proposal_states(known: Sequence[Proposal], trials: Sequence[Trial], versions: SpaceVersions) -> list[ProposalState]:
    """Return what has become of each proposal, in their order.

    trials: the study's, by number.
    versions: of its space: a proposal of an earlier one takes the values that its trials did.
    """
    if not known:
        return []
    taken: dict[str, int] = {}
    for trial in trials:
        if (name := _noted(trial, "id")) is not None:
            taken.setdefault(name, trial.number)
    return [
        ProposalState(one, taken[one.id])
        if one.id in taken
        else ProposalState(_today(one, versions), None, _obstacle(one, trials, versions))
        for one in known
    ]


def next_in_turn(known: Sequence[ProposalState]) -> Proposal | None:
    """Return the proposal that is next: the oldest of the author who has waited longest for a start; None if none."""
    last: dict[str, int] = {}
    for one in known:
        if one.trial is not None:
            last[one.proposal.by] = max(one.trial, last.get(one.proposal.by, -1))
    waiting = [one.proposal for one in known if one.waits]
    return min(waiting, key=lambda one: last.get(one.by, -1), default=None)  # of equals, the first


def has_room(trials: Sequence[Trial]) -> bool:
    """Return True if one more proposal among the starts leaves them at three of ten at most."""
    starts = [trial for trial in trials if trial.parent is None]
    proposed = sum(_noted(trial, "id") is not None for trial in starts)
    return 10 * (proposed + 1) <= MOST_OF_TEN * (len(starts) + 1)


def same_trial(params: Params, trials: Sequence[Trial]) -> Trial | None:
    """Return the first trial that began with these values; None if none did."""
    return next((trial for trial in trials if trial.parent is None and trial.params == params), None)


def checked_author(by: object) -> str:
    """Return the name of an author.

    Raises:
        SettingError: it is none, or the search's own.
    """
    name = by.strip() if isinstance(by, str) else ""
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
        raise SettingError(f"an author needs a name of 1 to {_LONGEST_NAME} printed characters, got {_clipped(by)}")
    if name.lower() in (SEARCH, "tunewell"):
        raise SettingError(f"{name!r} is the name of the study's own search; propose by another name")
    return name


def checked_why(why: object) -> str:
    """Return a reason as one line.

    Raises:
        SettingError: it is no text, or too long.
    """
    line = " ".join(why.split()) if isinstance(why, str) else None
    if line is None or len(line) > _LONGEST_WHY or not line.isprintable():
        raise SettingError(f"why must be a text of at most {_LONGEST_WHY} printed characters, got {_clipped(why)}")
    return line


def check_waiting(known: Sequence[ProposalState], by: str) -> None:
    """Check that one more proposal of an author may wait.

    Raises:
        SettingError: too many do.
    """
    waiting = [one.proposal for one in known if one.waits]
    own = sum(one.by == by for one in waiting)
    mend = f"at most {MOST_OF_TEN} of 10 starts are proposals, so wait until some have been started"
    if own >= MOST_WAITING_OF_ONE:
        raise SettingError(f"{own} proposals by {by} wait already, and more may not; {mend}")
    if len(waiting) >= MOST_WAITING:
        raise SettingError(f"{len(waiting)} proposals wait already, and more may not; {mend}")


def _today(proposal: Proposal, versions: SpaceVersions) -> Proposal:
    """Return a proposal with the values that it has in today's space, where there is such a setting."""
    if len(versions.spaces) == 1:
        return proposal
    try:
        params = versions.space.check(_active(versions, proposal.params))
    except UNPLACED:
        return proposal
    return Proposal(proposal.id, params, proposal.by, proposal.why, proposal.at)


def _active(versions: SpaceVersions, params: Params) -> dict[str, object]:
    completed = versions.complete(params)
    return {name: completed[name] for name in versions.space.names if name in completed}


def _obstacle(proposal: Proposal, trials: Sequence[Trial], versions: SpaceVersions) -> str | None:
    try:
        params = versions.space.check(_active(versions, proposal.params))
    except UNPLACED as error:
        return f"it is no setting of the space any more: {error}"
    same = same_trial(params, trials)
    return None if same is None else f"trial {same.number} has the same setting"


def _noted(trial: Trial, what: str) -> str | None:
    """Return what the note of a trial says of its proposal; a record may be a stranger's."""
    noted = trial.note.get(PROPOSED)
    found = noted.get(what) if isinstance(noted, Mapping) else None
    return found if isinstance(found, str) else None


def _clipped(value: object) -> str:
    if isinstance(value, str):
        return repr(value[:40]) + ("..." if len(value) > 40 else "")
    return type(value).__name__


def by_author(known: Sequence[ProposalState]) -> Iterator[tuple[str, list[ProposalState]]]:
    """Yield each author with what became of the proposals, in the order of their first."""
    for name in dict.fromkeys(one.proposal.by for one in known):
        yield name, [one for one in known if one.proposal.by == name]
