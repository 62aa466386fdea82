"""Numbers, counts and names as a figure writes them."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping

_LONGEST = 32
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def name_of(text: object, most: int = _LONGEST) -> str:
    """Return a text in one line, its end left out if it is long, without characters that turn or hide what follows."""
    shown = str(text)[: 4 * most]
    plain = "".join(" " if unicodedata.category(c) in _UNSEEN else c for c in shown)
    plain = re.sub(r"\s+", " ", plain).strip() or "(no name)"
    return plain if len(plain) <= most else f"{plain[: most - 1].rstrip()}…"


def number(value: float, digits: int = 4) -> str:
    """Return a number in as few characters as show so many digits: `0.001`, `1e-5`, `12,000`, `2.5e9`."""
    if not math.isfinite(value):
        return "none"
    if value == int(value) and 1e4 <= abs(value) < 1e7:
        return f"{int(value):,}"
    text = f"{value:.{digits}g}" if abs(value) >= 1e-3 or not value else f"{value:.{digits - 1}e}"
    if "e" not in text:
        return text
    mantissa, exponent = text.split("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}"


def counted(n: int, what: str, several: str | None = None) -> str:
    """Return `1 trial`, `2 trials`, `10,000 trials`."""
    return f"{n:,} {what if n == 1 else several or f'{what}s'}"


def listed(parts: Iterable[str]) -> str:
    """Return `a`, `a and b`, `a, b and c`."""
    known = [part for part in parts if part]
    return " and ".join(filter(None, [", ".join(known[:-1]), *known[-1:]]))


def counts_of(numbers: Mapping[str, int]) -> str:
    """Return `3 failed, 2 paused`, without those that are none."""
    return ", ".join(f"{n:,} {what}" for what, n in numbers.items() if n)


def sentence(text: str) -> str:
    """Return a text as a sentence; nothing for nothing."""
    return f" {text[:1].upper()}{text[1:]}." if text else ""
