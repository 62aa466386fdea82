"""Rank correlations between the parameters and the metric."""

from __future__ import annotations

import numpy as np

from tunewell.arrays import Floats, own_numerics
from tunewell.figures.axes import is_numeric, names_axis
from tunewell.figures.figure import Axis, Figure, Layer, Panel, Table
from tunewell.figures.source import StudySource, most_important, seen
from tunewell.figures.words import counted, listed, name_of

_MOST = 16
_FEWEST = 5  # trials with both


@own_numerics
def ranks(study: StudySource, most: int = _MOST) -> Figure:
    """Return Spearman's rank correlation of each two parameters, and of each with the metric.

        tw.figures.ranks(study).save("ranks.png")

    Of two columns those trials count that have both. Choices without an order have no ranks and are left out; trials
    that failed or diverged count as the worst.

    Args:
        study: whose trials.
        most: so many parameters, those that mattered most.
    """
    found = seen(study)
    ordered = most_important(found, most)[0] if len(found.tuned) > most else found.tuned
    shown = [item for item in ordered if is_numeric(item[2])]
    beyond = len(found.tuned) - len(ordered)
    points = found.history.points[: len(found)]
    values = found.best.copy()
    broken = np.isin(found.states, ["failed", "diverged"])
    values[broken] = found.sign * np.inf
    columns = [points[:, column] for column, _, _ in shown] + [values]
    names = [name for _, name, _ in shown] + [found.metric]
    matrix, counts = correlations(columns)
    k = len(columns)
    at = np.arange(float(k))
    # the first row on top
    cells = matrix[::-1].copy()
    texts = tuple("" if np.isnan(value) else f"{value:.2f}" for value in cells.ravel())
    is_known = bool(np.isfinite(cells).any())
    layers = [Layer("heat", "signed", at, at, value=cells.ravel())] if is_known else []
    if is_known and k <= _MOST + 1:
        x, y = np.meshgrid(at, at)
        layers.append(Layer("text", "some", x.ravel(), y.ravel(), hover=texts))
    pairs = [(i, j) for i in range(k) for j in range(i)]
    table = Table(
        {
            "one": [names[j] for _, j in pairs],
            "other": [names[i] for i, _ in pairs],
            "rank correlation": np.array([matrix[i, j] for i, j in pairs]),
            "trials": np.array([float(counts[i, j]) for i, j in pairs]),
        }
    )
    color = Axis("rank correlation", -1.0, 1.0, tuple((float(v), f"{v:g}") for v in (-1, -0.5, 0, 0.5, 1)))
    caption = f"{counted(len(found), 'trial')}; 1 and -1 are the same and the reverse order, 0 is none."
    if broken.any():
        caption += f" {int(broken.sum()):,} that failed or diverged count as the worst."
    left = len(found) - int((~np.isnan(values)).sum())
    if left:
        caption += f" {left:,} without a value {'is' if left == 1 else 'are'} left out of the metric's."
    without = [name for _, name, param in ordered if not is_numeric(param)]
    if without:
        more = [f"{len(without) - 3} more"] if len(without) > 3 else []
        caption += f" {listed([*map(name_of, without[:3]), *more])}"
        caption += f" {'has' if len(without) == 1 else 'have'} no order."
    if beyond:
        caption += f" {counted(beyond, 'parameter')} that mattered less {'is' if beyond == 1 else 'are'} left out."
    panel = Panel(names_axis("", names), names_axis("", reversed(names)), tuple(layers), color=color)
    return Figure("ranks", "rank correlations", caption, (panel,), table)


def correlations(columns: list[Floats]) -> tuple[Floats, np.ndarray]:
    """Return Spearman's rank correlation of each two columns, (k, k), and how many rows have both.

    NaN where a row has no value; a correlation is NaN of fewer than five rows, or where a column is constant.
    """
    k = len(columns)
    matrix = np.full((k, k), np.nan)
    counts = np.zeros((k, k), dtype=np.int64)
    known = [~np.isnan(column) for column in columns]
    whole = [_ranks(column) if mask.size and mask.all() else None for column, mask in zip(columns, known, strict=True)]
    for i in range(k):
        for j in range(i + 1):
            both = known[i] & known[j]
            n = counts[i, j] = counts[j, i] = int(both.sum())
            if n < _FEWEST:
                continue
            one, other = (
                ranked if ranked is not None and n == len(both) else _ranks(columns[m][both])
                for m, ranked in ((i, whole[i]), (j, whole[j]))
            )
            size = float(np.sqrt((one @ one) * (other @ other)))
            if size > 0:
                matrix[i, j] = matrix[j, i] = 1.0 if i == j else float(np.clip(one @ other / size, -1.0, 1.0))
    return matrix, counts


def _ranks(values: Floats) -> Floats:
    """Return the ranks, less their mean; equal values have the middle one."""
    ordered = np.sort(values)
    ranked = (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")) / 2.0
    centered: Floats = ranked - ranked.mean()
    return centered
