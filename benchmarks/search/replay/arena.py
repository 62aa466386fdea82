"""A task replayed: any setting's curve, from the curves that were trained.

The curve of a setting is the mean of two models of the trained ones, on a scale that separates the good (the logarithm
of an error or a loss): a Gaussian process, which is smooth, and extremely randomized trees, which need not be. It is
without noise. What is reported is that curve and what a seed made of another setting that is about as good, drawn anew
for each setting and search; nothing, of a task of which no setting was trained from several seeds. `error.py` says how
far the curves are from ones that the models have not seen.
"""

from __future__ import annotations

import warnings
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from tasks import TASKS, Task

DATA = Path(__file__).with_name("data")
_COMPONENTS = 8  # of curves
_FLOOR = {"val_accuracy": 0.01, "val_loss": 0.003}
_ALIKE = 12  # settings that are about as good, of which one lends its noise


@dataclass(frozen=True, slots=True)
class Curve:
    """By epoch, in the metric's own unit; NaN from where it diverged. `report`: with noise, `truth`: without."""

    report: np.ndarray
    truth: np.ndarray


class Model:
    """A model of curves, (n, d) -> (n, epochs), on the scale of `Scale`; those that diverged are left out."""

    def __init__(self, points: np.ndarray, curves: np.ndarray, seed: int = 0) -> None:
        self.mean = curves.mean(axis=0)
        _, _, ways = np.linalg.svd(curves - self.mean, full_matrices=False)
        self.ways = ways[:_COMPONENTS]
        parts = (curves - self.mean) @ self.ways.T
        self.spread = parts[:, 0].std() or 1.0
        kernel = ConstantKernel(1.0, (0.05, 50)) * Matern(
            np.full(points.shape[1], 0.7), (0.08, 30), nu=2.5
        ) + WhiteKernel(0.05, (1e-4, 1.0))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # of what does not matter, at the bounds
            some = np.random.default_rng(seed).permutation(len(points))[:250]  # enough for its few settings
            fitted = GaussianProcessRegressor(kernel).fit(points[some], parts[some, 0] / self.spread).kernel_
        self.smooth = GaussianProcessRegressor(fitted, optimizer=None).fit(points, parts / self.spread)
        self.trees = ExtraTreesRegressor(200, min_samples_leaf=2, max_features=0.7, random_state=seed).fit(
            points, parts
        )

    def __call__(self, points: np.ndarray) -> np.ndarray:
        parts = 0.5 * (self.smooth.predict(points).reshape(len(points), -1) * self.spread + self.trees.predict(points))
        said: np.ndarray = self.mean + parts @ self.ways
        return said


@dataclass(frozen=True, slots=True)
class Scale:
    """The logarithm of an error or a loss, and back."""

    metric: str
    least: float

    @classmethod
    def of(cls, task: Task, curves: np.ndarray) -> Scale:
        least = float(np.nanmin(_lower(task.metric, curves)))
        return cls(task.metric, max(_FLOOR[task.metric] - least, 0.0) if task.metric == "val_loss" else 0.01)

    def __call__(self, curves: np.ndarray) -> np.ndarray:
        warped: np.ndarray = np.log(_lower(self.metric, curves) + self.least)
        return warped

    def back(self, warped: np.ndarray) -> np.ndarray:
        lower = np.maximum(np.exp(warped) - self.least, 0.0)
        return 1 - np.minimum(lower, 1.0) if self.metric == "val_accuracy" else lower


def _lower(metric: str, curves: np.ndarray) -> np.ndarray:
    return 1 - curves if metric == "val_accuracy" else curves


@dataclass(frozen=True, slots=True)
class Trained:
    """The curves of a task that were trained."""

    points: np.ndarray
    """(n, d)"""
    seeds: np.ndarray
    """(n,)"""
    curves: np.ndarray
    """(n, epochs)"""

    @classmethod
    def of(cls, name: str) -> Trained:
        known = np.load(DATA / f"{name}.npz")
        return cls(known["points"] / 65535, known["seeds"], known["curves"].astype(np.float64))


class Replay:
    """A task whose trainings are replayed."""

    def __init__(self, task: Task, trained: Trained) -> None:
        self.task = task
        self.sign = 1 if task.metric == "val_accuracy" else -1
        """Of the metric, so that more is better."""
        alone = trained.seeds == 0
        points, curves = trained.points[alone], trained.curves[alone]
        self._points, self._diverged = points, np.isnan(curves[:, -1])
        self._alive = np.isfinite(curves).sum(axis=1)
        sound = ~self._diverged
        self.scale = Scale.of(task, curves[sound])
        warped = np.minimum(self.scale(curves[sound]), np.log(3.0) + np.quantile(self.scale(curves[sound]), 0.99))
        self._model = Model(points[sound], warped)
        self._breaks = None
        if self._diverged.sum() > 2:
            self._breaks = ExtraTreesClassifier(200, min_samples_leaf=2, random_state=0).fit(points, self._diverged)
        self._noise_at, self._noise = self._seed_noise(trained)

    @classmethod
    def of(cls, name: str) -> Replay:
        return cls(TASKS[name], Trained.of(name))

    def truths(self, points: np.ndarray) -> np.ndarray:
        """Curves without noise, (n, d) -> (n, epochs); NaN from where they diverge."""
        found = self.scale.back(self.smoothed(points))
        if self._breaks is not None:
            for row in np.flatnonzero(self._breaks.predict_proba(points)[:, 1] > 0.5):
                near = ((self._points[self._diverged] - points[row]) ** 2).sum(axis=1).argmin()
                found[row, self._alive[self._diverged][near] :] = np.nan
        return found

    def smoothed(self, points: np.ndarray) -> np.ndarray:
        """Curves on the scale, (n, d) -> (n, epochs), as if none diverged."""
        return self._model(points)

    def curve(self, setting: dict[str, object], seed: int) -> Curve:
        """What a search with this seed is told of a setting, and what is true of it."""
        point = self.task.space.encode(setting)
        truth = self.truths(point[np.newaxis])[0]
        if not len(self._noise):
            return Curve(truth, truth)
        warped = self.scale(truth)
        alike = np.argsort(np.abs(self._noise_at - np.nanmean(warped[-3:])))[:_ALIKE]
        rng = np.random.default_rng([seed, zlib.crc32(np.round(point * 65535).astype(np.uint16).tobytes())])
        noise = self._noise[rng.choice(alike)] * rng.choice([-1.0, 1.0])
        report = self.scale.back(warped + noise)
        if self.task.metric == "val_accuracy":  # so many of the rows
            n = len(self.task.rows.truth)
            report = np.round(report * n) / n
        return Curve(report, truth)

    @cached_property
    def reference(self) -> tuple[float, float]:
        """The best of the median random setting, and the best that is known, at any epoch: more is better."""
        rng = np.random.default_rng(1)
        points = rng.random((1500, len(self.task.space.params)))
        found = self._best(points)
        median = float(np.median(found))
        points, found = np.vstack([points, self._points]), np.r_[found, self._best(self._points)]
        for _ in range(12):
            order = np.argsort(-found)[:50]
            points, found = points[order], found[order]
            children = points[rng.integers(50, size=150)]
            moves = rng.normal(size=children.shape) * rng.choice([0.02, 0.1, 0.3], size=(150, 1))
            children = np.where(rng.random(children.shape) < 0.4, children + moves, children).clip(0, 1)
            points, found = np.vstack([points, children]), np.r_[found, self._best(children)]
        return median, float(found.max())

    def _best(self, points: np.ndarray) -> np.ndarray:
        points = self.task.space.rounded(points)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of those of which nothing is known
            best = np.nanmax(self.sign * self.truths(points), axis=1)
        return np.where(np.isnan(best), -np.inf, best)

    def _seed_noise(self, trained: Trained) -> tuple[np.ndarray, np.ndarray]:
        """How good the settings are that were trained thrice, (m,), and what their seeds made of them, (m, epochs)."""
        at, noise = [], []
        for point in np.unique(trained.points[trained.seeds > 0], axis=0):
            curves = trained.curves[(trained.points == point).all(axis=1)]
            if np.isnan(curves[:, -1]).any():
                continue
            warped = self.scale(curves)
            mean = warped.mean(axis=0)
            for one in warped:
                at.append(mean[-3:].mean())
                noise.append((one - mean) * np.sqrt(len(warped) / (len(warped) - 1)))
        return np.array(at), np.array(noise)
