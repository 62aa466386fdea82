"""Studies of several stores in one: side by side, or joined into one study. Where they come from nothing changes.

A copy is a study of its own, which may go on by itself: so it has a uuid of its own, and with that a folder for its
checkpoints. What it was copied from is on record as an event `merged`, by which it is known again: merged once more, it
takes what is new, and nothing twice. Each study is on record with all that belongs to it, or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

from tunewell.errors import SettingError, StoreError, StudyNotFound
from tunewell.stores import DamagedStudy, Store, StudyRecord, open_store
from tunewell.study.copied import (
    MORE,
    NOTHING_NEW,
    SKIPPED,
    Changed,
    Found,
    Merged,
    Place,
    Readable,
    Unreadable,
    added,
    copied_late,
    copies,
)
from tunewell.study.joined import MERGED
from tunewell.study.joining import as_one
from tunewell.study.same_study import ahead_of
from tunewell.study.settings import confirms

_TRIES = 5


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
        place = Place(into)
        yield from _side_by_side(found, place) if name is None else as_one(found, place, name)


def _found(stores: Sequence[Store], studies: Sequence[str]) -> tuple[list[Found], list[Merged]]:
    """Return the studies that are to be merged, and those that cannot be read."""
    found: list[Found] = []
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
                found.append(Found(store, store.contents(record.id)))
            except StoreError as error:
                skipped.append(Merged(store.url, record.name, None, SKIPPED, notes=(str(error),)))
    for name in studies:
        if name not in known:
            raise StudyNotFound(name, " and ".join(store.url for store in stores), tuple(known))
    return found, skipped


def _side_by_side(found: Sequence[Found], place: Place) -> Iterator[Merged]:
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


def _merged(one: Found, wanted: str, place: Place) -> Merged:
    for _ in range(_TRIES):
        try:
            known = place.known(one.contents)
            if known is not None:
                return _brought_up(one, known, place)
            return added(one, _free(wanted, {record.name for record in place.records()}), place)
        except Unreadable as error:
            return one.skipped(str(error))
        except Changed:
            continue
    raise StoreError(f"{place.store.url} is written to by others all the time; end them, and merge again")


def _brought_up(one: Found, known: StudyRecord, place: Place) -> Merged:
    """Write what is new of a study of which a copy is there."""
    nothing = Merged(one.store.url, one.name, known.name, NOTHING_NEW)
    if isinstance(known, DamagedStudy):
        return one.skipped(f"{known.name!r}, its copy in {place.store.url}, is damaged; restore the record from a copy")
    theirs = place.store.contents(known.id)
    ahead = ahead_of(replace(one.contents, reports=Readable(one.contents.reports)), theirs)
    if ahead is None:
        return one.skipped(
            f"{known.name!r} in {place.store.url}, a copy of it, has gone on by itself, and so has this; merge it into "
            "another file, or both into one study of another name"
        )
    if ahead <= 0:
        n_copied = copied_late(one, place.folder(known), theirs)
        return replace(nothing, outcome=MORE, checkpoints=n_copied) if n_copied else nothing
    whole = one.at_rest(place)
    own = [event for event in theirs.events if event.kind == MERGED and event not in whole.events]
    with copies(one, place.folder(known), theirs) as files:
        newest = replace(whole, events=[*whole.events, *own], checkpoints=files.copied, revision=theirs.revision)
        if not place.store.replace_contents(known.id, newest):
            raise Changed
        files.keep()
    n = len(whole.trials) - len(theirs.trials), whole.n_reports - theirs.n_reports, files.n_copied
    return replace(nothing, outcome=MORE, trials=n[0], reports=n[1], checkpoints=n[2], notes=files.notes)


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
