"""The share of trials that reach a value: the empirical distribution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tunewell.arrays import own_numerics
from tunewell.figures.axes import metric_axis, share_axis
from tunewell.figures.figure import Figure, Layer, Panel, Table
from tunewell.figures.source import StudySource, seen
from tunewell.figures.words import counted, name_of

_MOST_STEPS = 1000


@own_numerics
def distribution(study: StudySource, *others: StudySource, names: Sequence[str] | None = None) -> Figure:
    """Return the share of a study's trials that are as good as a value, for each value; and of other studies.

        tw.figures.distribution(study, another).save("distribution.png")

    A trial counts by its best value so far. Those that failed, diverged or have no value count as trials that reach
    none, so a line ends below 100 % where there are such.

    Args:
        study: one.
        others: of the same metric.
        names: what they are called, if not by their own names, which may be the same in several files.
    """
    names = names or [one.name for one in (study, *others)]
    all_seen = [seen(one) for one in (study, *others)]
    first = all_seen[0]
    values = np.concatenate([one.best[one.sound] for one in all_seen])
    scale = metric_axis(first.metric, values, maximize=first.maximize)
    layers, notes = [], []
    columns: dict[str, list[object]] = {"study": [], "value": [], "share": []}
    for i, (called, one) in enumerate(zip(names, all_seen, strict=True)):
        name = name_of(called)
        reached = one.best[one.order]
        shares = np.arange(1, len(reached) + 1) / max(1, len(one))
        if len(reached) > _MOST_STEPS:
            picked = np.unique(np.linspace(0, len(reached) - 1, _MOST_STEPS).astype(np.intp))
            reached, shares = reached[picked], shares[picked]
        columns["study"] += [called] * len(reached)
        columns["value"] += reached.tolist()
        columns["share"] += shares.tolist()
        if reached.size:
            far = scale.axis.low if first.maximize else scale.axis.high
            x, y = scale.place(reached), shares
            inside = ~scale.beyond(reached)
            x, y = x[inside], y[inside]
            x = np.concatenate([x[:1], x, [far]])
            y = np.concatenate([[0.0], y, y[-1:]])
            layers.append(Layer("step", f"series-{i % 8}", x, y, label=name, dash=("dash", None, "dot")[(i + 1) % 3]))
        missing = len(one) - int(one.sound.sum())
        counts = f" ({found})" if (found := one.counts()) else ""
        notes.append(f"{name}: {counted(len(one), 'trial')}{counts}, {missing:,} of which reach no value.")
    how = "high" if first.maximize else "low"
    caption = " ".join([f"The share of trials whose best value is at least as {how}.", *notes[:8]])
    table = Table(
        {
            "study": [str(name) for name in columns["study"]],
            first.metric if first.metric not in ("study", "share") else "value": np.array(
                columns["value"], dtype=float
            ),
            "share": np.array(columns["share"], dtype=float),
        }
    )
    panel = Panel(scale.axis, share_axis("share of trials"), tuple(layers))
    return Figure("distribution", f"distribution of {scale.axis.title}", caption, (panel,), table)
