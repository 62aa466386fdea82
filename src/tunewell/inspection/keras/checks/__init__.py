"""The looks at a training of Keras. A new one is a function of a `Training`, and its line in one of the two tuples."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tunewell.inspection.keras.checks import layers, outputs, rows
from tunewell.inspection.keras.training import Training
from tunewell.inspection.mistakes import Mistake

Check = Callable[[Training], Iterable[Mistake]]

MODEL: tuple[Check, ...] = (
    outputs.logits_expected,
    outputs.probabilities_expected,
    outputs.softmax_over_rows,
    outputs.shapes_broadcast,
    layers.softmax_over_one_unit,
    layers.parameters_frozen,
    layers.flags_changed,
    layers.recurrent_relu,
    layers.axes_swapped,
    layers.momentum_too_long,
    layers.statistics_frozen,
    layers.batch_norm_on_one_row,
    layers.zero_weights,
    layers.dead_units,
    layers.outputs_not_finite,
    rows.inputs_not_scaled,
)
"""Those that a first batch is enough for."""

ROWS: tuple[Check, ...] = (
    outputs.units_and_classes,
    outputs.targets_out_of_reach,
    rows.not_finite,
    rows.inputs_constant,
    rows.labels_constant,
    rows.labels_not_learnable,
    rows.rows_not_shuffled,
    rows.classes_unequal,
    rows.splits_prepared_differently,
    rows.validation_rows_in_training,
)
"""Those that look at all rows, as far as they are known."""
