"""The schedule that a steered run ended up with, trained afresh: without a babysitter, and with other seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tunewell.commands import Set
from tunewell.errors import SettingError
from tunewell.space.values import Value
from tunewell.study import ReadableStudy, Study
from tunewell.trial import Step

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


def schedule_of(study: ReadableStudy, trial: int) -> ParamSchedule:
    """Return the schedule of a trial, from its first epoch on.

    Raises:
        SettingError: a parameter changed that is not live, which no single training can do.
        TrialNotFound: there is no such trial.
    """
    segments = study.schedule(trial)
    if not segments:
        raise SettingError(f"trial {trial} of study {study.record.name!r} has not trained yet")
    changes: list[Live] = []
    for before, after in pairwise(segments):
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
    return ParamSchedule(segments[0].values, changes, f"{study.record.name}:{trial}", best)


class Replay:
    """A controller that gives each new trial of a study the changes of a schedule."""

    def __init__(self, schedule: ParamSchedule) -> None:
        self._schedule = schedule

    def on_step(self, study: Study, step: Step) -> None:
        """Implement `Controller.on_step`."""
        if step.epochs.start == 1 and not study.commands(step.trial):
            for epoch, name, value in self._schedule.changes:
                study.steering.record_change(
                    step.trial, epoch, Set(name, value), by=f"schedule of {self._schedule.origin}"
                )

    def on_report(self, study: Study, trial: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """Do nothing."""

    def on_step_end(self, study: Study, trial: int) -> None:
        """Do nothing."""
