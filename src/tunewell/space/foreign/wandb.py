"""The sweep of Weights & Biases: `sweep.yaml`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tunewell.errors import SpaceError
from tunewell.near_names import did_you_mean
from tunewell.space.foreign.reading import Foreign, Reading
from tunewell.space.params import Param

_SIGMAS = 2
_MACROS = {
    "args": "--{0}={{{1}}}",
    "args_no_equals": "--{0} {{{1}}}",
    "args_no_hyphens": "{0}={{{1}}}",
    "args_no_boolean_flags": "--{0}={{{1}}}",
    "args_append_hydra": "+{0}={{{1}}}",
    "args_override_hydra": "++{0}={{{1}}}",
}
"""How each macro of a command writes a parameter."""
_USUAL_COMMAND = ("${env}", "${interpreter}", "${program}", "${args}")
_RANGES = ("uniform", "int_uniform", "log_uniform", "log_uniform_values", "inv_log_uniform", "inv_log_uniform_values")
_STEPPED = tuple(f"q_{name}" for name in ("uniform", "log_uniform", "log_uniform_values"))
_BELLS = ("normal", "log_normal", "q_normal", "q_log_normal")
_LISTS = ("categorical", "categorical_w_probabilities", "constant")
_DISTRIBUTIONS = (*_RANGES, *_STEPPED, *_BELLS, *_LISTS, "beta", "q_beta")


class Wandb:
    """A sweep, as YAML or JSON."""

    tool = "W&B"

    def is_it(self, data: object) -> bool:
        """Implement `Format.is_it`."""
        return isinstance(data, Mapping) and isinstance(data.get("parameters"), Mapping)

    def read(self, data: Any) -> Foreign:
        """Implement `Format.read`."""
        reading = Reading()
        _take(reading, data["parameters"], "")
        options = _options(reading, data)
        return Foreign(self.tool, reading.space(), reading.notes, options, _program(reading, data))


def _take(reading: Reading, parameters: Mapping[str, Any], above: str) -> None:
    for name, about in parameters.items():
        theirs = f"{above}{name}"
        if not isinstance(about, Mapping):
            raise SpaceError(f"{theirs}: needs value, values, or min and max, got {about!r}")
        if isinstance(about.get("parameters"), Mapping):
            _take(reading, about["parameters"], f"{theirs}.")
        else:
            reading.add(theirs, _param(reading, theirs, about))


def _param(reading: Reading, name: str, about: Mapping[str, Any]) -> Param:
    kind = about.get("distribution")
    if kind is not None and kind not in _DISTRIBUTIONS:
        raise SpaceError(f"{name}: there is no distribution {kind!r}; {did_you_mean(str(kind), _DISTRIBUTIONS)}")
    if "value" in about:
        return reading.choice(name, [about["value"]])
    if "values" in about:
        if about.get("probabilities"):
            reading.note(f"{name}: its probabilities are left out; all values are equally likely")
        return reading.choice(name, about["values"])
    if kind in _BELLS:
        return _bell(reading, name, about)
    if kind in ("beta", "q_beta"):
        reading.note(f"{name}: {kind} is drawn evenly from 0 to 1")
        return reading.number(name, 0.0, 1.0, whole=False, step=about.get("q"))
    if missing := [key for key in ("min", "max") if key not in about]:
        raise SpaceError(f"{name}: has no {missing[0]}; it needs value, values, or min and max")
    low, high = about["min"], about["max"]
    both_whole = all(isinstance(one, int) and not isinstance(one, bool) for one in (low, high))
    kind = kind or ("int_uniform" if both_whole else "uniform")
    if kind in ("log_uniform", "q_log_uniform", "inv_log_uniform"):  # their ends are exponents
        low, high = _exp(name, low), _exp(name, high)
    if kind.startswith("inv_"):
        reading.note(f"{name}: {kind} is drawn on a log scale")
        low, high = (1 / high, 1 / low) if kind == "inv_log_uniform" else (low, high)
    step = about.get("q", 1) if kind.startswith("q_") else None
    whole = kind == "int_uniform" or (step is not None and float(step).is_integer())
    if whole and kind == "q_log_uniform":
        low, high = max(1, round(low)), round(high)
    return reading.number(name, low, high, whole=whole, scale="log" if "log" in kind else "linear", step=step)


def _exp(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 300:
        raise SpaceError(
            f"{name}: min and max of log_uniform are exponents of e, got {value!r}; log_uniform_values has the values"
        )
    return float(f"{math.exp(value):.12g}")


def _bell(reading: Reading, name: str, about: Mapping[str, Any]) -> Param:
    kind, mu, sigma = about["distribution"], about.get("mu", 0.0), about.get("sigma", 1.0)
    low, high = mu - _SIGMAS * sigma, mu + _SIGMAS * sigma
    if "log" in kind:
        low, high = _exp(name, low), _exp(name, high)
    reading.note(f"{name}: {kind} is drawn evenly within {_SIGMAS} sigmas, from {low:g} to {high:g}")
    scale = "log" if "log" in kind else "linear"
    return reading.number(name, low, high, whole=False, scale=scale, step=about.get("q"))


def _options(reading: Reading, data: Mapping[str, Any]) -> dict[str, str | int]:
    """Return what a sweep says of its search, as options of `tunewell tune`."""
    options: dict[str, str | int] = {}
    metric = data.get("metric")
    if isinstance(metric, Mapping) and metric.get("name"):
        options |= {"--metric": str(metric["name"]), "--direction": str(metric.get("goal", "minimize"))}
        if "target" in metric:
            reading.note(f"metric: its target of {metric['target']} ends no study; --budget does")
    if data.get("method") in ("grid", "random"):
        options["--sampler"] = str(data["method"])
    stop = data.get("early_terminate")
    if isinstance(stop, Mapping):
        options |= {"--scheduler": "asha"}
        options |= {
            option: int(stop[key]) for key, option in (("eta", "--eta"), ("min_iter", "--min-epochs")) if key in stop
        }
        if other := [key for key in stop if key not in ("type", "eta", "min_iter")]:
            reading.note(f"early_terminate: {', '.join(other)} is left out; each trial that is good enough goes on")
    if isinstance(data.get("run_cap"), int):
        options["--budget"] = f"{data['run_cap']}trials"
    return options


def _program(reading: Reading, data: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the words of a sweep's command; none if it names no program."""
    if not isinstance(data.get("program"), str) and not isinstance(data.get("command"), list):
        return ()
    words: list[str] = []
    for word in map(str, data.get("command") or _USUAL_COMMAND):
        macro = word.removeprefix("${").removesuffix("}") if word.startswith("${") else None
        if macro is None or macro.startswith("envvar:"):
            words.append(word)
        elif macro in _MACROS:
            filled = [_MACROS[macro].format(theirs, ours) for theirs, ours in reading.names.items()]
            words += [part for one in filled for part in one.split(" ")]
        elif macro == "interpreter":
            words.append("python")
        elif macro == "program":
            words.append(str(data.get("program", "")))
        elif macro != "env":
            reading.note(f"command: {word} is left out; write the parameters as --name={{name}}")
    return tuple(words)
