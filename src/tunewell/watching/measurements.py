"""The measurements of an epoch, of no framework: numbers of weight matrices, activations, evaluations and losses.

Shapes: L weight matrices (any parameter of two or more dimensions), in the order from input to output.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewell.arrays import Integers
from tunewell.nn.noise_scale import noise_scale

_EDGE = 0.05  # from either end of its range a sigmoid or tanh counts as saturated
RANGES = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}
"""Of the non-linearities that saturate."""
AT_LEAST = 4
"""Steps that are measured in an epoch, if it has as many."""
BATCH = 256
"""Rows that are evaluated at a time, and for which activations are looked at."""
MOST_ROWS = 1000
"""Rows that are evaluated."""
SHARE = 20
"""Of this many training rows one is evaluated, so that the cost is a share of the training's."""
_MOST_LOSSES = 512  # of steps that are kept; beyond that, every second is dropped


@dataclass(frozen=True, slots=True)
class Activation:
    """Statistics of one non-linearity's outputs."""

    mean: float
    std: float
    dead_fraction: float | None
    """Share of its units (channels, of a convolution) that are above zero for no row; of rectifiers."""
    saturated_fraction: float | None
    """Share of its outputs within 0.05 of either end of its range; of sigmoid and tanh."""


def activation_of(kind: str, outputs: NDArray[Any], units: int = -1) -> Activation:
    """Return the statistics of outputs.

    Args:
        kind: `relu`, `sigmoid`, `tanh`; any other has neither dead nor saturated outputs.
        outputs: of some rows, in any shape.
        units: the axis of units or channels.
    """
    values = np.asarray(outputs, np.float64)
    dead = saturated = None
    if kind == "relu":
        fires = (values > 0).any(axis=tuple(axis for axis in range(values.ndim) if axis != units % values.ndim))
        dead = 1.0 - float(fires.mean())
    if kind in RANGES:
        low, high = edges(kind)
        saturated = float(((values > high) | (values < low)).mean())
    return Activation(float(values.mean()), float(values.std()), dead, saturated)


def edges(kind: str) -> tuple[float, float]:
    """Return the numbers beyond which outputs of a sigmoid or tanh are saturated."""
    low, high = RANGES[kind]
    return low + _EDGE, high - _EDGE


@dataclass(frozen=True, slots=True)
class StepStatistics:
    """Means over the measured steps of an epoch; NaN is what was not finite, or cannot be known."""

    grad_norm: float
    grad_norm_max: float
    update_ratio: float
    """Median over the matrices of their mean |change| / |weights| of a step."""
    grad_noise_scale: float
    """In rows."""
    layer_grad_norms: tuple[float, ...]
    layer_update_ratios: tuple[float, ...]

    @classmethod
    def of(
        cls,
        totals: Sequence[float],
        grad_norms: Iterable[float],
        update_ratios: Sequence[float],
        scale: float,
    ) -> StepStatistics:
        """Sum up the steps of an epoch.

        Args:
            totals: norm of the gradient of all matrices, of each step.
            grad_norms: (L,), means over the steps.
            update_ratios: (L,), means over the steps.
            scale: the noise scale.
        """
        return cls(
            grad_norm=fmean(totals) if totals else math.nan,
            grad_norm_max=max(totals, key=lambda norm: math.inf if math.isnan(norm) else norm, default=math.nan),
            update_ratio=_median(update_ratios),
            grad_noise_scale=scale,
            layer_grad_norms=tuple(grad_norms),
            layer_update_ratios=tuple(update_ratios),
        )


def mean_ratio(moved: Sequence[float], weight: Sequence[float]) -> float:
    """Return the mean over one matrix's steps; steps from weights of zero have no ratio, and do not count."""
    ratios = [change / size for change, size in zip(moved, weight, strict=True) if size != 0.0]
    return fmean(ratios) if ratios else math.nan


class ArraySteps:
    """Some steps of an epoch, from arrays of NumPy: gradients, and weights before and after."""

    def __init__(self, names: Sequence[str]) -> None:
        """Begin with no step; what a step does not name is not trained: it has no gradient, and does not change."""
        self._names = tuple(names)
        self._begin()

    def _begin(self) -> None:
        self._gradients: list[dict[str, float]] = []
        self._sum: dict[str, NDArray[Any]] = {}
        self._rows: list[int] = []
        self._moved: list[dict[str, float]] = []
        self._weights: list[dict[str, float]] = []

    def add_gradients(self, gradients: Mapping[str, Any], n_rows: int) -> None:
        """Add the gradients of a step's mean loss over so many rows."""
        arrays = {name: np.asarray(gradient, np.float64) for name, gradient in gradients.items()}
        self._gradients.append({name: norm_of(gradient) for name, gradient in arrays.items()})
        self._rows.append(n_rows)
        for name, gradient in arrays.items():
            self._sum[name] = self._sum[name] + gradient if name in self._sum else gradient

    def add_change(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Add what a step has made of the weights."""
        self._moved.append(
            {name: norm_of(np.asarray(after[name], np.float64) - np.asarray(before[name])) for name in before}
        )
        self._weights.append({name: norm_of(weights) for name, weights in before.items()})

    def epoch(self, n_steps: int) -> StepStatistics | None:
        """Return the statistics of the steps since the last call; None if none was measured.

        n_steps: of the epoch, those that were not measured as well.
        """
        gradients, moved, weights, rows, total = self._gradients, self._moved, self._weights, self._rows, self._sum
        self._begin()
        if not (gradients or moved):
            return None
        totals = [math.hypot(*step.values()) for step in gradients]
        return StepStatistics.of(
            totals,
            [fmean(step.get(name, 0.0) for step in gradients) if gradients else math.nan for name in self._names],
            [
                mean_ratio([step.get(name, 0.0) for step in moved], [step.get(name, 1.0) for step in weights])
                for name in self._names
            ],
            noise_scale(totals, sum(norm_of(one) ** 2 for one in total.values()), rows, n_steps)
            if n_steps > 1
            else math.nan,
        )


def norm_of(values: Any) -> float:
    """Return the norm of an array."""
    flat = np.asarray(values, np.float64).ravel()
    return math.sqrt(float(flat @ flat))


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A network's evaluation on some rows; NaN for what cannot be known."""

    loss: float
    accuracy: float
    balanced_accuracy: float
    """Mean over the classes of the share of their rows that is found."""
    top_prediction_share: float
    """Share of the class that is predicted most."""
    n_classes: int
    """The number of classes among the outputs; 0 if the outputs are no classes."""

    @classmethod
    def of(cls, loss: float, predicted: Integers, wanted: Integers, n_classes: int) -> Evaluation:
        """Compare predicted with right classes, (N,) each; of none, the loss is all that is known."""
        if not len(wanted):
            return cls(loss, math.nan, math.nan, math.nan, 0)
        of_each = np.bincount(wanted, minlength=n_classes)
        found = np.bincount(wanted[predicted == wanted], minlength=n_classes)
        present = of_each > 0
        return cls(
            loss=loss,
            accuracy=float(found.sum() / len(wanted)),
            balanced_accuracy=float((found[present] / of_each[present]).mean()),
            top_prediction_share=float(np.bincount(predicted).max() / len(predicted)),
            n_classes=n_classes,
        )

    @classmethod
    def of_arrays(cls, loss: float, outputs: NDArray[Any], targets: NDArray[Any] | None, yes: float) -> Evaluation:
        """Compare outputs with targets.

        Args:
            loss: the mean over the rows.
            outputs: (N, C) numbers of classes, the highest being the prediction, or (N,) or (N, 1) of yes.
            targets: (N,) or (N, 1) classes, or one-hot rows; anything else has no accuracy.
            yes: the number above which a single output means yes.
        """
        none = np.empty(0, np.int64)
        if targets is None:
            return cls.of(loss, none, none, 0)
        if outputs.ndim == 2 and outputs.shape[1] > 1:
            wanted = _wanted(targets, outputs.shape)
            if wanted is None:
                return cls.of(loss, none, none, 0)
            known = wanted >= 0
            return cls.of(loss, outputs.argmax(axis=1)[known], wanted[known], int(outputs.shape[1]))
        if outputs.ndim > 2 or outputs.size != targets.size or not np.isin(targets, (0, 1)).all():
            return cls.of(loss, none, none, 0)
        return cls.of(loss, (outputs.ravel() > yes).astype(np.int64), targets.ravel().astype(np.int64), 2)

    def of_validation(self) -> dict[str, float]:
        """Return the numbers by the names that they have of validation rows."""
        return {
            "val_loss": self.loss,
            "val_accuracy": self.accuracy,
            "val_balanced_accuracy": self.balanced_accuracy,
            "val_top_prediction_share": self.top_prediction_share,
        }


def _wanted(targets: NDArray[Any], shape: tuple[int, ...]) -> Integers | None:
    """Return the class of each row, (N,), of targets by number or one-hot; None if they are no classes."""
    if targets.shape == shape:
        is_one_hot = np.isin(targets, (0, 1)).all() and (targets.sum(axis=1) == 1).all()
        return targets.argmax(axis=1).astype(np.int64) if is_one_hot else None
    if targets.size != shape[0] or not (targets == np.round(targets)).all():
        return None
    return targets.ravel().astype(np.int64)


class StepLosses:
    """The losses of a training's steps, thinned out as they become many."""

    def __init__(self) -> None:
        self.every: int = 1
        """The loss of every so many steps is kept, the first step's first."""
        self.kept: list[float] = []
        self._steps = 0

    def add(self, losses: Sequence[float]) -> None:
        """Add the losses of the steps that followed."""
        self.kept += losses[-self._steps % self.every :: self.every]
        self._steps += len(losses)
        while len(self.kept) > _MOST_LOSSES:
            self.kept = self.kept[::2]
            self.every *= 2


class Schedule:
    """The steps of each epoch that are measured: every so many, and at least four of an epoch."""

    def __init__(self, every: int) -> None:
        """Begin the first epoch, whose length nobody knows: its first steps are measured in a row."""
        self._every = self._stride = every
        self._in_a_row = AT_LEAST
        self._is_over = False
        self.step: int = 0
        """How many steps of the epoch have been taken."""

    @property
    def is_due(self) -> bool:
        """True if the next step is one to measure."""
        return not self._is_over and (self.step < self._in_a_row or self.step % self._stride == 0)

    def stop(self) -> None:
        """Let no further step be due."""
        self._is_over = True

    def end_epoch(self) -> int:
        """Begin the next epoch; return how many steps this one had."""
        n_steps = self.step
        self.step = 0
        # the longest stride that has so many steps in an epoch like this one, the first and about the last among them
        self._in_a_row, self._stride = 0, min(self._every, max((n_steps - 1) // (AT_LEAST - 1), 1))
        return n_steps


def measured_of(
    names: Sequence[str],
    weight_norms: Sequence[float],
    steps: StepStatistics | None,
    activations: Mapping[str, Activation],
) -> dict[str, Any]:
    """Return the numbers of an epoch by their names, those of each matrix under `layers`."""
    epoch: dict[str, Any] = {}
    if steps is not None:
        epoch |= {
            "grad_norm": steps.grad_norm,
            "grad_norm_max": steps.grad_norm_max,
            "update_ratio": steps.update_ratio,
            "grad_noise_scale": steps.grad_noise_scale,
        }
    epoch["weight_norm"] = math.hypot(*weight_norms)
    epoch |= _shares(activations)
    epoch["layers"] = _layers(names, weight_norms, steps, activations)
    return epoch


def _shares(activations: Mapping[str, Activation]) -> dict[str, float]:
    """Return the means over the layers that have them."""
    dead = [layer.dead_fraction for layer in activations.values() if layer.dead_fraction is not None]
    saturated = [layer.saturated_fraction for layer in activations.values() if layer.saturated_fraction is not None]
    shares = {"dead_fraction": dead, "saturated_fraction": saturated}
    return {name: fmean(values) for name, values in shares.items() if values}


def _layers(
    names: Sequence[str],
    weight_norms: Sequence[float],
    steps: StepStatistics | None,
    activations: Mapping[str, Activation],
) -> list[dict[str, Any]]:
    layers: list[dict[str, Any]] = []
    for place, name in enumerate(names):
        layer: dict[str, Any] = {"name": name, "weight_norm": weight_norms[place]}
        if steps is not None:
            layer["grad_norm"] = steps.layer_grad_norms[place]
            layer["update_ratio"] = steps.layer_update_ratios[place]
        if name in activations:
            seen = activations[name]
            layer |= {"activation_mean": seen.mean, "activation_std": seen.std}
            shares = {"dead_fraction": seen.dead_fraction, "saturated_fraction": seen.saturated_fraction}
            layer |= {share: value for share, value in shares.items() if value is not None}
        layers.append(layer)
    return layers


def _median(ratios: Iterable[float]) -> float:
    finite = [ratio for ratio in ratios if math.isfinite(ratio)]
    return median(finite) if finite else math.nan
