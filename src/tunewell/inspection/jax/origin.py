"""The operation of a step in which the first number that is not finite is made.

A computation that has been traced is done once more with the numbers of a step, one operation after the other, in the
manner of `jax.checkify`: so it shows where in the program, and in which layer, a NaN is born, forward or backward.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Literal, jaxpr_as_fun

from tunewell.inspection.places import Place, is_users

_INSIDE = ("jaxpr", "call_jaxpr")
_INFINITE_AT_ZERO = ("log", "div", "pow", "integer_pow", "rsqrt")
"""Operations whose infinity, harmless in a mask, is what a later NaN comes of."""
_HUGE = 1e6
_WRAPPER = re.compile(r"^(?:\w+)\((.*)\)$")


@dataclass(frozen=True, slots=True)
class Origin:
    """The place that the first number comes from that is not finite."""

    words: str
    place: Place = field(default_factory=Place)
    """Empty where it is no operation."""
    is_overflow: bool = False
    """True if the numbers that it was made of are huge."""


@dataclass(frozen=True, slots=True)
class Step:
    """A traced computation of gradients, and the numbers that it was given."""

    jaxpr: Any
    names: Sequence[str]
    """Of the arguments; parameters are named as in their tree, and `""` is a row's or anything else's."""
    keys: Sequence[Any]
    """For each argument, then each constant, the kind of random key that it is; None if it is a number."""
    numbers: Sequence[Any]
    """The arguments, then the constants; of keys the data."""


def traced(function: Any, parameters: Any, others: Sequence[Any], named: dict[str, Any]) -> tuple[Any, list[str], Any]:
    """Return a computation as a jaxpr, the names of its arguments, and these and its constants in one list."""

    def of_positions(*args: Any) -> Any:
        return function(*args, **named)

    closed = jax.make_jaxpr(of_positions)(parameters, *others)
    paths = jax.tree_util.tree_leaves_with_path(parameters)
    names = [jax.tree_util.keystr(path) or "the parameters" for path, _ in paths]
    leaves = [leaf for _, leaf in paths] + jax.tree.leaves(tuple(others))
    return closed.jaxpr, names + [""] * (len(leaves) - len(names)), [*leaves, *closed.consts]


def without_keys(values: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Return values with the data of random keys in their place, and which kind each key is."""
    kinds = [jax.random.key_impl(one) if _is_key(one) else None for one in values]
    plain = [one if kind is None else jax.random.key_data(one) for one, kind in zip(values, kinds, strict=True)]
    return plain, kinds


def origin_in(step: Step) -> Origin | None:
    """Return where the first number that is not finite was made; None if nothing shows it."""
    values = [
        jnp.asarray(one) if kind is None else jax.random.wrap_key_data(jnp.asarray(one), impl=kind)
        for one, kind in zip(step.numbers, step.keys, strict=True)
    ]
    n = len(step.jaxpr.invars)
    for name, value in zip(step.names, values, strict=False):
        if name and not _is_sound(value):
            return Origin(f"{name} was not finite before the step any more: an update broke it")
    if not all(map(_is_sound, values)):
        return Origin("the rows that the step was given are not finite themselves")
    suspects: list[Origin] = []
    for origin, is_harmless in _made_in(step.jaxpr, values[n:], values[:n], {}):
        if not is_harmless:
            return suspects[0] if suspects else origin
        suspects.append(origin)
    return None


def _made_in(
    jaxpr: Any, consts: Sequence[Any], args: Sequence[Any], results: dict[int, Any]
) -> Iterator[tuple[Origin, bool]]:
    """Yield the operations that make numbers which are not finite from finite ones; True if only an infinity.

    results: gets the values of the jaxpr's outputs, by their number.
    """
    values = dict(zip(jaxpr.constvars, consts, strict=True)) | dict(zip(jaxpr.invars, args, strict=True))

    def read(var: Any) -> Any:
        return var.val if isinstance(var, Literal) else values[var]

    for eqn in jaxpr.eqns:
        given = [read(var) for var in eqn.invars]
        inner = next((eqn.params[name] for name in _INSIDE if name in eqn.params), None)
        body = getattr(inner, "jaxpr", inner)
        if body is not None and len(body.invars) == len(given) and len(body.outvars) == len(eqn.outvars):
            within: dict[int, Any] = {}
            yield from _made_in(body, getattr(inner, "consts", ()), given, within)
            made = [within[i] for i in range(len(eqn.outvars))]
        else:
            made = _done(jaxpr, eqn, given)
            if all(map(_is_sound, given)):
                if not all(map(_is_sound, made)):
                    yield _origin(eqn, given), False
                elif eqn.primitive.name in _INFINITE_AT_ZERO and any(map(_has_infinity, made)):
                    yield _origin(eqn, given), True
        values |= dict(zip(eqn.outvars, made, strict=True))
    results |= {i: read(var) for i, var in enumerate(jaxpr.outvars)}


def _done(jaxpr: Any, eqn: Any, given: Sequence[Any]) -> list[Any]:
    """Return the results of one operation."""
    by_var = {var: value for var, value in zip(eqn.invars, given, strict=True) if not isinstance(var, Literal)}
    alone = jaxpr.replace(constvars=[], invars=list(by_var), outvars=list(eqn.outvars), eqns=[eqn], effects=eqn.effects)
    return list(jaxpr_as_fun(ClosedJaxpr(alone, ()))(*by_var.values()))


def _origin(eqn: Any, given: Sequence[Any]) -> Origin:
    frames = getattr(eqn.source_info.traceback, "frames", ())
    own = [frame for frame in frames if is_users(frame.file_name)]
    place = Place(own[0].file_name, own[0].line_num) if own else Place()
    scopes = str(eqn.source_info.name_stack)
    scope = _layer(scopes)
    where = (" in the backward pass" if "transpose" in scopes else "") + (f" of {scope}" if scope else "")
    largest = max((float(jnp.abs(one).max()) for one in given if _is_float(one) and jnp.size(one)), default=0.0)
    words = f"{eqn.primitive.name}{where} made the first one, of numbers up to {largest:.3g}"
    return Origin(words, place, is_overflow=largest > _HUGE)


def _layer(scopes: str) -> str:
    """Return the names of layers within `transpose(jvp(Net))/Dense_0`."""
    parts = []
    for part in scopes.split("/"):
        inner = part
        while found := _WRAPPER.match(inner):
            inner = found[1]
        if inner and inner not in ("jvp", "transpose"):
            parts.append(inner.replace("()", ""))
    return "/".join(part for part in parts if part)


def _is_key(value: Any) -> bool:
    return hasattr(value, "dtype") and jnp.issubdtype(value.dtype, jax.dtypes.prng_key)


def _is_float(value: Any) -> bool:
    return bool(jnp.issubdtype(getattr(value, "dtype", jnp.result_type(value)), jnp.floating))


def _is_sound(value: Any) -> bool:
    """Return True if all that is not finite is -inf, as in a mask."""
    if _is_key(value) or not _is_float(value):
        return True
    return not bool((jnp.isnan(value) | (value == jnp.inf)).any())


def _has_infinity(value: Any) -> bool:
    return not _is_key(value) and _is_float(value) and bool(jnp.isinf(value).any())
