"""Copies of a study: are two studies one, and which of them has got further?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import zip_longest

from tunewell.stores import StudyContents, StudyRecord
from tunewell.study.joined import MERGED
from tunewell.trial import Event


def identity(record: StudyRecord, events: Iterable[Event]) -> frozenset[str]:
    """Return the uuids that a study goes by: its own, and those of what it was copied from."""
    copied = (str(event.data.get("uuid")) for event in events if event.kind == MERGED)
    return frozenset([record.uuid, *copied])


def ahead_of(one: StudyContents, other: StudyContents) -> int | None:
    """Return 1 if one goes on where the other ends, -1 if the other does, 0 if they are the same; None if neither."""
    leads = {
        _lead(((s.trial, s.first, s.at) for s in one.steps), ((s.trial, s.first, s.at) for s in other.steps)),
        _lead(_identities(one.events), _identities(other.events)),
        _lead(((c.trial, c.kind, c.at) for c in one.commands), ((c.trial, c.kind, c.at) for c in other.commands)),
        _lead(((s.number, s.at) for s in one.spaces), ((s.number, s.at) for s in other.spaces)),
        _lead(((t.number, t.seed) for t in one.trials), ((t.number, t.seed) for t in other.trials)),
        _lead(((r.trial, r.epoch, r.at) for r, _ in one.reports), ((r.trial, r.epoch, r.at) for r, _ in other.reports)),
    }
    if None in leads or {1, -1} <= leads:
        return None
    if leads == {0}:
        here, there = _progress(one), _progress(other)
        return (here > there) - (here < there)
    return 1 if 1 in leads else -1


def _lead(one: Iterable[object], other: Iterable[object]) -> int | None:
    """Return 1 if one begins as the other and goes on, -1 if the other does, 0 if they are the same; else None."""
    end = object()
    for here, there in zip_longest(one, other, fillvalue=end):
        if here is end or there is end:
            return -1 if here is end else 1
        if here != there:
            return None
    return 0


def _identities(events: Iterable[Event]) -> Iterator[object]:
    return ((event.kind, event.trial, event.epoch, event.at) for event in events if event.kind != MERGED)


def _progress(contents: StudyContents) -> tuple[float, ...]:
    """Return what only grows, of what leaves no line in the log."""
    ended = sum(trial.state.ended for trial in contents.trials)
    settled = sum(command.taken_at is not None for command in contents.commands)
    return ended, sum(trial.epochs for trial in contents.trials), settled, contents.seconds
