"""The mistakes that the steps of a JAX program show, from numbers that its compiled code hands out.

A step is one computation of gradients. Those of each place in the program are looked at by themselves.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewell.inspection import rows
from tunewell.inspection.jax.origin import Step, origin_in
from tunewell.inspection.learnable import MOST_ROWS, labels_not_learnable
from tunewell.inspection.mistakes import Mistake
from tunewell.inspection.places import Place

_STILL = 30  # steps; that many batches' gradients are rarely added up before a step
_SAME_KEYS = 10
_BROKEN = 3  # steps in a row; scaled gradients of half precision may overflow before
_FEW = 3
_FEWEST_NUMBERS = 300
_BATCHES = 64
_SCALED_BY = 5  # batches


class Gradients:
    """The computations of gradients at one place."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.steps: int = 0
        self._first: NDArray[Any] | None = None
        self._moved = False
        self._with_gradient = 0
        self._broken: int | None = None
        self._in_a_row = 0
        self._first_broken: Step | None = None
        self._inputs: list[NDArray[Any]] = []
        self._labels: list[NDArray[Any]] = []
        self._n_rows = 0

    def add(self, parameters: NDArray[Any], norms: NDArray[Any], loss: float) -> None:
        """Take note of a step: a number for each parameter as it was, the norms of their gradients, and the loss."""
        self.steps += 1
        self._first = parameters if self._first is None else self._first
        self._moved |= not np.array_equal(self._first, parameters, equal_nan=True)
        self._with_gradient += bool((norms > 0).any())
        broken = not (np.isfinite(norms).all() and np.isfinite(loss))
        self._in_a_row = self._in_a_row + 1 if broken else 0
        if self._in_a_row == _BROKEN and self._broken is None:
            self._broken = self.steps - _BROKEN + 1

    def keep(self, step: Step) -> None:
        """Take note of a step in which a number was not finite; of steps in a row, the first counts."""
        if self._first_broken is None or (self._broken is None and self._in_a_row == 0):
            self._first_broken = step

    def add_rows(self, inputs: NDArray[Any], labels: NDArray[Any] | None) -> None:
        """Take note of a batch."""
        if len(self._inputs) < _BATCHES and self._n_rows < MOST_ROWS:
            self._n_rows += len(inputs)
            self._inputs.append(np.array(inputs))
            if labels is not None:
                self._labels.append(np.array(labels))

    def mistakes(self) -> Iterator[Mistake]:
        """Yield what the steps have shown."""
        if not self._moved and self._with_gradient >= _STILL:
            seen = f"the parameters are the same, to the bit, in each of {self.steps} computations of their gradients"
            yield Mistake("no-step", seen, "use what optax.apply_updates returns: nothing is changed in place")
        if self._broken is not None:
            yield self._not_finite()
        if not self._inputs:
            return
        some = _joined(self._inputs[:_SCALED_BY])
        if some is not None:
            yield from rows.inputs_not_scaled(some)
        inputs, labels = _joined(self._inputs), _joined(self._labels)
        if inputs is not None and labels is not None and np.ptp(labels):
            yield from rows.inputs_constant(inputs)
        if inputs is not None and labels is not None and len(inputs) == len(labels):
            yield from labels_not_learnable(inputs, labels.astype(np.int64))

    def _not_finite(self) -> Mistake:
        seen = f"from step {self._broken} on, the loss or a gradient is not a finite number"
        mend = "a lower learning rate, or optax.clip_by_global_norm before the optimizer; see jax_debug_nans"
        origin = None
        with contextlib.suppress(Exception):  # an operation that cannot be done outside of the whole
            origin = None if self._first_broken is None else origin_in(self._first_broken)
        if origin is None:
            return Mistake("not-finite", seen, mend)
        if origin.place.path and not origin.is_overflow:
            mend = "take care of that operation (log of a number that may be 0, division by 0, a root of 0), or " + mend
        return Mistake("not-finite", f"{seen}; {origin.words}", mend, origin.place.path, origin.place.line)

    def placed(self) -> list[Mistake]:
        """Return the same with the place; an operation has one of its own."""
        return [
            one if one.path else replace(one, path=self.place.path, line=self.place.line) for one in self.mistakes()
        ]


class Losses:
    """The calls of one of Optax's losses at one place."""

    def __init__(self, name: str, place: Place, classes: int) -> None:
        self.place = place
        self._name, self._classes = name, classes
        self._calls = self._numbers = 0
        self._probabilities = True
        self._varied = False
        self._largest = -1
        self._seen: set[int] = set()
        self._rows = 0

    def add(self, outputs: NDArray[Any], labels: NDArray[Any]) -> None:
        """Take note of a call."""
        self._calls += 1
        self._numbers += outputs.size
        self._varied |= bool(np.ptp(outputs) > 0) if outputs.size else False
        if self._name.startswith("softmax"):
            sums = outputs.sum(axis=-1)
            self._probabilities &= bool((outputs >= 0).all() and (np.abs(sums - 1) < 1e-3).all())
        else:
            self._probabilities &= bool((outputs > 0).all() and (outputs < 1).all())
        if self._name.endswith("integer_labels") and labels.size:
            self._largest = max(self._largest, int(labels.max()))
            self._seen |= set(np.unique(labels).tolist())
            self._rows += labels.size

    def mistakes(self) -> Iterator[Mistake]:
        """Yield what the calls have shown."""
        enough = self._calls >= _FEW and self._numbers >= _FEWEST_NUMBERS
        if self._probabilities and self._varied and enough:
            which = "a softmax" if self._name.startswith("softmax") else "a sigmoid"
            seen = f"all outputs that optax.{self._name} was given in {self._calls} calls are probabilities"
            yield Mistake("logits-expected", seen, f"leave out {which} before the loss, which applies its own")
        if self._largest >= self._classes > 0:
            seen = f"a label is {self._largest}, and the outputs have {self._classes} units, 0 to {self._classes - 1}"
            yield Mistake("labels-out-of-range", seen, "count the labels from 0, and give the network a unit for each")
        if self._calls >= _FEW and self._rows >= _FEWEST_NUMBERS and len(self._seen) == 1:
            seen = f"the labels of all {self._rows} rows are {self._largest}"
            yield Mistake("labels-constant", seen, "look at where the labels are read")

    def placed(self) -> list[Mistake]:
        """Return the same with the place."""
        return [replace(one, path=self.place.path, line=self.place.line) for one in self.mistakes()]


def keys_reused(keys: Mapping[Any, tuple[Place, Sequence[bytes]]]) -> Iterator[Mistake]:
    """Yield a mistake for each draw, in steps of training, whose key was the same in all of them."""
    for place, seen in keys.values():
        if len(seen) >= _SAME_KEYS and len(set(seen)) == 1:
            yield Mistake(
                "random-key-reused",
                f"in each of {len(seen)} steps the same key draws what dropout leaves out",
                "split the key at each step, or jax.random.fold_in(key, step)",
                place.path,
                place.line,
            )


def broadcast(one: tuple[int, ...], other: tuple[int, ...], place: Place) -> Mistake:
    """Return the mistake of outputs and targets of different shapes."""
    mend = "give both the same shape: outputs[:, 0], or targets[:, None]"
    return Mistake("shapes-broadcast", f"outputs have shape {one} and targets {other}", mend, place.path, place.line)


def raw_likelihood(shape: tuple[int, ...], place: Place) -> Mistake:
    """Return the mistake of a likelihood of outputs that are no log-probabilities."""
    seen = f"the loss is the negated product of outputs of shape {shape} and the labels, and the outputs are raw"
    mend = "take jax.nn.log_softmax of the outputs, or optax.softmax_cross_entropy(outputs, labels).mean()"
    return Mistake("log-probabilities-expected", seen, mend, place.path, place.line)


def _joined(arrays: Sequence[NDArray[Any]]) -> NDArray[Any] | None:
    alike = len({array.shape[1:] for array in arrays}) == 1
    return np.concatenate(arrays) if alike else None
