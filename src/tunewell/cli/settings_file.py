"""A settings file: `tunewell.toml`, or `[tool.tunewell]` in pyproject.toml, of the working folder or one above it."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewell.errors import SettingError

OWN, SHARED = "tunewell.toml", "pyproject.toml"
NONE = "none"
VARIABLE = "TUNEWELL_SETTINGS"
_TOOL = ("tool", "tunewell")


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A file, and the table in it that has the settings."""

    path: Path
    table: Mapping[str, Any]
    text: str
    prefix: tuple[str, ...] = ()
    """The table's own name."""

    @property
    def folder(self) -> Path:
        """The folder that relative paths in it are relative to."""
        return self.path.parent

    @property
    def shown(self) -> str:
        """Its name as it is shown."""
        return _shown(self.path)

    def line_of(self, *keys: str) -> str:
        """Return `tunewell.toml:3`, where a key of the table stands; without a line where that is not seen."""
        table: tuple[str, ...] = ()
        sought = (*self.prefix, *keys)
        for number, line in enumerate(self.text.splitlines(), 1):
            if header := re.match(r"\s*\[\[?([^\]]+)\]", line):
                table = _parts(header[1])
                if table[: len(sought)] == sought:
                    return f"{self.shown}:{number}"
            elif (key := re.match(r"\s*([\w\s.\"'-]+?)\s*=", line)) and (*table, *_parts(key[1])) == sought:
                return f"{self.shown}:{number}"
        return self.shown


def is_switched_off(named: str | None = None) -> bool:
    """Return True if neither a file nor variables of the environment are to set anything."""
    return (named or os.environ.get(VARIABLE)) == NONE


def settings_file(named: str | None = None) -> tuple[SettingsFile | None, str | None]:
    """Return the settings file in force, None if there is none; and a line about one that is not taken.

    named: the file, or `none`; None to look for one.

    Raises:
        SettingError: it cannot be read, or is not TOML.
    """
    if is_switched_off(named):
        return None, None
    named = named or os.environ.get(VARIABLE) or None
    if named is not None:
        path = Path(named).expanduser().absolute()
        found = read(path)
        if found is None:
            raise SettingError(f"{named} has no settings; they stand in [{'.'.join(_TOOL)}], or in a {OWN}")
        return found, None
    try:
        here = Path.cwd()
    except OSError:  # it has been deleted
        return None, None
    for folder in _up(here):
        for name in (OWN, SHARED):
            found = read(folder / name) if os.path.isfile(folder / name) else None  # noqa: PTH113  nor where it is barred
            if found is None:
                continue
            if folder != here and _is_of_another(found.path):
                line = f"the settings in {found.shown} are another user's, and are not used"
                return None, f"{line}; tunewell --settings {found.shown} takes them"
            return found, None
    return None, None


def read(path: Path) -> SettingsFile | None:
    """Return the settings in a file; None if it is a pyproject.toml, or another's file, that has none.

    Raises:
        SettingError: it cannot be read, or is not TOML.
    """
    try:
        data = path.read_bytes()
        if path.name == SHARED and _TOOL[-1].encode() not in data:
            return None  # whatever else is wrong in it is not ours to say
        return settings_in(path, data.decode("utf-8-sig"))
    except OSError as error:
        if path.name == SHARED:
            return None
        raise SettingError(f"{_shown(path)} cannot be read: {error.strerror}; --settings names another") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"{_shown(path)} is not valid TOML: {error}") from error


def settings_in(path: Path, text: str) -> SettingsFile | None:
    """Return the settings in the text of a TOML file; None if it is a pyproject.toml that has none.

    Raises:
        TOMLDecodeError: it is not TOML.
        SettingError: what stands in the place of its settings is no table.
    """
    data = tomllib.loads(text)
    tool = data.get(_TOOL[0])
    own = tool.get(_TOOL[1]) if isinstance(tool, dict) else None
    if own is None:
        return None if path.name == SHARED else SettingsFile(path, data, text)
    if not isinstance(own, dict):
        raise SettingError(f"{_shown(path)}: {'.'.join(_TOOL)} must be a table, got {own!r}")
    return SettingsFile(path, own, text, _TOOL)


def _up(folder: Path) -> Iterator[Path]:
    """Yield a folder and those above it, up to the root of its repository, or the home of its user."""
    for one in (folder, *folder.parents):
        yield one
        if os.path.exists(one / ".git") or one == _home():  # noqa: PTH110  where it is barred it is not
            return


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:  # of nobody who is known here
        return None


def _is_of_another(path: Path) -> bool:
    """Return True if somebody else has put it there, as anybody may in /tmp."""
    return hasattr(os, "getuid") and path.stat().st_uid not in (os.getuid(), 0)


def _shown(path: Path) -> str:
    return os.path.relpath(path) if path.is_absolute() else str(path)


def _parts(name: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in name.split("."))
