"""Runs of a tracker as trials of a study, each once however often they are taken in.

A trial keeps the id of its run in its note. So a run that is known adds only what it has gained, and the same study
through two trackers is one study.
"""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tunewell.bridges.base import Found, Source
from tunewell.bridges.epochs import Counting, Row, counting, rows
from tunewell.bridges.records import TrackedRun
from tunewell.bridges.recovery import Recovered, recovered, widened
from tunewell.errors import RecordError, SettingError, StudyNotFound
from tunewell.near_names import nearest
from tunewell.no_garbage import no_garbage
from tunewell.space.space import Space
from tunewell.space.values import Params
from tunewell.stores import SpaceVersion, Store, StudyRecord
from tunewell.study.damage import readable_study
from tunewell.study.metric import direction_of
from tunewell.study.settings import LAST_TIER, StudySettings
from tunewell.trial import OPEN_END, Event, Report, Trial, TrialState

IMPORTED = "imported"
"""The kind of the event that says what was taken in, and from where."""
SOURCE, STATE_THERE = "source", "state_there"
"""In a trial's note: the id of its run, and the state that it had where it trains, if it does still."""
_AT_A_TIME = 2_000
"""So many trials are written in one transaction."""
_MOST_NAMED = 12


@dataclass(slots=True)
class TakenIn:
    """The outcome of an import."""

    study: str
    new: int = 0
    grown: int = 0
    """Runs that were known, and had gained something."""
    unchanged: int = 0
    epochs: int = 0
    without_metric: int = 0
    """Runs that never logged the metric."""
    notes: list[str] = field(default_factory=list)
    """What is not as it was in the source, a line each."""
    warnings: list[str] = field(default_factory=list)
    """What looks like a mistake in the space, a line each."""


def take_in(
    source: Source,
    store: Store,
    name: str,
    *,
    metric: str | None = None,
    direction: str | None = None,
    renamed: Mapping[str, str] | None = None,
) -> TakenIn:
    """Take the runs of a source into a study, which is begun if there is none; return what came of it.

    Args:
        source: where the runs are.
        store: where the study is.
        name: of the study.
        metric: what is optimized; None for what the source says, or for the only one that there is.
        direction: `minimize` or `maximize`; None for what the source, or the metric's name, says.
        renamed: by the name that a parameter has in the source, the name that it is to have.

    Raises:
        RecordError: there are no runs, or they cannot be read.
        SettingError: the metric is not known, or the study was not begun by an import.
        TrackerError: the tracker cannot be reached.
    """
    with no_garbage():
        return _taken_in(source.read(), source.place, store, name, metric, direction, renamed or {})


def _taken_in(
    found: Found,
    place: str,
    store: Store,
    name: str,
    metric: str | None,
    direction: str | None,
    renamed: Mapping[str, str],
) -> TakenIn:
    try:
        known = readable_study(store, store.study(name))
    except StudyNotFound:
        known = None
    if known is not None and not any(event.kind == IMPORTED for event in store.events(known.id)):
        raise SettingError(
            f"study {name!r} in {store.url} was trained here, and takes no runs of others; name another: --study NAME"
        )
    chosen = _metric(found, metric or (known.metric if known is not None else None))
    if known is not None and chosen != known.metric:
        raise SettingError(f"study {name!r} has the metric {known.metric!r}, not {chosen!r}; name another study")
    wanted = aim(found, chosen, direction)
    ours = found.study if found.study is not None and not renamed and chosen == found.study.metric else None
    settings = _settings(found, renamed, ours)
    return _Import(found, store, settings, chosen, ours).into(name, known, wanted[1], place)


def aim(found: Found, metric: str | None = None, direction: str | None = None) -> tuple[str, str]:
    """Return the metric that is optimized, and its direction. Raises SettingError if that cannot be known."""
    chosen = _metric(found, metric)
    return chosen, direction_of(chosen, direction or (found.direction if chosen == found.metric else None))


def logs(found: Found, metric: str) -> bool:
    """Return True if a run has logged a metric."""
    return any(run.curves.get(metric) for run in found.runs)


def _metric(found: Found, named: str | None) -> str:
    """Return the metric that is optimized."""
    counts: dict[str, int] = {}
    for run in found.runs:
        for name, points in run.curves.items():
            counts[name] = counts.get(name, 0) + bool(points)
    metric = named or found.metric
    if metric is not None and (metric in counts or not counts):
        return metric
    names = sorted(counts, key=lambda name: -counts[name])
    shown = ", ".join(f"{name} (in {counts[name]})" for name in names[:_MOST_NAMED])
    if len(names) > _MOST_NAMED:
        shown += f" and {len(names) - _MOST_NAMED:,} more"
    if metric is not None:
        near = nearest(metric, names)
        meant = "" if near is None else f"; did you mean {near!r}?"
        raise SettingError(f"no run has logged {metric!r}; there are {shown}{meant}")
    if len(names) == 1:
        return names[0]
    if not names:
        raise RecordError("no run has logged a metric, so nothing says how good they are")
    raise SettingError(f"which metric was optimized? Say --metric NAME; there are {shown}")


def _settings(found: Found, renamed: Mapping[str, str], ours: StudyRecord | None) -> Recovered:
    """Return the space and each run's params by its names."""
    if ours is not None:
        return Recovered(Space.from_dict(ours.space), [dict(run.params) for run in found.runs])
    return recovered([run.params for run in found.runs], found.domains, renamed, only_floats=found.only_floats)


class _Import:
    """One import: what was found, and where it goes."""

    def __init__(self, found: Found, store: Store, settings: Recovered, metric: str, ours: StudyRecord | None) -> None:
        self._runs = found.runs
        self._found, self._store, self._settings, self._metric, self._ours = found, store, settings, metric, ours
        self._params = {id(run): params for run, params in zip(found.runs, settings.params, strict=True)}
        self._counting = counting(found.runs, metric)
        self._rows = {id(run): rows(run, metric, self._counting) for run in found.runs}

    def into(self, name: str, known: StudyRecord | None, direction: str, place: str) -> TakenIn:
        store = self._store
        record = known or store.add_study(self._new_study(name, direction))
        if known is None:  # first of all, so that an import that was interrupted is gone on with
            store.add_event(record.id, Event(IMPORTED, time.time(), data={"from": place}))
        result = TakenIn(name, notes=self._notes(), warnings=self._settings.space.warnings())
        trials = store.changes(record.id, 0).trials
        by_source = {str(one.note.get(SOURCE)): one for one in trials}
        reached = {one.number: 0 for one in trials}
        for part in store.values(record.id, 0, 2**62):
            for number, epoch, _ in part.tolist():
                reached[int(number)] = max(reached.get(int(number), 0), int(epoch))
        if known is not None:
            self._widen(record, result)
        sign = -1.0 if record.direction == "maximize" else 1.0
        numbers = {key: one.number for key, one in by_source.items()}
        batch = _Batch()
        for run in _ordered(self._runs):
            own = self._rows[id(run)]
            result.without_metric += not any(self._metric in row.metrics for row in own)
            before = by_source.get(run.id)
            if before is None:
                number = numbers[run.id] = len(numbers)
                new = own
            else:
                number = before.number
                new = [row for row in own if row.epoch > max(reached.get(number, 0), before.epochs)]
            trial = self._trial(run, number, numbers, own)
            if before is not None and not new and _same(before, trial):
                result.unchanged += 1
                continue
            result.new += before is None
            result.grown += before is not None
            result.epochs += len(new)
            batch.add(trial, new, [] if before is not None else run.steering, self._metric, sign)
            if len(batch.trials) >= _AT_A_TIME:
                batch.write(store, record.id)
        batch.write(store, record.id)
        self._lengthen(record)
        return result

    def _new_study(self, name: str, direction: str) -> StudyRecord:
        epochs = max((row.epoch for own in self._rows.values() for row in own), default=1)
        if self._ours is not None:
            return replace(self._ours, name=name, uuid=str(uuid.uuid4()), id=0)
        settings = StudySettings(
            space=self._settings.space,
            metric=self._metric,
            direction=direction,
            max_epochs=epochs,
            budget=f"{sum(len(own) for own in self._rows.values()) or 1}epochs",
            max_tier=LAST_TIER,
            name=name,
        )
        record, _ = settings.define()
        began = [run.began for run in self._runs if run.began]
        return replace(record, created_at=min(began)) if began else record

    def _notes(self) -> list[str]:
        notes = [*self._found.notes, *self._settings.notes]
        if self._counting is Counting.REPORTS:
            notes.append(
                f"its steps are {self._counting}: the nth {self._metric} is that of epoch n, the step is kept as `step`"
            )
        elif self._counting is not Counting.EPOCHS:
            notes.append(f"its steps are {self._counting}; here they are from 1")
        return notes

    def _widen(self, record: StudyRecord, result: TakenIn) -> None:
        """Let the study's space hold what the runs have, if it does not."""
        now = Space.from_dict(record.space)
        wider = widened(now, [self._params[id(run)] for run in self._runs])
        if wider == now:
            return
        number = len(self._store.spaces(record.id)) + 1
        self._store.add_space(record.id, SpaceVersion(number, wider.to_dict(), time.time(), "import"))
        names = [name for name, param in wider.params.items() if now.params.get(name) != param]
        result.notes.append(f"the study's space was widened: {', '.join(names)}")

    def _lengthen(self, record: StudyRecord) -> None:
        """Let a full training have as many epochs as the longest run."""
        epochs = max((row.epoch for own in self._rows.values() for row in own), default=0)
        if record.max_epochs is not None and epochs > record.max_epochs:
            self._store.change_study(record.id, max_epochs=epochs)

    def _trial(self, run: TrackedRun, number: int, numbers: Mapping[str, int], own: Sequence[Row]) -> Trial:
        parent = None if run.parent is None else numbers.get(run.parent)
        if parent is not None and parent >= number:
            parent = None
        there = run.state is TrialState.RUNNING
        state = TrialState.HELD if there else run.state
        last = own[-1].epoch if own else 0
        about: dict[str, object] = {SOURCE: run.id, "name": run.name, "tags": list(run.tags), "notes": list(run.notes)}
        about |= {"ran": dict(run.provenance), STATE_THERE: str(run.state) if there else ""}
        about = {key: value for key, value in about.items() if value}
        if run.trial is not None:
            mine = run.trial
            # what a step of it was promised there is no promise here
            epochs = max(mine.epochs, last) if there else mine.epochs
            return replace(
                mine,
                number=number,
                params=Params(self._params[id(run)]),
                state=state,
                epochs=epochs,
                until=min(mine.until, OPEN_END),
                parent=parent,
                parent_epoch=None if parent is None else mine.parent_epoch,
                note={**mine.note, **about},
                session=0,
            )
        return Trial(
            number=number,
            params=Params(self._params[id(run)]),
            state=state,
            epochs=last,
            until=max(last, 1),
            seed=0,
            started_at=run.began,
            ended_at=run.ended if state.ended else None,
            reason=run.reason,
            parent=parent,
            parent_epoch=None if parent is None else run.parent_epoch,
            note=about,
        )


class _Batch:
    """Trials and reports that are written together."""

    def __init__(self) -> None:
        self.trials: list[Trial] = []
        self._reports: list[tuple[Report, float | None]] = []
        self._events: list[Event] = []

    def add(self, trial: Trial, new: Iterable[Row], steering: Iterable[Event], metric: str, sign: float) -> None:
        self.trials.append(trial)
        for row in new:
            value = row.metrics.get(metric)
            if value is not None and not math.isfinite(value):
                value = sign * math.inf
            self._reports.append((Report(trial.number, row.epoch, row.metrics, row.at), value))
        self._events += [replace(event, trial=trial.number) for event in steering]

    def write(self, store: Store, study_id: int) -> None:
        if self.trials:
            store.add_recorded(study_id, self.trials, self._reports, self._events)
        self.trials, self._reports, self._events = [], [], []


def _ordered(runs: Sequence[TrackedRun]) -> list[TrackedRun]:
    """Return the runs as trials are numbered: by their numbers where these are of one study, else by their begin."""
    studies = {run.study.uuid for run in runs if run.study is not None}
    numbered = len(studies) == 1 and all(run.trial is not None and run.study is not None for run in runs)
    return sorted(runs, key=lambda run: run.trial.number if numbered and run.trial else run.began)


def _same(before: Trial, now: Trial) -> bool:
    """Return True if nothing has become of a trial since it was taken in."""
    names = ("state", "epochs", "until", "ended_at", "reason")
    return all(getattr(before, name) == getattr(now, name) for name in names) and dict(before.note) == dict(now.note)
