"""Flags of jsonargparse, and of Lightning's CLI, which is built on it."""

from __future__ import annotations

import ast
import sys
from typing import Any, Dict, Iterator, List, Optional, Sequence

from .setting import (
    HOLE,
    MOST_HELP,
    Deliver,
    Setting,
    Source,
    called,
    found,
    is_given,
    kind_of_type,
    literal_choices,
    plain,
    where,
)
from .signatures import dataclasses_in, read_fields, read_setting

MODULES = ("jsonargparse._core",)
WORDS = ("jsonargparse", "LightningCLI")


def patch(core: Any, deliver: Deliver) -> None:
    """Have parsers deliver their flags in place of parsing."""

    def parse_args(self: Any, args: Any = None, *_: Any, **__: Any) -> Any:
        words = [str(word) for word in (sys.argv[1:] if args is None else args)]
        settings: List[Setting] = []
        parser, begin = self, 0
        while parser is not None:
            commands = next((one for one in parser._actions if getattr(one, "_name_parser_map", None)), None)
            names = {} if commands is None else dict(commands._name_parser_map)
            place = next((i for i in range(begin, len(words)) if words[i] in names), None)
            if names and place is None and commands is not None and commands.required:
                deliver({"error": f"it needs a command, one of {', '.join(names)}; add it"})
            settings += _settings(parser, words[begin:place], begin if place is not None else None)
            parser, begin = (names[words[place]], place + 1) if place is not None else (None, begin)
        return deliver(found(settings, f"jsonargparse at {where(2)}"))

    core.ArgumentParser.parse_args = parse_args


def _settings(parser: Any, words: Sequence[str], at: Optional[int]) -> Iterator[Setting]:
    actions = [
        one for one in parser._actions if one.option_strings and one.dest not in ("help", "version", "print_shtab")
    ]
    long = [option for one in actions for option in one.option_strings if option.startswith("--")]
    for action in actions:
        if type(action).__name__ in (
            "_HelpAction",
            "_VersionAction",
            "ActionConfigFile",
            "_ActionPrintConfig",
            "_ActionHelpClassPath",
        ):
            continue
        hint = getattr(action, "_typehint", None)
        default = plain(action.default)
        choices = literal_choices(hint) or tuple(one for one in map(plain, action.choices or ()) if one is not None)
        kind = kind_of_type(hint if hint is not None else action.type, default)
        if kind == "float" and isinstance(default, int) and not isinstance(default, bool):
            default = float(default)
        option = max(action.option_strings, key=len)
        common: Dict[str, Any] = {
            "help": str(action.help or "")[:MOST_HELP],
            "given": is_given(action.option_strings, words, prefixes=long),
            "required": bool(action.required) or action.dest in getattr(parser, "required_args", ()),
            "at": at,
        }
        if isinstance(default, list):
            continue  # a list is one word here, in brackets
        if action.nargs == 0:
            if isinstance(default, bool):
                yield Setting(action.dest, default, "bool", on=(option,), **common)
            continue
        yield Setting(action.dest, default, "str" if choices else kind, choices, words=(f"{option}={HOLE}",), **common)


def read(source: Source, args: Sequence[str]) -> List[Setting]:
    """Return the parameters of the classes and functions that are passed to a CLI."""
    classes = dataclasses_in(source)
    definitions = {
        node.name: node
        for _, tree in source.trees
        for node in ast.walk(tree)
        if isinstance(node, (ast.ClassDef, ast.FunctionDef))
    }
    settings: List[Setting] = []
    for _, call in source.calls("CLI", "auto_cli", "LightningCLI"):
        is_lightning = called(call.func) == "LightningCLI"
        for place, one in enumerate(call.args):
            before = ("model.", "data.")[place] if is_lightning and place < 2 else ""
            name = called(one)
            if classes.get(name):
                settings += read_fields(source, name, classes, before)
            elif name in definitions:
                settings += _parameters(source, definitions[name], before)
    return [
        Setting(**{**one.__dict__, "words": (f"--{one.name}={HOLE}",), "given": is_given((f"--{one.name}",), args)})
        for one in settings
        if not isinstance(one.default, list)
    ]


def _parameters(source: Source, node: Any, before: str) -> Iterator[Setting]:
    function = node
    if isinstance(node, ast.ClassDef):
        function = next((one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"), None)
    if function is None:
        return
    arguments = [one for one in function.args.args if one.arg != "self"]
    defaults: List[Any] = [None] * (len(arguments) - len(function.args.defaults)) + list(function.args.defaults)
    for argument, default in [*zip(arguments, defaults), *zip(function.args.kwonlyargs, function.args.kw_defaults)]:
        annotation = ast.unparse(argument.annotation) if argument.annotation is not None else ""
        yield read_setting(source, before + argument.arg, annotation, default)
