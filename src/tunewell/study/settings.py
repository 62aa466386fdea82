"""The settings that make a study the one it is: checked, written down, and compared when it is resumed."""

from __future__ import annotations

import math
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from tunewell.errors import SettingError, SpaceError
from tunewell.history import History
from tunewell.samplers import FirstSampler, Sampler
from tunewell.samplers import by_name as sampler_by_name
from tunewell.schedulers import AshaScheduler, FreezeThawScheduler, Scheduler, build, describe
from tunewell.schedulers import by_name as scheduler_by_name
from tunewell.schedulers.freeze_thaw import ETA, RUNGS
from tunewell.schedulers.scheduler import declares, on_record
from tunewell.space.extension import extended
from tunewell.space.space import Space
from tunewell.space.values import Value
from tunewell.stores import StudyRecord
from tunewell.study.aims import Constraints, aims_of, sorted_out
from tunewell.study.budget import Budget
from tunewell.trial import whole

DEFAULT_NAME = "study"
_CONFIRMING = re.compile(r"(?P<study>.+)-confirmed-[0-9]+-of-(?P<trials>[0-9]+(?:,[0-9]+)*)")
DEFAULT_BUDGET = 30
"""Full trainings."""
DEFAULT_TIER = 3
LAST_TIER = 4
RECORDED = "recorded"
"""The name of the scheduler that a resumed study has on record."""


class PastStudy(Protocol):
    """A study on other data that a search learns from: a `Study` or a `StudyReader`."""

    @property
    def space(self) -> Space:
        """The parameters that were tuned."""
        ...

    @property
    def history(self) -> History:
        """The trials that came of it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StudySettings:
    """The settings of a study, as `Study` explains them: one value from the command line to the record."""

    space: Space
    metric: str | None = None
    direction: str | None = None
    metrics: Mapping[str, str | None] | None = None
    constraints: Constraints | None = None
    max_epochs: int | None = None
    budget: str | float | None = None
    scheduler: str | Scheduler = "auto"
    sampler: str | Sampler | None = None
    first: Sequence[Mapping[str, Value]] = ()
    warm_start: Sequence[PastStudy] = ()
    max_tier: int = DEFAULT_TIER
    seed: int = 0
    name: str | None = None
    min_delta: float | None = None

    def define(self, known: StudyRecord | None = None) -> tuple[StudyRecord, Scheduler | None]:
        """Return the record of the study and its scheduler.

        Args:
            known: the record of the study that is to be resumed, if there is one.

        Returns:
            The record as requested, and the scheduler; None if the one on record is to be built.

        Raises:
            SettingError: a setting cannot be used.
            SpaceError: one of `first` is not in the space.
        """
        if self.name is not None and not str(self.name).strip():
            raise SettingError(f"a study needs a name, got {self.name!r}; leave it out for the default")
        seed = whole(self.seed)
        if seed is None or not 0 <= seed < 2**63:
            raise SettingError(f"seed must be a whole number from 0 to 2**63 - 1, got {self.seed!r}")
        space, limits = sorted_out(self.constraints, self.space)
        space = space.hold([p for p in space.names if space.tier(p) > self.max_tier])
        aims = aims_of(self.metric, self.direction, self.metrics, limits)
        if aims.are_several and self.min_delta:
            raise SettingError("min_delta is of one metric, and there are several; leave it out")
        built = self._scheduler(space, known)
        self._check_min_delta(built or (build(known.scheduler) if known is not None and self.min_delta else None))
        record = StudyRecord(
            name=self.name or DEFAULT_NAME,
            metric=next(iter(aims.metrics)),
            direction=next(iter(aims.metrics.values())),
            max_epochs=_positive("max_epochs", self.max_epochs),
            budget=str(Budget.parse(DEFAULT_BUDGET if self.budget is None else self.budget)),
            space=space.to_dict(),
            scheduler=describe(on_record(built)) if built is not None else known.scheduler if known is not None else {},
            seed=seed,
            created_at=time.time(),
            uuid=str(uuid.uuid4()),
            min_delta=self.min_delta or 0.0,
            aims=aims.to_dict(),
        )
        return record, built

    def _scheduler(self, space: Space, known: StudyRecord | None) -> Scheduler | None:
        """Return the scheduler that the settings mean; None for the one on record."""
        past = [(study.space, study.history) for study in self._past()]
        if known is not None:  # what past studies had to say when it was begun is on record
            if past and not known.scheduler.get("past"):
                raise SettingError(f"study {known.name!r} was begun with no past studies; leave out warm_start")
            past = []
        scheduler, sampler = self.scheduler, self.sampler
        if known is not None and scheduler == RECORDED and sampler is None:
            return None
        if past and not (isinstance(scheduler, str) and scheduler in ("auto", FreezeThawScheduler.name)):
            raise SettingError(
                f"warm_start needs the scheduler auto or {FreezeThawScheduler.name}, which learn from past studies; "
                f"got {scheduler!r}"
            )
        if isinstance(self.first, Mapping):
            raise SettingError("first is a list of settings to try first, got one setting; put it in brackets: [{...}]")
        first = tuple(dict(space.check(params)) for params in self.first)
        if not isinstance(scheduler, str):
            if sampler is not None or first:
                raise SettingError(
                    "a scheduler that is given has its sampler already; give sampler= and first= to that"
                )
            return scheduler
        drawn = (
            sampler_by_name(sampler or "sobol", self.seed) if sampler is None or isinstance(sampler, str) else sampler
        )
        if scheduler == "auto" and not past:  # which know better than a default
            first = first or (dict(space.defaults()),)
        if first:
            drawn = FirstSampler(first, drawn)
        if scheduler == FreezeThawScheduler.name or (scheduler == "auto" and (sampler is None or past)):
            return FreezeThawScheduler(drawn, past=_learned(past, space))
        # a sampler that was named decides on every setting
        return AshaScheduler(drawn) if scheduler == "auto" else scheduler_by_name(scheduler, drawn)

    def _past(self) -> Sequence[PastStudy]:
        if isinstance(self.warm_start, str) or not isinstance(self.warm_start, Sequence):
            raise SettingError("warm_start is a list of studies; put it in brackets: [Study.open(store, name)]")
        return self.warm_start

    def _check_min_delta(self, scheduler: Scheduler | None) -> None:
        min_delta = self.min_delta
        if min_delta is None:
            return
        if isinstance(min_delta, bool) or not isinstance(min_delta, int | float) or not 0 <= min_delta < math.inf:
            raise SettingError(f"min_delta must be a number of at least 0, in the metric's unit, got {min_delta!r}")
        if min_delta and scheduler is not None and not declares(scheduler, "predicts"):
            raise SettingError(
                f"min_delta needs a scheduler that says what it expects to gain, such as {FreezeThawScheduler.name} "
                f"(which auto is, unless a sampler is named); got {scheduler!r}"
            )


def _learned(past: Sequence[tuple[Space, History]], space: Space) -> Mapping[str, object]:
    if not past:
        return {}
    from tunewell.surrogate import Past  # noqa: PLC0415  SciPy is slow to import

    learned = Past.learned(past, space, RUNGS, ETA)
    if not learned:
        raise SettingError(
            "the studies of warm_start have nothing to say of this space: each needs three trials with different "
            "values of its metric, and a parameter of the same name"
        )
    return learned


def confirming_name(study: str, seeds: int, trials: Sequence[int]) -> str:
    """Return the name of a study that trains the settings of another's trials again, so many times each."""
    return f"{study}-confirmed-{seeds}-of-{','.join(map(str, trials))}"


def confirms(name: str) -> tuple[str, list[int]] | None:
    """Return the study, and the trials of it, that the study of this name confirms; None if it confirms none."""
    found = _CONFIRMING.fullmatch(name)
    return None if found is None else (found["study"], [int(trial) for trial in found["trials"].split(",")])


def check_same(known: StudyRecord, requested: StudyRecord, *, versions: int) -> None:
    """Check that a study may be resumed as requested; the budget may differ.

    versions: how many its space has had.

    Raises:
        SettingError: another setting differs.
    """
    # what past studies show was learned when it was begun, and takes the place of the default
    past = known.scheduler.get("past")
    if past:
        requested = replace(requested, scheduler=dict(requested.scheduler) | {"past": past})
    first_may_differ = past or versions > 1  # it was begun with the defaults of another space
    if first_may_differ and _without_first(known.scheduler) == _without_first(requested.scheduler):
        requested = replace(requested, scheduler=known.scheduler)
    _check_same_space(known, requested)
    for setting in ("metric", "direction", "aims", "scheduler", "seed"):
        if getattr(known, setting) != getattr(requested, setting):
            raise SettingError(
                f"study {known.name!r} was begun with another {setting}: {_shown(known, setting)}, "
                f"not {_shown(requested, setting)}; resume it as it was, or choose another name"
            )
    if requested.max_epochs is not None and known.max_epochs not in (None, requested.max_epochs):
        raise SettingError(
            f"study {known.name!r} has trainings of {known.max_epochs} epoch{'' if known.max_epochs == 1 else 's'}, "
            f"not {requested.max_epochs}; "
            f"resume it as it was, or choose another name"
        )


def _check_same_space(known: StudyRecord, requested: StudyRecord) -> None:
    try:
        changes = extended(Space.from_dict(known.space), Space.from_dict(requested.space)).changes
    except SpaceError as error:
        changes = (str(error),)
    if changes:
        raise SettingError(
            f"study {known.name!r} has another space now ({'; '.join(changes)}); Study.open(...).extend(space) "
            f"lets it go on with this one, or choose another name"
        )


def _shown(study: StudyRecord, setting: str) -> str:
    """Return a setting in words; of past studies no more than that there were any."""
    value = getattr(study, setting)
    if isinstance(value, Mapping) and value.get("past"):
        value = dict(value) | {"past": "..."}
    return repr(value)


def _without_first(scheduler: object) -> object:
    """Return the record of a scheduler or sampler, without the settings that are to be tried first."""
    if not isinstance(scheduler, Mapping):
        return scheduler
    left = {key: _without_first(value) for key, value in scheduler.items()}
    return left["then"] if left.get("name") == FirstSampler.name else left


def _positive(name: str, value: int | None) -> int | None:
    number = None if value is None else whole(value)
    if value is not None and (number is None or number < 1):
        raise SettingError(f"{name} must be a whole number of at least 1, got {value!r}")
    return number
