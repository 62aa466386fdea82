"""Studies of several stores in one: side by side, or joined into one study. Where they come from nothing changes.

A copy is a study of its own, which may go on by itself: so it has a uuid of its own, and with that a folder for its
checkpoints. What it was copied from is on record as an event `merged`, by which it is known again: merged once more, it
takes what is new, and nothing twice. Each study is on record with all that belongs to it, or not at all.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path

from tunewell.checkpoint.folder import folder_in
from tunewell.errors import SettingError, StoreError, StudyExists, StudyNotFound
from tunewell.stores import DamagedStudy, Store, StudyContents, StudyRecord, open_store
from tunewell.study.checkpoint_copies import CheckpointCopies
from tunewell.study.joined import JOINED, MERGED, Source, came_from, check_alike, joined
from tunewell.study.settings import confirming_name, confirms
from tunewell.trial import Event, Report

ADDED, MORE, NOTHING_NEW, SKIPPED = "added", "more", "nothing new", "skipped"
_IDENTITY = uuid.UUID("5c8fd4f0-6f2b-4c0e-9d0a-3f2d3f5f7c11")
_TRIES = 5
_CONFIRMED = "-confirmed-"


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


def merge(
    sources: Sequence[str | Path | Store],
    into: str | Path | Store,
    *,
    studies: Sequence[str] = (),
    name: str | None = None,
    checkpoints: str | Path | None = None,
) -> list[Merged]:
    """Copy studies of several stores to one; return what became of each.

        tw.merge(["a.db", "b.db"], into="all.db")
        tw.merge(["a.db", "b.db"], into="all.db", name="both")

    What cannot be read is skipped, and the rest is merged. Nothing of a source changes.

    Args:
        sources: paths, URLs or stores.
        into: a store, which is made if there is none at that path.
        studies: the names of those that are merged, with what confirms them; all if there are none.
        name: join them into one study of this name. They must have the same space, metric and direction.
        checkpoints: a folder for the checkpoints of the copies, as `open_store` has it.

    Raises:
        StoreError: a store cannot be opened, or the copy cannot be written.
        StudyNotFound: no source has a study of one of these names.
        SettingError: studies to be joined differ.

    Example:
        >>> for name in ("a", "b"):
        ...     space = {"rate": tw.Float(0.0, 1.0)}
        ...     study = tw.Study(space, metric="loss", max_epochs=1, name=name, store=f"{name}.db")
        >>> [one.outcome for one in tw.merge(["a.db", "b.db"], into="all.db")]
        ['added', 'added']
    """
    return list(merging(sources, into, studies=studies, name=name, checkpoints=checkpoints))


def merging(
    sources: Sequence[str | Path | Store],
    into: str | Path | Store,
    *,
    studies: Sequence[str] = (),
    name: str | None = None,
    checkpoints: str | Path | None = None,
) -> Iterator[Merged]:
    """Merge as `merge` does, and yield what becomes of each study when it is on record."""
    if isinstance(sources, str | Path) or not isinstance(sources, Sequence):
        raise SettingError(f"merge takes a list of stores, got {sources!r}; put it in brackets")
    if not sources:
        raise SettingError("there is nothing to merge; name at least one store")
    if name is not None and (not name.strip() or confirms(name)):
        raise SettingError(f"a study that others are joined into needs a name of its own, got {name!r}")
    with ExitStack() as opened:
        stores = [
            opened.enter_context(closing(open_store(one, read_only=True))) if isinstance(one, str | Path) else one
            for one in sources
        ]
        found, skipped = _found(stores, studies)
        yield from skipped
        if isinstance(into, str | Path):
            into = opened.enter_context(closing(open_store(into, checkpoints=checkpoints)))
        place = _Place(into)
        yield from _side_by_side(found, place) if name is None else _as_one(found, place, name)


@dataclass(frozen=True, slots=True)
class _Found:
    """A study of a source, as it is now."""

    store: Store
    contents: StudyContents

    @property
    def name(self) -> str:
        return self.contents.record.name

    @property
    def source(self) -> Source:
        return Source(_spelled_out(self.store), self.contents)

    @property
    def folder(self) -> Path | None:
        """The folder of its checkpoints."""
        try:
            return None if self.store.folder is None else folder_in(self.store.folder, self.contents.record.uuid)
        except StoreError:  # it is a link, which may lead anywhere
            return None

    def skipped(self, why: str) -> Merged:
        return Merged(self.store.url, self.name, None, SKIPPED, notes=(why,))

    def at_rest(self, place: _Place) -> StudyContents:
        """Return it as it is when nobody runs it: a copy is run by nobody, and what was in progress is taken up."""
        ended = [
            one if one.ended_at is not None else replace(one, ended_at=self.store.last_sign(one.id))
            for one in self.contents.sessions
        ]
        reports = _Readable(self.contents.reports)
        is_own = self.store is place.store
        return replace(self.contents, sessions=ended, reports=list(reports) if is_own else reports)


@dataclass(slots=True)
class _Place:
    """The store to which studies are merged."""

    store: Store
    _identities: dict[int, frozenset[str]] = field(default_factory=dict)
    """The uuids that a study goes by, by its id: its own, and those of what it was copied from."""

    def records(self) -> list[StudyRecord]:
        return self.store.studies()

    def known(self, contents: StudyContents) -> StudyRecord | None:
        """Return the study that is this one, or a copy of it, or that it is a copy of."""
        wanted = _identity(contents.record, contents.events)
        for record in self.records():
            if record.id not in self._identities:
                self._identities[record.id] = _identity(record, self.store.events(record.id))
            if wanted & self._identities[record.id]:
                return record
        return None

    def folder(self, study: StudyRecord) -> Path | None:
        return None if self.store.folder is None else folder_in(self.store.folder, study.uuid)


class _Unreadable(StoreError):
    """A source cannot be read to its end."""


class _Changed(Exception):
    """Somebody else has written to where studies are merged to."""


class _Readable:
    """The reports of a source; what goes wrong with it is kept apart from what goes wrong where they are written."""

    def __init__(self, reports: Iterable[tuple[Report, float | None]]) -> None:
        self._reports = reports

    def __iter__(self) -> Iterator[tuple[Report, float | None]]:
        try:
            yield from self._reports
        except StoreError as error:
            raise _Unreadable(str(error)) from error


def _found(stores: Sequence[Store], studies: Sequence[str]) -> tuple[list[_Found], list[Merged]]:
    """Return the studies that are to be merged, and those that cannot be read."""
    found: list[_Found] = []
    skipped: list[Merged] = []
    known: dict[str, None] = {}
    for store in stores:
        for record in store.studies():
            known[record.name] = None
            of = confirms(record.name)
            if studies and record.name not in studies and (of is None or of[0] not in studies):
                continue
            if isinstance(record, DamagedStudy):
                why = f"its own row in {store.url} is damaged; restore the record from a copy"
                skipped.append(Merged(store.url, record.name, None, SKIPPED, notes=(why,)))
                continue
            try:
                found.append(_Found(store, store.contents(record.id)))
            except StoreError as error:
                skipped.append(Merged(store.url, record.name, None, SKIPPED, notes=(str(error),)))
    for name in studies:
        if name not in known:
            raise StudyNotFound(name, " and ".join(store.url for store in stores), tuple(known))
    return found, skipped


def _side_by_side(found: Sequence[_Found], place: _Place) -> Iterator[Merged]:
    """Copy each study, under its name or the next that is free; what confirms it goes by the name that it got."""
    named: dict[tuple[str, str], str] = {}
    # a study before what confirms it, whose name has the study's in it
    for one in sorted(found, key=lambda one: confirms(one.name) is not None):
        of, wanted = confirms(one.name), one.name
        if of is not None and (there := named.get((one.store.url, of[0]))) is not None:
            wanted = there + one.name[len(of[0]) :]
        merged = _merged(one, wanted, place)
        if merged.name is not None:
            named[one.store.url, one.name] = merged.name
        yield merged


def _merged(one: _Found, wanted: str, place: _Place) -> Merged:
    for _ in range(_TRIES):
        try:
            known = place.known(one.contents)
            if known is not None:
                return _brought_up(one, known, place)
            return _added(one, _free(wanted, {record.name for record in place.records()}), place)
        except _Unreadable as error:
            return one.skipped(str(error))
        except _Changed:
            continue
    raise StoreError(f"{place.store.url} is written to by others all the time; end them, and merge again")


def _added(one: _Found, name: str, place: _Place, *, kind: str = MERGED) -> Merged:
    whole, before = one.at_rest(place), one.contents.record
    record = replace(before, name=name, uuid=_uuid(place.store, before.uuid, name), id=0)
    data = {"study": before.name, "uuid": before.uuid, "store": _spelled_out(one.store)}
    events = [*whole.events, Event(kind, time.time(), data=data)]
    with _copies(one, place.folder(record)) as files:
        try:
            place.store.add_contents(replace(whole, record=record, events=events, checkpoints=files.copied))
        except StudyExists:
            raise _Changed from None  # somebody was quicker
        files.keep()
    notes = () if name == one.name or kind == JOINED else (f"{one.name!r} is another study there",)
    n = len(whole.trials), whole.n_reports, files.n_copied
    return Merged(one.store.url, one.name, name, ADDED, *n, notes=notes + files.notes)


def _brought_up(one: _Found, known: StudyRecord, place: _Place) -> Merged:
    """Write what is new of a study of which a copy is there."""
    nothing = Merged(one.store.url, one.name, known.name, NOTHING_NEW)
    if isinstance(known, DamagedStudy):
        return one.skipped(f"{known.name!r}, its copy in {place.store.url}, is damaged; restore the record from a copy")
    theirs = place.store.contents(known.id)
    ahead = _ahead(replace(one.contents, reports=_Readable(one.contents.reports)), theirs)
    if ahead is None:
        return one.skipped(
            f"{known.name!r} in {place.store.url}, a copy of it, has gone on by itself, and so has this; merge it into "
            "another file, or both into one study of another name"
        )
    if ahead <= 0:
        return nothing
    whole = one.at_rest(place)
    own = [event for event in theirs.events if event.kind == MERGED and event not in whole.events]
    with _copies(one, place.folder(known), theirs) as files:
        newest = replace(whole, events=[*whole.events, *own], checkpoints=files.copied, revision=theirs.revision)
        if not place.store.replace_contents(known.id, newest):
            raise _Changed
        files.keep()
    n = len(whole.trials) - len(theirs.trials), whole.n_reports - theirs.n_reports, files.n_copied
    return replace(nothing, outcome=MORE, trials=n[0], reports=n[1], checkpoints=n[2], notes=files.notes)


def _as_one(found: Sequence[_Found], place: _Place, name: str) -> Iterator[Merged]:
    """Join the studies into one; what confirms one of them confirms the same trials of that."""
    searches = [one for one in found if confirms(one.name) is None]
    parts, twice = _distinct(searches)
    if not parts:
        raise SettingError("there is no study to join; name stores that have some")
    sources = [one.source for one in parts]
    check_alike(sources)
    for one, same in twice:
        notes = (f"it is the same study as {same.source.label}",)
        yield Merged(one.store.url, one.name, name, NOTHING_NEW, notes=notes)
    there = next((record for record in place.records() if record.name == name), None)
    if there is None:
        yield from _joined(parts, place, name)
        there = place.store.study(name)
    else:
        yield from _joined_already(parts, place, there)
    numbers = came_from(place.store.events(there.id))
    named = {(one.store.url, one.name): one for one in parts}
    for one in found:
        of = confirms(one.name)
        search = None if of is None else named.get((one.store.url, of[0]))
        if of is None or search is None:
            continue
        trials, _ = numbers[search.contents.record.uuid]
        if max(of[1]) >= len(trials):
            continue
        seeds = one.name[len(of[0]) + len(_CONFIRMED) :].partition("-")[0]
        wanted = confirming_name(name, int(seeds), [trials[trial] for trial in of[1]])
        if any(record.name == wanted for record in place.records()):
            yield Merged(one.store.url, one.name, wanted, NOTHING_NEW)
        else:
            yield _added(one, wanted, place, kind=JOINED)


def _joined(parts: Sequence[_Found], place: _Place, name: str) -> Iterator[Merged]:
    now = time.time()
    uuids = sorted(one.contents.record.uuid for one in parts)
    whole = joined(
        [Source(_spelled_out(one.store), one.at_rest(place)) for one in parts],
        name,
        _uuid(place.store, name, *uuids),
        now,
    )
    origin = {
        number: (one, number_there)
        for one in parts
        for number_there, number in enumerate(came_from(whole.events)[one.contents.record.uuid][0])
    }
    files_there = {
        (id(one), saved.trial, saved.epoch): saved.path for one in parts for saved in one.contents.checkpoints
    }
    wanted, named = [], []
    for saved in whole.checkpoints:
        one, trial = origin[saved.trial]
        wanted.append((one.folder, saved))
        named.append(files_there[id(one), trial, saved.epoch])
    with CheckpointCopies(place.folder(whole.record), wanted, named) as files:
        try:
            place.store.add_contents(replace(whole, checkpoints=files.copied))
        except StudyExists as error:
            raise StoreError(f"{error}") from None
        files.keep()
    notes = (*_differences(parts), *files.notes)
    for one in parts:
        n = len(one.contents.trials), one.contents.n_reports, len(one.contents.checkpoints) if not files.missing else 0
        yield Merged(one.store.url, one.name, name, ADDED, *n, notes=notes if one is parts[-1] else ())


def _joined_already(parts: Sequence[_Found], place: _Place, there: StudyRecord) -> Iterator[Merged]:
    """Yield that nothing is new, if the study of that name was joined from just these."""
    known = came_from(place.store.events(there.id))
    counts = {one.contents.record.uuid: (len(one.contents.trials), one.contents.n_reports) for one in parts}
    if {key: (len(trials), n) for key, (trials, n) in known.items()} != counts:
        raise SettingError(
            f"{place.store.url} has a study {there.name!r} already, of other trials than these; choose another name"
        )
    for one in parts:
        yield Merged(one.store.url, one.name, there.name, NOTHING_NEW)


def _differences(parts: Sequence[_Found]) -> Iterator[str]:
    """Yield what is not the same in studies that are joined, and what holds from now on."""
    first = parts[0]
    name = first.contents.record.scheduler.get("name")
    if any(one.contents.record.scheduler.get("name") != name for one in parts):
        yield f"they had different schedulers; it goes on with {name}, that of {first.source.label}"


def _distinct(found: Sequence[_Found]) -> tuple[list[_Found], list[tuple[_Found, _Found]]]:
    """Return the studies, each once, as far as it has got in any of the stores; and the others, with what they are."""
    chosen: list[_Found] = []
    twice = []
    for one in found:
        identity = _identity(one.contents.record, one.contents.events)
        same = next((o for o in chosen if identity & _identity(o.contents.record, o.contents.events)), None)
        if same is None:
            chosen.append(one)
            continue
        ahead = _ahead(one.contents, same.contents)
        if ahead is None:
            raise SettingError(
                f"{one.source.label} and {same.source.label} are copies of one study that have gone on apart, so their "
                "trials have some in common; leave one of them out"
            )
        better, other = (one, same) if ahead > 0 else (same, one)
        chosen[chosen.index(same)] = better
        twice.append((other, better))
    return chosen, twice


def _copies(one: _Found, folder: Path | None, theirs: StudyContents | None = None) -> CheckpointCopies:
    saved = one.contents.checkpoints
    there = () if theirs is None else theirs.checkpoints
    # under the name that it has there, if it is the same
    known = {(old.trial, old.epoch, old.size, old.at): old for old in there}
    wanted = [(one.folder, known.get((new.trial, new.epoch, new.size, new.at), new)) for new in saved]
    return CheckpointCopies(folder, wanted, [new.path for new in saved], there)


def _identity(record: StudyRecord, events: Iterable[Event]) -> frozenset[str]:
    copied = (str(event.data.get("uuid")) for event in events if event.kind == MERGED)
    return frozenset([record.uuid, *copied])


def _ahead(one: StudyContents, other: StudyContents) -> int | None:
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


def _free(name: str, taken: set[str]) -> str:
    """Return the name, or the first of `NAME-2`, `NAME-3`, ... that is not taken."""
    if name not in taken:
        return name
    of = confirms(name)
    head, tail = (name, "") if of is None else (of[0], name[len(of[0]) :])
    number = 2
    while f"{head}-{number}{tail}" in taken:
        number += 1
    return f"{head}-{number}{tail}"


def _uuid(store: Store, *of: str) -> str:
    """Return a uuid for a copy in a store: always the same, so that a merge that was cut off takes up its files."""
    return str(uuid.uuid5(_IDENTITY, "\n".join((_spelled_out(store), *of))))


def _spelled_out(store: Store) -> str:
    """Return where a store is, as far as that does not change."""
    return store.url if store.folder is None or "://" in store.url else str(Path(store.url).absolute())
