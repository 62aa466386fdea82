"""The outputs of a network's non-linearities, from the operations that JAX traces: whichever library calls them.

What takes a weight matrix makes that matrix the current one, and a non-linearity belongs to the matrix before it. Loops
(`scan`, `while_loop`, `cond`) are not looked into.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
from jax.extend.core import Literal

_TAKING = frozenset({"dot_general", "conv_general_dilated", "ragged_dot_general"})
_INSIDE = {"jit": "jaxpr", "pjit": "jaxpr", "closed_call": "call_jaxpr", "core_call": "call_jaxpr"}
_INSIDE |= {"custom_jvp_call": "call_jaxpr", "custom_vjp_call": "call_jaxpr", "remat2": "jaxpr", "checkpoint": "jaxpr"}
_NAMED = {"relu": "relu", "relu6": "relu"}
_NAMED |= dict.fromkeys(("silu", "swish", "gelu", "elu", "selu", "celu", "leaky_relu", "softplus", "mish"), "other")
_SATURATING = {"tanh": "tanh", "logistic": "sigmoid"}
_PRODUCTS = frozenset({"mul", "add"})


class ActivationRecorder:
    """A function of a network that also returns the outputs of non-linearities, and can be compiled."""

    def __init__(self, network: Callable[..., Any], names: Mapping[int, str]) -> None:
        """Make it of a network, a function of the leaves of the parameters, a list, and of more.

        names: of those leaves that are matrices, by their places.
        """
        self._network, self._names = network, names
        self.found: list[tuple[str, str, int]] = []
        """Matrix, kind and axis of units of each non-linearity, once the network was traced."""
        self.order: list[str] = []
        """The matrices in the order in which they are taken."""

    def __call__(self, leaves: Sequence[Any], *others: Any) -> tuple[Any, list[Any]]:
        """Return the network's outputs, and those of each non-linearity."""
        closed, shape = jax.make_jaxpr(self._network, return_shape=True)(leaves, *others)
        one_pass = _Pass()
        given = [*leaves, *jax.tree.leaves(others)]
        names = [self._names.get(place) for place in range(len(given))]
        outputs, _ = one_pass.run(closed.jaxpr, closed.consts, given, names)
        self.found = [(name, kind, units) for name, kind, units, _ in one_pass.found]
        self.order = list(dict.fromkeys(one_pass.taken))
        return jax.tree.unflatten(jax.tree.structure(shape), outputs), [values for *_, values in one_pass.found]


class _Pass:
    """One evaluation of a jaxpr, operation by operation."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str, int, Any]] = []
        """Matrix, kind, axis of units and outputs of each first non-linearity after a matrix."""
        self.taken: list[str] = []
        self._current: str | None = None
        self._units = -1

    def run(
        self, jaxpr: Any, consts: Sequence[Any], given: Sequence[Any], names: Sequence[str | None]
    ) -> tuple[list[Any], list[str | None]]:
        """Return the outputs, and the name of each that is one of the matrices."""
        values: dict[Any, Any] = dict(zip(jaxpr.constvars, consts, strict=True))
        values |= dict(zip(jaxpr.invars, given, strict=True))
        known = {var: name for var, name in zip(jaxpr.invars, names, strict=True) if name is not None}
        uses = _uses(jaxpr)

        def read(var: Any) -> Any:
            return var.val if isinstance(var, Literal) else values[var]

        for eqn in jaxpr.eqns:
            inputs = [read(var) for var in eqn.invars]
            of = [None if isinstance(var, Literal) else known.get(var) for var in eqn.invars]
            name = eqn.primitive.name
            inner = eqn.params.get(_INSIDE.get(name, ""))
            kind = _NAMED.get(eqn.params.get("name", "")) if inner is not None else _kind(eqn, uses)
            if name in _TAKING and (takes := [one for one in of if one is not None]):
                self._current, self._units = takes[-1], _units(eqn, of)
                self.taken.append(takes[-1])
            if inner is not None:
                body, body_consts = getattr(inner, "jaxpr", inner), getattr(inner, "consts", ())
                inside = self if kind is None else _Pass()  # what a known non-linearity is made of is none
                outputs, named = inside.run(body, body_consts, inputs, of)
                known |= {var: one for var, one in zip(eqn.outvars, named, strict=True) if one is not None}
            else:
                bound = eqn.primitive.get_bind_params(eqn.params)
                subfuns, params = bound if isinstance(bound, tuple) else ((), bound)  # the former before JAX 0.9
                result = eqn.primitive.bind(*subfuns, *inputs, **params)
                outputs = list(result) if eqn.primitive.multiple_results else [result]
            values |= dict(zip(eqn.outvars, outputs, strict=True))
            matrix = next((var for var, one in zip(eqn.invars, of, strict=True) if one is not None), None)
            if matrix is not None and inner is None and name not in _TAKING:
                for var in eqn.outvars:  # cast, transposed, scaled, masked: it is still that matrix
                    if getattr(var.aval, "size", 0) == matrix.aval.size:
                        known[var] = known[matrix]
            if kind is not None:
                self._note(kind, outputs[0])
        return [read(var) for var in jaxpr.outvars], [
            None if isinstance(var, Literal) else known.get(var) for var in jaxpr.outvars
        ]

    def _note(self, kind: str, outputs: Any) -> None:
        is_first = self._current is not None and all(self._current != matrix for matrix, *_ in self.found)
        if is_first and outputs.ndim > 1:
            self.found.append((str(self._current), kind, self._units, outputs))


def _units(eqn: Any, of: Sequence[str | None]) -> int:
    """Return the axis of the units, or channels, in what a matrix makes of its inputs."""
    if eqn.primitive.name == "conv_general_dilated":
        return int(eqn.params["dimension_numbers"].out_spec[1])
    if of[0] is None or "dimension_numbers" not in eqn.params:
        return -1
    _, (batch, _) = eqn.params["dimension_numbers"]
    return len(batch)  # what is left of the matrix, which stands first, comes first


def _kind(eqn: Any, uses: Mapping[Any, list[Any]]) -> str | None:
    """Return the kind of a non-linearity that is a single operation."""
    name = eqn.primitive.name
    if name == "max" and any(isinstance(var, Literal) and var.val == 0 for var in eqn.invars):
        return "relu"
    if name not in _SATURATING:
        return None
    # x * sigmoid(x) and x * (1 + tanh(...)) have no ends; as gates, their outputs are multiplied too, but not by x
    gated = any(
        one.primitive.name in _PRODUCTS
        and (eqn.invars[0] in one.invars or any(isinstance(var, Literal) for var in one.invars))
        for one in uses.get(eqn.outvars[0], ())
    )
    return "other" if gated else _SATURATING[name]


def _uses(jaxpr: Any) -> dict[Any, list[Any]]:
    uses: dict[Any, list[Any]] = {}
    for eqn, var in _read(jaxpr):
        uses.setdefault(var, []).append(eqn)
    return uses


def _read(jaxpr: Any) -> Iterator[tuple[Any, Any]]:
    for eqn in jaxpr.eqns:
        for var in eqn.invars:
            if not isinstance(var, Literal):
                yield eqn, var
