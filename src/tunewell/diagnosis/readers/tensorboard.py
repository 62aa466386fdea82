"""Scalars in TensorBoard's event files; the one module that imports `tensorboard` (an extra)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunewell.diagnosis.readers.names import curves_of
from tunewell.diagnosis.readers.series import by_epoch
from tunewell.errors import MissingExtra, RecordError


def read_events(path: Path, columns: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The record of an event file, or of a folder of them (with one level of folders, such as `train`, `validation`).

    columns: the tag of a curve whose name is not understood, by the curve.

    Raises:
        MissingExtra: tensorboard is not installed.
        RecordError: there are no scalars, or none is understood.
    """
    scalars = _scalars(path)
    curves = curves_of(scalars, columns)
    curves.pop("epoch", None)
    if not set(curves) - {"lr"}:
        raise RecordError(
            f"{path} has no scalar that is understood as a loss or an accuracy; it has "
            f"{', '.join(map(repr, list(scalars)[:20])) or 'none'}: say which is which (--columns train_loss=TAG)"
        )
    return {"epochs": by_epoch({curve: scalars[tag] for curve, tag in curves.items()})}


def _scalars(path: Path) -> dict[str, list[tuple[float, float]]]:
    """(step, value) by tag; a tag in a folder below is `folder/tag`."""
    try:
        from tensorboard.backend.event_processing.event_accumulator import (  # noqa: PLC0415  an extra, and slow
            EventAccumulator,
        )
    except ImportError:
        raise MissingExtra("tensorboard", "tensorboard", "reading event files") from None
    scalars: dict[str, list[tuple[float, float]]] = {}
    folders = [path] if path.is_file() else [path, *sorted(child for child in path.iterdir() if child.is_dir())]
    for folder in folders:
        events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
        events.Reload()
        prefix = "" if folder == path else f"{folder.name}/"
        tags = events.Tags()
        for tag in tags["scalars"]:
            scalars[prefix + tag] = [(float(event.step), float(event.value)) for event in events.Scalars(tag)]
        scalars.update(_of_tensors(events, tags["tensors"], prefix))
    return scalars


def _of_tensors(events: Any, tags: list[str], prefix: str) -> dict[str, list[tuple[float, float]]]:
    """Keras writes scalars as tensors without a dimension."""
    from tensorboard.util.tensor_util import make_ndarray  # noqa: PLC0415  comes with the import above

    found: dict[str, list[tuple[float, float]]] = {}
    for tag in tags:
        points = [(float(event.step), make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)]
        if points and all(value.ndim == 0 and value.dtype.kind in "fiu" for _, value in points):
            found[prefix + tag] = [(step, float(value)) for step, value in points]
    return found
