"""Optuna's distributions: a JSON object of them, the trials of a study, or the file of its journal storage."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tunewell.errors import SpaceError
from tunewell.space.foreign.conditions import in_words, one_of, where
from tunewell.space.foreign.reading import Foreign, Reading
from tunewell.space.params import Choice, Param

_STUDY, _PARAM = 0, 5
"""Operations in a journal: a study begins; a trial has a parameter."""
_DIRECTIONS = {1: "minimize", 2: "maximize"}
_KNOWN = {
    "FloatDistribution": {},
    "IntDistribution": {"whole": True},
    "CategoricalDistribution": {},
    "UniformDistribution": {},
    "LogUniformDistribution": {"log": True},
    "DiscreteUniformDistribution": {},
    "IntUniformDistribution": {"whole": True},
    "IntLogUniformDistribution": {"whole": True, "log": True},
}
_TRIALS_TO_TELL = 2


@dataclass(frozen=True, slots=True)
class _Trial:
    distributions: Mapping[str, Mapping[str, Any]]
    values: Mapping[str, object]


class Optuna:
    """Distributions by name, alone or in trials."""

    tool = "Optuna"

    def is_it(self, data: object) -> bool:
        """Implement `Format.is_it`."""
        if isinstance(data, Mapping):
            return isinstance(data.get("trials"), list) or any(_is_distribution(one) for one in data.values())
        return isinstance(data, list) and any(
            isinstance(one, Mapping) and ("distributions" in one or "op_code" in one) for one in data
        )

    def read(self, data: Any) -> Foreign:
        """Implement `Format.read`."""
        reading = Reading()
        options: dict[str, str | int] = {}
        if isinstance(data, Mapping) and "trials" not in data:
            trials = [_Trial({name: _distribution(name, one) for name, one in data.items()}, {})]
        else:
            rows = data["trials"] if isinstance(data, Mapping) else data
            is_journal = any("op_code" in row for row in rows if isinstance(row, Mapping))
            trials = _of_journal(reading, rows, options) if is_journal else list(_of_trials(rows))
        names = list(dict.fromkeys(name for trial in trials for name in trial.distributions))
        if not names:
            raise SpaceError("no trial has a parameter; its distributions are those that trials have drawn from")
        for name in names:
            reading.add(name, _param(reading, name, trials))
        _add_conditions(reading, names, trials)
        return Foreign(self.tool, reading.space(), reading.notes, options)


def _is_distribution(data: object) -> bool:
    try:
        return _parsed(data) is not None
    except SpaceError:
        return False


def _parsed(data: object) -> Mapping[str, Any] | None:
    """Return a distribution as {"name", "attributes"}: of JSON, of JSON as text, or of what Python prints."""
    if isinstance(data, str):
        try:
            data = json.loads(data)
        except ValueError:
            data = _printed(str(data))
    if isinstance(data, Mapping) and isinstance(data.get("attributes"), Mapping) and data.get("name") in _KNOWN:
        return data
    return None


def _printed(text: str) -> object:
    try:
        call = ast.parse(text, mode="eval").body
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            given = {one.arg: ast.literal_eval(one.value) for one in call.keywords}
            return {"name": call.func.id, "attributes": given}
    except (ValueError, SyntaxError):
        pass
    return None


def _distribution(name: str, data: object) -> Mapping[str, Any]:
    found = _parsed(data)
    if found is None:
        raise SpaceError(f"{name}: is no distribution of Optuna, got {data!r}")
    return found


def _of_trials(rows: Any) -> Iterator[_Trial]:
    for row in rows:
        if isinstance(row, Mapping) and isinstance(row.get("distributions"), Mapping):
            found = {str(name): _distribution(str(name), one) for name, one in row["distributions"].items()}
            values = row.get("params")
            yield _Trial(found, values if isinstance(values, Mapping) else {})


def _of_journal(reading: Reading, rows: Any, options: dict[str, str | int]) -> list[_Trial]:
    """Return the trials in a journal, of the study that it begins with."""
    distributions: dict[object, dict[str, Mapping[str, Any]]] = {}
    values: dict[object, dict[str, object]] = {}
    studies = [row for row in rows if isinstance(row, Mapping) and row.get("op_code") == _STUDY]
    if len(studies) > 1:
        names = ", ".join(str(row.get("study_name")) for row in studies)
        reading.note(f"there are {len(studies)} studies ({names}), whose parameters are taken together")
    directions = studies[0].get("directions") if studies else None
    if isinstance(directions, list) and len(directions) == 1 and directions[0] in _DIRECTIONS:
        options["--direction"] = _DIRECTIONS[directions[0]]
    for row in rows:
        if isinstance(row, Mapping) and row.get("op_code") == _PARAM:
            name, trial = str(row["param_name"]), row.get("trial_id")
            found = _distribution(name, row.get("distribution"))
            distributions.setdefault(trial, {})[name] = found
            value = row.get("param_value_internal")
            if found["name"] == "CategoricalDistribution" and isinstance(value, int | float):
                value = found["attributes"]["choices"][int(value)]
            values.setdefault(trial, {})[name] = value
    return [_Trial(found, values[trial]) for trial, found in distributions.items()]


def _param(reading: Reading, name: str, trials: list[_Trial]) -> Param:
    """Return what a parameter was drawn from: the widest, if that was not always the same."""
    found = [trial.distributions[name] for trial in trials if name in trial.distributions]
    about: dict[str, Any] = {**found[-1]["attributes"]}
    kind = found[-1]["name"]
    if any(one != found[-1] for one in found):
        others = [one["attributes"] for one in found if one["name"] == kind]
        if "choices" in about:
            about["choices"] = list(dict.fromkeys(value for one in others for value in one["choices"]))
        else:
            about |= {"low": min(one["low"] for one in others), "high": max(one["high"] for one in others)}
        reading.note(f"{name}: was drawn from several ranges; here it has all of them")
    if kind == "CategoricalDistribution":
        return reading.choice(name, list(about.get("choices", ())))
    settings = {"log": False, "whole": False} | about | _KNOWN[kind]
    return reading.number(
        name,
        about.get("low"),
        about.get("high"),
        whole=bool(settings["whole"]),
        scale="log" if settings["log"] else "linear",
        step=about.get("step", about.get("q")),
    )


def _add_conditions(reading: Reading, names: list[str], trials: list[_Trial]) -> None:
    """Take it for a condition where a parameter is there at some values of a choice, and at no other."""
    for name in names:
        there = [trial for trial in trials if name in trial.distributions]
        gone = [trial for trial in trials if name not in trial.distributions]
        if not gone:
            continue
        how_often = f"{name}: is in {len(there)} of {len(trials)} trials"
        for parent in names:
            param = reading.params[reading.name(parent)]
            if not isinstance(param, Choice) or any(parent not in trial.values for trial in trials):
                continue
            values = [trial.values[parent] for trial in there]
            if min(len(there), len(gone)) < _TRIALS_TO_TELL or {*map(repr, values)} & {
                repr(trial.values[parent]) for trial in gone
            }:
                continue
            condition = where(reading.name(parent), param, one_of(values))
            if condition is not None:
                own = reading.name(name)
                reading.params[own] = replace(reading.params[own], when=condition)
                reading.note(f"{how_often}, those in which {in_words(condition)}; this is its condition here")
                break
        else:
            reading.note(f"{how_often}; give it a condition (when), or it is drawn in all")
