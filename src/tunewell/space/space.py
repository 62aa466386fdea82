"""The space of what may be tuned: parameters by name, laid out in the unit cube, one coordinate a parameter.

Shapes: n points, d parameters. Every coordinate lies in [0, 1]; NaN stands for a parameter that is inactive
under its `when=` condition.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import is_dataclass, replace
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tunewell.arrays import own_numerics
from tunewell.errors import SpaceError
from tunewell.near_names import did_you_mean
from tunewell.space.constraints import Constraint, ConstraintLike, check_names, constraint
from tunewell.space.declared import declared
from tunewell.space.feasible import Feasible, Settings
from tunewell.space.lint import doubts
from tunewell.space.mends import mend, shown
from tunewell.space.params import Choice, Float, Int, Param
from tunewell.space.toml import data_of, from_dict, to_dict, written
from tunewell.space.values import Params, Value, plain

_Item = TypeVar("_Item")
_Map = Callable[[Sequence[Value]], NDArray[np.float64]]
CONSTRAINTS = "constraints"
"""What stands beside the parameters of a space, as data: a list of texts."""
_NO_MAPS: Mapping[str, _Map] = MappingProxyType({})
_TIERS = {
    1: ("learning_rate", "lr", "base_lr", "max_lr", "eta", "eta0", "alpha", "step_size"),
    2: ("batch_size", "hidden", "hidden_units", "hidden_size", "units", "width", "channels", "momentum"),
    3: ("layers", "n_layers", "num_layers", "depth", "lr_decay", "decay", "dropout", "weight_decay", "l1", "l2"),
    4: ("beta1", "beta2", "beta_1", "beta_2", "epsilon", "eps"),
}
_TIER_OF = {name: tier for tier, names in _TIERS.items() for name in names}


class Space:
    """Parameters that may be tuned, and constraints on them, which every setting meets that is drawn.

    Example:
        >>> space = tw.Space(
        ...     optimizer=tw.Choice(["sgd", "adam"], default="sgd"),
        ...     momentum=tw.momentum(when={"optimizer": "sgd"}),  # inactive with adam
        ... )
        >>> space.defaults()
        Params(optimizer='sgd', momentum=0.9)

    It never changes; two that have the same parameters in the same order, and the same constraints, are equal.
    """

    __slots__ = ("_conditional", "_constraints", "_feasible", "_order", "_params")

    def __init__(self, params: Mapping[str, Param] | None = None, /, **named: Param) -> None:
        """Take the parameters by name, as a mapping or as keywords.

        Raises:
            SpaceError: there are none, a name or a parameter cannot be used, or a condition cannot hold.
        """
        unnamed: Mapping[str, Param] = {} if params is None else params
        if not isinstance(unnamed, Mapping):
            raise SpaceError(f"parameters need names, as in Space(momentum=tw.momentum()); got {unnamed!r}")
        if twice := named.keys() & unnamed.keys():
            raise SpaceError(f"{min(twice)}: given twice, in the mapping and as a keyword; leave one out")
        self._params = {**unnamed, **named}
        if not self._params:
            raise SpaceError("a space needs at least one parameter, such as learning_rate=tw.learning_rate()")
        for name, param in self._params.items():
            _check_name(name)
            if not isinstance(param, Float | Int | Choice):
                raise SpaceError(f"{name}: {shown(param)} is no parameter; {mend(param)}")
        self._conditional = any(param.conditions for param in self._params.values())
        self._order = _parents_first(self._params)
        self._constraints: tuple[Constraint, ...] = ()
        self._feasible: Feasible | None = None

    def where(self, *constraints: ConstraintLike | Constraint) -> Space:
        """Return the space with constraints more, each a text or a function of the params.

            space.where("hidden * layers <= 4096", lambda p: p.warmup < p.epochs)

        A setting that does not meet them is never drawn. One with an inactive parameter that a constraint names meets
        it.

        Raises:
            SpaceError: one cannot be computed, names what is no parameter, or no setting meets them all.
        """
        found = Space(self._params)
        known = dict.fromkeys([*self._constraints, *map(constraint, constraints)])
        for one in known:
            check_names(one, self.names)
        if known and CONSTRAINTS in self._params:
            raise SpaceError(f"a parameter of a space that has constraints cannot be called {CONSTRAINTS!r}")
        found._constraints = tuple(known)
        if known:
            found._feasible = _feasible(found)
        return found

    @property
    def constraints(self) -> tuple[str, ...]:
        """The constraints, as text."""
        return tuple(one.text for one in self._constraints)

    def feasible(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return at which unit points, (n, d), the settings meet the constraints, (n,)."""
        return np.ones(len(points), dtype=bool) if self._feasible is None else self._feasible.holds(points)

    @classmethod
    def of(cls, settings: type) -> Space:
        """Return the space that a `TypedDict` or a dataclass declares, whose type `Run` then gives to `run.params`.

            class Settings(TypedDict):
                learning_rate: Annotated[float, tw.learning_rate()]
                layers: Annotated[int, tw.Int(1, 4)]

            space = tw.Space.of(Settings)

            def train(run: tw.Run[Settings]) -> None:
                rate = run.params["learning_rate"]  # a float, as type checkers see it

        Raises:
            SpaceError: it declares none, or a field has no parameter, or one of another type.
        """
        return cls(declared(settings))

    @property
    def params(self) -> Mapping[str, Param]:
        """The parameters by name, in the order of the coordinates."""
        return MappingProxyType(self._params)

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in the order of the coordinates."""
        return tuple(self._params)

    @property
    def parents_first(self) -> tuple[str, ...]:
        """The names in an order in which each parameter comes after those that its condition is on."""
        return self._order

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Space)
            and list(self._params.items()) == list(other._params.items())
            and self._constraints == other._constraints
        )

    def __hash__(self) -> int:
        return hash(self.names)

    def __repr__(self) -> str:
        where = f".where({', '.join(map(repr, self.constraints))})" if self._constraints else ""
        return f"Space({', '.join(f'{name}={param!r}' for name, param in self._params.items())}){where}"

    def __reduce__(self) -> tuple[Callable[..., Space], tuple[object, ...]]:
        return _restored, (self._params, self.constraints)

    def tier(self, name: str) -> int:
        """Return how important a parameter is, 1 to 4: as it is declared, else by its name, else 2."""
        param = self._params[name]
        if param.tier is not None:
            return param.tier
        # dropout_1 and hidden2 go by dropout and hidden
        tier = _TIER_OF.get(name) or _TIER_OF.get(name.rstrip("_0123456789"), 2)
        return min(tier, 3) if param.default is None else tier  # tier 4 is held at a default

    def defaults(self) -> Params:
        """Return params that are all at their defaults; one without a default is at the middle of its scale.

        Where they do not meet the constraints: the nearest to them that were found to.
        """
        usual = Params(self._active({name: param.usual for name, param in self._params.items()}))
        return usual if self._unmet(usual) is None else self.decode(self.encode(usual))

    def check(self, params: Mapping[str, object]) -> Params:
        """Return a user's params as trials have them: plain values, in order; what is inactive is left out.

        Raises:
            SpaceError: an unknown name, an active parameter without a value, a value outside, or a constraint that is
                not met.
        """
        for name in params:
            if name not in self._params:
                raise SpaceError(f"there is no parameter {name!r}; {_closest(name, self._params)}")
        values: dict[str, Value] = {}
        for name in self._order:
            param = self._params[name]
            if not _holds(param, values):
                continue
            if name not in params:
                raise SpaceError(f"{name}: it has no value; give one, such as {name}={param.usual!r}")
            try:
                values[name] = param.check(params[name])
            except SpaceError as error:
                raise SpaceError(f"{name}: {error}") from None
        if (unmet := self._unmet(values)) is not None:
            raise SpaceError(f"the setting does not meet {unmet.text}: {unmet.got(values)}")
        return Params(self._in_order(values))

    def _unmet(self, values: Mapping[str, Value]) -> Constraint | None:
        """Return the first constraint that a setting does not meet."""
        for one in self._constraints:
            if all(name in values for name in one.names):
                columns = {name: np.array([values[name]], dtype=object) for name in one.names}
                if not one.holds(columns)[0]:
                    return one
        return None

    def filled(self, params: Mapping[str, Value]) -> Params:
        """Return the params of which some values are given; the others are at their defaults.

        Raises:
            SpaceError: an unknown name, or a value outside.
        """
        return self.check(self.completed(params, {name: param.usual for name, param in self._params.items()}))

    @own_numerics
    def encode(self, params: Mapping[str, Value]) -> NDArray[np.float64]:
        """Return (d,): the unit point of params; NaN where a parameter is inactive."""
        active = self._active(params)
        return np.array(
            [param.to_unit(active[name]) if name in active else np.nan for name, param in self._params.items()],
            dtype=np.float64,
        )

    @own_numerics
    def completed(self, params: Mapping[str, Value], held: Mapping[str, Value]) -> dict[str, Value]:
        """Return params with the values of `held` for active ones that they lack; inactive ones come last."""
        values: dict[str, Value] = {}
        for name in self._order:
            if (name in params or name in held) and _holds(self._params[name], values):
                values[name] = params[name] if name in params else held[name]
        return {**self._in_order(values), **{name: value for name, value in params.items() if name not in values}}

    @own_numerics
    def encode_many(
        self, settings: Sequence[Mapping[str, Value]], maps: Mapping[str, _Map] = _NO_MAPS
    ) -> NDArray[np.float64]:
        """Return (n, d): a row for each params; NaN where a parameter is inactive.

        Args:
            settings: the params of n trials.
            maps: how the values of a parameter are placed, where that is not as the parameter itself does.
        """
        if len(settings) == 1 and not maps:  # the usual case, and twice as quick
            return self.encode(settings[0])[np.newaxis]
        active = [self._active(plain(params)) for params in settings]
        points = np.full((len(active), len(self._params)), np.nan)
        for column, (name, param) in enumerate(self._params.items()):
            try:
                rows: slice | list[int] = slice(None)
                values = [one[name] for one in active]  # nearly always all have it
            except KeyError:
                rows = [row for row, one in enumerate(active) if name in one]
                values = [active[row][name] for row in rows]
            points[rows, column] = maps.get(name, param.to_unit)(values)
        return points

    @own_numerics
    def decode(self, point: NDArray[np.float64]) -> Params:
        """Return the params at a unit point, (d,); what is inactive there is left out.

        A point that does not meet the constraints stands for the nearest one found that does.

        Raises:
            SpaceError: the point is NaN at a parameter that is active.
        """
        return self.decode_many(np.asarray(point)[np.newaxis])[0]

    @own_numerics
    def decode_many(self, points: NDArray[np.float64]) -> list[Params]:
        """Return the params at unit points, (n, d); as `decode`, but much quicker for many."""
        points = np.asarray(points, dtype=np.float64)
        if self._feasible is not None:
            points = self._feasible.moved(points)
        gaps = bool(np.isnan(points).any())
        columns = dict(zip(self._params, points.T, strict=True))
        found: list[dict[str, Value]] = [{} for _ in points]
        for name in self._order:
            param, units, active = self._params[name], columns[name], found
            if param.conditions:
                rows = [row for row, values in enumerate(found) if _holds(param, values)]
                units, active = units[rows], [found[row] for row in rows]
            if gaps and np.isnan(units).any():
                raise SpaceError(f"{name}: the point is NaN there, but the parameter is active; give it a number")
            for values, value in zip(active, param.decode(units), strict=True):
                values[name] = value
        return [Params(self._in_order(values)) for values in found]

    @own_numerics
    def rounded(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n, d), given it with no NaN, as encoding what it decodes to gives it, but without making params."""
        if self._feasible is not None:
            points = self._feasible.moved(points)
        return self._rounded(points)[1]

    def _settings_at(self, points: NDArray[np.float64]) -> Settings:
        """Return the settings at points, (n, d), whether they meet the constraints or not."""
        values, places = self._rounded(points)
        inactive = {name: np.isnan(places[:, column]) for column, name in enumerate(self._params)}
        return Settings(values, inactive, places)

    def _rounded(self, points: NDArray[np.float64]) -> tuple[dict[str, NDArray[Any]], NDArray[np.float64]]:
        """Return the values of the parameters at points, (n,), by name; and the points of these values, (n, d)."""
        columns = dict(zip(self._params, points.T, strict=True))
        values: dict[str, NDArray[Any]] = {}
        places: dict[str, NDArray[np.float64]] = {}
        for name in self._order:
            param = self._params[name]
            values[name] = param.from_unit(columns[name])
            places[name] = param.to_unit(values[name])
            for parent, allowed in param.conditions.items():
                holds = np.isin(values[parent], np.array(allowed, dtype=values[parent].dtype))
                places[name][~holds | np.isnan(places[parent])] = np.nan
        return values, np.column_stack([places[name] for name in self._params])

    @property
    def tuned(self) -> frozenset[str]:
        """The parameters that have more than one value."""
        return frozenset(
            name for name, param in self._params.items() if not isinstance(param, Choice) or len(param.values) > 1
        )

    def hold(self, names: Iterable[str]) -> Space:
        """Return the space with these parameters held at their defaults; what can then never be active is dropped."""
        held = set(names)
        if unknown := held - self._params.keys():
            name = min(unknown)
            raise SpaceError(f"there is no parameter {name!r} to hold; {_closest(name, self._params)}")
        left: dict[str, Param] = {}
        for name in self._order:
            param = self._params[name]
            when = {
                parent: tuple(v for v in values if parent in left and left[parent].contains(v))
                for parent, values in param.conditions.items()
            }
            if all(when.values()):
                param = replace(param, when=when)
                left[name] = _held(param) if name in held else param
        kept = [one for one in self._constraints if all(name in left for name in one.names)]
        return Space(self._in_order(left)).where(*kept)

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON data, a dictionary a parameter, and a list of constraints; `from_dict` reads it."""
        where = {CONSTRAINTS: list(self.constraints)} if self._constraints else {}
        return {**where, **to_dict(self._params)}

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> Space:
        """Return the space that `to_dict` wrote.

        Raises:
            SpaceError: the data describe no space; the message names the parameter.
        """
        texts = data.get(CONSTRAINTS)
        if not isinstance(texts, list | tuple):  # a table is a parameter of that name
            return cls(from_dict(data))
        return cls(from_dict({name: table for name, table in data.items() if name != CONSTRAINTS})).where(*texts)

    def to_toml(self) -> str:
        """Return the space as a TOML document, a table a parameter, after the constraints."""
        return written(self.to_dict())

    @classmethod
    def from_toml(cls, text: str) -> Space:
        """Return the space that a TOML document describes.

        Raises:
            SpaceError: it is no TOML or describes no space; the message names the parameter.
        """
        return cls.from_dict(data_of(text))

    def warnings(self) -> list[str]:
        """Return what looks like a mistake in the scales, a line each, with the name, figures and the mend."""
        return [f"{name}: {doubt}" for name, param in self._params.items() for doubt in doubts(name, param)]

    def _active(self, values: Mapping[str, Value]) -> Mapping[str, Value]:
        """Return those of the values whose parameter is active."""
        if not self._conditional:
            return values
        active: dict[str, Value] = {}
        for name in self._order:
            if name in values and _holds(self._params[name], active):
                active[name] = values[name]
        return self._in_order(active)

    def _in_order(self, by_name: dict[str, _Item]) -> dict[str, _Item]:
        """Return the same items in the order of the coordinates."""
        if not self._conditional:
            return by_name
        return {name: by_name[name] for name in self._params if name in by_name}


@lru_cache(maxsize=32)
def _feasible(space: Space) -> Feasible:
    """Return where the constraints of a space hold; a space is made again whenever it is read."""
    usual = space.encode({name: param.usual for name, param in space.params.items()})
    return Feasible(space._constraints, len(space.params), space._settings_at, usual)  # noqa: SLF001  our own


def _restored(params: Mapping[str, Param], constraints: Sequence[str]) -> Space:
    return Space(params).where(*constraints)


SpaceLike = Space | Mapping[str, Param] | type
"""What is taken where a space is needed: one, its parameters by name, or a class that declares them."""


def as_space(found: object) -> Space:
    """Return the space that a user means: one, a mapping of parameters by name, or a class that declares them.

    Raises:
        SpaceError: it is none of these.
    """
    if isinstance(found, Space):
        return found
    if isinstance(found, Mapping):
        return Space(found)
    if isinstance(found, type) and (is_dataclass(found) or hasattr(found, "__total__")):
        return Space.of(found)
    if isinstance(found, Float | Int | Choice):
        how = f"a parameter needs a name: tw.Space(learning_rate={found!r})"
    elif isinstance(found, str | Path):
        how = "read the file: tw.Space.from_toml(pathlib.Path(FILE).read_text())"
    elif callable(found):
        how = (
            "what may be tuned is known before a training begins; write tw.Space(learning_rate=tw.learning_rate()), "
            "and run.params.learning_rate in the training function"
        )
    else:
        how = "write tw.Space(learning_rate=tw.learning_rate()), or a dict of parameters by name"
    raise SpaceError(f"space must be a tw.Space, got {shown(found)}; {how}")


def _holds(param: Param, active: Mapping[str, Value]) -> bool:
    """Return True if the parameter is active where these values are those of its active parents."""
    return all(parent in active and active[parent] in values for parent, values in param.conditions.items())


def _held(param: Param) -> Choice:
    return Choice([param.usual], tier=param.tier, default=param.default, live=param.live, when=param.conditions or None)


def _parents_first(params: Mapping[str, Param]) -> tuple[str, ...]:
    """Return the names in an order in which each parameter comes after those that its condition is on."""
    parents = {name: tuple(param.conditions) for name, param in params.items()}
    if not any(parents.values()):
        return tuple(params)
    for name, param in params.items():
        for parent, values in param.conditions.items():
            _check_condition(name, parent, values, params)
    try:
        return tuple(TopologicalSorter(parents).static_order())
    except CycleError as error:
        circle = error.args[1]
        raise SpaceError(
            f"{circle[0]}: its condition depends on itself, {' -> '.join(circle)}; drop one of these conditions"
        ) from None


def _check_condition(name: str, parent: str, values: Sequence[Value], params: Mapping[str, Param]) -> None:
    if parent not in params:
        raise SpaceError(
            f"{name}: its condition is on {parent!r}, which is not in the space; {_closest(parent, params)}"
        )
    if isinstance(params[parent], Float):
        raise SpaceError(f"{name}: its condition is on {parent!r}, a Float; only a Choice or an Int can be a condition")
    for value in values:
        try:
            params[parent].check(value)
        except SpaceError as error:
            raise SpaceError(f"{name}: its condition on {parent!r} can never hold: {error}") from None


def _check_name(name: object) -> None:
    if not isinstance(name, str):
        raise SpaceError(f"a parameter's name must be a string, got {name!r}")
    if not name.isidentifier():
        legal = re.sub(r"\W", "_", name)
        legal = legal if legal.isidentifier() else f"p_{legal}"
        raise SpaceError(f"{name}: a name has only letters, digits and _, and no digit first; call it {legal!r}")
    if hasattr(Params, name):
        raise SpaceError(f"{name}: params.{name} means something else already; call it {name + '_'!r}")


def _closest(name: object, params: Mapping[str, Param]) -> str:
    return did_you_mean(str(name), params)
