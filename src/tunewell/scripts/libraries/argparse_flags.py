"""Flags of argparse, and of what is built on it: HfArgumentParser, simple-parsing, ConfigArgParse, pyrallis.

The parser is made by the script; where it would parse, it parses into a namespace that knows nothing, so that what is
there afterwards was given by the user, by whatever spelling. Subparsers parse by the same method, and are met so.
"""

from __future__ import annotations

import ast
import linecache
import re
import sys
from typing import Any, Dict, List, Optional, Sequence, Tuple

from .setting import (
    HOLE,
    MOST_HELP,
    Deliver,
    Setting,
    Source,
    called,
    found,
    is_given,
    keyword,
    kind_of,
    kind_of_type,
    literal_choices,
    plain,
    where,
)

MODULES = ("argparse",)
WORDS = ("argparse", "ArgumentParser", "HfArgumentParser", "simple_parsing", "configargparse", "pyrallis", "draccus")
_OTHERS = ("site-packages/hydra", "site-packages/absl", "torch/distributed", "accelerate/commands")
"""What parses a part of the command line for itself."""
_UNSET = object()
_OWN_LIST = re.compile(r"parse_(?:known_)?args\(\s*(?:args\s*=\s*)?(?:\[|['\"])")
_PARSES = re.compile(r"\.parse_(?:known_)?args\w*\(")


class _Refused(Exception):
    """The parser refuses the arguments."""


def patch(argparse: Any, deliver: Deliver) -> None:
    """Have parsers deliver their flags in place of parsing."""
    parse = argparse.ArgumentParser.parse_known_args
    nested: List[Tuple[Any, List[str]]] = []
    looking = [False]
    before: List[Setting] = []

    def parse_known_args(self: Any, args: Any = None, namespace: Any = None) -> Any:
        words = [str(word) for word in (sys.argv[1:] if args is None else args)]
        if looking[0]:
            nested.append((self, words))
            return parse(self, words, _blank(argparse, self))
        caller = _caller()
        if any(f"/{name}/" in caller[3].replace("\\", "/") for name in _OTHERS):
            return parse(self, args, namespace)
        if args is not None and _OWN_LIST.search(caller[1]):
            deliver({"error": f"{caller[0]} parses a list of its own and no command line; call parse_args() there"})
        if caller[2] and len(_PARSES.findall("".join(linecache.getlines(caller[3])))) > 1:
            # a parser before the parser, which takes --config and no more
            before.extend(_settings(self, argparse, words, {}, None))
            return parse(self, args, namespace)
        looking[0] = True
        self.error = _refuse
        original = argparse.ArgumentParser.error
        argparse.ArgumentParser.error = lambda _, message: _refuse(message)
        required = {id(action) for action in self._actions if action.required}
        blank = _blank(argparse, self)
        try:
            known, rest = parse(self, words, blank)
        except _Refused as error:
            deliver({"error": f"its parser refuses the command: {error}"})
        except SystemExit:
            deliver({"error": "its parser ends the program at these arguments; leave out --help and the like"})
        finally:
            argparse.ArgumentParser.error = original
        if rest and not caller[2]:
            deliver({"error": f"its parser knows no {' '.join(rest)}; leave it out"})
        settings, inside = _levels(self, argparse, words, nested, known, required)
        names = {one.name for one in settings}
        settings += [one for one in before if one.name not in names]
        commands = [action for action in self._actions if isinstance(action, argparse._SubParsersAction)]
        if commands and not nested and id(commands[0]) in required:
            deliver({"error": f"it needs a command, one of {', '.join(commands[0].choices)}; add it"})
        deliver(found(settings, f"argparse at {where(2)}"))
        return inside

    argparse.ArgumentParser.parse_known_args = parse_known_args


def _refuse(message: str) -> None:
    raise _Refused(message)


def _caller() -> Tuple[str, str, bool, str]:
    """Return where the user's code parses, its line, True if it lets unknown flags pass, and its file."""
    frame: Any = sys._getframe(2)
    direct = True
    while frame is not None and frame.f_code.co_name in (
        "parse_args",
        "parse_args_into_dataclasses",
        "parse_known_args",
        "parse",
    ):
        direct = direct and frame.f_code.co_name not in ("parse_args", "parse", "parse_args_into_dataclasses")
        frame = frame.f_back
    if frame is None:
        return "the script", "", direct, ""
    file, line = frame.f_code.co_filename, frame.f_lineno
    return where(3), "".join(linecache.getline(file, line + more) for more in range(3)), direct, file


def _blank(argparse: Any, parser: Any) -> Any:
    """Return a namespace in which nothing is set; nothing is required of it."""
    namespace = argparse.Namespace()
    for action in parser._actions:
        action.required = False
        if action.dest != argparse.SUPPRESS:
            gathers = isinstance(action, (argparse._AppendAction, argparse._CountAction))
            setattr(namespace, action.dest, None if gathers else _UNSET)
    for group in parser._mutually_exclusive_groups:
        group.required = False
    return namespace


def _levels(
    parser: Any, argparse: Any, words: List[str], nested: List[Tuple[Any, List[str]]], known: Any, required: Any
) -> Tuple[List[Setting], Any]:
    """Return the flags of the parser and of the subparsers that the command has chosen."""
    values = dict(vars(known))
    settings: List[Setting] = []
    levels = [(parser, words), *nested]
    for level, (one, its_words) in enumerate(levels):
        deepest = level == len(levels) - 1
        begin = len(words) - len(its_words)
        end = begin + its_words.index("--") if "--" in its_words else None
        gathers = any(action.nargs == argparse.REMAINDER for action in one._actions)
        settings += _settings(one, argparse, words, values, (begin if gathers else end) if deepest else begin, required)
    return settings, known


def _settings(
    parser: Any, argparse: Any, words: Sequence[str], values: Dict[str, Any], at: Optional[int], required: Any = ()
) -> List[Setting]:
    settings: List[Setting] = []
    consts: Dict[str, List[Any]] = {}
    for action in parser._actions:
        if action.dest == argparse.SUPPRESS or isinstance(action, (argparse._HelpAction, argparse._VersionAction)):
            continue
        if isinstance(action, argparse._SubParsersAction):
            continue
        options = action.option_strings
        given = values.get(action.dest, _UNSET) not in (_UNSET, None) if values else is_given(options, words)
        if not options and values.get(action.dest) == action.default:
            given = False  # a positional one that may be left out has its default there
        common: Dict[str, Any] = {
            "help": str(action.help or "")[:MOST_HELP] if action.help != argparse.SUPPRESS else "",
            "given": given,
            "required": id(action) in required,
            "at": at,
        }
        default = plain(values[action.dest]) if given and values else _default(parser, action, argparse)
        name = _name(action)
        if not options:
            settings.append(Setting(name, default, "str", **common))  # by its place, as a path of the data is
            continue
        option = max(options, key=lambda text: (text.startswith("--"), len(text)))
        if isinstance(action, argparse._StoreConstAction) and action.nargs == 0:
            if isinstance(action.const, bool):
                on, off = ((option,), ()) if action.const else ((), (option,))
                default = default if isinstance(default, bool) else not action.const
                settings.append(Setting(name, default, "bool", on=on, off=off, **common))
            else:
                consts.setdefault(action.dest, []).append((option, action, common))
        elif _is_switch(action):
            on = next((one for one in options if one.startswith("--") and not one.startswith("--no")), option)
            off = next((one for one in options if one.startswith("--no")), "--no-" + on[2:])
            settings.append(Setting(name, default, "bool", on=(on,), off=(off,), **common))
        elif action.nargs != 0:
            settings.append(_valued(name, option, action, default, common))
    for dest, entries in consts.items():
        words_of = {str(plain(entry[1].const)): entry[0] for entry in entries}
        default = plain(entries[0][1].default)
        if default is None or str(default) in words_of:
            usual = words_of.get(str(default))
            settings.append(
                Setting(dest, usual, "str", tuple(words_of.values()) if usual else (), words=(HOLE,), **entries[0][2])
            )
    return settings


def _is_switch(action: Any) -> bool:
    return type(action).__name__ == "BooleanOptionalAction" and action.nargs in (0, None)


def _name(action: Any) -> str:
    """Return the name of a flag: its longest spelling, unless its place in the namespace is the clearer one."""
    longest = max(action.option_strings, key=len, default=action.dest).lstrip("-")
    return longest if len(longest) > 1 and "." in longest else str(action.dest)


def _default(parser: Any, action: Any, argparse: Any) -> Any:
    default = action.default
    if default is argparse.SUPPRESS:
        default = parser._defaults.get(action.dest)
    if isinstance(default, str) and action.type is not None:
        try:
            made = parser._get_value(action, default)
        except Exception:  # noqa: BLE001  the user's own function
            made = None
        if not isinstance(made, (list, tuple)):  # of 64,32 the text says how it is written
            default = made
    return plain(default)


def _valued(name: str, option: str, action: Any, default: Any, common: Dict[str, Any]) -> Setting:
    holes = 1
    if isinstance(action.nargs, int):
        holes = action.nargs
    elif action.nargs in ("+", "*"):
        holes = len(default) if isinstance(default, list) else 1
    choices = tuple(one for one in map(plain, action.choices or ()) if one is not None) or literal_choices(action.type)
    if len(choices) > 32:
        choices = ()
    if action.type is bool:
        kind = "bool of any text"  # True whatever the text is
    elif action.type is None:
        kind = "str"
    elif isinstance(action.type, type):
        kind = kind_of_type(action.type, default)
    else:
        kind = _made_kind(action.type, default)
    if isinstance(default, int) and not isinstance(default, bool) and kind == "float":
        default = float(default)
    return Setting(name, default, kind, choices, words=(option, *[HOLE] * holes), **common)


def _made_kind(make: Any, default: Any) -> str:
    """Return the kind of what the user's own function makes of a text."""
    for text in ("0.5", "1"):
        try:
            made = make(text)
        except Exception:  # noqa: BLE001, S112  the user's own function
            continue
        if isinstance(made, bool) or isinstance(default, bool):
            return "bool"
        if isinstance(made, float):
            return "float"
        if isinstance(made, int):
            return "int"
        return "str" if isinstance(made, str) else "other"
    return kind_of(default, typed=True)


def _of_other_commands(source: Source, args: Sequence[str]) -> List[str]:
    """Return the names of the parsers of the subcommands that the command does not choose; none if it chooses none."""
    parsers = [
        (target.id, source.value(node.value.args[0]))
        for _, tree in source.trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and called(node.value.func) == "add_parser"
        for target in node.targets
        if isinstance(target, ast.Name) and node.value.args
    ]
    chosen = [name for name, command in parsers if command in args]
    return [name for name, _ in parsers if name not in chosen] if chosen else []


def read(source: Source, args: Sequence[str]) -> List[Setting]:
    """Return the flags of the calls of `add_argument`, from the source alone."""
    settings = []
    dests: Dict[str, Setting] = {}
    others = _of_other_commands(source, args)
    for _, call in source.calls("add_argument"):
        if isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") in others:
            continue
        options = [source.value(one) for one in call.args]
        if not options or not all(isinstance(one, str) for one in options):
            continue
        flags = [one for one in options if one.startswith("-")]
        dest = source.value(keyword(call, "dest"))
        option = max(flags, key=lambda text: (text.startswith("--"), len(text)), default="")
        first = next((one for one in options if one.startswith("--")), options[0])
        name = str(dest or first.lstrip("-").replace("-", "_"))
        default, kind_node = source.value(keyword(call, "default")), keyword(call, "type")
        action = keyword(call, "action")
        act = source.value(action) or (called(action) if action is not None else "")
        choices = source.value(keyword(call, "choices"))
        common: Dict[str, Any] = {"help": str(source.value(keyword(call, "help")) or "")[:MOST_HELP]}
        if not flags:
            continue
        if act in ("store_true", "store_false"):
            on, off = ((option,), ()) if act == "store_true" else ((), (option,))
            setting = Setting(
                name, default if isinstance(default, bool) else act == "store_false", "bool", on=on, off=off, **common
            )
        elif act == "BooleanOptionalAction":
            setting = Setting(name, default, "bool", on=(option,), off=("--no-" + option[2:],), **common)
        elif act not in ("", "store"):
            continue
        else:
            kind_text = called(kind_node) if kind_node is not None else ""
            if isinstance(kind_node, ast.Lambda):
                kind = kind_of_type(
                    " ".join(called(one.func) for one in ast.walk(kind_node) if isinstance(one, ast.Call)), default
                )
            elif kind_text == "bool":
                kind = "bool of any text"
            else:
                kind = "str" if kind_node is None else kind_of_type(kind_text, default)
            nargs = source.value(keyword(call, "nargs"))
            holes = nargs if isinstance(nargs, int) else len(default) if isinstance(default, list) else 1
            if kind == "float" and isinstance(default, int):
                default = float(default)
            required = bool(source.value(keyword(call, "required")))
            setting = Setting(
                name, default, kind, tuple(choices or ()), words=(option, *[HOLE] * holes), required=required, **common
            )
        dests[name] = setting
        settings.append((setting, flags))
    long = [flag for _, flags in settings for flag in flags if flag.startswith("--")]
    return [
        Setting(**{**one.__dict__, "given": is_given(flags, args, prefixes=long)})
        for one, flags in settings
        if dests[one.name] is one
    ]
