"""Values of parameters as somebody types them: `dropout=0.1`."""

from __future__ import annotations

from collections.abc import Sequence

from tunewell.errors import SettingError
from tunewell.space.params import Choice, Float, Param
from tunewell.space.space import Space
from tunewell.space.values import Value


def parse_settings(texts: Sequence[str], *spaces: Space, option: str = "--set") -> dict[str, Value]:
    """Parse `dropout=0.1` into a value by name: one of a choice's, where it is a choice, else a number.

    Raises:
        SettingError: one is not of that form.
    """
    values: dict[str, Value] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise SettingError(f"{option} needs NAME=VALUE, such as dropout=0.1; got {text!r}")
        values[name] = _value(value, next((space.params[name] for space in spaces if name in space.params), None))
    return values


def _value(text: str, param: Param | None) -> Value:
    """Return what a text means for a parameter; the text itself, if it means nothing."""
    if isinstance(param, Choice):
        return _listed(text, param.values)
    number = _number(text)
    if number is None:
        return text
    return float(number) if isinstance(param, Float) else number


def _listed(text: str, values: Sequence[Value]) -> Value:
    """Return the value that is written so; else one that differs in upper and lower case, or in how it is written."""
    exactly = [value for value in values if str(value) == text]
    nearly = [value for value in values if str(value).lower() == text.lower()]
    number = _number(text)
    equal = [value for value in values if number is not None and not isinstance(value, bool | str) and value == number]
    return next(iter([*exactly, *nearly, *equal]), text)


def _number(text: str) -> int | float | None:
    """Return a number, as a whole one if it is that: `10.0` is 10; None if the text is none."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if number.is_integer() else number
