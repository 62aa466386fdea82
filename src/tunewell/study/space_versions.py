"""Another space for a study: the next version is put on record, unless somebody else was quicker."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from tunewell.analysis.decisions import EXTENDED
from tunewell.space.extension import extended
from tunewell.space.space import Space
from tunewell.space.values import Value
from tunewell.space.versions import SpaceVersions
from tunewell.stores import SpaceVersion, Store, StudyRecord
from tunewell.study import provenance
from tunewell.study.log import Log
from tunewell.trial import Event


def add_version(
    store: Store,
    study: StudyRecord,
    log: Log,
    space: Space,
    held: Mapping[str, Value],
    check: Callable[[SpaceVersions], None],
    *,
    by: str | None = None,
    why: str = "",
) -> tuple[str, ...]:
    """Extend a study's space; return what changed, a line each.

    Args:
        store: that has the study.
        study: as on record.
        log: of the study; it has the new version when this returns.
        space: the new one.
        held: as of `Study.extend`.
        check: is called with the versions as it would be, and raises if the study cannot go on in it.
        by: who, for the record; the user, if None.
        why: for the record.
    """
    while True:
        log.refresh()
        spaces = log.versions.spaces
        found = extended(spaces[-1], space, held)
        if not found.changes:
            return ()
        check(SpaceVersions([*spaces, found.space], [{}] * (len(spaces) + 1)))
        author = provenance.user() if by is None else by
        version = SpaceVersion(len(spaces) + 1, found.space.to_dict(), time.time(), author, found.held)
        if store.add_space(study.id, version):
            break  # else somebody else extended it meanwhile
    data = {"version": version.number, "changes": list(found.changes), **({"why": why} if why else {})}
    store.add_event(study.id, Event(EXTENDED, version.at, by=version.by, data=data))
    log.refresh()
    return found.changes
