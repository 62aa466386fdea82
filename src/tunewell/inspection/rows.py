"""Looks at rows as arrays: their scale, their labels, their order, and what two splits share.

Each look is a pure function of NumPy arrays and returns the mistakes that it is certain of, without a place.
Shapes: x is (N, ...), one row each; labels are (N,), whole numbers; see `class_labels`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewell.inspection.mistakes import Mistake

_WIDE = 64  # columns; from there on columns are pixels or samples of one kind, and are judged together
_MOST_BEYOND = 0.2  # of the rows, that may have other labels than one
_LOOKED_AT = 20_000  # rows that a scale is taken from; more do not change it


def class_labels(y: NDArray[Any]) -> NDArray[np.int64] | None:
    """Return the class of each row, (N,), of whole numbers in one column or of one-hot rows; None if y is neither."""
    if y.dtype.kind not in "biuf" or not 1 <= y.ndim <= 2 or not len(y):
        return None
    if y.ndim == 2 and y.shape[1] > 1:
        one_hot = bool(np.isin(y, (0, 1)).all()) and bool((y.sum(axis=1) == 1).all())
        return y.argmax(axis=1).astype(np.int64) if one_hot else None
    column = y.reshape(-1)
    if column.dtype.kind == "f" and not (np.isfinite(column).all() and (column == np.round(column)).all()):
        return None
    return column.astype(np.int64)


def inputs_not_scaled(x: NDArray[Any]) -> list[Mistake]:
    """Return a mistake if inputs are pixels up to 255, or columns in the hundreds, or of very different scales."""
    given = _numbers(x)
    if given is None or len(given) < 2:
        return []
    columns = given.reshape(len(given), -1)
    mean, spread = columns.mean(axis=0), columns.std(axis=0)
    size = np.sqrt(mean**2 + spread**2)
    if x.ndim > 2 or columns.shape[1] >= _WIDE:
        overall = float(np.sqrt((size**2).mean()))
        if overall <= 20:
            return []
        low, high = columns.min(), columns.max()
        pixels = low >= 0 and 100 < high <= 255
        seen = f"the inputs go from {low:.4g} to {high:.4g}, with mean {mean.mean():.3g} and spread {columns.std():.3g}"
        mend = "divide them by 255" if pixels else "subtract the training rows' mean and divide by their spread"
        return [Mistake("inputs-not-scaled", seen, mend)]
    varies = spread > 0
    if not varies.any():
        return []
    # a column that does not vary is a bias, whatever its size
    largest = int(np.where(varies, size, 0).argmax())
    smallest = int(np.where(varies, spread, np.inf).argmin())
    ratio = spread[largest] / spread[smallest]
    if not (size[largest] >= 100 or (size[largest] >= 20 and ratio >= 1000)):
        return []
    seen = f"column {largest} of the inputs has mean {mean[largest]:.3g} and spread {spread[largest]:.3g}"
    if ratio >= 30:
        seen += f", column {smallest} mean {mean[smallest]:.3g} and spread {spread[smallest]:.3g}"
    return [Mistake("inputs-not-scaled", seen, "scale each column by the training rows' mean and spread")]


def inputs_constant(x: NDArray[Any]) -> list[Mistake]:
    """Return a mistake if many rows are one and the same."""
    if x.dtype.kind not in "biuf" or len(x) < 50 or not (x == x[:1]).all():
        return []
    some = ", ".join(f"{one:.4g}" for one in x[0].reshape(-1)[:3])
    seen = f"all {len(x)} rows are the same, {some}{', ...' if x[0].size > 3 else ''}"
    return [
        Mistake(
            "inputs-constant",
            seen,
            "look at what is done to the rows before: a normalization of each row by itself, say",
        )
    ]


def splits_prepared_differently(x: NDArray[Any], x_validation: NDArray[Any]) -> list[Mistake]:
    """Return a mistake if the numbers of one split are a multiple of the other's, beyond what rows differ by."""
    given, other = _numbers(x), _numbers(x_validation)
    if given is None or other is None or given.shape[1:] != other.shape[1:] or min(len(given), len(other)) < 20:
        return []
    one, two = given.reshape(len(given), -1), other.reshape(len(other), -1)
    if x.ndim > 2 or one.shape[1] >= _WIDE:
        spreads = float(one.std()), float(two.std())
        spans = float(np.ptp(one)), float(np.ptp(two))
        if min(*spreads, *spans) <= 0:
            return []
        # another preparation stretches spread and range alike; other rows rarely do, and not that far
        stretched, ranged = spreads[1] / spreads[0], spans[1] / spans[0]
        if not (max(stretched, 1 / stretched) >= 2 and abs(np.log(stretched / ranged)) < 0.3):
            return []
        seen = (
            f"training inputs go from {one.min():.3g} to {one.max():.3g} with spread {spreads[0]:.3g}, "
            f"validation inputs from {two.min():.3g} to {two.max():.3g} with spread {spreads[1]:.3g}"
        )
        return [_differently(seen)]
    spread, other_spread = one.std(axis=0), two.std(axis=0)
    varies = (spread > 0) & (other_spread > 0)
    if varies.sum() < 2:
        return []
    factors = np.maximum(other_spread[varies] / spread[varies], spread[varies] / other_spread[varies])
    shift = np.abs(one.mean(axis=0) - two.mean(axis=0))[varies] / np.maximum(spread, other_spread)[varies]
    if np.median(factors) < 8 and not (np.median(shift) >= 6 and varies.sum() >= 3):
        return []
    worst = int(np.flatnonzero(varies)[np.argmax(np.maximum(np.log(factors) / np.log(8), shift / 6))])
    seen = (
        f"column {worst} has mean {one[:, worst].mean():.3g} and spread {spread[worst]:.3g} in training rows, "
        f"mean {two[:, worst].mean():.3g} and spread {other_spread[worst]:.3g} in validation rows"
    )
    return [_differently(seen)]


def _differently(seen: str) -> Mistake:
    return Mistake("splits-prepared-differently", seen, "prepare both by the same numbers, those of the training rows")


def validation_rows_in_training(x: NDArray[Any], x_validation: NDArray[Any]) -> list[Mistake]:
    """Return a mistake if both are one array, or share rows that cannot be equal by chance.

    Rows of few different numbers, such as categories, counts and words, may be equal and are not counted.
    """
    mend = "split the rows once, before anything is repeated or augmented, and validate on those left out"
    if x.shape[1:] != x_validation.shape[1:] or min(len(x), len(x_validation)) < 20 or x.dtype.kind not in "biuf":
        return []
    if x.shape == x_validation.shape and (np.shares_memory(x, x_validation) or np.array_equal(x, x_validation)):
        return [Mistake("validation-rows-in-training", f"the {len(x)} training rows are the validation rows", mend)]
    rows = x_validation.reshape(len(x_validation), -1)
    telling = _telling(rows)
    if telling.sum() < 5:
        return []
    known = {row.tobytes() for row in _exact(x.reshape(len(x), -1), x_validation.dtype)}
    shared = sum(row.tobytes() in known for row in _exact(rows[telling], x_validation.dtype))
    if shared < 5 or shared < 0.01 * telling.sum():
        return []
    seen = f"{shared} of the {len(rows)} validation rows are training rows too, number for number"
    return [Mistake("validation-rows-in-training", seen, mend)]


def _exact(rows: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    # adding zero makes one zero of -0.0 and 0.0, whose bytes differ
    return np.ascontiguousarray(rows.astype(dtype, copy=False)) + (0 if dtype.kind != "b" else False)


def _telling(rows: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which rows would not be equal by chance: of three continuous columns, or of many different numbers."""
    some = rows[:: max(1, len(rows) // 2000)]
    if rows.dtype.kind == "f":
        different = np.array([len(np.unique(column)) for column in some.T[:_WIDE]])
        if (different > 0.5 * len(some)).sum() >= 3 and not (some == np.round(some)).all():
            return np.ones(len(rows), dtype=bool)
    if rows.shape[1] < _WIDE or (rows.dtype.kind != "f" and rows.dtype.itemsize > 1):
        return np.zeros(len(rows), dtype=bool)  # whole numbers of many kinds: words, codes, counts
    ordered = np.sort(rows, axis=1)
    return np.asarray((np.diff(ordered, axis=1) != 0).sum(axis=1) >= 16)


def labels_constant(labels: NDArray[Any]) -> list[Mistake]:
    """Return a mistake if many rows have one and the same label or target."""
    flat = labels.reshape(len(labels), -1)
    if len(flat) < 20 or not (flat == flat[0]).all():
        return []
    which = f"{flat[0, 0]:g}" if flat.shape[1] == 1 else "the same"
    seen = f"the labels of all {len(flat)} training rows are {which}"
    return [Mistake("labels-constant", seen, "look at how the labels were read, and at which rows were taken")]


def labels_out_of_range(labels: NDArray[Any], n_units: int) -> list[Mistake]:
    """Return a mistake if a label is not among 0, ..., n_units - 1."""
    low, high = int(labels.min()), int(labels.max())
    if low >= 0 and high < n_units:
        return []
    seen = f"the labels go from {low} to {high}, and the outputs have {n_units} units, for labels 0 to {n_units - 1}"
    if high - low < n_units and low != 0:
        return [
            Mistake(
                "labels-out-of-range",
                seen,
                f"subtract {low} from the labels" if low > 0 else f"add {-low} to the labels",
            )
        ]
    if low >= 0 and len(np.unique(labels)) > n_units:
        mend = f"give the last layer {high + 1} units"
        return [Mistake("units-and-classes-differ", seen, mend)]
    mend = "number the classes from 0 on (np.unique(labels, return_inverse=True)[1]), with a unit for each"
    return [Mistake("labels-out-of-range", seen, mend)]


def rows_not_shuffled(batches: list[NDArray[Any]]) -> list[Mistake]:
    """Return a mistake if the labels of most batches are of one class, though there are several.

    batches: the labels of some batches in the order of training, from all over the rows.
    """
    batches = [batch for batch in batches if len(batch)]
    if len(batches) < 4:
        return []
    every = np.concatenate(batches)
    classes, counts = np.unique(every, return_counts=True)
    if not 2 <= len(classes) <= max(2, len(every) // 4):
        return []
    alike = np.array([bool((batch == batch[0]).all()) for batch in batches])
    expected = float(np.mean([((counts / len(every)) ** len(batch)).sum() for batch in batches]))
    if alike.mean() < 0.5 or expected > 0.05:  # of sorted rows, the batches between two classes are mixed
        return []
    order = ", ".join(
        f"{batch[0]:g}" if same else "mixed" for batch, same in list(zip(batches, alike, strict=True))[:8]
    )
    seen = f"{int(alike.sum())} of {len(batches)} batches hold rows of one class alone: {order}, ..."
    return [Mistake("rows-not-shuffled", seen, "shuffle the rows before they are divided into batches")]


def split_by_class(labels: NDArray[Any], labels_validation: NDArray[Any]) -> list[Mistake]:
    """Return a mistake if most validation rows are of classes without a training row, or of one class of several."""
    known, other = set(labels.tolist()), set(labels_validation.tolist())
    unseen = other - known
    n = len(labels_validation)
    of_unseen = int(np.isin(labels_validation, list(unseen)).sum()) if unseen else 0
    mend = "shuffle the rows before they are split, or split them class by class"
    if n >= 5 and of_unseen >= 0.5 * n and len(other) < n:
        some = ", ".join(f"{one:g}" for one in sorted(unseen)[:5])
        seen = f"{of_unseen} of {n} validation rows are of classes that no training row has: {some}"
        return [Mistake("rows-not-shuffled", seen, mend)]
    if len(other) == 1 and len(known) > 1:
        [only] = other
        share = float((labels == only).mean())
        if n * np.log(max(share, 1e-12)) < np.log(1e-6):
            seen = f"all {n} validation rows are of class {only:g}, as {share:.0%} of the training rows are"
            return [Mistake("rows-not-shuffled", seen, mend)]
    return []


def several_labels(target: NDArray[Any]) -> str:
    """Return what is seen of targets of 0 and 1 of which many rows have several labels, or none; "" of all others."""
    if target.ndim != 2 or target.shape[1] < 2 or len(target) < 8 or target.dtype.kind not in "biuf":
        return ""
    counts = target.sum(axis=1)
    if not np.isin(target, (0, 1)).all() or (counts != 1).mean() <= _MOST_BEYOND or counts.max() < 2:
        return ""
    several, none = (counts > 1).mean(), (counts == 0).mean()
    return f"and add up to 1, but {several:.0%} of the rows have several labels, and {none:.0%} none"


def classes_unequal(labels: NDArray[Any]) -> list[Mistake]:
    """Return a mistake if one class of two has more than 95 % of the rows, or one of more than two 99 %."""
    classes, counts = np.unique(labels, return_counts=True)
    most = 0.95 if len(classes) == 2 else 0.99
    if len(labels) < 400 or not 2 <= len(classes) <= 100 or counts.max() <= most * len(labels):
        return []
    rarest = int(counts.argmin())
    seen = (
        f"{counts.max() / len(labels):.2%} of {len(labels)} training rows are of class {classes[counts.argmax()]:g}, "
        f"and {counts[rarest]} of class {classes[rarest]:g}"
    )
    mend = "weight the rare class up in the loss or draw it more often, and measure its recall in place of accuracy"
    return [Mistake("classes-unequal", seen, mend)]


def not_finite(name: str, values: NDArray[Any]) -> list[Mistake]:
    """Return a mistake if a number among the values is infinite or not a number."""
    if values.dtype.kind != "f":
        return []
    finite = np.isfinite(values)
    if finite.all():
        return []
    where = np.argwhere(~finite)
    column = f", column {where[0][1]}" if values.ndim == 2 else ""
    kind = "not a number" if np.isnan(values[tuple(where[0])]) else "infinite"
    seen = f"{len(where)} of the numbers of {name} are not finite, the first in row {where[0][0]}{column} is {kind}"
    return [Mistake("not-finite", seen, "fill in or leave out what is missing, before the rows are scaled")]


def _numbers(x: NDArray[Any]) -> NDArray[np.float64] | None:
    """Return some of the rows as floats, evenly from all over; None if they are no finite numbers."""
    if x.dtype.kind not in "iuf" or x.ndim < 1 or not x.size:
        return None
    some = x[:: -(-len(x) // _LOOKED_AT)]
    budget = max(50, 20_000_000 // max(1, int(np.prod(some.shape[1:]))))
    floats = some[:: -(-len(some) // budget)].astype(np.float64)
    if floats.ndim == 1:
        floats = floats[:, None]
    return floats if np.isfinite(floats).all() else None


def batches_of(labels: NDArray[Any], size: int, most: int = 64) -> Iterator[NDArray[Any]]:
    """Yield the labels of batches of that size, at most so many, evenly from all over the rows."""
    starts = np.arange(0, max(1, len(labels) - size + 1), size)
    for start in starts[:: max(1, -(-len(starts) // most))]:
        yield labels[start : start + size]
