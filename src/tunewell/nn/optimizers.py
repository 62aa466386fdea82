"""Optimizers: the rules by which a gradient moves the parameters.

Each is a record of its settings, with `update`, one step in plain NumPy, which is the text to read; the training loop
has the same step in its kernels and takes `code` and `numbers()`. Numbers and conventions are PyTorch 2's: where the
literature has variants (where epsilon stands, what the first momentum is), these are PyTorch's.

An optimizer remembers up to two averages of gradients, `first` and `second`, of the parameters' shape, zero at the
start. Weight decay applies where `decays` says so: to weights, never to biases, gamma or beta. It is added to the
gradient (L2) by SGD, RMSprop and Adam, and shrinks the weights by itself in AdamW.

SGD takes Nesterov's momentum as Sutskever et al. ("On the importance of initialization and momentum in deep learning",
2013) write it; RMSprop is from Hinton's lecture 6e (2012); Adam from Kingma and Ba ("Adam: a method for stochastic
optimization", 2015); AdamW from Loshchilov and Hutter ("Decoupled weight decay regularization", 2019).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tunewell.errors import SettingError
from tunewell.nn.arrays import Array
from tunewell.nn.checks import check_flag, check_number


@dataclass(frozen=True, slots=True)
class SGD:
    """Stochastic gradient descent, with momentum (the heavy ball) and Nesterov's look ahead."""

    code: ClassVar[int] = 0
    learning_rate: float = 0.1
    momentum: float = 0.0
    nesterov: bool = False
    """Step along the momentum that the next step will have; needs a momentum."""
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        _check_common(self.learning_rate, self.weight_decay)
        check_number("momentum", self.momentum, at_least=0, below=1)
        check_flag("nesterov", self.nesterov)
        if self.nesterov and self.momentum == 0:
            raise SettingError("nesterov needs a momentum above 0, got 0; set momentum=0.9 or nesterov=False")

    def numbers(self) -> NDArray[np.float64]:
        """Return the settings as the training loop takes them: momentum, 0, 0, weight_decay, nesterov, 0."""
        return np.array([self.momentum, 0.0, 0.0, self.weight_decay, self.nesterov, 0.0])

    def update(
        self,
        theta: Array,
        gradient: Array,
        first: Array,
        second: Array,  # noqa: ARG002 - all optimizers are called alike
        *,
        step: int,  # noqa: ARG002 - all optimizers are called alike
        learning_rate: float,
        decays: bool,
    ) -> None:
        """Take one step, changing theta and first (the momentum, which starts as the first gradient)."""
        gradient = _with_decay(theta, gradient, self.weight_decay, decays=decays)
        first *= self.momentum
        first += gradient
        theta -= learning_rate * (gradient + self.momentum * first if self.nesterov else first)


@dataclass(frozen=True, slots=True)
class RMSprop:
    """Divides the gradient by its recent root mean square, so that every parameter moves at about the same pace."""

    code: ClassVar[int] = 1
    learning_rate: float = 1e-2
    alpha: float = 0.99
    """How much of the mean square stays from step to step."""
    epsilon: float = 1e-8
    """Added to the root, not under it."""
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        _check_common(self.learning_rate, self.weight_decay)
        check_number("alpha", self.alpha, at_least=0, below=1)
        check_number("epsilon", self.epsilon, above=0)

    def numbers(self) -> NDArray[np.float64]:
        """Return the settings as the training loop takes them: alpha, 0, epsilon, weight_decay, 0, 0."""
        return np.array([self.alpha, 0.0, self.epsilon, self.weight_decay, 0.0, 0.0])

    def update(
        self,
        theta: Array,
        gradient: Array,
        first: Array,  # noqa: ARG002 - all optimizers are called alike
        second: Array,
        *,
        step: int,  # noqa: ARG002 - all optimizers are called alike
        learning_rate: float,
        decays: bool,
    ) -> None:
        """Take one step, changing theta and second (the mean square)."""
        gradient = _with_decay(theta, gradient, self.weight_decay, decays=decays)
        _average_in(second, gradient * gradient, self.alpha)
        theta -= learning_rate * gradient / (np.sqrt(second) + self.epsilon)


@dataclass(frozen=True, slots=True)
class Adam:
    """Momentum divided by the recent root mean square, both freed of their bias towards the zeros they start from."""

    code: ClassVar[int] = 2
    learning_rate: float = 1e-3
    beta1: float = 0.9
    """How much of the mean stays from step to step."""
    beta2: float = 0.999
    """How much of the mean square stays from step to step."""
    epsilon: float = 1e-8
    """Added to the root of the unbiased mean square."""
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        _check_adam(self)

    def numbers(self) -> NDArray[np.float64]:
        """Return the settings as the training loop takes them: beta1, beta2, epsilon, weight_decay, 0, 0."""
        return _adam_numbers(self)

    def update(
        self,
        theta: Array,
        gradient: Array,
        first: Array,
        second: Array,
        *,
        step: int,
        learning_rate: float,
        decays: bool,
    ) -> None:
        """Take step number `step`, from 1, changing theta, first (the mean) and second (the mean square)."""
        gradient = _with_decay(theta, gradient, self.weight_decay, decays=decays)
        _adam_step(self, theta, gradient, first, second, step, learning_rate)


@dataclass(frozen=True, slots=True)
class AdamW:
    """Adam whose weight decay shrinks the weights directly, by the same share whatever their gradients were."""

    code: ClassVar[int] = 3
    learning_rate: float = 1e-3
    beta1: float = 0.9
    """How much of the mean stays from step to step."""
    beta2: float = 0.999
    """How much of the mean square stays from step to step."""
    epsilon: float = 1e-8
    """Added to the root of the unbiased mean square."""
    weight_decay: float = 0.01
    """Times the learning rate, it is the share of a weight that each step takes away."""

    def __post_init__(self) -> None:
        _check_adam(self)

    def numbers(self) -> NDArray[np.float64]:
        """Return the settings as the training loop takes them: beta1, beta2, epsilon, weight_decay, 0, 0."""
        return _adam_numbers(self)

    def update(
        self,
        theta: Array,
        gradient: Array,
        first: Array,
        second: Array,
        *,
        step: int,
        learning_rate: float,
        decays: bool,
    ) -> None:
        """Take step number `step`, from 1, changing theta, first (the mean) and second (the mean square)."""
        if decays:
            theta *= 1 - learning_rate * self.weight_decay
        _adam_step(self, theta, gradient, first, second, step, learning_rate)


Optimizer: TypeAlias = SGD | RMSprop | Adam | AdamW


def _with_decay(theta: Array, gradient: Array, weight_decay: float, *, decays: bool) -> Array:
    """Return the gradient of the loss plus half the weight decay times the squared length of theta."""
    return gradient + weight_decay * theta if decays and weight_decay else gradient


def _average_in(average: Array, value: Array, stays: float) -> None:
    """Take one step of an exponential average, in place."""
    average *= stays
    average += (1 - stays) * value


def _adam_step(
    settings: Adam | AdamW,
    theta: Array,
    gradient: Array,
    first: Array,
    second: Array,
    step: int,
    learning_rate: float,
) -> None:
    _average_in(first, gradient, settings.beta1)
    _average_in(second, gradient * gradient, settings.beta2)
    # the averages start at zero: after t steps, a share beta^t of each is still that zero
    mean_share = 1 - settings.beta1**step
    square_share = 1 - settings.beta2**step
    root = np.sqrt(second) / math.sqrt(square_share) + settings.epsilon
    theta -= learning_rate / mean_share * first / root


def _adam_numbers(settings: Adam | AdamW) -> NDArray[np.float64]:
    return np.array([settings.beta1, settings.beta2, settings.epsilon, settings.weight_decay, 0.0, 0.0])


def _check_adam(settings: Adam | AdamW) -> None:
    _check_common(settings.learning_rate, settings.weight_decay)
    check_number("beta1", settings.beta1, at_least=0, below=1)
    check_number("beta2", settings.beta2, at_least=0, below=1)
    check_number("epsilon", settings.epsilon, above=0)


def _check_common(learning_rate: float, weight_decay: float) -> None:
    check_number("learning_rate", learning_rate, above=0)
    check_number("weight_decay", weight_decay, at_least=0)
