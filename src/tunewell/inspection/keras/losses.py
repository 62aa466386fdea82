"""A compiled loss: which of Keras's own it is, and what it takes for outputs."""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

BINARY = frozenset({"binary_crossentropy", "binary_focal_crossentropy"})
CATEGORICAL = frozenset({"categorical_crossentropy", "categorical_focal_crossentropy"})
SPARSE = frozenset({"sparse_categorical_crossentropy"})
CROSS_ENTROPIES = BINARY | CATEGORICAL | SPARSE
REGRESSION = frozenset(
    """
    mean_squared_error mean_absolute_error mean_absolute_percentage_error mean_squared_logarithmic_error huber log_cosh
    """.split()  # noqa: SIM905  a list of that length is not read
)


@dataclass(frozen=True, slots=True)
class Loss:
    """The loss of one output."""

    given: Any
    """A name, a function or an object, as it was compiled."""
    name: str = ""
    """The name of Keras's own function; empty of any other."""
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def from_logits(self) -> bool:
        """True if it applies a softmax or sigmoid itself."""
        return bool(self.options.get("from_logits", False))

    @property
    def title(self) -> str:
        """The name with the option that matters."""
        return f"{self.name}(from_logits=True)" if self.from_logits else self.name


def loss_of(given: Any) -> Loss:
    """Return which loss a value is that `compile` takes for one output."""
    keras = sys.modules["keras"]
    function: Any = given
    options: dict[str, Any] = {}
    if isinstance(given, str):
        try:
            function = keras.losses.get(given)
        except ValueError:  # the training will fail on it
            return Loss(given)
    if isinstance(given, functools.partial):
        function, options = given.func, dict(given.keywords)
    elif isinstance(function, keras.losses.Loss):
        # a subclass of the user's may do anything
        own = type(function).__module__.partition(".")[0] == "keras"
        options = dict(getattr(function, "_fn_kwargs", None) or {})
        function = getattr(function, "fn", None) if own else None
    name = getattr(function, "__name__", "")
    known = getattr(function, "__module__", "") or ""
    return Loss(given, name, options) if known.partition(".")[0] == "keras" else Loss(given)


def losses_of(model: Any, n_outputs: int) -> list[Loss | None]:
    """Return the loss of each output in flat order; None of an output without one, or where it is not clear."""
    given = getattr(model, "loss", None)
    if given is None:
        return [None] * n_outputs
    if isinstance(given, Mapping):
        names = getattr(model, "output_names", None) or []
        if len(names) != n_outputs or not set(given) <= set(names):
            return [None] * n_outputs
        return [loss_of(given[name]) if given.get(name) is not None else None for name in names]
    if isinstance(given, Sequence) and not isinstance(given, str):
        if len(given) != n_outputs:
            return [None] * n_outputs
        return [loss_of(one) if one is not None else None for one in given]
    return [loss_of(given)] * n_outputs
