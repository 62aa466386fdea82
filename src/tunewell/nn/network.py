"""Dense networks: their weights, their predictions, and their files.

Rows are samples. All weights of a network lie in one vector, `theta`, as described in `loop`; `weights(layer)` shows
them as matrices.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, Self
from zipfile import BadZipFile

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tunewell.errors import SettingError
from tunewell.nn import loop, ops
from tunewell.nn.array_file import read_arrays
from tunewell.nn.arrays import Array
from tunewell.nn.compiler import one_thread
from tunewell.whole_file import whole_file

LOSSES = ("softmax", "sigmoid", "squared")
_NORMS = {None: loop.NO_NORM, "before": loop.NORM_BEFORE, "after": loop.NORM_AFTER}
_INITIALIZATIONS = {"he": ops.he, "xavier": ops.xavier, "zeros": ops.zeros}
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Layout:
    """The settings that a network is built from, checked."""

    sizes: tuple[int, ...]
    activation: tuple[str, ...]
    """The activation of each hidden layer."""
    norm: str | None
    dropout: tuple[float, ...]
    """The share dropped after each hidden layer."""
    loss: str
    norm_momentum: float
    norm_epsilon: float
    dtype: str

    def __post_init__(self) -> None:
        if len(self.sizes) < 2 or any(n < 1 for n in self.sizes):
            raise SettingError(f"sizes are the units of the input, each layer and the output, got {self.sizes}")
        _one_of("loss", self.loss, LOSSES)
        _one_of("norm", self.norm, _NORMS)
        _one_of("dtype", self.dtype, ("float32", "float64"))
        for name in self.activation:
            _one_of("activation", name, ops.ACTIVATIONS)
        for rate in self.dropout:
            if not 0.0 <= rate < 1.0:
                raise SettingError(f"dropout is the share of units that is dropped, from 0 to below 1, got {rate!r}")
        if not 0.0 < self.norm_momentum <= 1.0:
            raise SettingError(
                f"norm_momentum is the weight of the new batch, above 0 to 1, got {self.norm_momentum!r}"
            )
        if not self.norm_epsilon > 0.0:
            raise SettingError(f"norm_epsilon must be above 0, got {self.norm_epsilon!r}")


class Network:
    """A dense network.

    A layer with batch normalization has no bias: what a bias adds, its beta adds.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        activation: str | Sequence[str] = "relu",
        norm: str | None = None,
        dropout: float | Sequence[float] = 0.0,
        loss: str = "softmax",
        initialization: str = "he",
        norm_momentum: float = 0.1,
        norm_epsilon: float = 1e-5,
        dtype: str = "float32",
        seed: int = 0,
    ) -> None:
        """Make a network with fresh weights.

        Args:
            sizes: units of the input, of each hidden layer, and of the output: `[64, 128, 10]`.
            activation: `relu`, `leaky_relu`, `tanh`, `sigmoid` or `gelu`; one, or one a hidden layer.
            norm: batch normalization in the hidden layers, `"before"` or `"after"` the activation, or None.
            dropout: share of units dropped in training after the hidden layers; one, or one a hidden layer.
            loss: `softmax` (one of several classes), `sigmoid` (each output is yes or no) or `squared` (regression).
            initialization: of the weights: `he`, `xavier` or `zeros`.
            norm_momentum: weight of the new batch in the running statistics (PyTorch's convention).
            norm_epsilon: is added to the variance.
            dtype: `float32` or `float64`.
            seed: of the weights.

        Raises:
            SettingError: a setting cannot be used.
        """
        hidden = len(sizes) - 2
        self.layout: Layout = Layout(
            sizes=tuple(int(n) for n in sizes),
            activation=_each("activation", activation, hidden),
            norm=norm,
            dropout=_each("dropout", dropout, hidden),
            loss=loss,
            norm_momentum=norm_momentum,
            norm_epsilon=norm_epsilon,
            dtype=dtype,
        )
        _one_of("initialization", initialization, _INITIALIZATIONS)
        self._set_up()
        rng = np.random.default_rng(seed)
        for layer, (n_in, n_out) in enumerate(pairwise(self.layout.sizes)):
            self.weights(layer)[...] = _INITIALIZATIONS[initialization](rng, n_in, n_out)

    def _set_up(self) -> None:
        """Set all weights to zero and all gammas to one."""
        layout = self.layout
        n_layers, n_units = len(layout.sizes) - 1, np.array(layout.sizes[1:])
        norms = np.full(n_layers, _NORMS[layout.norm])
        norms[-1] = loop.NO_NORM
        n_weights = n_units * layout.sizes[:-1]
        n_vectors = n_units * np.where(norms == loop.NO_NORM, 1, 2)
        ends = np.cumsum(n_weights + n_vectors)
        self.plan: loop.Plan = loop.Plan(
            sizes=np.array(layout.sizes),
            activations=np.array([*(ops.ACTIVATIONS[name].code for name in layout.activation), 0]),
            norms=norms,
            keep=1.0 - np.array([*layout.dropout, 0.0]),
            weights=ends - n_weights - n_vectors,
            vectors=ends - n_vectors,
            columns=np.cumsum(n_units) - n_units,
            loss=LOSSES.index(layout.loss),
            norm_epsilon=layout.norm_epsilon,
            norm_momentum=layout.norm_momentum,
        )
        self.theta: Array = np.zeros(ends[-1], layout.dtype)
        self.running: Array = np.zeros(2 * n_units.sum(), layout.dtype)
        for n, column, vector, norm in zip(n_units, self.plan.columns, self.plan.vectors, norms, strict=True):
            self.running[2 * column + n : 2 * column + 2 * n] = 1.0
            if norm != loop.NO_NORM:
                self.theta[vector : vector + n] = 1.0

    def logits(self, x: ArrayLike) -> Array:
        """Return the outputs before softmax or sigmoid, (m, inputs) -> (m, outputs), as in evaluation."""
        rows = self.inputs(x)
        out = np.empty((len(rows), self.layout.sizes[-1]), self.layout.dtype)
        with one_thread(), np.errstate(all="ignore"):  # weights that blew up give infinity
            loop.logits(self.plan, self.theta, self.running, rows, out)
        return out

    def predict_proba(self, x: ArrayLike) -> Array:
        """Return probabilities, (m, inputs) -> (m, outputs); of a regression, what it predicts."""
        z = self.logits(x)
        if self.layout.loss == "softmax":
            return ops.softmax(z)
        return ops.sigmoid(z) if self.layout.loss == "sigmoid" else z

    def predict(self, x: ArrayLike) -> NDArray[Any]:
        """Return the class of each row, (m, inputs) -> (m,).

        For other losses yes or no of each output, or what a regression predicts, (m, outputs); of one output, (m,).
        """
        z = self.logits(x)
        if self.layout.loss == "softmax":
            classes: NDArray[np.int64] = z.argmax(axis=1)
            return classes
        predicted = (z > 0).astype(np.int64) if self.layout.loss == "sigmoid" else z
        return predicted[:, 0] if predicted.shape[1] == 1 else predicted

    def evaluate(self, x: ArrayLike, y: ArrayLike, weights: ArrayLike | None = None) -> dict[str, float]:
        """Return the mean loss, and for classes the accuracy, on rows (m, inputs) and their targets.

        weights: (m,), what each row counts in these means; None for all the same.
        """
        rows, targets = self.inputs(x), self.targets(y)
        _same_length(rows, targets)
        z, counts = self.logits(rows), None if weights is None else np.asarray(weights, dtype=np.float64)
        with np.errstate(all="ignore"):
            loss, _ = (ops.softmax_cross_entropy, ops.sigmoid_cross_entropy, ops.squared_error)[self.plan.loss](
                z, targets, counts
            )
        found = {"loss": float(loss)}
        if self.layout.loss == "softmax":
            found["accuracy"] = float(np.average(z.argmax(axis=1) == targets.argmax(axis=1), weights=counts))
        elif self.layout.loss == "sigmoid":
            right = ((z > 0) == (targets > 0.5)).mean(axis=1)
            found["accuracy"] = float(np.average(right, weights=counts))
        return found

    def inputs(self, x: ArrayLike) -> Array:
        """Return rows as the network takes them: (m, inputs), C-contiguous, of its dtype.

        Raises:
            SettingError: the shape does not fit, or a value is not finite.
        """
        rows = np.require(x, self.layout.dtype, ["C", "W"])  # of one kind, for which the loop is compiled once
        if rows.ndim != 2 or rows.shape[1] != self.layout.sizes[0]:
            raise SettingError(f"X must have shape (rows, {self.layout.sizes[0]}), got {rows.shape}")
        if not np.isfinite(rows.sum()) and not (finite := np.isfinite(rows)).all():
            row, column = (int(place) for place in np.argwhere(~finite)[0])
            raise SettingError(
                f"X has {rows[row, column]} in column {column} (first in row {row}); fill it in or leave the row out"
            )
        return rows

    def targets(self, y: ArrayLike) -> Array:
        """Return targets, (m, outputs); classes, given as (m,) whole numbers, become rows of zeros and a one.

        Raises:
            SettingError: a label is no class, or the shape does not fit.
        """
        given, n = np.asarray(y), self.layout.sizes[-1]
        if self.layout.loss == "softmax" and given.ndim == 1:
            wrong = np.flatnonzero(~np.isin(given, np.arange(n)))
            if wrong.size:
                raise SettingError(
                    f"label {given[wrong[0]].item()!r} in row {wrong[0]} is no class; "
                    f"classes are whole numbers from 0 to {n - 1}"
                )
            return np.eye(n, dtype=self.layout.dtype)[given.astype(np.int64)]
        dense = np.ascontiguousarray(given[:, np.newaxis] if given.ndim == 1 else given, dtype=self.layout.dtype)
        if dense.ndim != 2 or dense.shape[1] != n:
            raise SettingError(f"targets must have shape (rows, {n}), got {given.shape}")
        if not np.isfinite(dense).all():
            raise SettingError(f"the target in row {np.argwhere(~np.isfinite(dense))[0][0]} is not finite; mend it")
        return dense

    @property
    def dropout(self) -> tuple[float, ...]:
        """Share of units dropped in training, of each hidden layer; may be set at any time, to one or one a layer."""
        return self.layout.dropout

    @dropout.setter
    def dropout(self, rate: float | Sequence[float]) -> None:
        self.layout = replace(self.layout, dropout=_each("dropout", rate, len(self.layout.sizes) - 2))
        self.plan.keep[:-1] = 1.0 - np.array(self.layout.dropout)

    def weights(self, layer: int) -> Array:
        """Return W of a layer from 0, (n_in, n_out), as a view."""
        n_in, n_out = self.layout.sizes[layer : layer + 2]
        return loop.block(self.theta, self.plan.weights[layer], n_in, n_out)

    def state_dict(self) -> dict[str, Array]:
        """Return weights and running statistics, as copies."""
        return {"theta": self.theta.copy(), "running": self.running.copy()}

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Restore what `state_dict` returned.

        Raises:
            SettingError: they are those of another network.
        """
        for name, array in (("theta", self.theta), ("running", self.running)):
            given = np.asarray(state[name])
            if given.shape != array.shape:
                raise SettingError(f"the state has {given.size} numbers in {name!r}, this network {array.size}")
            array[...] = given

    def copy(self) -> Self:
        """Return another network with the same weights."""
        return self._like(self.layout, self.state_dict())

    def save(self, file: str | Path | IO[bytes]) -> None:
        """Write the network to a file (npz: plain arrays, no code); if that fails, the file is as it was."""
        if isinstance(file, str | Path):
            with whole_file(file) as place, place.open("wb") as opened:
                self.save(opened)
            return
        about = json.dumps({"format": _FORMAT, **asdict(self.layout)})
        np.savez(file, layout=np.array(about), theta=self.theta, running=self.running)

    @classmethod
    def load(cls, path: str | Path | IO[bytes]) -> Self:
        """Load a network that was saved.

        Raises:
            SettingError: the file holds no network.
        """
        try:
            saved = read_arrays(path, "layout", "theta", "running")
            about = json.loads(str(saved.pop("layout")))
            if about.pop("format") <= _FORMAT:
                settings: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in about.items()}
                layout = Layout(**settings)
                _check_size(layout, saved["theta"].size)
                return cls._like(layout, saved)
        except SettingError:
            raise
        except (OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, BadZipFile) as bad:
            raise SettingError(f"{path} holds no network: {bad}; give a file that Network.save wrote") from bad
        raise SettingError(f"{path} was written by a newer tunewell; update tunewell")

    @classmethod
    def _like(cls, layout: Layout, state: Mapping[str, ArrayLike]) -> Self:
        network = cls.__new__(cls)
        network.layout = layout
        network._set_up()  # noqa: SLF001  our own
        network.load_state_dict(state)
        return network


def _check_size(layout: Layout, n_weights: int) -> None:
    """Check that a layout is one of so many weights, before it is given room for them."""
    hidden = len(layout.sizes) - 2
    if len(layout.activation) != hidden or len(layout.dropout) != hidden:
        raise SettingError(f"the layout has {hidden} hidden layers, and not as many activations and dropouts")
    if any(type(n) is not int for n in layout.sizes) or sum(a * b for a, b in pairwise(layout.sizes)) > n_weights:
        raise SettingError(f"the layout claims more weights than the {n_weights} that there are")


def _each(name: str, given: Any, n: int) -> tuple[Any, ...]:
    """Return one value a hidden layer."""
    if isinstance(given, str) or not isinstance(given, Sequence):
        return (given,) * n
    if len(given) != n:
        raise SettingError(f"{name} must be one, or {n}: one a hidden layer, got {len(given)}")
    return tuple(given)


def _one_of(name: str, given: object, known: Any) -> None:
    if given not in known:
        raise SettingError(f"{name} {given!r} is none of {', '.join(map(repr, known))}")


def _same_length(x: Array, y: Array) -> None:
    if len(x) != len(y):
        raise SettingError(f"X has {len(x)} row{'' if len(x) == 1 else 's'} and y has {len(y)}; they must be as many")
