"""A trained model in one file of plain arrays and JSON: the network, its columns, and the meaning of its outputs."""

from __future__ import annotations

import io
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tunewell.errors import SettingError
from tunewell.estimators.columns import Columns
from tunewell.nn import Network
from tunewell.nn.array_file import read_member
from tunewell.whole_file import whole_file

_FORMAT = 2
_LARGEST_JSON = 2**24


@dataclass(frozen=True, slots=True)
class SavedModel:
    """A model that predicts a column of a table from the others."""

    target: str
    columns: Columns
    network: Network
    classes: tuple[Any, ...] | None
    """The classes in the order of the network's outputs; None for a regression."""
    mean: float = 0.0
    scale: float = 1.0
    """The deviation of a regression's target; `mean` is its mean."""

    def check(self) -> None:
        """Check that network, columns and classes are of one another, and plain data.

        Raises:
            ValueError: they are not, as if somebody had changed the file.
        """
        self.columns.check()
        layout, numbers = self.network.layout, (self.mean, self.scale)
        if not isinstance(self.target, str):
            raise TypeError("its target has no name")
        if layout.sizes[0] != self.columns.width:
            raise ValueError(f"its columns are {self.columns.width} numbers, and its network takes {layout.sizes[0]}")
        if layout.loss != ("squared" if self.classes is None else "softmax"):
            raise ValueError(f"its network has the loss {layout.loss!r}")
        if layout.sizes[-1] != (1 if self.classes is None else len(self.classes)):
            raise ValueError(f"its network has {layout.sizes[-1]} outputs, which are not its classes")
        if not all(isinstance(value, str | int | float) for value in self.classes or ()):
            raise ValueError("a class of it is no text or number")
        if not all(isinstance(number, int | float) and math.isfinite(number) for number in numbers):
            raise ValueError(f"its mean and scale are {self.mean!r} and {self.scale!r}")
        if not (np.isfinite(self.network.theta).all() and np.isfinite(self.network.running).all()):
            raise ValueError("a weight of it is no finite number")

    def predict(self, table: pd.DataFrame) -> NDArray[Any]:
        """Return a class or a number for each row, (m,).

        Raises:
            SettingError: the table lacks a column.
        """
        x = self.columns.numbers(table)
        if self.classes is None:
            return np.asarray(self.network.predict(x) * self.scale + self.mean)
        classes: NDArray[Any] = np.array(self.classes)[self.network.predict(x)]
        return classes

    def predict_proba(self, table: pd.DataFrame) -> NDArray[np.floating[Any]]:
        """Return the probabilities of the classes, (m, classes).

        Raises:
            SettingError: the model is a regression, or the table lacks a column.
        """
        if self.classes is None:
            raise SettingError("a regression has no probabilities; leave out --proba")
        return self.network.predict_proba(self.columns.numbers(table))

    def save(self, path: str | Path) -> None:
        """Write the model as a zip file of `model.json` and `network.npz`, in place of a file or link."""
        about = {
            "format": _FORMAT,
            "target": self.target,
            "columns": self.columns.to_dict(),
            "classes": None if self.classes is None else list(self.classes),
            "mean": self.mean,
            "scale": self.scale,
        }
        weights = io.BytesIO()
        self.network.save(weights)
        with whole_file(path) as place, ZipFile(place, "w") as file:
            file.writestr("model.json", json.dumps(about))
            file.writestr("network.npz", weights.getvalue())

    @classmethod
    def load(cls, path: str | Path) -> SavedModel:
        """Load a model that was saved; no code in the file is run.

        Raises:
            SettingError: the file holds none.
        """
        try:
            with ZipFile(path) as file:
                if file.getinfo("model.json").file_size > _LARGEST_JSON:
                    raise ValueError(f"model.json in it is larger than {_LARGEST_JSON:,} bytes")  # noqa: TRY301
                about, weights = json.loads(read_member(file, "model.json")), read_member(file, "network.npz")
            if about["format"] <= _FORMAT:
                model = cls(
                    about["target"],
                    Columns.from_dict(about["columns"]),
                    Network.load(io.BytesIO(weights)),
                    None if about["classes"] is None else tuple(about["classes"]),
                    about["mean"],
                    about["scale"],
                )
                model.check()
                return model
        except (OSError, BadZipFile, ValueError, LookupError, TypeError, AttributeError, RuntimeError) as error:
            why = error.__cause__ or error  # of the network, what is wrong with it rather than with its bytes
            raise SettingError(f"{path} holds no model: {why}; give a file that `tunewell fit` wrote") from error
        raise SettingError(f"{path} was written by a newer tunewell; update tunewell")
