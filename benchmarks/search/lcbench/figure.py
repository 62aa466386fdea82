"""The figure of the report: regret against full trainings' worth of epochs, a line a method."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from problem import EPOCHS
from regret import Regret

mpl.use("svg")
mpl.rcParams |= {"svg.hashsalt": "tunewell", "font.size": 9}
from matplotlib import pyplot as plt  # noqa: E402  only after the backend is chosen

COLOURS = {"tunewell": "tab:red", "random": "black", "grid": "gray"}
PEERS = ("tab:blue", "tab:green", "tab:purple", "tab:brown", "tab:pink", "tab:olive", "tab:cyan", "tab:orange")
DASHES = ("-", "--", ":", "-.", (0, (8, 2)), (0, (1, 3)), (0, (5, 1, 1, 1, 1, 1)), (0, (3, 5)))


def styles(names: Iterable[str]) -> Iterator[dict[str, Any]]:
    """A colour a package, which a name begins with; its methods differ in their dashes. Ours are thicker."""
    left = iter(PEERS)
    colours = dict(COLOURS)
    counts: Counter[str] = Counter()
    for name in names:
        family = name.split()[0]
        if family not in colours:
            colours[family] = next(left)
        dashes = DASHES[counts[family] % len(DASHES)]
        counts[family] += 1
        yield {"color": colours[family], "linestyle": dashes, "linewidth": 2.5 if family == "tunewell" else 1}


def draw(found: Mapping[str, Regret], path: Path) -> None:
    """A band is the standard error over tasks. The same runs give the same file."""
    figure, panel = plt.subplots(figsize=(8, 4.5), layout="constrained")
    for (method, regret), style in zip(found.items(), styles(found), strict=True):
        mean, error = regret.mean, regret.error
        trainings = np.arange(1, len(mean) + 1) / EPOCHS
        # four percent apart, which on a logarithmic axis is little
        shown = np.unique(np.searchsorted(trainings, np.geomspace(0.5, trainings[-1], 100)).clip(max=len(mean) - 1))
        panel.plot(trainings[shown], mean[shown], label=method, **style)
        low, high = (mean - error)[shown], (mean + error)[shown]
        panel.fill_between(trainings[shown], low, high, color=style["color"], alpha=0.1, linewidth=0)
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
