"""The rules: each looks for the sign of one cause in a run, and says how plain it is, and in what numbers.

To add a rule, write its function in the file of its kind and add its line here; then fit the model to it with
`benchmarks/diagnosis/calibrate.py`. A rule has its source in its docstring. Its strength is a soft threshold, because
published thresholds hold in the setting in which they were found; what it is worth beside the others, the model knows.
"""

from __future__ import annotations

from tunewell.diagnosis.rules import data, fit, network, rate
from tunewell.diagnosis.rules.rule import Rule, Sign
from tunewell.diagnosis.signals import Signals

__all__ = ["RULES", "Rule", "Sign", "see"]

RULES = (
    Rule("healthy", fit.nothing_left_to_gain),
    Rule("lr_too_high", rate.diverges),
    Rule("lr_too_high", rate.swings),
    Rule("lr_too_high", rate.large_updates),
    Rule("lr_too_high", rate.loss_jumps_at_once),
    Rule("lr_too_high", rate.rate_above_usual),
    Rule("lr_too_low", rate.small_updates),
    Rule("lr_too_low", rate.crawls),
    Rule("lr_too_low", rate.rate_below_usual),
    Rule("lr_too_low", rate.hardly_moves),
    Rule("lr_decays_too_early", rate.decayed_while_learning),
    Rule("too_few_epochs", rate.stops_while_improving),
    Rule("too_few_epochs", rate.few_epochs),
    Rule("model_too_small", fit.training_error_stays),
    Rule("model_too_small", fit.narrow_network),
    Rule("overfitting", fit.validation_loss_rises),
    Rule("overfitting", fit.wide_gap),
    Rule("overfitting", fit.more_weights_than_rows),
    Rule("dropout_too_high", fit.strong_dropout),
    Rule("dropout_too_high", fit.better_without_dropout),
    Rule("weight_decay_too_high", fit.strong_decay),
    Rule("weight_decay_too_high", fit.weights_shrink),
    Rule("batch_size_too_large", fit.few_updates),
    Rule("batch_size_too_large", fit.batch_above_noise_scale),
    Rule("batch_size_too_small", fit.tiny_batch),
    Rule("batch_size_too_small", fit.batch_below_noise_scale),
    Rule("bad_initialisation", network.starts_far_from_guessing),
    Rule("bad_initialisation", network.starts_at_exactly_guessing),
    Rule("bad_initialisation", network.weights_start_unusually),
    Rule("bad_initialisation", network.signal_fades_or_swells),
    Rule("unnormalised_inputs", data.inputs_off_scale),
    Rule("unnormalised_inputs", data.features_of_unlike_scale),
    Rule("labels_mismatched", data.below_chance),
    Rule("labels_mismatched", data.validation_at_chance),
    Rule("labels_mismatched", data.sure_and_wrong),
    Rule("labels_mismatched", data.learnt_by_heart),
    Rule("loss_output_mismatch", data.loss_below_zero, settles=True),
    Rule("loss_output_mismatch", data.loss_has_a_floor),
    Rule("loss_output_mismatch", data.loss_above_its_accuracy),
    Rule("dead_relus", network.units_never_fire),
    Rule("vanishing_gradients", network.gradient_fades),
    Rule("vanishing_gradients", network.deep_and_saturating),
    Rule("vanishing_gradients", network.saturates),
    Rule("exploding_gradients", network.gradient_swells),
    Rule("exploding_gradients", network.gradient_bursts),
    Rule("batchnorm_misuse", network.evaluation_mode_fails),
    Rule("batchnorm_misuse", network.batch_norm_of_few),
    Rule("batchnorm_misuse", network.validation_jumps),
    Rule("frozen_layers", network.layers_ignore_gradients, settles=True),
    Rule("frozen_layers", network.layers_stand_still),
    Rule("missing_zero_grad", network.gradients_pile_up),
    Rule("missing_zero_grad", network.loss_waves),
    Rule("class_imbalance", data.rare_classes_missed),
    Rule("class_imbalance", data.classes_unequal),
    Rule("class_imbalance", data.begins_above_chance),
    Rule("data_leak", data.validation_leads),
    Rule("data_leak", data.no_gap_where_one_must_be),
    Rule("data_leak", data.validation_follows_memory),
    Rule("distribution_shift", data.splits_differ),
    Rule("distribution_shift", data.gap_from_the_start),
)
"""All rules; of those of one cause, the first gives the evidence where signs are equally strong."""


def see(signals: Signals) -> dict[str, Sign]:
    """Apply every rule to a run, and return their signs by the rule's name."""
    return {rule.name: rule.see(signals) for rule in RULES}
