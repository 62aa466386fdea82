"""Text as it comes: bytes of some encoding, with what moves a terminal's cursor in between."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from tunewell.errors import RecordError

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_]|\x08")
"""What moves a terminal's cursor or colors its letters."""


def without_escapes(text: str) -> str:
    """Return a text without what moves a terminal's cursor or colors its letters."""
    text = text.removeprefix("\ufeff")
    return _ESCAPES.sub("", text) if "\x1b" in text or "\x08" in text else text


def text_of(path: Path) -> str:
    """Return the text of a file, which need not be whole: a byte that is none of it is replaced.

    Raises:
        RecordError: it cannot be read, or is no text.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error}; give a log, a CSV or a JSON file") from error
    return decoded(path.name, content)


def decoded(name: str, content: bytes) -> str:
    """Return bytes as text: UTF-16 where they say so, as a shell on Windows writes it, else UTF-8.

    Raises:
        RecordError: they are no text.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    if b"\x00" in content[:10_000]:
        raise RecordError(f"{name} is no text; give a log, a CSV or a JSON file, or TensorBoard's events")
    return content.decode("utf-8-sig", errors="replace")
