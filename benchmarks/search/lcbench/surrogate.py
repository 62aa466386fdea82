"""LCBench's surrogate: validation accuracy over 52 epochs for any setting."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from problem import EPOCHS, SPACE
from results import Reference

_CORNER = {"batch_size": 16, "learning_rate": 0.1, "momentum": 0.99, "num_layers": 5}


class Surrogate:
    """The ONNX model and its tasks."""

    def __init__(self, folder: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._model = onnxruntime.InferenceSession(folder / "model.onnx", options)
        self._numbers: dict[str, int] = json.loads((folder / "tasks.json").read_text())
        self.tasks = tuple(self._numbers)

    def curves(self, task: str, settings: Sequence[Mapping[str, object]]) -> np.ndarray:
        """(n, 52): accuracy, 0 to 1, of n settings by epoch."""
        values = np.array([[float(str(setting[name])) for name in SPACE.names] for setting in settings])
        n = len(values)
        epochs = np.tile(np.arange(1, EPOCHS + 1), n)[:, np.newaxis]
        inputs = np.hstack([epochs, np.repeat(values, EPOCHS, axis=0)]).astype(np.float32)
        number = np.full((len(inputs), 1), self._numbers[task], dtype=np.int32)
        output = self._model.run(None, {"x_cat": number, "x_cont": inputs})[0]
        return output[:, 1].reshape(n, EPOCHS).astype(np.float64) / 100

    def reference(self, task: str, seed: int = 1) -> Reference:
        """The median and the best of many settings, and whether the best lies in the corner of the space."""
        rng = np.random.default_rng(seed)
        points = rng.random((4000, len(SPACE.names)))
        found = self._best_of_curve(task, points)
        median = float(np.median(found))
        for _ in range(25):  # an evolution from the fifty best
            order = np.argsort(-found)[:50]
            points, found = points[order], found[order]
            children = points[rng.integers(50, size=150)]
            moved = children + rng.normal(size=children.shape) * rng.choice([0.02, 0.1, 0.3], size=(150, 1))
            children = np.where(rng.random(children.shape) < 0.4, moved, children).clip(0, 1)
            points = np.vstack([points, children])
            found = np.concatenate([found, self._best_of_curve(task, children)])
        best = SPACE.decode(points[found.argmax()])
        near = [abs(SPACE.params[n].to_unit(best[n]) - SPACE.params[n].to_unit(v)) < 0.1 for n, v in _CORNER.items()]
        return Reference(median=median, best=float(found.max()), corner=bool(all(near)))

    def _best_of_curve(self, task: str, points: np.ndarray) -> np.ndarray:
        parts = [points[i : i + 1000] for i in range(0, len(points), 1000)]
        return np.concatenate([self.curves(task, SPACE.decode_many(part)).max(axis=1) for part in parts])
