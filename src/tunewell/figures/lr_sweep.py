"""A learning-rate range test: the loss by rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from tunewell.arrays import own_numerics
from tunewell.figures.axes import metric_axis, ticks
from tunewell.figures.figure import Axis, Figure, Layer, Panel, Table
from tunewell.figures.words import counted, name_of, number


class Point(Protocol):
    """A rate that was tried: `tunewell.probing.SweepPoint` is one."""

    @property
    def rate(self) -> float:
        """The learning rate."""
        ...

    @property
    def loss(self) -> float:
        """The metric after a short training with it."""
        ...

    @property
    def diverged(self) -> bool:
        """True if the training diverged."""
        ...


class SweepSource(Protocol):
    """A range test: `tunewell.probing.Sweep` is one."""

    @property
    def param(self) -> str:
        """The name of the rate."""
        ...

    @property
    def metric(self) -> str:
        """The metric that rates are judged by."""
        ...

    @property
    def direction(self) -> str:
        """`minimize` or `maximize`."""
        ...

    @property
    def points(self) -> Sequence[Point]:
        """From the lowest rate to the highest that was tried."""
        ...

    @property
    def suggestion(self) -> float | None:
        """The rate to begin with; None where no rate got anywhere."""
        ...

    @property
    def range(self) -> tuple[float, float] | None:
        """The rates worth searching; None if unknown."""
        ...

    @property
    def why(self) -> str:
        """The reason for the suggestion, or why there is none."""
        ...


@own_numerics
def lr_sweep(sweep: SweepSource) -> Figure:
    """Return the loss of short trainings by their learning rate, the suggestion, and the range worth searching.

        tw.figures.lr_sweep(tw.lr_find(train, space)).save("rates.png")

    Rates that diverged lie at the worse end.
    """
    rates = np.log(np.array([point.rate for point in sweep.points], dtype=np.float64))
    losses = np.array([point.loss for point in sweep.points], dtype=np.float64)
    diverged = np.array([point.diverged for point in sweep.points], dtype=bool) | ~np.isfinite(losses)
    scale = metric_axis(sweep.metric, losses[~diverged], maximize=sweep.direction == "maximize")
    y = np.where(diverged, scale.worst, scale.place(losses))
    low, high = (float(rates.min()), float(rates.max())) if rates.size else (-7.0, 0.0)
    pad = 0.05 * ((high - low) or 1.0)
    rows = np.arange(len(rates))
    good, bad = rows[~diverged], rows[diverged]
    layers = []
    if sweep.range is not None:
        ends = np.log(np.array(sweep.range))
        axis = scale.axis
        layers.append(
            Layer("band", "range", ends, low=np.full(2, axis.low), high=np.full(2, axis.high), label="worth searching")
        )  # fmt: skip
    layers.append(Layer("line", "ended", rates[good], y[good], rows=good))
    layers.append(Layer("points", "ended", rates[good], y[good], label="trained", rows=good))
    if bad.size:
        layers.append(Layer("points", "failed", rates[bad], y[bad], label="diverged", symbol="cross", rows=bad))
    if sweep.suggestion is not None:
        words = f"suggestion, {number(sweep.suggestion)}"
        layers.append(Layer("rule", "best", x=np.log([sweep.suggestion]), label=words, dash="dash"))
    caption = (
        f"{counted(len(rates), 'rate')} of {name_of(sweep.param)}, a short training each: {name_of(sweep.why, 200)}."
    )
    if bad.size:
        caption += f" {counted(len(bad), 'rate')} diverged."
    table = Table(
        {
            sweep.param: np.exp(rates),
            sweep.metric if sweep.metric != sweep.param else "loss": np.where(diverged, np.nan, losses),
            "diverged": diverged.tolist(),
        }
    )
    x = Axis(name_of(sweep.param), low - pad, high + pad, ticks("log", low - pad, high + pad), "log")
    return Figure(
        "lr_sweep", f"{scale.axis.title} by {x.title}", caption, (Panel(x, scale.axis, tuple(layers)),), table
    )
