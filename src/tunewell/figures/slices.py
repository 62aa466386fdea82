"""The metric against each parameter."""

from __future__ import annotations

from functools import partial

import numpy as np

from tunewell.arrays import own_numerics
from tunewell.figures.axes import metric_axis, param_axis
from tunewell.figures.figure import Axis, Figure, Layer, Panel
from tunewell.figures.source import StudySource, most_important, seen
from tunewell.figures.words import counted

_MOST = 12


@own_numerics
def slices(study: StudySource, most: int = _MOST) -> Figure:
    """Return a panel a parameter: each trial's best value against its value of the parameter, on the parameter's scale.

        tw.figures.slices(study).save("slices.png")

    A trial without the parameter lies in the band "not used"; one without a value that counts at the worse end.

    Args:
        study: whose trials.
        most: so many parameters, those that mattered most.
    """
    found = seen(study)
    chosen, beyond = most_important(found, most)
    points = found.history.points[: len(found)]
    scale = metric_axis(found.metric, found.best[found.sound], maximize=found.maximize)
    y = np.where(found.sound, scale.place(found.best), scale.worst)
    best = found.order[:1]
    panels = []
    unused = False
    for column, name, param in chosen:
        along = param_axis(name, param, points[:, column], partial(found.odd_values, name))
        unused |= bool(along.unused.any())
        x = along.apart
        layers = [*found.by_state(x, y)]
        if along.boundary is not None:
            layers.insert(0, Layer("rule", "some", x=np.array([along.boundary]), dash="dot"))
        if best.size:
            layers.append(Layer("points", "best", x[best], y[best], label="best", symbol="diamond", rows=best))
        panels.append(Panel(along.axis, scale.axis, tuple(layers)))
    if not panels:
        panels = [Panel(Axis("no parameter is tuned", 0.0, 1.0), scale.axis)]
    caption = f"{counted(len(found), 'trial')} in each panel."
    if counts := found.counts():
        caption += f" {counts[:1].upper()}{counts[1:]}."
    without = len(found) - int(found.sound.sum())
    if without:
        caption += f" {without:,} without a value that counts {'lies' if without == 1 else 'lie'} at the worse end."
    if unused:
        caption += ' Trials that do not have a parameter are in the band "not used".'
    if beyond:
        caption += f" {counted(beyond, 'parameter')} that mattered less {'is' if beyond == 1 else 'are'} left out."
    return Figure("slices", f"{scale.axis.title} by parameter", caption, tuple(panels), found.table())
