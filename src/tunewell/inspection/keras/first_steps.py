"""The first steps of a training: how far the weights went, and what became of the loss."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tunewell.inspection.keras.training import numbers
from tunewell.inspection.mistakes import Mistake
from tunewell.inspection.places import Place

STEPS = 10
_MOST_WEIGHTS = 50_000_000
_FAR = 5.0  # times the size of the weights: of how they were made nothing is left


class FirstSteps:
    """The first steps of a model since it was compiled."""

    def __init__(self, model: Any, compiled_at: Place) -> None:
        self._compiled_at = compiled_at
        self._losses: list[float] = []
        self._moved = 0.0
        small = sum(int(np.prod(one.shape)) for one in model.trainable_weights) <= _MOST_WEIGHTS
        self._variables = [one for one in model.trainable_weights if len(one.shape) > 1] if small else []
        self._before = [numbers(one).copy() for one in self._variables]

    @property
    def over(self) -> bool:
        """True once nothing more is to be seen."""
        return len(self._losses) >= STEPS

    def after(self, model: Any, loss: Any) -> list[Mistake]:
        """Return the mistakes that show after a step, with the mean loss that Keras gives for it."""
        try:
            self._losses.append(float(loss))
        except (TypeError, ValueError):  # a model without a loss of its own
            return []
        if len(self._losses) == 1:
            if hasattr(model, "jax_state_sync"):
                model.jax_state_sync()  # within `fit` the weights are elsewhere until then
            self._moved = self._step_size()
            self._before = []
        return self._judged()

    def _step_size(self) -> float:
        """Return how far the weights went, in units of their own size."""
        size = math.sqrt(sum(float((one.astype(np.float64) ** 2).sum()) for one in self._before))
        moved = [
            numbers(one).astype(np.float64) - before for one, before in zip(self._variables, self._before, strict=True)
        ]
        distance = math.sqrt(sum(float((one**2).sum()) for one in moved))
        return distance / size if size else 0.0

    def _judged(self) -> list[Mistake]:
        if len(self._losses) == 1 and self._moved > _FAR:
            seen = f"the first step changed the weights by {self._moved:.3g} times their size"
            mend = "divide the learning rate by 100, and scale inputs and targets"
            return [Mistake("step-too-large", seen, mend, *self._compiled_at)]
        first, last = self._losses[0], self._losses[-1]
        n = len(self._losses)
        if n > 1 and math.isfinite(first) and not (math.isfinite(last) and last <= 10 * max(abs(first), 1e-3)):
            self._losses = [0.0] * STEPS
            became = f"the loss went from {first:.4g} to {last:.4g} in {n} steps"
            if self._moved > 1:
                seen = f"the first step changed the weights by {self._moved:.3g} times their size, and {became}"
                mend = "divide the learning rate by 100, and scale inputs and targets"
                return [Mistake("step-too-large", seen, mend, *self._compiled_at)]
            if not math.isfinite(last):
                mend = "scale inputs and targets, lower the learning rate, or set clipnorm=1.0 on the optimizer"
                return [Mistake("not-finite", became, mend, *self._compiled_at)]
        return []
