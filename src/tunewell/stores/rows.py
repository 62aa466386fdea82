"""Records as rows: a column has the name of the field that it keeps, and is JSON where that is no plain value.

JSON here is what any reader of the file can take: plain, with no `NaN` in it. So a metric that is not finite is the
string `"NaN"`, `"Infinity"` or `"-Infinity"`; elsewhere such a number is an object, `{"float": "Infinity"}`, which
cannot be taken for a string.
"""

from __future__ import annotations

import functools
import json
import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from itertools import repeat
from typing import Any, Generic, TypeVar

from tunewell.errors import StoreError
from tunewell.space.values import Params
from tunewell.stores.base import Session, SpaceVersion, StudyRecord
from tunewell.stores.command_rows import CommandRow
from tunewell.trial import Checkpoint, Event, Report, Trial, TrialState

_Record = TypeVar("_Record")
_TAG = "float"
_strict = json.JSONEncoder(allow_nan=False).encode


_DAMAGE = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What comes of reading a row that another program, or a failing disk, has changed."""


class DamagedRow(StoreError):
    """A row whose content is not what was written."""


def damaged(name: str, error: Exception) -> DamagedRow:
    """Return the error for a row of a record of that name."""
    reason = " ".join(str(error).split())[:200]
    return DamagedRow(
        f"a {name} on record is damaged ({type(error).__name__}: {reason}); restore the record from a copy"
    )


def to_json(value: object) -> str:
    """Return plain JSON text of mappings, lists, strings, numbers, booleans and None."""
    try:
        return _strict(value)
    except ValueError:
        return _strict(_tagged(value))


def from_json(text: str) -> Any:
    """Return what `to_json` was given."""
    return json.loads(text, object_hook=_untag if f'"{_TAG}"' in text else None)


def copied(value: Mapping[str, object]) -> dict[str, Any]:
    """Return what becomes of a mapping that is written as JSON and read again."""
    copy: dict[str, Any] = from_json(to_json(dict(value)))
    return copy


def metrics_to_json(metrics: Mapping[str, float]) -> str:
    """Return plain JSON text of numbers by name."""
    # by hand, which takes a third of the time of an encoder: this is done for every report
    return "{" + ", ".join([f"{_quoted(name)}: {_number(float(value))}" for name, value in metrics.items()]) + "}"


_quoted = functools.lru_cache(4096)(json.dumps)


def _number(value: float) -> str:
    """Return a number, which is Python's own, as JSON text."""
    return repr(value) if math.isfinite(value) else json.dumps(json.dumps(value))


def metrics_from_json(text: str) -> dict[str, float]:
    """Return what `metrics_to_json` was given."""
    return {name: float(value) for name, value in json.loads(text).items()}


def to_text(text: str) -> str:
    """Return the text with what not every database takes (bytes of a file name that are no text, NUL) spelled out."""
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\x00")


def _tagged(value: object) -> object:
    if isinstance(value, dict):
        return {key: _tagged(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_tagged(item) for item in value]
    return {_TAG: json.dumps(value)} if isinstance(value, float) and not math.isfinite(value) else value


def _untag(found: dict[str, Any]) -> object:
    text = found.get(_TAG)
    return float(text) if len(found) == 1 and text in ("NaN", "Infinity", "-Infinity") else found


@dataclass(frozen=True, slots=True)
class _Codec:
    write: Callable[[Any], object]
    read: Callable[[Any], object]
    read_all: Callable[[Sequence[Any]], Sequence[object]] | None = None
    """Reads many, where that is quicker than one by one."""

    def each(self, values: Sequence[Any]) -> Sequence[object]:
        return list(map(self.read, values)) if self.read_all is None else self.read_all(values)


def _all_params(texts: Sequence[str]) -> list[Params]:
    """Return what many texts hold: read as one, which takes half as long."""
    found = from_json(f"[{_BETWEEN.join(texts)}]")
    if len(found) != len(texts):
        raise ValueError("an object is expected in each row")
    kinds = {type(value) for one in found for value in _mapping(one).values()}
    if not kinds <= _SCALARS:
        raise TypeError("a value is none that a parameter has")
    return list(map(Params, found))


_BETWEEN = ",\n"
"""Between texts that are read as one: no string of JSON has a line break in it, so that none reaches into the next."""
_SCALARS = {str, int, float, bool}
_JSON = _Codec(lambda value: to_json(dict(value)), lambda text: _mapping(from_json(text)))
_PARAMS = _Codec(_JSON.write, lambda text: Params(_scalars(from_json(text))), _all_params)
_NOTE = _Codec(_JSON.write, lambda text: {} if text == "{}" else _JSON.read(text))  # as most are
_METRICS = _Codec(metrics_to_json, metrics_from_json)
_STATE = _Codec(str, {str(state): state for state in TrialState}.__getitem__)
_PLAIN: Mapping[str, tuple[type, ...]] = {"int": (int,), "float": (float, int), "bool": (bool, int)}
"""What a column of a field holds; of all others text."""
_MAYBE = _Codec(lambda value: value, lambda number: None if number is None else bool(number))  # SQLite has no booleans


class Rows(Generic[_Record]):
    """The conversion of records of one kind to rows, and of rows to records."""

    def __init__(self, kind: type[_Record], name: str, /, **codecs: _Codec) -> None:
        """Make a column of each field; `codecs`: by field, where the column holds something else than the field."""
        self.columns: tuple[str, ...] = tuple(field.name for field in fields(kind))  # type: ignore[arg-type]  # it is a dataclass
        """In the order in which `record` wants them."""
        self.name = name
        """What a record of the kind is called."""
        self._kind = kind
        self._codecs = tuple((self.columns.index(name), name, codec) for name, codec in codecs.items())
        self._readers = tuple((place, codec.read) for place, _, codec in self._codecs)
        self._kinds = tuple(_kinds(str(field.type)) for field in fields(kind))  # type: ignore[arg-type]
        self._sound: set[tuple[type, ...]] = set()
        """What rows were seen to hold that is as it should be: there are few such, and to look takes no time."""

    def values(self, record: _Record) -> dict[str, object]:
        """Return a record's row, by column."""
        row: dict[str, object] = {name: getattr(record, name) for name in self.columns}
        for _, name, codec in self._codecs:
            row[name] = codec.write(row[name])
        return {name: to_text(value) if isinstance(value, str) else value for name, value in row.items()}

    def record(self, row: tuple[Any, ...]) -> _Record:
        """Return the record of a row with these `columns`.

        Raises:
            DamagedRow: what a column holds is not what `values` wrote.
            StoreError: it was tampered with.
        """
        values = list(row)
        try:
            if (found := tuple(map(type, row))) not in self._sound:
                self._check(found)
                self._sound.add(found)
            for place, read in self._readers:
                values[place] = read(values[place])
            return self._kind(*values)
        except StoreError:
            raise
        except _DAMAGE as error:
            raise damaged(self.name, error) from error

    def records(self, found: Sequence[tuple[Any, ...]]) -> list[_Record]:
        """Return the records of many rows, as `record` does of each, in half the time.

        Raises:
            DamagedRow: what a column of some row holds is not what `values` wrote.
        """
        columns: list[Sequence[Any]] = list(zip(*found, strict=True))
        try:
            for name, column, allowed in zip(self.columns, columns, self._kinds, strict=False):
                if not set(map(type, column)).issubset(allowed):
                    raise TypeError(f"{name} of some row holds what it cannot")
            for place, _, codec in self._codecs if found else ():
                columns[place] = codec.each(columns[place])
            return _made(self._kind, self.columns, columns) if found else []
        except StoreError:
            raise
        except _DAMAGE as error:
            raise damaged(self.name, error) from error

    def readable(self, row: tuple[Any, ...]) -> dict[str, Any]:
        """Return what a damaged row still tells, by column."""
        readers: dict[int, Callable[[Any], object]] = dict(self._readers)
        found: dict[str, Any] = {}
        for place, (name, allowed) in enumerate(zip(self.columns, self._kinds, strict=True)):
            with suppress(*_DAMAGE):
                if type(row[place]) in allowed:
                    found[name] = readers[place](row[place]) if place in readers else row[place]
        return found

    def _check(self, found: tuple[type, ...]) -> None:
        """Check that a row's columns hold what they should, whatever a file lets them hold."""
        for name, kind, allowed in zip(self.columns, found, self._kinds, strict=True):
            if kind not in allowed:
                raise TypeError(f"{name} holds {kind.__name__}")


def _made(kind: type[_Record], names: Sequence[str], columns: Sequence[Sequence[Any]]) -> list[_Record]:
    """Return records of a frozen class with slots, field by field: its own `__init__` takes four times as long."""
    records = list(map(object.__new__, repeat(kind, len(columns[0]))))
    for name, column in zip(names, columns, strict=False):
        deque(map(getattr(kind, name).__set__, records, column), maxlen=0)
    return records


def _kinds(annotation: str) -> tuple[type, ...]:
    """Return what a column of a field may hold."""
    plain, _, maybe = annotation.partition(" | ")
    return _PLAIN.get(plain, (str,)) + ((type(None),) if maybe else ())


def _mapping(found: Any) -> dict[str, Any]:
    """Return what was read of JSON, which is to be an object; raise TypeError if it is none."""
    if not isinstance(found, dict):
        raise TypeError(f"an object is expected, got {type(found).__name__}")
    return found


def _scalars(found: Any) -> dict[str, Any]:
    """Return values by name, as they are; raise TypeError if one is none that a parameter has."""
    values = _mapping(found)
    for name, value in values.items():
        if not isinstance(value, str | int | float):
            raise TypeError(f"{name} is {type(value).__name__}")
    return values


STUDIES = Rows(StudyRecord, "study", space=_JSON, scheduler=_JSON, is_paused=_MAYBE, aims=_JSON)
SPACES = Rows(SpaceVersion, "space", space=_JSON, held=_JSON)
SESSIONS = Rows(Session, "session", versions=_JSON, git_dirty=_MAYBE)
TRIALS = Rows(Trial, "trial", params=_PARAMS, state=_STATE, note=_NOTE)
REPORTS = Rows(Report, "report", metrics=_METRICS)
EVENTS = Rows(Event, "event", data=_JSON)
CHECKPOINTS = Rows(Checkpoint, "checkpoint")
COMMANDS = Rows(CommandRow, "command", data=_JSON)
