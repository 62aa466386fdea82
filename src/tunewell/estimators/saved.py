"""A trained model in one file of plain arrays and JSON: the network, its columns, and the meaning of its outputs."""

from __future__ import annotations

import io
import json
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

_FORMAT = 1


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
        """Write the model as a zip file of `model.json` and `network.npz`."""
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
        with ZipFile(path, "w") as file:
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
                about = json.loads(file.read("model.json"))
                network = Network.load(io.BytesIO(file.read("network.npz")))
            if about["format"] > _FORMAT:
                raise SettingError(f"{path} was written by a newer tunewell; update tunewell")
            classes = about["classes"]
            return cls(
                about["target"],
                Columns.from_dict(about["columns"]),
                network,
                None if classes is None else tuple(classes),
                about["mean"],
                about["scale"],
            )
        except (OSError, BadZipFile, ValueError, KeyError, TypeError) as error:
            if isinstance(error, SettingError):
                raise
            raise SettingError(f"{path} holds no model: {error}; give a file that `tunewell fit` wrote") from error
