"""The best value of each trial, in the order in which trials began, and the best so far."""

from __future__ import annotations

import numpy as np

from tunewell.arrays import own_numerics
from tunewell.figures.axes import count_axis, metric_axis
from tunewell.figures.figure import Figure, Layer, Panel
from tunewell.figures.source import StudySource, seen
from tunewell.figures.words import counted, sentence


@own_numerics
def history(study: StudySource) -> Figure:
    """Return each trial's best value by its number, with the best so far as a line.

        tw.figures.history(study).save("history.png")

    Trials that have no value lie at the worse end, and so do those that failed or diverged, whatever they reported
    before.
    """
    found = seen(study)
    n = len(found)
    scale = metric_axis(found.metric, found.best[found.sound], maximize=found.maximize)
    at = np.arange(float(n))
    y = np.where(found.sound, scale.place(found.best), scale.worst)
    beyond = found.sound & scale.beyond(found.best)
    y[beyond] = scale.worst
    layers = [*found.by_state(at, y)]
    numbers = np.flatnonzero(found.sound)
    if numbers.size:
        best = found.sign * np.minimum.accumulate(found.sign * found.best[numbers])
        ends = np.append(numbers, n - 1).astype(np.float64)
        layers.append(Layer("step", "best", ends, scale.place(np.append(best, best[-1])), label="best so far"))
    how = "Higher" if found.maximize else "Lower"
    caption = f"{counted(n, 'trial')}; {how.lower()} is better."
    caption += sentence(found.counts())
    without = n - int(found.sound.sum())
    if without:
        words = "has no value that counts and lies" if without == 1 else "have no value that counts and lie"
        caption += f" {without:,} {words} at the worse end."
    if beyond.any():
        caption += (
            f" {counted(int(beyond.sum()), 'value')} beyond the axis {'is' if beyond.sum() == 1 else 'are'} there too."
        )
    panel = Panel(count_axis("trial", 0, max(1, n - 1)), scale.axis, tuple(layers))
    return Figure("history", f"{scale.axis.title} by trial", caption, (panel,), found.table())
