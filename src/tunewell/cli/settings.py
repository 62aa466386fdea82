"""A study from what the command line says, what the script says, and what is on record, in that order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tunewell.cli.echo import echo
from tunewell.cli.job import Job
from tunewell.errors import SettingError, StudyNotFound
from tunewell.runners.tune import study_name
from tunewell.samplers import GridSampler, Sampler
from tunewell.samplers import by_name as sampler_by_name
from tunewell.schedulers import Scheduler, build, describe
from tunewell.schedulers import by_name as scheduler_by_name
from tunewell.space.parse_settings import parse_settings
from tunewell.space.space import Space
from tunewell.space.values import Value
from tunewell.stores import Store
from tunewell.study import Study

METRIC = "val_loss"
BUDGET = 30
TIER = 3
TIERS = 4


@dataclass(frozen=True, slots=True)
class Options:
    """The settings of a study on the command line; None where nothing was said."""

    metric: str | None = None
    direction: str | None = None
    budget: str | None = None
    epochs: int | None = None
    scheduler: str | None = None
    eta: int | None = None
    min_epochs: int | None = None
    sampler: str | None = None
    levels: int | None = None
    tier: int | None = None
    seed: int | None = None
    min_delta: float | None = None
    first: Sequence[Mapping[str, Value]] = ()
    """Settings to try before any other, as far as they are not the defaults."""
    past: Sequence[str] = ()
    """Studies of other data, in the same store."""
    held: Sequence[str] = ()
    """`name=value`, of parameters that an edited space has more or fewer than the one on record."""


def new_study(
    job: Job, said: Options, store: Store | None, name: str | None = None, past: Sequence[Study] = ()
) -> Study:
    """A study that begins; in memory if no store is given, which shows whether it can.

    past: the studies that it learns from.

    Raises:
        TunewellError: it cannot.
    """
    if said.held:
        raise SettingError("--held is for a study whose space has changed; say --resume too, or leave it out")
    file, seed = job.file, said.seed or 0
    if store is not None and name is None:
        name = study_name(store, job.name, resume=False)
    scheduler, sampler = _search(said, seed)
    study = Study(
        job.needed_space(),
        metric=said.metric or file.metric or METRIC,
        direction=said.direction or file.direction,
        max_epochs=said.epochs or file.epochs,
        budget=said.budget or file.budget or BUDGET,
        scheduler=scheduler,
        sampler=sampler,
        first=[job.needed_space().filled(setting) for setting in said.first],
        warm_start=past,
        max_tier=said.tier or TIER,
        seed=seed,
        store=store,
        name=name,
        min_delta=said.min_delta,
    )
    job.check(study.space)
    return study


def old_study(job: Job, said: Options, store: Store, name: str | None) -> Study:
    """A study that goes on: what the command line does not say is as on record.

    Raises:
        SettingError: the store has no such study, or what is said is not what is on record.
    """
    name = name or study_name(store, job.name, resume=True)
    try:
        record = store.study(name)
    except StudyNotFound as error:
        raise SettingError(f"there is nothing to resume: {error}; leave out --resume to begin a study") from error
    on_record = Space.from_dict(record.space)
    seed = record.seed if said.seed is None else said.seed
    scheduler: str | Scheduler
    sampler: str | Sampler | None
    if any((said.scheduler, said.eta, said.min_epochs, said.sampler, said.levels)):
        scheduler, sampler = _search(said, seed)
    else:
        scheduler, sampler = build(record.scheduler), None
    asked = on_record if job.file.space is None else _tuned(job.file.space, on_record, said.tier)
    job.check(asked)
    if not asked.tuned & on_record.tuned and not said.held:
        raise SettingError(
            f"study {name!r} tunes {', '.join(sorted(on_record.tuned))}, and this space none of them; "
            f"give the study's name with --name"
        )
    if said.past and not record.scheduler.get("past"):
        raise SettingError(
            f"study {name!r} was begun with no past studies; leave out --warm-start, or begin a new study"
        )
    study = Study(
        on_record,
        metric=said.metric or record.metric,
        direction=said.direction or (record.direction if said.metric in (None, record.metric) else None),
        max_epochs=said.epochs or record.max_epochs,
        budget=said.budget or record.budget,
        scheduler=scheduler,
        sampler=sampler,
        max_tier=TIERS,  # what was held at its default is held in the recorded space
        seed=seed,
        store=store,
        name=name,
        resume=True,
        min_delta=said.min_delta,
    )
    study.begin_session()  # another process that runs the study would have to live with the space
    for line in study.extend(asked, held=parse_settings(said.held, asked, on_record, option="--held"), max_tier=TIERS):
        echo(f"the space has changed: {line}", err=True)
    return study


def grid_of(study: Study) -> GridSampler | None:
    """The grid that a study draws from, if it does."""
    sampler = getattr(study.scheduler, "sampler", None)
    while not isinstance(sampler, GridSampler):
        if sampler is None:
            return None
        sampler = getattr(sampler, "then", None)
    return sampler


def _search(said: Options, seed: int) -> tuple[str | Scheduler, str | Sampler | None]:
    """The scheduler and the sampler, by name as far as names will do."""
    sampler: str | Sampler | None = said.sampler
    if said.levels is not None:
        if sampler != GridSampler.name:
            raise SettingError("--levels is a setting of a grid; say --sampler grid too")
        sampler = GridSampler(said.levels)
    if said.eta is None and said.min_epochs is None:
        return said.scheduler or "auto", sampler
    drawn = sampler_by_name(sampler or "sobol", seed) if sampler is None or isinstance(sampler, str) else sampler
    return _with_settings(said, drawn), None


def _with_settings(said: Options, sampler: Sampler) -> Scheduler:
    """A scheduler with settings of its own."""
    if said.scheduler in (None, "auto"):
        raise SettingError("--eta and --min-epochs need a scheduler that is named: --scheduler asha, say")
    record = describe(scheduler_by_name(said.scheduler, sampler))
    for setting, value in (("eta", said.eta), ("min_epochs", said.min_epochs)):
        if value is not None:
            if setting not in record:
                raise SettingError(f"the scheduler {said.scheduler!r} has no {setting}; leave it out")
            record[setting] = value
    return build(record)


def _tuned(space: Space, on_record: Space, tier: int | None) -> Space:
    """What is tuned of a space: up to a tier or, if none is given, to the one that is most like what is on record."""
    tiers = (TIER, *range(TIERS, 0, -1)) if tier is None else (tier,)
    spaces = [space.hold([name for name in space.names if space.tier(name) > highest]) for highest in tiers]
    return min(spaces, key=lambda tuned: sum(on_record.params.get(name) != p for name, p in tuned.params.items()))
