"""How values, times and curves are written as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tunewell.space.values import Value

_BARS = "▁▂▃▄▅▆▇█"


def setting(params: Mapping[str, Value]) -> str:
    """A setting in one line, its numbers cut to what a reader wants."""
    return "  ".join(f"{name} {short(value)}" for name, value in params.items())


def short(value: object) -> str:
    """A value with four digits, in as few characters as show them."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def measured(value: float) -> str:
    """A metric with four digits, trailing zeros among them, so that values below each other compare."""
    return f"{value:#.4g}".rstrip(".")


def clipped(text: str, most: int = 160) -> str:
    """The text, its end left out if it is long: frameworks explain an error at length."""
    return text if len(text) <= most else f"{text[: most - 3].rstrip()}..."


def duration(seconds: float) -> str:
    """`45 s`, `1 min 5 s`, `2 h 03 min`, `3 d 4 h`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 48 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def sparkline(values: Sequence[float], width: int = 32) -> str:
    """The values as bars of eight heights; where there are more than `width`, each bar is the mean of its share."""
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    if not finite.size:
        return ""
    means = np.array([part.mean() for part in np.array_split(finite, min(width, finite.size))])
    span = float(np.ptp(means))
    heights = (
        np.rint((means - means.min()) / span * (len(_BARS) - 1)).astype(int) if span else np.zeros(len(means), int)
    )
    return "".join(_BARS[height] for height in heights)
