"""A sweep of learning rates as a figure, written as SVG: it takes no plotting library to draw a line."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tunewell.probing import Sweep

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 640, 400, 70, 20, 20, 50
_FONT = 'font-family="sans-serif" font-size="12"'


def svg(sweep: Sweep) -> str:
    """Draw loss against the rate's logarithm; crosses are rates that diverge, the dashed line is the suggestion."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" {_FONT}>',
            '<rect width="100%" height="100%" fill="white"/>',
            *_drawn(sweep),
            "</svg>",
            "",
        ]
    )


def _drawn(sweep: Sweep) -> Iterator[str]:
    finite = [point for point in sweep.points if not point.diverged]
    losses = [point.loss for point in finite] or [0.0, 1.0]
    low, high = min(losses), max(losses)
    low, high = low - 0.05 * ((high - low) or 1.0), high + 0.05 * ((high - low) or 1.0)
    first, last = (math.log10(sweep.points[i].rate) for i in (0, -1))

    def x(rate: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (math.log10(rate) - first) / ((last - first) or 1.0)

    def y(loss: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (high - loss) / (high - low)

    floor = _HEIGHT - _BOTTOM
    yield f'<path d="M{_LEFT} {_TOP}V{floor}H{_WIDTH - _RIGHT}" fill="none" stroke="black"/>'
    for decade in range(math.ceil(first - 1e-9), math.floor(last + 1e-9) + 1):
        at = x(10.0**decade)
        yield f'<path d="M{at:.1f} {floor}v5" stroke="black"/>'
        yield f'<text x="{at:.1f}" y="{floor + 20}" text-anchor="middle">1e{decade}</text>'
    for loss in (min(losses), max(losses)):
        yield f'<text x="{_LEFT - 8}" y="{y(loss) + 4:.1f}" text-anchor="end">{loss:.3g}</text>'
    yield f'<text x="{(_LEFT + _WIDTH) / 2:.0f}" y="{_HEIGHT - 10}" text-anchor="middle">{sweep.param}</text>'
    yield f'<text x="{_LEFT + 8}" y="{_TOP + 12}">{sweep.metric}</text>'
    if sweep.suggestion is not None:
        at = x(sweep.suggestion)
        yield f'<path d="M{at:.1f} {_TOP}V{floor}" stroke="green" stroke-dasharray="5 4"/>'
        yield f'<text x="{at + 6:.1f}" y="{_TOP + 12}" fill="green">{sweep.suggestion:g}</text>'
    places = [(x(point.rate), y(point.loss)) for point in finite]
    yield f'<polyline points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in places)}" fill="none" stroke="steelblue"/>'
    yield from (f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3.5" fill="steelblue"/>' for a, b in places)
    for point in sweep.points:
        if point.diverged:
            yield f'<path d="M{x(point.rate) - 4:.1f} {_TOP}l8 8m0 -8l-8 8" stroke="firebrick"/>'
