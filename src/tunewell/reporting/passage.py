"""A passage of a report, as plain data: a terminal prints it, a page lays it out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Passage:
    """A title with a table and sentences under it."""

    title: str
    lines: tuple[str, ...] = ()
    """Sentences, each a paragraph; they stand below the table."""
    columns: tuple[str, ...] = ()
    rows: tuple[Sequence[object], ...] = ()
    """Of the table; None is an empty cell."""
    commands: tuple[str, ...] = ()
    """What can be pasted into a shell."""

    @property
    def is_empty(self) -> bool:
        """True if there is nothing under the title."""
        return not (self.lines or self.rows or self.commands)
