"""The distributions of scikit-learn's searches as a space, and a trial's setting as an estimator takes it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from numbers import Integral, Real
from typing import Any, cast

import numpy as np

from tunewell.errors import SpaceError
from tunewell.space.mends import shown
from tunewell.space.params import Choice, Float, Int, Param
from tunewell.space.space import Space
from tunewell.space.values import Params, Value

_TAIL = 0.001
"""What is left out at an end of a distribution that is infinite."""
_FACTOR_OF_LOG = 100
"""A range above 0 whose ends are so many times apart is one of factors, unless it is spread evenly."""
_LOG, _EVEN = ("loguniform", "reciprocal"), ("uniform", "randint")
_DRAWS = 500
"""Of what only draws, so many values tell the range."""
_LONGEST_LABEL = 80
_WHICH = "distributions"
"""The parameter that chooses one of several dictionaries."""


@dataclass(frozen=True, slots=True)
class Distributions:
    """A space, and what its parameters and values mean to an estimator."""

    space: Space
    names: Mapping[str, str]
    """By the space's name, the estimator's; what chooses among dictionaries has none."""
    objects: Mapping[str, Mapping[Value, object]]
    """By the space's name, what its values stand for, where they are labels."""

    @classmethod
    def of(cls, given: Any) -> Distributions:
        """Return them, of a dict by the estimator's names, a list of such dicts, or a space.

        Raises:
            SpaceError: something in it is no distribution; the message begins with its name.
        """
        several = [given.params] if isinstance(given, Space) else [given] if isinstance(given, Mapping) else given
        if not isinstance(several, Sequence) or not all(isinstance(one, Mapping) for one in several) or not several:
            raise SpaceError(f"param_distributions must be a dict by name, or a list of dicts; got {shown(given)}")
        params: dict[str, Param] = {}
        if len(several) > 1:
            params[_WHICH] = Choice(list(range(1, len(several) + 1)))
        names: dict[str, str] = {}
        objects: dict[str, Mapping[Value, object]] = {}
        for number, one in enumerate(several, start=1):
            for name, distribution in one.items():
                own = _legal(str(name), {*params})
                param, meant = _parameter(str(name), distribution)
                params[own] = replace(param, when={_WHICH: number}) if len(several) > 1 else param
                names[own] = str(name)
                if meant is not None:
                    objects[own] = meant
        return cls(Space(params), names, objects)

    def setting(self, params: Params) -> dict[str, Any]:
        """Return a trial's params as the estimator takes them."""
        return {
            self.names[name]: self.objects[name][value] if name in self.objects else value
            for name, value in params.items()
            if name in self.names
        }

    def own(self, estimator: Any) -> dict[str, Value]:
        """Return what an estimator is set to, as a trial's params; defaults where that is not in the space."""
        known = estimator.get_params()
        values = dict(self.space.defaults())
        for name in values:
            own = known.get(self.names.get(name, ""))
            if name in self.objects:
                own = next((label for label, value in self.objects[name].items() if value is own), None)
            if own is not None and self.space.params[name].contains(own):
                values[name] = own
        return values


def _legal(name: str, taken: set[str]) -> str:
    """Return a name that a space may have, and has not yet."""
    legal = re.sub(r"\W", "_", name)
    legal = f"p_{legal}" if not legal.isidentifier() else legal
    while legal in taken or hasattr(Params, legal):
        legal = f"{legal}_"
    return legal


def _parameter(name: str, given: Any) -> tuple[Param, Mapping[Value, object] | None]:
    """Return a parameter, and what its values stand for, if they are labels."""
    try:
        if isinstance(given, Float | Int | Choice):
            return given, None
        if hasattr(given, "rvs"):
            return _range(given)
        if isinstance(given, Iterable) and not isinstance(given, str | Mapping):
            return _listed(list(given))
    except SpaceError as error:
        raise SpaceError(f"{name}: {error}") from None
    raise SpaceError(
        f"{name}: a distribution is a list of values, one of scipy.stats such as loguniform(1e-4, 1), or a parameter "
        f"such as tw.Float(0, 1); got {shown(given)}"
    )


def _range(distribution: Any) -> tuple[Param, Mapping[Value, object] | None]:
    """Return the range of what can be drawn from; its density is not followed, because the search finds its own."""
    kind = getattr(getattr(distribution, "dist", None), "name", "")
    if hasattr(distribution, "ppf") and hasattr(distribution, "support"):
        low, high = distribution.support()
        low = low if np.isfinite(low) else distribution.ppf(_TAIL)
        high = high if np.isfinite(high) else distribution.ppf(1 - _TAIL)
        if low == 0 and kind not in _EVEN and distribution.ppf(_TAIL) > 0:
            low = distribution.ppf(_TAIL)
        whole = hasattr(distribution.dist, "pmf")
    else:
        drawn = [distribution.rvs(random_state=seed) for seed in range(_DRAWS)]
        if not all(_is_number(one) for one in drawn):
            return _listed(drawn)
        low, high = min(drawn), max(drawn)
        whole = all(isinstance(one, Integral) for one in drawn)
    if low == high:
        return Choice([int(low) if whole else float(low)]), None
    is_log = low > 0 and (kind in _LOG or (kind not in _EVEN and high / low >= _FACTOR_OF_LOG))
    scale = "log" if is_log else "linear"
    return (Int(int(low), int(high), scale=scale) if whole else Float(float(low), float(high), scale=scale)), None


def _listed(values: list[Any]) -> tuple[Param, Mapping[Value, object] | None]:
    """Return a choice among values, which may be any objects."""
    plain = [value.item() if isinstance(value, np.generic) else value for value in values]
    numbers = all(_is_number(value) for value in plain)
    is_ordered = numbers and len(plain) > 1 and all(one < other for one, other in pairwise(plain))
    with suppress(SpaceError):
        return Choice(cast("list[Value]", plain), ordered=is_ordered), None
    meant: dict[Value, object] = {}
    for value, label in zip(values, map(_label, plain), strict=True):
        number, own = 2, label
        while own in meant and meant[own] is not value and not _is_number(value):
            own, number = f"{label} #{number}", number + 1
        meant.setdefault(own, value)
    return Choice(list(meant)), meant


def _label(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= _LONGEST_LABEL else f"{text[:_LONGEST_LABEL]}..."


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)
