"""The front of a study with several metrics, as lines of a table."""

from __future__ import annotations

from collections.abc import Iterator

from tunewell.cli.printing import table
from tunewell.display.formatting import measured
from tunewell.study import Study


def front_lines(study: Study) -> Iterator[str]:
    """Yield the front, the knee marked; nothing where there is one metric."""
    if not study.aims.are_several:
        return
    points = study.front()
    names = list(study.aims.metrics)
    yield f"the front, {len(points)} that no other betters in all of {', '.join(names)}:"
    rows = [
        [point.trial, point.epoch, *(measured(point.values[name]) for name in names), "knee" if point.is_knee else ""]
        for point in points
    ]
    yield from table(["trial", "at epoch", *names, ""], rows)


def aims_in_words(study: Study) -> str:
    """Return `maximize val_accuracy, minimize latency_ms, where memory_gb <= 8`."""
    limits = f", where {' and '.join(map(str, study.aims.limits))}" if study.aims.limits else ""
    return f"{study.aims}{limits}"
