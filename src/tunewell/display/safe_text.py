"""Styled text for a live display with nothing in it that a terminal obeys; apart, since Rich takes a while to load."""

from __future__ import annotations

from typing import Any, Self

from rich.text import Text

from tunewell.display.terminal import spelled_out


class SafeText(Text):
    """A text of Rich's in which what a terminal would obey is spelled out, and which is no markup."""

    def __init__(self, text: str = "", *args: Any, **named: Any) -> None:
        """Begin with a text; the rest is as `rich.text.Text` has it."""
        super().__init__(spelled_out(text), *args, **named)

    def append(self, text: Text | str, style: Any = None) -> Self:
        """Append a text, safe as the rest."""
        super().append(spelled_out(text) if isinstance(text, str) else text, style)
        return self
