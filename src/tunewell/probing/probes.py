"""Experiments that settle a family of causes: one is worth ten guesses.

Each probe is a function of a `Case`: it trains shortly, and returns a `ProbeResult` with the causes that it points to
and those that it rules out. They come from Karpathy, "A recipe for training neural networks" (2019): look at the loss
at the start, overfit one batch, take regularization away; from Smith (2017), the range of learning rates; and from
Zhang et al., "Understanding deep learning requires rethinking generalization" (2017), labels at random.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunewell.diagnosis import NextChange, Possible
from tunewell.diagnosis.readers.names import parameter_of
from tunewell.diagnosis.readers.trial import classes_of
from tunewell.display.formatting import counted
from tunewell.logs.scores import task_of_loss
from tunewell.probing.rows import one_batch, shuffled_labels
from tunewell.probing.short_training import ShortTraining, checked, train_shortly
from tunewell.probing.simple_models import MOST_NUMBERS, MOST_ROWS, Baselines, baselines
from tunewell.probing.sweep import Sweep, lr_find, rate_of, rates_of
from tunewell.space.space import Space, SpaceLike, as_space
from tunewell.space.usual_names import RATES
from tunewell.space.values import Params, Value
from tunewell.training.function import check_train
from tunewell.training.rows import Rows, facts_of, is_array, rows_of, targets_of
from tunewell.training.run import Change as ChangeOfData
from tunewell.training.run import RunEnded, Train

_STILL = 1e-6  # of the learning rate: nothing moves
_BATCH_EPOCHS = 5
_BATCH = 32  # rows, where the space says nothing
_FITTED = 0.1  # of the loss at the start
_AT_START = (0.5, 2.0)  # of ln(classes): between, nothing is wrong with the start
_SQUARED = ("mse", "mseloss", "nn.mseloss", "mean_squared_error", "squared_error", "l2")
_DECADE = 10.001
_FAR = 5.0  # times the learning rate
_GAINS = 0.1  # of a loss: what is less is noise
_HELD_BACK = 0.25  # of a loss: regularization that is right costs some at first
_LOADED = 500  # rows for simple models, where each has to be loaded
_TIMES = 3.0  # what a higher rate gains, of what is gained as it is
_SHORT = 4  # one in so many of a training's epochs
_IN_CODE = (
    *("loss_output_mismatch", "frozen_layers", "vanishing_gradients", "dead_relus", "missing_zero_grad"),
    "bad_initialisation",
)
_START = ("bad_initialisation", "unnormalised_inputs")


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """An experiment's result: what it has shown, and the causes that it points to or rules out."""

    name: str
    found: str
    """The result, in numbers."""
    points_to: tuple[str, ...] = ()
    """Causes that it points to."""
    rules_out: tuple[str, ...] = ()
    """Causes that it rules out."""
    epochs: int = 0
    """What it has cost."""
    next: NextChange | None = None
    """The change that it calls for, if it says more than the curves do."""
    possible: Possible | None = None
    """What it has shown to be possible."""
    decides: bool = False
    """True if it has shown a cause, such as by a change that made the training better."""
    why_not: str = ""
    """Why it was not done, if it was not."""


def left_out(name: str, why: str, epochs: int = 0) -> ProbeResult:
    """Return the result of an experiment that could not be done."""
    return ProbeResult(name, f"left out: {why}", epochs=epochs, why_not=why)


@dataclass(slots=True)
class Case:
    """A training to be experimented with, and the results so far that later probes build on."""

    train: Train
    space: Space
    setting: Params
    rate: str | None
    """The parameter that is the learning rate, if there is one."""
    seed: int
    start: ShortTraining | None = None
    """One epoch in which nothing moved."""
    sweep: Sweep | None = None
    sweep_tells: bool = True
    """False if a sweep's few epochs at each rate were too few to learn anything."""
    as_is: ShortTraining | None = None
    """The training as it is."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """The rest of its record besides its curves."""
    rows: Rows | None = None
    """Training rows, as the first short training passed them through `run.data`."""
    validation: Rows | None = None
    may_change: bool = False
    """True if they came as arrays, so that a probe can change them."""
    costs: list[int] = field(default_factory=list)

    def short(self, epochs: int, changed: Mapping[str, Value], data: ChangeOfData | None = None) -> ShortTraining:
        """Train shortly with some values changed, or other data."""
        look = self.look if self.rows is None else None
        found = train_shortly(
            self.train, Params({**self.setting, **changed}), seed=self.seed, epochs=epochs, change=data, look=look
        )
        self.costs.append(len(found.reports))
        return found

    def look(self, arrays: Sequence[Any], validation: Sequence[Any] | None) -> None:
        """Keep a sample of the rows."""
        self.may_change = is_array(arrays[0])
        self.rows = rows_of(arrays, MOST_ROWS, _LOADED, MOST_NUMBERS)
        self.validation = None if validation is None else rows_of(validation, MOST_ROWS, _LOADED, MOST_NUMBERS)

    @property
    def has_cross_entropy(self) -> bool:
        """True unless the training is known to be no classifier's: a loss below zero is then a mistake."""
        if self.n_classes > 1:
            return True
        config = self.about.get("config", {})
        task = config.get("task") or self.about.get("task") or task_of_loss(str(config.get("loss", "")))
        labels = None if self.rows is None else self.rows.labels
        is_regression = labels is not None and targets_of(labels) is not None
        return not (task in ("regression", "other") or is_regression)

    @property
    def regularization(self) -> dict[str, Value]:
        """Dropout and weight decay, off, as far as the setting has them on."""
        names = [parameter_of(key, self.space.names) for key in ("dropout", "weight_decay")]
        return {name: 0.0 for name in names if name is not None and self.setting.get(name)}

    @property
    def n_classes(self) -> float:
        """The number of classes, as `run.data` or the watcher of the network reported it; NaN if neither did."""
        if self.start is None:
            return math.nan
        found = self.start.first("n_classes")
        return classes_of(self.start.reports).get("n_classes", found) if math.isnan(found) else found

    @property
    def n_short(self) -> int:
        """Epochs of a run that is to show a tendency."""
        whole = self.as_is or self.start
        return _short_epochs((whole and whole.max_epochs) or 12)


def loss_at_start(case: Case) -> ProbeResult:
    """Train an epoch at a rate at which nothing moves: a network that knows nothing should lose ln(classes)."""
    still: dict[str, Value] = {case.rate: _STILL * float(case.setting[case.rate])} if case.rate else {}
    case.start = checked(case.short(1, still | case.regularization))
    loss, classes = _start(case.start), case.n_classes
    if not any(case.start.curve(name) for name in ("train_loss", "val_loss")):
        return left_out("loss at start", _ASK_FOR_A_LOSS, epochs=1)
    if case.start.is_broken or math.isnan(loss):
        return ProbeResult(
            "loss at start", "the loss is no finite number before anything has moved", points_to=_START, epochs=1
        )
    if loss < 0 and case.has_cross_entropy:
        return ProbeResult(
            "loss at start",
            f"{loss:.4g}: no cross entropy is below zero",
            points_to=("loss_output_mismatch",),
            epochs=1,
        )
    if not classes > 1:
        return ProbeResult("loss at start", f"{loss:.4g}; {_what_it_should_be(case)}", epochs=1)
    found = f"{loss:.4g}; knowing nothing costs ln({classes:.0f}) = {math.log(classes):.4g}"
    share = loss / math.log(classes)
    if share > _AT_START[1]:
        return ProbeResult(
            "loss at start", f"{found}: the network begins with wrong answers", points_to=_START, epochs=1
        )
    if share < _AT_START[0]:
        return ProbeResult("loss at start", f"{found}: it knows something before it has learnt anything", epochs=1)
    return ProbeResult("loss at start", found, rules_out=_START, epochs=1)


def fits_one_batch(case: Case) -> ProbeResult:
    """Fit one batch: a network that cannot is held back by code, activations or rate, and not by the data."""
    if case.start is None or not case.may_change:
        return left_out("one batch", _ask_for_arrays(case))
    size = case.setting.get(parameter_of("batch_size", case.space.names) or "", _BATCH)
    change = one_batch(int(size) if isinstance(size, int | float) else _BATCH, case.seed)
    if not (case.start.curve("train_loss") or case.start.curve("train_accuracy")):
        return left_out("one batch", _ASK_FOR_LOSS)
    start = _start(case.start)
    rates = [float(case.setting[case.rate])] if case.rate else []
    if rates and (other := _other_rate(case, rates[0])) is not None:
        rates.append(other)
    epochs = 0
    for n, rate in enumerate(rates or [math.nan]):
        given: dict[str, Value] = {case.rate: rate} if case.rate else {}
        short = case.short(_BATCH_EPOCHS, given | case.regularization, change)
        epochs += len(short.reports)
        end, at = _training(short), f" at {rate:.3g}" if case.rate else ""
        if end < 0:
            found = f"the loss went below zero{at}, from {start:.4g} to {end:.4g}"
            if case.has_cross_entropy:
                return ProbeResult(
                    "one batch",
                    f"{found}, which is no fit: no cross entropy can",
                    ("loss_output_mismatch",),
                    epochs=epochs,
                    decides=True,
                )
            return ProbeResult("one batch", f"{found}: too little is known of it to tell", epochs=epochs)
        if not short.is_broken and (end < _FITTED * start or short.last("train_accuracy") > 0.99):
            found = f"fitted{at}: its loss fell from {start:.4g} to {end:.4g} in {counted(len(short.reports), 'epoch')}"
            wrong = () if not n else ("lr_too_low",) if rate > rates[0] else ("lr_too_high",)
            return ProbeResult("one batch", found, wrong, _IN_CODE, epochs=epochs, decides=bool(wrong))
    found = f"not fitted{at}: its loss went from {start:.4g} to {end:.4g} in {counted(len(short.reports), 'epoch')}"
    in_code = (*_IN_CODE, "model_too_small")
    return ProbeResult(
        "one batch",
        found,
        points_to=in_code,
        rules_out=("overfitting", "data_leak", "labels_mismatched"),
        epochs=epochs,
    )


def sweep_of_rates(case: Case) -> ProbeResult:
    """Compare the learning rate with those of a sweep that would have done better."""
    if case.rate is None:
        return left_out("learning rates", "no parameter of the space is called as a learning rate is")
    sweep = lr_find(case.train, case.space, param=case.rate, setting=case.setting, seed=case.seed)
    case.sweep = sweep
    case.costs.append(sweep.epochs)
    both = ("lr_too_low", "lr_too_high")
    if sweep.suggestion is None:
        # nothing comes of a lower rate where the lowest diverges, nor of any where none moves the loss
        out = both if any(not point.diverged for point in sweep.points) else both[:1]
        return ProbeResult("learning rates", sweep.why, rules_out=out, epochs=sweep.epochs)
    rate = float(case.setting[case.rate])
    sign = -1 if sweep.direction == "maximize" else 1
    here, least = sign * sweep.loss_at(rate), min(sign * point.loss for point in sweep.points if not point.diverged)
    judged = f"a loss of {here:.4g}" if sign > 0 else f"{sweep.metric} {-here:.4g}"
    found = f"{sweep.suggestion:.2g} is suggested ({sweep.why}); {rate:.3g} as it is, with {judged}"
    start = sign * sweep.points[0].loss
    if case.n_classes > 1 and sweep.metric in ("val_loss", "train_loss"):
        start = min(start, math.log(case.n_classes))  # to come down to guessing is no learning
    if start - least < _GAINS * abs(start):
        case.sweep_tells = False
        return ProbeResult("learning rates", f"{found}: too little in so few epochs to tell", epochs=sweep.epochs)
    worse = not here <= least + _GAINS * abs(sweep.points[0].loss)
    if not (worse and _far(sweep.suggestion, rate)):
        return ProbeResult("learning rates", found, rules_out=both, epochs=sweep.epochs)
    low = sweep.suggestion > rate
    change = NextChange("lr", "increase" if low else "decrease", sweep.suggestion, "what the sweep of rates suggests")
    return ProbeResult(
        "learning rates", found, points_to=both[:1] if low else both[1:], rules_out=both[1:] if low else both[:1],
        epochs=sweep.epochs, next=change, decides=True,
    )  # fmt: skip


def higher_rate(case: Case) -> ProbeResult:
    """Compare a short run at a higher rate to the same epochs as it is, where a sweep's epochs were too few to tell."""
    name = "a higher rate"
    if case.rate is None or case.as_is is None or case.sweep_tells:
        return ProbeResult(name, "not needed: the sweep of rates says enough")
    rate = float(case.setting[case.rate])
    other = _other_rate(case, rate)
    if other is None or other <= rate:
        return left_out(name, f"training diverges above {rate:.3g}")
    n = min(case.n_short, len(case.as_is.reports))
    base = _best(case.as_is, n)
    if math.isinf(base):
        return left_out(name, _ASK_FOR_A_LOSS)
    short = case.short(n, {case.rate: other})
    loss = _best(short, n)
    found = f"in {counted(n, 'epoch')} the loss came to {base:.4g} at {rate:.3g}, to {loss:.4g} at {other:.3g}"
    if short.is_broken or not loss < base:
        return ProbeResult(name, found, rules_out=("lr_too_low",), epochs=n)
    is_lower = loss < (1 - _GAINS) * base
    start = math.nan if case.start is None else _start(case.start)
    # a loss of which most is noise that no network can learn falls little, however well it does
    gains = start - loss > max(_TIMES * (start - base), _GAINS / 2 * abs(start))
    if not (is_lower or gains):
        return ProbeResult(name, found, epochs=n)
    change = NextChange("lr", "increase", other, "the loss falls further there in as many epochs")
    return ProbeResult(name, found, ("lr_too_low",), ("lr_too_high",), epochs=n, next=change, decides=is_lower)


def without_regularization(case: Case) -> ProbeResult:
    """Compare a short run with dropout and weight decay off to the same epochs as it is."""
    off, labels = case.regularization, {"dropout": "dropout_too_high", "weight_decay": "weight_decay_too_high"}
    by_name = {parameter_of(key, case.space.names): label for key, label in labels.items()}
    if not off or case.as_is is None:
        return left_out("no regularization", "the setting has no dropout or weight decay that could be off")
    n = min(case.n_short, len(case.as_is.reports))
    base, epochs, costly = _best(case.as_is, n), 0, {}
    if math.isinf(base):
        return left_out("no regularization", _ASK_FOR_A_LOSS)
    trials = [off] if len(off) == 1 else [off, *({name: value} for name, value in off.items())]
    for given in trials:
        short = case.short(n, given)
        epochs += len(short.reports)
        costly[" and ".join(given)] = _best(short, n)
        if len(costly) == 1 and not costly[" and ".join(given)] < (1 - _HELD_BACK) * base:
            break  # not even both together
    lowest = next(iter(costly.values()))
    found = f"in {counted(n, 'epoch')} {base:.4g} as it is, " + ", ".join(
        f"{loss:.4g} without {name}" for name, loss in costly.items()
    )
    if not lowest < (1 - _HELD_BACK) * base:
        return ProbeResult("no regularization", found, rules_out=tuple(by_name[name] for name in off), epochs=epochs)
    # of two, those that bring at least a third of the gain by themselves
    single = {name: costly.get(name, lowest) for name in off}
    names = [name for name, loss in single.items() if base - loss > (base - lowest) / 3] or list(off)
    return ProbeResult(
        "no regularization", found, points_to=tuple(by_name[name] for name in names),
        rules_out=tuple(by_name[name] for name in off if name not in names), epochs=epochs, decides=len(names) == 1,
    )  # fmt: skip


def labels_at_random(case: Case) -> ProbeResult:
    """Train on shuffled labels: if these are learnt as well, the labels are unrelated to the rows."""
    if case.as_is is None or case.start is None or not case.may_change:
        return left_out("shuffled labels", _ask_for_arrays(case))
    if not case.start.curve("train_loss"):
        return left_out("shuffled labels", _ASK_FOR_LOSS)
    n = min(case.n_short, len(case.as_is.reports))
    short = case.short(n, {}, shuffled_labels(case.seed))
    true, other = _training(case.as_is, n), _training(short)
    start = min(_start(case.start), math.log(case.n_classes) if case.n_classes > 1 else math.inf)
    found = f"after {counted(n, 'epoch')} training loss is {true:.4g}, with shuffled labels {other:.4g}"
    if math.isnan(true) or math.isnan(other) or start - true < _GAINS * start:
        return ProbeResult("shuffled labels", f"{found}: too little to tell", epochs=n)
    if other < (1 + _GAINS) * true:
        return ProbeResult(
            "shuffled labels", f"{found}: as good as with their own", ("labels_mismatched",), epochs=n, decides=True
        )
    return ProbeResult("shuffled labels", f"{found}: the labels do say something of the rows", epochs=n)


def simple_models(case: Case) -> ProbeResult:
    """Train simple models on the same rows: what they get is possible, and what none of them gets may not be there."""
    if case.rows is None:
        return left_out("simple models", _ASK_FOR_DATA)
    found = baselines(case.rows, case.validation, case.seed)
    if isinstance(found, str):
        return left_out("simple models", found)
    network = _reached(case, "val_accuracy", found.floor) if found.of_classes else math.nan
    text = in_words(found)
    knows_nothing = found.best.score <= found.floor + found.noise
    if knows_nothing:
        if found.is_table and not network > found.floor + found.noise:
            return ProbeResult(
                "simple models", f"{text}: the labels may say nothing of the rows", ("labels_mismatched",)
            )
        return ProbeResult("simple models", f"{text}: too little to tell")
    out = ("labels_mismatched",) if found.on_validation or not network > found.floor + found.noise else ()
    known = possible_of(found, case.about, has_r2=bool(case.as_is and case.as_is.curve("val_r2")))
    return ProbeResult("simple models", text, rules_out=out, possible=known)


def possible_of(found: Baselines, about: Mapping[str, Any], *, has_r2: bool = False) -> Possible | None:
    """Return what the best simple model shows to be possible; None where it cannot be compared with a network.

    An error in numbers can be compared with a loss only where that is known to be the same.
    """
    model = f"{found.best.model} {'get' if found.best.model.endswith('s') else 'gets'}"
    of = "the validation rows" if found.on_validation else "training rows held out"
    score, noise = found.best.score, found.noise
    if score <= found.floor + noise:
        return None
    if found.of_classes:
        return Possible(score, "val_accuracy", f"{model} {100 * score:.3g} % of {of} right", noise)
    if has_r2:
        return Possible(score, "val_r2", f"{model} {score:.3g} on {of}", noise)
    if str(about.get("config", {}).get("loss", "")).lower() not in _SQUARED:
        return None
    error = found.best.error
    return Possible(error, "val_loss", f"{model} {error:.3g} on {of}", error * noise / max(1 - score, 1e-9))


def in_words(found: Baselines) -> str:
    """Format `the nearest neighbours 96.9 %, a linear model 51.2 % right of 160 rows held out; ...`."""
    if found.of_classes:
        each = ", ".join(f"{one.model} {100 * one.score:.3g} %" for one in found.found)
        floor = f"the largest class has {100 * found.floor:.3g} %"
        what = f"{each} right"
    else:
        each = ", ".join(f"{one.model} {100 * max(one.score, 0.0):.3g} %" for one in found.found)
        what, floor = f"{each} of the variance explained", f"a mean squared error of {found.best.error:.3g} at best"
    judged = f"{found.n_judged} {'validation rows' if found.on_validation else 'training rows held out'}"
    reduced = f" ({found.reduced})" if found.reduced else ""
    return f"{what}, of {judged}, fitted to {found.n_fitted}{reduced}; {floor}"


@dataclass(frozen=True, slots=True)
class Probe:
    """An experiment, and what has to be known of it before it is done."""

    name: str
    """The name of its result."""
    run: Callable[[Case], ProbeResult]
    max_epochs: Callable[[Case, int], int]
    """The most that it may cost, where the training as it is has so many epochs."""
    needs_as_is: bool = False
    """True if it compares with the training as it is, which is trained before the first of these."""


def _sweep_epochs(case: Case, n: int) -> int:  # noqa: ARG001  whatever a training has
    return 0 if case.rate is None else len(rates_of(case.space, case.rate, float(case.setting[case.rate])))


def _regularization_epochs(case: Case, n: int) -> int:
    n_runs = len(case.regularization)
    return (n_runs if n_runs < 2 else 3) * _short_epochs(n)


PROBES: tuple[Probe, ...] = (
    Probe("loss at start", loss_at_start, lambda _case, _n: 1),
    Probe("learning rates", sweep_of_rates, _sweep_epochs),
    Probe("one batch", fits_one_batch, lambda _case, _n: 2 * _BATCH_EPOCHS),
    Probe("simple models", simple_models, lambda _case, _n: 0, needs_as_is=True),
    Probe("a higher rate", higher_rate, lambda case, n: 0 if case.rate is None else _short_epochs(n), needs_as_is=True),
    Probe("no regularization", without_regularization, _regularization_epochs, needs_as_is=True),
    Probe("shuffled labels", labels_at_random, lambda _case, n: _short_epochs(n), needs_as_is=True),
)
"""In the order in which each can use what those before have found."""
_ASK_FOR_DATA = "pass the training rows through x, y = run.data(x, y)"
_ASK_FOR_A_LOSS = "report train_loss or val_loss"
_ASK_FOR_LOSS = "report train_loss, which alone shows what becomes of these rows"
_ASK_FOR_ARRAYS = "pass the training rows as arrays, x, y = run.data(x, y), which a probe can change"


def most_epochs(case: Case, n: int) -> int:
    """Return the most that the probes may cost, the run as it is of n epochs among it."""
    return n + sum(probe.max_epochs(case, n) for probe in PROBES)


def _short_epochs(n: int) -> int:
    return max(3, round(n / _SHORT))


def rows_seen(
    train: Train, space: SpaceLike, setting: Mapping[str, Any], seed: int = 0
) -> tuple[Rows, Rows | None] | None:
    """Return the rows that a training passes through `run.data`, which ends there; None if it passes none."""
    case = new_case(train, space, setting, seed)

    def look(arrays: Sequence[Any], validation: Sequence[Any] | None) -> None:
        case.look(arrays, validation)
        raise RunEnded

    train_shortly(train, Params(case.setting), seed=seed, epochs=0, look=look)
    return None if case.rows is None else (case.rows, case.validation)


def new_case(
    train: Train, space: SpaceLike, setting: Mapping[str, Any], seed: int, about: Mapping[str, Any] | None = None
) -> Case:
    """Begin the case of a training with a setting."""
    check_train(train)
    space = as_space(space)
    filled = space.filled(setting)
    rate = None
    if any(name.lower() in RATES for name in filled):
        rate = rate_of(space, next(name for name in filled if name.lower() in RATES))
    return Case(train, space, filled, rate, seed, about=about or {})


def _ask_for_arrays(case: Case) -> str:
    return _ASK_FOR_DATA if case.rows is None else _ASK_FOR_ARRAYS


def _what_it_should_be(case: Case) -> str:
    """Return what the loss of a network that knows nothing is compared with, where there are no classes."""
    if case.rows is None:
        return f"{_ASK_FOR_DATA}, to say what it should be"
    variance = facts_of(case.rows).get("target_variance")
    if variance is None:
        return "the labels are neither classes nor numbers, so nothing says what it should be"
    return f"predicting the mean of the targets costs {variance:.4g} of squared error"


def _reached(case: Case, metric: str, otherwise: float) -> float:
    """Return the best that the training as it is has reached."""
    values = [value for value in (case.as_is.curve(metric) if case.as_is else []) if math.isfinite(value)]
    return max(values, default=otherwise)


def _other_rate(case: Case, rate: float) -> float | None:
    """Return a second rate for a batch that the first does not fit: the sweep's, or a decade more if that is stable."""
    sweep = case.sweep
    if sweep is None:
        return None
    if sweep.suggestion and _far(sweep.suggestion, rate):
        return sweep.suggestion
    stable = [point.rate for point in sweep.points if not point.diverged and rate < point.rate <= _DECADE * rate]
    return max(stable, default=None)


def _start(short: ShortTraining) -> float:
    return _training(short)


def _training(short: ShortTraining, epoch: int | None = None) -> float:
    """Return the training loss, or else that of validation, at an epoch or in the end."""
    curve = short.curve("train_loss") or short.curve("val_loss")
    value = curve[min(epoch or len(curve), len(curve)) - 1] if curve else math.nan
    return value if math.isfinite(value) else math.nan


def _best(short: ShortTraining, n: int) -> float:
    """Return the least validation loss within n epochs; where it is not reported, the least training loss."""
    curve = [value for value in (short.curve("val_loss") or short.curve("train_loss"))[:n] if math.isfinite(value)]
    return min(curve, default=math.inf)


def _far(one: float, other: float) -> bool:
    return max(one, other) > _FAR * min(one, other)
