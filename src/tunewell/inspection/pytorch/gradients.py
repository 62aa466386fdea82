"""The gradients: they flow from the loss, are reset between steps, and are used."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from tunewell.inspection.places import Place, calling_place
from tunewell.inspection.pytorch.check import Check, LossCall
from tunewell.inspection.pytorch.graph import leaves
from tunewell.inspection.pytorch.training import Training, parameters_of

_FEWEST_STEPS = 3
_SAMPLE = 6  # parameters of an optimizer, of which gradients are looked at
_NEVER = 100  # backward passes with no step, where the training might have gone on
_NEVER_TO_THE_END = 10  # where it has not


class FlowCheck(Check):
    """Looks for losses that are cut off from the network, and for networks that nothing changes."""

    calls: ClassVar[frozenset[str]] = frozenset(("detach", "__get__", "tensor", "argmax"))

    def __init__(self, training: Training) -> None:
        super().__init__(training)
        self._cuts: dict[int, Place] = {}
        """By parameter's id: where a tensor that came from it was cut off."""
        self._looked_at = 0
        self._losses = 0
        self._made_to: Place | None = None
        """Where `backward` was called of a loss whose graph has none of the network's parameters."""
        self._first: list[tuple[Any, Any]] = []
        """Parameters, and their values at the first backward pass."""
        self._place = Place()
        self._loss_place = Place()
        self._forwarded: set[int] = set()
        """The ids of parameters that took part in a forward pass with gradients."""
        self._reached: set[int] = set()
        """The ids of parameters that had a gradient at some step."""

    def after_loss(self, loss: LossCall, value: Any) -> None:
        """Count the losses that gradients could be computed of."""
        if loss.with_gradient:
            self._losses += 1
            self._loss_place = loss.place

    def after_call(self, name: str, args: Any, kwargs: Any, result: Any) -> None:
        """Take note of what is cut off."""
        source = args[0] if args else None
        if not isinstance(source, torch.Tensor) or source.grad_fn is None or self._looked_at >= 60:
            return
        if not isinstance(result, torch.Tensor) or result.requires_grad or source.numel() == 1:
            return  # a property that is no tensor, or a loss that is logged
        self._looked_at += 1
        place = calling_place()
        for parameter in leaves(source.grad_fn):
            self._cuts.setdefault(parameter, place)

    def after_forward(self, module: Any, inputs: Any, outputs: Any) -> None:
        """Take note of the parameters that took part with gradients."""
        if self.training.with_gradients:
            self._forwarded |= {id(one) for one in module.parameters(recurse=False) if one.requires_grad}

    def before_backward(self, root: Any) -> None:
        """Look at a loss that has no gradient."""
        self._place = calling_place()
        if not self._first:
            held = [one for root in self.training.roots.values() for one in root.parameters() if one.requires_grad]
            self._first = [(one, one.detach().clone()) for one in held[:_SAMPLE]]
        if root.grad_fn is not None or isinstance(root, torch.nn.Parameter):
            self._made_to = self._made_to or self._place
            return
        if root.requires_grad:
            seen = "backward() is called on a tensor that was made to require a gradient, and comes from no network"
        elif self._all_frozen():
            return
        else:
            seen = "backward() is called on a loss that no gradient flows from"
        cut = next(iter(self._cuts.values()), None)
        if cut is not None:
            seen += f"; the network's output is cut off at line {cut.line}"
        self.accuse(
            "loss-cut-off",
            seen,
            "compute the loss from the network's output with PyTorch's functions: no detach(), item(), numpy(), "
            "argmax(), new tensor or no_grad() between them",
        )

    def finish(self) -> None:
        """Look back: a parameter that had no gradient, a network that never changed."""
        self._cut_off_parameters()
        self._cut_off_network()
        self._no_step()

    def _all_frozen(self) -> bool:
        every = [one for root in self.training.roots.values() for one in root.parameters()]
        return bool(every) and not any(one.requires_grad for one in every)

    def _cut_off_parameters(self) -> None:
        if self.found:
            return  # the loss itself was cut off
        cut = [
            parameter
            for optimizer in self.training.optimizers
            if self.training.steps_of[id(optimizer)] >= 3
            for parameter in parameters_of(optimizer)
            if parameter.grad is None
            and parameter.requires_grad
            and id(parameter) in self._cuts
            and id(parameter) in self._forwarded
            and id(parameter) not in self._reached
            and not self.training.is_loaded(parameter)
            and parameter not in optimizer.state
        ]
        if cut:
            name = self.training.name_of_parameter(cut[0])
            self.accuse(
                "loss-cut-off",
                f"{len(cut)} parameters that the optimizer holds have no gradient after {self.training.steps} steps, "
                f"{name} the first: what comes from them is cut off here",
                "take the detach() (.data, torch.tensor(...)) away, unless they are not meant to learn",
                self._cuts[id(cut[0])],
            )

    def _cut_off_network(self) -> None:
        """Look for a network that an optimizer steps, and none of whose parameters ever had a gradient."""
        if self.found or self._reached or self._made_to is None:
            return
        networks = list(self.training.roots.values())
        for optimizer in self.training.optimizers:
            held = {id(one) for one in parameters_of(optimizer) if one.requires_grad}
            network = next((one for one in networks if held & {id(each) for each in one.parameters()}), None)
            if network is None or self.training.steps_of[id(optimizer)] < _FEWEST_STEPS or optimizer.state:
                continue
            self.accuse(
                "loss-cut-off",
                f"after {self.training.steps_of[id(optimizer)]} steps none of the {len(held)} parameters of "
                f"{type(network).__name__} that the optimizer holds has had a gradient",
                "compute the network's output with gradients, not under no_grad(), and the loss from it as it is",
                self._made_to,
            )
            return

    def after_backward(self, root: Any) -> None:
        """Take note of the parameters that have a gradient."""
        if self.training.backwards <= 50:
            self._reached = self._reached | {
                id(one) for root in self.training.roots.values() for one in root.parameters() if one.grad is not None
            }

    def _no_step(self) -> None:
        training = self.training
        if training.steps:
            return
        enough = training.backwards >= (_NEVER if training.ended_early else _NEVER_TO_THE_END)
        still = enough and self._first and all(torch.equal(one.detach(), before) for one, before in self._first)
        if still and self._is_to_learn():
            self.accuse(
                "no-step",
                f"backward() was called {training.backwards} times, and no optimizer took a step",
                "call optimizer.step() after loss.backward()",
                self._place,
            )
        elif not training.backwards and self._losses >= 5 and self._is_to_learn():
            self.accuse(
                "no-step",
                f"{self._losses} losses were computed, and backward() was called on none",
                "call loss.backward() and then optimizer.step() for each batch",
                self._loss_place,
            )

    def _is_to_learn(self) -> bool:
        """Return True if there is an optimizer that holds parameters of a network that ran."""
        held = self.training.held_by_any()
        return any(id(one) in held for root in self.training.roots.values() for one in root.parameters())


class ResetCheck(Check):
    """Looks at the gradients that are there when new ones are about to be added to them."""

    def __init__(self, training: Training) -> None:
        super().__init__(training)
        self._reset: dict[int, bool] = {}
        """By optimizer's id: whether its gradients were away at some backward pass since its last step."""
        self._kept_for: dict[int, int] = {}
        """By optimizer's id: steps in a row with gradients of the step before."""
        self._gained: set[int] = set()
        """The ids of parameters that have a gradient other than zero from the last backward pass."""
        self._reached: set[int] = set()
        self._erased_for: dict[int, int] = {}
        self._place = Place()
        self._samples: dict[int, list[Any]] = {}

    def before_backward(self, root: Any) -> None:
        """Look at the gradients before."""
        self._place = calling_place()
        for optimizer in self.training.optimizers:
            if not any(_has_gradient(parameter) for parameter in self._sample(optimizer)):
                self._reset[id(optimizer)] = True

    def after_backward(self, root: Any) -> None:
        """Look at the gradients after."""
        every = [one for root in self.training.roots.values() for one in list(root.parameters())[:200]]
        self._gained |= {id(one) for one in every if _has_gradient(one)}

    def before_step(self, optimizer: Any) -> None:
        """Look at the gradients that a step uses."""
        key, sample = id(optimizer), [one for one in parameters_of(optimizer) if id(one) in self._gained]
        if sample and not any(_has_gradient(one) for one in sample):
            self._erased_for[key] = self._erased_for.get(key, 0) + 1
            if self._erased_for[key] >= 2:
                self.accuse(
                    "gradients-erased",
                    "the gradients that backward() has computed are zero or gone when the optimizer takes its step",
                    "call optimizer.zero_grad() before backward(), or after step(), not between the two",
                    about=key,
                )
        else:
            self._erased_for[key] = 0
        if self.training.steps_of[key] and self._gained and self._reset.get(key) is False:
            self._kept_for[key] = self._kept_for.get(key, 0) + 1
            if self._kept_for[key] >= 3:
                self.accuse(
                    "gradients-not-reset",
                    f"at step {self.training.steps_of[key] + 1} the gradients of the steps before were there when "
                    "backward() added to them",
                    "call optimizer.zero_grad() once for each step, before backward()",
                    self._place,
                    about=key,
                )
        else:
            self._kept_for[key] = 0

    def after_step(self, optimizer: Any) -> None:
        """Begin anew."""
        self._reset[id(optimizer)] = False
        self._gained = set()

    def _sample(self, optimizer: Any) -> list[Any]:
        """Return some of the parameters that had a gradient at the last step."""
        every = [one for one in parameters_of(optimizer) if one.grad is not None]
        return every[:: max(1, len(every) // _SAMPLE)]


def _has_gradient(parameter: Any) -> bool:
    gradient = parameter.grad
    if gradient is None:
        return False
    if gradient.is_sparse:
        return bool(gradient._nnz())
    return bool((gradient != 0).any())
