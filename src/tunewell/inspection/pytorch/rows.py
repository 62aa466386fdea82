"""Inputs: their scale, alike in training and evaluation, and rows that are in both."""

from __future__ import annotations

import math
import re
import sys
from typing import Any

import torch
from torch import nn

from tunewell.inspection.places import Place, calling_place
from tunewell.inspection.pytorch.check import Check, LossCall
from tunewell.inspection.pytorch.training import NORMS, Training, has_own_weight

_FAR = 30.0  # root mean square of the inputs of a first layer
_NEAR = 1e-3
_MOST_ROWS = 200_000
_FEWEST_ROWS = 16
_FEW = 8  # entries of a dictionary
_FEWEST_IDS = 8
_HELD_OUT = re.compile(r"(^|_|\b)(x?_?val|valid|validation|x?_?test|testing|dev|eval|holdout|held_?out)", re.IGNORECASE)


class _Scale:
    """Count, mean, spread and range of numbers, added up batch by batch."""

    def __init__(self) -> None:
        self.n = self.rows = 0
        self._sum = self._squares = 0.0
        self.low, self.high = math.inf, -math.inf

    def add(self, values: Any) -> None:
        values = values.detach().double()
        self.n += values.numel()
        self.rows += len(values)
        self._sum += float(values.sum())
        self._squares += float((values * values).sum())
        self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))

    @property
    def mean(self) -> float:
        return self._sum / self.n

    @property
    def std(self) -> float:
        return math.sqrt(max(self._squares / self.n - self.mean**2, 0.0))

    @property
    def rms(self) -> float:
        return math.sqrt(self._squares / self.n)

    def __str__(self) -> str:
        return f"mean {self.mean:.3g}, spread {self.std:.3g}, from {self.low:.3g} to {self.high:.3g}"


class RowsCheck(Check):
    """Looks at the inputs of networks, in training and in evaluation."""

    def __init__(self, training: Training) -> None:
        super().__init__(training)
        self._first: dict[int, tuple[Any, _Scale, Place]] = {}
        """By network: its first layer, what that is given in training, and where the network is called."""
        self._followed: dict[int, bool] = {}
        """By network: whether a normalization follows the first layer."""
        self._trained: dict[int, _Scale] = {}
        self._evaluated: dict[int, _Scale] = {}
        self._hashes: dict[int, set[int]] = {}
        self._n_hashed: dict[int, int] = {}
        self._held_out: dict[int, list[int]] = {}
        """By network: hashes of the rows of an evaluation that goes by a name of held-out rows."""
        self._waiting: tuple[int, Any, Place, bool] | None = None
        """The network that ran last with no gradient wanted, its inputs, the place, and whether they are held out."""
        self._places: dict[int, Place] = {}
        self._called: Place = Place()
        self._pending: dict[int, Any] = {}

    def before_forward(self, module: Any, inputs: Any) -> None:
        """Take note of the inputs of a network, and of its first layer."""
        stack = self.training.stack
        if len(stack) == 1 and id(module) in self.training.roots:
            self._called = calling_place()
            self._network(module, inputs)
        if not self.training.with_gradients or not stack or not inputs or not isinstance(inputs[0], torch.Tensor):
            return
        key = id(stack[0])
        if key in self._first and self._first[key][0] is module:
            if self._first[key][1].n < 1_000_000:
                self._first[key][1].add(inputs[0])
        elif key not in self._first and (has_own_weight(module) or isinstance(module, NORMS)):
            if inputs[0].is_floating_point() and not inputs[0].requires_grad and not isinstance(module, NORMS):
                scale = _Scale()
                scale.add(inputs[0])
                self._first[key] = (module, scale, self._called)
            else:
                self._first[key] = (None, _Scale(), self._called)  # ids, or rows that are normalized at once
        elif key in self._first and key not in self._followed and _changes_values(module):
            self._followed[key] = isinstance(module, NORMS)

    def _network(self, module: Any, inputs: Any) -> None:
        values = next((one for one in inputs if isinstance(one, torch.Tensor)), None)
        if values is None or values.ndim < 2 or not values.numel():
            return
        if not values.is_floating_point() and values[0].numel() < _FEWEST_IDS:
            return  # ids so few that rows are alike by chance
        if values.requires_grad or not bool(torch.isfinite(values).all()):
            return
        if self.training.with_gradients:
            self._pending[id(module)] = values.detach()
            self._waiting = None
        else:
            self._waiting = (id(module), values.detach(), self._called, self._is_held_out(values))

    def after_step(self, optimizer: Any) -> None:
        """Take note of the rows of a step."""
        for key, values in self._pending.items():
            if values.is_floating_point():
                self._trained.setdefault(key, _Scale()).add(values)
            if self._n_hashed.get(key, 0) < _MOST_ROWS:
                self._n_hashed[key] = self._n_hashed.get(key, 0) + len(values)
                self._hashes.setdefault(key, set()).update(_hashes(values))
        self._pending.clear()

    def evaluated(self, loss: LossCall | None) -> None:
        """Take note of the rows of an evaluation."""
        if self._waiting is None:
            return
        key, values, place, held_out = self._waiting
        self._waiting = None
        if values.is_floating_point():
            self._evaluated.setdefault(key, _Scale()).add(values)
        self._places[key] = place
        if held_out and len(self._held_out.get(key, ())) < _MOST_ROWS:
            self._held_out.setdefault(key, []).extend(_hashes(values))

    def finish(self) -> None:
        """Look back."""
        for key, (layer, scale, place) in self._first.items():
            if layer is not None and scale.n and key in self._trained and not self._followed.get(key, False):
                self._scaled(layer, scale, place)
        for key, place in self._places.items():
            if key in self._trained and key in self._evaluated:
                self._alike(self._trained[key], self._evaluated[key], place)
            self._apart(key)

    def _scaled(self, layer: Any, scale: _Scale, place: Place) -> None:
        if _NEAR < scale.rms < _FAR or not scale.rms:
            return
        self.accuse(
            "inputs-not-scaled",
            f"the first layer, {self.training.name_of(layer)}, gets inputs with {scale}",
            "subtract the mean of the training rows from each feature, and divide by its standard deviation "
            "(images from 0 to 255: by 255)",
            place,
            about=id(layer),
        )

    def _alike(self, trained: _Scale, evaluated: _Scale, place: Place) -> None:
        if min(trained.rows, evaluated.rows) < _FEWEST_ROWS or min(trained.n, evaluated.n) < 200:
            return
        large, small = max(trained.std, evaluated.std), min(trained.std, evaluated.std)
        if not large or (large < 2.5 * small and abs(trained.mean - evaluated.mean) < 2 * large):
            return
        self.accuse(
            "splits-prepared-differently",
            f"the rows that the network is evaluated on have {evaluated}, and those of its training steps {trained}",
            "prepare validation rows as training rows are, with the mean and spread of the training rows",
            place,
            about="rows",
        )

    def _apart(self, key: int) -> None:
        rows, trained = self._held_out.get(key, []), self._hashes.get(key, set())
        if len(rows) < _FEWEST_ROWS or len(set(rows)) < 0.95 * min(len(rows), len(set(rows)) + 1):
            return
        both = sum(row in trained for row in rows)
        if both < 0.5 * len(rows) or len(trained) < _FEWEST_ROWS:
            return
        self.accuse(
            "validation-rows-in-training",
            f"{both} of {len(rows)} rows that the network is evaluated on, by a name of held-out rows, were in its "
            "training steps too",
            "split the rows before anything else is done with them, and train on one part only",
            self._places[key],
            about="rows",
        )

    def _is_held_out(self, values: Any) -> bool:
        """Return True if the rows go by such a name in the user's program: a loader's, or a tensor's."""
        wanted = [values] if self.training.loader is None else [values, self.training.loader]
        frame = sys._getframe(1)
        while frame is not None:
            if frame.f_code.co_filename == self._called.path:
                # of a function's own names first: a name such as `loader` is often a parameter
                names = [*frame.f_locals.items(), *frame.f_globals.items()]
                # and a dictionary of loaders by phase gives them their names
                names += [pair for _, value in names if type(value) is dict for pair in list(value.items())[:_FEW]]
                bound = [str(name) for name, value in names if any(value is one for one in wanted)]
                if any("train" in name.lower() for name in bound):
                    return False
                if any(_HELD_OUT.search(name) for name in bound):
                    return True
            frame = frame.f_back  # type: ignore[assignment]
        return False


def _changes_values(module: Any) -> bool:
    return next(module.children(), None) is None and not isinstance(module, nn.Identity | nn.Dropout)


def _hashes(values: Any) -> list[int]:
    rows = values.reshape(len(values), -1).cpu().float().numpy()
    return [hash(row.tobytes()) for row in rows]
