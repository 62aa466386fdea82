"""The arguments of a loss: outputs of the right kind and shape, averaged once."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch

from tunewell.inspection import rows
from tunewell.inspection.places import Place, calling_place
from tunewell.inspection.pytorch.check import Check, LossCall
from tunewell.inspection.pytorch.graph import chain, inputs_of, last_operation, operation
from tunewell.inspection.pytorch.training import Training

_NAMES = {"cross_entropy": "cross_entropy", "binary_cross_entropy_with_logits": "binary_cross_entropy_with_logits"}
_SQUASHING = {"Softmax": "softmax", "Sigmoid": "sigmoid", "Relu": "ReLU", "Tanh": "tanh"}
"""After which a value is no logit any more."""
_LAST = {"LogSoftmax": "log_softmax", "LogSigmoid": "logsigmoid"}
_LINEAR = frozenset(("Addmm", "Mm", "Convolution", "Bmm", "Addbmm", "Baddbmm", "Linear", "MkldnnLinear"))
_LIKELIHOODS = ("poisson_nll_loss", "gaussian_nll_loss")
_DISTANCES = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
_FEWEST_ROWS = 4
_CLAMP = frozenset(("Clamp", "ClampMin", "ClampMax", "Hardtanh", "Minimum", "Maximum"))


class LossInputCheck(Check):
    """Looks at the operation that a loss's input comes from, in the graph of its gradient."""

    calls: ClassVar[frozenset[str]] = frozenset(("softmax", "log_softmax"))

    def __init__(self, training: Training) -> None:
        super().__init__(training)
        self._over_first: list[tuple[tuple[int, ...], Place]] = []
        """Softmaxes over the first of two axes since the last backward pass: their shapes, and where they are."""
        self._over_second: set[tuple[int, ...]] = set()
        self._n_rows: set[int] = set()
        """Of what networks gave since the last backward pass."""

    def after_call(self, name: str, args: Any, kwargs: Any, result: Any) -> None:
        """Look at a softmax of a program's own, whatever loss comes after it."""
        node = result.grad_fn if isinstance(result, torch.Tensor) else None
        if node is None or operation(node) not in ("Softmax", "LogSoftmax"):
            return
        shape, dim = tuple(result.shape), _dim(node) % max(1, result.ndim)
        if len(shape) == 2:
            self._over_second |= {shape} if dim else set()
            self._over_first += [] if dim else [(shape, calling_place())]
        before = last_operation(inputs_of(node)[0]) if inputs_of(node) else None
        squashed = _SQUASHING.get(operation(before)) if before is not None else None
        if name == "log_softmax" and squashed not in (None, "tanh") and dim:
            self.accuse(
                "logits-expected",
                f"log_softmax is given the output of {squashed}{self._layer()}",
                f"take the {squashed} away, so that log_softmax gets the last layer's output as it is",
            )

    def after_forward(self, module: Any, inputs: Any, outputs: Any) -> None:
        """Take note of the rows that a network gives."""
        if not self.training.stack:
            given = outputs[0] if isinstance(outputs, tuple | list) and outputs else outputs
            self._n_rows |= {int(given.shape[0])} if isinstance(given, torch.Tensor) and given.ndim else set()

    def before_backward(self, root: Any) -> None:
        """Look at softmaxes over as many as there are rows, with another one over the classes nowhere."""
        for shape, place in self._over_first:
            rows_of, units = shape
            is_of_rows = rows_of in self._n_rows and rows_of > _FEWEST_ROWS and units > 1 and rows_of != units
            if is_of_rows and shape not in self._over_second:
                self.accuse(
                    "softmax-over-rows",
                    f"outputs of shape {shape} pass through a softmax over dim=0, the {rows_of} rows",
                    "apply it over dim=1",
                    place,
                )
        self._over_first, self._over_second, self._n_rows = [], set(), set()

    def before_loss(self, loss: LossCall) -> None:
        """Look at a loss that is about to be computed."""
        if not loss.with_gradient or loss.input.grad_fn is None or loss.input.numel() == 0:
            return
        node = last_operation(loss.input.grad_fn)
        if self._over_one_unit(loss, node) or self._over_rows(loss, node):
            return
        match loss.name:
            case "cross_entropy" | "binary_cross_entropy_with_logits":
                self._logits(loss, node)
            case "nll_loss":
                self._log_probabilities(loss, node)
            case "binary_cross_entropy":
                self._probabilities(loss)
                if operation(node) == "Softmax":
                    self._several_labels(loss)
            case "kl_div":
                self._divergence(loss, node)
            case "poisson_nll_loss" | "gaussian_nll_loss":  # of a rate or a spread, in forms of several kinds
                return
            case _:
                self._within_reach(loss, node)

    def _layer(self) -> str:
        layer = self.training.last_layer
        return "" if layer is None else f" (the last layer is {self.training.name_of(layer)})"

    def _logits(self, loss: LossCall, node: Any) -> None:
        name = _SQUASHING.get(operation(node))
        if name is None or (name == "tanh" and loss.name != "cross_entropy"):
            return
        own = "softmax" if loss.name == "cross_entropy" else "sigmoid"
        self.accuse(
            "logits-expected",
            f"{loss.name} applies a {own} of its own, and is given the output of {name}{self._layer()}",
            f"take the {name} away, so that the loss gets the last layer's output as it is"
            + ("" if name in ("ReLU", "tanh") else f"; apply {name} only where probabilities are needed"),
            loss.place,
        )

    def _log_probabilities(self, loss: LossCall, node: Any) -> None:
        name = _kind(node)
        if name in _LINEAR or name in ("Relu", "Tanh"):
            if _mean_log_sum(loss.input) < 0.05:
                return  # probabilities all the same
            what = "raw outputs" if name in _LINEAR else f"the output of {_SQUASHING[name]}"
        elif name in ("Softmax", "Sigmoid"):
            what = f"probabilities, the output of {_SQUASHING[name]}"
        else:
            return
        mend = "use log_softmax in place of softmax" if name == "Softmax" else "apply log_softmax to them"
        self.accuse(
            "log-probabilities-expected",
            f"nll_loss takes log-probabilities, and is given {what}{self._layer()}",
            f"{mend}, or take cross_entropy of the last layer's output as it is",
            loss.place,
        )

    def _probabilities(self, loss: LossCall) -> None:
        node = last_operation(loss.input.grad_fn, also=_CLAMP)
        name = _kind(node)
        if name not in _LINEAR and name not in ("Relu", "Tanh", "LogSoftmax", "LogSigmoid"):
            return
        what = "raw outputs" if name in _LINEAR else f"the output of {_SQUASHING.get(name) or _LAST[name]}"
        self.accuse(
            "probabilities-expected",
            f"binary_cross_entropy takes probabilities, and is given {what}, "
            f"from {float(loss.input.min()):.3g} to {float(loss.input.max()):.3g}{self._layer()}",
            "use binary_cross_entropy_with_logits (nn.BCEWithLogitsLoss) on the last layer's output",
            loss.place,
        )

    def _divergence(self, loss: LossCall, node: Any) -> None:
        name = operation(node)
        if name == "Softmax" or (name in _LINEAR and _mean_log_sum(loss.input) > 0.05):
            what = "probabilities, the output of softmax" if name == "Softmax" else "raw outputs"
            self.accuse(
                "log-probabilities-expected",
                f"kl_div takes log-probabilities as its first argument, and is given {what}{self._layer()}",
                "apply log_softmax to the first argument, and softmax to the target",
                loss.place,
            )
        elif not loss.options.get("log_target") and float((loss.target < 0).float().mean()) > 0.5:
            self.accuse(
                "probabilities-expected",
                f"kl_div takes probabilities as its target, and is given numbers from {float(loss.target.min()):.3g} "
                f"to {float(loss.target.max()):.3g}, which look like log-probabilities",
                "apply softmax to the target, or give log_target=True",
                loss.place,
            )

    def _within_reach(self, loss: LossCall, node: Any) -> None:
        """Look at an activation whose range leaves out many targets."""
        name = operation(node)
        low, high = {"Relu": (0.0, math.inf), "Sigmoid": (0.0, 1.0), "Softmax": (0.0, 1.0), "Tanh": (-1.0, 1.0)}.get(
            name, (-math.inf, math.inf)
        )
        target = loss.target
        if target.requires_grad or target.numel() < 8 or not loss.is_mean:
            return
        if name == "Softmax" and self._several_labels(loss):
            return
        margin = 0.1 if math.isfinite(high) else 0.1 * float(target.std())
        beyond = float(((target < low - margin) | (target > high + margin)).float().mean())
        if beyond > 0.2:
            self.accuse(
                "targets-out-of-reach",
                f"the outputs come from {_SQUASHING[name]} and lie within {_range(low, high)}, but {beyond:.0%} of the "
                f"targets of {loss.name} lie outside, from {float(target.min()):.3g} to {float(target.max()):.3g}",
                f"take the {_SQUASHING[name]} after the last layer away, or scale the targets to its range",
                loss.place,
            )

    def _several_labels(self, loss: LossCall) -> bool:
        """Look at rows with several labels, or none, for outputs that add up to 1."""
        if loss.target.ndim != 2 or loss.target.shape != loss.input.shape:
            return False
        seen = rows.several_labels(loss.target.numpy(force=True))
        if seen:
            self.accuse(
                "targets-out-of-reach",
                f"the outputs come from softmax, {seen}",
                "take the softmax away, and use binary_cross_entropy_with_logits (nn.BCEWithLogitsLoss)",
                loss.place,
            )
        return bool(seen)

    def _over_one_unit(self, loss: LossCall, node: Any) -> bool:
        shape = loss.input.shape
        inside = loss.name == "cross_entropy" and (loss.input.ndim >= 2 and shape[1] == 1)
        beyond = operation(node) in ("Softmax", "LogSoftmax") and node._saved_result.shape[_dim(node)] == 1
        if not inside and not beyond:
            return False
        what = "cross_entropy applies a softmax to" if inside else f"{loss.name} is given a softmax of"
        self.accuse(
            "softmax-over-one-unit",
            f"{what} outputs of shape {tuple(shape)}: a single unit a row{self._layer()}",
            "use as many units as classes, or, for two classes, one unit and binary_cross_entropy_with_logits",
            loss.place,
        )
        return True

    def _over_rows(self, loss: LossCall, node: Any) -> bool:
        if operation(node) not in ("Softmax", "LogSoftmax"):
            return False
        shape = tuple(node._saved_result.shape)
        if len(shape) != 2 or _dim(node) != 0 or shape[0] == shape[1] or shape[0] < 2:
            return False
        if loss.input.shape[1:] != shape[1:]:
            return False  # the rows of a transposed matrix are its classes
        self.accuse(
            "softmax-over-rows",
            f"the outputs of shape {shape} pass through a softmax over dim=0, the rows{self._layer()}",
            "apply it over dim=1, or, before cross_entropy, not at all",
            loss.place,
        )
        return True


def _kind(node: Any) -> str:
    """Return the operation of a node; of a matrix product to which a bias is added, the product."""
    if operation(node) == "Add":
        products = [name for name in map(operation, map(last_operation, inputs_of(node))) if name in _LINEAR]
        return products[0] if products else "Add"
    return operation(node)


class BroadcastCheck(Check):
    """Looks at outputs and targets that are compared, each with every other."""

    calls: ClassVar[frozenset[str]] = frozenset(("sub", "__sub__", "rsub", "__rsub__"))

    def __init__(self, training: Training) -> None:
        super().__init__(training)
        self._differences: dict[Any, tuple[Any, Any, Place]] = {}

    def before_loss(self, loss: LossCall) -> None:
        """Look at a loss that is about to be computed."""
        if loss.name in (*_DISTANCES, *_LIKELIHOODS) and loss.with_gradient and _crosswise(loss.input, loss.target):
            self._accuse(loss.name, loss.input.shape, loss.target.shape, loss.place)

    def after_call(self, name: str, args: Any, kwargs: Any, result: Any) -> None:
        """Look at a difference that may become a loss."""
        if len(args) < 2 or not all(isinstance(one, torch.Tensor) for one in args[:2]):
            return
        if args[0].requires_grad == args[1].requires_grad or not _crosswise(args[0], args[1]):
            return
        output, target = args[:2] if args[0].requires_grad else (args[1], args[0])
        if result.grad_fn is not None and len(self._differences) < 1000:
            self._differences[result.grad_fn] = (output.shape, target.shape, calling_place())

    def before_backward(self, root: Any) -> None:
        """Look for such differences in the loss."""
        if self._differences:
            through = frozenset(("Mean", "Sum", "Pow", "Abs", "Mul", "Div", "Sqrt", "Neg", "Add"))
            for node in chain(root.grad_fn, through):
                if node in self._differences:
                    self._accuse("a difference", *self._differences[node])
        self._differences.clear()

    def _accuse(self, name: str, output: Any, target: Any, place: Place) -> None:
        both = tuple(torch.broadcast_shapes(output, target))
        self.accuse(
            "shapes-broadcast",
            f"{name} compares outputs of shape {tuple(output)} with targets of shape {tuple(target)}, "
            f"which makes {both}",
            "give both one shape: outputs.squeeze(1), or targets.unsqueeze(1)",
            place,
        )


class MeanCheck(Check):
    """Looks at a mean that is divided by the number of its rows."""

    def __init__(self, training: Training) -> None:
        super().__init__(training)
        self._n_rows = 0
        self._divided: list[tuple[int, Place]] = []
        self._backwards = 0

    def after_loss(self, loss: LossCall, value: Any) -> None:
        """Take note of the rows."""
        if loss.with_gradient:
            self._n_rows = loss.n_rows

    def after_forward(self, module: Any, inputs: Any, outputs: Any) -> None:
        """Take note of the rows."""
        if (
            not self.training.stack
            and self.training.with_gradients
            and isinstance(outputs, torch.Tensor)
            and outputs.ndim
        ):
            self._n_rows = outputs.shape[0]

    def before_backward(self, root: Any) -> None:
        """Look at the last operations of the loss."""
        self._backwards += 1
        node = root.grad_fn
        while operation(node) in ("ToCopy", "Clone", "Alias"):
            node = node.next_functions[0][0]
        divisor = _divisor(node)
        if divisor is None or self._n_rows < 8 or not math.isclose(divisor, self._n_rows, rel_tol=1e-6):
            return
        below = last_operation(node.next_functions[0][0])
        is_mean = getattr(below, "_saved_reduction", None) == 1 or operation(below) == "Mean"
        if is_mean:
            self._divided.append((self._n_rows, calling_place()))

    def after_step(self, optimizer: Any) -> None:
        """Look at the gradient of a step: a mean of several means is accumulated, and right."""
        if self._backwards != 1:
            self._divided.clear()
        self._backwards = 0
        if len(self._divided) < 3:
            return
        n_rows, place = self._divided[-1]
        self.accuse(
            "loss-averaged-twice",
            f"the loss is a mean over the {n_rows} rows of a batch, and is divided by {n_rows} before backward()",
            "leave the division away, or take the sum in the loss (reduction='sum')",
            place,
        )


def _divisor(node: Any) -> float | None:
    name = operation(node)
    if name not in ("Div", "Mul") or not hasattr(node, "_saved_other"):
        return None
    other = node._saved_other
    if other is None or (isinstance(other, torch.Tensor) and (other.numel() != 1 or other.requires_grad)):
        return None
    number = float(other)
    if number == 0:
        return None
    return number if name == "Div" else 1 / number


def _crosswise(output: Any, target: Any) -> bool:
    """Return True for shapes such as (N, 1) and (N,), of targets that differ."""
    if output.ndim == target.ndim or output.numel() != target.numel() or output.numel() < 2:
        return False
    if [n for n in output.shape if n != 1] != [n for n in target.shape if n != 1]:
        return False
    try:
        both = torch.broadcast_shapes(output.shape, target.shape)
    except RuntimeError:
        return False
    targets = target if not target.requires_grad else output
    return both.numel() > output.numel() and bool((targets != targets.flatten()[0]).any())


def _dim(node: Any) -> int:
    dim = int(node._saved_dim)
    return dim - 2**64 if dim >= 2**63 else dim  # PyTorch hands out negative numbers as if they were unsigned


def _mean_log_sum(outputs: Any) -> float:
    """Return how far rows of log-probabilities are from adding up to 1, in nats."""
    dim = 1 if outputs.ndim > 1 else 0
    return float(outputs.float().logsumexp(dim).abs().mean())


def _range(low: float, high: float) -> str:
    return f"[{low:g}, {high:g}]" if math.isfinite(high) else f"{low:g} and above"
