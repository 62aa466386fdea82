"""Options of click, and of typer, which is built on it or brings its own copy."""

from __future__ import annotations

import ast
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

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
    kind_of_type,
    literal_choices,
    plain,
    where,
)
from .signatures import read_setting

MODULES = ("click.core", "typer._click.core")
WORDS = ("import click", "from click", "import typer", "from typer", "rich_click")
_KINDS = {
    "float": "float",
    "integer": "int",
    "text": "str",
    "boolean": "bool",
    "float range": "float",
    "integer range": "int",
}


def patch(core: Any, deliver: Deliver) -> None:
    """Have commands deliver their options in place of parsing."""
    owner = next(kind for kind in core.Command.__mro__ if "make_context" in vars(kind))
    make_context = owner.make_context
    looking = [False]

    def look(self: Any, info_name: Any, args: List[str], parent: Any = None, **extra: Any) -> Any:
        if parent is not None or looking[0] or extra.get("resilient_parsing"):
            return make_context(self, info_name, args, parent, **extra)
        looking[0] = True
        words = [str(word) for word in args]
        settings: List[Setting] = []
        command, rest = self, list(words)
        context: Any = None
        while True:
            begin = len(words) - len(rest)
            if _wants_help(rest) and not hasattr(command, "commands"):
                deliver({"error": "its parser ends the program at these arguments; leave out --help and the like"})
            try:
                context = make_context(command, info_name, list(rest), context, resilient_parsing=True)
            except Exception as error:  # noqa: BLE001  of click's own making
                deliver({"error": f"its parser refuses the command: {_message(error)}"})
            is_group = hasattr(command, "resolve_command")
            at = begin if is_group else begin + rest.index("--") if "--" in rest else None
            settings += _settings(command, context, at)
            left = [*getattr(context, "_protected_args", getattr(context, "protected_args", ())), *context.args]
            if not is_group:
                if left and not context.allow_extra_args:
                    deliver({"error": f"its parser knows no {' '.join(left)}; leave it out"})
                break
            if not left:
                deliver({"error": f"it needs a command, one of {', '.join(command.list_commands(context))}; add it"})
            try:
                info_name, command, rest = command.resolve_command(context, left)
            except Exception as error:  # noqa: BLE001  as above
                deliver({"error": f"its parser refuses the command: {_message(error)}"})
        deliver(found(settings, f"{'typer' if core.__name__.startswith('typer') else 'click'} at {where(2)}"))
        return None

    owner.make_context = look


def _wants_help(words: Sequence[str]) -> bool:
    return "--help" in words


def _message(error: Exception) -> str:
    return str(getattr(error, "message", None) or error).strip().splitlines()[0] if str(error) else type(error).__name__


def _settings(command: Any, context: Any, at: Optional[int]) -> Iterator[Setting]:
    for param in command.get_params(context):
        if param.name in ("help", "version", "install_completion", "show_completion") or not param.expose_value:
            continue
        source = context.get_parameter_source(param.name)
        given = getattr(source, "name", "") == "COMMANDLINE"
        try:
            default = plain(param.get_default(context, call=True))
        except Exception:  # noqa: BLE001  the user's own function
            default = None
        if given:
            default = plain(context.params.get(param.name))
        common: Dict[str, Any] = {
            "help": str(getattr(param, "help", "") or "")[:MOST_HELP],
            "given": given,
            "required": param.required,
            "bounds": _bounds(getattr(param, "type", param)),
            "at": at,
        }
        options = [option for option in param.opts if option.startswith("-")]
        if not options:
            yield Setting(param.name, default, "str", **common)
            continue
        option = max(options, key=lambda text: (text.startswith("--"), len(text)))
        kind, choices = _kind(param, default)
        if getattr(param, "is_flag", False):
            others = list(param.secondary_opts)
            off = (others[0],) if others else ()
            if isinstance(getattr(param, "flag_value", True), bool) or kind == "bool":
                yield Setting(param.name, bool(default), "bool", on=(option,), off=off, **common)
            continue
        if param.multiple:
            continue
        if kind == "float" and isinstance(default, int) and not isinstance(default, bool):
            default = float(default)
        holes = [HOLE] * max(1, param.nargs)
        yield Setting(param.name, default, kind, choices, words=(option, *holes), **common)


def _bounds(kind: Any) -> Tuple[Optional[float], Optional[float]]:
    """Return the ends of a range; one that is open is not reached, so it is none to go to."""
    return (
        None if getattr(kind, "min_open", False) else getattr(kind, "min", None),
        None if getattr(kind, "max_open", False) else getattr(kind, "max", None),
    )


def _kind(param: Any, default: Any) -> Tuple[str, Tuple[Any, ...]]:
    """Return what an option takes, and its choices."""
    kind = getattr(param, "type", None)
    if kind is None:  # of typer's own copy of click
        annotation = param.type_descriptor.annotation
        members = getattr(annotation, "__members__", {}) if isinstance(annotation, type) else {}
        choices = tuple(plain(one) for one in members.values()) or literal_choices(annotation)
        return "str" if choices else kind_of_type(annotation, default), choices
    choices = tuple(one for one in map(plain, getattr(kind, "choices", ())) if one is not None)
    if choices:
        return "str", choices
    return _KINDS.get(kind.name) or kind_of_type(getattr(kind, "func", kind.name), default), ()


def read(source: Source, args: Sequence[str]) -> List[Setting]:
    """Return the options of click's decorators and of typer's functions, from the source alone."""
    settings: List[Tuple[Setting, List[str]]] = []
    for _, call in source.calls("option"):
        names = [source.value(one) for one in call.args]
        options = [one for one in names if isinstance(one, str) and one.startswith("-")]
        if options:
            settings.append(_read_option(source, call, options, [one for one in names if one not in options]))
    for function in _typer_functions(source):
        settings += _read_function(source, function)
    return [Setting(**{**one.__dict__, "given": is_given(options, args)}) for one, options in settings]


def _read_option(source: Source, call: ast.Call, options: List[str], names: List[Any]) -> Tuple[Setting, List[str]]:
    option = max(options, key=lambda text: (text.startswith("--"), len(text)))
    on, slash, off = option.partition("/")
    name = next((str(one) for one in names if one), on.lstrip("-").replace("-", "_"))
    default = source.value(keyword(call, "default"))
    common: Dict[str, Any] = {"help": str(source.value(keyword(call, "help")) or "")[:MOST_HELP]}
    kind_node = keyword(call, "type")
    if slash or source.value(keyword(call, "is_flag")):
        setting = Setting(name, bool(default), "bool", on=(on,), off=(off.strip(),) if slash else (), **common)
        return setting, [part for one in options for part in one.split("/")]
    choices: Any = None
    kind = "other"
    if isinstance(kind_node, ast.Call):
        if called(kind_node.func) == "Choice":
            choices, kind = source.value(kind_node.args[0]) if kind_node.args else None, "str"
        else:
            kind = {"IntRange": "int", "FloatRange": "float"}.get(called(kind_node.func), "other")
    elif kind_node is not None:
        kind = kind_of_type(
            {"FLOAT": "float", "INT": "int", "STRING": "str"}.get(called(kind_node), called(kind_node)), default
        )
    else:
        kind = kind_of_type("", default)
    if kind == "float" and isinstance(default, int):
        default = float(default)
    nargs = source.value(keyword(call, "nargs")) or 1
    required = bool(source.value(keyword(call, "required")))
    return Setting(
        name, default, kind, tuple(choices or ()), words=(on, *[HOLE] * nargs), required=required, **common
    ), options


def _typer_functions(source: Source) -> Iterator[ast.FunctionDef]:
    """Yield the functions that typer makes commands of."""
    if "typer" not in source.text:
        return
    run = {called(one) for _, call in source.calls("run") for one in call.args}
    for _, tree in source.trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                marks = {
                    called(mark.func) if isinstance(mark, ast.Call) else called(mark) for mark in node.decorator_list
                }
                if node.name in run or marks & {"command", "callback"}:
                    yield node


def _read_function(source: Source, function: ast.FunctionDef) -> Iterator[Tuple[Setting, List[str]]]:
    arguments = function.args.args
    defaults: List[Any] = [None] * (len(arguments) - len(function.args.defaults)) + list(function.args.defaults)
    pairs = [*zip(arguments, defaults), *zip(function.args.kwonlyargs, function.args.kw_defaults)]
    for argument, default in pairs:
        annotation = ast.unparse(argument.annotation) if argument.annotation is not None else ""
        marks = [node for node in ast.walk(argument) if isinstance(node, ast.Call)]
        marks += [default] if isinstance(default, ast.Call) else []
        if default is None or any(called(mark.func) == "Argument" for mark in marks):
            continue
        one = read_setting(
            source, argument.arg, annotation.replace("typing.", "").split(",")[0].replace("Annotated[", ""), default
        )
        named = [source.value(word) for mark in marks for word in mark.args]
        options = [word for word in named if isinstance(word, str) and word.startswith("-")]
        option = max(options, key=len) if options else "--" + argument.arg.replace("_", "-")
        help_text = next((str(source.value(keyword(mark, "help")) or "") for mark in marks), "")
        if one.kind == "bool":
            made = Setting(
                one.name, bool(one.default), "bool", help=help_text, on=(option,), off=("--no-" + option[2:],)
            )
        else:
            made = Setting(one.name, one.default, one.kind, one.choices, help_text, (option, HOLE))
        yield made, options or [option]
