"""The figure of the report: regret against full trainings' worth of epochs, a line a method."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np
from problem import EPOCHS
from report import Regret

mpl.use("svg")
mpl.rcParams |= {"svg.hashsalt": "tunewell", "font.size": 9}
from matplotlib import pyplot as plt  # noqa: E402  only after the backend is chosen


def draw(found: Mapping[str, Regret], path: Path) -> None:
    """A band is the standard error over tasks; ours are thicker. The same runs give the same file."""
    figure, panel = plt.subplots(figsize=(8, 4.5), layout="constrained")
    colours = iter(plt.get_cmap("tab20")(np.arange(20)))
    dashes = ("-", "--", ":")
    n_peers = 0
    for method, regret in found.items():
        mean, error = regret.mean, regret.error
        trainings = np.arange(1, len(mean) + 1) / EPOCHS
        # half a percent apart on a logarithmic axis: what is nearer cannot be seen
        shown = np.unique(np.searchsorted(trainings, np.geomspace(0.5, trainings[-1], 250)).clip(max=len(mean) - 1))
        ours = method.startswith("tunewell")
        style = "-" if ours else dashes[n_peers // 7 % 3]
        n_peers += not ours
        (line,) = panel.plot(
            trainings[shown], mean[shown], style, color=next(colours), linewidth=2.5 if ours else 1, label=method
        )
        low, high = (mean - error)[shown], (mean + error)[shown]
        panel.fill_between(trainings[shown], low, high, color=line.get_color(), alpha=0.12, linewidth=0)
    panel.set(xscale="log", yscale="log", xlim=(0.5, 30), ylim=(0.01, 1.5))
    panel.set(xlabel="full trainings' worth of epochs", ylabel="mean normalized regret")
    ticks = (0.5, 1, 2, 3, 5, 10, 20, 30)
    panel.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    levels = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1)
    panel.set_yticks(levels, [f"{level:g}" for level in levels])
    panel.minorticks_off()
    panel.grid(alpha=0.3)
    figure.legend(*panel.get_legend_handles_labels(), loc="outside right upper", fontsize=7)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
