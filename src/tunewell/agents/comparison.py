"""The comparison of two trials: is one better, or is their difference within the noise of a new seed?"""

from __future__ import annotations

from typing import Any

import numpy as np

from tunewell.study import Study


def compared(study: Study, trial: int, other: int) -> dict[str, Any]:
    """Return by how much a trial is better than another at the last epoch that both have, with its 95 % interval.

    The interval is that of two trainings whose seeds differ; without an estimate of the noise nothing is claimed.
    """
    history = study.history
    epoch = int(min(history.epochs[trial], history.epochs[other]))
    both = {"trial": trial, "other": other, "at_epoch": epoch}
    if trial == other:
        return both | {"result": "the same trial"}
    if epoch < 1:
        return both | {"result": "not known: they have no epoch in common"}
    values = history.at(epoch)[[trial, other]]
    if not np.isfinite(values).all():
        return both | {"result": "not known: one of them failed, diverged or has no value there"}
    gain, found = float(values[1] - values[0]), study.noise()
    if found.margin is None or found.best is None:
        return both | {"improvement": gain, "result": f"not known: {found.too_few}"}
    low, high = gain - found.margin, gain + found.margin
    result = "better" if low > 0 else "worse" if high < 0 else "within noise"
    return both | {"improvement": gain, "95%": [low, high], "result": result, "noise_from": found.best.learned_from}
