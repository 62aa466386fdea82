"""Layers that cannot learn, or not for long: alike units, dead units, states without bounds."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import nn

from tunewell.inspection.places import Place, calling_place
from tunewell.inspection.pytorch.check import Check
from tunewell.inspection.pytorch.training import Training

_LAYERS = (nn.Linear, nn.modules.conv._ConvNd)
_MOST_DEAD = 0.9  # of a layer's units
_FEWEST_ROWS, _FEWEST_UNITS = 8, 8
_LATER = 10  # steps, after which units are counted again
_GROWTH = 2.0


class LayersCheck(Check):
    """Looks at the weights that a training begins with, and at what its rectifiers let through."""

    calls: ClassVar[frozenset[str]] = frozenset(("relu", "relu_", "clamp_min"))

    def __init__(self, training: Training) -> None:
        super().__init__(training)
        self._equal: dict[int, dict[int, tuple[str, bool]]] = {}
        """By network: by layer: its name, and whether its weights are all equal at the start."""
        self._places: dict[int, Place] = {}
        self._rectified: dict[Any, int] = {}
        """By place in the forward pass: how often its dead units were counted."""
        self._order = 0

    def before_forward(self, module: Any, inputs: Any) -> None:
        """Look at a layer's weights before the first step."""
        stack = self.training.stack
        if not self.training.with_gradients or not stack:
            return
        if len(stack) == 1:
            self._order = 0
            self._places.setdefault(id(module), calling_place())
        weight = None if self.training.steps else _weight(module)
        if weight is not None and weight.ndim >= 2 and weight.shape[0] > 1:
            alike = bool((weight.detach() == weight.detach().flatten()[0]).all()) and weight.requires_grad
            self._equal.setdefault(id(stack[0]), {}).setdefault(id(module), (self.training.name_of(module), alike))

    def after_forward(self, module: Any, inputs: Any, outputs: Any) -> None:
        """Look at a recurrent layer's states."""
        if isinstance(module, nn.RNN) and module.nonlinearity == "relu" and self.training.with_gradients:
            self._states(module, outputs)

    def after_call(self, name: str, args: Any, kwargs: Any, result: Any) -> None:
        """Look at a rectifier's outputs."""
        if not self.training.stack or not self.training.with_gradients:
            return
        if name == "clamp_min" and (len(args) < 2 or args[1] != 0):
            return
        self._order += 1
        key = (id(self.training.stack[0]), self._order)
        counted = self._rectified.get(key, 0)
        if counted > (0 if self.training.steps < _LATER else 1) or not isinstance(result, torch.Tensor):
            return
        if result.ndim < 2 or result.shape[0] < _FEWEST_ROWS or result.shape[1] < 1 or not result.requires_grad:
            return
        self._rectified[key] = 1 if self.training.steps < _LATER else 2
        is_image = result.ndim == 4 or (result.ndim == 3 and isinstance(self.training.last_layer, nn.Conv1d))
        units = 1 if is_image else -1
        self._count_dead(result.detach(), units)

    def _count_dead(self, values: Any, units: int) -> None:
        if values.shape[units] < _FEWEST_UNITS:
            return
        others = [dim for dim in range(values.ndim) if dim != units % values.ndim]
        dead = 1.0 - float((values > 0).any(dim=others).float().mean())
        if dead < _MOST_DEAD or bool(values.isnan().any()):
            return
        layer = self.training.last_layer
        after = "" if layer is None else f" after {self.training.name_of(layer)}"
        when = f"after {self.training.steps} steps" if self.training.steps else "before the first step"
        self.accuse(
            "dead-units",
            f"{dead:.0%} of the {values.shape[units]} rectified units{after} are zero for each of the "
            f"{values.shape[0]} rows of a batch, {when}",
            "lower the learning rate" if self.training.steps else "scale the inputs, and take PyTorch's initialization",
            about=id(layer),
        )

    def _states(self, module: Any, outputs: Any) -> None:
        states = outputs[0]
        if not isinstance(states, torch.Tensor) or states.ndim != 3:
            return
        states = states.detach().transpose(0, 1) if module.batch_first else states.detach()
        length = states.shape[0]
        if length < 8:
            return
        middle, last = (float(states[at].float().norm()) for at in (length // 2, length - 1))
        if middle > 0 and not last < _GROWTH * middle:
            self.accuse(
                "recurrent-relu",
                f"{self.training.name_of(module)} is recurrent with nonlinearity='relu', and its state grows "
                f"by a factor of {last / middle:.3g} over the last {length - 1 - length // 2} time steps",
                "use nonlinearity='tanh', or an LSTM or GRU",
                about=id(module),
            )

    def finish(self) -> None:
        """Look back at the weights."""
        for network, layers in self._equal.items():
            alike = [name for name, equal in layers.values() if equal]
            if len(alike) < 2 or 2 * len(alike) <= len(layers):
                continue
            self.accuse(
                "zero-weights",
                f"the weights of {len(alike)} of {len(layers)} layers are all equal before the first step: "
                + ", ".join(alike[:3]),
                "leave them as PyTorch makes them, or use nn.init.kaiming_normal_ or xavier_uniform_",
                self._places.get(network),
                about=network,
            )


def _weight(module: Any) -> Any:
    """Return the weights of a layer, of PyTorch or of the user's own; None if it has none that are multiplied by."""
    own = not type(module).__module__.startswith("torch.")
    weight = getattr(module, "weight", None) if own or isinstance(module, _LAYERS) else None
    return weight if isinstance(weight, nn.Parameter) and not nn.parameter.is_lazy(weight) else None
