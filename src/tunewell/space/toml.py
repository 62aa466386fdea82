"""A space as plain data and as TOML: one table a parameter, with its type and the settings that are not defaults.

[learning_rate]
type = "float"
low = 1e-4
high = 1.0
scale = "log"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from tunewell.errors import SpaceError
from tunewell.near_names import perhaps
from tunewell.space.params import Choice, Float, Int, Param, check_settings, settings

KINDS: Mapping[str, type[Param]] = {"float": Float, "int": Int, "choice": Choice}
_LIST = "type = 'choice', values = ['a', 'b']"
_WRITTEN_OTHERWISE = {
    **dict.fromkeys(("uniform", "real", "double", "number"), "type = 'float'"),
    **dict.fromkeys(("loguniform", "log_uniform", "reciprocal"), "type = 'float', scale = 'log'"),
    **dict.fromkeys(("integer", "randint", "int_uniform"), "type = 'int'"),
    **dict.fromkeys(("categorical", "category", "enum", "string", "str"), _LIST),
    **dict.fromkeys(("bool", "boolean"), "type = 'choice', values = [false, true]"),
}
"""What other tuners and languages call a type, and how it is written here."""
_NAMES = {kind: name for name, kind in KINDS.items()}


def to_dict(params: Mapping[str, Param]) -> dict[str, object]:
    """Return plain JSON data, of which `from_dict` makes the same parameters."""
    return {name: {"type": _NAMES[type(param)], **settings(param)} for name, param in params.items()}


def from_dict(data: Mapping[str, object]) -> dict[str, Param]:
    """Return the parameters by name.

    Raises:
        SpaceError: a table is no parameter; the message begins with its name.
    """
    params: dict[str, Param] = {}
    for name, table in data.items():
        try:
            params[name] = _param(table)
        except SpaceError as error:
            raise SpaceError(f"{name}: {error}") from None
    return params


def written(data: Mapping[str, object]) -> str:
    """Return plain data as a TOML document."""
    import tomli_w  # noqa: PLC0415  only who writes TOML needs it

    return tomli_w.dumps(data)


def data_of(text: str) -> dict[str, object]:
    """Return the plain data of a TOML document.

    Raises:
        SpaceError: it is no TOML.
    """
    import tomllib  # noqa: PLC0415  only who reads TOML needs it

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpaceError(f"the space is not valid TOML: {error}") from error


def _param(table: object) -> Param:
    if not isinstance(table, Mapping):
        raise SpaceError(f"needs a table such as {{type = 'float', low = 0.0, high = 1.0}}, got {table!r}")
    given: dict[str, Any] = dict(table)
    name = given.pop("type", None)
    if not isinstance(name, str) or name not in KINDS:
        mend = _WRITTEN_OTHERWISE.get(str(name).lower())
        hint = perhaps(str(name), KINDS) if mend is None else f"; write {mend}"
        got = "has none" if name is None else f"got {name!r}{hint}"
        raise SpaceError(f"needs a type, one of {', '.join(map(repr, KINDS))}; {got}")
    kind = KINDS[name]
    known = {item.name: item.default is MISSING for item in fields(kind) if item.init}
    check_settings(kind, given, given)
    missing = [key for key, needed in known.items() if needed and key not in given]
    if missing:
        raise SpaceError(f"{'an' if kind is Int else 'a'} {name} needs {' and '.join(map(repr, missing))}")
    required = [given.pop(key) for key, needed in known.items() if needed]
    return kind(*required, **given)
