"""The mend for what stands where a parameter belongs: other tuners and search functions write ranges in many ways."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from numbers import Integral, Real
from typing import Any

import numpy as np

_FACTOR_OF_LOG = 100
"""A range above 0 whose ends are so many times apart is rather one of factors."""
_MOST_LISTED = 12
_LONGEST = 200
_ENDS = (("low", "high"), ("lower", "upper"), ("min", "max"), ("min_value", "max_value"))
_LISTS = ("values", "choices", "categories", "grid_search")


def shown(found: object) -> str:
    """Return what was found as it is written in Python, in one line; of what is long, or has no such form, its kind."""
    if isinstance(found, type):
        return f"the class {found.__qualname__}"
    text = repr(found)
    if callable(found) and text.startswith("<"):
        return f"the function {getattr(found, '__qualname__', type(found).__name__)}"
    kind = type(found).__name__
    is_code = len(text) <= _LONGEST and text.isprintable() and not text.startswith("<")
    return text if is_code else f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}"


def mend(found: object) -> str:
    """Return what to write in place of what is no parameter."""
    match found:
        case bool() | int() | float() | str():
            return f"to hold it at a value write tw.Choice([{found!r}])"
        case (Real(), Real(), str() as scale) if isinstance(found, tuple):
            return f"for a range write {_range(found[0], found[1], log='log' in scale)}"
        case {"type": "float" | "int" | "choice"}:
            return "a space as plain data is read by tw.Space.from_dict(...)"
        case range() if found.step == 1 and len(found) > 1:
            return f"for a range write {_range(found[0], found[-1])}"
        case Mapping():
            return _as_other_tools({str(key): value for key, value in found.items()}) or _ANY
        case list() | tuple() | range() | AbstractSet() | np.ndarray():
            return _listed(list(np.asarray(found).ravel().tolist() if isinstance(found, np.ndarray) else found))
    if isinstance(found, type):
        return "write an instance, such as tw.Float(0, 1)"
    names = [name for pair in _ENDS for name in pair] + list(_LISTS)
    attributes = {name: getattr(found, name) for name in names if hasattr(found, name)}
    attributes |= {"log": getattr(found, "log", False)} | _support(found)
    if (known := _as_other_tools(attributes, type(found).__name__)) is not None:
        return known
    return "call it, as in tw.Float(0, 1) or tw.learning_rate()" if callable(found) else _ANY


_ANY = "write tw.Float(0, 1), tw.Int(1, 8), tw.Choice(['a', 'b']) or a ready-made one such as tw.learning_rate()"


def _as_other_tools(found: Mapping[str, Any], kind: str = "") -> str | None:
    """Return the mend for a range or a list as Ray Tune, Optuna, W&B and others have it; None for anything else."""
    for name in _LISTS:
        if isinstance(found.get(name), list | tuple):
            return f"to choose among values write {_choice(found[name])}"
    for low, high in _ENDS:
        if _is_number(found.get(low)) and _is_number(found.get(high)):
            log = "log" in str(found.get("distribution", "")) or found.get("log") is True
            fraction = any(word in kind.lower() for word in ("float", "real", "uniform"))
            return f"for a range write {_range(found[low], found[high], log=log or None, fraction=fraction)}"
    return None


def _support(found: object) -> dict[str, float]:
    """Return the ends of a distribution of SciPy's."""
    support = getattr(found, "support", None)
    if not callable(support) or not hasattr(found, "rvs"):
        return {}
    low, high = support()
    return {"low": float(low), "high": float(high)} if np.isfinite([low, high]).all() else {}


def _listed(values: list[Any]) -> str:
    choice = f"to choose among values write {_choice(values)}"
    numbers = all(_is_number(value) for value in values) and len(set(values)) > 1
    if numbers and len(values) == 2:
        return f"for a range write {_range(*values)}, {choice}"
    if numbers and len(values) > _MOST_LISTED:
        return f"for a range write {_range(min(values), max(values))}"
    return choice


def _choice(values: Iterable[Any]) -> str:
    return f"tw.Choice({list(values)!r})"


def _range(one: Any, other: Any, *, log: bool | None = None, fraction: bool = False) -> str:
    """Return the parameter that goes from one number to the other, as it is written in Python."""
    low, high = sorted((one, other))
    is_unit = low == 0 and high == 1
    whole = isinstance(low, Integral) and isinstance(high, Integral) and not fraction and not is_unit
    if log is None:
        log = low > 0 and high / low >= _FACTOR_OF_LOG
    low, high = (int(low), int(high)) if whole else (_plain(low), _plain(high))
    kind, scale = "Int" if whole else "Float", ', scale="log"' if log and low > 0 else ""
    return f"tw.{kind}({low!r}, {high!r}{scale})"


def _plain(number: Any) -> float | int:
    return int(number) if isinstance(number, Integral) else float(number)


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_) and bool(np.isfinite(float(value)))
