"""The trackers by name, and the place in one that a text such as `mlflow:http://127.0.0.1:5000#digits` means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from tunewell.bridges.base import Sink, Source
from tunewell.errors import MissingExtra, SettingError
from tunewell.near_names import nearest
from tunewell.stores.redaction import redacted_url


@dataclass(frozen=True, slots=True)
class Tracker:
    """A tracker that there is a bridge to."""

    title: str
    module: str
    """Of `tunewell.bridges`; it has `sink(place)` or `source(place)`, or both."""
    takes: str = ""
    """How a place is written that runs are sent to; empty if none are."""
    gives: str = ""
    """How a place is written that runs are read from."""
    package: str | None = None
    """What it needs to be sent anything."""
    extra: str = ""


TRACKERS: Mapping[str, Tracker] = {
    "mlflow": Tracker(
        "MLflow", "mlflow", "mlflow[:URI][#EXPERIMENT]", "mlflow:URI[#EXPERIMENT]", package="mlflow", extra="mlflow"
    ),
    "wandb": Tracker(
        "Weights & Biases",
        "wandb",
        "wandb[:[ENTITY/]PROJECT][#offline]",
        "wandb:ENTITY/PROJECT or wandb:FOLDER",
        package="wandb",
        extra="wandb",
    ),
    "tensorboard": Tracker(
        "TensorBoard",
        "tensorboard",
        "tensorboard:FOLDER",
        "tensorboard:FOLDER",
        package="tensorboard",
        extra="tensorboard",
    ),
    "trackio": Tracker(
        "trackio",
        "trackio",
        "trackio[:PROJECT]",
        "trackio:PROJECT or trackio:FILE.db",
        package="trackio",
        extra="trackio",
    ),
    "optuna": Tracker("Optuna", "optuna", gives="optuna:URL[#STUDY] or optuna:JOURNAL"),
    "csv": Tracker("a CSV file", "csv", gives="csv:FILE"),
}
"""Every tracker, by the name that it has on the command line."""


@dataclass(frozen=True, slots=True)
class Place:
    """A tracker, and where in it."""

    kind: str
    target: str = ""
    """Its URI, project or folder; empty for the tracker's own default."""
    part: str = ""
    """What comes after the #: an experiment or a study in it."""

    def __str__(self) -> str:
        text = self.kind + (f":{redacted_url(self.target)}" if self.target else "")
        return text + (f"#{self.part}" if self.part else "")

    @property
    def spelled(self) -> str:
        """The text that was given, with its password: only for whoever is to reach it."""
        return self.kind + (f":{self.target}" if self.target else "") + (f"#{self.part}" if self.part else "")

    @property
    def tracker(self) -> Tracker:
        """The tracker."""
        return TRACKERS[self.kind]

    def sink(self) -> Sink:
        """Return what runs are sent to."""
        return cast("Sink", self._made("sink")(self))

    def source(self) -> Source:
        """Return what runs are read from."""
        return cast("Source", self._made("source")(self))

    def _made(self, name: str) -> Callable[[Place], object]:
        made: Callable[[Place], object] = getattr(import_module(f"tunewell.bridges.{self.tracker.module}"), name)
        return made


def sink_place(text: str) -> Place:
    """Return the place that runs are to be sent to, which is looked at no further.

    Raises:
        SettingError: the text means none.
        MissingExtra: the tracker's library is not installed.
    """
    place = _parsed(text, "takes")
    tracker = place.tracker
    if place.kind == "tensorboard" and not place.target:
        raise SettingError("tensorboard needs the folder that its files are to lie in, such as tensorboard:runs")
    if tracker.package is not None and find_spec(tracker.package) is None:
        raise MissingExtra(tracker.package, tracker.extra, f"sending runs to {tracker.title}")
    return place


def source_place(text: str) -> Place:
    """Return the place that runs are to be read from. Raises SettingError if the text means none."""
    if ":" not in text and Path(text).suffix.lower() == ".csv":
        return Place("csv", text)
    return _parsed(text, "gives")


def _parsed(text: str, way: str) -> Place:
    kind, _, rest = str(text).strip().partition(":")
    known = {name: getattr(tracker, way) for name, tracker in TRACKERS.items() if getattr(tracker, way)}
    if kind not in known:
        near = nearest(kind, known)
        other = (
            "runs are taken from it, and none are sent"
            if kind in TRACKERS
            else "is no tracker" + (f", did you mean {near!r}" if near else "")
        )
        raise SettingError(f"{redacted_url(str(text))!r}: {other}; there are {', '.join(known.values())}")
    target, part = rest, ""
    if "#" in rest and (kind in ("mlflow", "optuna", "wandb")):
        target, _, part = rest.rpartition("#")
    if way == "gives" and not target:
        raise SettingError(f"{kind} needs a place: write {known[kind]}")
    return Place(kind, target, part)
