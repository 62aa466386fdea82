"""A study from what the command line says, what the script says, and what is on record, in that order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tunewell.cli.echo import echo
from tunewell.cli.job import Job
from tunewell.errors import SettingError, StudyNotFound
from tunewell.runners.trained import Trained
from tunewell.runners.tune import study_name
from tunewell.samplers import GridSampler, Sampler
from tunewell.samplers import by_name as sampler_by_name
from tunewell.schedulers import Scheduler, build, describe
from tunewell.schedulers import by_name as scheduler_by_name
from tunewell.space.constraints import Constraint
from tunewell.space.parse_settings import parse_settings
from tunewell.space.space import Space
from tunewell.space.values import Value
from tunewell.stores import Store, StudyRecord
from tunewell.study import Study
from tunewell.study.aims import Aims, parse_metrics, stated
from tunewell.study.settings import DEFAULT_BUDGET, DEFAULT_TIER, LAST_TIER, RECORDED, StudySettings
from tunewell.training.run import Train

METRIC = "val_loss"


@dataclass(frozen=True, slots=True)
class Options:
    """The settings of a study on the command line; None for an option that is not given."""

    metric: str | None = None
    direction: str | None = None
    metrics: Sequence[str] = ()
    """Of several: `name` or `name:direction`."""
    constraint: Sequence[str] = ()
    """On settings, or on what is reported."""
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
    space_is_given: bool = False
    """The space is another than that of a study which is repeated."""


def new_study(
    job: Job,
    options: Options,
    store: Store | None,
    name: str | None = None,
    past: Sequence[Study] = (),
    like: Study | None = None,
) -> Study:
    """Begin a study; in memory if no store is given, which shows whether it can be begun.

    Args:
        job: what is trained.
        options: the command line's.
        store: where it is kept.
        name: its name; numbered after the job's if None.
        past: the studies that it learns from.
        like: one whose settings it has, where the options leave them out.

    Raises:
        TunewellError: it cannot be begun.
    """
    if options.held:
        raise SettingError("--held is for a study whose space has changed; say --resume too, or leave it out")
    if store is not None and name is None:
        name = study_name(store, job.name, resume=False)
    if like is not None:
        settings = replace(_repeated(like, job, options, past), name=name)
    else:
        settings = _settings(job, options, name, past)
    study = Study.of(settings, store)
    job.check(study.space)
    return study


def _settings(job: Job, options: Options, name: str | None, past: Sequence[Study]) -> StudySettings:
    """Return the settings of a new study, of what the options say and the file."""
    file, seed = job.file, options.seed or 0
    scheduler, sampler = _search(options, seed)
    metrics = parse_metrics(options.metrics) or (file.metrics if options.metric is None else None)
    return StudySettings(
        space=job.needed_space(),
        metric=None if metrics else options.metric or file.metric or METRIC,
        direction=None if metrics else options.direction or file.direction,
        metrics=metrics,
        constraints=list(options.constraint) or file.constraints,
        max_epochs=options.epochs or file.epochs,
        budget=options.budget or file.budget or DEFAULT_BUDGET,
        scheduler=scheduler,
        sampler=sampler,
        first=[job.needed_space().filled(params) for params in options.first],
        warm_start=past,
        max_tier=options.tier or DEFAULT_TIER,
        seed=seed,
        name=name,
        min_delta=options.min_delta,
    )


def _repeated(like: Study, job: Job, options: Options, past: Sequence[Study]) -> StudySettings:
    """Return the settings of a study that is on record, those that the options name replaced."""
    record = like.record
    seed = record.seed if options.seed is None else options.seed
    scheduler: str | Scheduler = build(_seeded(record.scheduler, record.seed, seed))
    sampler: str | Sampler | None = None
    if past or any((options.scheduler, options.eta, options.min_epochs, options.sampler, options.levels)):
        scheduler, sampler = _search(options, seed)
    is_other_space = options.space_is_given or options.tier is not None
    return StudySettings(
        space=job.needed_space() if is_other_space else like.space,
        **_aims(record, options),
        max_epochs=options.epochs or record.max_epochs or job.file.epochs,
        budget=options.budget or record.budget,
        scheduler=scheduler,
        sampler=sampler,
        warm_start=past,
        max_tier=(options.tier or DEFAULT_TIER) if is_other_space else LAST_TIER,
        seed=seed,
        min_delta=record.min_delta or None if options.min_delta is None else options.min_delta,
    )


def _aims(record: StudyRecord, options: Options) -> dict[str, Any]:
    """Return the aims of a study on record, as settings, as far as the options say nothing else."""
    known = stated(Aims.from_dict(record.aims, record.metric, record.direction))
    constraints = [*known["constraints"], *options.constraint]
    if options.metrics:
        return {"metrics": parse_metrics(options.metrics), "constraints": constraints}
    if options.metric not in (None, record.metric):
        return {"metric": options.metric, "direction": options.direction, "constraints": constraints}
    if options.direction is not None and "direction" in known:
        known["direction"] = options.direction
    return known | {"constraints": constraints}


def _seeded(record: Mapping[str, object], before: int, seed: int) -> Mapping[str, object]:
    """Return the record of a scheduler, in which what was drawn by the seed of its study is by another."""
    return {
        key: _seeded(value, before, seed)
        if isinstance(value, Mapping)
        else seed
        if key == "seed" and value == before
        else value
        for key, value in record.items()
    }


def old_study(job: Job, options: Options, store: Store, name: str | None, *, changed: bool = False) -> Study:
    """Go on with a study: what the command line leaves out is as on record.

    changed: something else may be trained than so far.

    Raises:
        SettingError: the store has no such study, or an option differs from what is on record.
    """
    name = name or study_name(store, job.name, resume=True)
    try:
        record = store.study(name)
    except StudyNotFound as error:
        raise SettingError(f"there is nothing to resume: {error}; leave out --resume to begin a study") from error
    on_record = Space.from_dict(record.space)
    seed = record.seed if options.seed is None else options.seed
    scheduler: str | Scheduler = RECORDED
    sampler: str | Sampler | None = None
    if any((options.scheduler, options.eta, options.min_epochs, options.sampler, options.levels)):
        scheduler, sampler = _search(options, seed)
    requested = on_record if job.file.space is None else _tuned(job.file.space, on_record, options.tier)
    # what the command line of its beginning said holds on
    known_here = [text for text in on_record.constraints if set(Constraint(text).names) <= set(requested.names)]
    requested = requested.where(*known_here) if known_here else requested
    job.check(requested)
    if not requested.tuned & on_record.tuned and not options.held:
        raise SettingError(
            f"study {name!r} tunes {', '.join(sorted(on_record.tuned))}, and this space none of them; "
            f"give the study's name with --name"
        )
    if options.past and not record.scheduler.get("past"):
        raise SettingError(
            f"study {name!r} was begun with no past studies; leave out --warm-start, or begin a new study"
        )
    settings = StudySettings(
        space=on_record,
        **_aims(record, options),
        max_epochs=options.epochs or record.max_epochs,
        budget=options.budget or record.budget,
        scheduler=scheduler,
        sampler=sampler,
        max_tier=LAST_TIER,  # what was held at its default is held in the recorded space
        seed=seed,
        name=name,
        min_delta=options.min_delta,
    )
    study = Study.of(settings, store, resume=True)
    job = job.as_begun(study)
    check_trained(study, job.train_for(study.metric), changed=changed)
    _announce_as_on_record(job, options, record)
    study.begin_session()  # another process that runs the study would have to live with the space
    Trained.by(job.train_for(study.metric)).record(study)
    for line in study.extend(
        requested, held=parse_settings(options.held, requested, on_record, option="--held"), max_tier=LAST_TIER
    ):
        echo(f"the space has changed: {line}", err=True)
    return study


def as_on_record(job: Job, study: Study) -> Job:
    """Return the job as the study trains it: its parameters are found again where the command on record has some."""
    from tunewell.training.external_program import placeholders  # noqa: PLC0415  only who tunes a program needs it

    known = Trained.on_record(study)
    if not job.may_be_searched or known is None or not placeholders(known.words):
        return job
    return job.with_parameters(epochs=study.record.max_epochs)


def check_trained(study: Study, train: Train, *, changed: bool) -> None:
    """Check that a study goes on with the training that it had so far; print what is another in it.

    changed: it may be another.

    Raises:
        SettingError: it is another.
    """
    here, known = Trained.by(train), Trained.on_record(study)
    if known is None:
        return
    replaced = here.replaced(known)
    if replaced and not changed:
        raise SettingError(
            f"study {study.record.name!r} trains {known}, and this is another training: {'; '.join(replaced)}; "
            "resume it as it was, say --changed to go on with this one, or begin a new study with --name"
        )
    for line in [*(f"the training has changed: {change}" for change in replaced), *here.edited(known)]:
        echo(line, err=True)


def _announce_as_on_record(job: Job, options: Options, record: StudyRecord) -> None:
    """Print what the file has otherwise than the record, which holds."""
    for setting, option, known in (
        ("metric", options.metric, record.metric),
        ("direction", options.direction, record.direction),
        ("epochs", options.epochs, record.max_epochs),
    ):
        there = getattr(job.file, setting)
        if option is None and None not in (there, known) and there != known:
            echo(
                f"{job.file.path} has {setting} {there!r}; the study goes on with {known!r}, as it was begun", err=True
            )


def grid_of(options: Options) -> GridSampler | None:
    """Return the grid that a new study draws from; None if it draws from none."""
    if options.sampler != GridSampler.name:
        return None
    return GridSampler() if options.levels is None else GridSampler(options.levels)


def _search(options: Options, seed: int) -> tuple[str | Scheduler, str | Sampler | None]:
    """Return the scheduler and the sampler, by name as far as names will do."""
    if options.levels is not None and options.sampler != GridSampler.name:
        raise SettingError("--levels is a setting of a grid; say --sampler grid too")
    sampler: str | Sampler | None = grid_of(options) or options.sampler
    if options.eta is None and options.min_epochs is None:
        return options.scheduler or "auto", sampler
    drawn = sampler_by_name(sampler or "sobol", seed) if sampler is None or isinstance(sampler, str) else sampler
    return _with_settings(options, drawn), None


def _with_settings(options: Options, sampler: Sampler) -> Scheduler:
    """Make a scheduler with settings of its own."""
    if options.scheduler in (None, "auto"):
        raise SettingError("--eta and --min-epochs need a scheduler that is named: --scheduler asha, say")
    record = describe(scheduler_by_name(options.scheduler, sampler))
    for setting, value in (("eta", options.eta), ("min_epochs", options.min_epochs)):
        if value is not None:
            if setting not in record:
                option = f"--{setting.replace('_', '-')}"
                raise SettingError(f"the scheduler {options.scheduler!r} has no {setting}; leave out {option}")
            record[setting] = value
    return build(record)


def _tuned(space: Space, on_record: Space, tier: int | None) -> Space:
    """Hold what is above a tier, or above the one that gives what is most like the record if none is given."""
    tiers = (DEFAULT_TIER, *range(LAST_TIER, 0, -1)) if tier is None else (tier,)
    spaces = [space.hold([name for name in space.names if space.tier(name) > highest]) for highest in tiers]
    return min(spaces, key=lambda tuned: sum(on_record.params.get(name) != p for name, p in tuned.params.items()))
