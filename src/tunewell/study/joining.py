"""Studies of several stores joined into one study, with what confirms them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tunewell.errors import SettingError, StoreError, StudyExists
from tunewell.stores import StudyRecord
from tunewell.study.checkpoint_copies import CheckpointCopies
from tunewell.study.copied import ADDED, NOTHING_NEW, Found, Merged, Place, added, spelled_out, uuid_of_copy
from tunewell.study.joined import JOINED, Source, came_from, check_alike, joined
from tunewell.study.same_study import ahead_of, identity
from tunewell.study.settings import confirming_name, confirms

_CONFIRMED = "-confirmed-"


def as_one(found: Sequence[Found], place: Place, name: str) -> Iterator[Merged]:
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
            yield added(one, wanted, place, kind=JOINED)


def _joined(parts: Sequence[Found], place: Place, name: str) -> Iterator[Merged]:
    now = time.time()
    uuids = sorted(one.contents.record.uuid for one in parts)
    whole = joined(
        [Source(spelled_out(one.store), one.at_rest(place)) for one in parts],
        name,
        uuid_of_copy(place.store, name, *uuids),
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


def _joined_already(parts: Sequence[Found], place: Place, there: StudyRecord) -> Iterator[Merged]:
    """Yield that nothing is new, if the study of that name was joined from just these."""
    known = came_from(place.store.events(there.id))
    counts = {one.contents.record.uuid: (len(one.contents.trials), one.contents.n_reports) for one in parts}
    if {key: (len(trials), n) for key, (trials, n) in known.items()} != counts:
        raise SettingError(
            f"{place.store.url} has a study {there.name!r} already, of other trials than these; choose another name"
        )
    for one in parts:
        yield Merged(one.store.url, one.name, there.name, NOTHING_NEW)


def _differences(parts: Sequence[Found]) -> Iterator[str]:
    """Yield what is not the same in studies that are joined, and what holds from now on."""
    first = parts[0]
    name = first.contents.record.scheduler.get("name")
    if any(one.contents.record.scheduler.get("name") != name for one in parts):
        yield f"they had different schedulers; it goes on with {name}, that of {first.source.label}"


def _distinct(found: Sequence[Found]) -> tuple[list[Found], list[tuple[Found, Found]]]:
    """Return the studies, each once, as far as it has got in any of the stores; and the others, with what they are."""
    chosen: list[Found] = []
    twice = []
    for one in found:
        goes_by = identity(one.contents.record, one.contents.events)
        same = next((o for o in chosen if goes_by & identity(o.contents.record, o.contents.events)), None)
        if same is None:
            chosen.append(one)
            continue
        ahead = ahead_of(one.contents, same.contents)
        if ahead is None:
            raise SettingError(
                f"{one.source.label} and {same.source.label} are copies of one study that have gone on apart, so their "
                "trials have some in common; leave one of them out"
            )
        better, other = (one, same) if ahead > 0 else (same, one)
        chosen[chosen.index(same)] = better
        twice.append((other, better))
    return chosen, twice
