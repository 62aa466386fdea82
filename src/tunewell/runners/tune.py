"""`tune`: a study from its first step to its last, in one call."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from tunewell.bridges.following import following, places_of
from tunewell.display.notebook import in_notebook, notebook_progress
from tunewell.display.progress import live_progress
from tunewell.errors import TunewellError
from tunewell.runners import Controller, Execution, Observer, run_inline, run_processes, run_threads
from tunewell.runners.deadline import Deadline
from tunewell.runners.execution import KEPT_TRIALS, RETRY_ON, Ray, seconds, size
from tunewell.runners.isolation import Isolated, TunesOnImport, settled
from tunewell.runners.trained import Trained, warn_of_changes
from tunewell.samplers import Sampler
from tunewell.samplers.construction import check_whole
from tunewell.schedulers import Scheduler
from tunewell.space.space import SpaceLike, as_space
from tunewell.space.values import Value
from tunewell.stores import Store, default_store, open_store
from tunewell.study import Study
from tunewell.study.aims import Constraints, aims_of
from tunewell.study.confirmation import confirmation
from tunewell.study.settings import DEFAULT_TIER, PastStudy, StudySettings
from tunewell.training.external_program import ExternalProgram
from tunewell.training.function import check_train
from tunewell.training.run import Train


def tune(
    train: Train,
    space: SpaceLike,
    *,
    metric: str | None = None,
    direction: str | None = None,
    metrics: Mapping[str, str | None] | None = None,
    constraints: Constraints | None = None,
    max_epochs: int | None = None,
    budget: str | float | None = None,
    workers: int = 1,
    threads: bool = False,
    isolate: bool | None = None,
    scheduler: str | Scheduler = "auto",
    sampler: str | Sampler | None = None,
    first: Sequence[Mapping[str, Value]] = (),
    warm_start: Sequence[PastStudy] = (),
    max_tier: int = DEFAULT_TIER,
    seed: int = 0,
    store: str | Path | Store | None = None,
    name: str | None = None,
    resume: bool = False,
    min_delta: float | None = None,
    confirm: int = 0,
    until: str | datetime | None = None,
    within: str | float | None = None,
    keep: int = KEPT_TRIALS,
    checkpoint_every: int = 0,
    memory: str | int | None = None,
    gpus: Sequence[str | int] = (),
    trial_timeout: str | float | None = None,
    trial_memory: str | int | None = None,
    retries: int = 0,
    retry_on: Sequence[str | type[BaseException]] = RETRY_ON,
    ray: Ray | None = None,
    observer: Observer | None = None,
    controllers: Sequence[Controller] = (),
    track: str | Sequence[str] = (),
) -> Study:
    """Tune a training function; return the study, with every run it made on record.

    Ctrl-C lets running epochs finish and be recorded; `resume=True` goes on from there.

    Args:
        train: a function of one argument, the `Run`. One that reports nothing may return what it measured: a number,
            which is the metric, or a dict of numbers by name; it is then trained whole, as an epoch.
        space: what may be tuned: a `Space`, or a dict of parameters by name.
        metric: the name, among those that `train` reports, of what is optimized.
        direction: `minimize` or `maximize`; inferred from the metric's name where that says it.
        metrics: in place of both, several: `{"val_accuracy": "maximize", "latency_ms": "minimize"}`. The search is for
            their front, `study.front()`; the first is the study's metric where one number is shown.
        constraints: on settings, a list of texts and functions (`"hidden * layers <= 4096"`,
            `lambda p: p.hidden <= 512`), which all that is tried meets; on what is reported, a dict
            (`{"memory_gb": "<= 8"}`), which the search learns; or a list of both.
        max_epochs: how many epochs a full training has; if None, what `train` passes to `run.epochs`.
        budget: what may be spent: `30` full trainings' worth of epochs, `"900epochs"`, `"100trials"`, `"2h"`; if
            None, 30, or what is on record when the study is resumed.
        workers: how many trials train at a time; more than one run in processes of their own.
        threads: they run in threads of this process instead, which suits small models whose training releases the
            GIL; randomness must then come from `run.rng` or `run.seed`, since what is global is shared.
        isolate: each trial has a process to itself, which waits while it is paused; if None, where the training's
            sources import an experiment logger (W&B, MLflow, TensorBoard and the like), most of which have one run a
            process.
        scheduler: which run gets the next epochs.
        sampler: where new settings come from.
        first: settings to try before any other.
        warm_start: studies of the same kind of network on other data, which `auto` and `freeze_thaw` learn from.
        max_tier: parameters of a higher tier are held at their defaults.
        seed: of the search and of each trial; with one worker, the same seed gives the same study.
        store: where the record goes; `TUNEWELL_STORE` or `tunewell.db` if None, `"memory"` for nowhere.
        name: of the study; if None, that of the training function's file, numbered if there is one already.
        resume: go on with the newest study of that name.
        min_delta: end before the budget is spent when no training is expected to improve the metric by as much.
        confirm: in the end, train each of the three best settings again in full with so many fresh seeds, beyond the
            budget; `confirmed(study)` says what came of it.
        until: when trainings are to end, whatever is left of the budget: `"18:00"`, the next time that it is so late
            here, a date and time, or a `datetime`. Each ends after the epoch that it is in; what `confirm` takes is
            kept free.
        within: the same, so long from now on: `"2h"`.
        keep: how many paused trials a worker keeps in memory.
        checkpoint_every: epochs between checkpoints of what a training tracks, to which it can be rewound; 0: only
            where it pauses or ends.
        memory: what all workers may hold, `"8GB"` say; beyond it, those that wait longest of the paused trials go on
            later from their checkpoints, if they track anything, else from their seeds.
        gpus: CUDA devices, `[0, 1]` say; workers get one each, in turn.
        trial_timeout: how long a trial may train in one try, `"10m"` say and pauses left out, before it is ended as
            failed.
        trial_memory: what a trial may add to the memory of its worker before it is ended as failed.
        retries: how often a trial that failed is tried again, from its checkpoint if it tracks anything.
        retry_on: errors of which another try is worth it, by class or by name, and those that inherit from them;
            `WorkerDied`, `TrialTimeout` and `TrialMemory` name what happens to a worker process.
        ray: train on a cluster of Ray's, in actors; `workers` says how many.
        observer: watches what happens; if None, a live display on a terminal and in a notebook, and nothing elsewhere.
        controllers: act on what happens: `tunewell.autopilot.Autopilot()`, say.
        track: trackers that the study is sent to while it runs: `"mlflow:http://127.0.0.1:5000"`, `"wandb:digits"`,
            `"tensorboard:runs"`, `"trackio"`. A process of its own reads the record and sends it, so that no training
            waits; what could not be sent is sent by `tunewell export --to`.

    Raises:
        SettingError: a setting cannot be used.
        RepeatedFailure: trials keep failing with one and the same error.

    Example:
        >>> def train(run):
        ...     for epoch in run.epochs(3):
        ...         run.report(val_loss=(run.params.rate - 0.3) ** 2 + 1 / epoch)
        >>> study = tw.tune(train, {"rate": tw.Float(0.0, 1.0)}, metric="val_loss", budget=4, store="memory")
        >>> study.best.value < 0.5, len(study.trials) > 1
        (True, True)
    """
    check_train(train)
    places = places_of(track)
    space = as_space(space)
    aims_of(metric, direction, metrics)
    check_whole("confirm", confirm, at_least=0)
    execution = Execution(
        workers=workers,
        threads=threads,
        isolate=isolate,
        keep=keep,
        checkpoint_every=checkpoint_every,
        memory=None if memory is None else size(memory, "memory"),
        gpus=[str(device) for device in gpus],
        trial_timeout=None if trial_timeout is None else seconds(trial_timeout, "trial_timeout"),
        trial_memory=None if trial_memory is None else size(trial_memory, "trial_memory"),
        retries=retries,
        retry_on=[kind if isinstance(kind, str) else kind.__name__ for kind in retry_on],
        ray=ray,
        deadline=Deadline.of(until, within),
        seeds_to_confirm=confirm,
    )
    execution.check_installed()
    _check_guarded(sys._getframe(1).f_globals.get("__name__"))  # noqa: SLF001  how multiprocessing calls the caller
    if store is None:
        store = default_store()
    opened = open_store(store) if isinstance(store, str | Path) else store
    settings = StudySettings(
        space=space,
        metric=metric,
        direction=direction,
        metrics=metrics,
        constraints=constraints,
        max_epochs=max_epochs,
        budget=budget,
        scheduler=scheduler,
        sampler=sampler,
        first=first,
        warm_start=warm_start,
        max_tier=max_tier,
        seed=seed,
        name=name or study_name(opened, base_name(train), resume=resume),
        min_delta=min_delta,
    )
    study = Study.of(settings, opened, resume=resume)
    warn_of_changes(study, train)
    execution = settled(execution, train)
    with following(opened, study.record, places, _warn):
        over = drive(study, train, execution, observer, controllers)
    if confirm and over and study.best_so_far is not None:
        again = confirmation(study, seeds=confirm)
        with following(opened, again.record, places, _warn):
            drive(again, train, replace(execution, seeds_to_confirm=0), observer)
    return study


def _warn(line: str) -> None:
    print(f"warning: {line}", file=sys.stderr)  # noqa: T201  as Python prints its own


def drive(
    study: Study,
    train: Train,
    execution: Execution | None = None,
    observer: Observer | None = None,
    controllers: Sequence[Controller] = (),
) -> bool:
    """Run a study until it is over; True, or False if it was interrupted and can be resumed.

    Args:
        study: one that begins, or goes on.
        train: a function of one argument, the `Run`.
        execution: how; one trial at a time in this process, if None.
        observer: as of `tune`.
        controllers: as of `tune`.

    Raises:
        SettingError: the training function cannot be sent to a process.
        RepeatedFailure: trials keep failing with one and the same error.
    """
    execution = settled(execution or Execution(), train)
    if observer is None and (in_notebook() or sys.stderr.isatty()):
        with notebook_progress() if in_notebook() else live_progress() as display:
            return drive(study, train, execution, display, controllers)
    try:
        return _run(study, train, execution, observer, controllers)
    except TunewellError as error:
        error.after_training = study.has_trained
        raise


def _run(
    study: Study,
    train: Train,
    execution: Execution,
    observer: Observer | None,
    controllers: Sequence[Controller],
) -> bool:
    """Run a study where its execution has it; arguments and errors are those of `drive`."""
    trained = Trained.by(train)
    if execution.isolate and not isinstance(train, ExternalProgram):  # a program is a process already
        train = Isolated.of(train, execution.workers)
    study.begin_session()
    try:
        trained.record(study)
        if execution.ray is not None:
            from tunewell.runners.ray import run_ray  # noqa: PLC0415  an extra

            return run_ray(study, train, execution, observer, controllers)
        if execution.threads and execution.workers > 1:
            return run_threads(study, train, execution, observer, controllers)
        run = run_processes if execution.needs_processes else run_inline
        return run(study, train, execution, observer, controllers)
    finally:
        study.close()


def study_name(store: Store, base: str, *, resume: bool) -> str:
    """Return the newest name in the series `base`, `base-2`, ... if a study is to be resumed, else the next one."""
    series = re.compile(re.escape(base) + r"(?:-([0-9]+))?")
    numbers = [int(found[1] or 1) for study in store.studies() if (found := series.fullmatch(study.name))]
    newest = max(numbers, default=0)
    number = newest if resume and numbers else newest + 1
    return base if number == 1 else f"{base}-{number}"


def _check_guarded(caller: str | None) -> None:
    """Check that the user's script, which worker processes import, does not tune again at that for want of a guard."""
    if caller == "__mp_main__":
        raise TunesOnImport(
            "the script that calls tune(...) is imported by each worker process; "
            'put the call under `if __name__ == "__main__":`'
        )


def base_name(train: Train) -> str:
    """Return the name that the studies of a training function have: that of its file."""
    train = getattr(train, "func", train)  # of functools.partial
    module = getattr(train, "__module__", None) or ""
    if module == "__main__":
        file = getattr(sys.modules["__main__"], "__file__", None)
        return Path(file).stem if file else "study"
    return module.rpartition(".")[2] or "study"
