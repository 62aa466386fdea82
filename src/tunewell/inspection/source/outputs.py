"""The outputs of a PyTorch network: the operation that they come from, as far as the source shows."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace

from tunewell.inspection.source.program import (
    Binding,
    Function,
    Program,
    argument,
    constant,
    is_self_attribute,
    keyword,
    line,
    method,
    text,
)

_DEPTH = 30

_OPERATIONS = {
    "Softmax": "softmax",
    "Softmax2d": "softmax",
    "Softmin": "softmax",
    "LogSoftmax": "log_softmax",
    "Sigmoid": "sigmoid",
    "Hardsigmoid": "sigmoid",
    "LogSigmoid": "log_sigmoid",
    "ReLU": "relu",
    "ReLU6": "relu",
    "Tanh": "tanh",
    "Hardtanh": "tanh",
    "Linear": "linear",
    "LazyLinear": "linear",
    "Bilinear": "linear",
    "Conv1d": "linear",
    "Conv2d": "linear",
    "Conv3d": "linear",
    "ConvTranspose1d": "linear",
    "ConvTranspose2d": "linear",
    "ConvTranspose3d": "linear",
}
"""Of modules of `torch.nn`, what they end with."""
_SAME = ("Identity", "Flatten", "Unflatten", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout")
"""Modules that hand on what they get."""
_FUNCTIONS = {"relu_": "relu", "logsigmoid": "log_sigmoid", "sigmoid_": "sigmoid", "tanh_": "tanh"}
_RESHAPING = (
    "view", "reshape", "squeeze", "squeeze_", "unsqueeze", "flatten", "float", "double", "half", "to", "cpu", "cuda",
    "contiguous", "permute", "transpose", "t", "type", "clone", "dropout",
)  # fmt: skip
_MOVING = ("view", "reshape", "permute", "transpose", "t")
_WRAPPERS = (
    "torch.compile", "torch.nn.DataParallel", "torch.nn.parallel.DistributedDataParallel", "torch.jit.script",
)  # fmt: skip
_MOVED = ("to", "cuda", "cpu", "double", "float", "half", "train", "eval", "requires_grad_")


@dataclass(frozen=True, slots=True)
class Output:
    """The last operation of an expression."""

    operation: str
    """`softmax`, `log_softmax`, `sigmoid`, `log_sigmoid`, `relu`, `tanh`, `linear`."""
    at: ast.expr
    """Where it is computed, or the layer is made."""
    of: ast.expr | None = None
    """What it is computed from, where that is written there."""
    units: int | None = None
    """Of a linear layer, how many there are."""
    dim: int | None = None
    """Of a softmax."""


class Networks:
    """The networks of a program."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._known: dict[ast.expr, Output | None] = {}

    def output(self, node: ast.expr, depth: int = 0) -> Output | None:
        """Return what an expression ends with; None where the source does not tell, or tells of several."""
        if depth > _DEPTH:
            return None
        if node not in self._known:
            self._known[node] = None  # where it leads back to itself
            self._known[node] = self._followed(node, depth)
        return self._known[node]

    def _followed(self, node: ast.expr, depth: int) -> Output | None:
        if isinstance(node, ast.Name):
            return self._only([self._bound(one, depth) for one in self._program.values(node)])
        if isinstance(node, ast.IfExp):
            return self._only([self.output(node.body, depth + 1), self.output(node.orelse, depth + 1)])
        if isinstance(node, ast.Subscript):
            return self.output(node.value, depth + 1)
        if isinstance(node, ast.Call):
            return self._of_call(node, depth)
        return None

    def _bound(self, one: Binding, depth: int) -> Output | None:
        if one.is_whole:
            return self.output(one.value, depth + 1)
        if one.position is not None and one.position >= 0 and isinstance(one.value, ast.Call):
            return self._of_call(one.value, depth + 1, place=one.position)
        return None

    @staticmethod
    def _only(found: list[Output | None]) -> Output | None:
        known = {None if one is None else (one.operation, one.units, one.dim) for one in found}
        return found[0] if len(known) == 1 else None

    def _of_call(self, call: ast.Call, depth: int, place: int | None = None) -> Output | None:
        name = self._program.called(call)
        is_tensors = isinstance(call.func, ast.Attribute) and not is_self_attribute(call.func)
        operation = _operation(name, method(call) if is_tensors else "")
        if operation:
            is_function = name.startswith("torch")
            source = (call.args[0] if call.args else None) if is_function else getattr(call.func, "value", None)
            return Output(operation, call, source, dim=_dim(call, 1 if is_function else 0))
        if method(call) in _RESHAPING and not name.startswith("torch"):
            same = self.output(call.func.value, depth + 1) if isinstance(call.func, ast.Attribute) else None
            moved = (
                same is not None and method(call) in _MOVING
            )  # the units of choices are one each, side by side later
            return replace(same, units=None) if same is not None and moved else same
        if name in ("torch.squeeze", "torch.flatten", "torch.reshape", "torch.nn.functional.dropout") and call.args:
            return self.output(call.args[0], depth + 1)
        module = self.module(call.func, depth + 1)
        if module is not None:
            return self._of_module(module, call, depth + 1, place)
        values = self._program.returned(call)
        return self._only([self.output(_part(one, place), depth + 1) for one in values]) if values else None

    def module(self, node: ast.expr, depth: int = 0) -> ast.expr | ast.ClassDef | None:
        """Return how a module was made, its call or its class, from an expression that holds it."""
        if depth > _DEPTH:
            return None
        program = self._program
        if is_self_attribute(node) and isinstance(node, ast.Attribute) and (owner := program.class_of(node)):
            made = program.attribute(owner, node.attr)
            return self._made(made[0], depth) if len(made) == 1 else None
        if isinstance(node, ast.Name):
            if node.id == "self":
                return program.class_of(node)
            bound = program.value(node)
            return None if bound is None else self._made(bound, depth)
        if isinstance(node, ast.Attribute) and node.attr == "forward":
            return self.module(node.value, depth + 1)
        if isinstance(node, ast.Call):
            return self._made(Binding(node, None, node), depth)
        return None

    def _made(self, bound: Binding, depth: int) -> ast.expr | ast.ClassDef | None:
        made = bound.value
        if isinstance(made, ast.Name | ast.Attribute):
            return self.module(made, depth + 1)
        if not isinstance(made, ast.Call):
            return None
        program, name = self._program, self._program.called(made)
        if name in _WRAPPERS and made.args:
            return self.module(made.args[0], depth + 1)
        if method(made) in _MOVED and isinstance(made.func, ast.Attribute):
            return self.module(made.func.value, depth + 1)
        if name.startswith("torch.nn.") or name in program.classes:
            return made if bound.position is None else None
        if name in program.functions:
            return self._returned(program.functions[name], bound.position, depth)
        return None

    def _returned(self, function: Function, position: int | None, depth: int) -> ast.expr | ast.ClassDef | None:
        values = [node.value for node in ast.walk(function) if isinstance(node, ast.Return) and node.value is not None]
        if len(values) != 1:
            return None
        value = values[0]
        if position is not None:
            if not isinstance(value, ast.Tuple) or position >= len(value.elts):
                return None
            value = value.elts[position]
        return self.module(value, depth + 1)

    def _of_module(
        self, module: ast.expr | ast.ClassDef, call: ast.Call, depth: int, place: int | None
    ) -> Output | None:
        if depth > _DEPTH:
            return None
        if isinstance(module, ast.ClassDef):
            return self._of_class(module, depth, place)
        assert isinstance(module, ast.Call)
        name = self._program.called(module)
        kind = name.rpartition(".")[2]
        if kind == "Sequential":
            return self._of_sequential(module, depth)
        if kind in _SAME:
            return self.output(call.args[0], depth + 1) if call.args else None
        if name.startswith("torch.nn.") and kind in _OPERATIONS:
            source = call.args[0] if call.args else None
            return self._of_layer(module, kind, source)
        if name in self._program.classes:
            return self._of_class(self._program.classes[name], depth, place)
        return None

    def _of_layer(self, made: ast.Call, kind: str, source: ast.expr | None) -> Output:
        units = self._program.number(argument(made, 1, "out_features")) if kind == "Linear" else None
        dim = _dim(made, 0) if "oftmax" in kind else None
        return Output(_OPERATIONS[kind], made, source, None if units is None else int(units), dim)

    def _of_sequential(self, module: ast.Call, depth: int) -> Output | None:
        layers: list[ast.expr] = list(module.args) or self._added_to(module)
        if (
            len(layers) == 1
            and isinstance(layers[0], ast.Call)
            and self._program.called(layers[0]).endswith("OrderedDict")
        ):
            pairs = layers[0].args[0] if layers[0].args else None
            layers = [one.elts[1] for one in getattr(pairs, "elts", []) if isinstance(one, ast.Tuple)]
        while layers:
            last = layers.pop()
            if isinstance(last, ast.Starred):
                ending = self._last_of_list(last.value)
                if ending is None:
                    return None
                last = ending
            made = self.module(last, depth + 1)
            kind = self._program.called(made).rpartition(".")[2] if isinstance(made, ast.Call) else ""
            if kind in _SAME and self._program.called(made).startswith("torch.nn."):
                continue
            if made is None:
                return None
            found = self._of_module(made, ast.Call(ast.Name("_"), [], []), depth + 1, None)
            if found is not None and found.of is None and layers:  # what the activation is of is the layer before
                return Output(found.operation, found.at, layers[-1], found.units, found.dim)
            return found
        return None

    def _added_to(self, module: ast.Call) -> list[ast.expr]:
        """Return the layers that a bare `Sequential()` is given by name, one statement after the other."""
        made = self._program.parent(module)
        name = text(made.targets[0]) if isinstance(made, ast.Assign) else ""
        found: list[ast.expr] = []
        for call in self._program.calls(self._program.scope(module)):
            if name and method(call) in ("add_module", "append") and text(call.func).rpartition(".")[0] == name:
                block = self._program.parent(self._program.parent(call) or call)
                if block is not self._program.parent(made or module) or not call.args:
                    return []  # in a loop, or under a condition
                found.append(call.args[-1])
        return sorted(found, key=line)

    def _last_of_list(self, node: ast.expr) -> ast.expr | None:
        """Return what was put last into a list of layers, unless a loop or a branch may have put more there."""
        if not isinstance(node, ast.Name):
            return None
        grown: list[tuple[ast.AST, ast.expr]] = []
        for one in ast.walk(self._program.scope(node)):
            if isinstance(one, ast.Assign | ast.AugAssign) and isinstance(one.value, ast.List):
                targets = one.targets if isinstance(one, ast.Assign) else [one.target]
                names = [target.id for target in targets if isinstance(target, ast.Name)]
                grown += [(one, part) for part in one.value.elts if node.id in names]
            elif isinstance(one, ast.Call) and text(one.func) == f"{node.id}.append" and one.args:
                grown.append((one, one.args[0]))
        before = [(line(at), at, part) for at, part in grown if line(at) <= node.lineno]
        if not before:
            return None
        _, at, last = max(before, key=lambda one: one[0])
        sure = not any(isinstance(one, ast.If | ast.For | ast.While | ast.Try) for one in self._program.ancestors(at))
        same = [part for place, _, part in before if place == line(at)]
        return same[-1] if sure and not isinstance(last, ast.Starred) else None

    def _of_class(self, owner: ast.ClassDef, depth: int, place: int | None) -> Output | None:
        forward = next((one for one in owner.body if isinstance(one, Function) and one.name == "forward"), None)
        if forward is None:
            return None
        found = [
            self.output(_part(node.value, place), depth + 1)
            for node in ast.walk(forward)
            if isinstance(node, ast.Return) and node.value is not None
        ]
        return self._only(found) if found else None

    def units_before(self, output: Output) -> int | None:
        """Return how many units there are in the linear layer that an activation is computed from."""
        if output.of is None:
            return None
        before = self.output(output.of)
        if before is None:  # an element of a Sequential
            made = self.module(output.of)
            if isinstance(made, ast.Call) and self._program.called(made) == "torch.nn.Linear":
                units = self._program.number(argument(made, 1, "out_features"))
                return None if units is None else int(units)
            return None
        return before.units


def _part(value: ast.expr, place: int | None) -> ast.expr:
    """Return the part of a tuple that is taken; of another expression, itself."""
    return value.elts[min(place or 0, len(value.elts) - 1)] if isinstance(value, ast.Tuple) else value


def _operation(name: str, called: str) -> str:
    """Return what a function or a method of a tensor computes."""
    kind = name.rpartition(".")[2] if name.startswith(("torch.nn.functional.", "torch.")) else called
    if (
        name.startswith("torch")
        and name.count(".") > 1
        and not name.startswith(("torch.nn.functional.", "torch.special."))
    ):
        return ""
    kind = _FUNCTIONS.get(kind, kind)
    return kind if kind in ("softmax", "log_softmax", "sigmoid", "log_sigmoid", "relu", "tanh") else ""


def _dim(call: ast.Call, place: int) -> int | None:
    node = argument(call, place, "dim") or keyword(call, "axis")
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(constant(node.operand), int):
        return -int(str(constant(node.operand)))
    value = constant(node)
    return value if isinstance(value, int) else None
