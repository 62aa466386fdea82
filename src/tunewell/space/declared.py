"""The parameters that a class declares: a `TypedDict` or a dataclass whose fields are annotated with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from typing import Annotated, Any, cast, get_args, get_origin, get_type_hints

from tunewell.errors import SpaceError
from tunewell.space.params import Choice, Float, Int, Param

_HOW = "write learning_rate: Annotated[float, tw.learning_rate()]"


def declared(cls: type) -> Mapping[str, Param]:
    """Return the parameters of a class's fields, in their order; a dataclass's defaults are the parameters' defaults.

    Raises:
        SpaceError: the class is neither of the two, a field has no parameter or two, or one of another type than the
            field's, or a default outside of it.
    """
    named = is_dataclass(cls) or hasattr(cls, "__total__")
    if not named:
        raise SpaceError(f"{cls.__name__} declares no parameters: it is no TypedDict and no dataclass; {_HOW} in one")
    try:
        hints = get_type_hints(cls, include_extras=True)
    except NameError as error:
        raise SpaceError(
            f"{cls.__name__}: {error}; annotations are read where the class stands: import it there"
        ) from None
    defaults = {field.name: field.default for field in fields(cls)} if is_dataclass(cls) else {}
    return {name: _param(name, hint, defaults.get(name, MISSING)) for name, hint in hints.items()}


def _param(name: str, hint: object, default: object) -> Param:
    found = [one for one in get_args(hint)[1:] if isinstance(one, Float | Int | Choice)]
    if get_origin(hint) is not Annotated or not found:
        raise SpaceError(f"{name}: its annotation has no parameter; {_HOW}")
    if len(found) > 1:
        raise SpaceError(f"{name}: its annotation has {len(found)} parameters; leave one")
    (param,) = found
    kind = get_args(hint)[0]
    if (kind is int and isinstance(param, Float)) or (kind is float and isinstance(param, Int)):
        other = "float" if kind is int else "int"
        raise SpaceError(
            f"{name}: annotated {kind.__name__}, and its parameter is {type(param).__name__}; make it {other}"
        )
    if default is MISSING:
        return param
    try:
        return replace(param, default=cast("Any", param.check(default)))  # of the parameter's own type
    except SpaceError as error:
        raise SpaceError(f"{name}: its default {default!r}: {error}") from None
