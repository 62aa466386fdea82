"""The schedule that a steered run ended up with, trained afresh: without a babysitter, and with other seeds."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tunewell.errors import SettingError
from tunewell.runners.base import Observer
from tunewell.space.values import Value
from tunewell.study import Study
from tunewell.study.reader import StudyReader
from tunewell.trial import Command, Step

Live = tuple[int, str, Value]


@dataclass(frozen=True, slots=True)
class ParamSchedule:
    """A setting, and what is changed while it trains."""

    setting: Mapping[str, Value]
    changes: Sequence[Live]
    """After this epoch, this parameter has this value."""
    origin: str
    """Whose it is, as `STUDY:TRIAL`."""
    value: float | None
    """The best report of that trial, or of those that it branched from."""


def schedule_of(study: StudyReader, trial: int) -> ParamSchedule:
    """The schedule of a trial, from its first epoch on.

    Raises:
        SettingError: a parameter changed that is not live, which no single training can do.
        TrialNotFound: there is no such trial.
    """
    stretches = study.schedule(trial)
    if not stretches:
        raise SettingError(f"trial {trial} of study {study.record.name!r} has not trained yet")
    changes: list[Live] = []
    for before, after in pairwise(stretches):
        for name, value in after.values.items():
            if before.values.get(name) == value:
                continue
            if not study.space.params[name].live:
                raise SettingError(
                    f"trial {trial} had another {name} from epoch {after.first} on, which is not live: no single "
                    "training can do the same"
                )
            changes.append((before.last, name, value))
    found = study.history.curves[trial]
    finite = found[(found > -float("inf")) & (found < float("inf"))]
    best = None if not finite.size else float(-finite.min() if study.maximize else finite.min())
    return ParamSchedule(stretches[0].values, changes, f"{study.record.name}:{trial}", best)


class Replay:
    """An observer that gives each new trial of a study the changes of a schedule."""

    def __init__(self, schedule: ParamSchedule, inner: Observer) -> None:
        self._schedule, self._inner = schedule, inner

    def on_step(self, study: Study, step: Step) -> None:
        """Of `Observer`."""
        known = {command.trial for command in study.commands()}
        if step.epochs.start == 1 and step.trial not in known:
            for epoch, name, value in self._schedule.changes:
                data = {"name": name, "value": value}
                by = f"schedule of {self._schedule.origin}"
                asked = study.store.add_command(study.record.id, Command(step.trial, "set", time.time(), by, data=data))
                study.store.settle_command(
                    study.record.id, asked.id, at=time.time(), epoch=epoch, data=data, refused=None
                )
        self._inner.on_step(study, step)

    def on_report(self, study: Study, trial: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """Of `Observer`."""
        self._inner.on_report(study, trial, epoch, metrics)

    def on_told(self, study: Study, trial: int) -> None:
        """Of `Observer`."""
        self._inner.on_told(study, trial)
