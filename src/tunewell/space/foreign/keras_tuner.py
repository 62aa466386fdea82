"""KerasTuner's `oracle.json`, and the configuration of its `HyperParameters`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tunewell.errors import SpaceError
from tunewell.near_names import did_you_mean
from tunewell.space.foreign.conditions import all_of, one_of, where
from tunewell.space.foreign.reading import Foreign, Reading
from tunewell.space.params import Param

_KINDS = ("Float", "Int", "Choice", "Boolean", "Fixed")


class KerasTuner:
    """The state of an oracle."""

    tool = "KerasTuner"

    def is_it(self, data: object) -> bool:
        """Implement `Format.is_it`."""
        return isinstance(_space(data), list)

    def read(self, data: Any) -> Foreign:
        """Implement `Format.read`."""
        reading = Reading()
        conditions: dict[str, list[Mapping[str, Any]]] = {}
        for entry in _space(data) or ():
            about = entry.get("config") if isinstance(entry, Mapping) else None
            if not isinstance(about, Mapping) or not isinstance(about.get("name"), str):
                raise SpaceError(f"a hyperparameter needs a class_name and a config with its name, got {entry!r}")
            name = about["name"]
            if name in conditions:
                reading.note(f"{name}: is there twice, under other conditions; the first is taken")
                continue
            param = _param(reading, name, str(entry.get("class_name")), about)
            reading.add(name, reading.with_default(param, about.get("default")))
            conditions[name] = [one.get("config", {}) for one in about.get("conditions") or ()]
        for name, parents in conditions.items():
            _add_conditions(reading, name, parents)
        return Foreign(self.tool, reading.space(), reading.notes)


def _space(data: object) -> Any:
    found = data.get("hyperparameters", data) if isinstance(data, Mapping) else None
    return found.get("space") if isinstance(found, Mapping) else None


def _param(reading: Reading, name: str, kind: str, about: Mapping[str, Any]) -> Param:
    if kind not in _KINDS:
        raise SpaceError(f"{name}: there is no class {kind!r} of hyperparameter; {did_you_mean(kind, _KINDS)}")
    if kind == "Boolean":
        return reading.choice(name, [False, True])
    if kind == "Fixed":
        return reading.choice(name, [about.get("value")])
    if kind == "Choice":
        return reading.choice(name, about.get("values"), ordered=about.get("ordered") is True)
    sampling = str(about.get("sampling") or "linear").lower()
    if sampling == "reverse_log":
        reading.note(f"{name}: reverse_log is drawn on a linear scale; scale = 'log1m' crowds values near 1")
    low, high = about.get("min_value"), about.get("max_value")
    scale = "log" if sampling == "log" else "linear"
    return reading.number(
        name, low, high, whole=kind == "Int", scale=scale, step=about.get("step"), by_factors=sampling == "log"
    )


def _add_conditions(reading: Reading, name: str, parents: list[Mapping[str, Any]]) -> None:
    if not parents:
        return
    known = [(one.get("name"), one.get("values") or ()) for one in parents]
    if any(str(parent) not in reading.names for parent, _ in known):
        raise SpaceError(f"{name}: it is there under a condition on {known[0][0]!r}, and no such hyperparameter is")
    found = [
        where(ours := reading.name(str(parent)), reading.params[ours], one_of(list(values))) for parent, values in known
    ]
    when, own = all_of(found), reading.name(name)
    if when is None:
        reading.note(f"{name}: its condition on {known[0][0]} cannot be kept; it is drawn always")
    else:
        reading.params[own] = replace(reading.params[own], when=when)
