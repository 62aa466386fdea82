"""Curves of training and validation in one plot of text, with the place of the evidence marked."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Mapping

import click
import numpy as np

from tunewell.arrays import Floats
from tunewell.diagnosis.run_record import RunRecord
from tunewell.display.formatting import measured

_MARKS = {"train_loss": "•", "train_accuracy": "•", "val_loss": "○", "val_accuracy": "○"}
_PAIRS = (("train_loss", "val_loss"), ("train_accuracy", "val_accuracy"))
_MOST = 72
_HEIGHT = 10


def pictures(run: RunRecord, curve: str, epoch: float) -> Iterator[str]:
    """Yield plots of loss, and of accuracy if the evidence is on it or there is no loss, with a pointer to the epoch.

    curve: the one on which the evidence is seen, or "".
    """
    pairs = [pair for pair in _PAIRS if any(np.isfinite(run[name]).any() for name in pair)]
    shown = [pair for pair in pairs if curve in pair] or pairs[:1]
    for pair in shown:
        known = {name: run[name] for name in pair if np.isfinite(run[name]).any()}
        yield "  ".join(f"{_MARKS[name]} {name}" for name in known)
        yield from _plot(run.epoch, known, epoch)


def _plot(epochs: Floats, curves: Mapping[str, Floats], pointed: float) -> Iterator[str]:
    width = min(_MOST, max(8, shutil.get_terminal_size().columns - 12), len(epochs))
    parts = np.array_split(np.arange(len(epochs)), width)
    columns = {name: [_mean(values[part]) for part in parts] for name, values in curves.items()}
    known = [value for values in columns.values() for value in values if not math.isnan(value)]
    low, high = min(known), _highest(known)
    step = (high - low) / (_HEIGHT - 1) or 1.0
    rows = [[" "] * width for _ in range(_HEIGHT)]
    for name, values in columns.items():
        for column, value in enumerate(values):
            if not math.isnan(value):
                level = min(_HEIGHT - 1, round((value - low) / step))
                rows[level][column] = _MARKS[name]
    labels = {_HEIGHT - 1: measured(high), 0: measured(low)}
    margin = max(map(len, labels.values()))
    for level in reversed(range(_HEIGHT)):
        yield f"{labels.get(level, '').rjust(margin)} ┤{''.join(rows[level])}".rstrip()
    yield f"{'':{margin}} └{'─' * width}"
    first, last = f"{epochs[0]:g}", f"{epochs[-1]:g}"
    yield f"{'':{margin}}  {first}{last.rjust(width - len(first)) if width > 1 else ''}".rstrip()
    if not math.isnan(pointed):
        at = next((i for i, part in enumerate(parts) if len(part) and epochs[part[-1]] >= pointed), width - 1)
        yield f"{'':{margin}}  {'':{at}}" + click.style(f"▲ epoch {pointed:g}", bold=True)


def _highest(values: list[float]) -> float:
    """Return the top of the plot: an exploding curve would press all else flat, so what is beyond lies on the edge."""
    top, usual = max(values), float(np.median(values))
    return top if top <= 20 * max(abs(usual), 1e-9) else 20 * abs(usual)


def _mean(part: Floats) -> float:
    finite = part[np.isfinite(part)]
    return float(finite.mean()) if finite.size else math.nan
