"""A look for labels that do not depend on their rows at all, as after rows and labels were shuffled apart.

Hard data must not be taken for that, so four things have to come together. There are rows enough to see a weak
dependence; the labels are classes, since a number with little signal looks like one with none; the rows have a
structure, in which like rows could have like labels; and no statistic of many kinds tells the labels from the same
labels in another order. Shapes: N rows, F features, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewell.arrays import Floats, Integers, own_numerics
from tunewell.inspection.mistakes import Mistake

FEWEST_ROWS = 400
MOST_ROWS = 2000
_ROWS_OF_CLASS = 20  # on average
_LARGEST_CLASS = 0.9
_WIDE = 64  # columns; from there on they are pixels or samples, and show what they are of
_MOST_COLUMNS = 4096
_COMPONENTS = 60
_PAIRED = 12  # components whose products are looked at
_NEIGHBOURS = 10
_ORDERS = 300  # of the labels
_STRUCTURE = 0.8  # of the distance to the nearest row, where the columns no longer belong together
_CHANCE = 0.05  # of seeing as much, in the plainest of all statistics, in labels that mean nothing
_PLAIN = 6.0  # spreads above what other orders give: no more has to be looked at
_IDS = 200  # words that are counted


@own_numerics
def labels_not_learnable(x: NDArray[Any], labels: Integers) -> list[Mistake]:
    """Return a mistake if no simple model can learn anything of the labels (N,) from the rows x (N, ...)."""
    if x.dtype.kind not in "iuf" or x.ndim < 2 or len(x) != len(labels) or len(x) < FEWEST_ROWS:
        return []
    random = np.random.default_rng(0)
    some = _distinct(x, np.sort(random.permutation(len(x))[:MOST_ROWS]))
    if len(some) < FEWEST_ROWS:
        return []
    rows = x[some].reshape(len(some), -1)
    rows = rows[:, :: -(-rows.shape[1] // _MOST_COLUMNS)]
    found, classes, counts = np.unique(labels[some], return_inverse=True, return_counts=True)
    few = len(rows) < _ROWS_OF_CLASS * len(found)
    if len(found) < 2 or few or counts.max() > _LARGEST_CLASS * len(rows) or not np.isfinite(rows).all():
        return []
    columns = _scaled(rows.astype(np.float64))
    if len(found) == 2 and x.ndim == 2 and x.shape[1] < _WIDE:  # an outcome, which may be next to chance by nature
        return []
    if not columns.shape[1]:
        return []
    components = _principal(columns)
    if not _structured(components, columns, random):
        return []
    orders = np.stack([classes, *(random.permutation(classes) for _ in range(_ORDERS))])
    statistics = _statistics(x[some], rows, columns, components, orders, len(found))
    plainest = np.full(len(orders), -np.inf)
    for statistic in statistics:
        height = (statistic - statistic[1:].mean()) / max(float(statistic[1:].std()), 1e-12)
        if height[0] > _PLAIN:
            return []
        plainest = np.maximum(plainest, height)
    if (plainest >= plainest[0]).mean() <= _CHANCE:
        return []
    seen = (
        f"of {len(rows)} training rows, neighbours have the same label no more often than after shuffling the labels, "
        f"and no feature differs between the {len(found)} classes more than then"
    )
    mend = (
        "look at some rows with their labels, and follow both from where they are read to the loss: an order, a sort "
        "or a filter was applied to one of them alone"
    )
    return [Mistake("labels-not-learnable", seen, mend)]


def _distinct(x: NDArray[Any], some: Integers) -> Integers:
    """Return those of the rows that are no copies of one before: a row of another epoch has its own label again."""
    first: dict[bytes, int] = {}
    for row in some.tolist():
        first.setdefault(x[row].tobytes(), row)
    return np.array(list(first.values()), np.int64)


def _statistics(
    x: NDArray[Any],
    rows: NDArray[Any],
    columns: Floats,
    components: Floats,
    orders: Integers,
    n_classes: int,
) -> Iterator[Floats]:
    """Yield statistics that are high where labels depend on rows, of each order of the labels (1 + orders,)."""
    for space in (components, columns):
        yield _agreement(_neighbours(space), orders)
    upper = np.triu_indices(min(_PAIRED, components.shape[1]), 1)
    groups = [
        columns,
        components,
        np.abs(columns),
        components[:, upper[0]] * components[:, upper[1]],
        _of_rows(x.reshape(len(x), -1).astype(np.float64)),
    ]
    if rows.dtype.kind in "iu":
        ids, times = np.unique(rows, return_counts=True)
        often = ids[np.argsort(-times, kind="stable")[:_IDS]]
        groups.append(np.stack([(rows == one).sum(axis=1) for one in often], axis=1).astype(np.float64))
    for group in groups:
        features = _scaled(group)
        if features.shape[1]:
            between = _between(features, orders, n_classes)
            yield between.max(axis=1)
            yield between.sum(axis=1)


def _scaled(columns: Floats) -> Floats:
    """Return the columns that vary, with mean 0 and spread 1."""
    centered = columns - columns.mean(axis=0)
    spread = centered.std(axis=0)
    varies = spread > 1e-9 * max(1.0, float(np.abs(columns).max()))
    scaled: Floats = centered[:, varies] / spread[varies]
    return scaled


def _principal(columns: Floats) -> Floats:
    """Return the rows in their principal components, (N, at most 60)."""
    if columns.shape[1] > len(columns):
        values, vectors = np.linalg.eigh(columns @ columns.T)
        kept = slice(-min(_COMPONENTS, len(values)), None)
        components: Floats = vectors[:, kept][:, ::-1] * np.sqrt(np.maximum(values[kept][::-1], 0.0))
    else:
        components = columns @ np.linalg.eigh(columns.T @ columns)[1][:, ::-1][:, :_COMPONENTS]
    return components


def _structured(components: Floats, columns: Floats, random: np.random.Generator) -> bool:
    """Return True if rows are nearer to others than rows are whose columns are drawn apart."""
    some = columns[:1000]
    apart = np.stack([random.permutation(column) for column in some.T], axis=1)
    return bool(_nearest(components[:1000]) < _STRUCTURE * _nearest(_principal(apart)))


def _nearest(rows: Floats) -> float:
    distances = _distances(rows)
    return float(np.sqrt(np.maximum(distances.min(axis=1), 0.0)).mean())


def _distances(rows: Floats) -> Floats:
    """Return squared distances, (N, N); infinite from each row to itself."""
    squares = (rows**2).sum(axis=1)
    distances: Floats = squares[:, None] + squares - 2 * rows @ rows.T
    np.fill_diagonal(distances, np.inf)
    return distances


def _neighbours(rows: Floats) -> Integers:
    """Return the nearest others of each row, (N, 10)."""
    return np.argpartition(_distances(rows), _NEIGHBOURS, axis=1)[:, :_NEIGHBOURS].astype(np.int64)


def _agreement(neighbours: Integers, orders: Integers) -> Floats:
    """Return the share of neighbours with the label of their row, of each order."""
    return np.array([(labels[neighbours] == labels[:, None]).mean() for labels in orders])


def _between(features: Floats, orders: Integers, n_classes: int) -> Floats:
    """Return the share of each feature's variance that lies between the classes, (orders, F)."""
    shares = np.empty((len(orders), features.shape[1]))
    ones = np.eye(n_classes)
    for place, labels in enumerate(orders):
        counts = np.bincount(labels, minlength=n_classes)
        sums = ones[labels].T @ features
        shares[place] = (sums**2 / counts[:, None]).sum(axis=0) / len(labels)
    return shares


def _of_rows(rows: Floats) -> Floats:
    """Return features of a row as a whole, for which it does not matter where in the row something is."""
    steps = np.diff(rows, axis=1) if rows.shape[1] > 1 else rows
    quantiles = np.quantile(rows, (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0), axis=1)
    frequencies = np.abs(np.fft.rfft(rows - rows.mean(axis=1, keepdims=True), axis=1))[:, :64]
    whole = [rows.mean(axis=1), rows.std(axis=1), np.abs(steps).mean(axis=1), steps.std(axis=1)]
    whole += [rows.argmax(axis=1), rows.argmin(axis=1), (rows > rows.mean()).sum(axis=1)]
    return np.concatenate([np.stack(whole, axis=1), quantiles.T, frequencies], axis=1)
