"""The settings in force for a command: its command line over the environment over a settings file over its defaults."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from tunewell.cli.setting import OF_TUNE, TRAINING, WORKER, Setting, relative, settings_of
from tunewell.cli.settings_file import SettingsFile
from tunewell.errors import SettingError, SpaceError
from tunewell.near_names import did_you_mean
from tunewell.space.space import Space

SCRIPT, PROGRAM, SPACE = "script", "command", "space"
"""The keys of what is trained, besides the options."""
ALSO_CALLED = {"max_epochs": "epochs"}
"""What a setting is called in Python, where that is another name -> its key."""
READ_BY_THE_LIBRARY = frozenset(["TUNEWELL_STORE", "TUNEWELL_CHECKPOINTS"])
"""Variables that hold for Python too, and wherever a store is opened."""
_META = "tunewell.settings"

Commands = Mapping[str, Callable[[], click.Command]]
"""All commands by name, each to be loaded by a call."""


@dataclass(frozen=True, slots=True)
class Given:
    """A value, and where it comes from."""

    value: object
    origin: str


@dataclass(frozen=True, slots=True)
class InForce:
    """The settings that a file and the environment give one command."""

    values: Mapping[str, Given]
    """By the names of the command's parameters."""
    origins: Mapping[str, str]
    """Where they come from, by long option."""
    script: str | None = None
    program: tuple[str, ...] = ()
    space_is_of_file: bool = False


def in_force(name: str, file: SettingsFile | None, commands: Commands) -> InForce:
    """Return what the environment and a settings file say for a command.

    The file is checked in full where something is trained; else no more than what it says for the command.

    Raises:
        SettingError: it cannot be used; the message names the file and the line, or the variable.
    """
    settings = settings_of(name, commands[name]())
    values: dict[str, Given] = {}
    if file is not None:
        if name in TRAINING:
            check_file(file, commands)
        values = {setting.param: given for setting, given in _of_file(file, name, settings)}
    of_file = "space_file" in values
    for setting in settings.values():
        if (variable := variable_of(setting)) is not None:
            if variable in READ_BY_THE_LIBRARY:
                values.pop(setting.param, None)
            else:
                values[setting.param] = of_variable(setting, variable)
    of_file = of_file and values["space_file"].origin[0] != "$"
    script, program = trained(file) if file is not None and name in (*TRAINING, WORKER) else (None, ())
    by_option = {setting.option.opts[-1]: setting.param for setting in settings.values()}
    origins = {option: values[param].origin for option, param in by_option.items() if param in values}
    return InForce(values, origins, script, program, of_file)


def of_variable(setting: Setting, variable: str) -> Given:
    """Return what a variable of the environment says.

    Raises:
        SettingError: it cannot be used.
    """
    try:
        return Given(setting.of_text(os.environ[variable]), f"${variable}")
    except SettingError as error:
        raise SettingError(f"${variable}: {error}") from None


def variable_of(setting: Setting) -> str | None:
    """Return the variable of the environment that sets it, if one does; one that is empty sets nothing."""
    return next((name for name in setting.variables if os.environ.get(name)), None)


def _of_file(file: SettingsFile, name: str, settings: Mapping[str, Setting]) -> Iterator[tuple[Setting, Given]]:
    """Yield what a file says for a command: its own table over the top."""
    own = file.table.get(name, {}) if has_table(name) else {}
    if not isinstance(own, dict):
        raise SettingError(f"{file.line_of(name)}: {name} must be a table of its options, got {own!r}")
    check_keys(file, own, list(settings), (name,))
    for key, setting in settings.items():
        if key in own:
            yield setting, _checked(file, setting, own[key], (name, key))
        elif setting.takes_top and (found := top_key(file, key)) is not None:
            value = file.table[found]
            if key == SPACE and isinstance(value, dict):
                yield setting, Given(os.path.relpath(file.path), file.line_of(SPACE))
            else:
                yield setting, _checked(file, setting, value, (found,))


def has_table(name: str) -> bool:
    """Return True if a file may have a table of a command's options: under `space` parameters stand."""
    return name not in (OF_TUNE, SPACE)


def top_key(file: SettingsFile, key: str) -> str | None:
    """Return what a file calls a setting at its top; None if it has none.

    Raises:
        SettingError: it has it under two names.
    """
    names = [key, *(also for also, meant in ALSO_CALLED.items() if meant == key)]
    there = [name for name in names if name in file.table]
    if len(there) > 1:
        raise SettingError(f"{file.line_of(there[1])}: {' and '.join(there)} are the same; leave one out")
    return there[0] if there else None


def _checked(file: SettingsFile, setting: Setting, value: object, keys: tuple[str, ...]) -> Given:
    origin = file.line_of(*keys)
    try:
        return Given(setting.checked(value, file.folder), origin)
    except SettingError as error:
        raise SettingError(f"{origin}: {error}") from None


def check_file(file: SettingsFile, commands: Commands) -> None:
    """Check all of a settings file.

    Raises:
        SettingError: a key is none, or a value cannot be used; the message names the file and the line.
    """
    tables = [name for name in commands if has_table(name)]
    of_tune = settings_of(OF_TUNE, commands[OF_TUNE]())
    known = [*of_tune, *ALSO_CALLED, SCRIPT, PROGRAM, *tables]
    check_keys(file, file.table, known, (), [*tables, SPACE])
    dict(_of_file(file, OF_TUNE, of_tune))
    for name in tables:
        if name in file.table:
            dict(_of_file(file, name, settings_of(name, commands[name]())))
    trained(file)
    space_of(file)


def check_keys(
    file: SettingsFile, table: Mapping[str, Any], known: list[str], keys: tuple[str, ...], tables: Sequence[str] = ()
) -> None:
    """Check that a table has no key but those that are known, of which some are tables.

    Raises:
        SettingError: it has; the message has the one that was probably meant.
    """
    for key, value in table.items():
        if key in known:
            continue
        where = f" of {keys[-1]}" if keys else ""
        mend = did_you_mean(key, [one for one in known if one in tables] if isinstance(value, dict) else known)
        if isinstance(value, dict) and value.keys() & {"type", "low", "high", "values"}:
            mend = f"a parameter that may be tuned stands in [{'.'.join((*file.prefix, SPACE, key))}]"
        raise SettingError(f"{file.line_of(*keys, key)}: there is no setting {key!r}{where}; {mend}")


def trained(file: SettingsFile) -> tuple[str | None, tuple[str, ...]]:
    """Return the script and the program that a file names, one of them at most, as seen from the working folder.

    Raises:
        SettingError: it names both, or something else.
    """
    script, words = file.table.get(SCRIPT), file.table.get(PROGRAM)
    if script is not None and words is not None:
        raise SettingError(f"{file.line_of(PROGRAM)}: {SCRIPT} and {PROGRAM} both name what to train; leave one out")
    if script is not None:
        if not isinstance(script, str) or not script.strip():
            raise SettingError(f"{file.line_of(SCRIPT)}: script must be the name of a Python file, got {script!r}")
        return relative(file.folder, script), ()
    if words is None:
        return None, ()
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        raise SettingError(
            f'{file.line_of(PROGRAM)}: command must be a list of words, such as ["python", "train.py", "--lr", '
            f'"{{lr}}"], got {words!r}'
        )
    return None, tuple(_word(file.folder, word) for word in words)


def _word(folder: Path, word: str) -> str:
    """Return a word of a command: one that is a file of that folder, and looks like a path, as seen from here."""
    looks_like_one = "/" in word or Path(word).suffix
    return relative(folder, word) if looks_like_one and "{" not in word and (folder / word).exists() else word


def space_of(file: SettingsFile) -> Mapping[str, Any] | None:
    """Return the table of a file's parameters; None if it has none.

    Raises:
        SettingError: a table in it is no parameter.
    """
    table = file.table.get(SPACE)
    if not isinstance(table, dict):
        return None
    try:
        Space.from_dict(table)
    except SpaceError as error:
        name = str(error).partition(":")[0]
        raise SettingError(f"{file.line_of(SPACE, name)}: space.{error}") from None
    return table


def take_settings(ctx: click.Context, name: str, args: Sequence[str], given: InForce) -> None:
    """Let a command that is about to be parsed take what a file and the environment say, where its arguments do not.

    Raises:
        SettingError: the file has a command that only looks open a database.
    """
    typed = {arg.partition("=")[0] for arg in args}
    store = given.values.get("store")
    if store is not None and name not in (*TRAINING, WORKER) and "--store" not in typed and "://" in str(store.value):
        # whoever looks at a stranger's folder is not to be connected, with a password of theirs, to where it says
        raise SettingError(
            f"{store.origin} names a database, which {name} does not open for a file's sake; "
            "say --store URL, or set TUNEWELL_STORE"
        )
    origins = {option: origin for option, origin in given.origins.items() if option not in typed}
    ctx.meta[_META] = replace(given, origins=origins)
    ctx.default_map = {name: {param: one.value for param, one in given.values.items()}}


def fill_in(ctx: click.Context) -> None:
    """Let a command train what a settings file names, where its command line names nothing.

    The file's space is that of what the file trains, and of any program: not of another script, which has its own. A
    program that is typed without placeholders, where that of the file has them, is the file's own; of another one the
    parameters are found, since the file's would not reach it.
    """
    given: InForce | None = ctx.meta.get(_META)
    params = ctx.params
    if given is None or "study" in params or params.get("attach"):
        return
    if not params["script"] and not params["program"]:
        params["script"], params["program"] = given.script, given.program
        return
    by_itself = ctx.get_parameter_source("space_file") is not click.core.ParameterSource.COMMANDLINE
    if not given.space_is_of_file or not by_itself:
        return
    if params["program"]:
        _take_placeholders(params, given)
    elif (given.script or given.program) and not _same(params["script"], given.script):
        params["space_file"] = None


def _take_placeholders(params: dict[str, Any], given: InForce) -> None:
    """Let a program that is typed without placeholders have those of the file, or no space of the file."""
    has_own = any("{" in word for word in params["program"])
    if has_own or not any("{" in word for word in given.program):
        return
    of_file = iter(given.program)
    if all(word in of_file for word in params["program"]):  # in their order
        params["program"] = given.program
    else:
        params["space_file"] = None


def _same(script: str, other: str | None) -> bool:
    return other is not None and Path(script).resolve() == Path(other).resolve()


def named_in_settings(ctx: click.Context) -> tuple[str | None, tuple[str, ...]]:
    """Return the script, or the program, that the settings file in force names."""
    given: InForce | None = ctx.meta.get(_META)
    return (None, ()) if given is None else (given.script, given.program)


def with_origins(message: str, ctx: click.Context | None) -> str:
    """Return a message, with where the options that it names come from, if not from the command line."""
    given: InForce | None = None if ctx is None else ctx.meta.get(_META)
    if given is None:
        return message
    named = dict.fromkeys(re.findall(r"--[a-z][a-z-]*", message))
    notes = [f"{option} is from {given.origins[option]}" for option in named if option in given.origins]
    return f"{message} ({', '.join(notes)})" if notes else message
