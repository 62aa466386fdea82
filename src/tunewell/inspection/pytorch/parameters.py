"""The parameters that learn: an optimizer holds them, they take gradients, and the network knows of them."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from tunewell.inspection.places import Place, calling_place
from tunewell.inspection.pytorch.check import Check
from tunewell.inspection.pytorch.training import Training, has_own_weight, parameters_of

_FEWEST_STEPS = 3
_LAYERS = (nn.Linear, nn.modules.conv._ConvNd, nn.RNNBase)


class ParametersCheck(Check):
    """Looks for parameters that stay as they were made."""

    def __init__(self, training: Training) -> None:
        super().__init__(training)
        self._with_gradient: dict[int, Any] = {}
        """Parameters that had a gradient, by id."""
        self._values: dict[int, Any] = {}
        """Theirs, when they first had one."""
        self._parents: dict[int, Any] = {}
        """The outermost module in which a layer ran with gradients, by the layer's id."""
        self._layers: dict[int, Any] = {}
        self._frozen: dict[int, Any] = {}
        """Layers that ran in the outermost module and take no gradients."""
        self._step_place = Place()
        self._root_places: dict[int, Place] = {}
        self._ever_held: set[int] = set()
        self._had_no_gradient = False
        """True if `backward` was called of a loss that no gradient flows from."""

    def before_forward(self, module: Any, inputs: Any) -> None:
        """Take note of the line that calls the network."""
        if len(self.training.stack) == 1 and id(module) not in self._root_places:
            self._root_places[id(module)] = calling_place()

    def after_forward(self, module: Any, inputs: Any, outputs: Any) -> None:
        """Take note of the layers that run, and within which network."""
        if not self.training.with_gradients or not has_own_weight(module) or len(self._layers) > 5_000:
            return
        stack = self.training.stack
        self._layers[id(module)] = module
        self._parents.setdefault(id(module), stack[0] if stack else module)
        own = list(module.parameters(recurse=False))
        if isinstance(module, _LAYERS) and not any(one.requires_grad for one in own):
            self._frozen[id(module)] = module

    def before_backward(self, root: Any) -> None:
        """Take note of a loss without a gradient."""
        self._had_no_gradient |= not root.requires_grad

    def after_backward(self, root: Any) -> None:
        """Take note of the parameters that have gradients."""
        if self.training.backwards > 20 and self.training.steps < self.training.limits.max_steps - 1:
            return
        every = [one for network in self.training.roots.values() for one in network.parameters()]
        every += [one for layer in self._layers.values() for one in layer.parameters(recurse=False)]
        for parameter in every:
            if id(parameter) not in self._with_gradient and parameter.grad is not None:
                self._with_gradient[id(parameter)] = parameter
                self._values[id(parameter)] = parameter.detach().flatten()[:100].clone()

    def before_step(self, optimizer: Any) -> None:
        """Take note of the place, and of what is held."""
        self._step_place = calling_place()
        self._ever_held |= self.training.held()

    def finish(self) -> None:
        """Look back."""
        if self.training.steps < _FEWEST_STEPS:
            self._all_frozen()
            return
        held = self.training.held_by_any() | self._ever_held
        if not self._another_model(held):
            self._unregistered(held)
            self._not_optimized(held)
        self._frozen_layers()
        self._all_frozen()

    def _another_model(self, held: set[int]) -> bool:
        """Look for an optimizer none of whose parameters ever had a gradient."""
        for optimizer in self.training.optimizers:
            own = list(parameters_of(optimizer))
            if self.training.steps_of[id(optimizer)] < _FEWEST_STEPS or any(
                id(one) in self._with_gradient or one.grad is not None or one in optimizer.state for one in own
            ):
                continue
            lost = [one for key, one in self._with_gradient.items() if key not in held and self._is_still(one)]
            if lost and any(one.requires_grad for one in own):
                self.accuse(
                    "parameters-not-optimized",
                    f"none of the {len(own)} parameters that {type(optimizer).__name__} holds ever has a gradient, and "
                    f"the {len(lost)} that have gradients are in no optimizer: it was made for another network",
                    "make the optimizer after the network has its last form, of this network's parameters()",
                    self._step_place,
                )
                return True
        return False

    def _unregistered(self, held: set[int]) -> None:
        for key, layer in self._layers.items():
            parent = self._parents[key]
            own = [one for one in layer.parameters(recurse=False) if one.requires_grad]
            known = {id(one) for one in parent.parameters()}
            lost = [one for one in own if id(one) not in known and id(one) not in held]
            if layer is parent or not lost or not any(id(one) in self._with_gradient for one in lost):
                continue
            if any(self.training.is_loaded(one) for one in lost) or not known & held:
                continue
            self.accuse(
                "layers-not-registered",
                f"a {type(layer).__name__} of {sum(one.numel() for one in own)} weights runs in "
                f"{type(parent).__name__}, which does not know of it: it is not in parameters()",
                "keep layers in attributes of their own, an nn.ModuleList or an nn.ModuleDict, made in __init__",
                self._root_places.get(id(parent)),
                about=id(parent),
            )

    def _not_optimized(self, held: set[int]) -> None:
        for network in self.training.roots.values():
            own = {id(one): name for name, one in network.named_parameters()}
            if not own.keys() & held:
                self._held_by_none(network)
                continue
            lost = [
                self._with_gradient[key]
                for key in own
                if key in self._with_gradient
                and key not in held
                and not self.training.is_loaded(self._with_gradient[key])
                and self._is_still(self._with_gradient[key])
            ]
            if lost:
                names = ", ".join(own[id(one)] for one in lost[:3])
                self.accuse(
                    "parameters-not-optimized",
                    f"{len(lost)} parameters of {type(network).__name__} have gradients and no optimizer: {names}"
                    + (", ..." if len(lost) > 3 else ""),
                    "give the optimizer model.parameters(), once the network has all its layers",
                    self._step_place,
                    about=id(network),
                )

    def _held_by_none(self, network: Any) -> None:
        """Look at a network that has gradients and no optimizer, while two optimizers hold the same parameters.

        One alone may well be meant so: a network that measures what another one makes has gradients too.
        """
        stepped = [one for one in self.training.optimizers if self.training.steps_of[id(one)] >= _FEWEST_STEPS]
        owned = [frozenset(id(each) for each in parameters_of(one)) for one in stepped]
        if len(set(owned)) == len(owned):
            return
        every = [one for one in network.parameters() if one.requires_grad]
        known = all(id(one) in self._with_gradient for one in every)
        if every and known and not any(self.training.is_loaded(one) or not self._is_still(one) for one in every):
            self.accuse(
                "parameters-not-optimized",
                f"all {len(every)} parameters of a {type(network).__name__} have gradients, and no optimizer holds one",
                "give an optimizer the parameters of this network too, or freeze it if it is to stay as it is",
                self._root_places.get(id(network)),
                about=id(network),
            )

    def _is_still(self, parameter: Any) -> bool:
        """Return True if nothing has changed the parameter since it first had a gradient."""
        return bool(torch.equal(parameter.detach().flatten()[:100], self._values[id(parameter)]))

    def _frozen_layers(self) -> None:
        """Look for layers without gradients whose weights are those that they were made with."""
        for network in self.training.roots.values():
            own = {id(one) for one in network.parameters()}
            if not own & self._ever_held:
                continue
            fresh = [
                layer
                for layer in self._frozen.values()
                if self._parents[id(layer)] is network and self._is_fresh(layer) and layer is not network
            ]
            if len(fresh) >= 2:
                names = ", ".join(self.training.name_of(layer) for layer in fresh[:3])
                self.accuse(
                    "parameters-frozen",
                    f"{len(fresh)} layers take no gradients, and have the weights that they were made with: {names}",
                    "freeze only layers whose weights were loaded; here, leave requires_grad as it is",
                    self._root_places.get(id(network)),
                    about=id(network),
                )

    def _is_fresh(self, layer: Any) -> bool:
        """Return True if a layer's weights look as PyTorch makes them, and were never in an optimizer."""
        own = list(layer.parameters(recurse=False))
        if any(self.training.is_loaded(one) or id(one) in self._ever_held - self._frozen_ids() for one in own):
            return False
        weight = next(one for one in own if one.ndim >= 2).detach()
        fan = layer.hidden_size if isinstance(layer, nn.RNNBase) else weight[0].numel()
        largest = float(weight.abs().max()) * math.sqrt(fan)
        return weight.numel() >= 16 and 0.85 < largest <= 1.0001

    def _frozen_ids(self) -> set[int]:
        return {id(one) for layer in self._frozen.values() for one in layer.parameters(recurse=False)}

    def _all_frozen(self) -> None:
        network = self.training.root
        every = [] if network is None else list(network.parameters())
        if not every or any(one.requires_grad or id(one) in self._with_gradient for one in every):
            return
        held = self.training.held_by_any()
        if self._had_no_gradient or any(id(one) in held for one in every):
            self.accuse(
                "parameters-frozen",
                f"all {len(every)} parameters of {type(network).__name__} have requires_grad=False",
                "leave requires_grad as it is, or freeze only the layers that are not to learn",
                self._root_places.get(id(network)),
                about=id(network),
            )
