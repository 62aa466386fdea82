"""The columns of a table as numbers for a network: gaps filled, numbers standardized, categories one-hot.

What is learned of the columns comes from scikit-learn's transformers; it is kept as plain numbers and texts, so that a
model can be saved as data and loaded without running any code.
"""

from __future__ import annotations

import math
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
_DAYS_OF_YEAR = 365.2425
_LIKE_A_DATE = r"^\s*\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:\D|$)"
_DATE_FORMATS = (
    "ISO8601",
    *(
        f"{day}{time}"
        for day in (
            "%Y/%m/%d",
            "%d.%m.%Y",
            "%m/%d/%Y",
            "%d/%m/%Y",
            "%d-%m-%Y",
            "%m-%d-%Y",
            "%d.%m.%y",
            "%m/%d/%y",
            "%d/%m/%y",
        )
        for time in ("", " %H:%M", " %H:%M:%S")
    ),
)
"""Tried in this order, in training; where days and months look alike, it is the same one ever after."""


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

    @property
    def width(self) -> int:
        """The number of numbers that it becomes."""
        return 2 if self.has_gaps else 1

    @property
    def is_sound(self) -> bool:
        """True if its numbers are some that can be learned."""
        numbers = (self.median, self.mean, self.scale)
        return all(isinstance(one, int | float) and math.isfinite(one) for one in numbers) and self.scale > 0

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

    @property
    def width(self) -> int:
        """The number of numbers that it becomes."""
        return len(self.categories)

    @property
    def is_sound(self) -> bool:
        """True if its categories are some that can be learned."""
        return len(self.categories) <= _MOST_CATEGORIES and all(isinstance(word, str) for word in self.categories)

    def numbers(self, values: NDArray[np.str_]) -> Floats:
        """Return the numbers of rows, (m,) -> (m, categories)."""
        found: Floats = (values[:, np.newaxis] == np.array(self.categories)).astype(np.float64)
        return found


@dataclass(frozen=True, slots=True)
class DateColumn:
    """A point in time: how late it is, standardized, and its place in the year, the week, and the day if it has times.

    A place is a point on a circle, so that December is next to January.
    """

    name: str
    date_format: str | None
    """The format of its texts; None where they are no texts but times."""
    days: NumberColumn
    """Days since the beginning of 1970, UTC."""
    has_times: bool

    @classmethod
    def learn(cls, column: pd.Series[Any], date_format: str | None) -> DateColumn:
        """Learn the column from training rows, (m,)."""
        name = str(column.name)
        days = _days(column, date_format)
        known = days[~np.isnan(days)]
        return cls(name, date_format, NumberColumn.learn(name, days), bool((known != np.floor(known)).any()))

    @property
    def width(self) -> int:
        """The number of numbers that it becomes."""
        return self.days.width + (6 if self.has_times else 4)

    @property
    def is_sound(self) -> bool:
        """True if it is one that can be learned."""
        return self.days.is_sound and (self.date_format is None or self.date_format in _DATE_FORMATS)

    def numbers(self, column: pd.Series[Any]) -> Floats:
        """Return the numbers of rows, (m,) -> (m, 5 to 8).

        Raises:
            SettingError: a row has no date of this format.
        """
        days = _days(column, self.date_format)
        circles = [_DAYS_OF_YEAR, 7.0, *([1.0] if self.has_times else [])]
        angles = 2 * np.pi * days[:, np.newaxis] / circles
        places = np.nan_to_num(np.column_stack([np.sin(angles), np.cos(angles)]))  # of a gap: the middle of the circle
        return np.column_stack([self.days.numbers(days), places])


@dataclass(frozen=True, slots=True)
class Columns:
    """The conversion of a table to numbers, learned from training rows."""

    columns: tuple[NumberColumn | CategoryColumn | DateColumn, ...]

    @classmethod
    def learn(cls, table: pd.DataFrame) -> Columns:
        """Learn the columns: numbers and truth values as numbers, dates as dates, any other as categories.

        Raises:
            SettingError: a number is infinite.
        """
        columns: list[NumberColumn | CategoryColumn | DateColumn] = []
        for name in map(str, table.columns):
            if _is_number(table[name]):
                columns.append(NumberColumn.learn(name, _floats(table, name)))
            elif pd.api.types.is_datetime64_any_dtype(table[name]):
                columns.append(DateColumn.learn(table[name], None))
            elif (date_format := _date_format(table[name])) is not None:
                columns.append(DateColumn.learn(table[name], date_format))
            else:
                columns.append(CategoryColumn.learn(name, _words(table[name])))
        return cls(tuple(columns))

    def numbers(self, table: pd.DataFrame) -> Floats:
        """Return the numbers of a table's rows, (m, columns) -> (m, inputs of the network).

        Raises:
            SettingError: a column is missing, or is no longer one of numbers or of dates.
        """
        missing = [column.name for column in self.columns if column.name not in table.columns]
        if missing:
            raise SettingError(f"the table lacks the column {missing[0]!r} that the model was trained with; add it")
        return np.column_stack([column.numbers(_values(table, column)) for column in self.columns])

    @property
    def width(self) -> int:
        """The number of numbers that a row becomes."""
        return sum(column.width for column in self.columns)

    def check(self) -> None:
        """Check that the columns are what `learn` makes, if they come from a file.

        Raises:
            ValueError: they are not.
        """
        for column in self.columns:
            if not isinstance(column.name, str) or not column.is_sound:
                raise ValueError(f"its column {str(column.name)[:40]!r} is none that it can have learned")

    @property
    def numeric(self) -> tuple[str, ...]:
        """The names of the columns of numbers."""
        return tuple(column.name for column in self.columns if isinstance(column, NumberColumn))

    @property
    def textual(self) -> tuple[str, ...]:
        """The names of the columns of categories and of dates."""
        return tuple(column.name for column in self.columns if not isinstance(column, NumberColumn))

    def to_dict(self) -> list[dict[str, Any]]:
        """Return the columns as plain JSON."""
        return [asdict(column) for column in self.columns]

    @classmethod
    def from_dict(cls, columns: Sequence[Mapping[str, Any]]) -> Columns:
        """Return the columns that `to_dict` wrote."""
        return cls(tuple(map(_from_dict, columns)))


def _from_dict(column: Mapping[str, Any]) -> NumberColumn | CategoryColumn | DateColumn:
    if "categories" in column:
        return CategoryColumn(column["name"], tuple(column["categories"]))
    if "days" in column:
        return DateColumn(**{**column, "days": NumberColumn(**column["days"])})
    return NumberColumn(**column)


def _values(table: pd.DataFrame, column: NumberColumn | CategoryColumn | DateColumn) -> Any:
    """Return a column's rows as its `numbers` takes them."""
    if isinstance(column, NumberColumn):
        return _floats(table, column.name)
    return table[column.name] if isinstance(column, DateColumn) else _words(table[column.name])


def _date_format(column: pd.Series[Any]) -> str | None:
    """Return the format in which all texts of a column are dates; None if there is none."""
    words = column[column.notna()].astype(str).drop_duplicates()
    if words.empty or not words.str.contains(_LIKE_A_DATE).all():
        return None
    for date_format in _DATE_FORMATS:
        if pd.to_datetime(words, format=date_format, utc=True, errors="coerce").notna().all():
            return date_format
    return None


def _days(column: pd.Series[Any], date_format: str | None) -> Floats:
    """Return days since the beginning of 1970, UTC, (m,), NaN where there is a gap."""
    given = column if date_format is None else column.where(column.isna(), column.astype(str))
    times = pd.to_datetime(given, format=date_format, utc=True, errors="coerce")
    wrong = np.flatnonzero(times.isna() & column.notna())
    if wrong.size:
        raise SettingError(
            f"column {str(column.name)!r} held dates in training, and now {column.iloc[wrong[0]]!r} in row {wrong[0]}; "
            f"write dates as they were written there, or leave it empty"
        )
    return np.asarray((times - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1), dtype=np.float64)


def _is_number(column: pd.Series[Any]) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column))


def _floats(table: pd.DataFrame, name: str) -> Floats:
    try:
        values = table[name].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise SettingError(f"column {name!r} held numbers in training, and does not now: {error}") from error
    infinite = np.flatnonzero(np.isinf(values))
    if infinite.size:
        raise SettingError(f"column {name!r} is infinite in row {table.index[infinite[0]]}; leave it empty or mend it")
    return values


def _words(column: pd.Series[Any]) -> NDArray[np.str_]:
    return np.array([_MISSING if pd.isna(value) else str(value) for value in column], dtype=np.str_)
