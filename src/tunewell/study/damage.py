"""A study whose own row, or a version of whose space, is damaged: what the rest of the record tells of it.

It is there to be read. Nothing is added to it, since nobody knows what it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from itertools import islice

from tunewell.errors import SettingError, SpaceError
from tunewell.space.params import Choice, Float, Int, Param
from tunewell.space.space import Space
from tunewell.space.values import Value
from tunewell.space.versions import SpaceVersions
from tunewell.stores import DamagedStudy, Store, StudyRecord
from tunewell.study.budget import Budget
from tunewell.study.metric import direction_of

_FEW = 100
"""So many reports show which of their numbers is the metric; a parameter with more values than that is a range."""
_UNENDING = Budget(1e12, "trainings")
_NO_SPACE = (SpaceError, TypeError, ValueError, AttributeError, OverflowError)


def readable_study(store: Store, record: StudyRecord) -> StudyRecord:
    """Return the record of a study; of one that is damaged, with what it takes to show it."""
    is_sound = record.direction in ("minimize", "maximize") and record.metric and _space(record.space) is not None
    if is_sound and not isinstance(record, DamagedStudy) and _budget(record.budget) is not None:
        return record
    metric = record.metric or _metric(store, record.id)
    known = {field.name: getattr(record, field.name) for field in fields(record)}
    known["direction"] = record.direction if record.direction in ("minimize", "maximize") else _direction(metric)
    known["space"] = readable_versions(store, record)[0].space.to_dict()
    return DamagedStudy(**known | {"metric": metric})


def readable_budget(text: str) -> Budget:
    """Return the budget of a study, as on record; of one that cannot be read, one that is never spent."""
    return _budget(text) or _UNENDING


def readable_versions(store: Store, study: StudyRecord) -> tuple[SpaceVersions, bool]:
    """Return the versions of a study's space, and True if one of them could not be read.

    In its place is one that has the parameters of the trials, with the values that were tried.
    """
    versions = store.spaces(study.id)
    spaces = [_space(version.space) for version in versions]
    if spaces and spaces[-1] is None:
        spaces[-1] = _space(study.space)  # which has the newest too
    held = [version.held for version in versions]
    first_trial = versions[-1].first_trial if versions else 0
    if spaces and None not in spaces:
        return SpaceVersions([space for space in spaces if space is not None], held, first_trial), False
    tried = _tried([trial.params for trial in store.changes(study.id, 0).trials])
    return SpaceVersions([space or tried for space in spaces] or [tried], held or [{}], first_trial), True


def _space(found: Mapping[str, object]) -> Space | None:
    try:
        return Space.from_dict(found)
    except _NO_SPACE:
        return None


def _budget(text: str) -> Budget | None:
    try:
        return Budget.parse(text)
    except SettingError:
        return None


def _direction(metric: str) -> str:
    try:
        return direction_of(metric)
    except SettingError:
        return "minimize"


def _metric(store: Store, study_id: int) -> str:
    """Return the name of the number in the reports that is the study's value in all of them."""
    changes = store.changes(study_id, 0)
    values = {
        (int(trial), int(epoch)): value
        for part in store.values(study_id, 0, changes.revision)
        for trial, epoch, value in part
    }
    measured = (report for report in store.reports(study_id) if (report.trial, report.epoch) in values)
    names: dict[str, None] = {}
    for place, report in enumerate(islice(measured, _FEW)):
        value = values[report.trial, report.epoch]
        same = [name for name, number in report.metrics.items() if number == value]
        names = dict.fromkeys(name for name in same if place == 0 or name in names)
    return next(iter(names), "metric")


def _tried(settings: Sequence[Mapping[str, Value]]) -> Space:
    """Return a space that has the parameters of these settings, with their values."""
    names = dict.fromkeys(name for setting in settings for name in setting)
    found = {name: _param([setting[name] for setting in settings if name in setting]) for name in names}
    return Space(found or {"nothing": Choice([0])})


def _param(values: Sequence[Value]) -> Param:
    distinct = list({str(value): value for value in values}.values())
    kinds = set(map(type, distinct))
    if len(distinct) <= _FEW or not kinds <= {int, float}:
        return Choice(distinct)
    low, high = min(distinct), max(distinct)
    return Int(int(low), int(high)) if kinds == {int} else Float(float(low), float(high))
