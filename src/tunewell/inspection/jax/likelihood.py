"""A likelihood that is written by hand, `-mean(sum(outputs * labels))`, among the operations that JAX traces.

Of log-probabilities it is the cross entropy. Of a layer's outputs as they are it has no least value: it rewards numbers
that are large, whether the others are small or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jax.extend.core import Literal

_INSIDE = ("jaxpr", "call_jaxpr")
_SHAPING = frozenset(
    ("reshape", "squeeze", "expand_dims", "convert_element_type", "copy", "broadcast_in_dim", "transpose", "rev")
)
_LINEAR = frozenset(("dot_general", "conv_general_dilated"))


def raw_likelihood_in(jaxpr: Any, n_learned: int) -> tuple[int, ...] | None:
    """Return the shape of a layer's outputs whose product with the labels is the whole loss, negated; else None.

    n_learned: how many of the inputs, the first ones, are parameters.
    """
    made: dict[Any, Any] = {}
    same: dict[Any, Any] = {}
    learned = set(jaxpr.invars[:n_learned])
    for eqn in _equations(jaxpr, same):
        made |= dict.fromkeys(eqn.outvars, eqn)
        if any(_is_among(_first(var, same), learned) for var in eqn.invars):
            learned |= set(eqn.outvars)
    outputs = _selected(jaxpr.outvars[0], made, same, learned)
    if outputs is None or not _is_raw(outputs, made, same):
        return None
    shape = tuple(outputs.aval.shape)
    return shape if len(shape) >= 2 and shape[-1] >= 2 else None


def _equations(jaxpr: Any, same: dict[Any, Any]) -> Iterator[Any]:
    """Yield the operations in order, those inside of others too; `same` gets the variables that are another's value."""
    for eqn in jaxpr.eqns:
        inner = next((eqn.params[name] for name in _INSIDE if name in eqn.params), None)
        body = getattr(inner, "jaxpr", inner)
        if body is None or len(body.invars) != len(eqn.invars) or len(body.outvars) != len(eqn.outvars):
            yield eqn
            continue
        same |= dict(zip(body.invars, eqn.invars, strict=True))
        yield from _equations(body, same)
        same |= dict(zip(eqn.outvars, body.outvars, strict=True))


def _first(var: Any, same: dict[Any, Any]) -> Any:
    """Return the variable that a value was first bound to."""
    while not isinstance(var, Literal) and var in same:
        var = same[var]
    return var


def _is_among(var: Any, learned: set[Any]) -> bool:
    return not isinstance(var, Literal) and var in learned


def _selected(loss: Any, made: dict[Any, Any], same: dict[Any, Any], learned: set[Any]) -> Any:
    """Return the outputs of which a loss is the negated sum or mean, weighted or picked by what is not learned."""
    sign, var = 1, _first(loss, same)
    while not isinstance(var, Literal) and var in made:
        eqn = made[var]
        given = [_first(one, same) for one in eqn.invars]
        ours = [one for one in given if _is_among(one, learned)]
        name = eqn.primitive.name
        if len(ours) != 1:
            return None
        if name == "gather" and ours[0] is given[0] and sign < 0:
            return ours[0]
        if name == "mul" and sign < 0 and _are_alike(given):
            return ours[0]
        if name in ("neg", "sub") and ours[0] is given[-1]:
            sign = -sign
        elif name == "mul" or (name == "div" and ours[0] is given[0]):
            factor = next(one for one in given if one is not ours[0])
            sign = -sign if isinstance(factor, Literal) and factor.val < 0 else sign
        elif name not in _SHAPING | {"reduce_sum"}:
            return None
        var = ours[0]
    return None


def _are_alike(given: list[Any]) -> bool:
    """Return True for two arrays of one shape, rows by classes."""
    shapes = [tuple(one.aval.shape) for one in given if not isinstance(one, Literal)]
    return len(shapes) == 2 and shapes[0] == shapes[1] and len(shapes[0]) >= 2


def _is_raw(outputs: Any, made: dict[Any, Any], same: dict[Any, Any]) -> bool:
    """Return True for a matrix product or a convolution, a bias added to it or not."""
    var = _first(outputs, same)
    while not isinstance(var, Literal) and var in made:
        eqn = made[var]
        given = [_first(one, same) for one in eqn.invars]
        if eqn.primitive.name in _LINEAR:
            return True
        if eqn.primitive.name == "add":
            return any(_is_raw(one, made, same) for one in given)
        if eqn.primitive.name not in _SHAPING:
            return False
        var = given[0]
    return False
