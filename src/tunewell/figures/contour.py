"""The metric over two parameters."""

from __future__ import annotations

from functools import partial

import numpy as np

from tunewell.arrays import Floats, one_blas_thread, own_numerics
from tunewell.errors import SettingError
from tunewell.figures.axes import ParamAxis, metric_axis, param_axis
from tunewell.figures.figure import Axis, Figure, Layer, Panel
from tunewell.figures.source import Seen, StudySource, most_important, seen
from tunewell.figures.words import counted, listed, name_of
from tunewell.near_names import did_you_mean
from tunewell.space.params import Param

_CELLS = 40
_WIDTH = 0.06  # of an axis: so far around a trial its value counts
_SUPPORT = 0.3  # trials near a cell, below which it is left blank


@own_numerics
def contour(study: StudySource, x: str | None = None, y: str | None = None) -> Figure:
    """Return the metric over two parameters: each trial as a point, and the mean of those around as a surface.

        tw.figures.contour(study, "learning_rate", "momentum").save("contour.png")

    Where no trial is near, the surface is left blank. Trials that do not have one of the parameters are in the band
    "not used".

    Args:
        study: whose trials.
        x: a parameter; the one that mattered most if None.
        y: another; the one that mattered most besides if None.

    Raises:
        SettingError: there is no such parameter that is tuned.
    """
    found = seen(study)
    known = found.tuned if x and y else most_important(found, len(found.tuned) - 1)[0] + found.tuned
    ranked = {name: (column, param) for column, name, param in known}
    for given in (x, y):
        if given is not None and given not in ranked:
            raise SettingError(f"no parameter {given!r} is tuned; {did_you_mean(given, ranked)}")
    rest = [name for name in ranked if name not in (x, y)]
    x = x or (rest.pop(0) if rest else None)
    y = y or (rest.pop(0) if rest else None)
    scale = metric_axis(found.metric, found.best[found.sound], maximize=found.maximize)
    if x is None or y is None:
        empty = Panel(Axis(name_of(x or "no parameter is tuned"), 0.0, 1.0), Axis("", 0.0, 1.0))
        caption = "It takes two parameters that are tuned."
        return Figure("contour", f"{scale.axis.title} over two parameters", caption, (empty,), found.table())
    across, up = _axis(found, x, ranked[x]), _axis(found, y, ranked[y])
    layers = _layers(found, across, up, scale.place(found.best))
    caption = f"{counted(len(found), 'trial')}; the surface is the mean of trials near, blank where none is."
    if counts := found.counts():
        caption += f" {counts[:1].upper()}{counts[1:]}."
    without = [one.axis.title for one in (across, up) if one.unused.any()]
    if without:
        caption += f' Trials without {listed(without)} are in the band "not used".'
    silent = int((~found.sound).sum())
    if silent:
        caption += f" {silent:,} without a value that counts {'is' if silent == 1 else 'are'} not in the mean."
    title = f"{scale.axis.title} over {across.axis.title} and {up.axis.title}"
    return Figure(
        "contour", title, caption, (Panel(across.axis, up.axis, layers, color=scale.axis),), found.table()
    )  # fmt: skip


def _axis(found: Seen, name: str, known: tuple[int, Param]) -> ParamAxis:
    column, param = known
    return param_axis(name, param, found.history.points[: len(found), column], partial(found.odd_values, name))


def _layers(found: Seen, across: ParamAxis, up: ParamAxis, value: Floats) -> tuple[Layer, ...]:
    layers = []
    sound = np.flatnonzero(found.sound)
    if sound.size:
        at_x, weights_x = _weights(across, sound)
        at_y, weights_y = _weights(up, sound)
        with one_blas_thread():
            support, total = weights_y @ weights_x.T, (weights_y * value[sound]) @ weights_x.T
        mean = np.divide(total, support, out=np.full_like(support, np.nan), where=support > _SUPPORT)
        layers.append(Layer("heat", "value", at_x, at_y, value=mean.ravel()))
    for one, vertical in ((across, True), (up, False)):
        if one.boundary is not None:
            at = np.array([one.boundary])
            layers.append(Layer("rule", "some", x=at if vertical else None, y=None if vertical else at, dash="dot"))
    rest = np.flatnonzero(~found.sound)
    layers += found.by_state(across.apart[rest], up.apart[rest], rest)
    if sound.size:
        worst_first = found.order[::-1]
        layers.append(
            Layer(
                "points", "value", across.apart[worst_first], up.apart[worst_first], value=value[worst_first],
                label="trial", rows=worst_first,
            )
        )  # fmt: skip
        best = found.order[:1]
        layers.append(
            Layer("points", "best", across.apart[best], up.apart[best], label="best", symbol="diamond", rows=best)
        )  # fmt: skip
    return tuple(layers)


def _weights(one: ParamAxis, sound: np.ndarray) -> tuple[Floats, Floats]:
    """Return the middles of cells, (c,), and how much each trial counts there, (c, n)."""
    axis = one.axis
    if axis.scale == "category":
        middles = np.arange(np.ceil(axis.low), np.floor(axis.high) + 1)
        return middles, (middles[:, np.newaxis] == one.places[sound]).astype(np.float64)
    length = axis.high - axis.low
    middles = axis.low + (np.arange(_CELLS) + 0.5) * length / _CELLS
    apart = (middles[:, np.newaxis] - one.places[sound]) / (_WIDTH * length)
    weights = np.exp(-0.5 * apart**2)
    if one.boundary is not None:  # what is not used is near to nothing else
        weights[(middles < one.boundary)[:, np.newaxis] != one.unused[sound]] = 0.0
    return middles, weights
