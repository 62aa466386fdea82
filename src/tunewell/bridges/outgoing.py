"""The gains of a study's record since it was last looked at, as runs that a tracker is to be sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import NamedTuple, TypeVar

from tunewell.analysis.lineage import live_values
from tunewell.bridges.records import LIVE, Point, TrackedRun, id_of
from tunewell.commands import Command, Note, Tag, Untag
from tunewell.space.space import Space
from tunewell.stores import Session, Store, StudyRecord
from tunewell.trial import STEERED, Event, Report, Trial, TrialState

_Of = TypeVar("_Of", Command, Event)


class _Remarks(NamedTuple):
    """The remarks that people have made on a trial."""

    tags: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Outgoing:
    """A study's record, read by revision: each part of it once, in the order in which it was committed."""

    def __init__(self, store: Store, study: StudyRecord, since: int = 0) -> None:
        """Begin after a revision, up to which all was sent; 0 for all that there is."""
        self._store = store
        self.study: StudyRecord = study
        self.revision: int = since
        self._trials: dict[int, Trial] = {}
        self._known_commands: Sequence[Command] = ()
        self._remarks: dict[int, _Remarks] = {}
        """The remarks on each trial when it was sent last."""
        self._space = Space.from_dict(study.space)
        self._n_spaces = 1
        self._sessions: dict[int, Session] = {}

    def look(self) -> tuple[int, list[TrackedRun]]:
        """Return the newest revision, and a run for each trial that is new or has changed since `revision`.

        Nothing of it is taken for sent: that is for `sent` to say.
        """
        study, since = self.study.id, self.revision
        if not self._trials:
            self._trials = {trial.number: trial for trial in self._store.changes(study, 0).trials}
        changes = self._store.changes(study, since)
        if changes.revision == since:
            return since, []
        if changes.n_spaces != self._n_spaces:
            self.study = replace(self.study, space=self._store.spaces(study)[-1].space)
            self._space, self._n_spaces = Space.from_dict(self.study.space), changes.n_spaces
        self._trials |= {trial.number: trial for trial in changes.trials}
        self._known_commands = self._store.commands(study)
        commands = _by_trial(self._known_commands)
        remarks = {number: _remarks(mine) for number, mine in commands.items()}
        reports: dict[int, list[Report]] = {}
        for report in self._store.new_reports(study, since, changes.revision):
            reports.setdefault(report.trial, []).append(report)
        changed = {trial.number for trial in changes.trials} | reports.keys()
        changed |= {number for number, new in remarks.items() if self._remarks.get(number, _Remarks()) != new}
        events = _by_trial([one for one in self._store.events(study) if one.kind == STEERED])
        runs = [
            self._run(self._trials[number], reports.get(number, []), commands.get(number, []), events.get(number, []))
            for number in sorted(changed & self._trials.keys())
        ]
        return changes.revision, runs

    def sent(self, revision: int) -> None:
        """Take note that all up to a revision was sent."""
        self.revision = revision
        self._remarks = {number: _remarks(mine) for number, mine in _by_trial(self._known_commands).items()}

    def is_run(self) -> bool:
        """Return True if a trial is in progress, as far as was read."""
        return any(trial.state is TrialState.RUNNING for trial in self._trials.values())

    def _run(
        self, trial: Trial, reports: Sequence[Report], commands: Sequence[Command], events: Sequence[Event]
    ) -> TrackedRun:
        remarks = _remarks(commands)
        return TrackedRun(
            id=id_of(self.study, trial.number),
            name=f"{self.study.name}-{trial.number}",
            params=dict(trial.params),
            curves=_curves(trial, reports, commands, self._space),
            state=trial.state,
            began=trial.started_at,
            ended=trial.ended_at,
            reason=trial.reason,
            parent=None if trial.parent is None else id_of(self.study, trial.parent),
            parent_epoch=trial.parent_epoch,
            tags=remarks.tags,
            notes=remarks.notes,
            steering=tuple(events),
            provenance=self._provenance(trial),
            trial=trial,
            study=self.study,
        )

    def _provenance(self, trial: Trial) -> Mapping[str, object]:
        if trial.session and trial.session not in self._sessions:
            self._sessions = {one.id: one for one in self._store.sessions(self.study.id)}
        found = self._sessions.get(trial.session)
        if found is None:
            return {}
        kept = ("host", "pid", "command", "directory", "git_commit", "git_dirty", "versions")
        return {name: value for name, value in asdict(found).items() if name in kept and value is not None}


def _curves(
    trial: Trial, reports: Sequence[Report], commands: Sequence[Command], space: Space
) -> dict[str, list[Point]]:
    """Return the new points of each metric, and of each live parameter; of an epoch that came twice the newest."""
    newest = {report.epoch: report for report in reports}
    curves: dict[str, list[Point]] = {}
    for epoch, report in sorted(newest.items()):
        for name, value in report.metrics.items():
            curves.setdefault(name, []).append(Point(epoch, value, report.at))
    changes = live_values(commands, trial.number)
    for name, param in space.params.items():
        first = trial.params.get(name)
        if not param.live or isinstance(first, str) or first is None:
            continue
        for epoch, report in sorted(newest.items()):
            # a value that was set after an epoch is in force from the next one on
            set_before = [value for after, what, value in changes if what == name and after < epoch]
            now = set_before[-1] if set_before else first
            if not isinstance(now, str):
                curves.setdefault(LIVE + name, []).append(Point(epoch, float(now), report.at))
    return curves


def _by_trial(found: Sequence[_Of]) -> dict[int, list[_Of]]:
    by_trial: dict[int, list[_Of]] = {}
    for one in found:
        if one.trial is not None:
            by_trial.setdefault(one.trial, []).append(one)
    return by_trial


def _remarks(commands: Sequence[Command]) -> _Remarks:
    tags: dict[str, None] = {}
    notes: list[str] = []
    for one in commands:
        match one.action:
            case Tag(name) if one.is_done:
                tags[name] = None
            case Untag(name) if one.is_done:
                tags.pop(name, None)
            case Note(text) if one.is_done:
                notes.append(text)
    return _Remarks(tuple(tags), tuple(notes))


def pending(runs: Sequence[TrackedRun]) -> tuple[int, int]:
    """Return how many epochs, of how many trials, runs hold."""
    epochs = [len({point.step for points in run.curves.values() for point in points}) for run in runs]
    return sum(epochs), sum(1 for number in epochs if number)
