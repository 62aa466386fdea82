"""The logs that a program writes while it trains: tables, lines of JSON, text, TensorBoard's events."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path

from tunewell.errors import RecordError
from tunewell.logs.cutter import LineCutter
from tunewell.logs.event_files import rows_of_events
from tunewell.logs.json_lines import row_of
from tunewell.logs.languages import in_english
from tunewell.logs.names import says_split
from tunewell.logs.printed import Knows, PrintedReader, spelled
from tunewell.logs.rows import Row
from tunewell.logs.table import read_table

_EVENTS = "events.out.tfevents."
_TABLES, _JSON, _TEXT = (".csv", ".tsv"), (".json", ".jsonl", ".ndjson"), (".log", ".txt", ".out")
_DEEPEST = 6
"""Folders below the working folder in which logs are looked for."""
_MOST_FILES = 20_000
_LARGEST = 1 << 26
"""Bytes of a log that is read anew whenever it has grown."""
_NO_LOGS = {"node_modules", "__pycache__", "site-packages", "venv", "env"}
_NAME = re.compile(r"\d+")


def name_pattern(path: Path) -> str:
    """Return a pattern for the name of a file that fits the same log of another training."""
    if path.name.startswith(_EVENTS):
        return f"{_EVENTS}*"
    return _NAME.sub("*", re.sub(r"([\[?*])", r"[\1]", path.name))


@dataclass(slots=True)
class _Log:
    """A file that is read, and how far it was."""

    printed: PrintedReader
    prefix: str = ""
    size: int = -1
    at: int = 0
    """Bytes that are read, where it is not read anew each time."""
    in_percent: set[str] = field(default_factory=set)
    cutter: LineCutter = field(default_factory=LineCutter)
    _n_rows: int = 0

    def new(self, rows: list[Row]) -> list[Row]:
        """Return those of all rows that were not there before."""
        before, self._n_rows = self._n_rows, len(rows)
        return rows[before:] if len(rows) >= before else rows


class WrittenLogs:
    """The logs below a folder that appear or change from now on.

    Files that were there before and do not change are none of the program's.
    """

    def __init__(
        self, folder: Path, knows: Knows, *, name: str = "", is_new: bool = False, path: Path | None = None
    ) -> None:
        """Begin; `name`: a pattern for their names, `is_new`: none was there, `path`: the only one, wherever it is."""
        self._folder, self._knows, self._name, self._path = folder, knows, name, path
        self.takes_more = True
        """False once all of its logs are known: others that appear are those of another training."""
        self._logs: dict[Path, _Log] = {}
        self._before = dict(self._files())
        self._is_new, self._old = is_new, frozenset(self._before)

    @property
    def in_percent(self) -> set[str]:
        """Names whose cells had a sign of percent; the numbers are shares already."""
        return set().union(*(log.in_percent for log in self._logs.values()))

    def poll(self) -> list[tuple[Path, Row]]:
        """Return the rows that have been written since the last call, with the file of each."""
        found: list[tuple[Path, Row]] = []
        for path, (changed, size) in list(self._files()):
            if self._before.get(path) == (changed, size) or (self._is_new and path in self._old):
                continue
            log = self._logs.setdefault(path, _Log(PrintedReader(self._knows), self._prefix(path)))
            if log.size == size and self._before.get(path, (changed,))[0] == changed:
                continue
            log.size = size
            self._before.pop(path, None)
            for row in self._rows(path, log):
                values = {spelled(f"{log.prefix}{name}"): value for name, value in row.values.items()}
                known = {name: value for name, value in values.items() if self._knows(name)}
                if known:
                    found.append((path, replace(row, values=known)))
        # of several files of events, what belongs together is by step
        if found and all(path.name.startswith(_EVENTS) for path, _ in found):
            found.sort(key=lambda pair: pair[1].step)
        return found

    def _files(self) -> Iterator[tuple[Path, tuple[int, int]]]:
        known: Iterable[Path] = self._logs if self._path is None else [self._path]
        for path in _below(self._folder) if self._path is None and self.takes_more else list(known):
            if self._name and not fnmatch(path.name, self._name):
                continue
            try:
                state = path.stat()
            except OSError:
                continue
            yield path, (state.st_mtime_ns, state.st_size)

    def _prefix(self, path: Path) -> str:
        """Return the split that the folder of an event file names, as Keras writes them."""
        parent = path.parent.name
        return f"{parent}/" if path.name.startswith(_EVENTS) and says_split(parent) else ""

    def _rows(self, path: Path, log: _Log) -> list[Row]:
        """Return the rows of a file that are new."""
        ending = path.suffix.lower()
        is_events = path.name.startswith(_EVENTS)
        try:
            if not is_events and ending in (*_TABLES, ".json"):
                return log.new(_whole(path, log.in_percent)) if log.size <= _LARGEST else []
            if log.size < log.at:
                log.at, log.printed, log.cutter = 0, PrintedReader(self._knows), LineCutter()  # was begun anew
            with path.open("rb") as file:
                file.seek(log.at)
                content = file.read()
        except OSError:
            return []
        if is_events:
            rows, length = rows_of_events(content)
            log.at += length
            return rows
        log.at += len(content)
        found = [log.printed.read(line) for line in log.cutter.cut(content)] if content else []
        log.in_percent |= log.printed.in_percent
        return [row for row in found if row is not None]


def _whole(path: Path, in_percent: set[str]) -> list[Row]:
    """Return the rows of a log that may be written anew from its beginning each time."""
    text = path.read_bytes().decode("utf-8-sig", errors="replace")
    if path.suffix.lower() == ".json":
        return [row_of(document) for document in _documents(text)]
    try:
        log = read_table(path.name, in_english(text[: text.rfind("\n") + 1]))  # the last line may not be whole yet
    except RecordError:
        return []
    in_percent |= {spelled(name) for name in log.in_percent}
    return list(log.rows)


def _documents(text: str) -> list[object]:
    """Return the objects of a JSON file: one an epoch, in a list or a line each."""
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if isinstance(document, dict) and isinstance(document.get("log_history"), list):
        document = document["log_history"]
    if isinstance(document, list):
        return document
    if isinstance(document, dict):
        lists = {name: values for name, values in document.items() if isinstance(values, list)}
        longest = max(map(len, lists.values()), default=0)
        if longest:
            return [{name: values[i] for name, values in lists.items() if i < len(values)} for i in range(longest)]
        return [document]
    return []


def _below(folder: Path) -> Iterator[Path]:
    """Yield the files that may be logs."""
    n_files, begin = 0, len(folder.parts)
    for parent, folders, files in os.walk(folder):
        here = Path(parent)
        is_deep = len(here.parts) - begin >= _DEEPEST
        folders[:] = (
            [] if is_deep else sorted(one for one in folders if one not in _NO_LOGS and not one.startswith("."))
        )
        for name in sorted(files):
            n_files += 1
            if n_files > _MOST_FILES:
                return
            if name.startswith(_EVENTS) or Path(name).suffix.lower() in (*_TABLES, *_JSON, *_TEXT):
                yield here / name
