"""The importance of each parameter, with its interval."""

from __future__ import annotations

import numpy as np

from tunewell.arrays import own_numerics
from tunewell.figures.axes import names_axis, share_axis
from tunewell.figures.figure import Figure, Layer, Panel, Table
from tunewell.figures.source import StudySource
from tunewell.figures.words import counted, name_of

_MOST = 20


@own_numerics
def importance(study: StudySource, most: int = _MOST) -> Figure:
    """Return by how much each tuned parameter mattered: PED-ANOVA, with 90 % intervals from resampled trials.

        tw.figures.importance(study).save("importance.png")

    Of too few trials there is no bar, but the reason why.

    Args:
        study: whose parameters.
        most: so many parameters, those that mattered most.
    """
    found = study.importance()
    known = [one for one in found if one.is_known]
    unknown = [one for one in found if not one.is_known]
    shown = ([*known, *unknown] if found.too_few is None else [])[:most]
    title = f"importance for {name_of(study.metric)}"
    table = Table(
        {
            "parameter": [one.name for one in found],
            "share": np.array([one.share if one.is_known else np.nan for one in found]),
            "low": np.array([one.low if one.is_known else np.nan for one in found]),
            "high": np.array([one.high if one.is_known else np.nan for one in found]),
            "trials": np.array([float(one.trials) for one in found]),
        }
    )
    rows = np.arange(len(shown))
    at = (len(shown) - 1 - rows).astype(np.float64)
    axis = names_axis("", [one.name for one in reversed(shown)])
    if not shown:
        text = "no parameter is tuned" if found.too_few is None else f"not known yet: {found.too_few}"
        short = text.partition(":")[0]  # the caption has all of it, and the room to break the line
        layer = Layer("text", "some", np.array([0.02]), np.array([0.0]), hover=(short,))
        return Figure(
            "importance",
            title,
            f"{text[0].upper()}{text[1:]}.",
            (Panel(share_axis("share of what the best have in common"), axis, (layer,)),),
            table,
        )
    bars = [i for i, one in enumerate(shown) if one.is_known]
    shares, low, high = (np.array([getattr(shown[i], what) for i in bars]) for what in ("share", "low", "high"))
    layers = [
        Layer(
            "bars", "range", np.zeros(len(bars)), at[bars] - 0.3, shares, at[bars] + 0.3, label="share", rows=rows[bars]
        ),
        Layer("segments", "best", low, at[bars], high, at[bars], label="90 % interval", rows=rows[bars]),
    ]
    few = [i for i, one in enumerate(shown) if not one.is_known]
    if few:
        words = tuple(f"not known: {counted(shown[i].trials, 'trial')} had it" for i in few)
        layers.append(Layer("text", "some", np.full(len(few), 0.01), at[few], hover=words, rows=rows[few]))
    most_high = float(high.max(initial=0.1))
    caption = (
        f"The part of what the best quarter of {counted(found.trials, 'trial')} has in common that is due to each."
    )
    if found.failed:
        caption += f" {found.failed:,} that failed or diverged count as the worst."
    if found.left_out:
        caption += f" {found.left_out:,} cannot be compared with any yet."
    if len(found) > len(shown):
        caption += f" {counted(len(found) - len(shown), 'parameter')} that mattered less are left out."
    panel = Panel(share_axis("share of what the best have in common", max(0.1, most_high)), axis, tuple(layers))
    return Figure("importance", title, caption, (panel,), table)
