"""The last layer of a Keras model, and the loss that it is compiled with."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from tunewell.inspection.mistakes import Mistake
from tunewell.inspection.source.program import Function, Program, argument, constant, keyword, line, method, text

_CROSS_ENTROPIES = {
    "categorical_crossentropy": "softmax",
    "CategoricalCrossentropy": "softmax",
    "sparse_categorical_crossentropy": "softmax",
    "SparseCategoricalCrossentropy": "softmax",
    "binary_crossentropy": "sigmoid",
    "BinaryCrossentropy": "sigmoid",
}
_CLASSES = (
    "categorical_crossentropy",
    "CategoricalCrossentropy",
    "sparse_categorical_crossentropy",
    "SparseCategoricalCrossentropy",
)
_ACTIVATIONS = {"Softmax": "softmax", "ReLU": "relu", "LeakyReLU": "leaky_relu"}
_SAME = ("Flatten", "Reshape", "Dropout", "Lambda")


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a model."""

    activation: str
    """Its name; `linear` where there is none."""
    units: int | None
    at: ast.expr


@dataclass(frozen=True, slots=True)
class Compiled:
    """A model, and the loss that it is compiled with."""

    call: ast.Call
    loss: str
    """`categorical_crossentropy`, ...; empty if it is not known."""
    from_logits: bool
    ending: Ending | None


def compiled_models(program: Program) -> Iterator[Compiled]:
    """Yield what each `compile` of the program says."""
    for call in program.calls():
        if method(call) != "compile" or not isinstance(call.func, ast.Attribute):
            continue
        given = argument(call, 1, "loss")
        while isinstance(given, ast.Name) and (bound := program.value(given)) is not None and bound.is_whole:
            given = bound.value
        if isinstance(given, ast.Dict):
            yield from _of_outputs(program, call, given)
            continue
        name = str(constant(given)) if isinstance(constant(given), str) else ""
        logits = False
        if isinstance(given, ast.Call) and program.called(given).startswith("keras.losses."):
            name = program.called(given).rpartition(".")[2]
            option = argument(given, 0, "from_logits")
            if option is not None and not isinstance(constant(option), bool):
                continue
            logits = constant(option) is True
        yield Compiled(call, name, logits, _ending(program, call.func.value))


def _of_outputs(program: Program, call: ast.Call, losses: ast.Dict) -> Iterator[Compiled]:
    """Yield what a `compile` says of each output that it names a loss for: `loss={"price": "mse", "sold": ...}`."""
    named = {str(constant(name)): layer for layer in program.calls() if (name := keyword(layer, "name")) is not None}
    for key, given in zip(losses.keys, losses.values, strict=True):
        layer = named.get(str(constant(key)))
        if layer is not None and program.called(layer).startswith("keras.layers.") and constant(given) is not None:
            yield Compiled(call, str(constant(given)), from_logits=False, ending=_of_layer(program, layer, "", None))


def _ending(program: Program, model: ast.expr) -> Ending | None:
    made = _made(program, model)
    if made is None:
        return None
    if program.called(made) in program.classes:
        return _of_class(program, program.classes[program.called(made)])
    kind = program.called(made).rpartition(".")[2]
    if kind == "Sequential":
        return _of_layers(program, _layers(program, model, made))
    if kind == "Model":
        outputs = argument(made, 1, "outputs")
        return None if outputs is None else _of_tensor(program, outputs)
    return None


def _made(program: Program, model: ast.expr, depth: int = 0) -> ast.Call | None:
    """Return the call that made a model, by itself or in a function of the program."""
    if depth > 5:
        return None
    if isinstance(model, ast.Name):
        bound = program.value(model)
        return _made(program, bound.value, depth + 1) if bound is not None and bound.is_whole else None
    if not isinstance(model, ast.Call):
        return None
    name = program.called(model)
    is_own = name in program.classes and any(program.name(one) == "keras.Model" for one in program.classes[name].bases)
    if is_own or (name.startswith("keras.") and name.rpartition(".")[2] in ("Sequential", "Model")):
        return model
    if name in program.functions:
        values = [
            node.value for node in ast.walk(program.functions[name]) if isinstance(node, ast.Return) and node.value
        ]
        return _made(program, values[0], depth + 1) if len(values) == 1 else None
    return None


def _of_class(program: Program, owner: ast.ClassDef) -> Ending | None:
    """Return how the `call` of a subclassed model ends."""
    call = next((one for one in owner.body if isinstance(one, Function) and one.name == "call"), None)
    values = [] if call is None else [node.value for node in ast.walk(call) if isinstance(node, ast.Return)]
    return _of_tensor(program, values[0]) if len(values) == 1 and values[0] is not None else None


def _layers(program: Program, model: ast.expr, made: ast.Call) -> list[ast.expr]:
    """Return the layers of a Sequential, those that are added later too; of which none may be in doubt."""
    listed = argument(made, 0, "layers")
    if isinstance(listed, ast.Name) and (bound := program.value(listed)) is not None:
        listed = bound.value
    layers = list(listed.elts) if isinstance(listed, ast.List | ast.Tuple) else []
    scope = program.scope(made)
    statement = program.parent(made)
    names = {one.id for one in getattr(statement, "targets", []) if isinstance(one, ast.Name)}
    if isinstance(model, ast.Name):
        names.add(model.id)
    added = [
        call
        for call in program.calls(scope)
        if method(call) == "add"
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id in names
        and call.args
        and line(call) > line(made)
    ]
    added.sort(key=line)
    if listed is not None and not isinstance(listed, ast.List | ast.Tuple):
        return [*added[-1:]] and [call.args[0] for call in added]
    return [*layers, *(call.args[0] for call in added)]


def _of_layers(program: Program, layers: list[ast.expr]) -> Ending | None:
    activation, at = "", None
    for layer in reversed(layers):
        if isinstance(layer, ast.Name) and (bound := program.value(layer)) is not None:
            layer = bound.value  # noqa: PLW2901  what it names
        if not isinstance(layer, ast.Call):
            return None
        kind = program.called(layer).rpartition(".")[2]
        if not program.called(layer).startswith("keras.") or kind in ("Sequential", "Model"):
            return None
        if kind in _SAME:
            continue
        if kind in ("Activation", *_ACTIVATIONS):
            named = (
                _activation(program, argument(layer, 0, "activation")) if kind == "Activation" else _ACTIVATIONS[kind]
            )
            if named is None:
                return None
            if not activation:
                activation, at = named, layer
            continue
        return _of_layer(program, layer, activation, at)
    return None


def _of_layer(program: Program, layer: ast.Call, activation: str, at: ast.expr | None) -> Ending | None:
    kind = program.called(layer).rpartition(".")[2]
    if kind not in ("Dense", "Conv1D", "Conv2D", "Conv3D"):
        return None
    own = _activation(program, argument(layer, 1 if kind == "Dense" else None, "activation"))
    if own is None:
        return None
    units = program.number(argument(layer, 0, "units" if kind == "Dense" else "filters"))
    return Ending(activation or own, None if units is None else int(units), at or layer)


def _activation(program: Program, node: ast.expr | None) -> str | None:
    """Return the name of an activation, `linear` if there is none; None if the source does not tell."""
    if node is None or (isinstance(node, ast.Constant) and node.value is None):
        return "linear"
    if isinstance(constant(node), str):
        return str(constant(node))
    name = program.name(node)
    known = name.startswith(("keras.activations.", "tensorflow.nn.", "keras.ops."))
    return name.rpartition(".")[2] if known else None


def _of_tensor(program: Program, node: ast.expr) -> Ending | None:
    """Return how the functional interface ends: `Dense(10)(x)`."""
    if isinstance(node, ast.Name):
        bound = program.value(node)
        return (
            _of_tensor(program, bound.value)
            if bound is not None and bound.is_whole and bound.value is not node
            else None
        )
    if not isinstance(node, ast.Call):
        return None
    made = program.origins(node.func)
    layer = made[0] if len(made) == 1 else None
    if not isinstance(layer, ast.Call) or not program.called(layer).startswith("keras."):
        return None
    kind = program.called(layer).rpartition(".")[2]
    if kind in _SAME and node.args:
        return _of_tensor(program, node.args[0])
    if kind in ("Activation", *_ACTIVATIONS) and node.args:
        named = _activation(program, argument(layer, 0, "activation")) if kind == "Activation" else _ACTIVATIONS[kind]
        before = _of_tensor(program, node.args[0])
        return None if named is None or before is None else Ending(named, before.units, layer)
    return _of_layer(program, layer, "", None)


def ending_and_loss(program: Program) -> Iterator[Mistake]:
    """Find models whose last activation does not fit the loss."""
    for one in compiled_models(program):
        end, loss = one.ending, one.loss
        if end is None:
            continue
        at = f"the model ends with {text(end.at)} (line {line(end.at)})"
        by = f"is compiled with {loss}{' from logits' if one.from_logits else ''} on line {line(one.call)}"
        if end.activation == "softmax" and end.units == 1:
            yield program.mistake(
                "softmax-over-one-unit",
                end.at,
                f"{at}, a softmax over one unit",
                "use activation='sigmoid' with binary_crossentropy, or a unit for each class",
            )
        elif loss in _CLASSES and end.units == 1:
            yield program.mistake(
                "units-and-classes-differ",
                end.at,
                f"{at}, one unit, and {by}, which wants one for each class",
                "give it a unit for each class and softmax, or use sigmoid with binary_crossentropy for two classes",
            )
        elif loss in _CROSS_ENTROPIES and one.from_logits and end.activation in ("softmax", "sigmoid", "relu", "tanh"):
            yield program.mistake(
                "logits-expected",
                end.at,
                f"{at}, and {by}",
                "leave the activation out, or say from_logits=False",
            )
        elif (
            loss in _CROSS_ENTROPIES
            and not one.from_logits
            and end.activation in ("linear", "relu", "tanh", "leaky_relu")
        ):
            wanted = "sigmoid" if end.units == 1 else _CROSS_ENTROPIES[loss]
            yield program.mistake(
                "probabilities-expected",
                end.at,
                f"{at}, with {_shown(end.activation)}, and {by}, which takes probabilities",
                (
                    f"give the last layer activation='{wanted}'"
                    + (", or say from_logits=True" if end.activation == "linear" else "")
                ),
            )


def frozen_models(program: Program) -> Iterator[Mistake]:
    """Find models that are frozen whole before they are compiled."""
    for one in compiled_models(program):
        model = one.call.func.value if isinstance(one.call.func, ast.Attribute) else one.call
        name = text(model)
        scope = program.scope(one.call)
        frozen: ast.AST | None = None
        for node in sorted((node for node in ast.walk(scope) if isinstance(node, ast.stmt)), key=line):
            if line(node) >= line(one.call):
                break
            if isinstance(node, ast.Assign) and text(node.targets[0]) == f"{name}.trainable":
                frozen = node if constant(node.value) is False else None
            elif isinstance(node, ast.For) and text(node.iter) == f"{name}.layers" and len(node.body) == 1:
                inner = node.body[0]
                if isinstance(inner, ast.Assign) and text(inner.targets[0]) == f"{text(node.target)}.trainable":
                    frozen = node if constant(inner.value) is False else None
            elif frozen is not None and (".trainable" in ast.unparse(node) or _is_changed(node, name)):
                frozen = None if not (isinstance(node, ast.Assign) and constant(node.value) is False) else frozen
        if frozen is not None and _is_fitted(program, scope, name):
            yield program.mistake(
                "parameters-frozen",
                frozen,
                f"{name} is frozen on line {line(frozen)}, all of it, and compiled so on line {line(one.call)}",
                "freeze only the part that is to stay as it is",
            )


def _is_changed(node: ast.stmt, name: str) -> bool:
    is_added = any(method(one) == "add" and text(one).startswith(f"{name}.") for one in ast.walk(node))
    return is_added or (isinstance(node, ast.Assign) and text(node.targets[0]) == name)


def _is_fitted(program: Program, scope: ast.AST, name: str) -> bool:
    return any(method(call) == "fit" and text(call.func) == f"{name}.fit" for call in program.calls(scope))


def equal_kernels(program: Program) -> Iterator[Mistake]:
    """Find hidden layers whose weights all begin with the same value."""
    layers = [
        call
        for call in program.calls()
        if program.called(call).startswith("keras.layers.")
        and program.called(call).rpartition(".")[2] in ("Dense", "Conv1D", "Conv2D", "Conv3D")
    ]
    for call in sorted(layers, key=line)[:-1]:
        given = keyword(call, "kernel_initializer")
        name = str(constant(given)) if isinstance(constant(given), str) else program.called(given).rpartition(".")[2]
        if name.lower() in ("zeros", "ones", "constant"):
            yield program.mistake(
                "zero-weights",
                call,
                f"{text(call)} begins with weights that are all the same, so that its units stay alike",
                "leave kernel_initializer out, or draw at random: 'he_normal'",
            )


def gradients_not_applied(program: Program) -> Iterator[Mistake]:
    """Find gradients that nothing applies: of a tape of TensorFlow, or of a `train_step` that calls `backward`."""
    taken = [
        call
        for call in program.calls()
        if method(call) == "gradient" and isinstance(call.func, ast.Attribute) and _is_tape(program, call.func.value)
    ]
    applied = ("apply_gradients", "apply", "minimize", "assign", "assign_sub", "stateless_apply", "step")
    if any(isinstance(node, ast.Attribute) and node.attr in applied for node in program.nodes):
        return
    for call in program.calls():
        function = program.function(call)
        if (
            method(call) == "backward"
            and function is not None
            and function.name == "train_step"
            and _is_models(program, call)
        ):
            yield program.mistake(
                "no-step",
                call,
                f"{text(call)} on line {line(call)} computes gradients, and nothing applies them to the weights",
                "call self.optimizer.apply(gradients, self.trainable_weights) after it; they are in v.value.grad",
            )
            return
    if any("trainable" in ast.unparse(call) for call in taken):
        yield program.mistake(
            "no-step",
            taken[0],
            f"{text(taken[0])} on line {line(taken[0])} computes gradients, and nothing applies them to the weights",
            "call optimizer.apply_gradients(zip(gradients, model.trainable_variables)) after it",
        )


def _is_models(program: Program, node: ast.AST) -> bool:
    """Return True inside a class of models."""
    owner = program.class_of(node)
    return owner is not None and any(program.name(base) == "keras.Model" for base in owner.bases)


def _is_tape(program: Program, owner: ast.expr) -> bool:
    return any(program.called(one) == "tensorflow.GradientTape" for one in program.origins(owner))


def _shown(activation: str) -> str:
    return "no activation" if activation == "linear" else activation
