"""Rules about the learning rate, its schedule and the length of the training."""

from __future__ import annotations

import math

import numpy as np

from tunewell.diagnosis.rules.rule import Sign, both, either, known_or, lasting_error, ramp
from tunewell.diagnosis.rules.wording import (
    baseline,
    best_known,
    counted,
    course,
    figure,
    last_known,
    named,
    percent,
    rate_in_words,
)
from tunewell.diagnosis.signals import Signals

_USUAL_UPDATE = 1e-3


def diverges(s: Signals) -> Sign:
    """Detect a loss that is no longer finite, or far above its best (AutoTrainer, `loss_issue`; tuning playbook)."""
    run = s.run
    broken = np.flatnonzero(run.broken["train_loss"])
    with_rate = rate_in_words(run)
    if broken.size:
        epoch = float(run.epoch[broken[0]])
        return Sign(1.0, f"training loss was no finite number at epoch {epoch:g}{with_rate}", "train_loss", epoch)
    (best_at, best), (end_at, end) = best_known(run, "train_loss"), last_known(run, "train_loss")
    return Sign(
        either(ramp(s["loss_rise"], 0.1, 0.6), ramp(s["loss_last"], 1.1, 2.0)),
        f"{named(run, 'train_loss')} had its least, {figure(best)}, at epoch {best_at:g} and is {figure(end)} "
        f"at epoch {end_at:g}{with_rate}; {baseline(s)}",
        "train_loss",
        end_at,
    )


def swings(s: Signals) -> Sign:
    """Detect an accuracy that turns by three points or more at many epochs (AutoTrainer: zeta 0.03, eta 0.2)."""
    accuracy = s.run["train_accuracy"]
    fall = np.diff(accuracy)
    here = int(np.nanargmin(fall)) + 1 if np.isfinite(fall).any() else 0
    return Sign(
        both(ramp(s["accuracy_swings"], 0.05, 0.3), ramp(s["accuracy_worst_fall"], 0.02, 0.08)),
        f"{named(s.run, 'train_accuracy')} turned by more than 3 points at {percent(s['accuracy_swings'])} of the "
        f"epochs; its worst fall was {percent(s['accuracy_worst_fall'])}, at epoch {s.run.epoch[here]:g}"
        f"{rate_in_words(s.run)}",
        "train_accuracy",
        float(s.run.epoch[here]),
    )


def large_updates(s: Signals) -> Sign:
    """Detect steps that change the weights by much more than a thousandth (CS231n; TheDeepChecker: a tenth)."""
    ratio = 10 ** s["update_median"] * _USUAL_UPDATE
    return Sign(
        ramp(s["update_median"], 1.0, 2.0),
        f"a step changes the weights by {percent(ratio)} of their size{rate_in_words(s.run)}; 0.1 % is usual",
    )


def loss_jumps_at_once(s: Signals) -> Sign:
    """Detect first steps that raise the loss far above where it began (tuning playbook: an unstable workload)."""
    return Sign(
        ramp(s["step_early_peak"], 1.5, 4.0),
        f"within the first steps the loss rose to {figure(s['step_early_peak'])} times its value at "
        f"the start{rate_in_words(s.run)}",
        "train_loss",
        float(s.run.epoch[0]),
    )


def rate_above_usual(s: Signals) -> Sign:
    """Detect a learning rate, with momentum counted in, far above what is usual for the optimizer."""
    return Sign(
        ramp(s["rate_to_usual"], 0.7, 1.7),
        f"a learning rate of {figure(10 ** s['rate'])} moves the weights {figure(10 ** s['rate_to_usual'])} times as "
        f"far as is usual for {s.run.config.get('optimizer', 'any optimizer')}",
    )


def crawls(s: Signals) -> Sign:
    """Detect a loss that falls slowly and steadily to the end, as a straight line does (tuning playbook)."""
    return Sign(
        both(ramp(s["curvature"], 0.25, 0.7), ramp(s["loss_last"], 0.3, 0.7), ramp(s["loss_noise"], 0.05, 0.01)),
        f"{course(s.run, 'train_loss')}, and its second half brought {percent(s['curvature'])} of what the first "
        f"did{rate_in_words(s.run)}",
        "train_loss",
        last_known(s.run, "train_loss")[0],
    )


def hardly_moves(s: Signals) -> Sign:
    """Detect a loss that hardly leaves where it began (SageMaker, LossNotDecreasing)."""
    return Sign(
        ramp(s["loss_gain"], 0.3, 0.03),
        f"{course(s.run, 'train_loss')}; {baseline(s)}",
        "train_loss",
        last_known(s.run, "train_loss")[0],
    )


def small_updates(s: Signals) -> Sign:
    """Detect steps that change the weights by much less than a thousandth (CS231n; TheDeepChecker: 1e-4)."""
    ratio = 10 ** s["update_median"] * _USUAL_UPDATE
    return Sign(
        ramp(s["update_median"], -0.5, -1.5),
        f"a step changes the weights by {percent(ratio)} of their size{rate_in_words(s.run)}; 0.1 % is usual",
    )


def rate_below_usual(s: Signals) -> Sign:
    """Detect a learning rate, with momentum counted in, far below what is usual for the optimizer."""
    return Sign(
        ramp(s["rate_to_usual"], -0.7, -1.7),
        f"a learning rate of {figure(10 ** s['rate'])} moves the weights {figure(10 ** s['rate_to_usual'])} times as "
        f"far as is usual for {s.run.config.get('optimizer', 'any optimizer')}",
    )


def decayed_while_learning(s: Signals) -> Sign:
    """Detect a rate near zero long before the end, with much left to learn (tuning playbook: *or schedule*)."""
    at = s["decayed_at"]
    epoch = float(s.run.epoch[min(len(s.run) - 1, int(at * len(s.run)))]) if not math.isnan(at) else math.nan
    return Sign(
        both(ramp(known_or(at, 1.0), 0.75, 0.4), lasting_error(s, 0.03, 0.15)),
        f"the learning rate was under 5 % of its peak from epoch {epoch:g} of {s.run.epoch[-1]:g} on, when training "
        f"loss was {figure(s['loss_when_decayed'] * s.units.guess_loss)}; since then it fell by "
        f"{figure(s['gain_after_decay'] * s.units.guess_loss)}",
        "train_loss",
        epoch,
    )


def stops_while_improving(s: Signals) -> Sign:
    """Detect a last quarter that still took much of the loss away, validation's too (tuning playbook)."""
    gains = either(
        ramp(s["val_loss_gain_late_of_left"], 0.03, 0.2), ramp(s["val_accuracy_gain_late_of_left"], 0.03, 0.2)
    )
    late = max(s["loss_gain_late_of_left"], 0.0)  # of what is left, so more than all of it for a loss that halves
    return Sign(
        both(ramp(s["loss_gain_late_of_left"], 0.05, 0.3), gains),
        f"{course(s.run, 'train_loss')} and the last quarter of the epochs still took "
        f"{percent(late / (1 + late))} off it",
        "train_loss",
        last_known(s.run, "train_loss")[0],
    )


def few_epochs(s: Signals) -> Sign:
    """Detect so few epochs or steps that hardly any network is done (He et al.: 10,000s; small data, hundreds)."""
    steps = s["steps"]
    in_steps = "" if math.isnan(steps) else f", {counted(steps, 'step')}"
    return Sign(
        either(ramp(s["epochs"], 9, 3), ramp(steps, 250, 60)),
        f"the run had {counted(s['epochs'], 'epoch')}{in_steps}",
    )
