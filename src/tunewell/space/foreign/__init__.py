"""Spaces in the files of other tools. To add one: a file of its own, its import and its line in `FORMATS` here.

Which tool wrote a file is seen by what is in it, not by its name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from tunewell.errors import MissingExtra, SpaceError
from tunewell.space.foreign.configspace import ConfigSpace
from tunewell.space.foreign.keras_tuner import KerasTuner
from tunewell.space.foreign.optuna import Optuna
from tunewell.space.foreign.reading import Foreign, Format
from tunewell.space.foreign.wandb import Wandb

__all__ = ["FORMATS", "SUFFIXES", "Foreign", "Format", "read_foreign"]

FORMATS: Sequence[Format] = (ConfigSpace(), KerasTuner(), Wandb(), Optuna())
SUFFIXES = frozenset([".json", ".jsonl", ".log", ".yaml", ".yml"])
_YAML = frozenset([".yaml", ".yml"])


def read_foreign(text: str, suffix: str = ".json") -> Foreign:
    """Return the space that another tool's file describes, and what else it says.

    suffix: of the file's name, `.yaml` for one that may be YAML.

    Raises:
        SpaceError: no tool that is known writes such a file, or its space cannot be used.
        MissingExtra: it is YAML, and no package that reads it is installed.
    """
    data = _data(text, suffix)
    for form in FORMATS:
        if form.is_it(data):
            return _read(form, data)
    tools = ", ".join(form.tool for form in FORMATS)
    raise SpaceError(f"it is no space that is known here; those of {tools} are, and TOML (.toml)")


def _read(form: Format, data: object) -> Foreign:
    try:
        return form.read(data)
    except SpaceError:
        raise
    except (LookupError, TypeError, AttributeError, ValueError, OverflowError) as error:  # it was edited, or cut off
        what = f"{type(error).__name__}: {error}"
        raise SpaceError(f"it looks like {form.tool}'s, and cannot be read: {what}") from error


def _data(text: str, suffix: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        if suffix in _YAML:
            return _of_yaml(text)
        lines = [line for line in text.splitlines() if line.strip()]
        try:
            return [json.loads(line) for line in lines if lines]
        except ValueError:
            raise SpaceError(f"is not valid JSON: {error}") from error


def _of_yaml(text: str) -> object:
    try:
        import yaml  # noqa: PLC0415  an extra
    except ImportError as error:
        raise MissingExtra("PyYAML", "yaml", "a space in YAML") from error

    class Loader(yaml.SafeLoader):  # type: ignore[misc]  # has no types
        """YAML in which 1e-4 is a number, as it is everywhere else."""

    Loader.add_implicit_resolver(
        "tag:yaml.org,2002:float", re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+0123456789.")
    )
    try:
        return yaml.load(text, Loader=Loader)  # noqa: S506  a safe one
    except yaml.YAMLError as error:
        raise SpaceError(f"is not valid YAML: {' '.join(str(error).split())}") from error
