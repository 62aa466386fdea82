"""Mistakes that the source alone shows: nothing of the program is run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from tunewell.errors import ScriptError
from tunewell.inspection.mistakes import KINDS, Mistake, place
from tunewell.inspection.source import jax, keras, layers, losses, orders, parameters, scaling, splits, steps
from tunewell.inspection.source.notebook import Cells, read_cells
from tunewell.inspection.source.program import Program

Rule = Callable[[Program], Iterator[Mistake]]

RULES: tuple[Rule, ...] = (
    losses.activation_before_loss,
    losses.one_unit,
    losses.softmax_over_rows,
    losses.averaged_twice,
    losses.loss_cut_off,
    steps.gradients_not_reset,
    steps.gradients_erased,
    steps.nothing_moves,
    steps.scheduler_per_batch,
    steps.never_trains_again,
    steps.never_evaluates,
    steps.dropout_without_mode,
    parameters.replaced_after_optimizer,
    parameters.optimizer_of_another,
    parameters.same_parameters_twice,
    parameters.plain_lists,
    parameters.all_frozen,
    parameters.equal_weights,
    layers.swapped_axes,
    layers.states_mixed,
    layers.relu_in_recurrence,
    keras.ending_and_loss,
    keras.frozen_models,
    keras.equal_kernels,
    keras.gradients_not_applied,
    jax.activation_before_loss,
    jax.gradients_not_applied,
    jax.state_not_kept,
    jax.statistics_dropped,
    jax.keys_reused,
    jax.key_of_all_steps,
    jax.key_of_all_draws,
    jax.key_handed_through,
    jax.key_of_a_state,
    jax.equal_kernels,
    jax.zeros_by_hand,
    steps.optimizer_in_loop,
    scaling.fitted_to_held_back,
    scaling.fitted_to_each,
    scaling.normalized_in_one,
    scaling.rescaled_in_one,
    scaling.scaled_in_one,
    scaling.one_slice_scaled,
    splits.held_back_in_training,
    splits.slice_of_training,
    orders.shuffled_apart,
    orders.shuffled_alone,
    orders.shuffled_by_two_draws,
)


def read_program(path: str | Path) -> Program:
    """Read a Python file, or a notebook; nothing of it is run.

    Raises:
        ScriptError: there is no such file, or it is neither.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptError(f"{path} cannot be read: {error}") from error
    if str(path).endswith(".ipynb"):
        cells = read_cells(text, str(path))
        return parsed(cells.text, str(path), cells)
    return parsed(text, str(path))


def parsed(text: str, path: str = "", cells: Cells | None = None) -> Program:
    """Parse a program's text, as `read_program` does."""
    try:
        return Program(text, path, cells)
    except (SyntaxError, ValueError, RecursionError) as error:
        line = error.lineno if isinstance(error, SyntaxError) and error.lineno else 0
        cell, line = cells.place(line) if cells is not None and line else (0, line)
        raise ScriptError(f"{place(path or 'the program', line, cell)}: {getattr(error, 'msg', error)}") from error


def mistakes_in(program: Program) -> list[Mistake]:
    """Return the mistakes in a program, each once, in the order of `KINDS`."""
    order = list(KINDS)
    found = {(one.kind, one.line): one for rule in RULES for one in rule(program)}
    return sorted(found.values(), key=lambda one: (order.index(one.kind), one.line))
