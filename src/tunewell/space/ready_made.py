"""Ready-made parameters: the usual range, scale, tier and default of the ones that most networks have.

They come from general practice, cited with each:

* Bengio, "Practical recommendations for gradient-based training of deep architectures", 2012.
* Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.
* Kingma and Ba, "Adam: a method for stochastic optimization", 2015.
* He et al., "Deep residual learning for image recognition", 2016.
* Goodfellow, Bengio and Courville, "Deep learning", 2016.
* Ng, "Improving deep neural networks", the course of 2017, on picking scales and on tuning in order of importance.
* Masters and Luschi, "Revisiting small batch training for deep neural networks", 2018.
* Loshchilov and Hutter, "Decoupled weight decay regularization", 2019.
* Godbole et al., "Deep learning tuning playbook", Google, 2023.

Any of their settings can be given instead: `momentum(high=0.99)`.
"""

from __future__ import annotations

from tunewell.errors import SpaceError
from tunewell.space.params import Float, Int, When

_RATES = {
    "sgd": (1e-4, 1.0, 1e-2),
    "momentum": (1e-4, 1.0, 1e-2),
    "adagrad": (1e-4, 1.0, 1e-2),
    "rmsprop": (1e-5, 1e-1, 1e-3),
    "adam": (1e-5, 1e-1, 1e-3),
    "adamw": (1e-5, 1e-1, 1e-3),
    "nadam": (1e-5, 1e-1, 1e-3),
}
"""Optimizer -> low, high, default."""


def learning_rate(
    optimizer: str = "sgd",
    *,
    low: float | None = None,
    high: float | None = None,
    default: float | None = None,
    tier: int = 1,
    live: bool = True,
    when: When | None = None,
) -> Float:
    """Return a learning rate, even in its logarithm: four decades, about the optimizer's usual rate.

    Source: Bengio (2012): the one to tune if there is time for one only; below 1 and above 1e-6 for standardized
    inputs, with 0.01 a default that often works. Ng (2017): drawn evenly in its logarithm, from 0.0001 to 1.
    Kingma and Ba (2015): 0.001 for Adam, whose range lies a decade lower.

    Args:
        optimizer: sgd, momentum, adagrad, rmsprop, adam, adamw or nadam.
        low: The smallest rate; None for the optimizer's usual one. The same for `high` and `default`.
        high: The largest.
        default: Tried first.
        tier: Importance, 1 first.
        live: It may change while a trial trains.
        when: Parent parameter -> values at which it is active.

    Raises:
        SpaceError: the optimizer is not known here.

    Example:
        >>> tw.learning_rate("adam")
        Float(1e-05, 0.1, scale='log', tier=1, default=0.001, live=True)
    """
    name = str(optimizer).lower()
    if name not in _RATES:
        raise SpaceError(
            f"no usual learning rate is known for optimizer {optimizer!r}; choose one of {', '.join(_RATES)}, "
            f"or give a range: Float(1e-5, 1.0, scale='log')"
        )
    usual_low, usual_high, usual = _RATES[name]
    return Float(
        usual_low if low is None else low,
        usual_high if high is None else high,
        scale="log",
        tier=tier,
        default=usual if default is None else default,
        live=live,
        when=when,
    )


def batch_size(
    n_train: int | None = None,
    *,
    low: int | None = None,
    high: int | None = None,
    default: int | None = None,
    tier: int = 2,
    live: bool = False,
    when: When | None = None,
) -> Int:
    """Return a number of samples a step, even in its logarithm: 16 to 512, and no more than there are.

    Source: Bengio (2012): from 1 to a few hundreds, 32 a good default. Masters and Luschi (2018): 2 to 32 generalize
    best. Larger ones are in the range because they train faster. Ng (2017): second in importance.

    Args:
        n_train: Samples to train on, which bound it; None where there are plenty.
        low: The smallest; None for the usual one. The same for `high` and `default`.
        high: The largest.
        default: Tried first.
        tier: Importance, 1 first.
        live: It may change while a trial trains.
        when: Parent parameter -> values at which it is active.

    Raises:
        SpaceError: there are fewer than two samples.

    Example:
        >>> tw.batch_size(n_train=1000)
        Int(16, 512, scale='log', tier=2, default=32)
    """
    if n_train is not None and n_train < 2:
        raise SpaceError(f"n_train must be at least 2, got {n_train!r}; give the number of samples to train on")
    most = 512 if n_train is None else min(512, n_train)
    high = most if high is None else high
    low = min(16, max(1, high // 4)) if low is None else low
    usual = min(max(32, low), high) if default is None else default
    return Int(low, high, scale="log", tier=tier, default=usual, live=live, when=when)


def hidden_units(
    *,
    low: int = 16,
    high: int = 512,
    default: int = 128,
    tier: int = 2,
    live: bool = False,
    when: When | None = None,
) -> Int:
    """Return a number of units in a hidden layer, even in its logarithm.

    Source: Bengio (2012): more than the best number costs time but little accuracy, where something regularizes.
    Ng (2017): second in importance.

    Example:
        >>> tw.hidden_units(high=1024)
        Int(16, 1024, scale='log', tier=2, default=128)
    """
    return Int(low, high, scale="log", tier=tier, default=default, live=live, when=when)


def momentum(
    *,
    low: float = 0.5,
    high: float = 0.999,
    default: float = 0.9,
    tier: int = 2,
    live: bool = False,
    when: When | None = None,
) -> Float:
    """Return SGD's momentum, even in log(1 - momentum): 1 / (1 - momentum) is the number of steps averaged over.

    Source: Goodfellow et al. (2016), section 8.3.2: 0.5, 0.9 and 0.99 are common. Ng (2017): 0.9 a good default,
    second in importance, and to be drawn evenly in log(1 - momentum).

    Example:
        >>> tw.momentum()
        Float(0.5, 0.999, scale='log1m', tier=2, default=0.9)
    """
    return Float(low, high, scale="log1m", tier=tier, default=default, live=live, when=when)


def layers(
    *,
    low: int = 1,
    high: int = 5,
    default: int = 2,
    tier: int = 3,
    live: bool = False,
    when: When | None = None,
) -> Int:
    """Return a number of hidden layers.

    Source: Ng (2017): drawn evenly from a few small numbers, third in importance.

    Example:
        >>> tw.layers()
        Int(1, 5, tier=3, default=2)
    """
    return Int(low, high, tier=tier, default=default, live=live, when=when)


def lr_decay(
    *,
    low: float = 0.8,
    high: float = 0.999,
    default: float = 0.95,
    tier: int = 3,
    live: bool = False,
    when: When | None = None,
) -> Float:
    """Return the factor of the learning rate after each epoch: learning_rate * lr_decay ** (epoch - 1).

    Even in log(1 - lr_decay), because the rate falls to 37 % in about 1 / (1 - lr_decay) epochs: in 5 to 1,000.

    Source: Ng (2017): exponential decay, 0.95 ** epoch, third in importance.

    Example:
        >>> tw.lr_decay()
        Float(0.8, 0.999, scale='log1m', tier=3, default=0.95)
    """
    return Float(low, high, scale="log1m", tier=tier, default=default, live=live, when=when)


def dropout(
    *,
    low: float = 0.0,
    high: float = 0.6,
    default: float = 0.1,
    tier: int = 3,
    live: bool = True,
    when: When | None = None,
) -> Float:
    """Return a share of units that are dropped in training.

    Source: Srivastava et al. (2014): 0.2 to 0.5 are typical for hidden layers, and the test error is flat from 0.2 to
    0.6. Godbole et al. (2023): regularization is added where a network overfits, so the default drops little.

    Example:
        >>> tw.dropout()
        Float(0.0, 0.6, tier=3, default=0.1, live=True)
    """
    return Float(low, high, tier=tier, default=default, live=live, when=when)


def weight_decay(
    *,
    low: float = 1e-6,
    high: float = 1e-1,
    default: float = 1e-4,
    tier: int = 3,
    live: bool = False,
    when: When | None = None,
) -> Float:
    """Return a strength of weight decay (of L2 regularization), even in its logarithm.

    Source: He et al. (2016): 1e-4. Loshchilov and Hutter (2019): searched on a logarithmic grid, and best at larger
    values where the decay is decoupled from Adam's step.

    Example:
        >>> tw.weight_decay()
        Float(1e-06, 0.1, scale='log', tier=3, default=0.0001)
    """
    return Float(low, high, scale="log", tier=tier, default=default, live=live, when=when)


def beta1(
    *,
    low: float = 0.5,
    high: float = 0.99,
    default: float = 0.9,
    tier: int = 4,
    live: bool = False,
    when: When | None = None,
) -> Float:
    """Return Adam's averaging of gradients, even in log(1 - beta1).

    Source: Kingma and Ba (2015): 0.9. Ng (2017): to be left there. Godbole et al. (2023): of Adam's own the first to
    be tuned, from ten trials on.

    Example:
        >>> tw.beta1()
        Float(0.5, 0.99, scale='log1m', tier=4, default=0.9)
    """
    return Float(low, high, scale="log1m", tier=tier, default=default, live=live, when=when)


def beta2(
    *,
    low: float = 0.9,
    high: float = 0.9999,
    default: float = 0.999,
    tier: int = 4,
    live: bool = False,
    when: When | None = None,
) -> Float:
    """Return Adam's averaging of squared gradients, even in log(1 - beta2).

    Source: Kingma and Ba (2015): 0.999, with 0.99 and 0.9999 in their experiments. Ng (2017): to be left there.
    Godbole et al. (2023): of Adam's own the last to be tuned.

    Example:
        >>> tw.beta2()
        Float(0.9, 0.9999, scale='log1m', tier=4, default=0.999)
    """
    return Float(low, high, scale="log1m", tier=tier, default=default, live=live, when=when)
