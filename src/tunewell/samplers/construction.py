"""The construction of samplers and schedulers: from a name and settings, which are checked here and can be recorded.

Both are dataclasses with a class variable `name`. The record is that name and the settings, from which the
part can be made again. A setting is plain JSON, or a sampler, which is recorded in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, TypeVar, get_type_hints

import numpy as np

from tunewell.errors import SettingError
from tunewell.near_names import perhaps
from tunewell.samplers.sampler import Sampler
from tunewell.trial import whole

_T = TypeVar("_T")


def describe(part: Any) -> dict[str, object]:
    """Return a sampler's or scheduler's name and settings, as plain JSON."""
    return {"name": part.name} | {field.name: _plain(getattr(part, field.name)) for field in fields(part)}


def constructed(
    record: Mapping[str, object],
    classes: Mapping[str, Callable[..., _T]],
    kind: str,
    build_sampler: Callable[..., Sampler],
) -> _T:
    """Return the sampler or scheduler that `describe` recorded.

    Args:
        record: as `describe` gives it; settings that it lacks take their defaults.
        classes: by name.
        kind: what the classes are, for a message.
        build_sampler: makes the samplers among the settings.

    Raises:
        SettingError: no class has that name, or it has no such setting.
    """
    settings = dict(record)
    make = classes[known(settings.pop("name", None), classes, kind)]
    types = get_type_hints(make)
    if unknown := settings.keys() - setting_names(make):
        raise SettingError(f"{kind} {record['name']!r} has no setting {min(unknown)!r}; a newer tunewell may have it")
    return make(**{name: build_sampler(value) if types[name] is Sampler else value for name, value in settings.items()})


def having_names(parts: Iterable[Any]) -> dict[str, Any]:
    """Return the sampler or scheduler classes among `parts`, by name."""
    return {part.name: part for part in parts if isinstance(part, type) and hasattr(part, "name")}


def known(name: object, names: Collection[str], kind: str) -> str:
    """Return the name if it is among the names.

    Raises:
        SettingError: it is not.
    """
    if isinstance(name, str) and name in names:
        return name
    raise SettingError(
        f"there is no {kind} {name!r}; choose one of {', '.join(sorted(names))}{perhaps(str(name), names)}"
    )


def check_whole(setting: str, value: object, at_least: int) -> int:
    """Return the value if it is a whole number that is large enough.

    Raises:
        SettingError: it is not.
    """
    number = whole(value)
    if number is None or number < at_least:
        raise SettingError(f"{setting} must be a whole number of at least {at_least}, got {value!r}")
    return number


def setting_names(cls: Any) -> set[str]:
    """Return the names of a class's settings."""
    return {field.name for field in fields(cls)}


def needs_settings(cls: Any) -> bool:
    """Return True if some setting of a class has no default."""
    return any(field.default is MISSING and field.default_factory is MISSING for field in fields(cls))


def _plain(value: Any) -> object:
    if is_dataclass(value):
        return describe(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value
