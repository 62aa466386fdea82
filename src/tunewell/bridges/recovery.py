"""The space that runs were drawn from, as far as they tell: of ranges that a source knows, else of values.

A range goes no further than the values do. Its scale is the one that parameters of that name usually have, else by
factors where the values span several.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tunewell.errors import RecordError, SpaceError
from tunewell.space import ready_made
from tunewell.space.params import Choice, Float, Int, Param
from tunewell.space.space import Space
from tunewell.space.usual_names import BATCHES, DECAYS, FACTORS, RATES
from tunewell.space.values import Params, Value

_FACTOR_OF_LOG = 100
_MOST_CHOICES = 50
_LAST_TUNED = 3
_USUAL: Mapping[str, Callable[[], Param]] = {
    **dict.fromkeys(RATES, ready_made.learning_rate),
    **dict.fromkeys(BATCHES, ready_made.batch_size),
    **dict.fromkeys(DECAYS, ready_made.weight_decay),
    **{name: getattr(ready_made, name) for name in ("momentum", "dropout", "layers", "hidden_units", "lr_decay")},
    **dict.fromkeys(("beta1", "beta_1"), ready_made.beta1),
    **dict.fromkeys(("beta2", "beta_2"), ready_made.beta2),
}
_WHOLE = ("batch", "units", "layers", "hidden", "epochs", "seed", "depth", "heads", "workers", "width", "size", "steps")


@dataclass(slots=True)
class Recovered:
    """A space, and the settings of runs in it."""

    space: Space
    params: list[dict[str, Value]]
    """Of each run, by the names that the space has."""
    notes: list[str] = field(default_factory=list)


def names_here(theirs: Sequence[str], renamed: Mapping[str, str]) -> dict[str, str]:
    """Return, by the name in the source, the name here: with letters, digits and _ only.

    renamed: names in the source -> those that they are to have here, several of which may be one.
    """
    found: dict[str, str] = {}
    for name in theirs:
        if name in renamed:
            found[name] = renamed[name]
            continue
        legal = re.sub(r"\W", "_", name)
        legal = legal if legal.isidentifier() else f"p_{legal}"
        legal = f"{legal}_" if hasattr(Params, legal) else legal
        base, number = legal, 2
        while legal in found.values() or (legal in theirs and legal != name):
            legal, number = f"{base}_{number}", number + 1
        found[name] = legal
    return found


def recovered(
    settings: Sequence[Mapping[str, Value]],
    domains: Mapping[str, Param],
    renamed: Mapping[str, str] | None = None,
    *,
    only_floats: bool = False,
) -> Recovered:
    """Return the space of settings.

    Args:
        settings: of each run; a parameter that one lacks is one that it does not have.
        domains: the ranges that are known, by the name in the source.
        renamed: by the name in the source, the name here.
        only_floats: the source keeps each number as a float, so that whole ones may be counts.

    Raises:
        RecordError: no run has any parameter.
    """
    theirs = list(dict.fromkeys(name for one in settings for name in one))
    if not theirs:
        raise RecordError("no run has a parameter: a space cannot be found; log the settings with the runs")
    names = names_here(theirs, renamed or {})
    params = [{names[name]: value for name, value in one.items()} for one in settings]
    notes = [f"{name} is called {here} here" for name, here in names.items() if name != here]
    found: dict[str, Param] = {}
    for here in dict.fromkeys(names.values()):
        values = [one[here] for one in params if here in one]
        if only_floats and _are_counts(here, values):
            for one in params:
                if here in one:
                    one[here] = int(one[here])
            values = [int(value) for value in values]
        known = next((domains[name] for name in names if names[name] == here and name in domains), None)
        param = _fitting(known, values) if known is not None else _of_values(here, values)
        if param is None:
            notes.append(
                f"{here} has {len({*map(repr, values)})} texts in {len(values)} runs; it is kept, and not tuned"
            )
            continue
        found[here] = param
        if len(values) < len(params):
            notes.append(
                f"{here} is in {len(values)} of {len(params)} runs; if another name means the same, say so: "
                f"--rename {here}=NAME"
            )
    if not found:
        raise RecordError("no run has a parameter with a few values or a range; name those that matter: --params A,B")
    space = Space(found)
    tuned = {
        name: param if space.tier(name) <= _LAST_TUNED else replace(param, tier=_LAST_TUNED)
        for name, param in found.items()
    }
    return Recovered(Space(tuned), params, notes)


def widened(space: Space, settings: Sequence[Mapping[str, Value]]) -> Space:
    """Return a space that holds further settings too; the same one if it does already."""
    found = dict(space.params)
    for name in dict.fromkeys(name for one in settings for name in one):
        values = [one[name] for one in settings if name in one]
        param = _fitting(found[name], values) if name in found else _of_values(name, values)
        if param is not None:
            found[name] = param
    return space if found == dict(space.params) else Space(found)


def _are_counts(name: str, values: Sequence[Value]) -> bool:
    numbers = [value for value in values if isinstance(value, float)]
    if len(numbers) < len(values) or not all(value.is_integer() for value in numbers):
        return False
    return any(word in name.lower() for word in _WHOLE) or any(abs(value) > 1 for value in numbers)


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")


def _fitting(param: Param, values: Sequence[Value]) -> Param:
    """Return a parameter that may take these values too: as it is if it may, else wider."""
    outside = [value for value in values if not param.contains(value)]
    if not outside:
        return param
    if not isinstance(param, Choice) and all(map(_is_number, outside)):
        numbers = [float(value) for value in outside]
        low, high = min(param.low, *numbers), max(param.high, *numbers)
        whole = isinstance(param, Int) and low.is_integer() if isinstance(low, float) else isinstance(param, Int)
        is_whole = isinstance(param, Int) and all(number.is_integer() for number in numbers) and whole
        scale = param.scale if _may_have(param.scale, low, high) else "linear"
        tier, live = param.tier, param.live
        try:
            if is_whole:
                return Int(int(low), int(high), scale=scale, tier=tier, live=live, when=param.when)
            return Float(float(low), float(high), scale=scale, tier=tier, live=live, when=param.when)
        except SpaceError:
            pass
    known = list(param.values) if isinstance(param, Choice) else []
    return _choice([*known, *(values if not known else outside)]) or param


def _may_have(scale: str, low: float, high: float) -> bool:
    try:
        Float(float(low), float(high), scale=scale)
    except SpaceError:
        return False
    return True


def _of_values(name: str, values: Sequence[Value]) -> Param | None:
    """Return the parameter that has these values; None for texts of which nearly each run has its own."""
    if not all(map(_is_number, values)):
        return _choice(values)
    low, high = min(map(float, values)), max(map(float, values))
    whole = all(isinstance(value, int) for value in values)
    if low == high:
        return _choice(values[:1])
    usual = _usual(name)
    scale, tier = "linear", None
    if usual is not None:
        tier = usual.tier
        scale = usual.scale if not isinstance(usual, Choice) else scale
    elif low > 0 and (high / low >= _FACTOR_OF_LOG or name.lower() in FACTORS):
        scale = "log"
    scale = scale if _may_have(scale, low, high) else "linear"
    try:
        return Int(int(low), int(high), scale=scale, tier=tier) if whole else Float(low, high, scale=scale, tier=tier)
    except SpaceError:
        return _choice(values)  # numbers that no range holds


def _usual(name: str) -> Param | None:
    """Return the ready-made parameter that a name means, as `lr`, `optimizer_lr` and `dropout_1` do."""
    words = name.lower().strip("_0123456789")
    ends = [known for known in _USUAL if words == known or words.endswith(f"_{known}")]
    return _USUAL[max(ends, key=len)]() if ends else None


def _choice(values: Sequence[Value]) -> Choice | None:
    plain = list(dict.fromkeys((type(value).__name__, value) for value in values))
    listed = [value for _, value in plain]
    if len(listed) > _MOST_CHOICES and len(listed) > len(values) // 4:
        return None
    try:
        return Choice(sorted(listed) if all(map(_is_number, listed)) else listed)
    except (SpaceError, TypeError):
        return None
