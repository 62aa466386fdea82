"""A study as a notebook shows it: the best setting, how it was come by, and the best trials."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tunewell.history import History
from tunewell.markup import curve_svg, facts_table, heading, rows_table
from tunewell.trial import Trial

_TRIALS = 8


def study_html(
    title: str, best: str | None, trials: Sequence[Trial], history: History, metric: str, *, maximize: bool
) -> str:
    """Return the state of a study.

    best: its best report in words; None if there is none.
    """
    if best is None:
        return heading(title) + facts_table({"best": f"no finite {metric} yet", "trials": len(trials)})
    lowest = history.lowest[: len(trials)]
    sound = [int(i) for i in np.argsort(lowest, kind="stable")[:_TRIALS] if np.isfinite(lowest[i])]
    sign = -1.0 if maximize else 1.0
    known = {
        "best": best,
        "trials": f"{len(trials)}, {int(history.epochs[: len(trials)].sum())} epochs",
    }
    names = sorted({key for i in sound for key in trials[i].params})
    rows = [
        (i, sign * float(lowest[i]), trials[i].epochs, trials[i].state, *(trials[i].params.get(key) for key in names))
        for i in sound
    ]
    progress = sign * np.minimum.accumulate(lowest)
    drawn = curve_svg([float(value) for value in progress], f"best {metric} by trial")
    return heading(title) + facts_table(known) + drawn + rows_table(("trial", metric, "epochs", "state", *names), rows)
