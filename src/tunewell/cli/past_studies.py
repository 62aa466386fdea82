"""The studies that a search learns from: of the same store, or taken into it from a tracker on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tunewell.advice import advice
from tunewell.cli.echo import echo
from tunewell.display.formatting import counted
from tunewell.errors import SettingError
from tunewell.stores import IN_MEMORY, Store, default_store, open_store
from tunewell.study import Study

if TYPE_CHECKING:
    from tunewell.bridges.base import AlreadyRead
    from tunewell.bridges.importing import TakenIn


@dataclass(slots=True)
class PastStudies:
    """The studies and sources that `--warm-start` names, each read once."""

    drafts: list[Study] = field(default_factory=list)
    """As they are now, those of trackers in memory: with them a search can be tried before a store is made."""
    _sources: dict[str, tuple[AlreadyRead, str, str]] = field(default_factory=dict)
    """By the name that it has as a study: what was read, its metric and direction."""

    @classmethod
    def read(cls, named: Sequence[str], store: str | None, metric: str) -> PastStudies:
        """Read studies by name, and the sources of runs among them.

        metric: of the new study; of a source that does not say what was optimized, it is what counts.

        Raises:
            StudyNotFound: the store has no study of that name.
            RecordError: a source has no runs, or they cannot be read.
            TrackerError: a tracker cannot be reached.
            SettingError: a source does not say what was optimized; or it was to be kept in memory.
        """
        found = cls()
        for text in named:
            found.drafts.append(
                found._of_source(text, store, metric)
                if _is_source(text)
                else Study.open(store or default_store(), text)
            )
        return found

    def _of_source(self, text: str, store: str | None, metric: str) -> Study:
        from tunewell.bridges.base import AlreadyRead  # noqa: PLC0415  few need a bridge
        from tunewell.bridges.csv import CsvSource  # noqa: PLC0415
        from tunewell.bridges.importing import aim, logs  # noqa: PLC0415
        from tunewell.bridges.places import source_place  # noqa: PLC0415

        if (store or default_store()) in IN_MEMORY:
            raise SettingError(
                f"{text}: runs are taken into the store that the study is in, and memory forgets them; say --store FILE"
            )
        place = source_place(text)
        reader = place.source()
        if isinstance(reader, CsvSource):
            reader = CsvSource(place, reader.columns, reader.params, [*reader.metrics, metric])
        try:
            read = AlreadyRead.of(reader)
            same = read.found.metric is None and logs(read.found, metric)
            chosen, direction = aim(read.found, metric if same else None)
        except SettingError as error:
            mend = f"take the runs in with {advice('import', str(place))}, and name that study here"
            raise SettingError(f"{place}: {error}; {mend}") from error
        name = str(place)
        self._sources[name] = read, chosen, direction
        memory = open_store("memory")
        self._take(name, memory)
        return Study.open(memory, name)

    def into(self, store: Store) -> list[Study]:
        """Return them as studies of a store, into which the runs of trackers are taken."""
        found = []
        for study in self.drafts:
            if study.name in self._sources:
                result = self._take(study.name, store)
                for line in result.notes:
                    echo(f"note: {line}", err=True)
                new = f"{counted(result.new, 'run')}, {counted(result.epochs, 'epoch')}"
                echo(f"study {study.name!r} has {new} more from there, to learn from", err=True)
                found.append(Study.open(store, study.name))
            else:
                found.append(study)
        return found

    def _take(self, name: str, store: Store) -> TakenIn:
        from tunewell.bridges.importing import take_in  # noqa: PLC0415

        read, metric, direction = self._sources[name]
        return take_in(read, store, name, metric=metric, direction=direction)


def _is_source(text: str) -> bool:
    """Return True if a text is the place of runs, and no study's name."""
    from tunewell.bridges.places import TRACKERS  # noqa: PLC0415

    kind, colon, _ = text.partition(":")
    return (bool(colon) and kind in TRACKERS) or (not colon and text.lower().endswith(".csv"))
