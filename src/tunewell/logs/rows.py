"""The rows of a log: named numbers, with where in the training they stand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """The state of a progress bar."""

    count: int
    total: int
    is_of_epochs: bool = False
    """True if it says that it counts epochs."""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """The numbers that a log has in one place."""

    values: Mapping[str, float]
    epoch: float = math.nan
    """As the log counts; NaN if it does not say."""
    step: float = math.nan
    is_running: bool = False
    """True if a later row of the epoch replaces it, as a progress bar is drawn over."""
    begins_run: bool = False
    """True if the log says that another run begins here."""
    ends_epoch: bool = False
    """True if the log says that its epoch is over here."""
    bar: Bar | None = None
    """The progress bar that the numbers stand on."""
    is_part: bool = False
    """True if they are of one step of many, whether the log counts these or not."""
    is_of_all: bool = False
    """True if they sum up what stands in rows beside it, as of single classes."""


@dataclass(frozen=True, slots=True)
class Log:
    """The rows of a log, and what is known of its names."""

    name: str
    """Of the file, for messages."""
    rows: Sequence[Row]
    in_percent: frozenset[str] = frozenset()
    """Names whose numbers had a sign of percent; the numbers are shares already."""
    also: Sequence[str] = ()
    """Names that have no number."""

    @property
    def names(self) -> list[str]:
        """The names of all rows, in the order of the log."""
        return list(dict.fromkeys([*(name for row in self.rows for name in row.values), *self.also]))
