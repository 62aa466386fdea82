"""Parallel coordinates: a line a trial, through its value of each parameter to its metric."""

from __future__ import annotations

from functools import partial

import numpy as np

from tunewell.arrays import own_numerics
from tunewell.figures.axes import metric_axis, param_axis
from tunewell.figures.figure import Figure, Layer, Panel
from tunewell.figures.source import StudySource, most_important, seen
from tunewell.figures.words import counted

_MOST = 10


@own_numerics
def parallel(study: StudySource, most: int = _MOST) -> Figure:
    """Return a line a trial through its parameters, each on its own scale, to its best value.

        tw.figures.parallel(study).save("parallel.png")

    A trial without a parameter passes through the band "not used". Those without a value that counts, which failed or
    have reported nothing, end at the worse end.

    Args:
        study: whose trials.
        most: so many parameters, those that mattered most.
    """
    found = seen(study)
    chosen, beyond = most_important(found, most)
    points = found.history.points[: len(found)]
    parameters = [
        param_axis(name, param, points[:, column], partial(found.odd_values, name)) for column, name, param in chosen
    ]
    scale = metric_axis(found.metric, found.best[found.sound], maximize=found.maximize)
    value = np.where(found.sound, scale.place(found.best), scale.worst)
    places = np.column_stack([*(one.places for one in parameters), value]) if len(found) else np.empty((0, 1))
    layers = []
    for label, color, among in (
        ("failed, diverged", "failed", np.isin(found.states, ["failed", "diverged"])),
        ("no value yet", "some", ~found.sound & ~np.isin(found.states, ["failed", "diverged"])),
        ("trial", "value", found.sound),
    ):
        rows = np.flatnonzero(among)
        rows = rows[np.argsort(-found.sign * value[rows], kind="stable")]  # the best on top
        if rows.size:
            dash = None if color == "value" else "dot"
            layers.append(
                Layer("parallel", color, y=places[rows].ravel(), value=value[rows], label=label, dash=dash, rows=rows)
            )  # fmt: skip
    caption = f"{counted(len(found), 'trial')}, a line each."
    if counts := found.counts():
        caption += f" {counts[:1].upper()}{counts[1:]}."
    if beyond:
        caption += f" {counted(beyond, 'parameter')} that mattered less {'is' if beyond == 1 else 'are'} left out."
    if any(one.unused.any() for one in parameters):
        caption += ' A trial that does not have a parameter passes through "not used".'
    panel = Panel(layers=tuple(layers), color=scale.axis, axes=(*(one.axis for one in parameters), scale.axis))
    return Figure("parallel", f"parameters and {scale.axis.title}", caption, (panel,), found.table())
