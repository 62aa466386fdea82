"""Experiments that settle a family of causes: one is worth ten guesses.

Each probe is a function of a `Case`: it trains shortly, and returns a `ProbeResult` with the causes that it points to
and those that it rules out. They come from Karpathy, "A recipe for training neural networks" (2019): look at the loss
at the start, overfit one batch, take regularization away; from Smith (2017), the range of learning rates; and from
Zhang et al., "Understanding deep learning requires rethinking generalization" (2017), labels at random.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tunewell.diagnosis import NextChange
from tunewell.diagnosis.readers.names import parameter_of
from tunewell.diagnosis.readers.trial import classes_of
from tunewell.display.formatting import counted
from tunewell.probing.rows import one_batch, shuffled_labels
from tunewell.probing.short_training import ShortTraining, checked, train_shortly
from tunewell.probing.sweep import Sweep, lr_find, rate_of, rates_of
from tunewell.space.space import Space, SpaceLike, as_space
from tunewell.space.usual_names import RATES
from tunewell.space.values import Params, Value
from tunewell.training.function import check_train
from tunewell.training.run import Change as ChangeOfData
from tunewell.training.run import Train

_STILL = 1e-6  # of the learning rate: nothing moves
_BATCH_EPOCHS = 5
_BATCH = 32  # rows, where the space says nothing
_FITTED = 0.1  # of the loss at the start
_AT_START = (0.5, 2.0)  # of ln(classes): between, nothing is wrong with the start
_FAR = 5.0  # times the learning rate
_GAINS = 0.1  # of a loss: what is less is noise
_HELD_BACK = 0.25  # of a loss: regularization that is right costs some at first
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
    as_is: ShortTraining | None = None
    """The training as it is."""
    costs: list[int] = field(default_factory=list)

    def short(self, epochs: int, changed: Mapping[str, Value], data: ChangeOfData | None = None) -> ShortTraining:
        """Train shortly with some values changed, or other data."""
        found = train_shortly(
            self.train, Params({**self.setting, **changed}), seed=self.seed, epochs=epochs, change=data
        )
        self.costs.append(len(found.reports))
        return found

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
        return ProbeResult("loss at start", "left out: report train_loss or val_loss", epochs=1)
    if case.start.is_broken or math.isnan(loss):
        return ProbeResult(
            "loss at start", "the loss is no finite number before anything has moved", points_to=_START, epochs=1
        )
    if loss < 0:
        return ProbeResult(
            "loss at start",
            f"{loss:.4g}: no cross entropy is below zero",
            points_to=("loss_output_mismatch",),
            epochs=1,
        )
    if not classes > 1:
        return ProbeResult("loss at start", f"{loss:.4g}; {_ASK_FOR_DATA}, to say what it should be", epochs=1)
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
    if case.start is None or case.start.n_rows is None:
        return ProbeResult("one batch", f"left out: {_ASK_FOR_DATA}")
    size = case.setting.get(parameter_of("batch_size", case.space.names) or "", _BATCH)
    change = one_batch(int(size) if isinstance(size, int | float) else _BATCH, case.seed)
    start = _start(case.start)
    rates = [float(case.setting[case.rate])] if case.rate else []
    if case.sweep is not None and case.sweep.suggestion and _far(case.sweep.suggestion, rates[0]):
        rates.append(case.sweep.suggestion)
    epochs = 0
    for n, rate in enumerate(rates or [math.nan]):
        given: dict[str, Value] = {case.rate: rate} if case.rate else {}
        short = case.short(_BATCH_EPOCHS, given | case.regularization, change)
        epochs += len(short.reports)
        end, at = _training(short), f" at {rate:.3g}" if case.rate else ""
        if not short.is_broken and (end < _FITTED * start or short.last("train_accuracy") > 0.99):
            found = f"fitted{at}: its loss fell from {start:.4g} to {end:.4g} in {counted(len(short.reports), 'epoch')}"
            wrong = () if not n else ("lr_too_low",) if rate > rates[0] else ("lr_too_high",)
            return ProbeResult("one batch", found, points_to=wrong, rules_out=_IN_CODE, epochs=epochs)
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
        return ProbeResult("learning rates", "left out: no parameter of the space is called as a learning rate is")
    sweep = lr_find(case.train, case.space, param=case.rate, setting=case.setting, seed=case.seed)
    case.sweep = sweep
    case.costs.append(sweep.epochs)
    both = ("lr_too_low", "lr_too_high")
    if sweep.suggestion is None:
        return ProbeResult("learning rates", sweep.why, epochs=sweep.epochs)
    rate = float(case.setting[case.rate])
    here, least = sweep.loss_at(rate), min(point.loss for point in sweep.points if not point.diverged)
    found = f"{sweep.suggestion:.2g} is suggested ({sweep.why}); {rate:.3g} as it is, with a loss of {here:.4g}"
    worse = not here <= least + _GAINS * abs(sweep.points[0].loss)
    if not (worse and _far(sweep.suggestion, rate)):
        return ProbeResult("learning rates", found, rules_out=both, epochs=sweep.epochs)
    low = sweep.suggestion > rate
    change = NextChange("lr", "increase" if low else "decrease", sweep.suggestion, "what the sweep of rates suggests")
    return ProbeResult(
        "learning rates", found, points_to=both[:1] if low else both[1:], rules_out=both[1:] if low else both[:1],
        epochs=sweep.epochs, next=change,
    )  # fmt: skip


def without_regularization(case: Case) -> ProbeResult:
    """Compare a short run with dropout and weight decay off to the same epochs as it is."""
    off, labels = case.regularization, {"dropout": "dropout_too_high", "weight_decay": "weight_decay_too_high"}
    by_name = {parameter_of(key, case.space.names): label for key, label in labels.items()}
    if not off or case.as_is is None:
        return ProbeResult(
            "no regularization", "left out: the setting has no dropout or weight decay that could be off"
        )
    n = min(case.n_short, len(case.as_is.reports))
    base, epochs, costly = _best(case.as_is, n), 0, {}
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
        rules_out=tuple(by_name[name] for name in off if name not in names), epochs=epochs,
    )  # fmt: skip


def labels_at_random(case: Case) -> ProbeResult:
    """Train on shuffled labels: if these are learnt as well, the labels are unrelated to the rows."""
    if case.as_is is None or case.start is None or case.start.n_rows is None:
        return ProbeResult("shuffled labels", f"left out: {_ASK_FOR_DATA}")
    n = min(case.n_short, len(case.as_is.reports))
    short = case.short(n, {}, shuffled_labels(case.seed))
    true, other = _training(case.as_is, n), _training(short)
    start = min(_start(case.start), math.log(case.n_classes) if case.n_classes > 1 else math.inf)
    found = f"after {counted(n, 'epoch')} training loss is {true:.4g}, with shuffled labels {other:.4g}"
    if math.isnan(true) or math.isnan(other) or start - true < _GAINS * start:
        return ProbeResult("shuffled labels", f"{found}: too little to tell", epochs=n)
    if other < (1 + _GAINS) * true:
        return ProbeResult(
            "shuffled labels", f"{found}: as good as with their own", points_to=("labels_mismatched",), epochs=n
        )
    return ProbeResult("shuffled labels", f"{found}: the labels do say something of the rows", epochs=n)


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
    Probe("no regularization", without_regularization, _regularization_epochs, needs_as_is=True),
    Probe("shuffled labels", labels_at_random, lambda _case, n: _short_epochs(n), needs_as_is=True),
)
"""In the order in which each can use what those before have found."""
_ASK_FOR_DATA = "pass the training rows through x, y = run.data(x, y)"


def most_epochs(case: Case, n: int) -> int:
    """Return the most that the probes may cost, the run as it is of n epochs among it."""
    return n + sum(probe.max_epochs(case, n) for probe in PROBES)


def _short_epochs(n: int) -> int:
    return max(3, round(n / _SHORT))


def new_case(train: Train, space: SpaceLike, setting: Mapping[str, Any], seed: int) -> Case:
    """Begin the case of a training with a setting."""
    check_train(train)
    space = as_space(space)
    filled = space.filled(setting)
    rate = None
    if any(name.lower() in RATES for name in filled):
        rate = rate_of(space, next(name for name in filled if name.lower() in RATES))
    return Case(train, space, filled, rate, seed)


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
