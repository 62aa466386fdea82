"""A watcher of a JAX network: a loop hands its parameters over after each step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from tunewell.errors import SettingError
from tunewell.watching.jax.activations import ActivationRecorder
from tunewell.watching.jax.parameters import copied, is_matrix, matrices_of, named_leaves, natural, parameters_of
from tunewell.watching.measurements import (
    BATCH,
    MOST_ROWS,
    SHARE,
    Activation,
    ArraySteps,
    Evaluation,
    Schedule,
    StepLosses,
    activation_of,
    measured_of,
    norm_of,
)
from tunewell.watching.plain_data import data_summary
from tunewell.watching.rows import ArrayRows, array_rows
from tunewell.watching.watcher import Evaluate, Watcher

_PROBED = 32
"""Rows for which gradients are computed, if no step gives them."""


class JaxWatcher(Watcher):
    """A watcher of a tree of parameters, which `step` is given anew after each step."""

    def __init__(
        self,
        parameters: Any,
        train: Any,
        val: Any,
        evaluate: Evaluate | None,
        config: Mapping[str, Any] | None,
        every: int,
        rows: int | None,
    ) -> None:
        """Keep what is to be compared with; arguments as `watch` has them."""
        self._parameters = parameters
        matrices = matrices_of(parameters)
        if not matrices:
            raise SettingError("there is no weight matrix among the parameters; watch a tree that has one")
        if evaluate is None and not (train is None and val is None):
            raise SettingError("train= and val= are evaluated by evaluate=(params, inputs, targets) -> (loss, outputs)")
        self._names = natural(matrices)
        self._train = None if train is None else array_rows("train", train, rows or MOST_ROWS)
        self._val = None if val is None else array_rows("val", val, MOST_ROWS)
        self._probe, self._evaluate = self._train, evaluate
        parts = {name: part for name, part in (("train", self._train), ("val", self._val)) if part is not None}
        norms = any("batch_stats" in name or "BatchNorm" in name for name, _ in named_leaves(parameters))
        super().__init__(
            config={"framework": "jax", **({"batch_norm": True} if norms else {}), **(config or {})},
            sizes={f"n_{name}": part.total for name, part in parts.items()},
            summary=data_summary(
                {name: part.inputs for name, part in parts.items()},
                {name: part.class_counts for name, part in parts.items()},
            ),
            step_losses=StepLosses(),
        )
        if self._train is not None and rows is None:
            self._train = self._train.part(0, max(self._train.total // SHARE, BATCH))
        self._n_rows = (config or {}).get("batch_size", _PROBED)
        self._compiled: dict[str, Any] = {}
        if parts:
            self._compile(next(iter(parts.values())))
        self._steps, self._schedule = ArraySteps(self._names), Schedule(every)
        self._losses: list[Any] = []
        self._rows: list[int] = []
        self._place = 0
        self._before: dict[str, NDArray[Any]] | None = None
        self._gradients: tuple[dict[str, Any], int] | None = None
        self._keep()

    def step(self, parameters: Any, grads: Any = None, loss: Any = None, *, n_rows: int | None = None) -> None:
        """Note that a step was taken; only one in so many costs more than this call.

        Args:
            parameters: as they are after the step.
            grads: the step's gradients, a tree like the parameters; None to have them computed, at the steps that are
                measured, for some of the training rows.
            loss: the step's mean loss; nothing waits for it before the epoch ends.
            n_rows: in the batch; they weight the mean of the losses, and without them there is no noise scale.

        Example:
            >>> params, state, loss, grads = update(params, state, x, y)  # doctest: +SKIP
            >>> watcher.step(params, grads, loss, n_rows=len(x))  # doctest: +SKIP
        """
        if loss is not None:
            self._losses.append(loss)
            self._rows.append(n_rows or 1)
        self._n_rows = n_rows or self._n_rows
        self._parameters = parameters_of(parameters)
        if self._before is not None:
            if grads is not None:
                self._steps.add_gradients(matrices_of(parameters_of(grads)), n_rows or 0)
            elif self._gradients:
                self._steps.add_gradients(*self._gradients)
            self._steps.add_change(self._before, copied(matrices_of(self._parameters)))
        self._schedule.step += 1
        self._before = None
        self._keep()

    def close(self) -> None:
        """Take no more steps; what was measured stays."""
        self._schedule.stop()
        self._before = None

    def _keep(self) -> None:
        """Keep the parameters before a step, if it is one to measure: a step may donate them."""
        if self._schedule.is_due and self._before is None:
            self._before, self._gradients = copied(matrices_of(self._parameters)), self._probed()

    def _probed(self) -> tuple[dict[str, Any], int] | None:
        """Return gradients of the mean loss for some training rows, and how many those are."""
        if self._probe is None:
            return None
        n = min(self._n_rows, len(self._probe))
        if self._place + n > len(self._probe):
            self._place = 0
        rows = self._probe.part(self._place, self._place + n)
        self._place += n
        return self._call("gradients", rows.inputs, rows.targets), n

    def _measured(self) -> dict[str, Any]:
        epoch: dict[str, Any] = {}
        if self._losses:
            losses = np.asarray(jax.device_get(self._losses), np.float64)
            self._step_losses.add(losses.tolist())
            epoch["train_loss"] = float(np.average(losses, weights=self._rows))
            self._losses, self._rows = [], []
        steps = self._steps.epoch(self._schedule.end_epoch())
        activations: dict[str, Activation] = {}
        if self._train is not None:
            seen = self._evaluated(self._train)
            epoch |= {"train_eval_loss": seen.loss, "train_eval_accuracy": seen.accuracy}
            activations = self._activations(self._train.part(0, BATCH))
        if self._val is not None:
            epoch |= self._evaluated(self._val).of_validation()
        matrices = matrices_of(self._parameters)
        norms = [norm_of(matrices[name]) for name in self._names]
        epoch |= measured_of(self._names, norms, steps, activations)
        self._keep()
        return epoch

    def _evaluated(self, rows: ArrayRows) -> Evaluation:
        loss, outputs = 0.0, []
        for start in range(0, len(rows), BATCH):
            part = rows.part(start, start + BATCH)
            mean, output = self._call("evaluation", part.inputs, part.targets)
            loss += float(mean) * len(part) / len(rows)
            outputs.append(np.asarray(output, np.float64))
        seen = Evaluation.of_arrays(loss, np.concatenate(outputs), rows.targets, yes=0.0)
        self._n_classes = seen.n_classes
        return seen

    def _activations(self, rows: ArrayRows) -> dict[str, Activation]:
        _, values = self._call("activations", rows.inputs, rows.targets)
        return {
            name: activation_of(kind, np.asarray(outputs, np.float64), units)
            for (name, kind, units), outputs in zip(self._recording.found, values, strict=True)
        }

    def _call(self, what: str, inputs: NDArray[Any], targets: NDArray[Any]) -> Any:
        """Call one of the compiled functions with the parameters as they are."""
        leaves = [leaf for leaf in jax.tree.leaves(self._parameters) if _is_array(leaf)]
        return self._compiled[what](leaves, jnp.asarray(inputs), jnp.asarray(targets))

    def _compile(self, rows: ArrayRows) -> None:
        """Compile what is called at each epoch's end, and put the matrices into the order in which they are taken."""
        leaves, structure = jax.tree.flatten(self._parameters)
        arrays = [place for place, leaf in enumerate(leaves) if _is_array(leaf)]
        others = [None if _is_array(leaf) else leaf for leaf in leaves]
        evaluate = self._evaluate
        assert evaluate is not None  # else there are no rows
        named = [name for name, _ in named_leaves(self._parameters)]
        names = {i: named[place] for i, place in enumerate(arrays) if is_matrix(leaves[place])}

        def network(given: list[Any], inputs: Any, targets: Any) -> tuple[Any, Any]:
            full = list(others)
            for place, leaf in zip(arrays, given, strict=True):
                full[place] = leaf
            loss, outputs = evaluate(jax.tree.unflatten(structure, full), inputs, targets)
            return jnp.mean(loss), outputs

        def gradients(given: list[Any], inputs: Any, targets: Any) -> dict[str, Any]:
            def loss_of(matrices: dict[int, Any]) -> Any:
                return network([matrices.get(i, leaf) for i, leaf in enumerate(given)], inputs, targets)[0]

            found = jax.grad(loss_of)({i: given[i] for i in names})
            return {names[i]: gradient for i, gradient in found.items()}

        self._recording = ActivationRecorder(network, names)
        self._compiled = {
            "evaluation": jax.jit(network),
            "gradients": jax.jit(gradients),
            "activations": jax.jit(self._recording),
        }
        some = rows.part(0, 2)
        given = [leaves[place] for place in arrays]
        jax.eval_shape(self._recording, given, jnp.asarray(some.inputs), jnp.asarray(some.targets))
        order = {name: place for place, name in enumerate(self._recording.order)}
        self._names.sort(key=lambda name: order.get(name, math.inf))


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array | np.ndarray)
