"""What makes a study the one it is: its settings, checked, written down, and compared when it is resumed."""

from __future__ import annotations

import math
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tunewell.errors import SettingError, SpaceError
from tunewell.history import History
from tunewell.samplers import FirstSampler, Sampler
from tunewell.samplers import by_name as sampler_by_name
from tunewell.schedulers import AshaScheduler, FreezeThawScheduler, Scheduler, describe
from tunewell.schedulers import by_name as scheduler_by_name
from tunewell.schedulers.freeze_thaw import ETA, RUNGS
from tunewell.space.extension import extended
from tunewell.space.space import Space
from tunewell.space.values import Value
from tunewell.stores import StudyRecord
from tunewell.study.budget import Budget
from tunewell.study.metric import direction_of

DEFAULT_NAME = "study"
_CONFIRMING = re.compile(r"(?P<study>.+)-confirmed-[0-9]+-of-(?P<trials>[0-9]+(?:,[0-9]+)*)")
DEFAULT_BUDGET = 30
"""Full trainings."""


def define(
    space: Space,
    *,
    metric: str,
    direction: str | None,
    max_epochs: int | None,
    budget: str | float | None,
    scheduler: str | Scheduler,
    sampler: str | Sampler | None,
    first: Sequence[Mapping[str, Value]],
    past: Sequence[tuple[Space, History]],
    max_tier: int,
    seed: int,
    name: str | None,
    min_delta: float | None,
) -> tuple[StudyRecord, Scheduler]:
    """A new study's record and its scheduler.

    The arguments are those of `Study`; `past` is what the studies of `warm_start` are about, and know.

    Raises:
        SettingError: a setting cannot be used.
        SpaceError: a setting of `first` is not in the space.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise SettingError(f"seed must be a whole number from 0 to 2**63 - 1, got {seed!r}")
    space = space.hold([p for p in space.names if space.tier(p) > max_tier])
    built = _scheduler(scheduler, sampler, first, past, space, seed)
    _check_min_delta(min_delta, built)
    record = StudyRecord(
        name=name or DEFAULT_NAME,
        metric=metric,
        direction=direction_of(metric, direction),
        max_epochs=_positive("max_epochs", max_epochs),
        budget=str(Budget.parse(DEFAULT_BUDGET if budget is None else budget)),
        space=space.to_dict(),
        scheduler=describe(built),
        seed=seed,
        created_at=time.time(),
        uuid=str(uuid.uuid4()),
        min_delta=min_delta or 0.0,
    )
    return record, built


def _scheduler(
    scheduler: str | Scheduler,
    sampler: str | Sampler | None,
    first: Sequence[Mapping[str, Value]],
    past: Sequence[tuple[Space, History]],
    space: Space,
    seed: int,
) -> Scheduler:
    """What the settings mean."""
    if past and not (isinstance(scheduler, str) and scheduler in ("auto", FreezeThawScheduler.name)):
        raise SettingError(
            f"warm_start needs the scheduler auto or {FreezeThawScheduler.name}, which learn from past studies; "
            f"got {scheduler!r}"
        )
    if isinstance(first, Mapping):
        raise SettingError("first is a list of settings to try first, got one setting; put it in brackets: [{...}]")
    settings = tuple(dict(space.check(setting)) for setting in first)
    if not isinstance(scheduler, str):
        if sampler is not None or settings:
            raise SettingError("a scheduler that is given has its sampler already; give sampler= and first= to that")
        return scheduler
    drawn = sampler_by_name(sampler or "sobol", seed) if sampler is None or isinstance(sampler, str) else sampler
    if scheduler == "auto" and not past:  # which know better than a default
        settings = settings or (dict(space.defaults()),)
    if settings:
        drawn = FirstSampler(settings, drawn)
    if scheduler == FreezeThawScheduler.name or (scheduler == "auto" and (sampler is None or past)):
        return FreezeThawScheduler(drawn, past=_learned(past, space))
    # a sampler that was asked for decides on every setting
    return AshaScheduler(drawn) if scheduler == "auto" else scheduler_by_name(scheduler, drawn)


def _check_min_delta(min_delta: float | None, scheduler: Scheduler) -> None:
    if min_delta is None:
        return
    if isinstance(min_delta, bool) or not isinstance(min_delta, int | float) or not 0 <= min_delta < math.inf:
        raise SettingError(f"min_delta must be a number of at least 0, in the metric's unit, got {min_delta!r}")
    if min_delta and not getattr(scheduler, "predicts", False):
        raise SettingError(
            f"min_delta needs a scheduler that says what it expects to gain, such as {FreezeThawScheduler.name} (which "
            f"auto is, unless a sampler is named); got {scheduler!r}"
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
    """What a study is called that trains the settings of another's trials again, so many times each."""
    return f"{study}-confirmed-{seeds}-of-{','.join(map(str, trials))}"


def confirms(name: str) -> tuple[str, list[int]] | None:
    """The study, and the trials of it, that the study of this name confirms; None if it confirms none."""
    found = _CONFIRMING.fullmatch(name)
    return None if found is None else (found["study"], [int(trial) for trial in found["trials"].split(",")])


def check_same(known: StudyRecord, asked: StudyRecord, *, versions: int) -> None:
    """Whether a study may be resumed as it is asked for; the budget may differ.

    versions: how many its space has had.

    Raises:
        SettingError: another setting differs.
    """
    # what past studies said was learned when it was begun, and takes the place of the default
    past = known.scheduler.get("past")
    if past:
        asked = replace(asked, scheduler=dict(asked.scheduler) | {"past": past})
    first_may_differ = past or versions > 1  # it was begun with the defaults of another space
    if first_may_differ and _without_first(known.scheduler) == _without_first(asked.scheduler):
        asked = replace(asked, scheduler=known.scheduler)
    _check_same_space(known, asked)
    for setting in ("metric", "direction", "scheduler", "seed"):
        if getattr(known, setting) != getattr(asked, setting):
            raise SettingError(
                f"study {known.name!r} was begun with another {setting}: {_told(known, setting)}, "
                f"not {_told(asked, setting)}; resume it as it was, or choose another name"
            )
    if asked.max_epochs is not None and known.max_epochs not in (None, asked.max_epochs):
        raise SettingError(
            f"study {known.name!r} has trainings of {known.max_epochs} epochs, not {asked.max_epochs}; "
            f"resume it as it was, or choose another name"
        )


def _check_same_space(known: StudyRecord, asked: StudyRecord) -> None:
    try:
        changes = extended(Space.from_dict(known.space), Space.from_dict(asked.space)).changes
    except SpaceError as error:
        changes = (str(error),)
    if changes:
        raise SettingError(
            f"study {known.name!r} has another space now ({'; '.join(changes)}); Study.open(...).extend(space) "
            f"lets it go on with this one, or choose another name"
        )


def _told(study: StudyRecord, setting: str) -> str:
    """A setting in words; of past studies no more than that there were any."""
    value = getattr(study, setting)
    if isinstance(value, Mapping) and value.get("past"):
        value = dict(value) | {"past": "..."}
    return repr(value)


def _without_first(scheduler: object) -> object:
    """The record of a scheduler or sampler, without the settings that are to be tried first."""
    if not isinstance(scheduler, Mapping):
        return scheduler
    left = {key: _without_first(value) for key, value in scheduler.items()}
    return left["then"] if left.get("name") == FirstSampler.name else left


def _positive(name: str, value: int | None) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise SettingError(f"{name} must be a whole number of at least 1, got {value!r}")
    return value
