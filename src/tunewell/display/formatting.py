"""Values and times as text."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime

from tunewell.space.values import Value


def setting(params: Mapping[str, Value]) -> str:
    """Return a setting in one line, its numbers cut to what a reader wants."""
    return "  ".join(f"{name} {short(value)}" for name, value in params.items())


def short(value: object) -> str:
    """Return a value with four digits, in as few characters as show them."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def measured(value: float) -> str:
    """Return a metric with four digits, trailing zeros among them, so that values below each other compare."""
    return f"{value:#.4g}".rstrip(".")


def clipped(text: str, most: int = 160) -> str:
    """Return the text, its end left out if it is long: frameworks explain an error at length."""
    return text if len(text) <= most else f"{text[: most - 3].rstrip()}..."


def shortened(text: str, most: int = 20_000) -> str:
    """Return the text, the middle left out if it is very long: of an error, the end says most."""
    if len(text) <= most:
        return text
    begin, end = text[: most // 4], text[-(most - most // 4) :]
    return f"{begin} ... ({len(text) - most:,} characters left out) ... {end}"


def duration(seconds: float) -> str:
    """Return `45 s`, `1 min 5 s`, `2 h 03 min`, `3 d 4 h`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 48 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def age(since: float) -> str:
    """Return `5 min 3 s ago`, for a time in seconds since 1970."""
    return f"{duration(max(0.0, time.time() - since))} ago"


def moment(at: float | None) -> str | None:
    """Return `2026-11-23 06:45:00`, in local time, for a time in seconds since 1970; None for None."""
    known = None if at is None else utc(at)
    return None if known is None else known.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def utc(at: float) -> datetime | None:
    """Return the date of a time in seconds since 1970; None for one that no calendar has, of a damaged record."""
    with suppress(OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(at, UTC)
    return None


def counted(n: int, what: str) -> str:
    """Return `1 epoch`, `2 epochs`, `2 studies`."""
    return f"{n} {what}" if n == 1 else f"{n} {plural(what)}"


def plural(what: str) -> str:
    """Return a noun's plural, as far as those that are counted here need it."""
    if what.endswith("y") and what[-2:-1] not in "aeiou":
        return f"{what[:-1]}ies"
    return f"{what}s"
