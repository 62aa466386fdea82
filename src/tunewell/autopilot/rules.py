"""Rules of a good babysitter, each a function of a `View` that returns an action and its evidence, or None.

They come from Karpathy, "A recipe for training neural networks" (2019), and the tuning playbook (Godbole et al., 2023):
go back and lower the rate when training diverges, raise it when nothing moves, lower it on a plateau, regularize or
stop when validation turns. A rule of one's own is one more function in the tuple that the autopilot is given.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from tunewell.arrays import Floats
from tunewell.autopilot.view import View
from tunewell.space.values import Value

LR_CUT = 3.0
LR_RAISE = 3.0
LR_RESTART_CUT = 10.0
DIVERGED_LOSS = 2.0  # times the least training loss since the last change
MIN_CONFIDENCE = 0.5  # of a finding that is acted upon
MIN_FAULT_SHARE = 0.3  # of the confidence in all faults, where a run is stuck
UNLEARNED_LOSS = 0.15  # of the largest training loss
PLATEAU = 1 / 6  # of a training, at least 4 epochs
MIN_IMPROVEMENT = 1e-3  # of the best so far
MIN_IMPROVEMENT_WHERE_STUCK = 0.03  # of the training loss, in the epochs of a plateau
VAL_LOSS_RISE = 0.05  # of the least validation loss, where a run overfits
VAL_LOSS_SPIKE = 0.1  # of the least validation loss
TRAIN_LOSS_FITTED = 0.7  # of the training loss at the least validation loss
TRAIN_LOSS_KEPT = 0.9  # of the training loss at the least validation loss
MIN_EPOCHS = 3  # before a curve is judged
EARLY = 1 / 6  # of a training
NOISE_RANGE = 0.2  # of the training loss
NO_TREND = 0.97  # of the mean training loss
UNLEARNED_AGAIN = 0.5  # of the largest training loss
DECAYED_LR = 0.02  # of the largest learning rate that was reported
USUAL_LAST_LR = 0.1  # of the first learning rate, by a usual schedule


@dataclass(frozen=True, slots=True)
class SteeringAction:
    """An action that a rule wants taken."""

    kind: str
    """`rewind`, `set` or `stop`."""
    why: str
    """The evidence, in numbers."""
    setting: Mapping[str, Value] = field(default_factory=dict)
    epoch: int = 0
    """The epoch to rewind to."""
    undo: bool = True
    """True if it is undone where nothing gets better."""
    by_loss: bool = False
    """A lower training loss is better too: where nothing was learnt, the metric goes up and down by chance."""


SteeringRule = Callable[[View], SteeringAction | None]


def diverged(view: View) -> SteeringAction | None:
    """Cut the rate from the last good epoch where the loss is no number, or twice its least; early, begin anew."""
    rate = view.rate()
    loss = view.since_change(view.curve("train_loss"))
    broken = not math.isfinite(view.metric[-1]) or (loss.size and not np.isfinite(loss[-1]) and _is_known(loss))
    rose = loss.size > 1 and _is_known(loss) and loss[-1] > DIVERGED_LOSS * np.nanmin(loss) and loss[-1] > 0.1
    if rate is None or not (broken or rose):
        return None
    # so early there is no good epoch: the weights went far before they had learnt anything, and a run that did this is
    # not worth coming back to either
    anew = view.epoch <= max(MIN_EPOCHS, EARLY * view.max_epochs)
    lower = view.new_value(rate, float(view.values[rate]) / (LR_RESTART_CUT if anew else LR_CUT))
    if lower is None:
        return None
    why = "the loss is no number" if broken else f"training loss rose from {np.nanmin(loss):.3g} to {loss[-1]:.3g}"
    why += f" at epoch {view.epoch} with {rate} {view.values[rate]:.3g}"
    return SteeringAction("rewind", why, {rate: lower}, 0 if anew else view.good_epoch(), undo=not anew)


def loss_spike(view: View) -> SteeringAction | None:
    """Cut the rate from the last good epoch where validation loss rose and training loss has not fallen."""
    rate = view.rate()
    train, val = view.since_change(view.curve("train_loss")), view.since_change(view.curve("val_loss"))
    if rate is None or len(val) <= MIN_EPOCHS or not (_is_known(train) and _is_known(val)):
        return None
    best = int(np.nanargmin(val))
    after = slice(max(best + 1, len(val) - MIN_EPOCHS), None)
    waited = len(val) - best - 1 >= MIN_EPOCHS
    rose = bool((val[after] > (1 + VAL_LOSS_SPIKE) * val[best]).all())
    if not (waited and rose and np.nanmean(train[after]) > TRAIN_LOSS_KEPT * train[best]):
        return None
    lower = view.new_value(rate, float(view.values[rate]) / LR_CUT)
    if lower is None:
        return None
    why = f"validation loss was {val[best]:.3g} at epoch {view.changed_at + best + 1} and is {val[-1]:.3g}"
    why += f", training loss was {train[best]:.3g} and is {train[-1]:.3g}, with {rate} {view.values[rate]:.3g}"
    return SteeringAction("rewind", why, {rate: lower}, view.good_epoch())


def diagnosed(view: View) -> SteeringAction | None:
    """Make the change of a confident finding: from the beginning while it is early, else of a live parameter."""
    for finding in view.diagnosis()[:1] if view.is_review else ():
        change = finding.next
        early = view.epoch <= view.max_epochs / 3
        # what a training reads at its start can be changed as well, where it begins anew
        name = view.parameter(change.param) if early else view.live(change.param)
        if finding.confidence < MIN_CONFIDENCE or name is None or not isinstance(change.value, int | float):
            return None
        value = view.new_value(name, float(change.value))
        if value is None or (value > float(view.values[name])) is not (change.direction == "increase"):
            return None
        why = f"{finding.label}, {finding.confidence:.0%}: {finding.evidence}"
        # weights that went far, or were held back for long, are not worth going on from
        if early:
            is_slower = change.param == "lr" and change.direction == "decrease"
            return SteeringAction("rewind", why, {name: value}, 0, by_loss=is_slower)
        return SteeringAction("set", why, {name: value})
    return None


def raise_lr(view: View) -> SteeringAction | None:
    """Begin with three times the rate where training loss fell steadily: it may get as far in fewer epochs."""
    rate, loss = view.rate(), view.curve("train_loss")
    if (
        rate is None
        or not view.is_review
        or view.epoch > EARLY * view.max_epochs
        or view.changed_at
        or not (np.diff(loss) < 0).all()
    ):
        return None
    higher = view.new_value(rate, LR_RAISE * float(view.values[rate]))
    if higher is None or any(float(values[rate]) > float(view.values[rate]) for values in view.values_before):
        return None  # it was lowered because it was too high
    return SteeringAction("rewind", f"training loss fell at each of the first {view.epoch} epochs", {rate: higher}, 0)


def no_learning(view: View) -> SteeringAction | None:
    """Begin with a tenth of the rate where training loss has no trend, or the first epochs were the best."""
    rate, loss = view.rate(), view.since_change(view.curve("train_loss"))[1:]
    early = view.is_review and view.epoch <= view.max_epochs / 3
    if rate is None or not early or len(loss) < MIN_EPOCHS or not np.isfinite(loss).all():
        return None
    is_noisy = np.ptp(loss) <= NOISE_RANGE * loss.max() and loss[-1] >= NO_TREND * loss.mean()
    best = int(np.argmin(np.where(np.isfinite(view.metric), view.metric, math.inf))) + 1
    is_unlearned = (
        best <= view.max_epochs / 9 and view.epoch - best > MIN_EPOCHS and loss[-1] > UNLEARNED_AGAIN * loss.max()
    )
    if not (is_noisy or is_unlearned) or (np.diff(loss) < 0).all():
        return None
    lower = view.new_value(rate, float(view.values[rate]) / LR_RESTART_CUT)
    if lower is None:
        return None
    why = f"training loss stays between {loss.min():.3g} and {loss.max():.3g}, nothing is better than at epoch {best}"
    return SteeringAction("rewind", why, {rate: lower}, 0, by_loss=True)


def lr_decayed_early(view: View) -> SteeringAction | None:
    """Begin with a slower schedule, or raise the rate, where the schedule lowered it long before the end."""
    rate, rates = view.rate(), view.curve("lr")
    if not _is_known(rates) or view.epoch > 2 * view.max_epochs / 3 or len(view.since_change(rates)) < MIN_EPOCHS:
        return None
    top, now = float(np.nanmax(rates)), float(rates[-1])
    if not 0 < now < DECAYED_LR * top:
        return None
    why = f"the rate was {top:.3g} and is {now:.3g} after {view.epoch} of {view.max_epochs} epochs"
    decay = view.parameter("lr_schedule")
    if decay is not None and view.epoch <= view.max_epochs / 3:
        slower = view.new_value(decay, USUAL_LAST_LR ** (1 / view.max_epochs))
        if slower is not None and slower > float(view.values[decay]):
            # a rate that is high still looks worse at first than one that has come down, so it is not judged by that
            return SteeringAction("rewind", why, {decay: slower}, 0, undo=False)
    higher = None if rate is None else view.new_value(rate, float(view.values[rate]) * top / LR_CUT / now)
    return None if rate is None or higher is None else SteeringAction("set", why, {rate: higher}, undo=False)


def stuck(view: View) -> SteeringAction | None:
    """Change what the likeliest finding names, confident or not, where training rows are not learnt."""
    loss = view.curve("train_loss")
    if not _is_known(loss) or view.epoch <= view.max_epochs / 3 or loss[-1] < UNLEARNED_LOSS * np.nanmax(loss):
        return None
    if not _stands_still(loss, _plateau_epochs(view), MIN_IMPROVEMENT_WHERE_STUCK):
        return None
    faults = [finding for finding in view.diagnosis() if finding.label != "healthy"]
    share = sum(finding.confidence for finding in faults)
    for finding in faults:
        name, value = view.live(finding.next.param), finding.next.value
        if finding.confidence < MIN_FAULT_SHARE * share or name is None or not isinstance(value, int | float):
            continue
        moved = view.new_value(name, float(value))
        if moved is not None:
            why = f"training loss stays at {loss[-1]:.3g}; {finding.label}: {finding.evidence}"
            return SteeringAction("set", why, {name: moved}, by_loss=True)
    return None


def overfits(view: View) -> SteeringAction | None:
    """Raise dropout or weight decay where validation loss rises and training loss falls; if not live, stop."""
    train, val = view.curve("train_loss"), view.curve("val_loss")
    if not (_is_known(train) and _is_known(val)):
        return None
    best = int(np.nanargmin(val))
    waited = view.epoch - best - 1
    is_fitted = train[-1] < TRAIN_LOSS_FITTED * train[best] and train[-1] < val[-1]
    if (
        view.epoch <= view.max_epochs / 3
        or waited < _plateau_epochs(view)
        or not (is_fitted and val[-1] > (1 + VAL_LOSS_RISE) * val[best])
    ):
        return None
    why = f"validation loss rose from {val[best]:.3g} at epoch {best + 1} to {val[-1]:.3g}, training loss fell"
    for key, value in (("dropout", 0.3), ("weight_decay", 1e-3)):
        name = view.live(key)
        more = None if name is None else view.new_value(name, max(value, 2 * float(view.values[name])))
        if name is not None and more is not None and more > float(view.values[name]):
            return SteeringAction("rewind", why, {name: more}, view.good_epoch())
    return None if view.metric[-1] <= np.nanmin(view.metric) else SteeringAction("stop", why, undo=False)


def plateau(view: View) -> SteeringAction | None:
    """Cut the rate where nothing has improved for a while."""
    rate = view.rate()
    since = view.since_change(view.metric)
    losses = [curve for name in ("train_loss", "val_loss") if _is_known(curve := view.since_change(view.curve(name)))]
    n_epochs = _plateau_epochs(view)
    if rate is None or len(since) <= n_epochs or not view.max_epochs / 3 < view.epoch < view.max_epochs - 2:
        return None
    if not all(_stands_still(curve, n_epochs) for curve in (since, *losses[:1])):
        return None
    if not losses and np.nanmean(since[-n_epochs:]) < np.nanmean(since[:-n_epochs][-n_epochs:]):
        return None  # a best value may be luck where there is no loss beside it; the mean still gets better
    lower = view.new_value(rate, float(view.values[rate]) / LR_CUT)
    if lower is None:
        return None
    return SteeringAction("set", f"nothing improved in the last {n_epochs} epochs", {rate: lower}, undo=False)


RULES: tuple[SteeringRule, ...] = (
    diverged,
    diagnosed,
    loss_spike,
    raise_lr,
    no_learning,
    lr_decayed_early,
    stuck,
    overfits,
    plateau,
)
"""Of the actions that rules want, that of the first rule is taken."""


def _plateau_epochs(view: View) -> int:
    return max(4, round(PLATEAU * view.max_epochs))


def _stands_still(curve: Floats, n_epochs: int, share: float = MIN_IMPROVEMENT) -> bool:
    """Return True if no value of the last epochs beats the best before by more than a share; False if unknown."""
    if not _is_known(curve[:-n_epochs]) or not _is_known(curve[-n_epochs:]):
        return False
    before, late = np.nanmin(curve[:-n_epochs]), np.nanmin(curve[-n_epochs:])
    return bool(late > before - share * abs(before))


def _is_known(curve: Floats) -> bool:
    return bool(np.isfinite(curve).any())
