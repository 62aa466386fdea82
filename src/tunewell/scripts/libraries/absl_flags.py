"""Flags of absl, `flags.DEFINE_float("lr", 0.1, "...")`, and the values in a ConfigDict of `ml_collections`."""

from __future__ import annotations

import sys
from typing import Any, Dict, Iterator, List, Sequence

from .setting import HOLE, MOST_HELP, Deliver, Setting, Source, called, found, keyword, kind_of, plain, where

MODULES = ("absl.flags._flagvalues",)
WORDS = ("absl",)
_KINDS = {
    "float": "float",
    "integer": "int",
    "int": "int",
    "bool": "bool",
    "boolean": "bool",
    "string": "str",
    "string enum": "str",
}
_DEFINES = {"DEFINE_float": "float", "DEFINE_integer": "int", "DEFINE_bool": "bool", "DEFINE_boolean": "bool",
            "DEFINE_string": "str", "DEFINE_enum": "str",
            "DEFINE_multi_integer": "int", "DEFINE_multi_float": "float"}  # fmt: skip
_OTHERS = ("absl", "jax", "tensorflow", "tensorflow_datasets", "keras", "chex", "orbax", "ml_collections", "optax")
"""Packages whose own flags are not the script's."""


def patch(flagvalues: Any, deliver: Deliver) -> None:
    """Have the flags be delivered where they would be parsed."""
    parse = flagvalues.FlagValues.__call__

    def call(self: Any, argv: Sequence[str], known_only: bool = False) -> Any:
        if list(argv)[1:] != sys.argv[1:]:
            return parse(self, argv, known_only)
        for name in list(self):
            self[name].validators = []
        try:
            rest = parse(self, argv, known_only)
        except Exception as error:  # noqa: BLE001  of absl's own making
            deliver({"error": f"its flags refuse the command: {str(error).strip().splitlines()[0]}"})
        deliver(found(_settings(self, list(argv[1:])), f"absl at {where(2)}"))
        return rest

    flagvalues.FlagValues.__call__ = call


def _settings(flags: Any, args: List[str]) -> Iterator[Setting]:
    for module, its in flags.flags_by_module_dict().items():
        if module.split(".")[0] in _OTHERS:
            continue
        for flag in its:
            config = getattr(flag, "value", None)
            if hasattr(config, "to_dict") and hasattr(config, "items"):
                yield from _of_config(config, flag.name, args)
                continue
            default = plain(flag.value if flag.present else flag.default)
            kind = _KINDS.get(flag.flag_type(), "other")
            if kind == "float" and isinstance(default, int):
                default = float(default)
            common: Dict[str, Any] = {"help": str(flag.help or "")[:MOST_HELP], "given": bool(flag.present)}
            choices = tuple(getattr(flag.parser, "enum_values", ()) or ())
            if kind == "bool":
                yield Setting(flag.name, default, kind, on=(f"--{flag.name}",), off=(f"--no{flag.name}",), **common)
            elif not isinstance(default, list):
                yield Setting(flag.name, default, kind, choices, words=(f"--{flag.name}={HOLE}",), **common)
            elif str(flag.flag_type()).startswith("multi"):
                yield _repeated(flag.name, default, common)


def _repeated(name: str, values: List[Any], common: Dict[str, Any]) -> Setting:
    """Return a flag that is given once for each of its values."""
    return Setting(name, values, kind_of(values, typed=True), words=(f"--{name}={HOLE}",) * len(values), **common)


def _of_config(config: Any, before: str, args: Sequence[str]) -> Iterator[Setting]:
    for key, value in config.items():
        name = f"{before}.{key}"
        if hasattr(value, "to_dict"):
            yield from _of_config(value, name, args)
        elif (usual := plain(value)) is not None and not isinstance(usual, list):
            given = any(word.split("=")[0] == f"--{name}" for word in args)
            yield Setting(name, usual, kind_of(usual, typed=True), words=(f"--{name}={HOLE}",), given=given)


def read(source: Source, args: Sequence[str]) -> List[Setting]:
    """Return the flags that are defined in the source."""
    settings = []
    for _, call in source.calls(*_DEFINES):
        given = [source.value(one) for one in call.args]
        define = called(call.func)
        name = given[0] if given else source.value(keyword(call, "name"))
        if not isinstance(name, str):
            continue
        default = given[1] if len(given) > 1 else source.value(keyword(call, "default"))
        place = 3 if define == "DEFINE_enum" else 2
        choices = given[2] if define == "DEFINE_enum" and len(given) > 2 else source.value(keyword(call, "enum_values"))
        text = given[place] if len(given) > place else source.value(keyword(call, "help"))
        kind = _DEFINES[define]
        if kind == "float" and isinstance(default, int):
            default = float(default)
        is_given = any(word.lstrip("-").split("=")[0] in (name, f"no{name}") for word in args if word.startswith("-"))
        common: Dict[str, Any] = {"help": str(text or "")[:MOST_HELP], "given": is_given}
        if isinstance(default, list):
            settings.append(_repeated(name, default, common))
        elif kind == "bool":
            settings.append(Setting(name, default, kind, on=(f"--{name}",), off=(f"--no{name}",), **common))
        else:
            settings.append(Setting(name, default, kind, tuple(choices or ()), words=(f"--{name}={HOLE}",), **common))
    return settings
