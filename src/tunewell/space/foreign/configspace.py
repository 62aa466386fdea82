"""ConfigSpace's JSON, which SMAC, Auto-PyTorch and others write."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tunewell.errors import SpaceError
from tunewell.near_names import did_you_mean
from tunewell.space.foreign.conditions import When, all_of, any_of, equal_to, one_of, where
from tunewell.space.foreign.reading import Foreign, Reading
from tunewell.space.params import Choice, Param

_NUMBERS = ("uniform_float", "uniform_int", "normal_float", "normal_int", "beta_float", "beta_int")
_KINDS = (*_NUMBERS, "categorical", "ordinal", "constant", "unparametrized")
_SIGMAS = 2
_ORDERED: Mapping[str, Callable[[Any, Any], bool]] = {"GT": operator.gt, "LT": operator.lt}
_SIGNS = {"EQ": "==", "NEQ": "!=", "GT": ">", "LT": "<", "EQUALS": "=="}


class ConfigSpace:
    """A configuration space with conditions and forbidden combinations."""

    tool = "ConfigSpace"

    def is_it(self, data: object) -> bool:
        """Implement `Format.is_it`."""
        return isinstance(data, Mapping) and isinstance(data.get("hyperparameters"), list)

    def read(self, data: Any) -> Foreign:
        """Implement `Format.read`."""
        reading = Reading()
        for about in data["hyperparameters"]:
            if not isinstance(about, Mapping) or not isinstance(about.get("name"), str):
                raise SpaceError(f"a hyperparameter needs a name and a type, got {about!r}")
            name = about["name"]
            reading.add(name, reading.with_default(_param(reading, name, about), about.get("default_value")))
        for condition in data.get("conditions") or ():
            _add_condition(reading, condition)
        for forbidden in data.get("forbiddens") or ():
            reading.note(
                f"forbidden: {_in_words(forbidden)}; a space forbids nothing, so a training should raise there"
            )
        return Foreign(self.tool, reading.space(), reading.notes)


def _param(reading: Reading, name: str, about: Mapping[str, Any]) -> Param:
    kind = about.get("type")
    if kind == "categorical":
        weights = about.get("weights") or about.get("probabilities")
        if weights and len({*weights}) > 1:
            reading.note(f"{name}: its weights are left out; all values are equally likely")
        return reading.choice(name, about.get("choices"), ordered=False)
    if kind == "ordinal":
        return reading.choice(name, about.get("sequence"), ordered=True)
    if kind in ("constant", "unparametrized"):
        return reading.choice(name, [about.get("value")])
    if kind not in _NUMBERS:
        raise SpaceError(f"{name}: there is no type {kind!r} of hyperparameter; {did_you_mean(str(kind), _KINDS)}")
    low, high = about.get("lower"), about.get("upper")
    if kind.startswith("normal") and None in (low, high):
        low, high = (about["mu"] + side * _SIGMAS * about["sigma"] for side in (-1, 1))
        low, high = (round(low), round(high)) if kind.endswith("_int") else (low, high)
    if not kind.startswith("uniform"):
        reading.note(f"{name}: {kind} is drawn evenly, from {low:g} to {high:g}")
    scale = "log" if about.get("log") else "linear"
    return reading.number(name, low, high, whole=kind.endswith("_int"), scale=scale, step=about.get("q"))


def _add_condition(reading: Reading, about: Mapping[str, Any]) -> None:
    child = reading.name(str(about.get("child")))
    if child not in reading.params:
        raise SpaceError(f"{child}: there is a condition of it, and no such hyperparameter")
    when = _when(reading, about)
    if when is None:
        reading.note(f"{child}: its condition, {_in_words(about)}, cannot be kept; it is drawn always")
    else:
        reading.params[child] = replace(reading.params[child], when=when)


def _when(reading: Reading, about: Mapping[str, Any]) -> When | None:
    kind = about.get("type")
    if kind in ("AND", "OR"):
        parts = [_when(reading, one) for one in _parts(about)]
        return all_of(parts) if kind == "AND" else any_of(parts)
    parent = reading.name(str(about.get("parent")))
    param = reading.params.get(parent)
    if param is None:
        raise SpaceError(f"{parent}: there is a condition on it, and no such hyperparameter")
    if kind == "IN":
        return where(parent, param, one_of(about["values"]))
    value = about.get("value")
    same = equal_to(value)
    if kind == "EQ":
        return where(parent, param, same)
    if kind == "NEQ":
        return where(parent, param, lambda other: not same(other))
    holds = _ORDERED.get(str(kind))
    if holds is None:
        return None
    if isinstance(param, Choice):  # of an ordinal the order is that of its list
        places = {one: place for place, one in enumerate(param.values)}
        return where(parent, param, lambda other: value in places and holds(places[other], places[value]))
    return where(parent, param, lambda other: holds(other, value))


def _parts(about: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(about.get("conditions") or about.get("clauses") or about.get("components") or ())


def _in_words(about: Mapping[str, Any]) -> str:
    kind = str(about.get("type"))
    if parts := _parts(about):
        return f" {kind.lower()} ".join(map(_in_words, parts))
    name = about.get("parent", about.get("name"))
    if kind == "IN":
        return f"{name} in {about.get('values')}"
    if "left" in about:  # a relation of two
        return f"{about['left']} {kind.lower()} {about.get('right')}"
    return f"{name} {_SIGNS.get(kind, kind.lower())} {about.get('value')!r}"
