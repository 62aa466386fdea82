"""Flags of tyro, `tyro.cli(Config)`, and of `fire.Fire(train)`: made of a class, or of a function's parameters."""

from __future__ import annotations

import ast
import sys
from typing import Any, Iterator, List, Sequence, Tuple

from .setting import HOLE, Deliver, Setting, Source, called, found, is_given, where
from .signatures import dataclasses_in, read_fields, read_setting, settings_of

MODULES = ("tyro", "fire")
WORDS = ("tyro", "import fire", "from fire")


def patch(module: Any, deliver: Deliver) -> None:
    """Have the class or the function be looked at in place of a parse."""
    if module.__name__ == "fire":
        module.Fire = lambda component=None, command=None, **_: _fire(component, command, deliver)
        return

    def cli(f: Any, *_: Any, args: Any = None, default: Any = None, **__: Any) -> Any:
        words = [str(word) for word in (sys.argv[1:] if args is None else args)]
        usual = default if type(default).__module__.split(".")[0] != "tyro" else None
        try:
            settings = [_flag(one, words) for one in settings_of(f, usual)]
        except (TypeError, ValueError):
            return deliver({"error": f"the command that tyro makes of {f!r} cannot be looked into; give --space"})
        return deliver(found(settings, f"tyro at {where(2)}"))

    module.cli = cli


def _flag(one: Setting, words: Sequence[str]) -> Setting:
    """Return a setting with the words that set it, as tyro spells them."""
    option = "--" + one.name.replace("_", "-")
    before, dot, last = one.name.replace("_", "-").rpartition(".")
    off = f"--{before}{dot}no-{last}"
    plain = [word.split("=")[0].replace("_", "-") for word in words if word.startswith("--")]
    given = option in plain or off in plain
    if one.kind == "bool" and one.default is not None:
        return Setting(**{**one.__dict__, "on": (option,), "off": (off,), "given": given})
    holes = [HOLE] * (len(one.default) if isinstance(one.default, list) else 1)
    return Setting(**{**one.__dict__, "words": (option, *holes), "given": given})


def _fire(component: Any, command: Any, deliver: Deliver) -> Any:
    words = (
        list(sys.argv[1:]) if command is None else str(command).split() if isinstance(command, str) else list(command)
    )
    how = f"fire at {where(3)}"
    at = 0
    if component is None:
        component = vars(sys.modules["__main__"])
    while isinstance(component, dict) and at < len(words) and words[at] in component:
        component, at = component[words[at]], at + 1
    if isinstance(component, dict):
        names = [name for name, one in component.items() if callable(one) and not name.startswith("_")]
        return deliver({"error": f"it needs a command, one of {', '.join(names)}; add it"})
    settings = list(settings_of(component))
    if isinstance(component, type):
        method = next((word for word in words[at:] if not word.startswith("-") and hasattr(component, word)), None)
        if method is not None:
            settings += [one for one in settings_of(getattr(component, method)) if one.name != "self"]
    return deliver(found([_of_fire(one, words) for one in settings], how))


def _of_fire(one: Setting, words: Sequence[str]) -> Setting:
    options = (f"--{one.name}", f"--{one.name.replace('_', '-')}")
    place = f"--{one.name}={HOLE}"
    return Setting(**{**one.__dict__, "words": (place,), "given": is_given(options, words)})


def read(source: Source, args: Sequence[str]) -> List[Setting]:
    """Return the fields of the classes, and the parameters of the functions, that are passed to tyro or fire."""
    classes = dataclasses_in(source)
    settings: List[Setting] = []
    for _, call in source.calls("cli"):
        for name in {called(one) for one in call.args} & set(classes):
            settings += [_flag(one, args) for one in read_fields(source, name, classes)]
    for call_name, function in _functions(source, args, "cli", "Fire"):
        make = _flag if call_name == "cli" else _of_fire
        settings += [make(one, args) for one in _parameters(source, function)]
    return settings


def _functions(source: Source, args: Sequence[str], *names: str) -> Iterator[Tuple[str, ast.FunctionDef]]:
    """Yield the functions that are passed to some calls; of a class its `__init__`, and the methods in the command."""
    passed = {called(one): called(call.func) for _, call in source.calls(*names) for one in call.args}
    for _, tree in source.trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name in passed:
                yield passed[node.name], node
            elif isinstance(node, ast.ClassDef) and passed.get(node.name) == "Fire":
                methods = [one for one in node.body if isinstance(one, ast.FunctionDef)]
                yield from (("Fire", one) for one in methods if one.name == "__init__" or one.name in args)


def _parameters(source: Source, function: ast.FunctionDef) -> Iterator[Setting]:
    defaults: List[Any] = [None] * (len(function.args.args) - len(function.args.defaults)) + list(
        function.args.defaults
    )
    pairs = [*zip(function.args.args, defaults), *zip(function.args.kwonlyargs, function.args.kw_defaults)]
    for argument, default in pairs:
        if argument.arg == "self":
            continue
        annotation = ast.unparse(argument.annotation) if argument.annotation is not None else ""
        yield read_setting(source, argument.arg, annotation, default)
