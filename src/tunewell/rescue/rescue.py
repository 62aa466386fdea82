"""`rescue`: a study that begins with a training as it is and ends, if it can, with one that nothing holds back."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from tunewell.diagnosis import Finding, Possible
from tunewell.diagnosis.readers.names import curve_named
from tunewell.errors import MistakesSeen, SettingError
from tunewell.inspection import Mistake, inspect_training
from tunewell.logs.scores import top_of
from tunewell.rescue.comparison import best_of_curve
from tunewell.rescue.scheduler import NOTE, RescueScheduler, is_healthy, own_trials
from tunewell.runners import Execution, Observer
from tunewell.runners.trained import warn_of_changes
from tunewell.runners.tune import base_name, drive, study_name
from tunewell.space.space import SpaceLike, as_space
from tunewell.space.values import Value
from tunewell.stores import Store, default_store, open_store
from tunewell.study import Study
from tunewell.study.budget import Budget
from tunewell.study.metric import direction_of
from tunewell.study.reader import Best
from tunewell.study.settings import StudySettings
from tunewell.training.external_program import ExternalProgram
from tunewell.training.function import LongerTrain, check_train
from tunewell.training.run import Train

BUDGET = 15
"""Full trainings."""
_LENGTHENED = "lengthened"
"""The kind of the event that has the training's own length and the longer one."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a rescue: the training as it is, or with one change."""

    trial: int
    epochs: int
    value: float | None
    """Its best report; None if none was finite."""
    incumbent_value: float | None
    """The best report, up to the same epoch, of the run that was changed; None for the first."""
    incumbent: int | None
    """The trial that the change was made to; None for the first."""
    label: str = ""
    """The finding that called for the change."""
    confidence: float = 0.0
    evidence: str = ""
    param: str = ""
    old: Value | None = None
    new: Value | None = None
    helped: bool = False
    """True if it was better than the run that it changes."""
    why: str = ""
    """What decided that, in words, where it was not the metric."""
    is_of_length: bool = False
    """True if the training's length was changed, which is no parameter."""


@dataclass(frozen=True, slots=True)
class Rescue:
    """The result of a rescue, read from its study."""

    study: Study
    attempts: list[Attempt]
    own: int | None
    """The training as it is, or with the changes that helped: the best trial but for those of a search."""
    findings: list[Finding]
    """The findings of that trial, the likeliest first, without those against which all was tried and did not help."""
    searched: int
    """Trials of the search that followed, where single changes were not enough."""
    over: bool
    """False if it was interrupted, and can be resumed."""
    mistakes: tuple[Mistake, ...] = ()
    """What was seen in the program itself; it was trained with them."""

    @property
    def first(self) -> float | None:
        """The best report of the training as it is."""
        return self.attempts[0].value if self.attempts else None

    @property
    def best(self) -> Best | None:
        """The best report of all."""
        return self.study.best_so_far

    @property
    def healthy(self) -> bool:
        """True if nothing is found that holds `own` back, and that is more likely than not."""
        return is_healthy(self.findings)


def rescue(
    train: Train,
    space: SpaceLike,
    *,
    metric: str,
    direction: str | None = None,
    max_epochs: int | None = None,
    budget: str | float | None = None,
    target: float | None = None,
    possible: Possible | None = None,
    as_it_is: Mapping[str, Value] | None = None,
    about: Mapping[str, Any] | None = None,
    mistakes: Sequence[Mistake] | None = None,
    anyway: bool = False,
    longer: Callable[[int], Train] | None = None,
    max_tier: int = 3,
    seed: int = 0,
    store: str | Path | Store | None = None,
    name: str | None = None,
    resume: bool = False,
    isolate: bool | None = None,
    observer: Observer | None = None,
) -> Rescue:
    """Train as it is, diagnose, make the change that the finding names, and go on until nothing is found.

    What single changes do not mend is searched, with all that these runs have shown. Ctrl-C lets the running epoch be
    recorded; `resume=True` goes on from there.

    Args:
        train: a function of one argument, the `Run`; what else its reports hold (`train_loss`, `train_accuracy`,
            what `tunewell.watch` measures) makes the diagnosis surer.
        space: the parameters that may be changed.
        metric: the reported number that is to get better.
        direction: `minimize` or `maximize`; inferred from the metric's name where that says it.
        max_epochs: of a full training; taken from the first training if None.
        budget: as of `tune`; 15 full trainings if None.
        target: a metric at which all is done; if None, a run that is more likely healthy than not is enough.
        possible: what is known to be possible if no target is: a run that is clearly below at its end is not healthy.
        as_it_is: the setting to begin with, as far as it is not the default.
        about: the rest of the training's record besides its curves: `config`, `n_train`, `n_classes`, ... as
            docs/diagnose.md has them.
        mistakes: what was seen in the program already; if None, the function is looked at first, in its source and
            while its first steps run.
        anyway: train also if a mistake is seen that no setting mends.
        longer: the training with so many epochs, where a longer one is called for; of a function, if None, the loop
            over `run.epochs` goes on.
        max_tier: parameters of a higher tier are held at their defaults.
        seed: same seed, same rescue.
        store: where the record goes; `TUNEWELL_STORE` or `tunewell.db` if None.
        name: of the study; if None, that of the training function's file with `-rescue`.
        resume: go on with the newest study of that name.
        isolate: as of `tune`.
        observer: notified of what happens.

    Raises:
        SettingError: a setting cannot be used.
        MistakesSeen: a mistake is seen in the function that no setting mends.
        RepeatedFailure: trials keep failing with one and the same error.

    Example:
        >>> import tunewell as tw
        >>> from tunewell.rescue import rescue
        >>> def train(run):
        ...     for epoch in run.epochs(9):
        ...         run.report(val_loss=(run.params.lr - 0.1) ** 2 + 1 / epoch)
        >>> space = tw.Space(lr=tw.learning_rate(default=0.1))
        >>> rescue(train, space, metric="val_loss", budget=1, store="memory").first < 0.2
        True
    """
    check_train(train)
    space = as_space(space)
    direction_of(metric, direction)
    if target is not None and not math.isfinite(target):
        raise SettingError(f"target must be a finite {metric}, got {target!r}")
    tuned = space.hold([name for name in space.names if space.tier(name) > max_tier])
    first = tuned.filled(as_it_is or {})
    if mistakes is None:
        mistakes = () if resume else inspect_training(train, first, seed=seed).mistakes
    beyond = [one for one in mistakes if not one.is_of_setting]
    if beyond and not anyway:
        raise MistakesSeen([f"{one.place or 'this'}: {one.kind} ({one.mend})" for one in beyond])
    store = default_store() if store is None else store
    opened = open_store(store) if isinstance(store, str | Path) else store
    name = name or study_name(opened, f"{base_name(train)}-rescue", resume=resume)
    budget = BUDGET if budget is None else budget
    settings = StudySettings(
        space=tuned,
        metric=metric,
        direction=direction,
        max_epochs=max_epochs,
        budget=budget,
        first=[first],
        max_tier=max_tier,
        seed=seed,
        name=name,
    )
    record, search = settings.define()
    assert search is not None  # there is none only where it is to be built from a record
    maximize = record.direction == "maximize"
    goal = math.nan if target is None else -target if maximize else target
    curve = curve_named(metric)
    if target is not None:
        possible = Possible(target, curve)
    top = -top_of(curve) if maximize else -math.inf
    if longer is None and not isinstance(train, ExternalProgram):
        longer = partial(LongerTrain, train)
    may_be_longer = longer is not None
    scheduler = RescueScheduler(search, first, about or {}, goal, top, possible, maximize, may_be_longer)
    settings, execution = replace(settings, scheduler=scheduler, first=()), Execution(isolate=isolate)
    own = _own_length(opened, name) if resume else None
    over = True
    if own is None:
        study = Study.of(settings, opened, resume=resume)
        warn_of_changes(study, train)
        over = drive(study, train, execution, observer)
        own = study.max_epochs
        if not over or own is None or (length := _longer_length(study, scheduler)) is None:
            return replace(_result(study, scheduler, over=over), mistakes=tuple(mistakes))
        study.add_event(_LENGTHENED, own=own, epochs=length)
        study.lengthen(length)
    scheduler = replace(scheduler, own_length=own)
    epochs = Budget.parse(budget).epochs(own)  # of trainings as long as they were
    settings = replace(settings, max_epochs=None, budget=budget if epochs is None else f"{epochs}epochs")
    study = Study.of(replace(settings, scheduler=scheduler), opened, resume=True)
    assert longer is not None
    train = longer(study.max_epochs or own)
    warn_of_changes(study, train)
    over = drive(study, train, execution, observer)
    return replace(_result(study, scheduler, over=over), mistakes=tuple(mistakes))


def _own_length(store: Store, name: str) -> int | None:
    """Return the training's own length, if a study has a longer one by now."""
    if name not in [study.name for study in store.studies()]:
        return None
    lengths = [event.data["own"] for event in Study.open(store, name).events() if event.kind == _LENGTHENED]
    return int(lengths[0]) if lengths else None  # type: ignore[call-overload]  # a number, of our own making


def _longer_length(study: Study, scheduler: RescueScheduler) -> int | None:
    """Return the length to train to where that is what is left to be changed."""
    allowed = study.budget.epochs(study.max_epochs or 1)
    left = math.inf if allowed is None else allowed - study.spent.trained
    return scheduler.given(study.trials, study.reports()).longer(study.history, left)


def _result(study: Study, scheduler: RescueScheduler, *, over: bool) -> Rescue:
    history, trials = study.history, study.trials
    knowing = scheduler.given(trials, study.reports())
    mine = own_trials(history)
    attempts = [_attempt(study, knowing, number) for number in mine]
    own = knowing.incumbent(history) if mine else None
    findings = [] if own is None else knowing.findings(own, history)
    return Rescue(study, attempts, own, findings, len(trials) - len(attempts), over)


def _attempt(study: Study, scheduler: RescueScheduler, number: int) -> Attempt:
    note: Any = study.trials[number].note[NOTE]
    history = study.history
    epochs, incumbent = int(history.epochs[number]), note.get("of")
    value = study.best_of(number)
    comparison = None if incumbent is None else scheduler.compared(number, incumbent, history)
    return Attempt(
        trial=number,
        epochs=epochs,
        value=None if value is None else value[1],
        incumbent_value=None if incumbent is None else _best_until(study, incumbent, epochs),
        incumbent=incumbent,
        helped=comparison is not None and comparison.is_better,
        why="" if comparison is None else comparison.why,
        **{name: note[name] for name in ("label", "confidence", "evidence", "param") if name in note},
        is_of_length="length" in note,
        old=note.get("from"),
        new=note.get("to"),
    )


def _best_until(study: Study, trial: int, epoch: int) -> float | None:
    """Return the best report of a trial, up to an epoch."""
    value = best_of_curve(study.history.curves[trial, :epoch])
    return None if math.isinf(value) else -value if study.maximize else value
