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
        return next((value for value in param.values if str(value).lower() == text.lower()), text)
    try:
        return float(text) if isinstance(param, Float) else int(text)
    except ValueError:
        return text
