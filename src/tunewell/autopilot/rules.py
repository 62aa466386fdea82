"""What a good babysitter does, each thing a function of a `View`: what to do, and on what evidence; or nothing.

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

_THIRD = 3.0
_DIVERGED = 2.0  # times the least training loss since the last change
_PLAIN = 0.5  # a finding of the diagnosis that is acted upon
_LIKELY = 0.3  # of what is not healthy
_UNLEARNT = 0.15  # of the largest training loss
_PATIENCE = 1 / 6  # of a training, at least 4 epochs: a plateau
_IMPROVES = 1e-3  # of the best so far
_RISES = 0.05  # of the least validation loss
_FITS = 0.7  # of the training loss at the least validation loss
_THROWN = 3  # epochs
_EARLY = 1 / 6  # of a training
_TENTH = 10.0
_WAVERS = 0.2  # of the training loss
_NO_TREND = 0.97  # of its mean
_HELD = 0.9  # of the training loss at the least validation loss
_FALLS_BACK = 0.1  # of the least validation loss
_HALF = 0.5  # of the largest training loss
_CREEPS = 0.03  # of the training loss, in the patience for a plateau
_COLD = 0.02  # of the largest learning rate that was reported
_LAST = 0.1  # of the first learning rate: the last one of a usual schedule


@dataclass(frozen=True, slots=True)
class Action:
    """What a rule wants done."""

    kind: str
    """`rewind`, `set` or `stop`."""
    why: str
    """The evidence, in numbers."""
    setting: Mapping[str, Value] = field(default_factory=dict)
    epoch: int = 0
    """To which it is rewound."""
    undo: bool = True
    """Whether it is undone if nothing gets better."""
    by_loss: bool = False
    """A lower training loss is better too: where nothing was learnt, the metric goes up and down by chance."""


Rule = Callable[[View], Action | None]


def diverged(view: View) -> Action | None:
    """A loss that is no number, or twice its least: a third of the rate from the last good epoch; early, begin anew."""
    rate = view.rate()
    loss = view.since_change(view.curve("train_loss"))
    broken = not math.isfinite(view.metric[-1]) or (loss.size and not np.isfinite(loss[-1]) and _is_known(loss))
    rose = loss.size > 1 and loss[-1] > _DIVERGED * np.nanmin(loss) and loss[-1] > 0.1
    if rate is None or not (broken or rose):
        return None
    # so early there is no good epoch: the weights were thrown far before they had learnt anything, and a run that did
    # this is not worth coming back to either
    anew = view.epoch <= max(_THROWN, _EARLY * view.n)
    lower = view.moved(rate, float(view.values[rate]) / (_TENTH if anew else _THIRD))
    if lower is None:
        return None
    told = "the loss is no number" if broken else f"training loss rose from {np.nanmin(loss):.3g} to {loss[-1]:.3g}"
    told += f" at epoch {view.epoch} with {rate} {view.values[rate]:.3g}"
    return Action("rewind", told, {rate: lower}, 0 if anew else view.good_epoch(), undo=not anew)


def thrown(view: View) -> Action | None:
    """Validation loss is no longer as low as it was, and training loss has not fallen: the steps are too large."""
    rate = view.rate()
    train, val = view.since_change(view.curve("train_loss")), view.since_change(view.curve("val_loss"))
    if rate is None or len(val) <= _THROWN or not (_is_known(train) and _is_known(val)):
        return None
    best = int(np.nanargmin(val))
    after = slice(max(best + 1, len(val) - _THROWN), None)
    waited = len(val) - best - 1 >= _THROWN
    if not (
        waited and (val[after] > (1 + _FALLS_BACK) * val[best]).all() and np.nanmean(train[after]) > _HELD * train[best]
    ):
        return None
    lower = view.moved(rate, float(view.values[rate]) / _THIRD)
    if lower is None:
        return None
    told = f"validation loss was {val[best]:.3g} at epoch {view.changed_at + best + 1} and is {val[-1]:.3g}"
    told += f", training loss was {train[best]:.3g} and is {train[-1]:.3g}, with {rate} {view.values[rate]:.3g}"
    return Action("rewind", told, {rate: lower}, view.good_epoch())


def diagnosed(view: View) -> Action | None:
    """A plain finding whose change can be made: from the beginning while it is early, else of a live parameter."""
    for finding in view.diagnosis()[:1] if view.is_look else ():
        change = finding.next
        early = view.epoch <= view.n / 3
        # what a training reads at its start can be changed as well, where it begins anew
        name = view.parameter(change.param) if early else view.live(change.param)
        if finding.confidence < _PLAIN or name is None or not isinstance(change.value, int | float):
            return None
        value = view.moved(name, float(change.value))
        if value is None or (value > float(view.values[name])) is not (change.direction == "increase"):
            return None
        told = f"{finding.label}, {finding.confidence:.0%}: {finding.evidence}"
        # weights that were thrown far, or held back for long, are not worth going on from
        if early:
            is_slower = change.param == "lr" and change.direction == "decrease"
            return Action("rewind", told, {name: value}, 0, by_loss=is_slower)
        return Action("set", told, {name: value})
    return None


def bolder(view: View) -> Action | None:
    """Training loss fell at each of the first epochs: a rate three times as high may get as far in fewer."""
    rate, loss = view.rate(), view.curve("train_loss")
    if (
        rate is None
        or not view.is_look
        or view.epoch > _EARLY * view.n
        or view.changed_at
        or not (np.diff(loss) < 0).all()
    ):
        return None
    higher = view.moved(rate, _THIRD * float(view.values[rate]))
    if higher is None or any(float(values[rate]) > float(view.values[rate]) for values in view.left):
        return None  # it was lowered because it was too high
    return Action("rewind", f"training loss fell at each of the first {view.epoch} epochs", {rate: higher}, 0)


def blank(view: View) -> Action | None:
    """Training loss wavers where it is, or the first epochs were the best: steps that throw the weights about."""
    rate, loss = view.rate(), view.since_change(view.curve("train_loss"))[1:]
    early = view.is_look and view.epoch <= view.n / 3
    if rate is None or not early or len(loss) < _THROWN or not np.isfinite(loss).all():
        return None
    wavers = np.ptp(loss) <= _WAVERS * loss.max() and loss[-1] >= _NO_TREND * loss.mean()
    best = int(np.argmin(np.where(np.isfinite(view.metric), view.metric, math.inf))) + 1
    forgets = best <= view.n / 9 and view.epoch - best > _THROWN and loss[-1] > _HALF * loss.max()
    if not (wavers or forgets) or (np.diff(loss) < 0).all():
        return None
    lower = view.moved(rate, float(view.values[rate]) / _TENTH)
    if lower is None:
        return None
    told = f"training loss stays between {loss.min():.3g} and {loss.max():.3g}, nothing is better than at epoch {best}"
    return Action("rewind", told, {rate: lower}, 0, by_loss=True)


def cooled(view: View) -> Action | None:
    """The schedule brought the rate down long before the end: from the beginning with a slower one, or the rate up."""
    rate, told = view.rate(), view.curve("lr")
    if not _is_known(told) or view.epoch > 2 * view.n / 3 or len(view.since_change(told)) < _THROWN:
        return None
    top, now = float(np.nanmax(told)), float(told[-1])
    if not 0 < now < _COLD * top:
        return None
    why = f"the rate was {top:.3g} and is {now:.3g} after {view.epoch} of {view.n} epochs"
    decay = view.parameter("lr_schedule")
    if decay is not None and view.epoch <= view.n / 3:
        slower = view.moved(decay, _LAST ** (1 / view.n))
        if slower is not None and slower > float(view.values[decay]):
            # a rate that is high still looks worse at first than one that has come down, so it is not judged by that
            return Action("rewind", why, {decay: slower}, 0, undo=False)
    higher = None if rate is None else view.moved(rate, float(view.values[rate]) * top / _THIRD / now)
    return None if rate is None or higher is None else Action("set", why, {rate: higher}, undo=False)


def stuck(view: View) -> Action | None:
    """Nothing improves, and the training rows are not learnt: the likeliest cause, even if it is not a plain one."""
    loss = view.curve("train_loss")
    if not _is_known(loss) or view.epoch <= view.n / 3 or loss[-1] < _UNLEARNT * np.nanmax(loss):
        return None
    if not _stands_still(loss, _patience(view), _CREEPS):
        return None
    faults = [finding for finding in view.diagnosis() if finding.label != "healthy"]
    share = sum(finding.confidence for finding in faults)
    for finding in faults:
        name, value = view.live(finding.next.param), finding.next.value
        if finding.confidence < _LIKELY * share or name is None or not isinstance(value, int | float):
            continue
        moved = view.moved(name, float(value))
        if moved is not None:
            told = f"training loss stays at {loss[-1]:.3g}; {finding.label}: {finding.evidence}"
            return Action("set", told, {name: moved}, by_loss=True)
    return None


def overfits(view: View) -> Action | None:
    """Validation loss rises while training loss falls: more dropout or weight decay if they are live, else stop."""
    train, val = view.curve("train_loss"), view.curve("val_loss")
    if not (_is_known(train) and _is_known(val)):
        return None
    best = int(np.nanargmin(val))
    waited = view.epoch - best - 1
    fits = train[-1] < _FITS * train[best] and train[-1] < val[-1]
    if view.epoch <= view.n / 3 or waited < _patience(view) or not (fits and val[-1] > (1 + _RISES) * val[best]):
        return None
    told = f"validation loss rose from {val[best]:.3g} at epoch {best + 1} to {val[-1]:.3g}, training loss fell"
    for key, value in (("dropout", 0.3), ("weight_decay", 1e-3)):
        name = view.live(key)
        more = None if name is None else view.moved(name, max(value, 2 * float(view.values[name])))
        if name is not None and more is not None and more > float(view.values[name]):
            return Action("rewind", told, {name: more}, view.good_epoch())
    return None if view.metric[-1] <= np.nanmin(view.metric) else Action("stop", told, undo=False)


def plateau(view: View) -> Action | None:
    """Nothing has improved for a while: a third of the rate."""
    rate = view.rate()
    since = view.since_change(view.metric)
    losses = [curve for name in ("train_loss", "val_loss") if _is_known(curve := view.since_change(view.curve(name)))]
    patience = _patience(view)
    if rate is None or len(since) <= patience or not view.n / 3 < view.epoch < view.n - 2:
        return None
    if not all(_stands_still(curve, patience) for curve in (since, *losses[:1])):
        return None
    if not losses and np.nanmean(since[-patience:]) < np.nanmean(since[:-patience][-patience:]):
        return None  # a best value may be luck where there is no loss beside it; the mean still gets better
    lower = view.moved(rate, float(view.values[rate]) / _THIRD)
    if lower is None:
        return None
    return Action("set", f"nothing improved in the last {patience} epochs", {rate: lower}, undo=False)


RULES: tuple[Rule, ...] = (diverged, diagnosed, thrown, bolder, blank, cooled, stuck, overfits, plateau)
"""The first one that wants something done is heard."""


def _patience(view: View) -> int:
    return max(4, round(_PATIENCE * view.n))


def _stands_still(curve: Floats, patience: int, share: float = _IMPROVES) -> bool:
    """No value of the last epochs is better than the best before, by more than a share of it; False if none was."""
    if not _is_known(curve[:-patience]) or not _is_known(curve[-patience:]):
        return False
    before, late = np.nanmin(curve[:-patience]), np.nanmin(curve[-patience:])
    return bool(late > before - share * abs(before))


def _is_known(curve: Floats) -> bool:
    return bool(np.isfinite(curve).any())
