"""A study of one store, copied to another: what is found, where it goes, and how it gets there."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from tunewell.checkpoint.folder import folder_in
from tunewell.errors import StoreError, StudyExists
from tunewell.stores import Store, StudyContents, StudyRecord
from tunewell.study.checkpoint_copies import CheckpointCopies, filled
from tunewell.study.joined import JOINED, MERGED, Source
from tunewell.study.same_study import identity
from tunewell.trial import Event, Report

ADDED, MORE, NOTHING_NEW, SKIPPED = "added", "more", "nothing new", "skipped"
_IDENTITY = uuid.UUID("5c8fd4f0-6f2b-4c0e-9d0a-3f2d3f5f7c11")


@dataclass(frozen=True, slots=True)
class Merged:
    """The outcome of one study that was to be merged.

    Example:
        >>> study = tw.Study({"rate": tw.Float(0.0, 1.0)}, metric="loss", max_epochs=1, name="mine", store="mine.db")
        >>> (one,) = tw.merge(["mine.db"], into="ours.db")
        >>> one.study, one.trials
        ('mine', 0)
    """

    store: str
    """Where it comes from."""
    study: str
    """Its name there."""
    name: str | None
    """Its name where it was merged to; None if it was skipped."""
    outcome: str
    """`added`; `more`: of one that was there already, what was new; `nothing new`; `skipped`."""
    trials: int = 0
    """How many are new."""
    reports: int = 0
    """How many are new."""
    checkpoints: int = 0
    """How many files were copied."""
    notes: tuple[str, ...] = ()
    """Why it was skipped or has another name, and which files are missing."""


@dataclass(frozen=True, slots=True)
class Found:
    """A study of a source, as it is now."""

    store: Store
    contents: StudyContents

    @property
    def name(self) -> str:
        """Its name there."""
        return self.contents.record.name

    @property
    def source(self) -> Source:
        """It, as one of several that are joined."""
        return Source(spelled_out(self.store), self.contents)

    @property
    def folder(self) -> Path | None:
        """The folder of its checkpoints."""
        try:
            return None if self.store.folder is None else folder_in(self.store.folder, self.contents.record.uuid)
        except StoreError:  # it is a link, which may lead anywhere
            return None

    def skipped(self, why: str) -> Merged:
        """Return that it was skipped."""
        return Merged(self.store.url, self.name, None, SKIPPED, notes=(why,))

    def at_rest(self, place: Place) -> StudyContents:
        """Return it as it is when nobody runs it: a copy is run by nobody, and what was in progress is taken up."""
        ended = [
            one if one.ended_at is not None else replace(one, ended_at=self.store.last_sign(one.id))
            for one in self.contents.sessions
        ]
        reports = Readable(self.contents.reports)
        is_own = self.store is place.store
        return replace(self.contents, sessions=ended, reports=list(reports) if is_own else reports)


@dataclass(slots=True)
class Place:
    """The store to which studies are merged."""

    store: Store
    _identities: dict[int, frozenset[str]] = field(default_factory=dict)
    """The uuids that a study goes by, by its id: its own, and those of what it was copied from."""

    def records(self) -> list[StudyRecord]:
        """Return the studies that are there."""
        return self.store.studies()

    def known(self, contents: StudyContents) -> StudyRecord | None:
        """Return the study that is this one, or a copy of it, or that it is a copy of."""
        wanted = identity(contents.record, contents.events)
        for record in self.records():
            if record.id not in self._identities:
                self._identities[record.id] = identity(record, self.store.events(record.id))
            if wanted & self._identities[record.id]:
                return record
        return None

    def folder(self, study: StudyRecord) -> Path | None:
        """Return the folder of a study's checkpoints; None if the store is in memory."""
        return None if self.store.folder is None else folder_in(self.store.folder, study.uuid)


class Unreadable(StoreError):
    """A source cannot be read to its end."""


class Changed(Exception):
    """Somebody else has written to where studies are merged to."""


class Readable:
    """The reports of a source; what goes wrong with it is kept apart from what goes wrong where they are written."""

    def __init__(self, reports: Iterable[tuple[Report, float | None]]) -> None:
        self._reports = reports

    def __iter__(self) -> Iterator[tuple[Report, float | None]]:
        try:
            yield from self._reports
        except StoreError as error:
            raise Unreadable(str(error)) from error


def added(one: Found, name: str, place: Place, *, kind: str = MERGED) -> Merged:
    """Copy a study under a name that is free.

    kind: of the event that says what it was copied from.

    Raises:
        Changed: somebody has taken the name just now.
    """
    whole, before = one.at_rest(place), one.contents.record
    record = replace(before, name=name, uuid=uuid_of_copy(place.store, before.uuid, name), id=0)
    data = {"study": before.name, "uuid": before.uuid, "store": spelled_out(one.store)}
    events = [*whole.events, Event(kind, time.time(), data=data)]
    with copies(one, place.folder(record)) as files:
        try:
            place.store.add_contents(replace(whole, record=record, events=events, checkpoints=files.copied))
        except StudyExists:
            raise Changed from None  # somebody was quicker
        files.keep()
    notes = () if name == one.name or kind == JOINED else (f"{one.name!r} is another study there",)
    n = len(whole.trials), whole.n_reports, files.n_copied
    return Merged(one.store.url, one.name, name, ADDED, *n, notes=notes + files.notes)


def copies(one: Found, folder: Path | None, theirs: StudyContents | None = None) -> CheckpointCopies:
    """Return the copies of a study's checkpoints; theirs: what is there already of a copy of it."""
    saved = one.contents.checkpoints
    there = () if theirs is None else theirs.checkpoints
    # under the name that it has there, if it is the same
    known = {(old.trial, old.epoch, old.size, old.at): old for old in there}
    wanted = [(one.folder, known.get((new.trial, new.epoch, new.size, new.at), new)) for new in saved]
    return CheckpointCopies(folder, wanted, [new.path for new in saved], there)


def copied_late(one: Found, folder: Path | None, theirs: StudyContents) -> int:
    """Copy the files that a copy's record names, and that were not there when it was made; return how many.

    Raises:
        StoreError: one cannot be written.
    """
    names = {(new.trial, new.epoch, new.size, new.at): new.path for new in one.contents.checkpoints}
    missing = [
        (old.path, name)
        for old in theirs.checkpoints
        if (name := names.get((old.trial, old.epoch, old.size, old.at))) is not None
    ]
    return 0 if folder is None or one.folder is None else sum(filled(one.folder, folder, *pair) for pair in missing)


def uuid_of_copy(store: Store, *of: str) -> str:
    """Return a uuid for a copy in a store: always the same, so that a merge that was cut off takes up its files."""
    return str(uuid.uuid5(_IDENTITY, "\n".join((spelled_out(store), *of))))


def spelled_out(store: Store) -> str:
    """Return where a store is, as far as that does not change."""
    return store.url if store.folder is None or "://" in store.url else str(Path(store.url).absolute())
