"""Output, as it comes in pieces, cut into lines."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LONGEST_LINE = 1 << 20
_LINE_END = re.compile(rb"\r*\n|\r")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of output."""

    text: bytes
    is_overwritten: bool = False
    """It ends with a carriage return, as the states of a progress bar do."""
    is_cut_off: bool = False
    """The output ended before the line did."""


class LineCutter:
    """A cutter of output into lines."""

    def __init__(self) -> None:
        self._rest = b""

    def cut(self, chunk: bytes) -> list[Line]:
        """Return the lines that are whole now; at the end, which is an empty chunk, the rest is one."""
        text = self._rest + chunk
        lines, begin = [], 0
        for end in _LINE_END.finditer(text):
            if end.end() == len(text) and text.endswith(b"\r") and chunk:
                break  # it may begin \r\n
            lines.append(Line(text[begin : end.start()].strip(), is_overwritten=end[0] == b"\r"))
            begin = end.end()
        self._rest = text[begin:]
        if self._rest and (not chunk or len(self._rest) > _LONGEST_LINE):
            lines.append(Line(self._rest.strip(), is_cut_off=not chunk))
            self._rest = b""
        return lines
