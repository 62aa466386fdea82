"""Rules about the network itself: its start, and whether gradients reach its layers."""

from __future__ import annotations

import math

import numpy as np

from tunewell.diagnosis.rules.rule import Sign, both, either, known_or, ramp
from tunewell.diagnosis.rules.wording import classes, counted, course, figure, last_known, percent, reached
from tunewell.diagnosis.signals import Signals

_STILL = 1e-9  # an update ratio below is none


def starts_far_from_guessing(s: Signals) -> Sign:
    """Detect a first loss far above ln(classes) (Karpathy: verify the loss at the start)."""
    value = s["step_first"] if s.known("step_first") else s["loss_first"]
    what = "the first step" if s.known("step_first") else "the first epoch"
    return Sign(
        math.nan if s.run.by_loss else ramp(value, 1.6, 4.0),
        f"the loss of {what} was {figure(value * s.units.guess_loss)}; a fresh classifier of "
        f"{classes(s)} has about {s.units.guess_loss:.3g}",
        "train_loss",
        float(s.run.epoch[0]),
    )


def starts_at_exactly_guessing(s: Signals) -> Sign:
    """Detect a first loss of exactly ln(classes): outputs alike, as from zero or equal weights."""
    return Sign(
        ramp(abs(s["step_first"] - 1), 3e-3, 2e-4)
        if s.units.classes_known
        else math.nan,  # else taken from this very loss
        f"the loss of the first step was {s['step_first'] * s.units.guess_loss:.5f}, ln({s.units.n_classes:.0f}) to "
        f"the last digits: the network began with equal outputs for all classes",
        "train_loss",
        float(s.run.epoch[0]),
    )


def weights_start_unusually(s: Signals) -> Sign:
    """Detect matrices far from He's or Glorot's initialization in size (SageMaker: variance x 10)."""
    most, least = s["layer_weights_to_usual_most"], s["layer_weights_to_usual_least"]
    off = most if abs(known_or(most, 0)) > abs(known_or(least, 0)) else least
    return Sign(
        either(ramp(most, 0.4, 1.0), ramp(least, -0.9, -1.6)),
        f"after the first epoch a weight matrix has {figure(10**off)} times the norm that He's initialization gives it",
    )


def signal_fades_or_swells(s: Signals) -> Sign:
    """Detect activations that are many times smaller or larger than the inputs after epoch 1 (Glorot, 2010)."""
    least, most = s["activation_least_at_start"], s["activation_most_at_start"]
    return Sign(
        either(ramp(least, -1.5, -3.0), ramp(most, 1.0, 2.0)),
        f"after the first epoch the spread of a hidden layer's outputs is {figure(10**least)} at least and "
        f"{figure(10**most)} at most",
    )


def units_never_fire(s: Signals) -> Sign:
    """Detect a layer with mostly dead rectified units (AutoTrainer: 70 %; SageMaker: 50 %)."""
    most = s["layer_dead_most"] if s.known("layer_dead_most") else s["dead_last"]
    return Sign(
        either(ramp(s["dead_last"], 0.25, 0.6), ramp(most, 0.5, 0.9)),
        f"{percent(s['dead_last'])} of the rectified units fire for no row, {percent(most)} in the worst layer",
    )


def gradient_fades(s: Signals) -> Sign:
    """Detect a first layer whose gradient is a tiny share of the last's (AutoTrainer: 1e-3)."""
    usual, at_start = s["layer_gradient_first_to_last"], s["layer_gradient_at_start"]
    at_the_start = at_start < usual
    return Sign(
        either(ramp(usual, -1.3, -2.7), ramp(at_start, -1.5, -3.0)),
        f"the gradient of the first layer is {figure(10 ** (at_start if at_the_start else usual))} times that of the "
        f"last{', in the first epoch' if at_the_start else ''}, over {counted(s['layers'], 'layer')}",
    )


def deep_and_saturating(s: Signals) -> Sign:
    """Detect many layers of sigmoid or tanh without batch norm (Hochreiter, 1991; Glorot & Bengio, 2010)."""
    return Sign(
        both(
            ramp(s["depth"], 3, 7),
            either(ramp(s["sigmoid"], 0, 1), 0.7 * s["saturating"]),
            1 - known_or(s["batch_norm"], 0.0),
            ramp(s["loss_gain"], 0.6, 0.1),
        ),
        f"{counted(s['depth'], 'layer')} of {s.run.config.get('activation')} without batch norm; "
        f"{course(s.run, 'train_loss')}",
        "train_loss",
        last_known(s.run, "train_loss")[0],
    )


def saturates(s: Signals) -> Sign:
    """Detect sigmoids or tanhs with more than half of their outputs at an end of their range (SageMaker)."""
    return Sign(
        ramp(either(s["layer_saturated_most"], s["saturated_last"]), 0.4, 0.8),
        f"{percent(either(s['layer_saturated_most'], s['saturated_last']))} of a layer's outputs are saturated",
    )


def gradient_swells(s: Signals) -> Sign:
    """Detect a first layer whose gradient is many times the last's (AutoTrainer: 70)."""
    usual, slope = s["layer_gradient_first_to_last"], s["layer_gradient_slope_at_start"]
    return Sign(
        either(ramp(usual, 0.7, 1.8), ramp(-slope, 0.1, 0.4)),
        f"the gradient of the first layer is {figure(10**usual)} times that of the last; in the first epoch it grew "
        f"{figure(10**-slope)} times with each layer on its way back",
    )


def gradient_bursts(s: Signals) -> Sign:
    """Detect single steps with gradients many times the mean, or none that is finite (Pascanu et al., 2013)."""
    norms = s.run["grad_norm_max"]
    here = int(np.nanargmax(norms)) if np.isfinite(norms).any() else 0
    if s["gradient_broken"] == 1:
        broken = s.run.broken["grad_norm"] | s.run.broken["grad_norm_max"]
        epoch = float(s.run.epoch[np.argmax(broken)])
        return Sign(1.0, f"the gradient's norm was no finite number in epoch {epoch:g}", "train_loss", epoch)
    return Sign(
        either(ramp(s["gradient_first"], 1.0, 2.5), ramp(s["gradient_spike"], 0.8, 1.6)),
        f"the gradient's norm was {figure(10 ** s['gradient_first'])} in the first epoch, and a single step "
        f"reached {figure(float(norms[here]))}, in epoch {s.run.epoch[here]:g}",
    )


def evaluation_mode_fails(s: Signals) -> Sign:
    """Detect training rows that evaluation mode classifies far worse (running statistics do not fit)."""
    epoch, accuracy = last_known(s.run, "train_eval_accuracy")
    return Sign(
        both(ramp(either(-s["eval_lead_mean"], -s["eval_lead"]), 0.02, 0.1), known_or(s["batch_norm"], 1.0)),
        f"on training rows accuracy is {percent(accuracy)} in evaluation mode and "
        f"{reached(s, 'train_accuracy')} in training mode",
        "train_accuracy",
        epoch,
    )


def batch_norm_of_few(s: Signals) -> Sign:
    """Detect batch norm over fewer than eight rows, or with too slow or too quick statistics (Ioffe, 2017)."""
    momentum = s["bn_momentum"]
    statistics = "" if math.isnan(momentum) else f", its running statistics with momentum {momentum:.3g}"
    odd = either(ramp(math.log10(momentum), -1.7, -2.7) if momentum > 0 else 0 * momentum, ramp(momentum, 0.6, 0.95))
    return Sign(
        both(s["batch_norm"], either(odd, ramp(s["batch"], 8, 3))),
        f"batch norm over batches of {counted(s['batch'], 'row')}{statistics}",
    )


def validation_jumps(s: Signals) -> Sign:
    """Detect validation that jumps while training is smooth, as with unfit running statistics."""
    return Sign(
        both(ramp(s["val_to_train_noise"], 0.3, 1.0), ramp(s["val_noise"], 0.01, 0.06)),
        f"validation accuracy jumps by {percent(s['val_noise'])} from epoch to epoch, training accuracy "
        f"by {percent(s['accuracy_noise'])}",
        "val_accuracy",
        last_known(s.run, "val_accuracy")[0],
    )


def layers_ignore_gradients(s: Signals) -> Sign:
    """Detect a weight matrix that has gradients and never changes: the optimizer lacks it (TFCheck)."""
    return Sign(
        ramp(s["layers_still_with_gradient"], 0, 0.01),
        f"of {s['layers']:.0f} weight matrices number {_still(s)} did not change in any step, "
        "although they have gradients",
    )


def layers_stand_still(s: Signals) -> Sign:
    """Detect a weight matrix that never changes though its units live (DeepDiagnosis, unchanged weights)."""
    return Sign(
        both(ramp(s["layers_still"], 0, 0.01), known_or(ramp(s["layer_dead_most"], 0.98, 0.7), 1.0)),
        f"of {s['layers']:.0f} weight matrices number {_still(s)} did not change in any step",
    )


def _still(s: Signals) -> str:
    """Return the numbers, from 1, of the matrices that never changed."""
    columns = s.run.layers["update_ratio"].T
    still = [i for i, column in enumerate(columns) if np.isfinite(column).any() and np.nanmax(column) < _STILL]
    return ", ".join(str(i + 1) for i in still[:6])


def gradients_pile_up(s: Signals) -> Sign:
    """Detect a gradient that grows with the steps while the loss stays (Karpathy's list of common mistakes)."""
    return Sign(
        both(ramp(s["gradient_growth_peak"], 0.5, 1.2), ramp(s["loss_last"], 0.1, 0.4)),
        f"the gradient's norm grew {figure(10 ** s['gradient_growth_peak'])} times over its first epoch's, while "
        f"{course(s.run, 'train_loss')}",
        "train_loss",
        last_known(s.run, "train_loss")[0],
    )


def loss_waves(s: Signals) -> Sign:
    """Detect a loss that rises and falls in long waves at a modest rate: steps follow old gradients."""
    modest = known_or(ramp(s["rate_to_usual"], 1.0, 0.3), known_or(ramp(s["rate"], -0.5, -1.2), 0.4))
    rate = "" if math.isnan(s["rate_to_usual"]) else ", at a learning rate that is not large"
    return Sign(
        both(modest, ramp(s["loss_worst_rise"], 0.05, 0.5), ramp(s["loss_rises_share_all"], 0.2, 0.45)),
        f"training loss rose at {percent(s['loss_rises_share_all'])} of the epochs, by as much as "
        f"{figure(s['loss_worst_rise'] * s.units.guess_loss)}{rate}",
        "train_loss",
        last_known(s.run, "train_loss")[0],
    )
