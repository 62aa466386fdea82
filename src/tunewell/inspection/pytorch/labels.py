"""Labels: within reach, of several classes, in each batch."""

from __future__ import annotations

import weakref
from collections import Counter
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from tunewell.inspection.learnable import MOST_ROWS, labels_not_learnable
from tunewell.inspection.places import Place
from tunewell.inspection.pytorch.check import Check, LossCall
from tunewell.inspection.pytorch.training import Training
from tunewell.inspection.rows import inputs_constant

_FEWEST_BATCHES = 4
_FEWEST_ROWS = 8
_MADE = frozenset(
    ("zeros", "ones", "full", "zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full", "arange")
)
_KEEPING = frozenset(
    (
        "long",
        "float",
        "to",
        "type",
        "view",
        "reshape",
        "unsqueeze",
        "squeeze",
        "expand",
        "expand_as",
        "int",
        "cuda",
        "cpu",
        "repeat",
        "cat",
        "double",
        "half",
        "flatten",
        "clone",
        "__getitem__",
    )
)
_FILLING = frozenset(
    ("__setitem__", "copy_", "scatter_", "random_", "bernoulli_", "masked_fill_", "index_fill_", "index_copy_")
)
_RARE = 0.05
_ENOUGH_ROWS = 400


class LabelsCheck(Check):
    """Looks at the targets of classification losses."""

    calls: ClassVar[frozenset[str]] = _MADE | _KEEPING | _FILLING

    def __init__(self, training: Training) -> None:
        super().__init__(training)
        self._made: dict[int, weakref.ref[Any]] = {}
        """Tensors that the program makes of one number, by id: no labels of rows."""
        self._batches: dict[Place, list[Counter[int]]] = {}
        """By loss: the classes of each batch of the first epoch."""
        self._plain: dict[Place, bool] = {}
        self._given: Any = None
        """What the network was given last, with gradients wanted."""
        self._pairs: dict[Place, list[tuple[Any, Any]]] = {}
        """By loss: inputs and classes of the first batches."""

    def before_forward(self, module: Any, inputs: Any) -> None:
        """Take note of what a network is given."""
        if self.training.with_gradients and len(self.training.stack) == 1 and id(module) in self.training.roots:
            alone = len(inputs) == 1 and isinstance(inputs[0], torch.Tensor) and not inputs[0].requires_grad
            self._given = inputs[0].detach() if alone else None

    def after_call(self, name: str, args: Any, kwargs: Any, result: Any) -> None:
        """Take note of targets that the program makes itself."""
        if name in _FILLING:
            self._made.pop(id(args[0]), None)
        elif isinstance(result, torch.Tensor) and (name in _MADE or (args and self._is_made(args[0]))):
            self._made[id(result)] = weakref.ref(result)

    def _is_made(self, source: Any) -> bool:
        if isinstance(source, list | tuple):
            return bool(source) and all(map(self._is_made, source))
        reference = self._made.get(id(source))
        return reference is not None and reference() is source

    def before_loss(self, loss: LossCall) -> None:
        """Look at the targets, before a loss that may fail on them."""
        if loss.takes_classes:
            self._range(loss)
        elif loss.name.startswith("binary_cross_entropy"):
            self._binary(loss)
        if loss.with_gradient and not self._is_made(loss.target):
            self._count(loss)
            self._pair(loss)
        self._given = None

    def _pair(self, loss: LossCall) -> None:
        """Keep the rows of a batch beside their classes, until there are enough to see whether they belong together."""
        pairs, given = self._pairs.setdefault(loss.place, []), self._given
        plain = loss.takes_classes and loss.is_mean and loss.target.ndim == 1 and given is not None
        if plain and len(given) == len(loss.target) and sum(len(one) for _, one in pairs) < MOST_ROWS:
            pairs.append((as_array(given), as_array(loss.target.detach())))

    def _range(self, loss: LossCall) -> None:
        if loss.input.ndim < 1 or not loss.target.numel():
            return
        classes = int(loss.input.shape[1] if loss.input.ndim > 1 else loss.input.shape[0])
        counted = loss.target[loss.target != loss.options.get("ignore_index", -100)]
        if not counted.numel() or classes == 1:
            return
        low, high = int(counted.min()), int(counted.max())
        if low >= 0 and high < classes:
            return
        from_1 = low >= 1 and high == classes
        self.accuse(
            "labels-out-of-range",
            f"{loss.name} gets {classes} outputs a row, for labels 0 to {classes - 1}, and labels from {low} to {high}",
            "subtract 1 from the labels"
            if from_1
            else f"make the last layer as wide as there are classes ({high + 1})"
            if low >= 0
            else "map the labels to 0, 1, 2, ..., or give ignore_index",
            loss.place,
        )

    def _binary(self, loss: LossCall) -> None:
        target = loss.target
        if loss.options.get("weight") is not None or not loss.is_mean or not target.numel() or not loss.with_gradient:
            return
        low, high = float(target.min()), float(target.max())
        if low >= 0 and high <= 1:
            return
        values = torch.unique(target)
        one_unit = loss.input.ndim == 1 or loss.input.shape[-1] == 1
        if one_unit and low >= 0 and len(values) > 2 and bool((values == values.round()).all()):
            self.accuse(
                "units-and-classes-differ",
                f"{loss.name} gets one output a row, for labels 0 and 1, and labels of {len(values)} classes, "
                f"from {low:g} to {high:g}",
                "use a unit for each class and cross_entropy",
                loss.place,
            )
            return
        self.accuse(
            "labels-out-of-range",
            f"{loss.name} takes targets from 0 to 1, and gets targets from {low:g} to {high:g}",
            "map the labels to 0 and 1" if len(values) == 2 else "scale the targets, or use another loss",
            loss.place,
        )

    def _count(self, loss: LossCall) -> None:
        target = loss.target.detach()
        if loss.takes_classes and target.ndim == 1:
            plain = loss.options.get("weight") is None
            target = target[target != loss.options.get("ignore_index", -100)]
        elif loss.name.startswith("binary_cross_entropy") and (target.ndim == 1 or target.shape[1:].numel() == 1):
            plain = loss.options.get("weight") is None and loss.options.get("pos_weight") is None
            target = target.flatten()
            if not bool(((target == 0) | (target == 1)).all()):
                return
        else:
            return
        place = loss.place
        batches = self._batches.setdefault(place, [])
        if len(batches) < 2_000 and len(target) >= 2:
            batches.append(Counter(target.long().tolist()))
            self._plain[place] = plain and loss.is_mean

    def finish(self) -> None:
        """Look back."""
        for place, batches in self._batches.items():
            every: Counter[int] = sum(batches, Counter())
            rows = every.total()
            sizes = [batch.total() for batch in batches]
            if len(batches) < _FEWEST_BATCHES or max(sizes) < _FEWEST_ROWS:
                continue
            if len(every) == 1:
                self._constant(place, every, rows)
                continue
            large = [batch for batch in batches if batch.total() >= _FEWEST_ROWS]
            pure = [batch for batch in large if len(batch) == 1]
            by_chance = sum((count / rows) ** _FEWEST_ROWS for count in every.values())
            if len(pure) >= max(_FEWEST_BATCHES, len(large) / 2) and by_chance < 0.1 and len({*map(tuple, pure)}) > 1:
                self._sorted(place, len(pure), len(batches), every)
            elif self._plain[place] and rows >= _ENOUGH_ROWS:
                self._unequal(place, every, rows)
            if not self.found:
                self._learnable(place)

    def _learnable(self, place: Place) -> None:
        pairs = self._pairs.get(place, [])
        if not pairs or len({inputs.shape[1:] for inputs, _ in pairs}) > 1:
            return
        inputs, labels = (np.concatenate([pair[side] for pair in pairs]) for side in (0, 1))
        constant = inputs_constant(inputs) if np.ptp(labels) else []
        for mistake in constant or labels_not_learnable(inputs, labels.astype(np.int64)):
            self.accuse(mistake.kind, mistake.seen, mistake.mend, place)

    def _constant(self, place: Place, every: Counter[int], rows: int) -> None:
        if not self._saw_all():
            return
        self.accuse(
            "labels-constant",
            f"all {rows} labels that the loss got are {next(iter(every))}",
            "see where the labels are read: the column, its type, the mapping of names to numbers",
            place,
        )

    def _saw_all(self) -> bool:
        """Return True if a whole pass over the training rows was seen."""
        return self.training.second_epoch and not self.training.truncated

    def _sorted(self, place: Place, pure: int, n: int, every: Counter[int]) -> None:
        self.accuse(
            "rows-not-shuffled",
            f"{pure} of {n} batches hold rows of one class only, of {len(every)} classes seen",
            "shuffle the rows in each epoch: DataLoader(..., shuffle=True), or torch.randperm(n)",
            place,
        )

    def _unequal(self, place: Place, every: Counter[int], rows: int) -> None:
        rare, count = min(every.items(), key=lambda one: one[1])
        if len(every) != 2 or count >= _RARE * rows:
            return
        self.accuse(
            "classes-unequal",
            f"class {rare} is {count / rows:.1%} of the {rows} labels that the loss got, and it weighs all rows alike",
            "judge by balanced accuracy or average precision, and weigh the classes: pos_weight=, weight=, or "
            "a WeightedRandomSampler",
            place,
        )


def as_array(tensor: Any) -> NDArray[Any]:
    """Return a copy of a tensor, which the program may write into, in a precision that NumPy has."""
    array: NDArray[Any] = (tensor.float() if tensor.is_floating_point() else tensor).numpy(force=True).copy()
    return array
