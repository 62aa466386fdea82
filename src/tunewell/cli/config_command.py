"""`tunewell config`: the settings in force, and where each comes from."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click

from tunewell.cli.echo import echo
from tunewell.cli.main import COMMANDS
from tunewell.cli.options import json_option
from tunewell.cli.printing import print_json, print_lines
from tunewell.cli.setting import OF_TUNE, TRAINING, Setting, settings_of
from tunewell.cli.settings import (
    PROGRAM,
    READ_BY_THE_LIBRARY,
    SCRIPT,
    SPACE,
    InForce,
    check_file,
    in_force,
    trained,
    variable_of,
)
from tunewell.cli.settings_file import SettingsFile, is_switched_off, settings_file
from tunewell.cli.settings_schema import schema
from tunewell.errors import SettingError
from tunewell.near_names import did_you_mean, nearest
from tunewell.stores.redaction import redacted_command, redacted_url

_INNER = frozenset(
    ["SETTINGS", "STORE", "CHECKPOINTS", "LEASE", "COMPILE", "SOCKET", "PARAMS", "COMPLETION"],
)
"""Variables that are no options, after TUNEWELL_."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """A setting as it is shown: None for one that has no value."""

    key: str
    value: Any
    origin: str
    default: str | None = None
    """The default in words, where it is no value."""


@click.command("config")
@click.argument("name", metavar="[COMMAND]", required=False)
@click.option("--origin", is_flag=True, help="Show where each setting comes from: a file and its line, or a variable.")
@click.option(
    "--schema",
    "as_schema",
    is_flag=True,
    help="Print the JSON Schema of a settings file, for an editor to complete it.",
)
@json_option
@click.pass_context
def command(ctx: click.Context, /, *, name: str | None, origin: bool, as_schema: bool, as_json: bool) -> None:
    """Show the settings in force, as TOML.

    Those of a COMMAND, or of `tunewell tune`: an option on the command line goes before a variable
    (TUNEWELL_BUDGET=50), that before a settings file (tunewell.toml, or [tool.tunewell] in pyproject.toml, here or
    above), and that before the default. Nothing is run. Passwords are left out.
    """
    if as_schema:
        print_json(schema(COMMANDS))
        return
    name = name or OF_TUNE
    if name not in COMMANDS:
        raise SettingError(f"there is no command {name!r}; {did_you_mean(name, COMMANDS)}")
    assert ctx.parent is not None
    named = ctx.parent.params["settings"]
    file, _ = settings_file(named)
    if file is not None:
        check_file(file, COMMANDS)
    given = InForce({}, {}) if is_switched_off(named) else in_force(name, file, COMMANDS)
    shown = list(_settings(name, file, given))
    print_lines(_warnings(), err=True)
    if as_json:
        print_json({"file": None if file is None else file.shown, "command": name, "settings": _as_data(shown)})
        return
    echo(f"# {'no settings file' if file is None else file.shown}", err=True)
    print_lines(_lines(shown, origin=origin))


def _settings(name: str, file: SettingsFile | None, given: InForce) -> Iterator[_Shown]:
    """Yield what is trained, then each setting of a command."""
    if file is not None and name in TRAINING:
        script, program = trained(file)
        if script is not None:
            yield _Shown(SCRIPT, script, file.line_of(SCRIPT))
        if program:
            yield _Shown(PROGRAM, redacted_command(program), file.line_of(PROGRAM))
    for setting in settings_of(name, COMMANDS[name]()).values():
        yield _one(setting, file, given)


def _one(setting: Setting, file: SettingsFile | None, given: InForce) -> _Shown:
    found = given.values.get(setting.param)
    if found is None:
        if (variable := variable_of(setting)) in READ_BY_THE_LIBRARY:
            return _Shown(setting.key, _safe(os.environ[variable]), f"${variable}")
        default = setting.default
        words = None if default is not None else setting.default_words
        return _Shown(setting.key, default, "default", words)
    value = found.value
    if setting.key == SPACE and file is not None and given.space_is_of_file:
        table = file.table.get(SPACE)
        value = table if isinstance(table, dict) else value
    return _Shown(setting.key, _safe(value), found.origin)


def _safe(value: object) -> object:
    if isinstance(value, tuple):
        return [_safe(one) for one in value]
    return redacted_url(value) if isinstance(value, str) else value


def _lines(shown: list[_Shown], *, origin: bool) -> Iterator[str]:
    """Yield the settings as TOML, those without a value as comments, tables in the end."""
    lines = [(_line(one), one) for one in shown if not isinstance(one.value, dict)]
    width = max((len(line) for line, one in lines if one.value is not None), default=0)
    for line, one in lines:
        yield f"{line:<{width}}  # {one.origin}" if origin else line
    for one in shown:
        if isinstance(one.value, dict):
            yield f"\n# {one.origin}" if origin else ""
            yield from _toml({one.key: one.value}).splitlines()


def _toml(table: dict[str, Any]) -> str:
    import tomli_w  # noqa: PLC0415  --help of all commands needs none of it

    return tomli_w.dumps(table).strip()


def _line(one: _Shown) -> str:
    if one.value is None:
        return f"# {one.key}: {one.default or 'not set'}"
    if isinstance(one.value, list):
        return f"{one.key} = {json.dumps(one.value, ensure_ascii=False)}"
    return _toml({one.key: one.value})


def _as_data(shown: list[_Shown]) -> dict[str, object]:
    default = {one.key: {} if one.default is None else {"default": one.default} for one in shown}
    return {one.key: {"value": one.value, "origin": one.origin} | default[one.key] for one in shown}


def _warnings() -> Iterator[str]:
    """Yield a line for each variable that looks like a setting and is none."""
    known = {
        variable
        for name, load in COMMANDS.items()
        for one in settings_of(name, load()).values()
        for variable in one.variables
    } | {f"TUNEWELL_{name}" for name in _INNER}
    for name in sorted(os.environ):
        if name.startswith("TUNEWELL_") and name not in known and not name.startswith("TUNEWELL_BEGUN_"):
            near = nearest(name, known)
            mend = f"; did you mean {near}?" if near else ""
            yield f"{click.style('warning:', fg='yellow', bold=True)} ${name} sets nothing{mend}"
