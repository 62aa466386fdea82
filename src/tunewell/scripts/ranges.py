"""The ranges of hyperparameters, each around the script's own default, which is always inside.

They are those of the ready-made parameters where there is one. A maker takes a setting and what is known of its script,
and returns a parameter, or why there is none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tunewell.scripts.libraries.setting import Setting
from tunewell.space import ready_made
from tunewell.space.params import Choice, Float, Int, Param
from tunewell.space.usual_names import SHARES

_DECADE = 10.0
_MOST_CHOICES = 12
IN_STEPS = "is the length of a training, in steps"


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of a script, besides the one setting."""

    optimizer: str = "sgd"
    """Which it trains with, by its default."""
    compared: Callable[[str], Sequence[str]] = lambda _: ()
    """Returns the texts that the source compares a setting with."""
    has_heads: bool = False
    """Attention has several heads, which must divide a width."""
    is_reinforcement: bool = False
    is_step_long: bool = False
    """Another setting is the training's length in steps."""


Make = Callable[[Setting, Facts], Param | str]
"""Returns a parameter, or why there is none."""


def plain_name(name: str) -> str:
    """Return a name in lower case, its words between underscores: `maxGradNorm` is `max_grad_norm`."""
    text = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name.rpartition(".")[2].lstrip("-"))
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _nice(value: float, *, up: bool) -> float:
    """Return a number of one digit near by, outwards."""
    if value == 0:
        return 0.0
    exponent = math.floor(math.log10(abs(value)))
    digits = value / 10.0**exponent
    return float(f"{(math.ceil(digits - 1e-9) if up else math.floor(digits + 1e-9)) * 10.0**exponent:.6g}")


def _whole(setting: Setting) -> int | None:
    value = setting.default
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        return None
    return int(value)


def _real(setting: Setting) -> float | None:
    value = setting.default
    return None if isinstance(value, bool) or not isinstance(value, int | float) else float(value)


def _takes_reals(make: Make) -> Make:
    """Return a maker that refuses what takes whole numbers only, or text."""

    def checked(setting: Setting, facts: Facts) -> Param | str:
        if setting.kind == "bool":
            return truth(setting)
        if setting.kind not in ("float", "number"):
            return "takes whole numbers only" if setting.kind == "int" else _text(setting, facts)
        return make(setting, facts)

    return checked


def takes_wholes(make: Callable[[int | None, Facts], Param | str]) -> Make:
    """Return a maker that is given the default as a whole number."""

    def checked(setting: Setting, facts: Facts) -> Param | str:
        default = _whole(setting)
        if setting.kind not in ("int", "number") or (default is None and setting.default is not None):
            return _text(setting, facts) if setting.kind in ("str", "other") else "is no whole number"
        return make(default, facts)

    return checked


def _text(setting: Setting, facts: Facts) -> Param | str:
    return named(setting, facts) if setting.kind == "str" and setting.choices else "is text"


def log(param: Float) -> Make:
    """Return a maker of a range by factors; a default of 0 makes it a choice that holds 0 too."""

    def make(setting: Setting, _: Facts) -> Param | str:
        default = _real(setting)
        if default is not None and default < 0:
            return "its default is below 0"
        if default == 0:
            return _from_zero(param)
        return _around(param, default)

    return _takes_reals(make)


def _around(param: Float, default: float | None) -> Float:
    """Return a range by factors that holds the default, at least a decade from its ends."""
    if default is None:
        return replace(param, live=False)
    low, high = param.low, param.high
    if default < low * _DECADE:
        low = min(low, _nice(default / _DECADE / 3, up=False))
        high = min(high, max(_nice(default * 300, up=True), default * _DECADE))
    elif default > high / _DECADE:
        high = max(high, _nice(default * _DECADE, up=True))
    return Float(low, high, scale="log", tier=param.tier, default=default)


def _from_zero(param: Float) -> Choice:
    """Return the decades of a range, with 0, which is its default."""
    low, high = math.ceil(math.log10(param.low) - 1e-9), math.floor(math.log10(param.high) + 1e-9)
    values = [0.0, *(float(f"1e{exponent}") for exponent in range(low, high + 1))]
    return Choice(values, ordered=True, tier=param.tier, default=0.0)


def share(param: Float) -> Make:
    """Return a maker of an even range of shares, from 0 to 1 at most."""

    def make(setting: Setting, _: Facts) -> Param | str:
        default = _real(setting)
        if default is None:
            return replace(param, live=False)
        if default < 0:
            return "its default is below 0"
        low = param.low if default >= param.low else max(0.0, _nice(default / 2, up=False))
        high = (
            param.high
            if default <= param.high
            else default * 2
            if default > 1
            else min(1.0, _nice(default * 1.2, up=True))
        )
        return Float(low, max(high, default), scale="linear", tier=param.tier, default=default)

    return _takes_reals(make)


def near_one(param: Float) -> Make:
    """Return a maker of a range that is even in log(1 - value)."""

    def make(setting: Setting, _: Facts) -> Param | str:
        default = _real(setting)
        if default is None:
            return replace(param, live=False)
        if not 0 <= default < 1:
            return "its default is not from 0 to 1"
        low = param.low if default >= param.low else max(0.0, _nice(default / 2, up=False))
        high = max(param.high, float(f"{1 - (1 - default) / 5:.6g}")) if default > param.high else param.high
        return Float(low, high, scale="log1m", tier=param.tier, default=default)

    return _takes_reals(make)


def allowed(param: Param | str, setting: Setting) -> Param | str:
    """Return a parameter as far as the script's own choices and bounds let it go."""
    if isinstance(param, str):
        return param
    if setting.choices and not (isinstance(param, Choice) and {*param.values} <= {*setting.choices}):
        numbers = sorted(one for one in setting.choices if isinstance(one, int | float))
        if len(numbers) < max(2, len(setting.choices)) or setting.default not in (None, *numbers):
            return "is one of its own choices"
        return Choice(numbers, ordered=True, tier=param.tier, default=setting.default)
    least, most = setting.bounds
    if isinstance(param, Choice):
        inside = [one for one in param.values if not isinstance(one, int | float) or _is_between(one, least, most)]
        return replace(param, values=inside) if len(inside) > 1 else "is held by its bounds"
    low = param.low if least is None else max(param.low, least)
    high = param.high if most is None else min(param.high, most)
    if low >= high or (param.default is not None and not low <= param.default <= high):
        return "is held by its bounds"
    if isinstance(param, Int):
        return replace(param, low=int(low), high=int(high), live=False)
    return replace(param, low=low, high=high, live=False)


def _is_between(value: float, least: float | None, most: float | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)


def rate(setting: Setting, facts: Facts) -> Param | str:
    """Return a learning rate, of the optimizer that the script trains with."""
    usual = ready_made.learning_rate(facts.optimizer)
    return log(usual)(setting, facts)


def _batch(default: int | None, _: Facts) -> Param | str:
    """Return a batch size: of powers of two, if the default is one."""
    usual = ready_made.batch_size()
    default = default or usual.default
    assert default is not None
    if default < 1:
        return "its default is below 1"
    low, high = min(usual.low, max(1, default // 2)), max(usual.high, default * 4)
    if default & (default - 1):
        return Int(low, high, scale="log", tier=usual.tier, default=default)
    values = [2**power for power in range((low - 1).bit_length(), high.bit_length())]
    if len(values) > _MOST_CHOICES:
        values = [value for value in values if default / 64 <= value <= default * 16]
    return Choice(values, ordered=True, tier=usual.tier, default=default)


def powers(tier: int, *, below: float, above: float) -> Make:
    """Return a maker of the default halved and doubled."""

    def make(default: int | None, _: Facts) -> Param | str:
        if default is None or default < 1:
            return "has no default that is 1 or more"
        values = {default}
        for way, bound in ((0.5, default * below), (2.0, default * above)):
            value = default * way
            while value == int(value) and value >= 1 and (value >= bound if way < 1 else value <= bound):
                values.add(int(value))
                value *= way
        return Choice(sorted(values), ordered=True, tier=tier, default=default)

    return takes_wholes(make)


def width(setting: Setting, facts: Facts) -> Param | str:
    """Return a number of units; halved and doubled where heads have to divide it."""
    if setting.kind == "float":
        return share(Float(1.0, 8.0, tier=3))(setting, facts)  # a width as a multiple of another
    usual = ready_made.hidden_units()
    default = _whole(setting)
    if facts.has_heads and default is not None and default % 2 == 0:
        return powers(usual.tier or 2, below=0.25, above=4)(setting, facts)
    if setting.kind in ("int", "number") and default is not None and default < 1:
        return "its default is below 1"

    def make(default: int | None, _: Facts) -> Param | str:
        if default is None:
            return replace(usual, live=False)
        low = usual.low if default >= 2 * usual.low else max(1, default // 4)
        return Int(
            low, max(usual.high if default >= 16 else 4 * usual.low, default * 4), scale="log", tier=2, default=default
        )

    return takes_wholes(make)(setting, facts)


def _layers(default: int | None, _: Facts) -> Param | str:
    """Return a number of layers."""
    usual = ready_made.layers()
    default = usual.default if default is None else default
    assert default is not None
    if default < 0:
        return "its default is below 0"
    return Int(min(usual.low, default), max(usual.high, 2 * default), tier=usual.tier, default=default)


def counted(tier: int, *, low: int = 1, least_high: int = 10, factor: int = 4) -> Make:
    """Return a maker of whole numbers around the default."""

    def make(default: int | None, _: Facts) -> Param | str:
        if default is None:
            return Int(low, least_high, tier=min(tier, 3))  # what has no default cannot be held at it
        if default < 0:
            return "its default is below 0"
        bottom = min(default, max(low, default // factor))
        top = max(least_high, default * factor)
        return Int(bottom, top, scale="log" if bottom > 0 else "linear", tier=tier, default=default)

    return takes_wholes(make)


def kernel(setting: Setting, facts: Facts) -> Param | str:
    """Return the width of a convolution, or the kernel of a machine by name."""
    if setting.kind == "str":
        return named(setting, facts)

    def make(default: int | None, _: Facts) -> Param | str:
        if default is None or default < 1:
            return "has no default that is 1 or more"
        values = {value for value in (3, 5, 7, 9) if value % 2 == default % 2} if default > 1 else {1, 3, 5}
        near = {default, default + 2} | ({default - 2} if default > 2 else set())
        return Choice(sorted(values | near), ordered=True, tier=3, default=default)

    return takes_wholes(make)(setting, facts)


def gamma(setting: Setting, facts: Facts) -> Param | str:
    """Return a gamma: a rate's decay, a discount, or a kernel's width."""
    default = _real(setting)
    if setting.kind == "str":
        return named(setting, facts)
    if default is not None and default >= 1:
        return share(Float(0.0, 5.0, tier=3))(setting, facts)
    if default is not None and default < 0.9 and not facts.is_reinforcement:
        if default >= 0.05:
            return share(Float(0.05, 0.99, tier=3))(setting, facts)
        return log(Float(1e-4, 10.0, scale="log", tier=2))(setting, facts)
    return near_one(Float(0.5 if not facts.is_reinforcement else 0.8, 0.9999, scale="log1m", tier=3))(setting, facts)


def exponent(setting: Setting, facts: Facts) -> Param | str:
    """Return the power of ten that a rate or a penalty is given as; one that is not below 0 is something else."""
    default = _real(setting)
    if default is None or default >= 0:
        return decay(setting, facts)
    if setting.kind == "int":
        return Int(math.floor(default) - 2, min(-1, math.ceil(default) + 2), tier=1, default=int(default))
    return _takes_reals(lambda *_: Float(default - 2, min(0.0, default + 2), tier=1, default=default))(setting, facts)


def decay(setting: Setting, facts: Facts) -> Param | str:
    """Return the parameter of a `decay`: of the weights if it is small, of the rate or an average if it is near 1."""
    default = _real(setting)
    if default is not None and default > 1:
        return share(Float(1.0, 2.0, tier=3))(setting, facts)  # what a rate is divided by
    if default is not None and default > 0.05:
        if default == 1:
            return share(Float(0.5, 1.0, tier=3))(setting, facts)
        if default >= 0.5:
            return near_one(Float(0.5, 0.999, scale="log1m", tier=3))(setting, facts)
        return share(Float(0.05, 0.9, tier=3))(setting, facts)
    return log(ready_made.weight_decay())(setting, facts)


def momentum(setting: Setting, facts: Facts) -> Param | str:
    """Return a momentum: of the optimizer, or of a normalization's averages."""
    default = _real(setting)
    is_of_norm = re.search(r"(^|_)(bn|batch_?norm|norm)(_|$)", plain_name(setting.name)) is not None
    if is_of_norm and default is not None and default < 0.5:
        return log(Float(0.01, 0.5, scale="log", tier=4, default=0.1))(setting, facts)
    return near_one(ready_made.momentum())(setting, facts)


def dropout(setting: Setting, facts: Facts) -> Param | str:
    """Return a share that is dropped, or kept."""
    if "keep" in setting.name.lower():
        return share(Float(0.4, 1.0, tier=3))(setting, facts)
    return share(ready_made.dropout())(setting, facts)


def epsilon(setting: Setting, facts: Facts) -> Param | str:
    """Return what keeps a division from zero."""
    default = _real(setting)
    if default is not None and default >= 1e-3:
        return coefficient(setting, facts)
    return log(Float(1e-9, 1e-5, scale="log", tier=4, default=1e-8))(setting, facts)


def coefficient(setting: Setting, facts: Facts) -> Param | str:
    """Return a factor of a term, by factors around its default; a share stays below 1."""
    default = _real(setting)
    if default is None and setting.kind in ("float", "number"):
        return Float(1e-3, 1.0, scale="log", tier=3)
    name = plain_name(setting.name)
    if (
        default is not None
        and 0 < default < 1
        and (any(word in name for word in SHARES) or re.search(r"(^|_)(alpha|tau|p)$", name))
    ):
        if default >= 0.9:
            return near_one(Float(0.5, 0.9999, scale="log1m", tier=3))(setting, facts)
        if default >= 0.05:
            return share(Float(0.0, 1.0, tier=3))(setting, facts)
        return log(Float(_nice(default / 10, up=False), min(0.99, _nice(default * 30, up=True)), scale="log", tier=3))(
            setting, facts
        )
    if default is None or default <= 0:
        return log(Float(1e-4, 1.0, scale="log", tier=3))(setting, facts)
    return log(Float(_nice(default / 10, up=False), _nice(default * 10, up=True), scale="log", tier=3))(setting, facts)


def number(setting: Setting, facts: Facts) -> Param | str:
    """Return a coefficient, or whole numbers around the default."""
    return counted(3)(setting, facts) if setting.kind == "int" else coefficient(setting, facts)


def clip(setting: Setting, facts: Facts) -> Param | str:
    """Return a bound of the gradient's norm."""
    default = _real(setting)
    if default == 0 or default is None:
        if setting.kind not in ("float", "number"):
            return _text(setting, facts)
        values = [0.0, 0.1, 0.5, 1.0, 5.0] if default == 0 else [0.1, 0.5, 1.0, 5.0]
        return Choice(values, ordered=True, tier=3, default=0.0 if default == 0 else 1.0)
    if setting.kind == "int":
        return counted(3)(setting, facts)
    return coefficient(setting, facts)


def warmup(setting: Setting, facts: Facts) -> Param | str:
    """Return the length of a warm-up: a share, epochs or steps."""
    default = _real(setting)
    if setting.kind == "float" and (default is None or default <= 1):
        return share(Float(0.0, 0.3, tier=3))(setting, facts)
    in_epochs = "epoch" in setting.name.lower() or (default is not None and 0 < default <= 20)
    if setting.kind == "float":
        return Float(0.0, max(5.0, 4 * (default or 0)), tier=3, default=default)

    def make(default: int | None, _: Facts) -> Param | str:
        return Int(0, max(5 if in_epochs else 1000, 4 * (default or 0)), tier=3, default=default)

    return takes_wholes(make)(setting, facts)


def named(setting: Setting, facts: Facts) -> Param | str:
    """Return a choice of names: those that the flag lists, or that the source compares it with."""
    listed = [one for one in setting.choices if isinstance(one, str | int | float)]
    texts = listed or [one for one in facts.compared(setting.name) if one]
    if setting.default is not None and setting.default not in texts:
        if listed:
            return "its default is none of its choices"
        texts = [str(setting.default), *texts]
    if setting.kind not in ("str", "other", "int", "float", "number") or len(texts) < 2:
        return "is text, and the values that it may have are not known"
    if len(texts) > _MOST_CHOICES:
        return f"has {len(texts)} choices; a space of your own (--space) can have a few of them"
    if len({str(one) for one in texts}) < len(texts):
        return "its choices look alike"
    return Choice(texts, tier=2 if "optim" in setting.name.lower() else 3, default=setting.default)


def truth(setting: Setting) -> Param | str:
    """Return a choice of True and False."""
    default = setting.default if isinstance(setting.default, bool) else False
    return Choice([False, True], tier=3, default=default)


def steps(setting: Setting, facts: Facts) -> Param | str:
    """Return the steps of a rollout where the training's length is another setting."""
    if facts.is_step_long or re.search(r"rollout|per (env|update)|horizon", setting.help.lower()):
        return powers(3, below=0.25, above=4)(setting, facts)
    return IN_STEPS


batch: Make = takes_wholes(_batch)
layers: Make = takes_wholes(_layers)
weight_decay: Make = log(ready_made.weight_decay())
heads: Make = powers(3, below=0.25, above=2)
