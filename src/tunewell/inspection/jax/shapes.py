"""Outputs and targets whose difference or product has a number for each pair of rows, as JAX traces them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jax.extend.core import Literal

_SHAPING = frozenset({"broadcast_in_dim", "convert_element_type", "copy"})
_PAIRING = frozenset({"sub", "mul"})
_INSIDE = ("jaxpr", "call_jaxpr")


def are_broadcast(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Return True for (N, 1) and (N,), in either order, whose difference has a number for each pair of rows."""
    column, line = (one, other) if len(one) > len(other) else (other, one)
    return len(column) == 2 and len(line) == 1 and column == (line[0], 1) and line[0] > 1


def broadcast_in(jaxpr: Any, n_learned: int) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Return the shapes of outputs and targets that the loss subtracts or multiplies, if they are broadcast.

    n_learned: how many of the inputs, the first ones, are parameters: outputs depend on them, and targets do not.
    """
    found: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
    _look(jaxpr, [place < n_learned for place in range(len(jaxpr.invars))], found)
    return found[0] if found else None


def _look(jaxpr: Any, learned: Sequence[bool], found: list[Any]) -> list[bool]:
    """Add what is found, and return which outputs depend on parameters."""
    depends = {var for var, is_learned in zip(jaxpr.invars, learned, strict=True) if is_learned}
    made: dict[Any, Any] = {}
    for eqn in jaxpr.eqns:
        given = [not isinstance(var, Literal) and var in depends for var in eqn.invars]
        inner = next((eqn.params[name] for name in _INSIDE if name in eqn.params), None)
        body = getattr(inner, "jaxpr", inner)
        if body is not None and len(body.invars) == len(given) and len(body.outvars) == len(eqn.outvars):
            of_outputs = _look(body, given, found)
        else:
            of_outputs = [any(given)] * len(eqn.outvars)
        depends |= {var for var, does in zip(eqn.outvars, of_outputs, strict=True) if does}
        if eqn.primitive.name in _SHAPING and not isinstance(eqn.invars[0], Literal):
            made[eqn.outvars[0]] = made.get(eqn.invars[0], eqn.invars[0])
        arrays = not any(isinstance(var, Literal) for var in eqn.invars)
        if eqn.primitive.name in _PAIRING and sum(given) == 1 and arrays:
            shapes = [tuple(made.get(var, var).aval.shape) for var in eqn.invars]
            if are_broadcast(*shapes) and eqn.outvars[0].aval.shape == (max(shapes[0]),) * 2:
                found.append((shapes[0], shapes[1]) if given[0] else (shapes[1], shapes[0]))
    return [not isinstance(var, Literal) and var in depends for var in jaxpr.outvars]
