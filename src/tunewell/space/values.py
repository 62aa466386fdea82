"""The values of one trial's parameters, as a read-only mapping with attributes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Value = bool | int | float | str


class Params(Mapping[str, Value]):
    """Values by parameter name: `p.learning_rate` and `p["learning_rate"]` are the same.

    A view, not a copy: whoever owns the dictionary may change it (a live parameter that is steered),
    and the reader sees the new value at the next look. Readers cannot change it.
    A parameter that is inactive under its `when=` condition is absent.

    Example:
        >>> params = tw.Params({"learning_rate": 0.01, "hidden": 64})
        >>> params.learning_rate, params["hidden"], "dropout" in params
        (0.01, 64, False)
    """

    __slots__ = ("_values",)
    _values: Mapping[str, Value]

    def __init__(self, values: Mapping[str, Value]) -> None:
        object.__setattr__(self, "_values", values)

    def __getitem__(self, name: str) -> Value:
        return self._values[name]

    # typed loosely on purpose: a reader writes `lr = params.learning_rate` and knows what it is
    def __getattr__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(
                f"no parameter {name!r} here (there are {', '.join(self._values)}): "
                f"it is not in the space, or inactive under its when= condition"
            ) from None

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"params are read-only; to change {name!r} in a running trial, steer it")

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Params({', '.join(f'{name}={value!r}' for name, value in self._values.items())})"

    def __reduce__(self) -> tuple[type[Params], tuple[dict[str, Value]]]:
        return Params, (dict(self._values),)


def plain(params: Mapping[str, Value]) -> Mapping[str, Value]:
    """Return the mapping that params are a view of: for who looks up a great many."""
    return params._values if type(params) is Params else params  # noqa: SLF001  it is this module's
