"""A check: a look for mistakes of one family, at each event of a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from tunewell.inspection.mistakes import Mistake
from tunewell.inspection.places import Place, calling_place
from tunewell.inspection.pytorch.training import Training


@dataclass(frozen=True, slots=True, eq=False)
class LossCall:
    """A call of one of PyTorch's loss functions, whoever calls it."""

    name: str
    input: Any
    """Of the loss: what the network puts out."""
    target: Any
    options: Mapping[str, Any]
    """The other arguments, by name, with their defaults."""
    place: Place
    with_gradient: bool

    @property
    def n_rows(self) -> int:
        """The rows of its batch."""
        return int(self.input.shape[0]) if self.input.ndim else 1

    @property
    def is_mean(self) -> bool:
        """True if it is averaged over the rows."""
        return self.options.get("reduction", "mean") in ("mean", "batchmean")

    @property
    def takes_classes(self) -> bool:
        """True if the target is a class number a row."""
        return self.name in ("cross_entropy", "nll_loss") and not self.target.is_floating_point()


class Check:
    """A check that looks at nothing; what is an event to one overrides its method."""

    calls: ClassVar[frozenset[str]] = frozenset()
    """The names of the functions of PyTorch whose calls it looks at, besides the losses."""

    def __init__(self, training: Training) -> None:
        self.training = training
        self.found: dict[tuple[str, object], Mistake] = {}

    def accuse(self, kind: str, seen: str, mend: str, place: Place | None = None, *, about: object = None) -> None:
        """Add a mistake, once for each place and thing that it is about."""
        place = calling_place() if place is None else place
        self.found.setdefault((kind, about or place), Mistake(kind, seen, mend, place.path, place.line))

    def before_loss(self, loss: LossCall) -> None:
        """Look at a loss that is about to be computed."""

    def after_loss(self, loss: LossCall, value: Any) -> None:
        """Look at the value of a loss."""

    def after_call(self, name: str, args: Any, kwargs: Any, result: Any) -> None:
        """Look at a call of one of `calls`."""

    def before_forward(self, module: Any, inputs: Any) -> None:
        """Look at what a module is given."""

    def after_forward(self, module: Any, inputs: Any, outputs: Any) -> None:
        """Look at what a module returns."""

    def before_backward(self, root: Any) -> None:
        """Look at a tensor whose gradients are about to be computed."""

    def after_backward(self, root: Any) -> None:
        """Look at the gradients."""

    def before_step(self, optimizer: Any) -> None:
        """Look at an optimizer that is about to take a step."""

    def after_step(self, optimizer: Any) -> None:
        """Look at an optimizer that has taken a step."""

    def scheduled(self, schedule: Any) -> None:
        """Look at a learning rate's schedule that is about to go on."""

    def evaluated(self, loss: LossCall | None) -> None:
        """Look at an evaluation: a loss or a comparison with targets that no gradient is wanted of."""

    def finish(self) -> None:
        """Look back at all that was seen, after the training."""
