"""The JSON Schema of a settings file, made of the options of the commands and of the kinds of parameters."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

from tunewell.cli.setting import OF_TUNE, settings_of
from tunewell.cli.settings import ALSO_CALLED, PROGRAM, SCRIPT, SPACE, Commands, has_table
from tunewell.space.params import TIERS
from tunewell.space.scales import SCALES
from tunewell.space.toml import KINDS

_VALUE = {"type": ["boolean", "number", "string"]}
_NUMBERS: dict[str, dict[str, Any]] = {"float": {"type": "number"}, "int": {"type": "integer"}, "choice": _VALUE}
_OF_A_PARAM: dict[str, dict[str, Any]] = {
    "values": {"type": "array", "items": _VALUE, "minItems": 1},
    "ordered": {"type": "boolean"},
    "tier": {"enum": list(TIERS)},
    "live": {"type": "boolean"},
    "when": {"type": "object", "additionalProperties": {"anyOf": [_VALUE, {"type": "array", "items": _VALUE}]}},
}
"""What a setting of a parameter must be; low, high and default are values of it."""


def schema(commands: Commands) -> dict[str, Any]:
    """Return what a settings file may have, as JSON Schema (2020-12)."""
    properties = _options(OF_TUNE, commands)
    properties |= {
        also: properties[meant] | {"description": f"The same as {meant}."} for also, meant in ALSO_CALLED.items()
    }
    properties |= {
        SCRIPT: {"type": "string", "minLength": 1, "description": "The Python file that is trained."},
        PROGRAM: {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "description": "The words of the program that is trained, with {parameter} in the place of its value.",
        },
        SPACE: {
            "anyOf": [properties[SPACE], _space()],
            "description": "What may be tuned: a file, or a table a parameter.",
        },
    }
    tables = {
        name: {"type": "object", "properties": _options(name, commands), "additionalProperties": False}
        for name in commands
        if has_table(name)
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Settings of tunewell",
        "type": "object",
        "properties": properties | tables,
        "additionalProperties": False,
    }


def _options(name: str, commands: Commands) -> dict[str, Any]:
    return {key: setting.schema() for key, setting in settings_of(name, commands[name]()).items()}


def _space() -> dict[str, Any]:
    return {"type": "object", "additionalProperties": {"anyOf": [_param(name) for name in KINDS]}, "minProperties": 1}


def _param(name: str) -> dict[str, Any]:
    """Return what the table of a parameter of this kind may have."""
    known = [item for item in fields(KINDS[name]) if item.init]
    scales = [scale for scale, about in SCALES.items() if name == "float" or about.whole]
    every = _OF_A_PARAM | {"scale": {"enum": scales}}
    return {
        "type": "object",
        "properties": {"type": {"const": name}} | {item.name: every.get(item.name, _NUMBERS[name]) for item in known},
        "required": ["type", *(item.name for item in known if item.default is MISSING)],
        "additionalProperties": False,
    }
