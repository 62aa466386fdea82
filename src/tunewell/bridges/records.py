"""A run as bridges have it: what a tracker is sent of a trial, and what is read of a run of a tracker."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from tunewell.errors import RecordError
from tunewell.space.values import Params, Value
from tunewell.stores import StudyRecord
from tunewell.stores.rows import from_json, to_json
from tunewell.trial import Event, Trial, TrialState

LIVE = "live/"
"""Before the name of a parameter: the curve of its value by epoch, which steering changes."""


class Point(NamedTuple):
    """A number that was logged."""

    step: int
    """An epoch, from 1, of a run of tunewell's; of others whatever they count."""
    value: float
    at: float | None
    """Seconds since 1970 (UTC); None if the tracker does not keep it."""


Curves = Mapping[str, Sequence[Point]]
"""By metric, in the order in which they were logged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedRun:
    """A run, of a study on its way out or of a tracker on its way in; times are seconds since 1970 (UTC)."""

    id: str
    """Names it among all runs of its source, for good."""
    name: str = ""
    params: Mapping[str, Value] = field(default_factory=dict)
    """The values that it began with."""
    curves: Curves = field(default_factory=dict)
    """On the way out, those points alone that are new."""
    state: TrialState = TrialState.COMPLETE
    """RUNNING while it trains, wherever that is."""
    began: float = 0.0
    ended: float | None = None
    reason: str | None = None
    """Why it ended, where that needs saying."""
    parent: str | None = None
    """The id of the run that it goes on from, at `parent_epoch`."""
    parent_epoch: int | None = None
    tags: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    steering: tuple[Event, ...] = ()
    """What was done to it while it trained, by whom, and why."""
    provenance: Mapping[str, object] = field(default_factory=dict)
    """Where it ran, and with which code: host, command, git_commit, versions, ..."""
    trial: Trial | None = None
    """Its whole record, if it is a trial of a study of tunewell's: then steps are epochs."""
    study: StudyRecord | None = None
    """The study of that trial."""


def id_of(study: StudyRecord, trial: int) -> str:
    """Return the id of a trial's run: the same in every tracker."""
    return f"{study.uuid}:{trial}"


def card(run: TrackedRun) -> str:
    """Return all of a trial but its curves as JSON text, which a tracker keeps with the run.

    What a tracker has no place for, or keeps as text, is read from here, so that nothing is lost on the way back.
    """
    assert run.trial is not None  # only trials are sent
    trial = asdict(run.trial) | {"params": dict(run.trial.params), "note": dict(run.trial.note)}
    steering = [asdict(event) | {"data": dict(event.data)} for event in run.steering]
    about = {"trial": trial, "parent": run.parent, "tags": list(run.tags), "notes": list(run.notes)}
    return to_json(about | {"id": run.id, "steering": steering, "provenance": dict(run.provenance)})


def study_card(study: StudyRecord) -> str:
    """Return a study's own record as JSON text, which a tracker keeps once, or with each run."""
    return to_json(asdict(study) | {"space": dict(study.space), "scheduler": dict(study.scheduler), "id": 0})


def run_of_card(text: str, curves: Curves, study: StudyRecord | None, *, source: str) -> TrackedRun:
    """Return the run of a card and the curves beside it.

    source: the id of the run in its tracker.

    Raises:
        RecordError: the card is none that `card` wrote.
    """
    try:
        about: dict[str, Any] = from_json(text)
        trial = Trial(**_trial(about["trial"]))
        return TrackedRun(
            id=str(about.get("id") or source),
            name=f"trial {trial.number}",
            params=dict(trial.params),
            curves={name: points for name, points in curves.items() if not name.startswith(LIVE)},
            state=trial.state,
            began=trial.started_at,
            ended=trial.ended_at,
            reason=trial.reason,
            parent=about["parent"],
            parent_epoch=trial.parent_epoch,
            tags=tuple(map(str, about["tags"])),
            notes=tuple(map(str, about["notes"])),
            steering=tuple(Event(**event) for event in about["steering"]),
            provenance=dict(about["provenance"]),
            trial=trial,
            study=study,
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RecordError(
            f"run {source} has a record of tunewell's that cannot be read ({type(error).__name__}: {error}); it was"
            " changed in the tracker: restore it, or delete it there, so that the run is read as any other"
        ) from error


def study_of_card(text: str) -> StudyRecord:
    """Return the study of a card.

    Raises:
        RecordError: the card is none that `study_card` wrote.
    """
    try:
        return StudyRecord(**from_json(text))
    except (ValueError, TypeError, AttributeError) as error:
        raise RecordError(
            f"the tracker's record of a study cannot be read ({type(error).__name__}: {error}); it was changed there"
        ) from error


def _trial(data: dict[str, Any]) -> dict[str, Any]:
    params = data["params"]
    if not isinstance(params, dict) or not all(isinstance(value, str | int | float) for value in params.values()):
        raise TypeError("the params are no values by name")
    numbers = ("number", "epochs", "until", "seed")
    if not all(type(data[name]) is int and data[name] >= 0 for name in numbers):
        raise TypeError("a number is none")
    return {**data, "params": Params(params), "state": TrialState(data["state"]), "note": dict(data["note"])}


def flat_settings(config: Mapping[str, Any], before: str = "") -> dict[str, Value]:
    """Return settings by name, those of a group as `group.name`; what is no plain value is left out."""
    found: dict[str, Value] = {}
    for name, value in config.items():
        if isinstance(value, Mapping):
            found |= flat_settings(value, f"{before}{name}.")
        elif isinstance(value, bool | int | float | str):
            found[before + str(name)] = value
    return found


def shown(value: Value) -> str:
    """Return a value as text, so that `parsed` gives it back."""
    return value if isinstance(value, str) else repr(value)


def parsed(texts: Sequence[str]) -> list[Value]:
    """Return the values that trackers keep as text, all of one parameter: numbers or truths if all of them are."""
    for read in (_as_bool, _as_int, _as_float):
        try:
            return [read(text) for text in texts]
        except ValueError:
            continue
    return list(texts)


def _as_bool(text: str) -> Value:
    if text.strip().lower() not in ("true", "false"):
        raise ValueError(text)
    return text.strip().lower() == "true"


def _as_int(text: str) -> Value:
    if "_" in text:
        raise ValueError(text)
    return int(text)


def _as_float(text: str) -> Value:
    if "_" in text:
        raise ValueError(text)
    return float(text)


def json_or_none(text: str) -> Any:
    """Return what a JSON text holds; None if it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return None
