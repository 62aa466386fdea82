"""Scalars in TensorBoard's event files; the one module that imports `tensorboard` (an extra)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from tunewell.diagnosis.readers.names import curves_of, not_understood
from tunewell.errors import MissingExtra, RecordError
from tunewell.logs.names import says_split
from tunewell.logs.series import by_epoch

Scalars: TypeAlias = dict[str, list[tuple[float, float]]]
"""(step, value), in the order of the log, by tag."""


def read_events(path: Path, columns: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Read the record of an event file, or of a folder of them (with folders such as `train` and `validation`).

    columns: the tag of a curve whose name is not understood, by the curve.

    Raises:
        MissingExtra: tensorboard is not installed.
        RecordError: there are no scalars, or none is understood.
    """
    scalars = _of_one_run(path, _scalars(path))
    curves = curves_of(scalars, columns)
    curves.pop("epoch", None)
    if not set(curves) - {"lr"}:
        raise RecordError(
            f"{path} has no scalar that is understood as a loss or an accuracy; it has "
            f"{', '.join(map(repr, list(scalars)[:20])) or 'none'}: say which is which (--columns train_loss=TAG)"
        )
    return {
        "epochs": by_epoch({curve: scalars[tag] for curve, tag in curves.items()}),
        "not_understood": not_understood(scalars, curves),
    }


def _of_one_run(path: Path, folders: Mapping[str, Scalars]) -> Scalars:
    """Return the scalars of the folders that belong to one run, as `folder/tag` where the folder names a split.

    Keras writes a folder for each split; Lightning and others write one for each run, whose name says nothing.
    """
    if not folders:
        raise RecordError(f"{path} has no event file of TensorBoard with a scalar in it{_instead(path)}")
    runs = [name for name in folders if not says_split(name)]
    if len(runs) > 1 and "" not in runs:
        shown = ", ".join(str(path / name) for name in runs[:5])
        raise RecordError(f"{path} has the events of {len(runs)} runs; give one of them: {shown}")
    own = "" if "" in runs else "".join(runs)  # PyTorch's writer puts what it knows of settings into folders below
    return {
        f"{name}/{tag}" if name != own else tag: points
        for name, scalars in folders.items()
        for tag, points in scalars.items()
        if name == own or says_split(name)
    }


def _instead(path: Path) -> str:
    """Suggest what else could have been meant by a folder."""
    below = path.rglob("*") if path.is_dir() else iter(())
    events = next((file.parent for file in below if "tfevents" in file.name and file.parent != path), None)
    table = next(iter(sorted(path.rglob("*.csv"))), None) if path.is_dir() else None
    meant = events or table
    return "; give one, its folder, or a CSV or JSON file" if meant is None else f"; did you mean {meant}?"


def _scalars(path: Path) -> dict[str, Scalars]:
    """Read the scalars of each folder that has any, "" for the path itself: (step, value) by tag."""
    try:
        from tensorboard.backend.event_processing.event_accumulator import (  # noqa: PLC0415  an extra, and slow
            EventAccumulator,
        )
    except ImportError:
        raise MissingExtra("tensorboard", "tensorboard", "reading event files") from None
    found: dict[str, Scalars] = {}
    folders = [path] if path.is_file() else [path, *sorted(child for child in path.iterdir() if child.is_dir())]
    for folder in folders:
        events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
        events.Reload()
        tags = events.Tags()
        scalars = {
            tag: [(float(event.step), float(event.value)) for event in events.Scalars(tag)] for tag in tags["scalars"]
        }
        scalars |= _of_tensors(events, tags["tensors"])
        if scalars:
            found["" if folder == path else folder.name] = scalars
    return found


def _of_tensors(events: Any, tags: list[str]) -> Scalars:
    """Read the scalars that Keras writes as tensors without a dimension."""
    from tensorboard.util.tensor_util import make_ndarray  # noqa: PLC0415  comes with the import above

    found: Scalars = {}
    for tag in tags:
        points = [(float(event.step), make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)]
        if points and all(value.ndim == 0 and value.dtype.kind in "fiu" for _, value in points):
            found[tag] = [(step, float(value)) for step, value in points]
    return found
