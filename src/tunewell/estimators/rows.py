"""Rows of a table to train on and to judge by, and how they are parted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import GroupShuffleSplit, train_test_split
from sklearn.utils.validation import _check_sample_weight, column_or_1d

from tunewell.arrays import Floats, Integers

_FEWEST_FOR_VALIDATION = 10
"""With fewer rows, settings are judged by the training rows."""
_DRAWS = 20
"""Of groups to validate on, of which the best is taken."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a table, their targets as the network takes them, and what each counts; None for all the same."""

    table: pd.DataFrame
    targets: NDArray[Any]
    weights: Floats | None

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.table)

    def part(self, places: Integers) -> Rows:
        """Return some of them."""
        weights = None if self.weights is None else self.weights[places]
        return Rows(self.table.iloc[places], self.targets[places], weights)

    @property
    def counted(self) -> Integers:
        """The places of those that count: they are not of weight zero."""
        return np.arange(len(self)) if self.weights is None else np.flatnonzero(self.weights)


def parted(rows: Rows, fraction: float, groups: NDArray[Any] | None, seed: int) -> tuple[Rows, Rows]:
    """Return rows to train on and a fraction of them to judge by, of those that count.

    groups: (m,), of the rows; no group is on both sides.

    Raises:
        ValueError: there is no such fraction, or one group alone.
    """
    if not 0 < fraction < 1:
        raise ValueError(f"validation_fraction must be above 0 and below 1, got {fraction!r}")
    n = len(rows)
    n_unseen = max(1, round(fraction * n))
    if groups is not None:
        train, unseen = _by_group(groups, rows.targets, n_unseen, seed)
    elif n < _FEWEST_FOR_VALIDATION:
        return rows, rows
    else:
        counts = np.unique(rows.targets, return_counts=True)[1] if rows.targets.ndim == 1 else np.array([0])
        stratify = rows.targets if counts.min() > 1 and len(counts) <= min(n_unseen, n - n_unseen) else None
        train, unseen = train_test_split(np.arange(n), test_size=n_unseen, random_state=seed % 2**32, stratify=stratify)
    return rows.part(train), rows.part(unseen)


def _by_group(groups: NDArray[Any], targets: NDArray[Any], n_unseen: int, seed: int) -> tuple[Integers, Integers]:
    """Return places to train on and to judge by, no group in both.

    Of several draws, the one that trains on the most classes, and judges by nearest to so many rows.
    """
    n_groups = len(np.unique(groups))
    if n_groups < 2:
        raise ValueError("groups has one group alone, which cannot be on both sides; give at least 2")
    share = min(max(round(n_groups * n_unseen / len(groups)), 1), n_groups - 1)
    draws = GroupShuffleSplit(_DRAWS, test_size=share, random_state=seed % 2**32).split(targets, groups=groups)
    train, unseen = min(
        draws,
        key=lambda parts: (-len(np.unique(targets[parts[0]])) * (targets.ndim == 1), abs(len(parts[1]) - n_unseen)),
    )
    return train, unseen


def checked_weights(sample_weight: ArrayLike | None, table: pd.DataFrame) -> Floats | None:
    """Return the weights of rows, (m,), none of them negative, and not all zero."""
    if sample_weight is None:
        return None
    weights: Floats = _check_sample_weight(sample_weight, table, dtype=np.float64, ensure_non_negative=True)
    if not weights.any():
        raise ValueError("sample_weight must have at least one non-zero number")
    return weights


def checked_validation(validation_data: Any) -> Sequence[Any]:
    """Return rows to judge by as they are given, X, y and perhaps weights."""
    if not isinstance(validation_data, tuple | list) or len(validation_data) not in (2, 3):
        raise ValueError("validation_data must be (X, y), or (X, y, sample_weight)")
    return validation_data


def finite_targets(y: ArrayLike) -> Floats:
    """Return numbers, (m,), all finite."""
    numbers: Floats = column_or_1d(y, dtype=np.float64, warn=True)
    if not np.isfinite(numbers).all():
        row = np.flatnonzero(~np.isfinite(numbers))[0]
        raise ValueError(f"Input y contains NaN or infinity, first in row {row}; leave the row out")
    return numbers
