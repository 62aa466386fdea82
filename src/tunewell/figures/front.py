"""The trials by several metrics at once, and the front: the reports that nothing betters in all of them."""

from __future__ import annotations

import numpy as np

from tunewell.arrays import Floats, own_numerics
from tunewell.figures.axes import MetricAxis, metric_axis
from tunewell.figures.figure import Figure, Layer, Panel
from tunewell.figures.source import FrontReport, Seen, StudySource, seen
from tunewell.figures.words import counted, name_of

_MOST_PANELS = 6


@own_numerics
def front(study: StudySource) -> Figure:
    """Return each trial by its metrics, with the front as a line and the point that is proposed.

        tw.figures.front(study).save("front.png")

    A trial on the front lies where it is on it, any other at its last report. With more than two metrics there is a
    panel for each of the others against the first. With one metric it says that there is no front.

    Args:
        study: with several metrics.
    """
    found = seen(study)
    values = {name: reported[: len(found)] for name, reported in study.metric_values().items()}
    names = list(values)
    points = list(study.front())
    at = _epochs(values, len(found))
    for point in reversed(points):
        if point.trial < len(found):
            at[point.trial] = point.epoch - 1
    reached = {name: _taken(reported, at) for name, reported in values.items()}
    others = names[1 : _MOST_PANELS + 1]
    scales = {
        name: metric_axis(
            name,
            np.append(reached[name][found.sound], [point.values[name] for point in points]),
            maximize=study.directions[name] == "maximize",
        )
        for name in names[: _MOST_PANELS + 1]
    }
    panels = [_panel(found, reached, points, names[0], name, scales) for name in others]
    many = len(others) > 1
    title = f"{name_of(names[0])} and {'others' if many else name_of(others[0])}" if others else "front"
    table = found.table(**{name: column for name, column in reached.items() if name != found.metric})
    if not others:
        caption = "There is one metric, so that the best is one report; with several there is a front."
        return Figure("front", title, caption, (Panel(),), table)
    n_trials = len({point.trial for point in points})
    caption = f"{counted(len(points), 'report')} of {counted(n_trials, 'trial')}"
    caption += f" {'is' if len(points) == 1 else 'are'} on the front: no other betters one in all metrics."
    if any(point.is_knee for point in points):
        caption += " The diamond is proposed: it is nearest to the best of each."
    if len(names) - 1 > len(others):
        caption += f" {counted(len(names) - 1 - len(others), 'metric')} more are left out."
    if many:
        caption += " What is on the front of all metrics need not look so in two of them."
    return Figure("front", title, caption, tuple(panels), table)


def _panel(
    found: Seen,
    reached: dict[str, Floats],
    points: list[FrontReport],
    first: str,
    second: str,
    scales: dict[str, MetricAxis],
) -> Panel:
    x, y = (_on_axis(scales[name], reached[name]) for name in (first, second))
    known = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    layers = list(found.by_state(x[known], y[known], known))
    if points:
        ordered = sorted(points, key=lambda point: point.values[first])
        xs, ys = (_on_axis(scales[n], np.array([point.values[n] for point in ordered])) for n in (first, second))
        rows = np.array([point.trial for point in ordered])
        words = tuple(f"trial {point.trial}, epoch {point.epoch}" for point in ordered)
        if len(scales) == 2:
            layers.append(Layer("line", "best", xs, ys, label="front", rows=rows))
        for color, symbol, label, some in (
            ("best", "circle", None if len(scales) == 2 else "front", [not point.is_knee for point in ordered]),
            ("best", "diamond", "proposed", [point.is_knee for point in ordered]),
        ):
            here = np.flatnonzero(some)
            if here.size:
                texts = tuple(words[i] for i in here)
                layers.append(
                    Layer("points", color, xs[here], ys[here], label=label, symbol=symbol, hover=texts, rows=rows[here])
                )
    return Panel(scales[first].axis, scales[second].axis, tuple(layers))


def _on_axis(scale: MetricAxis, values: Floats) -> Floats:
    """Return the places of values; NaN where there is none."""
    known = np.isfinite(values)
    places: Floats = np.where(known, scale.place(np.where(known, values, np.nan)), np.nan)
    return places


def _epochs(values: dict[str, Floats], n: int) -> np.ndarray:
    """Return the last column at which all metrics are known, (n,); -1 where there is none."""
    known = np.logical_and.reduce([np.isfinite(reported) for reported in values.values()])
    if not known.size:
        return np.full(n, -1)
    last: np.ndarray = np.where(known.any(axis=1), known.shape[1] - 1 - np.argmax(known[:, ::-1], axis=1), -1)
    return last


def _taken(reported: Floats, at: np.ndarray) -> Floats:
    if not reported.shape[1]:
        return np.full(len(at), np.nan)
    return np.where(at >= 0, reported[np.arange(len(at)), np.maximum(at, 0)], np.nan)
