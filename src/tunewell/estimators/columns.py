"""The columns of a table as numbers for a network: gaps filled, numbers standardized, categories one-hot.

What is learned of the columns comes from scikit-learn's transformers; it is kept as plain numbers and texts, so that a
model can be saved as data and loaded without running any code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tunewell.arrays import Floats
from tunewell.errors import SettingError

_MISSING = "(missing)"
_MOST_CATEGORIES = 100
"""The most categories of a column: the most frequent; the rest count as unknown."""


@dataclass(frozen=True, slots=True)
class NumberColumn:
    """A standardized number; a gap becomes the median, and where training rows had gaps a second column marks them."""

    name: str
    median: float
    mean: float
    scale: float
    has_gaps: bool

    @classmethod
    def learn(cls, name: str, values: Floats) -> NumberColumn:
        """Learn the column from training rows, (m,), NaN where there is a gap."""
        if np.isnan(values).all():
            values = np.zeros_like(values)  # nothing is known of it
        imputer = SimpleImputer(strategy="median").fit(values[:, np.newaxis])
        scaler = StandardScaler().fit(imputer.transform(values[:, np.newaxis]))
        return cls(
            name,
            float(imputer.statistics_[0]),
            float(scaler.mean_[0]),
            float(scaler.scale_[0]),
            bool(np.isnan(values).any()),
        )

    def numbers(self, values: Floats) -> Floats:
        """Return the numbers of rows, (m,) -> (m, 1 or 2)."""
        gaps = np.isnan(values)
        filled = (np.where(gaps, self.median, values) - self.mean) / self.scale
        return np.column_stack([filled, gaps]) if self.has_gaps else filled[:, np.newaxis]


@dataclass(frozen=True, slots=True)
class CategoryColumn:
    """A column of zeros and ones for each category; one that was not seen in training has zeros in all."""

    name: str
    categories: tuple[str, ...]

    @classmethod
    def learn(cls, name: str, values: NDArray[np.str_]) -> CategoryColumn:
        """Learn the categories from training rows, (m,)."""
        encoder = OneHotEncoder(handle_unknown="ignore", max_categories=_MOST_CATEGORIES).fit(values[:, np.newaxis])
        rare = encoder.infrequent_categories_[0]
        kept = [str(word) for word in encoder.categories_[0] if rare is None or word not in rare]
        return cls(name, tuple(kept))

    def numbers(self, values: NDArray[np.str_]) -> Floats:
        """Return the numbers of rows, (m,) -> (m, categories)."""
        found: Floats = (values[:, np.newaxis] == np.array(self.categories)).astype(np.float64)
        return found


@dataclass(frozen=True, slots=True)
class Columns:
    """The conversion of a table to numbers, learned from training rows."""

    columns: tuple[NumberColumn | CategoryColumn, ...]

    @classmethod
    def learn(cls, table: pd.DataFrame) -> Columns:
        """Learn the columns: numbers and truth values as numbers; text, categories and dates as categories.

        Raises:
            SettingError: a number is infinite.
        """
        columns: list[NumberColumn | CategoryColumn] = []
        for name in map(str, table.columns):
            if _is_number(table[name]):
                columns.append(NumberColumn.learn(name, _floats(table, name)))
            else:
                columns.append(CategoryColumn.learn(name, _words(table[name])))
        return cls(tuple(columns))

    def numbers(self, table: pd.DataFrame) -> Floats:
        """Return the numbers of a table's rows, (m, columns) -> (m, inputs of the network).

        Raises:
            SettingError: a column is missing, or is no longer one of numbers.
        """
        missing = [column.name for column in self.columns if column.name not in table.columns]
        if missing:
            raise SettingError(f"the table lacks the column {missing[0]!r} that the model was trained with; add it")
        return np.column_stack(
            [
                column.numbers(_floats(table, column.name))
                if isinstance(column, NumberColumn)
                else column.numbers(_words(table[column.name]))
                for column in self.columns
            ]
        )

    def to_dict(self) -> list[dict[str, Any]]:
        """Return the columns as plain JSON."""
        return [asdict(column) for column in self.columns]

    @classmethod
    def from_dict(cls, columns: Sequence[Mapping[str, Any]]) -> Columns:
        """Return the columns that `to_dict` wrote."""
        return cls(
            tuple(
                CategoryColumn(column["name"], tuple(column["categories"]))
                if "categories" in column
                else NumberColumn(**column)
                for column in columns
            )
        )


def _is_number(column: pd.Series[Any]) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column))


def _floats(table: pd.DataFrame, name: str) -> Floats:
    try:
        values = table[name].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise SettingError(f"column {name!r} held numbers in training, and does not now: {error}") from error
    infinite = np.flatnonzero(np.isinf(values))
    if infinite.size:
        raise SettingError(f"column {name!r} is infinite in row {infinite[0]}; leave it empty or mend it")
    return values


def _words(column: pd.Series[Any]) -> NDArray[np.str_]:
    return np.array([_MISSING if pd.isna(value) else str(value) for value in column], dtype=np.str_)
