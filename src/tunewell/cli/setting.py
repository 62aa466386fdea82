"""A setting: an option of a command, as a settings file, a variable of the environment and an editor know it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tunewell.errors import SettingError
from tunewell.near_names import perhaps
from tunewell.runners.execution import seconds, size
from tunewell.stores import IN_MEMORY
from tunewell.study.budget import Budget

OF_TUNE = "tune"
"""The command whose settings stand at the top of a file, and in variables without its name."""
_SHARED = frozenset(["store", "checkpoints"])
"""Where the record is: of every command."""
_OF_THE_TRAINING = frozenset(["space", "metric", "direction", "epochs"])
"""What is trained, and which way it is better: of every command that trains it."""
TRAINING = frozenset(["tune", "babysit", "rescue", "lr-find", "scale-check", "check"])
"""The commands that train what a settings file names, where the command line names nothing."""
WORKER = "worker"
"""The command that trains what its study was begun with."""
_AMOUNTS: dict[str, Callable[[str, str], object]] = {
    "AMOUNT": lambda text, _: Budget.parse(text),
    "SIZE": size,
    "TIME": seconds,
    "LIST": lambda text, _: text,
}
"""Options of text that a number is written for too, by what their help calls it, and what reads them."""
_PATHS = frozenset(["FILE", "FOLDER"])
_PLACES = frozenset(["PATH|URL"])
_TRUTH = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


@dataclass(frozen=True, slots=True)
class Setting:
    """One long option of a command."""

    command: str
    option: click.Option

    @property
    def key(self) -> str:
        """Its name in a settings file: the long option's, with underscores."""
        return self.option.opts[-1].removeprefix("--").replace("-", "_")

    @property
    def param(self) -> str:
        """Its name among the parameters of the command."""
        assert self.option.name is not None
        return self.option.name

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables of the environment that may set it; the first that is set does."""
        own = f"TUNEWELL_{self.command.replace('-', '_')}_{self.key}".upper()
        return (own, f"TUNEWELL_{self.key}".upper()) if self.takes_top else (own,)

    @property
    def takes_top(self) -> bool:
        """True if what stands at the top of a file holds for it: it means the same there."""
        means_the_same = self.key in _OF_THE_TRAINING and self.command in TRAINING and not self._has_own_default
        return self.command == OF_TUNE or self.key in _SHARED or means_the_same

    @property
    def _has_own_default(self) -> bool:
        return isinstance(self.option.default, int | float | str)

    @property
    def default(self) -> object:
        """Its default, as far as it is no matter of the training; None if there is none."""
        given = self.option.default
        if isinstance(given, bool | int | float | str):
            return given
        return False if self.option.is_flag and not self.option.secondary_opts else None

    @property
    def default_words(self) -> str | None:
        """The default as the help describes it."""
        _, found, words = (self.option.help or "").partition("[default: ")
        return words.rstrip("]") if found else None

    def checked(self, value: object, folder: Path | None = None) -> object:
        """Return a value of a file as the command takes it.

        folder: which relative paths are relative to; None for the working folder.

        Raises:
            SettingError: the command takes no such value.
        """
        if self.option.multiple:
            if not isinstance(value, list | tuple) or not all(isinstance(one, str) and one.strip() for one in value):
                raise SettingError(f'{self.key} must be a list of strings, such as ["a", "b"], got {value!r}')
            return tuple(value)
        kind = self.option.type
        if self.option.is_flag:
            if not isinstance(value, bool):
                raise SettingError(f"{self.key} must be true or false, got {value!r}")
            return value
        if isinstance(kind, click.Choice):
            if value not in kind.choices:
                listed = ", ".join(map(repr, kind.choices))
                raise SettingError(
                    f"{self.key} must be one of {listed}, got {value!r}{perhaps(str(value), kind.choices)}"
                )
            return value
        return self._number(value) if self._is_number else self._text(value, folder)

    @property
    def _is_whole(self) -> bool:
        return isinstance(self.option.type, click.types.IntParamType)

    @property
    def _is_number(self) -> bool:
        return self._is_whole or isinstance(self.option.type, click.types.FloatParamType)

    def _number(self, value: object) -> object:
        what = "a whole number" if self._is_whole else "a number"
        if isinstance(value, bool) or not isinstance(value, int if self._is_whole else int | float):
            raise SettingError(f"{self.key} must be {what}, got {value!r}")
        try:
            return self.option.type.convert(value, self.option, None)
        except click.BadParameter as error:  # its range
            raise SettingError(f"{self.key}: {error.message.rstrip('.')}") from None

    def _text(self, value: object, folder: Path | None) -> object:
        metavar = self.option.metavar or ""
        read = _AMOUNTS.get(metavar)
        if read is not None and isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            what = "a string or a number" if read is not None else "a string"
            raise SettingError(f"{self.key} must be {what}, got {value!r}")
        if not value.strip():
            raise SettingError(f"{self.key} is empty; give it {metavar or 'a value'}, or leave it out")
        if read is not None:
            read(value, self.key)
        if folder is not None and metavar in _PATHS:
            return relative(folder, value)
        return place_of_store(folder, value) if folder is not None and metavar in _PLACES else value

    def of_text(self, text: str) -> object:
        """Return the value of a variable, as the command takes it.

        Raises:
            SettingError: the command takes no such value.
        """
        if self.option.multiple:
            try:
                return self.checked(shlex.split(text))
            except ValueError as error:
                raise SettingError(f"{self.key} has {str(error).lower()} in {text!r}") from None
        value: object = text
        if self.option.is_flag:
            value = _TRUTH.get(text.strip().lower(), text)
        elif self._is_number:
            value = _as_number(text)
        return self.checked(value)

    def schema(self) -> dict[str, Any]:
        """Return what a value of it in a file must be, as JSON Schema."""
        described: dict[str, Any] = {"description": (self.option.help or "").partition("  [default:")[0]}
        if self.default is not None:
            described |= {"default": self.default}
        kind = self.option.type
        if self.option.multiple:
            return described | {"type": "array", "items": {"type": "string"}}
        if self.option.is_flag:
            return described | {"type": "boolean"}
        if isinstance(kind, click.Choice):
            return described | {"enum": list(kind.choices)}
        if self._is_number:
            bounds = {"minimum": getattr(kind, "min", None), "maximum": getattr(kind, "max", None)}
            number = {"type": "integer" if self._is_whole else "number"}
            return described | number | {name: value for name, value in bounds.items() if value is not None}
        text = {"type": ["string", "number"]} if self.option.metavar in _AMOUNTS else {"type": "string"}
        return described | text | {"minLength": 1}


def settings_of(name: str, command: click.Command) -> dict[str, Setting]:
    """Return the settings of a command by their keys; what it tells a process of its own is none."""
    found = [
        Setting(name, one)
        for one in command.params
        if isinstance(one, click.Option) and not one.hidden and one.opts[-1].startswith("--")
    ]
    return {setting.key: setting for setting in found}


def relative(folder: Path, path: str) -> str:
    """Return a path that is relative to a folder, as one that is relative to the working folder."""
    if Path(path).is_absolute() or path.startswith("~") or folder == Path.cwd():
        return path
    return os.path.relpath(folder / path)


def place_of_store(folder: Path, url: str) -> str:
    """Return where a store is that a file in this folder names by a path or a URL."""
    if url in IN_MEMORY:
        return url
    scheme, found, path = url.partition("sqlite:///")
    if found and not scheme:
        name, question, options = path.partition("?")
        return f"sqlite:///{relative(folder, name)}{question}{options}"
    return url if "://" in url else relative(folder, url)


def _as_number(text: str) -> object:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text
