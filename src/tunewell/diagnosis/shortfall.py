"""The causes of a run that ends below what is known to be possible, where no sign of one is plain.

To the trees such a run looks healthy, or like nothing. What it can have then follows from what it was doing when it
ended (Ng, Machine Learning Yearning, chapters 20 to 32; the tuning playbook): it was still on its way; or it had
learned its own rows and no others; or it had levelled off short of what is possible, on its own rows too.
"""

from __future__ import annotations

import math

import numpy as np

from tunewell.arrays import Floats
from tunewell.diagnosis.findings import LABELS
from tunewell.diagnosis.goal import Goal, lower_is_better, name_of
from tunewell.diagnosis.possible import is_broken
from tunewell.diagnosis.rules.fact import NO_FACT, Fact
from tunewell.diagnosis.rules.rule import Sign, both, known_or, ramp
from tunewell.diagnosis.rules.wording import best_known, figure, last_known, percent
from tunewell.diagnosis.signals import Signals
from tunewell.diagnosis.signals.summaries import end, finite, start

_FEWEST = 4
"""Epochs, to see how a curve ends."""
_ON_ITS_WAY = (0.04, 0.14)
"""Of all that a curve has gained, in the last quarter against the one before; 0.25 of a straight line."""
_LEVEL = (0.06, 0.015)
_ABOVE_NOISE = (1.0, 3.0)
"""Standard errors of that."""
_RISEN = (0.02, 0.1)
"""Decades of validation loss above its least."""
_OF_THE_REST = 0.6
"""So much of what the other causes have goes to those that are seen here, where none of them is plain."""
_IS_HEALTHY = np.array(LABELS) == "healthy"


def shown_short_of(goal: Goal, s: Signals) -> Fact:
    """Return how a run ended that falls short of a goal, the plainest of the three ways; none if it broke."""
    if is_broken(s):
        return NO_FACT
    found = (_was_on_its_way(s), _learned_its_own_rows(goal, s), _has_levelled_off(goal, s))
    return max(found, key=lambda fact: known_or(fact.sign.strength, 0.0))


def with_shortfall(chances: Floats, fact: Fact, plainest: Floats) -> Floats:
    """Return the probabilities, (K,), of a run that is known not to be healthy, with regard to how it ended.

    What `healthy` had goes to the causes that end so: the trees took the run for one of these at their mildest. Of what
    the others have, some goes the same way, the less the plainer the sign of one of them is, and none where the trees
    have a favourite among them.

    plainest: the strength of the plainest sign of each cause, (K,).
    """
    odds = np.array([fact.causes.get(label, 0.0) for label in LABELS]) * (chances > 0)
    if not odds.sum() > 0 or not fact.sign.strength > 0:
        return np.where(_IS_HEALTHY, 0.0, chances)
    odds = odds * np.sqrt(np.maximum(chances, chances.max() / 10))
    odds = odds / odds.sum()
    others = np.where(_IS_HEALTHY | (odds > 0), 0.0, chances)
    is_judged = np.array([label in fact.causes for label in LABELS])
    plain = float(np.where(is_judged, 0.0, np.nan_to_num(plainest)).max())
    favourite = float(others.max() / max(chances[~_IS_HEALTHY].sum(), 1e-12))
    taken = fact.sign.strength * _OF_THE_REST * (1 - plain) * max(0.0, 1 - 2 * favourite)
    given = fact.sign.strength * float(chances[_IS_HEALTHY].sum()) + taken * float(others.sum())
    kept = np.where(_IS_HEALTHY, 0.0, np.where(odds > 0, chances, (1 - taken) * chances))
    result: Floats = kept + given * odds
    return result


def _curve(s: Signals) -> str:
    """Return the loss that shows whether a run still learns: training's, or else validation's."""
    reported = (name for name in ("train_loss", "val_loss") if name not in s.run.estimated)
    return next((name for name in reported if finite(s.run[name]).size >= _FEWEST), "")


def _late_share(values: Floats) -> tuple[float, float]:
    """Return what the last quarter is below the one before, as a share of all gained, and in standard errors."""
    known = finite(values)
    n = max(1, len(known) // 4)
    before, last = known[-2 * n : -n], known[-n:]
    late = float(before.mean() - last.mean())
    gained = float(known[0] - known.min())
    noise = float(np.median(np.abs(np.diff(known, 2)))) / math.sqrt(n)  # a slope has no second difference
    return (late / gained if gained > 0 else 0.0), (late / noise if noise > 0 else math.inf if late > 0 else 0.0)


def _was_on_its_way(s: Signals) -> Fact:
    """Detect a loss that was still falling: more of the same, or longer steps, would have got further."""
    name = _curve(s)
    if not name:
        return NO_FACT
    share, errors = _late_share(s.run[name])
    strength = both(
        ramp(share, *_ON_ITS_WAY),
        ramp(errors, *_ABOVE_NOISE),
        1 - known_or(ramp(s["val_loss_rise_ratio"], *_RISEN), 0.0),
    )
    usual, curvature = s["rate_to_usual"], s["curvature"] if name == "train_loss" else math.nan
    epoch, last = last_known(s.run, name)
    sign = Sign(
        strength,
        f"{name_of(name)} was still falling, to {figure(last)} at epoch {epoch:g}: the last quarter of the epochs took "
        f"{percent(share)} of all that it has come down by",
        name,
        epoch,
    )
    straight = known_or(ramp(curvature, 0.4, 0.9), 0.5)
    return Fact(
        sign,
        {
            "lr_too_low": (1 + straight) * (0.3 if usual > 0.5 else 3.0 if usual < -0.5 else 1.0),
            "too_few_epochs": 2.0 if s["epochs"] < 8 or s["steps"] < 250 else 1.0,
            "batch_size_too_large": 0.0 if s["steps_per_epoch"] > 8 else 0.5,
            "model_too_small": 0.0,  # it has not levelled off, whatever share of the loss is left
        },
    )


def _learned_its_own_rows(goal: Goal, s: Signals) -> Fact:
    """Detect training rows on which the run is as good as is possible, while others are short of it."""
    split, _, kind = goal.metric.partition("_")
    curves = {**s.run.curves, **s.run.scores}
    name = f"train_{kind}"
    if split != "val" or name in s.run.estimated or name not in curves or not finite(curves[name]).size:
        return NO_FACT
    way = -1 if lower_is_better(goal.metric) else 1
    reached = end(curves[name])
    behind, apart = way * (goal.possible - reached), way * (reached - goal.reached)
    if not apart > 0:
        return NO_FACT
    shown = percent if kind == "accuracy" else figure
    sign = Sign(
        ramp(behind / apart, 0.25, 0.0),
        f"training rows are at {shown(reached)}, and others at {shown(goal.reached)}: what was learned does not hold "
        "for new rows",
        goal.metric if goal.metric in s.run.curves else "",
        goal.epoch,
    )
    return Fact(sign, {"overfitting": 3.0, "distribution_shift": 1.0})


def _has_levelled_off(goal: Goal, s: Signals) -> Fact:
    """Detect a loss that has levelled off, and training rows that are no better than others."""
    name = _curve(s)
    if not name:
        return NO_FACT
    share, _ = _late_share(s.run[name])
    known = finite(s.run[name])
    strength = both(ramp(share, *_LEVEL), 1 - known_or(ramp(s.gap, 0.05, 0.15), 0.0), ramp(start(known), 0.0, 1e-9))
    (at, best), (_, last) = best_known(s.run, name), last_known(s.run, name)
    usual = s["rate_to_usual"]
    sign = Sign(
        0.5 * known_or(strength, 0.0),  # as many can show it as can hold a network back at all
        f"{name_of(name)} has levelled off, at {figure(last)} with its least of {figure(best)} at epoch {at:g}, and "
        f"{name_of(goal.metric)} with it",
        name,
        at,
    )
    return Fact(
        sign,
        {
            "model_too_small": 1.5,
            "lr_too_high": 2.0 if usual > 0.5 else 0.7,
            "lr_too_low": 1.5 if usual < -0.5 else 0.4,
            "lr_decays_too_early": 2.0 if s["decayed_at"] < 0.8 else 0.0,
            "dropout_too_high": 1.5 if s["dropout"] >= 0.3 else 0.0,
            "weight_decay_too_high": 1.5 if s["weight_decay_pull_total"] > 0 else 0.0,
        },
    )
