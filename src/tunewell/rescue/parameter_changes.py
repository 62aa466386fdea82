"""Changes of a parameter that a space allows because of a finding: which one to move, and to what value.

The finding's own change comes first, then what the field tries next for the same cause. What was tried is not tried
again; but a step of the learning rate that went too far is followed by one of half the way, and one that helped by
another the same way, which is a search along a line.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tunewell.diagnosis import Finding, NextChange
from tunewell.diagnosis.next_change import Move
from tunewell.diagnosis.readers.names import parameter_of
from tunewell.space.params import Choice, Float, Int, Param
from tunewell.space.space import Space
from tunewell.space.values import Params, Value

_DIRECTIONS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "lr_too_high": (("lr", "decrease"), ("momentum", "decrease")),
    "lr_too_low": (("lr", "increase"),),
    "lr_decays_too_early": (("lr_schedule", "slower"),),
    "model_too_small": (("width", "increase"), ("depth", "increase"), ("dropout", "decrease")),
    "overfitting": (("dropout", "increase"), ("weight_decay", "increase"), ("width", "decrease")),
    "dropout_too_high": (("dropout", "decrease"),),
    "weight_decay_too_high": (("weight_decay", "decrease"),),
    "batch_size_too_large": (("batch_size", "decrease"), ("lr", "increase")),
    "batch_size_too_small": (("batch_size", "increase"), ("lr", "decrease")),
    "bad_initialisation": (("init", "change"), ("lr", "decrease")),
    "unnormalised_inputs": (("lr", "decrease"),),
    "dead_relus": (("activation", "change"), ("lr", "decrease"), ("width", "increase")),
    "vanishing_gradients": (("activation", "change"), ("batch_norm", "enable"), ("lr", "increase")),
    "exploding_gradients": (("grad_clip", "enable"), ("lr", "decrease"), ("momentum", "decrease")),
    "missing_zero_grad": (("lr", "decrease"), ("momentum", "decrease")),
    "batchnorm_misuse": (("batch_size", "increase"),),
}
"""The settings to move for a cause, and the directions, the likeliest first. A cause in code or data has none."""
_CAUSE_OF = {("lr", "decrease"): "lr_too_high", ("momentum", "decrease"): "lr_too_high"}
"""The cause whose own change a move is, and by which it is made whatever the loss does."""
_FACTORS = {"lr": 10.0, "weight_decay": 100.0, "batch_size": 4.0, "width": 4.0, "grad_clip": 10.0}
_STEPS = (("a decade", 10.0), ("half a decade", math.sqrt(10)))
"""Of the learning rate, along a line."""
_DROPOUT, _MOMENTUM, _CLIP = 0.3, 0.9, 1.0
_MOST_MOMENTUM = 0.97
_LEFT_OF_RATE = 0.05  # of the learning rate, at the end of a training whose schedule was too quick
_SAME = 0.08  # of a parameter's scale: values that are closer are one


@dataclass(frozen=True, slots=True)
class ParameterChange:
    """One parameter moved, because of a finding."""

    finding: Finding
    param: str
    old: Value
    new: Value


def parameter_changes(
    finding: Finding,
    space: Space,
    params: Params,
    tried: Sequence[Mapping[str, Value]],
    max_epochs: int,
    opposed: Container[Move] = (),
) -> Iterator[ParameterChange]:
    """Yield the changes that may mend a finding, in the order in which to try them.

    params: the setting of the run.
    tried: all settings so far.
    max_epochs: of a full training.
    opposed: the moves that the run itself speaks against.
    """
    change = finding.next
    for key, direction in _directions(finding.label, space, params):
        if (key, direction) in opposed and finding.label != _CAUSE_OF.get((key, direction)):
            continue
        name = parameter_of(key, space.names)
        if name is None or name not in params:
            continue
        param, old = space.params[name], params[name]
        own = change.value if (change.param, change.direction) == (key, direction) else None
        target = _target(key, direction, param, old, own, max_epochs)
        if target is None:
            continue
        others = [setting[name] for setting in tried if _differs_in(setting, params) == {name}]
        new = _untried(param, old, target, others, halves=key == "lr")
        if new is not None:
            yield ParameterChange(finding, name, old, new)


def further_change(
    done: ParameterChange | None,
    space: Space,
    params: Params,
    tried: Sequence[Mapping[str, Value]],
    evidence: str,
    opposed: Container[Move] = (),
    *,
    coarse: bool = False,
) -> ParameterChange | None:
    """Move the learning rate half a decade further where moving it has helped: the search along a line.

    evidence: how much it has helped.
    coarse: a whole decade, as long as that helps.
    opposed: the moves that the run itself speaks against; that its loss falls is nothing against a lower rate here.
    """
    name = parameter_of("lr", space.names)
    if done is None or done.param != name:
        return None
    param, old = space.params[name], params[name]
    if not isinstance(param, Float) or not isinstance(old, float) or not isinstance(done.old, float):
        return None
    if old > done.old and ("lr", "increase") in opposed:
        return None
    others = [setting[name] for setting in tried if _differs_in(setting, params) == {name}]
    for words, factor in _STEPS if coarse else _STEPS[1:]:
        new = min(max(float(f"{old * factor if old > done.old else old / factor:.6g}"), param.low), param.high)
        met = any(min(old, new) <= other <= max(old, new) for other in others if isinstance(other, float))
        if not met and new != old:
            finding = replace(done.finding, evidence=f"{evidence}; {words} more may help more")
            return ParameterChange(finding, name, old, param.check(new))
    return None


def rate_changes(
    findings: Sequence[Finding],
    space: Space,
    params: Params,
    tried: Sequence[Mapping[str, Value]],
    opposed: Container[Move] = (),
) -> Iterator[ParameterChange]:
    """Yield the learning rates a decade away, the higher one first: what to try where no finding calls for a change."""
    name = parameter_of("lr", space.names)
    if name is None or name not in params:
        return
    param, old = space.params[name], params[name]
    others = [setting[name] for setting in tried if _differs_in(setting, params) == {name}]
    for label, direction in (("lr_too_low", "increase"), ("lr_too_high", "decrease")):
        target = None if ("lr", direction) in opposed else _target("lr", direction, param, old, None, 1)
        new = None if target is None else _untried(param, old, target, others, halves=False)
        if new is not None:
            confidence = next((one.confidence for one in findings if one.label == label), 0.0)
            evidence = "no other change is called for, so the rates a decade away are looked at"
            yield ParameterChange(Finding(label, confidence, evidence, NextChange("lr", direction)), name, old, new)


def takes_back(change: ParameterChange, done: ParameterChange | None) -> bool:
    """Return True if a change moves the parameter that another one has moved, back the way that it came."""
    if done is None or change.param != done.param:
        return False
    values = (done.old, done.new, change.new)
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in values):
        return change.new == done.old
    old, here, new = (float(value) for value in values)
    return (here - old) * (new - here) < 0


def with_change(space: Space, params: Params, change: ParameterChange) -> Params:
    """Return the setting with the change."""
    return space.filled({**params, change.param: change.new})


def _directions(label: str, space: Space, params: Params) -> Sequence[tuple[str, str]]:
    """Return the directions for a cause; a momentum beyond what is usual comes first where it can be the cause."""
    directions = _DIRECTIONS.get(label, ())
    momentum = params.get(parameter_of("momentum", space.names) or "")
    if isinstance(momentum, float) and momentum > _MOST_MOMENTUM:
        return sorted(directions, key=lambda one: one != ("momentum", "decrease"))
    return directions


def _target(key: str, direction: str, param: Param, old: Value, own: object, max_epochs: int) -> Value | None:
    """Choose the value to move to, within the parameter's range; None if it cannot move that way."""
    if isinstance(param, Choice):
        return _choice(param, old, own, direction)
    if not isinstance(old, int | float) or isinstance(old, bool):
        return None
    value = float(own) if isinstance(own, int | float) and not isinstance(own, bool) else None
    if value is None:
        value = _usual(key, direction, float(old), max_epochs)
    value = min(max(value, param.low), param.high)
    if isinstance(param, Int):
        value = round(value)
    rises = direction in ("increase", "slower", "enable")
    if value == old or (key != "grad_clip" and (value > old) is not rises):
        return None
    return param.check(value)


def _usual(key: str, direction: str, old: float, max_epochs: int) -> float:
    """Return the value after the field's usual step."""
    match key:
        case "dropout":
            return max(_DROPOUT, old + 0.2) if direction == "increase" else 0.0
        case "momentum":
            return _MOMENTUM if old > _MOMENTUM else 0.0
        case "lr_schedule":
            return float(_LEFT_OF_RATE ** (1 / max_epochs))
        case "depth":
            return old + 1
        case "grad_clip" if direction == "enable":
            return _CLIP
    factor = _FACTORS.get(key, 10.0)
    return old * factor if direction == "increase" else old / factor


def _choice(param: Choice, old: Value, own: object, direction: str) -> Value | None:
    """Choose the named value if there is one, the next along an ordered list of numbers, or what a switch has on."""
    if own is not None:
        for value in param.values:
            if value != old and (value == own or str(value).lower() == str(own).lower()):
                return value
    if direction == "enable" and old in (False, None, "none") and len(param.values) > 1:
        return next(value for value in param.values if value != old)
    numbers = [value for value in param.values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < len(param.values) or direction not in ("increase", "decrease", "slower"):
        return None
    beyond = [value for value in numbers if (value < old if direction == "decrease" else value > old)]  # type: ignore[operator]  # both are numbers
    return (max if direction == "decrease" else min)(beyond, default=None)


def _untried(param: Param, old: Value, target: Value, others: Sequence[Value], *, halves: bool) -> Value | None:
    """Return the target; where a value was tried on the way or a little beyond, half the way to it, or None."""
    if isinstance(param, Choice):
        return None if target in others else target
    here, there = (float(unit) for unit in param.to_unit([old, target]))
    met = [float(param.to_unit(value)) for value in others if param.contains(value)]
    met = [unit for unit in met if 0 < (unit - here) / (there - here) <= 1 + _SAME / abs(there - here)]
    if met and not halves:
        return None
    if met:
        there = here + (min(met, key=lambda unit: abs(unit - here)) - here) / 2
    if abs(there - here) < _SAME:
        return None
    new = param.decode([there])[0] if met else target
    return None if new == old else new


def _differs_in(one: Mapping[str, Value], other: Mapping[str, Value]) -> set[str]:
    return {name for name in {*one, *other} if one.get(name) != other.get(name)}
