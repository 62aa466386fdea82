"""The operations of a network in plain NumPy, each beside its gradient, to be compared with a textbook."""

from tunewell.nn.ops.activations import (
    ACTIVATIONS,
    Activation,
    gelu,
    gelu_backward,
    leaky_relu,
    leaky_relu_backward,
    relu,
    relu_backward,
    sigmoid,
    sigmoid_backward,
    tanh,
    tanh_backward,
)
from tunewell.nn.ops.dropout import dropout_backward, dropout_forward, mask, mix
from tunewell.nn.ops.initialization import he, xavier, zeros
from tunewell.nn.ops.losses import sigmoid_cross_entropy, smooth, softmax, softmax_cross_entropy, squared_error
from tunewell.nn.ops.normalization import (
    BatchNormCache,
    batch_norm_backward,
    batch_norm_evaluate,
    batch_norm_forward,
    update_running,
)

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "BatchNormCache",
    "batch_norm_backward",
    "batch_norm_evaluate",
    "batch_norm_forward",
    "dropout_backward",
    "dropout_forward",
    "gelu",
    "gelu_backward",
    "he",
    "leaky_relu",
    "leaky_relu_backward",
    "mask",
    "mix",
    "relu",
    "relu_backward",
    "sigmoid",
    "sigmoid_backward",
    "sigmoid_cross_entropy",
    "smooth",
    "softmax",
    "softmax_cross_entropy",
    "squared_error",
    "tanh",
    "tanh_backward",
    "update_running",
    "xavier",
    "zeros",
]
