"""The course of a PyTorch training as it is seen from outside, for all checks to read."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from tunewell.inspection.observing import Limits

_MANY = 100_000  # tensors, beyond which hashing or counting would cost more than it shows


class Training:
    """The course of a training so far: steps, the optimizers that took them, the networks that ran, and evaluations."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.steps = 0
        self.backwards = 0
        self.optimizers: list[Any] = []
        """Those that took a step."""
        self.steps_of: dict[int, int] = {}
        """By the optimizer's id."""
        self.stack: list[Any] = []
        """The modules whose forward pass is running, the outermost first."""
        self.roots: dict[int, Any] = {}
        """The outermost modules that ran, with parameters, by id."""
        self.root: Any = None
        """The last that ran with gradients."""
        self.last_layer: Any = None
        """The last module with a weight of its own that ran with gradients, other than a normalization."""
        self.loaded: set[int] = set()
        """The ids of parameters whose values were loaded: those are trained already."""
        self.loads_all = False
        """True where weights are loaded in ways that cannot be followed."""
        self.with_gradients = True
        """False under `no_grad`, of the program; the checks themselves always run under it."""
        self.evaluating = False
        self.evaluations = 0
        self.first_evaluation: int | None = None
        """The steps before it."""
        self.steps_since_evaluation = 0
        self.loader: Any = None
        """The loader whose pass has yielded the rows at hand."""
        self.passes: dict[int, int] = {}
        """Over a loader's rows, by the id of its data set."""
        self.train_loader: Any = None
        self.ended_early = False
        """True once it was ended because enough was seen."""
        self.truncated = False
        """True once a pass over the training rows was ended early."""
        self.kept: list[Any] = []
        """Objects whose ids are used here, so that no other can have them."""
        self._held: set[int] = set()
        self._held_counts: dict[int, int] = {}

    @property
    def steps_per_epoch(self) -> int | None:
        """The steps of an epoch, as far as it can be known; None before."""
        if self.train_loader is not None:
            try:
                return len(self.train_loader)
            except TypeError:
                pass
        return self.first_evaluation

    @property
    def second_epoch(self) -> bool:
        """True if there is certainly more than one epoch."""
        if self.train_loader is not None:
            return self.passes.get(id(self.train_loader.dataset), 0) > 1
        return self.evaluations > 0 and self.steps_since_evaluation > 0

    def held(self) -> set[int]:
        """Return the ids of the parameters that an optimizer that took a step holds."""
        for optimizer in self.optimizers:
            if self._held_counts.get(id(optimizer)) != len(optimizer.param_groups):
                self._held_counts[id(optimizer)] = len(optimizer.param_groups)
                self._held |= {id(parameter) for parameter in parameters_of(optimizer)}
        return self._held

    def held_by_any(self) -> set[int]:
        """Return the same with the optimizers that took no step yet; slow."""
        every = [one for one in gc.get_objects() if issubclass(type(one), torch.optim.Optimizer)]
        return self.held() | {id(parameter) for optimizer in every for parameter in parameters_of(optimizer)}

    def is_loaded(self, parameter: Any) -> bool:
        """Return True if the parameter's values may come from an earlier training."""
        return self.loads_all or id(parameter) in self.loaded

    def name_of(self, module: Any) -> str:
        """Return how the user would write a module: `model.head.2 (Linear)`."""
        kind = type(module).__name__
        for root in (self.root, *self.roots.values()):
            if root is None:
                continue
            for name, one in root.named_modules():
                if one is module:
                    return f"{name} ({kind})" if name else kind
        return kind

    def name_of_parameter(self, parameter: Any) -> str:
        """Return the parameter's name in its network."""
        for root in self.roots.values():
            for name, one in root.named_parameters():
                if one is parameter:
                    return str(name)
        return "a parameter"


def parameters_of(optimizer: Any) -> Iterator[Any]:
    """Yield all that an optimizer holds."""
    for group in optimizer.param_groups:
        yield from group["params"]


def has_own_weight(module: Any) -> bool:
    """Return True for a layer with a weight matrix of its own: linear, convolutional, recurrent, an embedding."""
    return any(parameter.ndim >= 2 for parameter in module.parameters(recurse=False))


NORMS = (
    nn.modules.batchnorm._BatchNorm,
    nn.LayerNorm,
    nn.GroupNorm,
    nn.modules.instancenorm._InstanceNorm,
)
BATCH_NORM = nn.modules.batchnorm._BatchNorm
DROPOUT = nn.modules.dropout._DropoutNd
