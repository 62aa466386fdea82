"""The aims of a study: one metric or several, each with its direction, and limits on what trainings report.

Of several metrics the first is the study's metric wherever one number is shown.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from tunewell.errors import SettingError
from tunewell.space.constraints import ConstraintLike
from tunewell.space.mends import shown
from tunewell.space.space import Space
from tunewell.study.metric import direction_of

_TESTS: Mapping[str, Callable[[Any, Any], Any]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_BOUND = re.compile(rf"\s*(<=|>=|<|>)\s*({_NUMBER})\s*")
_ON_A_METRIC = re.compile(rf"\s*([^\s<>=]+?)\s*(<=|>=|<|>)\s*({_NUMBER})\s*")
_NEAR = 0.8  # of a name to a parameter's, above which it was probably meant
_EXAMPLE = '{"memory_gb": "<= 8"}'

Constraints = ConstraintLike | Mapping[str, str] | Sequence[ConstraintLike | Mapping[str, str]]
"""On settings, a text or a function; on what is reported, a text such as `memory_gb <= 8` or a dict."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A constraint on a metric that trainings report: `memory_gb <= 8`."""

    metric: str
    test: str
    """`<=`, `>=`, `<` or `>`."""
    bound: float

    def __str__(self) -> str:
        return f"{self.metric} {self.test} {self.bound:g}"

    @property
    def sign(self) -> float:
        """1 where too much breaks it, -1 where too little does."""
        return 1.0 if self.test in ("<=", "<") else -1.0

    def holds(self, values: Any) -> Any:
        """Return whether values meet it; NaN does not."""
        return _TESTS[self.test](values, self.bound)

    @classmethod
    def parse(cls, text: str) -> Limit:
        """Return the limit that a text such as `memory_gb <= 8` describes. Raises SettingError if it is none."""
        found = _ON_A_METRIC.fullmatch(text)
        if found is None:
            raise SettingError(f"a constraint on what is reported is written as in 'memory_gb <= 8', got {text!r}")
        return cls(found[1], found[2], float(found[3]))


@dataclass(frozen=True, slots=True)
class Aims:
    """The metrics of a study, and the limits on others."""

    metrics: Mapping[str, str]
    """Name -> `minimize` or `maximize`; at least one, the study's metric first."""
    limits: tuple[Limit, ...] = ()
    signs: Mapping[str, float] = field(init=False, repr=False, compare=False)
    """Name -> 1 or -1, by which it is to be multiplied so that lower is better."""

    def __post_init__(self) -> None:
        signs = {name: -1.0 if direction == "maximize" else 1.0 for name, direction in self.metrics.items()}
        object.__setattr__(self, "signs", MappingProxyType(signs))
        _check_possible(self.limits)

    @property
    def are_several(self) -> bool:
        """True if there is more than one metric, so that a front is searched for."""
        return len(self.metrics) > 1

    @property
    def names(self) -> tuple[str, ...]:
        """All metrics that count, those of limits last."""
        return tuple(dict.fromkeys([*self.metrics, *(limit.metric for limit in self.limits)]))

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON data; empty where there is one metric and no limit."""
        several = {"metrics": dict(self.metrics)} if self.are_several else {}
        limits = {"limits": [str(limit) for limit in self.limits]} if self.limits else {}
        return {**several, **limits}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], metric: str, direction: str) -> Aims:
        """Return the aims of a study, as on record, with its metric; what cannot be read is left out."""
        found = data.get("metrics")
        metrics = {str(name): str(which) for name, which in found.items()} if isinstance(found, Mapping) else {}
        texts = data.get("limits")
        limits = [
            Limit.parse(text)
            for text in (texts if isinstance(texts, list) else ())
            if isinstance(text, str) and _ON_A_METRIC.fullmatch(text)
        ]
        return cls({metric: direction} | metrics, tuple(limits))

    def __str__(self) -> str:
        return ", ".join(f"{direction} {name}" for name, direction in self.metrics.items())


def aims_of(
    metric: str | None, direction: str | None, metrics: Mapping[str, str | None] | None, limits: Sequence[Limit] = ()
) -> Aims:
    """Return the aims that a user means.

    Raises:
        SettingError: they contradict each other, or a direction is neither given nor known from the name.
    """
    if metrics is None:
        return Aims({metric or "": direction_of(metric or "", direction)}, tuple(limits))
    if not isinstance(metrics, Mapping) or not metrics:
        raise SettingError(
            "metrics are names and directions, as in metrics={'val_accuracy': 'maximize', 'latency_ms': 'minimize'}; "
            f"got {shown(metrics)}"
        )
    found = {name: direction_of(name, which) for name, which in metrics.items()}
    if direction is not None:
        raise SettingError(
            "of several metrics each has its own direction: metrics={'loss': 'minimize'}; leave out direction"
        )
    if metric is not None and metric != next(iter(found)):
        raise SettingError(f"metric is {metric!r} and metrics begin with {next(iter(found))!r}; leave out metric")
    return Aims(found, tuple(limits))


def stated(aims: Aims) -> dict[str, Any]:
    """Return aims as the arguments that mean them: metric, direction, metrics, constraints."""
    limits = [str(limit) for limit in aims.limits]
    if aims.are_several:
        return {"metrics": dict(aims.metrics), "constraints": limits}
    ((metric, direction),) = aims.metrics.items()
    return {"metric": metric, "direction": direction, "constraints": limits}


def parse_metrics(texts: Iterable[str]) -> dict[str, str | None] | None:
    """Return the metrics that `name:direction` or `name`, several with commas between them, mean; None for no text.

    Raises:
        SettingError: one is named twice.
    """
    found: dict[str, str | None] = {}
    for text in texts:
        for one in filter(None, map(str.strip, text.split(","))):
            name, colon, direction = one.rpartition(":")
            name, which = (name, direction.strip()) if colon else (one, None)
            if name in found:
                also = "" if found[name] == which else f", once to {found[name]} and once to {which}"
                raise SettingError(f"the metric {name!r} is named twice{also}; name each once")
            found[name] = which
    return found or None


def sorted_out(constraints: Constraints | None, space: Space) -> tuple[Space, tuple[Limit, ...]]:
    """Return the space with the constraints that are on its parameters, and those that are on what is reported.

    Raises:
        SettingError, SpaceError: one is neither.
    """
    on_settings: list[ConstraintLike] = []
    limits: dict[Limit, None] = {}
    for one in _each(constraints):
        if isinstance(one, str) and (limit := _on_a_metric(one, space)) is not None:
            limits[limit] = None
        else:
            on_settings.append(one)
    return space.where(*on_settings) if on_settings else space, tuple(limits)


def _each(constraints: object) -> list[Any]:
    """Return the constraints one by one, those of a dict as text."""
    match constraints:
        case None:
            return []
        case Mapping():
            found = []
            for name, bound in constraints.items():
                if not isinstance(bound, str) or not _BOUND.fullmatch(bound):
                    raise SettingError(
                        f"constraints[{name!r}] needs a comparison with a number, such as '<= 8', got {shown(bound)}; "
                        f"write {_EXAMPLE}"
                    )
                found.append(f"{name} {bound}")
            return found
        case list() | tuple():
            return [one for part in constraints for one in _each(part)]
    return [constraints]


def _on_a_metric(text: str, space: Space) -> Limit | None:
    """Return the limit that a text means that names no parameter; None of one that does, or nearly so."""
    found = _ON_A_METRIC.fullmatch(text)
    if found is None or found[1] in space.params or re.fullmatch(_NUMBER, found[1]):
        return None
    if not found[1].isidentifier() and re.search(r"[*+()]", found[1]):  # val/acc is a metric, hidden*layers is none
        return None
    if get_close_matches(found[1], space.names, n=1, cutoff=_NEAR):
        return None  # which says what was probably meant
    return Limit.parse(text)


def _check_possible(limits: Iterable[Limit]) -> None:
    lows: dict[str, Limit] = {}
    highs: dict[str, Limit] = {}
    for limit in limits:
        known = highs if limit.sign > 0 else lows
        tighter = limit.sign * limit.bound < limit.sign * known[limit.metric].bound if limit.metric in known else True
        if tighter:
            known[limit.metric] = limit
        if not math.isfinite(limit.bound):
            raise SettingError(f"the constraint {limit} needs a finite number")
    for name in lows.keys() & highs.keys():
        low, high = lows[name], highs[name]
        if low.bound > high.bound or (low.bound == high.bound and "=" not in low.test + high.test):
            raise SettingError(f"no training can report a {name!r} that meets both {low} and {high}; leave one out")
