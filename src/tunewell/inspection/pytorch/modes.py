"""Training and evaluation mode: each where it belongs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import torch
from torch import nn

from tunewell.inspection.places import Place, calling_place
from tunewell.inspection.pytorch.check import Check, LossCall
from tunewell.inspection.pytorch.training import BATCH_NORM, DROPOUT, Training

_IN_A_ROW = 3
_SLOW, _FAST = 1e-3, 0.95  # momenta of batch normalization


class ModesCheck(Check):
    """Looks at the mode that a network is in when it trains and when it is evaluated."""

    calls: ClassVar[frozenset[str]] = frozenset(("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout"))

    def __init__(self, training: Training) -> None:
        super().__init__(training)
        self._pending: dict[int, tuple[Any, Place]] = {}
        """Networks that ran in evaluation mode since the last step, with what they hold and where they were called."""
        self._in_a_row: dict[int, int] = {}
        self._evaluated: tuple[Any, Place, str] | None = None
        """The network that ran last with no gradient wanted, where it was called, and what was in training mode."""
        self._called = Place()
        self._seen: set[int] = set()

    def before_forward(self, module: Any, inputs: Any) -> None:
        """Look at the mode of the network, and at each batch normalization."""
        if isinstance(module, BATCH_NORM):
            self._batch_norm(module, inputs)
        if len(self.training.stack) != 1 or id(module) not in self.training.roots:
            return
        self._called = calling_place()
        if self.training.with_gradients:
            self._evaluated = None
            what = None if module.training else _unlike(module, training=False)
            if what is not None and not self._is_fine_tuned(module):
                self._pending[id(module)] = (what, self._called)
            else:
                self._pending.pop(id(module), None)
                if module.training:
                    self._in_a_row[id(module)] = 0
        else:
            what = _unlike(module, training=True) if module.training else None
            self._evaluated = None if what is None else (module, self._called, what)

    def after_call(self, name: str, args: Any, kwargs: Any, result: Any) -> None:
        """Look at a dropout that is a call of a function, with a mode of its own."""
        given = dict(zip(("input", "p", "training"), args, strict=False)) | kwargs
        stack = self.training.stack
        if not stack or isinstance(stack[-1], DROPOUT) or not given.get("p", 0.5):
            return
        network, learns = stack[0], self.training.with_gradients
        if (
            given.get("training", True) is learns
            or network.training is learns
            or id(network) not in self.training.roots
        ):
            return
        if learns:
            if not self._is_fine_tuned(network):
                self._pending[id(network)] = (name, self._called)
        elif self._evaluated is None:
            self._evaluated = (network, self._called, name)

    def after_step(self, optimizer: Any) -> None:
        """Count the steps of networks in evaluation mode."""
        self._evaluated = None
        held = {id(one) for group in optimizer.param_groups for one in group["params"]}
        for key, (what, place) in list(self._pending.items()):
            network = self.training.roots[key]
            if not any(id(one) in held for one in network.parameters()):
                continue
            del self._pending[key]
            self._in_a_row[key] = self._in_a_row.get(key, 0) + 1
            if self._in_a_row[key] == _IN_A_ROW:
                since = " since the first evaluation" if self.training.evaluations else ""
                self.accuse(
                    "trains-in-evaluation-mode",
                    f"{type(network).__name__} takes training steps in evaluation mode{since}, {what} included",
                    "call model.train() at the beginning of each epoch, and model.eval() only before evaluations",
                    place,
                    about=key,
                )

    def evaluated(self, loss: LossCall | None) -> None:
        """Look at the mode of the network that is being evaluated."""
        if self._evaluated is None or not self.training.steps:
            return
        network, place, what = self._evaluated
        held = self.training.held()
        if any(id(one) in held for one in network.parameters()):
            self.accuse(
                "evaluates-in-training-mode",
                f"{type(network).__name__} is evaluated in training mode, {what} included",
                "call model.eval() before the evaluation, and model.train() after it",
                place,
                about=id(network),
            )

    def _is_fine_tuned(self, network: Any) -> bool:
        """Return True if normalization was learned before, so that its statistics may well be left as they are."""
        return any(self.training.is_loaded(one) for one in network.parameters())

    def _batch_norm(self, module: Any, inputs: Any) -> None:
        if not self.training.with_gradients:
            return
        if not module.training:
            self._left_as_made(module)
            return
        shape: tuple[int, ...] = tuple(inputs[0].shape) if inputs and isinstance(inputs[0], torch.Tensor) else ()
        if len(shape) >= 2 and shape[0] == 1 and all(n == 1 for n in shape[2:]):
            self.accuse(
                "batch-norm-on-one-row",
                f"{self.training.name_of(module)} gets an input of shape {shape} in training: one value a channel",
                "give DataLoader drop_last=True or a larger batch, or use GroupNorm or LayerNorm",
                about=id(module),
            )
        momentum = module.momentum
        if momentum is None or not module.track_running_stats or id(module) in self._seen:
            return
        self._seen.add(id(module))
        if _SLOW <= momentum <= _FAST or any(self.training.is_loaded(one) for one in module.parameters()):
            return
        what = "all but ignores new batches" if momentum < _SLOW else "all but forgets each batch but the last"
        self.accuse(
            "statistics-frozen",
            f"{self.training.name_of(module)} has momentum={momentum:g}, the share of the new batch: it {what}",
            "use momentum=0.1 (PyTorch's is 1 minus that of Keras)",
            about=(type(module), momentum),
        )

    def _left_as_made(self, module: Any) -> None:
        """Look at a normalization in evaluation mode within a network that trains, which has never seen a batch."""
        network, steps = self.training.stack[0], self.training.steps
        tracked = module.num_batches_tracked
        learns = any(one.requires_grad for one in module.parameters())
        if steps < _IN_A_ROW or not network.training or network is module or tracked is None or not learns:
            return
        if int(tracked) == 0 and not any(self.training.is_loaded(one) for one in network.parameters()):
            self.accuse(
                "statistics-frozen",
                f"{self.training.name_of(module)} is in evaluation mode at step {steps + 1}, while the network trains, "
                "and has seen no batch: its mean is 0 and its variance 1, as they were made",
                "leave it in training mode, or load the statistics of a trained network",
                about=id(module),
            )


def _unlike(network: Any, *, training: bool) -> str | None:
    """Return the name of a layer in that mode whose outputs depend on it; None if there is none."""
    for name, module in _by_mode(network):
        if module.training is training:
            return f"{name} ({type(module).__name__})"
    return None


def _by_mode(network: Any) -> Iterator[tuple[str, Any]]:
    """Yield the layers that the mode makes a difference to."""
    for name, module in network.named_modules():
        learns = any(one.requires_grad for one in module.parameters(recurse=False)) or not module._parameters
        normalizes = isinstance(module, BATCH_NORM) and module.track_running_stats and learns
        drops = isinstance(module, DROPOUT) and module.p > 0
        drops |= isinstance(module, nn.MultiheadAttention) and module.dropout > 0
        drops |= isinstance(module, nn.RNNBase) and module.dropout > 0 and module.num_layers > 1
        if normalizes or drops:
            yield name, module
