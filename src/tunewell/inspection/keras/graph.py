"""The operations between a model's inputs and its outputs, and what they do to the numbers that pass through.

Letters: an operation is a layer or one of `keras.ops`; a node is one use of it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_PASSING = frozenset(
    """
    InputLayer Identity Reshape Flatten Permute RepeatVector Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D
    GaussianNoise GaussianDropout AlphaDropout Masking ActivityRegularization
    MaxPooling1D MaxPooling2D MaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D
    GlobalAveragePooling1D GlobalAveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D
    ZeroPadding1D ZeroPadding2D ZeroPadding3D Cropping1D Cropping2D Cropping3D UpSampling1D UpSampling2D
    Resizing CenterCrop RandomCrop RandomFlip RandomRotation RandomTranslation RandomZoom Concatenate
    Transpose Cast ExpandDims Squeeze
    """.split()  # noqa: SIM905  a list of that length is not read
)
"""Layers and operations that leave the scale of numbers as it is."""

_SHAPING = frozenset({"Identity", "Reshape", "Flatten", "Permute", "Squeeze", "ExpandDims", "Cast"})
"""Those that leave each number as it is, so that what an output is does not depend on them."""

_KERNELS = frozenset(
    """
    Dense EinsumDense Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose SeparableConv1D
    SeparableConv2D DepthwiseConv1D DepthwiseConv2D SimpleRNN GRU LSTM ConvLSTM1D ConvLSTM2D
    """.split()  # noqa: SIM905
)
RECURRENT = frozenset({"SimpleRNN", "GRU", "LSTM"})
_NORMALIZING = frozenset(
    {"BatchNormalization", "LayerNormalization", "GroupNormalization", "UnitNormalization", "RMSNormalization"}
)
_ACTIVATIONS = {"ReLU": "relu", "LeakyReLU": "leaky_relu", "ELU": "elu", "Softmax": "softmax"}
"""Activations that are layers of their own."""
_OPERATIONS = frozenset(
    {"Softmax", "Sigmoid", "Relu", "Relu6", "Tanh", "LogSoftmax", "Elu", "Selu", "Gelu", "Silu", "LeakyRelu"}
)
"""Activations of `keras.ops`."""


_PACKAGES = frozenset({"keras", "jax", "torch", "tensorflow"})
"""Whose functions of the same names are the same activations."""


def kind_of(operation: Any) -> str:
    """Return the class name of one of Keras's own layers and operations; empty for the user's."""
    cls = type(operation)
    return cls.__name__ if cls.__module__.partition(".")[0] == "keras" else ""


def is_kernel(operation: Any) -> bool:
    """Return True if it multiplies its inputs by weights, and does no more than a known activation after."""
    return kind_of(operation) in _KERNELS


def unwrapped(layer: Any) -> Any:
    """Return the layer that a TimeDistributed or Bidirectional applies; else the layer itself."""
    kind = kind_of(layer)
    if kind == "TimeDistributed":
        return layer.layer
    return layer.forward_layer if kind == "Bidirectional" else layer


def activation_name(operation: Any) -> str:
    """Return the name of the activation that an operation ends with; empty where it is not known or has none."""
    kind = kind_of(operation)
    if kind in _ACTIVATIONS:
        return _ACTIVATIONS[kind]
    function = getattr(operation, "activation", None)
    if kind in _KERNELS or kind == "Activation":
        name = getattr(function, "__name__", type(function).__name__)
        known = getattr(function, "__module__", type(function).__module__).partition(".")[0] in _PACKAGES
        return _snake(name) if known else ""
    module = type(operation).__module__
    return _snake(kind) if kind in _OPERATIONS and ".ops." in module else ""


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


@dataclass(frozen=True, slots=True)
class Ending:
    """The operation that makes an output what it is."""

    operation: Any
    activation: str
    """`linear` for weights without one; empty where it is not known."""
    axis: int = -1
    """The axis that a softmax is taken over."""


class Graph:
    """The operations that lead to some symbolic outputs."""

    def __init__(self, outputs: list[Any]) -> None:
        self.outputs = outputs
        self._nodes: list[tuple[Any, Any]] = []
        self._consumers: dict[int, list[tuple[Any, Any]]] = {}
        seen: set[int] = set()
        waiting = [_node(output) for output in outputs]
        while waiting:
            operation, node = waiting.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            self._nodes.append((operation, node))
            for tensor in node.input_tensors:
                self._consumers.setdefault(id(tensor), []).append((operation, node))
                waiting.append(_node(tensor))

    def uses(self) -> Iterator[tuple[Any, Any]]:
        """Yield each operation with its node, inside of nested models too."""
        for operation, node in self._nodes:
            yield operation, node
            if (inner := inner_graph(operation)) is not None:
                yield from inner.uses()

    def ending(self, output: Any) -> Ending:
        """Return what an output ends with: its last activation, or the weights before it."""
        operation, node = _node(output)
        while kind_of(operation) in _SHAPING or (
            kind_of(operation) == "Activation" and activation_name(operation) == "linear"
        ):
            if len(node.input_tensors) != 1:
                return Ending(operation, "")
            output = node.input_tensors[0]
            operation, node = _node(output)
        if (inner := inner_graph(operation)) is not None:
            return inner.ending(inner.outputs[output._keras_history.tensor_index])  # noqa: SLF001
        operation = unwrapped(operation) if kind_of(operation) == "TimeDistributed" else operation
        axis = getattr(operation, "axis", -1) if activation_name(operation) == "softmax" else -1
        return Ending(operation, activation_name(operation), axis if isinstance(axis, int) else -1)

    def first_kernels(self, tensor: Any) -> Iterator[tuple[Any, bool]]:
        """Yield the layers with weights that an input reaches unchanged, and whether their outputs are normalized."""
        for operation, node in self._consumers.get(id(tensor), ()):
            if (inner := inner_graph(operation)) is not None:
                for inside in operation_inputs(operation):
                    yield from inner.first_kernels(inside)
            elif is_kernel(unwrapped(operation)):
                yield unwrapped(operation), any(self._normalized(output) for output in node.outputs)
            elif kind_of(operation) in _PASSING:
                for output in node.outputs:
                    yield from self.first_kernels(output)

    def _normalized(self, tensor: Any) -> bool:
        return any(
            kind_of(operation) in _NORMALIZING
            or (
                (kind_of(operation) in _PASSING or activation_name(operation) in ("relu", "leaky_relu"))
                and not is_kernel(operation)
                and any(self._normalized(output) for output in node.outputs)
            )
            for operation, node in self._consumers.get(id(tensor), ())
        )

    def next_kernels(self, operation: Any) -> list[Any] | None:
        """Return the layers with weights that come next after one used once; None if something else comes between."""
        nodes = [node for op, node in self._nodes if op is operation]
        if len(nodes) != 1:
            return None
        found: list[Any] = []
        waiting = list(nodes[0].outputs)
        while waiting:
            for following, node in self._consumers.get(id(waiting.pop()), ()):
                if is_kernel(following):
                    found.append(following)
                elif (kind_of(following) in _PASSING and len(node.input_tensors) == 1) or activation_name(following):
                    waiting.extend(node.outputs)
                else:
                    return None
        return found

    def activation_after(self, operation: Any) -> str:
        """Return the activation of a layer with weights, or that of the operation right after it."""
        if (own := activation_name(operation)) != "linear":
            return own
        after = [
            following
            for op, node in self._nodes
            if op is operation
            for output in node.outputs
            for following, _ in self._consumers.get(id(output), ())
        ]
        return activation_name(after[0]) if len(after) == 1 and not is_kernel(after[0]) else own


def _node(tensor: Any) -> tuple[Any, Any]:
    operation, index, _ = tensor._keras_history  # noqa: SLF001  Keras has no public name for it
    return operation, operation._inbound_nodes[index]  # noqa: SLF001


def inner_graph(operation: Any) -> Graph | None:
    """Return the graph of a model that is used as a layer; None of anything else."""
    if kind_of(operation) not in ("Functional", "Sequential", "Model"):
        return None
    try:
        return Graph(list(operation.outputs))
    except (AttributeError, ValueError, TypeError):  # it has not been built, or is no graph
        return None


def operation_inputs(model: Any) -> list[Any]:
    """Return the symbolic inputs of a functional or sequential model."""
    return list(model.inputs)


def graph_of(model: Any, example: Any) -> tuple[Graph, list[Any]] | None:
    """Return a model's graph and its symbolic inputs in flat order; None if it is no graph of Keras's operations.

    A subclassed model is called on symbolic inputs of the example's shapes; that works unless its `call` looks at
    numbers or leaves Keras.
    """
    keras = sys.modules["keras"]
    try:
        if kind_of(model) in ("Functional", "Sequential") or getattr(model, "_functional", None) is not None:
            return Graph(list(model.outputs)), list(model.inputs)
        if getattr(model, "outputs", None) and getattr(model, "inputs", None):
            return Graph(list(model.outputs)), list(model.inputs)
        inputs = keras.tree.map_structure(lambda one: keras.Input(one.shape[1:], dtype=one.dtype.name), example)
        # as a training calls it: a default of False is for those who predict
        options = {"training": True} if getattr(model, "_call_has_training_arg", False) else {}
        outputs = keras.tree.flatten(model.call(inputs, **options))
        return Graph(outputs), keras.tree.flatten(inputs)
    except Exception:  # noqa: BLE001  the user's `call` may fail in any way on what it was not written for
        return None
