"""Losses and what they are given, in PyTorch."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tunewell.inspection.mistakes import Mistake
from tunewell.inspection.source.outputs import Networks, Output
from tunewell.inspection.source.program import (
    Function,
    Program,
    argument,
    constant,
    keyword,
    line,
    method,
    text,
)
from tunewell.inspection.source.torch_calls import loss_calls, losses_of_outputs

_WANTS_LOGITS = ("cross_entropy", "binary_cross_entropy_with_logits")
_DEPTH = 5  # of sums in sums
_SQUASHING = ("softmax", "sigmoid", "relu", "tanh")
_ROWS = ("batch_size", "bs", "batchsize", "BATCH_SIZE", "BS")


def activation_before_loss(program: Program) -> Iterator[Mistake]:
    """Find an activation that the loss does not want, or one that it lacks."""
    for loss, call, output in losses_of_outputs(program):
        at = line(output.at) or line(call)
        ends = f"the outputs end with {text(output.at)}"
        shown = f"{ends} (line {at}), and {text(call.func)} on line {line(call)} is {loss}"
        if loss in _WANTS_LOGITS and (output.operation in _SQUASHING or _is_log_sigmoid(loss, output)):
            own = "softmax" if loss == "cross_entropy" else "sigmoid"
            yield program.mistake(
                "logits-expected",
                output.at,
                f"{shown}, which takes logits and applies its own {own}",
                f"leave out {text(output.at)}, and apply it only to what is shown or predicted",
            )
        elif loss in ("nll_loss", "kl_div") and output.operation in ("softmax", "linear", "sigmoid", "relu"):
            yield program.mistake(
                "log-probabilities-expected",
                output.at,
                f"{shown}, which takes log-probabilities",
                "use log_softmax(..., dim=1) there"
                + (", or cross_entropy on the outputs as they are" if output.operation == "linear" else ""),
            )
        elif loss == "binary_cross_entropy" and output.operation in ("linear", "relu", "tanh"):
            yield program.mistake(
                "probabilities-expected",
                output.at,
                f"{shown}, which takes probabilities",
                "use binary_cross_entropy_with_logits (BCEWithLogitsLoss)"
                + ("" if output.operation == "linear" else f", and leave out {text(output.at)}"),
            )


def _is_log_sigmoid(loss: str, output: Output) -> bool:
    return loss == "binary_cross_entropy_with_logits" and output.operation in ("log_sigmoid", "log_softmax")


def one_unit(program: Program) -> Iterator[Mistake]:
    """Find a softmax, or a cross entropy over classes, of a single unit."""
    networks = Networks(program)
    for loss, call, output in losses_of_outputs(program):
        if "softmax" in output.operation and output.dim in (None, 1, -1) and networks.units_before(output) == 1:
            yield program.mistake(
                "softmax-over-one-unit",
                output.at,
                f"{text(output.at)} is over the one unit of the last layer",
                "use a sigmoid (BCEWithLogitsLoss, with no activation), or a unit for each class",
            )
        elif loss == "cross_entropy" and output.operation == "linear" and output.units == 1:
            yield program.mistake(
                "softmax-over-one-unit",
                output.at,
                (
                    f"the last layer, {text(output.at)}, has one unit, and {text(call.func)} on line "
                    f"{line(call)} is the "
                    "cross entropy of a softmax over it, which is always 0"
                ),
                "give it a unit for each class, or use BCEWithLogitsLoss with targets of 0.0 and 1.0",
            )


def softmax_over_rows(program: Program) -> Iterator[Mistake]:
    """Find outputs whose softmax is taken over the batch."""
    in_batches = any(program.called(call).endswith("DataLoader") for call in program.calls())
    for _, loss, output in losses_of_outputs(program):
        if "softmax" in output.operation and output.dim == 0 and (in_batches or _is_of_rows(program, loss)):
            yield program.mistake(
                "softmax-over-rows",
                output.at,
                f"{text(output.at)} is over dimension 0, the rows of a batch",
                "write dim=1, the classes",
            )


def _is_of_rows(program: Program, loss: ast.Call) -> bool:
    """Return True if the targets of a loss are several rows' for certain: a slice, or taken by a slice of an order."""
    targets = loss.args[1] if len(loss.args) > 1 else None
    if not isinstance(targets, ast.Subscript):
        return False
    return any(
        isinstance(one, ast.Slice) or (isinstance(one, ast.Subscript) and isinstance(one.slice, ast.Slice))
        for one in program.origins(targets.slice)
    )


def loss_cut_off(program: Program) -> Iterator[Mistake]:
    """Find losses that are made anew from a number, or computed from what has no gradient."""
    for call in program.calls():
        if method(call) != "backward" or not isinstance(call.func, ast.Attribute):
            continue
        lost = _lost_gradient(program, _unscaled(call.func.value))
        if lost is not None:
            yield program.mistake(
                "loss-cut-off",
                lost,
                (
                    f"{text(lost)} (line {line(lost)}) is a number without its history, and {text(call)} on line "
                    f"{line(call)} cannot go back into the network"
                ),
                "call backward() on what the loss function returns",
            )
    for _, call, _ in loss_calls(program):
        ends = (_cut(one) for given in call.args[:1] for one in program.origins(given))
        cut = next((one for one in ends if one is not None), None)
        if cut is not None and _is_trained_on(program, call):
            yield program.mistake(
                "loss-cut-off",
                call,
                f"the loss on line {line(call)} is of {text(cut)}, which has no gradient",
                "give it the network's outputs as they are",
            )


def _lost_gradient(program: Program, loss: ast.expr) -> ast.expr | None:
    """Return the expression by which a loss was made a mere number, if it was."""
    for value in program.origins(loss):
        if not isinstance(value, ast.Call):
            continue
        of = value.func.value if method(value) == "requires_grad_" and isinstance(value.func, ast.Attribute) else None
        if any(one is of for _, one, _ in loss_calls(program)):
            return value
        wants = constant(keyword(value, "requires_grad")) is True
        made = program.called(value) in ("torch.tensor", "torch.Tensor", "torch.FloatTensor", "torch.autograd.Variable")
        if made and wants and value.args and not isinstance(value.args[0], ast.Constant):
            return value
    demands = (_gradient_demanded(node, text(loss)) for node in ast.walk(program.scope(loss)))
    return next((one for one in demands if one is not None), None)


def _gradient_demanded(node: ast.AST, loss: str) -> ast.expr | None:
    """Return what says `loss.requires_grad = True`, or `loss.requires_grad_()`: what has a history needs neither."""
    if isinstance(node, ast.Assign) and text(node.targets[0]) == f"{loss}.requires_grad":
        return node.targets[0]
    return node if isinstance(node, ast.Call) and text(node.func) == f"{loss}.requires_grad_" else None


def _unscaled(loss: ast.expr) -> ast.expr:
    """Return `loss` of `scaler.scale(loss)`."""
    return loss.args[0] if method(loss) == "scale" and isinstance(loss, ast.Call) and loss.args else loss


def _cut(node: ast.expr) -> ast.expr | None:
    """Return the part of an expression, on the way from its outermost call inwards, that ends the gradient."""
    while True:
        if method(node) in ("detach", "argmax", "item", "numpy", "round", "tolist"):
            return node
        if isinstance(node, ast.Attribute) and node.attr == "data":
            return node
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and method(node):
            node = node.func.value
        elif isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        else:
            return None


def _is_trained_on(program: Program, loss: ast.Call) -> bool:
    """Return True if `backward` is called on what a call returns."""
    parent = program.parent(loss)
    if isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Div | ast.Mult):  # scaled
        parent = program.parent(parent)
    if method(parent or loss) == "" and isinstance(parent, ast.Attribute) and parent.attr == "backward":
        return True
    if not isinstance(parent, ast.Assign) or not isinstance(parent.targets[0], ast.Name):
        return False
    name, scope = parent.targets[0].id, program.scope(parent)
    return any(
        method(call) == "backward"
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == name
        and program.scope(call) is scope
        and any(one.value is parent.value for one in program.values(call.func.value))
        for call in program.calls()
    )


def averaged_twice(program: Program) -> Iterator[Mistake]:
    """Find a mean loss that is divided by the number of rows before `backward`."""
    means = {id(call) for _, call, made in loss_calls(program) if _is_mean(made)}
    for trained in _trained_on(program):
        for division, loss in _divisions(program, trained):
            if any(id(one) in means for one in _terms(program, loss)):
                yield program.mistake(
                    "loss-averaged-twice",
                    division,
                    f"{text(division)} on line {line(division)} divides what is the mean over the rows already",
                    "leave the division out",
                )


def _trained_on(program: Program) -> Iterator[ast.expr]:
    """Yield what `backward` is called on, and what a `training_step` of Lightning returns for it."""
    for call in program.calls():
        if method(call) == "backward" and isinstance(call.func, ast.Attribute):
            yield _unscaled(call.func.value)
    if program.mentions("lightning", "pytorch_lightning"):
        for function in (node for node in program.nodes if isinstance(node, Function)):
            if function.name == "training_step":
                yield from program.results(function)


def _terms(program: Program, loss: ast.expr, depth: int = 0) -> Iterator[ast.expr]:
    """Yield what a loss is the sum of, each with its factors left out; nothing of what is multiplied by its rows."""
    for one in program.origins(loss):
        if not isinstance(one, ast.BinOp) or depth > _DEPTH:
            yield one
        elif not _is_running_sum(program, one) and not (
            isinstance(one.op, ast.Mult) and any(_is_row_count(program, part) for part in (one.left, one.right))
        ):
            yield from _terms(program, one.left, depth + 1)
            if isinstance(one.op, ast.Add | ast.Mult):
                yield from _terms(program, one.right, depth + 1)


def _is_running_sum(program: Program, node: ast.BinOp) -> bool:
    """Return True for what is added to itself, `loss = loss + ...`: it is divided by how often that was done."""
    statement = program.parent(node)
    target = statement.targets[0] if isinstance(statement, ast.Assign) else None
    return isinstance(target, ast.Name) and any(
        isinstance(one, ast.Name) and one.id == target.id for one in ast.walk(node)
    )


def _is_mean(made: ast.Call | None) -> bool:
    if made is None:
        return False
    by = keyword(made, "reduction")
    return keyword(made, "size_average") is None and (by is None or constant(by) == "mean")


def _divisions(program: Program, loss: ast.expr) -> Iterator[tuple[ast.AST, ast.expr]]:
    if isinstance(loss, ast.Name):
        for one in program.values(loss):
            divides = isinstance(one.at, ast.AugAssign) and isinstance(one.at.op, ast.Div)
            if divides and _is_row_count(program, one.value):
                before = program.earlier(loss, one.at)
                if before is not None:
                    yield one.at, before.value
    for value in program.origins(loss):
        divided = value
        while isinstance(divided, ast.BinOp) and isinstance(divided.op, ast.Div):
            if _is_row_count(program, divided.right):
                yield value, divided.left
                break
            divided = divided.left


def _is_row_count(program: Program, node: ast.expr) -> bool:
    if isinstance(node, ast.Name):
        made = program.origins(node)
        return node.id in _ROWS or (made != [node] and all(_is_row_count(program, one) for one in made))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return any(_is_row_count(program, one) for one in (node.left, node.right))
    if isinstance(node, ast.Attribute):
        return node.attr in _ROWS
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len" and node.args:
        return isinstance(node.args[0], ast.Name) and not node.args[0].id.endswith(("loader", "dataset", "set"))
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and node.value.attr == "shape":
        return constant(node.slice) == 0
    return method(node) == "size" and isinstance(node, ast.Call) and constant(argument(node, 0, "dim")) == 0
