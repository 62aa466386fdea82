"""Several studies of one thing as one study: their trials in one line, in the order in which they began.

Numbers (of trials, steps, sessions) are given anew, wherever one is named: a parent, a command's trial, the branch that
came of it. Where each trial came from is on record as an event `joined` of each study.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from heapq import merge
from itertools import accumulate, chain
from typing import Any

from tunewell.errors import SettingError
from tunewell.space.space import Space
from tunewell.space.values import Params
from tunewell.space.versions import SpaceVersions
from tunewell.stores import SpaceVersion, StepRecord, StudyContents
from tunewell.study.branches import TWIN
from tunewell.study.budget import Budget
from tunewell.trial import STEERED, Checkpoint, Event, Report, Trial

JOINED = "joined"
"""The kind of the event that says which trials came from which study."""
MERGED = "merged"
"""The kind of the event that says what a study was copied from."""
_BUILT_ON_EACH_OTHER = ("rescue",)
"""Schedulers whose trials each change one thing of another: of two such studies no one comes."""


@dataclass(frozen=True, slots=True)
class Source:
    """A study that becomes a part of another."""

    url: str
    """Its store's."""
    contents: StudyContents

    @property
    def label(self) -> str:
        """Its name where a study of the same name is beside it."""
        return f"{self.contents.record.name!r} of {self.url}"


def check_alike(sources: Sequence[Source]) -> None:
    """Check that studies search for the same thing in the same space.

    Raises:
        SettingError: they do not; it names the difference.
    """
    first = sources[0]
    one = first.contents.record
    for source in sources:
        other = source.contents.record
        if str(other.scheduler.get("name")) in _BUILT_ON_EACH_OTHER:
            raise SettingError(
                f"study {source.label} is a rescue, in which each trial changes another; leave it out, or leave out "
                "the name to have it beside the others"
            )
        for setting in ("metric", "direction", "aims", "max_epochs"):
            here, there = getattr(one, setting), getattr(other, setting)
            if here != there and None not in (here, there):
                raise SettingError(
                    f"{first.label} and {source.label} have another {setting} ({here!r} and {there!r}), so they are "
                    "no one study; leave out the name to have them side by side"
                )
        if differences := list(_differences(Space.from_dict(one.space), Space.from_dict(other.space))):
            raise SettingError(
                f"{first.label} and {source.label} search other spaces ({'; '.join(differences)}), so they are no one "
                "study; leave out the name to have them side by side"
            )


def joined(sources: Sequence[Source], name: str, uuid: str, at: float) -> StudyContents:
    """Return one study that has all trials of several, which are alike.

    It goes on with the scheduler and the seed of the first; its budget is the sum of theirs.

    Args:
        sources: at least one.
        name: of the study.
        uuid: of the study.
        at: seconds since 1970; when it is joined.
    """
    whole = [source.contents for source in sources]
    numbers = _numbers([contents.trials for contents in whole])
    sessions = list(chain.from_iterable(contents.sessions for contents in whole))
    before = accumulate((len(contents.sessions) for contents in whole), initial=0)
    moved = [
        _Moved(trial_of, {one.id: n for n, one in enumerate(contents.sessions, first + 1)})
        for contents, trial_of, first in zip(whole, numbers, before, strict=False)
    ]
    spaces, complete = _spaces(whole)
    parts = list(zip(whole, moved, strict=True))
    trials = [
        move.trial(replace(trial, params=fill(trial.params)))
        for (contents, move), fill in zip(parts, complete, strict=True)
        for trial in contents.trials
    ]
    steps = merge(*([move.step(one) for one in contents.steps] for contents, move in parts), key=lambda one: one.at)
    origins = [_came_from(source, move, at) for source, move in zip(sources, moved, strict=True)]
    # what a part was copied from is no origin of the whole
    happened = ([move.event(one) for one in contents.events if one.kind != MERGED] for contents, move in parts)
    events = merge(*happened, key=lambda one: one.at)
    commands = merge(
        *(
            [
                replace(one, trial=move.trials[one.trial], branch=move.number(one.branch), id=0)
                for one in contents.commands
            ]
            for contents, move in parts
        ),
        key=lambda one: one.at,
    )
    record = replace(
        whole[0].record,
        name=name,
        uuid=uuid,
        budget=_budget([contents.record.budget for contents in whole]),
        max_epochs=next((one.record.max_epochs for one in whole if one.record.max_epochs is not None), None),
        space=spaces[-1].space,
        created_at=min(contents.record.created_at for contents in whole),
        min_delta=min(contents.record.min_delta for contents in whole),
        is_paused=all(contents.record.is_paused for contents in whole),
        id=0,
    )
    return StudyContents(
        record=record,
        spaces=spaces,
        sessions=[replace(one, id=number) for number, one in enumerate(sessions, 1)],
        trials=sorted(trials, key=lambda trial: trial.number),
        steps=[replace(one, number=number) for number, one in enumerate(steps)],
        reports=_Reports(parts),
        n_reports=sum(contents.n_reports for contents in whole),
        events=[*events, *origins],
        checkpoints=sorted(
            (move.checkpoint(one) for contents, move in parts for one in contents.checkpoints),
            key=lambda one: (one.trial, one.epoch),
        ),
        commands=list(commands),
        seconds=sum(contents.seconds for contents in whole),
    )


def came_from(events: Iterable[Event]) -> dict[str, tuple[Sequence[int], int]]:
    """Return, by the uuid of each study that was joined to one, the new numbers of its trials and how many reports."""
    origins = [event for event in events if event.kind == JOINED]
    found: dict[str, tuple[Sequence[int], int]] = {}
    for event in origins:
        data: Mapping[str, Any] = event.data
        # one that was joined to a part of it says so too
        if event.at == origins[-1].at and isinstance(data.get("trials"), Sequence):
            found[str(data.get("uuid"))] = list(data["trials"]), int(data.get("reports") or 0)
    return found


def file_of(checkpoint: Checkpoint) -> str:
    """Return the name of the file of a checkpoint of a study that was joined; each trial has names of its own."""
    return f"trial-{checkpoint.trial}-epoch-{checkpoint.epoch}.npz"


@dataclass(frozen=True, slots=True)
class _Moved:
    """The numbers that what is in a study has in the one that it becomes a part of."""

    trials: Sequence[int]
    sessions: Mapping[int, int]

    def number(self, trial: int | None) -> int | None:
        return None if trial is None or not 0 <= trial < len(self.trials) else self.trials[trial]

    def trial(self, one: Trial) -> Trial:
        note = dict(one.note)
        if isinstance(twin := note.get(TWIN), int):
            note[TWIN] = self.number(twin)
        return replace(
            one,
            number=self.trials[one.number],
            parent=self.number(one.parent),
            note=note,
            session=self.sessions.get(one.session, 0),
        )

    def step(self, one: StepRecord) -> StepRecord:
        return replace(one, trial=self.trials[one.trial], session=self.sessions.get(one.session, 0))

    def report(self, one: tuple[Report, float | None]) -> tuple[Report, float | None]:
        report, value = one
        return replace(report, trial=self.trials[report.trial]), value

    def event(self, one: Event) -> Event:
        data = dict(one.data)
        if one.kind == STEERED and isinstance(branch := data.get("branch"), int):
            data["branch"] = self.number(branch)
        if one.kind == JOINED and isinstance(known := data.get("trials"), Sequence):  # it was put together itself
            data["trials"] = [self.number(trial) for trial in known]
        return replace(one, trial=self.number(one.trial), data=data)

    def checkpoint(self, one: Checkpoint) -> Checkpoint:
        here = replace(one, trial=self.trials[one.trial])
        return replace(here, path=file_of(here))


class _Reports:
    """The reports of all parts, about in the order in which they came; read anew by each iteration."""

    def __init__(self, parts: Sequence[tuple[StudyContents, _Moved]]) -> None:
        self._parts = parts

    def __iter__(self) -> Iterator[tuple[Report, float | None]]:
        streams: Iterable[Iterator[tuple[Report, float | None]]]
        streams = (map(move.report, contents.reports) for contents, move in self._parts)
        return merge(*streams, key=lambda one: one[0].at)


def _numbers(parts: Sequence[Sequence[Trial]]) -> list[list[int]]:
    """Return, for each study, the new numbers of its trials: by when they began, and in a study never out of order."""
    began = [list(accumulate((trial.started_at for trial in trials), max)) for trials in parts]
    streams = [[(at, part, number) for number, at in enumerate(times)] for part, times in enumerate(began)]
    numbers: list[list[int]] = [[0] * len(trials) for trials in parts]
    for new, (_, part, number) in enumerate(merge(*streams)):
        numbers[part][number] = new
    return numbers


def _spaces(whole: Sequence[StudyContents]) -> tuple[list[SpaceVersion], list[partial[Params]]]:
    """Return the versions of the space, those of all studies, and what completes the params of each study's trials."""
    known: dict[str, SpaceVersion] = {}
    complete = []
    for contents in whole:
        spaces = [Space.from_dict(one.space) for one in contents.spaces]
        complete.append(partial(SpaceVersions.complete, SpaceVersions(spaces, [one.held for one in contents.spaces])))
        for one in contents.spaces[:-1]:
            known.setdefault(repr(one.space), one)
    newest = whole[0].spaces[-1]
    known.pop(repr(newest.space), None)
    # what trials lack they were given, so nothing is held any more
    chain_of_all = [*sorted(known.values(), key=lambda one: one.at), newest]
    n_trials = sum(len(contents.trials) for contents in whole) if len(chain_of_all) > 1 else 0
    return [
        replace(one, number=number, held={}, first_trial=n_trials if one is newest else 0)
        for number, one in enumerate(chain_of_all, 1)
    ], complete


def _differences(one: Space, other: Space) -> Iterator[str]:
    """Yield what differs, a part of a sentence for each parameter."""
    for name in dict.fromkeys([*one.names, *other.names]):
        here, there = one.params.get(name), other.params.get(name)
        if here is None or there is None:
            yield f"{name}: only in the {'second' if here is None else 'first'}"
        elif here != there:
            yield f"{name}: {here!r} and {there!r}"


def _budget(texts: Sequence[str]) -> str:
    """Return the sum of budgets of one unit; the first, where there are several units."""
    budgets = [Budget.parse(text) for text in texts]
    if len({budget.unit for budget in budgets}) > 1:
        return str(budgets[0])
    return str(Budget(sum(budget.amount for budget in budgets), budgets[0].unit))


def _came_from(source: Source, move: _Moved, at: float) -> Event:
    record = source.contents.record
    data = {"study": record.name, "uuid": record.uuid, "store": source.url, "trials": list(move.trials)}
    return Event(JOINED, at, data={**data, "reports": source.contents.n_reports})
