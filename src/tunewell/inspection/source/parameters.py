"""The parameters that a PyTorch network has, and those that its optimizer holds."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

from tunewell.inspection.mistakes import Mistake
from tunewell.inspection.source.program import (
    Function,
    Program,
    argument,
    constant,
    is_self_attribute,
    line,
    method,
    text,
)
from tunewell.inspection.source.torch_calls import is_optimizer

_MODULE_BASES = (
    "torch.nn.Module",
    "torch.nn.Sequential",
    "pytorch_lightning.LightningModule",
    "lightning.LightningModule",
)
_KEEPING = ("to", "cuda", "cpu", "float", "double", "half", "train", "eval", "requires_grad_", "compile")


def replaced_after_optimizer(program: Program) -> Iterator[Mistake]:
    """Find a network, or a part of it, that is made anew after the optimizer was given its parameters."""
    for call in program.calls():
        if not is_optimizer(program, call):
            continue
        given = argument(call, 0, "params")
        owner = _parameters_of(given)
        statement = _statement(program, call)
        block = _block(program, statement)
        if owner is None or block is None or statement is None:
            continue
        after = list(_until_training(block[block.index(statement) + 1 :]))
        if any(isinstance(one, ast.Call) and is_optimizer(program, one) for part in after for one in ast.walk(part)):
            continue  # there is another one
        for later in (one for one in after if isinstance(one, ast.Assign)):
            if any(_is_made_anew(program, target, owner, later.value) for target in later.targets):
                yield program.mistake(
                    "parameters-not-optimized",
                    later,
                    (
                        f"{text(later.targets[0])} is made anew on line {line(later)}, after {text(call.func)} was "
                        f"given {text(given) if given else ''} on line {line(call)}: the optimizer holds the old one"
                    ),
                    "make the optimizer after it",
                )


def _until_training(statements: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements before the loop of the training."""
    for one in statements:
        if isinstance(one, ast.For | ast.While | ast.With):
            return
        yield one


def _parameters_of(node: ast.expr | None) -> ast.expr | None:
    """Return `model` of `model.parameters()`, also where these are listed or filtered."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("filter", "list"):
        return _parameters_of(node.args[-1] if node.args else None)
    if isinstance(node, ast.ListComp | ast.GeneratorExp) and len(node.generators) == 1:
        return _parameters_of(node.generators[0].iter)
    if node is None or method(node) != "parameters" or not isinstance(node, ast.Call):
        return None
    return node.func.value if isinstance(node.func, ast.Attribute) else None


def _statement(program: Program, node: ast.AST) -> ast.stmt | None:
    return next((one for one in program.ancestors(node) if isinstance(one, ast.stmt)), None)


def _block(program: Program, statement: ast.stmt | None) -> list[ast.stmt] | None:
    """Return the statements among which a statement stands."""
    parent = None if statement is None else program.parent(statement)
    for name in ("body", "orelse", "finalbody"):
        block = getattr(parent, name, None)
        if isinstance(block, list) and statement in block:
            return block
    return None


def _is_made_anew(program: Program, target: ast.expr, owner: ast.expr, value: ast.expr) -> bool:
    whole = text(owner)
    if text(target) == whole:
        mentioned = any(isinstance(one, ast.Name | ast.Attribute) and text(one) == whole for one in ast.walk(value))
        return isinstance(value, ast.Call) and not mentioned and method(value) not in _KEEPING
    is_part = isinstance(target, ast.Attribute | ast.Subscript) and text(target).startswith((f"{whole}.", f"{whole}["))
    return is_part and program.called(value).startswith("torch.nn.")


def optimizer_of_another(program: Program) -> Iterator[Mistake]:
    """Find an optimizer of the parameters of a network that is made on the spot, and that nobody else has."""
    for call in program.calls():
        if not is_optimizer(program, call):
            continue
        owner = _parameters_of(argument(call, 0, "params"))
        made = owner if isinstance(owner, ast.Call) else None
        if made is not None and (
            program.called(made) in program.classes or program.called(made).startswith("torch.nn.")
        ):
            yield program.mistake(
                "parameters-not-optimized",
                call,
                (
                    f"{text(call.func)} on line {line(call)} holds the parameters of a new {text(made.func)}, "
                    "and not those "
                    "of the network that is trained"
                ),
                "give it the parameters of that network: model.parameters()",
            )


def same_parameters_twice(program: Program) -> Iterator[Mistake]:
    """Find a second optimizer that is given the parameters of the first by a slip, while a network has none."""
    made = [
        (call, statement.targets[0], owner)
        for call in program.calls()
        if is_optimizer(program, call)
        and isinstance(statement := program.parent(call), ast.Assign)
        and isinstance(owner := _parameters_of(argument(call, 0, "params")), ast.Name)
    ]
    held = {name for call, *_ in made for one in ast.walk(call) if (name := getattr(one, "id", ""))}
    for (one, _, owner), (other, target, _) in itertools.combinations(made, 2):
        if ast.dump(one) != ast.dump(other) or program.scope(one) is not program.scope(other):
            continue
        prefix = text(target).partition("_")[0]
        forgotten = prefix if prefix not in held and _is_network(program, prefix, one) else ""
        if forgotten:
            yield program.mistake(
                "parameters-not-optimized",
                other,
                f"{text(target)} on line {line(other)} is given the parameters of {text(owner)}, as the one of line "
                f"{line(one)} is, and none is given those of {forgotten}",
                f"write {forgotten}.parameters() there",
            )


def _is_network(program: Program, name: str, beside: ast.AST) -> bool:
    """Return True for the name of a network of this program, made beside an optimizer."""
    for node in ast.walk(program.scope(beside)):
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        pairs: list[tuple[ast.expr, ast.expr]] = []
        if isinstance(target, ast.Tuple) and isinstance(node, ast.Assign):
            pairs = list(zip(target.elts, getattr(node.value, "elts", []), strict=False))
        elif target is not None and isinstance(node, ast.Assign):
            pairs = [(target, node.value)]
        if any(text(one) == name and _makes_layer(program, value) for one, value in pairs):
            return True
    return False


def plain_lists(program: Program) -> Iterator[Mistake]:
    """Find layers that a module keeps in a plain list or dictionary."""
    for owner in program.classes.values():
        if not any(program.name(base) in _MODULE_BASES for base in owner.bases):
            continue
        inside = list(ast.walk(owner))
        if any(method(node) in ("add_module", "register_module") or _called_name(node) == "setattr" for node in inside):
            continue
        for attribute in _lists_of_layers(program, owner):
            if not _is_registered(program, inside, attribute) and _is_used(owner, attribute):
                yield program.mistake(
                    "layers-not-registered",
                    attribute,
                    (
                        f"self.{attribute.attr} of {owner.name} is a plain {_kind(attribute, program)} of "
                        "layers, which "
                        f"{owner.name}.parameters() does not find"
                    ),
                    f"make it a torch.nn.{_registering(program, attribute)}",
                )


def _registering(program: Program, attribute: ast.Attribute) -> str:
    """Return what to use in place of a plain list or dictionary."""
    statement = program.parent(attribute)
    value = _assigned(statement) if statement is not None else None
    of = "Parameter" if value is not None and any(_is_parameter(program, one) for one in ast.walk(value)) else "Module"
    return of + ("List" if _kind(attribute, program) == "list" else "Dict")


def _called_name(node: ast.AST) -> str:
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def _assigned(node: ast.AST) -> ast.expr | None:
    """Return the value that is given to an attribute of `self`."""
    if isinstance(node, ast.Assign):
        return node.value
    return node.value if isinstance(node, ast.AnnAssign) else None


def _kind(attribute: ast.Attribute, program: Program) -> str:
    statement = program.parent(attribute)
    value = _assigned(statement) if statement is not None else None
    return "dictionary" if isinstance(value, ast.Dict | ast.DictComp) else "list"


def _lists_of_layers(program: Program, owner: ast.ClassDef) -> Iterator[ast.Attribute]:
    """Yield the attributes of `self` that are assigned a list or dictionary in which layers are made."""
    for node in ast.walk(owner):
        value = _assigned(node)
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        for target in targets:
            if not (isinstance(target, ast.Attribute) and is_self_attribute(target)):
                continue
            plain = isinstance(value, ast.List | ast.Tuple | ast.ListComp | ast.Dict | ast.DictComp) or (
                value is not None and _called_name(value) in ("list", "tuple", "dict")
            )
            filled = plain and value is not None and any(_makes_layer(program, one) for one in ast.walk(value))
            empty = (isinstance(value, ast.List) and not value.elts) or (isinstance(value, ast.Dict) and not value.keys)
            if filled or (empty and _is_filled_later(program, owner, target.attr)):
                yield target


def _is_parameter(program: Program, node: ast.AST) -> bool:
    return program.called(node) in ("torch.nn.Parameter", "torch.nn.parameter.Parameter")


def _makes_layer(program: Program, node: ast.AST) -> bool:
    name = program.called(node)
    if name in program.classes:
        return any(program.name(base) in _MODULE_BASES for base in program.classes[name].bases)
    kind = name.rpartition(".")[2]
    return _is_parameter(program, node) or (
        name.startswith("torch.nn.")
        and name.count(".") == 2
        and kind.startswith(
            (
                "Linear",
                "Conv",
                "LSTM",
                "GRU",
                "RNN",
                "BatchNorm",
                "LayerNorm",
                "Embedding",
                "Sequential",
                "TransformerEncoder",
            )
        )
    )


def _is_filled_later(program: Program, owner: ast.ClassDef, name: str) -> bool:
    """Return True if layers are appended to `self.name`, or stored in it by a key."""
    for node in ast.walk(owner):
        target: ast.expr | None = None
        added: ast.expr | None = None
        if method(node) == "append" and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            target, added = node.func.value, node.args[0] if node.args else None
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            target, added = node.targets[0].value, node.value
        is_this = isinstance(target, ast.Attribute) and is_self_attribute(target) and target.attr == name
        if is_this and added is not None and any(_makes_layer(program, one) for one in ast.walk(added)):
            return True
    return False


def _is_registered(program: Program, inside: list[ast.AST], attribute: ast.Attribute) -> bool:
    """Return True if the list is handed to a module that registers what is in it."""
    for node in inside:
        if isinstance(node, ast.Call) and program.called(node).rpartition(".")[2] in (
            "ModuleList",
            "ModuleDict",
            "Sequential",
            "ParameterList",
        ):
            for one in ast.walk(node):
                if isinstance(one, ast.Attribute) and is_self_attribute(one) and one.attr == attribute.attr:
                    return True
    return False


def _is_used(owner: ast.ClassDef, attribute: ast.Attribute) -> bool:
    for function in owner.body:
        if isinstance(function, Function) and function.name != "__init__":
            for node in ast.walk(function):
                if isinstance(node, ast.Attribute) and is_self_attribute(node) and node.attr == attribute.attr:
                    return True
    return False


def all_frozen(program: Program) -> Iterator[Mistake]:
    """Find a network all of whose parameters are frozen, and none thawed or made afterwards."""
    for loop in (node for node in program.nodes if isinstance(node, ast.For)):
        owner = _parameters_of(loop.iter)
        if owner is None or len(loop.body) != 1 or not _freezes(loop.body[0], loop.target):
            continue
        function = program.function(loop) or program.tree
        later = [node for node in ast.walk(function) if getattr(node, "lineno", 0) > (loop.end_lineno or 0)]
        name = text(owner)
        if name.endswith((".encoder", ".features", ".backbone")):
            continue
        for call in (node for node in later if isinstance(node, ast.Call) and is_optimizer(program, node)):
            held = _parameters_of(argument(call, 0, "params"))
            if any(_thaws(node) or (line(node) < line(call) and _replaces(node, name)) for node in later):
                continue
            if held is not None and f"{text(held)}.".startswith(f"{name}."):
                yield program.mistake(
                    "parameters-frozen",
                    loop,
                    (
                        f"all parameters of {name} are frozen on line {line(loop)}, none is thawed or made "
                        "after it, and "
                        f"{text(call.func)} on line {line(call)} is given these"
                    ),
                    "freeze only what is to stay as it is, or make the new layer after the loop",
                )


def _freezes(statement: ast.stmt, target: ast.expr) -> bool:
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Attribute):
        to = statement.targets[0]
        return to.attr == "requires_grad" and text(to.value) == text(target) and constant(statement.value) is False
    return (
        isinstance(statement, ast.Expr)
        and method(statement.value) == "requires_grad_"
        and isinstance(statement.value, ast.Call)
        and bool(statement.value.args)
        and constant(statement.value.args[0]) is False
    )


def _thaws(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        to = node.targets[0]
        return isinstance(to, ast.Attribute) and to.attr == "requires_grad" and constant(node.value) is not False
    if method(node) == "requires_grad_" and isinstance(node, ast.Call):
        return not node.args or constant(node.args[0]) is not False
    return method(node) in ("unfreeze", "add_module")


def _replaces(node: ast.AST, name: str) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else []
    return any(text(one).startswith((f"{name}.", f"{name}[")) or text(one) == name for one in targets)


def equal_weights(program: Program) -> Iterator[Mistake]:
    """Find weights of every layer that are set to one and the same number."""
    for call in program.calls():
        name = program.called(call)
        weights = (
            call.args[0]
            if name in ("torch.nn.init.zeros_", "torch.nn.init.ones_", "torch.nn.init.constant_") and call.args
            else None
        )
        if weights is None and method(call) in ("fill_", "zero_") and isinstance(call.func, ast.Attribute):
            weights = call.func.value
        if weights is None:
            continue
        if isinstance(weights, ast.Attribute) and weights.attr == "data":
            weights = weights.value
        if _are_all_weights(program, call, weights):
            yield program.mistake(
                "zero-weights",
                call,
                f"{text(call)} gives all weights of a layer the same value, so that its units stay alike",
                "draw them at random: torch.nn.init.kaiming_normal_, or leave PyTorch's own initialization",
            )


def _are_all_weights(program: Program, call: ast.Call, weights: ast.expr) -> bool:
    """Return True for `m.weight` of each dense or convolutional layer, and for each parameter of a network."""
    for one in program.ancestors(call):
        if isinstance(one, ast.For) and isinstance(weights, ast.Name):
            over = _parameters_of(one.iter)
            conditional = any(isinstance(node, ast.If) and call in list(ast.walk(node)) for node in ast.walk(one))
            return (
                over is not None
                and isinstance(one.target, ast.Name)
                and one.target.id == weights.id
                and not conditional
            )
        if isinstance(one, ast.If) and isinstance(weights, ast.Attribute) and weights.attr == "weight":
            if call not in [node for part in one.body for node in ast.walk(part)]:
                return False  # in the else of the test
            kinds = [
                program.name(node).rpartition(".")[2]
                for node in ast.walk(one.test)
                if isinstance(node, ast.Attribute | ast.Name)
            ]
            return any(kind.startswith(("Linear", "Conv")) for kind in kinds) and not any(
                "Norm" in kind for kind in kinds
            )
    return False
