"""The best settings, trained again: what each reached, and the interval of its mean."""

from __future__ import annotations

import math

import numpy as np

from tunewell.arrays import own_numerics
from tunewell.figures.axes import metric_axis, names_axis
from tunewell.figures.figure import Figure, Layer, Panel, Table
from tunewell.figures.source import StudySource
from tunewell.figures.words import counted


@own_numerics
def confirmed(study: StudySource) -> Figure:
    """Return what the best settings reached when they were trained again, with the 95 % interval of each mean.

        tw.figures.confirmed(study).save("confirmed.png")

    A ring is what the search saw of the setting: the luckiest of many. Without a confirmation it says so.
    """
    found = list(study.confirmed())
    every = np.array([value for one in found for value in (one.found, *one.values)], dtype=np.float64)
    margins = [
        end for one in found if math.isfinite(one.margin) for end in (one.mean - one.margin, one.mean + one.margin)
    ]
    scale = metric_axis(study.metric, np.concatenate([every, margins]) if found else every, maximize=study.maximize)
    if scale.axis.scale != "linear" and (np.array(margins) <= 0).any():
        scale = metric_axis(study.metric, np.concatenate([every, margins, [-1e-9]]), maximize=study.maximize)
    n = len(found)
    at = {one.trial: n - 1.0 - i for i, one in enumerate(found)}
    y_of = [(at[one.trial], value, i) for i, one in enumerate(found) for value in one.values]
    known = [(i, one) for i, one in enumerate(found) if one.values and math.isfinite(one.margin)]
    layers = []
    if known:
        low, high = (
            scale.place(np.array([one.mean + sign * one.margin for _, one in known])) for sign in (-1.0, 1.0)
        )  # fmt: skip
        rows = np.array([i for i, _ in known])
        y = np.array([at[one.trial] for _, one in known])
        layers.append(Layer("segments", "range", low, y, high, y, label="mean, 95 % within", rows=rows))
        mean = scale.place(np.array([one.mean for _, one in known]))
        layers.append(Layer("points", "range", mean, y, symbol="diamond", rows=rows))
    if y_of:
        places = scale.place(np.array([value for _, value, _ in y_of]))
        y = np.array([place - 0.18 for place, _, _ in y_of])
        layers.append(Layer("points", "ended", places, y, label="a training", rows=np.array([i for _, _, i in y_of])))
    if found:
        seen = scale.place(np.array([one.found for one in found]))
        y, rows = np.array([at[one.trial] + 0.18 for one in found]), np.arange(n)
        layers.append(Layer("points", "best", seen, y, label="seen by the search", symbol="ring", rows=rows))
        trainings = sum(len(one.values) for one in found)
        caption = f"{counted(n, 'setting')} with {counted(trainings, 'new training')}; the mean has its 95 % interval."
        broken = sum(one.broken for one in found)
        if broken:
            caption += f" {counted(broken, 'more')} broke." if broken == 1 else f" {broken} more broke."
        single = sum(len(one.values) < 2 for one in found)
        if single:
            caption += (
                f" {counted(single, 'setting')} with fewer than two {'has' if single == 1 else 'have'} no interval."
            )
    else:
        caption = "Nothing has been trained again yet; `tunewell tune --confirm 3` does."
        middle = (scale.axis.low + scale.axis.high) / 2
        layers.append(Layer("text", "some", np.array([middle]), np.array([0.0]), hover=("not confirmed yet",)))
    names = [f"trial {one.trial}" for one in reversed(found)]
    table = Table(
        {
            "trial": np.array([float(one.trial) for one in found]),
            "found": np.array([one.found for one in found], dtype=np.float64),
            "mean": np.array([one.mean for one in found], dtype=np.float64),
            "margin": np.array([one.margin for one in found], dtype=np.float64),
            "trainings": np.array([float(len(one.values)) for one in found]),
            "broken": np.array([float(one.broken) for one in found]),
        }
    )
    panel = Panel(scale.axis, names_axis("", names), tuple(layers))
    return Figure("confirmed", f"{scale.axis.title}, trained again", caption, (panel,), table)
