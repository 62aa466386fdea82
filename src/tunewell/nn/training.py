"""Training a network, an epoch a call."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tunewell.errors import SettingError
from tunewell.nn import loop, measuring, ops
from tunewell.nn.arrays import Array
from tunewell.nn.compiler import COMPILES, one_thread
from tunewell.nn.network import Network
from tunewell.nn.optimizers import AdamW, Optimizer
from tunewell.nn.schedules import Constant, Schedule

_NOTICEABLE_S = 1.0
_prepared: set[str] = set()
"""Precisions that the loop is compiled for in this process."""


class Trainer:
    """A network, the rows that it is trained on, and how.

    `run.track(network=network, trainer=trainer)` makes a trial that goes on from a checkpoint to the last bit.
    """

    def __init__(
        self,
        network: Network,
        x: ArrayLike,
        y: ArrayLike,
        *,
        batch_size: int = 64,
        optimizer: Optimizer | None = None,
        schedule: Schedule | None = None,
        clip: float = math.inf,
        label_smoothing: float = 0.0,
        class_weights: ArrayLike | None = None,
        sample_weights: ArrayLike | None = None,
        seed: int = 0,
    ) -> None:
        """Make a trainer; nothing is trained yet.

        Args:
            network: is changed in place.
            x: (N, inputs), rows to train on.
            y: (N,) classes, or (N, outputs).
            batch_size: rows a step; more than there are count as all. The last batch of an epoch may be smaller. A
                single row that is left over sits that epoch out if the network has batch normalization.
            optimizer: `AdamW()` if None.
            schedule: multiplies the learning rate by the epochs done; constant if None.
            clip: the largest norm that the gradient may have.
            label_smoothing: share of each target that is spread evenly over the classes.
            class_weights: (outputs,), what rows of each class count in the loss.
            sample_weights: (N,), what each row counts in the loss of its batch, which is a weighted mean.
            seed: of the order of rows and of dropout.

        Raises:
            SettingError: a setting or the data cannot be used.
        """
        self.network = network
        self.optimizer: Optimizer = AdamW() if optimizer is None else optimizer
        self.schedule: Schedule = Constant() if schedule is None else schedule
        self.learning_rate: float = self.optimizer.learning_rate
        """The rate that the schedule multiplies; may be set at any time."""
        self.clip = clip
        self.seed = seed
        self.epochs: int = 0
        """The number of epochs trained."""
        self.steps: int = 0
        given = network.targets(y)
        self._x, self._y = network.inputs(x), ops.smooth(given, label_smoothing) if label_smoothing else given
        self._weights = np.ones((len(given), 1), given.dtype)
        if class_weights is not None:
            self._weigh_classes(class_weights, given)
        if sample_weights is not None:
            self._weights = self._weights * self._checked_weights(sample_weights)[:, np.newaxis]
        self.batch_size: int = self._checked(batch_size)
        self._first, self._second = np.zeros_like(network.theta), np.zeros_like(network.theta)
        self._rng = np.random.default_rng(seed)

    def epoch(self, order: ArrayLike | None = None) -> float:
        """Train on every row once; return the mean loss, which is not finite if the training diverged.

        order: (N,), rows in the order in which they are taken; a new random one if None.
        """
        n = len(self._x)
        rows = self._rng.permutation(n) if order is None else np.asarray(order, dtype=np.int64)
        n_steps = -(-len(rows) // self.batch_size)
        if len(rows) % self.batch_size == 1 and self.network.layout.norm is not None and n_steps > 1:
            n_steps -= 1
        progress = self.epochs + np.arange(n_steps) / n_steps
        rates = self.learning_rate * np.broadcast_to(self.schedule.factor(progress), n_steps)
        loss = self._train(rows, rates)
        self.steps += n_steps
        self.epochs += 1
        return loss

    def measure(self, validation: tuple[ArrayLike, ArrayLike] | None = None) -> dict[str, float]:
        """Measure the network between two epochs; change nothing.

        The names are those of `tunewell.watch` (docs/watch.md): gradient norms, update ratios, dead and saturated
        shares, the loss and accuracy of at most 1,000 training rows, and, for classes, what validation accuracy hides.

        validation: (x, y), at most the first 1,000 rows are looked at.
        """
        rows = np.random.default_rng([self.seed, self.epochs]).permutation(len(self._x))[: measuring.ROWS]
        with one_thread():
            found = self.network.evaluate(self._x[rows], self._y[rows])
            measured = {f"train_eval_{name}": value for name, value in found.items()}
            if validation is not None and self.network.layout.loss == "softmax":
                x, y = self.network.inputs(validation[0]), self.network.targets(validation[1])
                measured |= measuring.judged(self.network, x[: measuring.ROWS], y[: measuring.ROWS])
            return measured | measuring.inside(self._training_state(), rows)

    def state_dict(self) -> dict[str, Any]:
        """Return all that further training depends on, but for the network's own state and the data."""
        return {
            "first": self._first.copy(),
            "second": self._second.copy(),
            "epochs": self.epochs,
            "steps": self.steps,
            "learning_rate": self.learning_rate,
            "rng": self._rng.bit_generator.state,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self._first[...], self._second[...] = state["first"], state["second"]
        self.epochs = int(state["epochs"])
        self.steps = int(state["steps"])
        self.learning_rate = float(state["learning_rate"])
        self._rng.bit_generator.state = state["rng"]

    def _train(self, rows: NDArray[np.int64], rates: NDArray[np.float64]) -> float:
        state = loop.State(
            self.network.theta, np.zeros_like(self.network.theta), self._first, self._second, self.network.running
        )
        rules = self._rules()
        data = (self._x, self._y, self._weights)
        with one_thread(), np.errstate(all="ignore"):
            if COMPILES and self.network.layout.dtype not in _prepared:
                start = time.perf_counter()
                loop.train_epoch(self.network.plan, rules, state, *data, rows, rates[:0], 0)
                _note_compiled(self.network.layout.dtype, time.perf_counter() - start)
            return float(loop.train_epoch(self.network.plan, rules, state, *data, rows, rates, self.steps))

    def _rules(self) -> loop.Rules:
        return loop.Rules(
            self.optimizer.code, self.optimizer.numbers(), float(self.clip), self.batch_size, self.seed % 2**32
        )

    def _training_state(self) -> measuring.TrainingState:
        """Return the state, with the learning rate of the middle of the epoch that was trained last."""
        factor = float(self.schedule.factor(np.array([max(self.epochs - 0.5, 0.0)]))[0])
        return measuring.TrainingState(
            network=self.network,
            rules=self._rules(),
            first=self._first,
            second=self._second,
            x=self._x,
            y=self._y,
            weights=self._weights,
            rate=self.learning_rate * factor,
            steps=self.steps,
            n_batches=-(-len(self._x) // self.batch_size),
        )

    def _checked(self, batch_size: int) -> int:
        if isinstance(batch_size, bool) or not isinstance(batch_size, int | np.integer) or batch_size < 1:
            raise SettingError(f"batch_size must be a whole number of at least 1, got {batch_size!r}")
        if len(self._x) != len(self._y):
            rows = f"{len(self._x)} row{'' if len(self._x) == 1 else 's'}"
            raise SettingError(f"X has {rows} and y has {len(self._y)}; they must be as many")
        if not len(self._x):
            raise SettingError("X has no rows; give some to train on")
        size = min(int(batch_size), len(self._x))
        if size == 1 and self.network.layout.norm is not None:
            raise SettingError(
                "batch normalization cannot learn from a batch of one; set batch_size to 2 or more, or norm=None"
            )
        return size

    def _checked_weights(self, sample_weights: ArrayLike) -> Array:
        weights: Array = np.asarray(sample_weights, dtype=self._y.dtype)
        if weights.shape != (len(self._y),) or not (weights > 0).all() or not np.isfinite(weights).all():
            raise SettingError(
                f"sample_weights must be {len(self._y)} numbers above 0, one a row; leave out rows that do not count"
            )
        return weights

    def _weigh_classes(self, class_weights: ArrayLike, given: Array) -> None:
        """Weigh each term of a row's loss by its class, and the row by its label, as PyTorch does."""
        weights = np.asarray(class_weights, dtype=self._y.dtype)
        if self.network.layout.loss != "softmax":
            raise SettingError("class_weights are for classes, loss='softmax'; leave them out")
        if weights.shape != self._y.shape[1:] or not (weights > 0).all() or not np.isfinite(weights).all():
            raise SettingError(f"class_weights must be {self._y.shape[1]} numbers above 0, got {class_weights!r}")
        self._weights = (given @ weights)[:, np.newaxis]
        self._y = self._y * weights / self._weights


def fit(
    trainer: Trainer,
    epochs: int,
    *,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    patience: int | None = None,
    measure: bool = False,
) -> list[dict[str, float]]:
    """Train for some epochs; return the measurements of each.

    With rows for validation, (x, y), the network has in the end the weights of its lowest validation loss.

    patience: stop after so many epochs without a lower one.
    measure: include those of `Trainer.measure`.

    Raises:
        SettingError: patience without validation.
    """
    if patience is not None and validation is None:
        raise SettingError("patience needs validation=(x, y), to see when it gets no better")
    history: list[dict[str, float]] = []
    best, best_loss, waited = None, math.inf, 0
    for epoch in range(1, epochs + 1):
        measured = {"epoch": float(epoch), "train_loss": trainer.epoch()}
        if validation is not None:
            measured |= {f"val_{name}": value for name, value in trainer.network.evaluate(*validation).items()}
            waited += 1
            if measured["val_loss"] < best_loss:
                best, best_loss, waited = trainer.network.state_dict(), measured["val_loss"], 0
        if measure:
            measured |= trainer.measure(validation)
        history.append(measured)
        if not math.isfinite(measured["train_loss"]) or (patience is not None and waited >= patience):
            break
    if best is not None:
        trainer.network.load_state_dict(best)
    return history


def _note_compiled(dtype: str, seconds: float) -> None:
    """Write how long the very first epoch waited for the compiler; the next process finds the loop compiled."""
    _prepared.add(dtype)
    if seconds > _NOTICEABLE_S:
        sys.stderr.write(f"tunewell: compiled the training loop for {dtype}, once, in {seconds:.0f} s\n")
