"""Settings from what a class or a function says of itself: the fields of a dataclass, the parameters of a function."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import typing
from typing import Any, Dict, Iterator, List, Optional, Tuple

from .setting import Setting, Source, called, keyword, kind_of, kind_of_type, literal_choices, plain

_DEEPEST = 4


def settings_of(what: Any, default: Any = None, before: str = "") -> Iterator[Setting]:
    """Yield the settings of a class or a function, those of its fields' classes with a dot before them."""
    hints = _hints(what)
    for name, annotation, value, help_text in _fields(what, default, hints):
        inner = annotation if isinstance(annotation, type) else None
        if inner is not None and _is_of_fields(inner) and before.count(".") < _DEEPEST:
            yield from settings_of(inner, value, f"{before}{name}.")
            continue
        usual = plain(value)
        is_plain = value is None or usual is not None
        kind = kind_of_type(annotation, usual) if is_plain else "other"
        if isinstance(usual, list):
            kind = kind_of(usual, typed=True)
        elif kind == "float" and isinstance(usual, int) and not isinstance(usual, bool):
            usual = float(usual)
        if getattr(value, "name", None) is not None and literal_choices(annotation):
            usual = value.name  # an enumeration is given by its names
        choices = literal_choices(_bare(annotation))
        is_missing = value is inspect.Parameter.empty
        yield Setting(before + name, usual, "str" if choices else kind, choices, help_text, required=is_missing)


def _is_of_fields(kind: type) -> bool:
    return dataclasses.is_dataclass(kind) or hasattr(kind, "model_fields") or hasattr(kind, "__attrs_attrs__")


def _hints(what: Any) -> Dict[str, Any]:
    target: Any = vars(what).get("__init__", what) if isinstance(what, type) and not _is_of_fields(what) else what
    try:
        return typing.get_type_hints(target)
    except Exception:  # noqa: BLE001  names that are imported for types alone
        return dict(getattr(target, "__annotations__", {}))


def _bare(annotation: Any) -> Any:
    """Return the one kind of `Optional[kind]`."""
    kinds = [one for one in getattr(annotation, "__args__", ()) if one is not type(None)]
    is_union = str(getattr(annotation, "__origin__", "")).endswith("Union") or type(annotation).__name__ == "UnionType"
    return kinds[0] if is_union and len(kinds) == 1 else annotation


def _fields(what: Any, default: Any, hints: Dict[str, Any]) -> Iterator[Tuple[str, Any, Any, str]]:
    """Yield name, annotation, default and help; a default that is missing is `Parameter.empty`."""
    empty = inspect.Parameter.empty
    if dataclasses.is_dataclass(what):
        for one in dataclasses.fields(what):
            if one.init:
                usual = one.default if one.default is not dataclasses.MISSING else empty
                if usual is empty and one.default_factory is not dataclasses.MISSING:
                    usual = one.default_factory()
                usual = getattr(default, one.name, usual) if default is not None else usual
                yield one.name, _bare(hints.get(one.name, one.type)), usual, str(one.metadata.get("help", ""))
        return
    if hasattr(what, "model_fields"):
        for name, one in what.model_fields.items():
            usual = empty if one.is_required() else one.get_default(call_default_factory=True)
            yield name, _bare(hints.get(name)), getattr(default, name, usual), one.description or ""
        return
    for name, parameter in inspect.signature(what).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        yield name, _bare(hints.get(name, parameter.annotation)), parameter.default, ""


def dataclasses_in(source: Source) -> Dict[str, List[Tuple[str, str, Optional[ast.expr]]]]:
    """Return name, annotation and default of the fields of each class; those of its bases come first."""
    classes = {node.name: node for _, tree in source.trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}

    def fields_of(node: ast.ClassDef, depth: int = 0) -> List[Tuple[str, str, Optional[ast.expr]]]:
        fields: Dict[str, Tuple[str, str, Optional[ast.expr]]] = {}
        for base in node.bases:
            if called(base) in classes and depth < _DEEPEST:
                fields.update({one[0]: one for one in fields_of(classes[called(base)], depth + 1)})
        for one in node.body:
            if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
                fields[one.target.id] = (one.target.id, ast.unparse(one.annotation), one.value)
        return list(fields.values())

    return {name: fields_of(node) for name, node in classes.items()}


def read_fields(
    source: Source,
    name: str,
    classes: Dict[str, List[Tuple[str, str, Optional[ast.expr]]]],
    before: str = "",
    *,
    flat: bool = False,
) -> Iterator[Setting]:
    """Yield the settings of a class in the source; `flat`: those of its fields' classes have no dot before them."""
    for field, annotation, value in classes.get(name, ()):
        inner = annotation.split("[")[-1].strip("]'\" ")
        if inner in classes and inner != name and before.count(".") < _DEEPEST:
            yield from read_fields(source, inner, classes, "" if flat else f"{before}{field}.", flat=flat)
        else:
            yield read_setting(source, before + field, annotation, value)


def read_setting(source: Source, name: str, annotation: str, value: Optional[ast.expr]) -> Setting:
    """Return a setting of a field or a parameter in the source."""
    help_text, required = "", value is None
    if isinstance(value, ast.Call) and called(value.func) in ("field", "Option", "Argument", "Field", "list_field"):
        default = keyword(value, "default") or (value.args[0] if value.args and called(value.func) != "field" else None)
        factory = keyword(value, "default_factory")
        if isinstance(factory, ast.Lambda):
            default = factory.body
        if called(value.func) == "list_field":
            default = ast.List(elts=value.args, ctx=ast.Load())
        help_text = str(source.value(keyword(value, "help")) or "")
        required = default is None and factory is None
        value = default
    usual = source.value(value) if value is not None else None
    choices: Tuple[Any, ...] = ()
    if annotation.replace("typing.", "").startswith(("Literal[", "Optional[Literal[")):
        tree = (
            ast.parse(annotation[annotation.index("[") + 1 :].rstrip("]"), mode="eval").body
            if "[" in annotation
            else None
        )
        listed = source.value(tree)
        choices = tuple(listed) if isinstance(listed, list) else () if listed is None else (listed,)
    kind = "str" if choices else kind_of_type(annotation, usual)
    if isinstance(usual, list):
        kind = kind_of(usual, typed=True)
    elif kind == "float" and isinstance(usual, int) and not isinstance(usual, bool):
        usual = float(usual)
    return Setting(name, usual, kind, choices, help_text, required=required)
