"""A Gaussian process over learning curves: it predicts what a setting will reach at the last epoch, and how surely.

The covariance of two observations, at the settings x and x', the times s and s', of the trials i and i':

    r^2 k(x, x') (a + (1 - a) exp(-(s - s')^2 / 2 l^2))   the setting: Matern-5/2 with a length scale a coordinate
    + c exp(-(s - s')^2 / 2)                              the curve that all settings share
    + t^2 [i = i']                                        the effect of a trial, all along its curve
    + n^2 [the same observation]                          noise
    + sum_j b_j^2 f_j(x, s) f_j(x', s')                   the ways in which past studies differ (`past`)

about the mean 0, or b_0 times what past studies expect. After Swersky, Snoek and Adams ("Freeze-thaw Bayesian
optimization", 2014). Time is log(epoch) / log(last epoch). The settings of the covariance are those of the highest
posterior density under weak log-normal priors, found by their analytic gradient.

Times are few, the rungs, so what depends on them is computed for each pair of them once; what depends on settings, for
each pair of trials.

Shapes: n observations of m trials, at w times, d coordinates, k ways, p settings of the covariance (d + 5; with a
past d + 7 + k).
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cho_solve  # type: ignore[import-untyped]
from scipy.linalg.blas import dsymv, dtrsm  # type: ignore[import-untyped]
from scipy.linalg.lapack import dpotrf, dpotri  # type: ignore[import-untyped]
from scipy.optimize import minimize  # type: ignore[import-untyped]
from scipy.special import erfcx, ndtr  # type: ignore[import-untyped]

from tunewell.arrays import Floats, Integers

_ROOT5 = np.sqrt(5.0)
_JITTER = 1e-6
_PLACES = 4  # of a choice's place in [0, 1]: others are further away than what rounding makes of it
ITERATIONS = 60
_FARTHEST = 4.0  # a fitted setting lies, from the middle of its prior, in its deviations
_LEFT_BY_PAST = 0.5  # the amplitude of what a past leaves to be learned
_DOUBT = 1.5  # of the logarithm of a past's weights, in deviations: a past that misleads is nothing out of the way
_ASIDE = 1 / 6
"""A setting in which a parameter is inactive lies beside the middle of its range, so far away, squared: a quarter from
the others on average. Distances stay those of points, without which the covariance would be none."""


class _Scales(NamedTuple):
    """The settings of the covariance; `fade` to `amplitude` are l, a, c, n, t and r of its formula."""

    lengthscales: Floats
    fade: float
    lasting: float
    shared: float
    noise: float
    trial_effect: float
    amplitude: float
    mean_weight: float
    """b_0 of the formula."""
    way_weights: Floats
    """b_j, (k,)."""


class CurveModel:
    """A Gaussian process, fitted to observations of learning curves."""

    def __init__(
        self, points: Floats, unordered: NDArray[np.bool_], owner: Integers, time: Floats, y: Floats,
        *, past: Floats | None = None, fitted: ArrayLike | None = None, start: ArrayLike | None = None,
        iterations: int = ITERATIONS,
    ) -> None:  # fmt: skip
        """Fit the model, unless that has been done.

        Args:
            points: (m, d), trials by their coordinates; NaN where a parameter is inactive.
            unordered: (d,), which coordinates are choices with no order.
            owner: (n,), the row in `points` of each observation's trial.
            time: (n,), log(epoch) / log(last epoch).
            y: (n,), of mean 0 and deviation 1 or so; lower is better.
            past: (n, 1 + k), what past studies expect of each observation, and the k ways in which they differ.
            fitted: (p,), the attribute `fitted` of an earlier model, instead of a fit.
            start: (p,), where the fit begins; the middle of the priors if None.
            iterations: of the fit, at most.
        """
        self._points, self._unordered, self._owner, self._time, self._y = points, unordered, owner, time, y
        self._times, self._at = np.unique(time, return_inverse=True)
        self._iterations = iterations
        self._past = past
        self._mean = np.zeros(len(y)) if past is None else past[:, 0]
        d = points.shape[1]
        weights = 0 if past is None else past.shape[1]
        middle = np.log([0.5, 1.0, 0.5, 0.03, 0.05, *([_LEFT_BY_PAST] if weights else []), *[1.0] * weights])
        wide = [0.7, 1.5, 1.0, 1.0, 1.0, *([0.7] if weights else []), *[_DOUBT] * weights]
        self._prior_mean = np.r_[np.full(d, np.log(0.5 * np.sqrt(d))), middle]
        self._prior_deviation = np.r_[np.ones(d), wide]
        self.fitted: Floats = self._fit(start) if fitted is None else np.asarray(fitted, dtype=np.float64)
        scales = _scales(self.fitted, d)
        setting = matern_of(squared_distances(points, points, unordered, scales.lengthscales))
        self._low = _factored(self._covariance(scales, setting))
        self._alpha = cho_solve((self._low, True), y - scales.mean_weight * self._mean)

    def predict(
        self, points: Floats, owner: Integers, past: Floats | None = None, time: float = 1.0
    ) -> tuple[Floats, Floats]:
        """Return mean and deviation at a time, each (q,), of points (q, d) and their owners (q,).

        owner: the row of the trial that goes on, or -1 for a new one.
        past: (q, 1 + k), if the model has a past.
        """
        s = _scales(self.fitted, self._points.shape[1])
        # by setting first, (q, n), which is how BLAS wants what it is to solve: nothing is copied
        setting = matern_of(squared_distances(points, self._points, self._unordered, s.lengthscales))
        apart = (self._time - time) ** 2
        covariance = setting.take(self._owner, axis=1)
        covariance *= s.amplitude**2 * (s.lasting + (1 - s.lasting) * np.exp(-0.5 * apart / s.fade**2))
        covariance += s.shared * np.exp(-0.5 * apart)
        for row in np.flatnonzero(owner >= 0).tolist():
            covariance[row, self._owner == owner[row]] += s.trial_effect**2
        mean, variance = np.zeros(len(points)), np.full(len(points), s.amplitude**2 + s.shared + s.trial_effect**2)
        if past is not None and self._past is not None:
            ways = past[:, 1:] * s.way_weights
            covariance += ways @ (self._past[:, 1:] * s.way_weights).T
            mean += s.mean_weight * past[:, 0]
            variance += (ways**2).sum(axis=1)
        mean += covariance @ self._alpha
        known = dtrsm(1.0, self._low.T, covariance.T, lower=0, trans_a=1, overwrite_b=1).T
        variance -= np.einsum("ij,ij->i", known, known)
        return mean, np.sqrt(np.maximum(variance, 1e-10))

    def left_out(self) -> tuple[Integers, Floats, Floats]:
        """Return what is expected of each trial by all others: a row, a mean and a deviation, each (m,).

        The row is that of its last observation. The settings of the covariance know the trial all the same.
        """
        below, _ = dpotri(self._low.T, lower=0)
        inverse = np.triu(below) + np.triu(below, 1).T
        last, mean, deviation = np.empty(len(self._points), dtype=np.int64), *np.empty((2, len(self._points)))
        for trial in range(len(self._points)):
            rows = np.flatnonzero(self._owner == trial)
            spread = np.linalg.inv(inverse[np.ix_(rows, rows)])
            off = spread @ self._alpha[rows]
            at = int(self._time[rows].argmax())
            last[trial] = rows[at]
            mean[trial], deviation[trial] = self._y[rows[at]] - off[at], np.sqrt(max(spread[at, at], 1e-10))
        return last, mean, deviation

    def believing(self, points: Floats, y: Floats, past: Floats | None = None) -> CurveModel:
        """Return the model as if new trials at these points, (q, d), came out as `y`, (q,), at the last epoch."""
        return CurveModel(
            np.vstack([self._points, points]),
            self._unordered,
            np.r_[self._owner, len(self._points) + np.arange(len(points))],
            np.r_[self._time, np.ones(len(points))],
            np.r_[self._y, y],
            past=None if past is None or self._past is None else np.vstack([self._past, past]),
            fitted=self.fitted,
        )

    @cached_property
    def _dx(self) -> Floats:
        return squared_differences(self._points, self._points, self._unordered)

    @cached_property
    def _apart(self) -> Floats:
        """The squared differences of times, (w, w)."""
        apart: Floats = (self._times[:, np.newaxis] - self._times) ** 2
        return apart

    @cached_property
    def _same(self) -> Integers:
        """The places, in a matrix of all pairs of observations, of those that are of one trial."""
        return np.flatnonzero(self._owner[:, np.newaxis] == self._owner)

    @cached_property
    def _setting_of_pair(self) -> Integers:
        """The place of the two trials, in a matrix of all pairs of trials, of each pair of observations, (n, n)."""
        places: Integers = self._owner[:, np.newaxis] * len(self._points) + self._owner
        return places

    @cached_property
    def _time_of_pair(self) -> Integers:
        """The place of the two times, in a matrix of all pairs of times, of each pair of observations, (n, n)."""
        places: Integers = self._at[:, np.newaxis] * len(self._times) + self._at
        return places

    @cached_property
    def _at_time(self) -> Floats:
        """One where an observation is at a time, (n, w)."""
        return np.eye(len(self._times))[self._at]

    @cached_property
    def _order(self) -> Integers:
        """The observations, by trial: (n,)."""
        return np.argsort(self._owner, kind="stable")

    def _of_pairs(self, of_times: Floats) -> Floats:
        """Return a function of two times for each pair of observations, (w, w) -> (n, n)."""
        return of_times.ravel().take(self._time_of_pair)

    def _sums_by_trial(self, pairs: Floats) -> Floats:
        """Return the sums over pairs of observations for each pair of trials, (n, n) -> (m, m); each trial has one."""
        if (self._order[1:] < self._order[:-1]).any():
            pairs = pairs[self._order][:, self._order]
        starts = np.searchsorted(self._owner[self._order], np.arange(len(self._points)))
        sums: Floats = np.add.reduceat(np.add.reduceat(pairs, starts, axis=0), starts, axis=1)
        return sums

    def _covariance(self, s: _Scales, setting: Floats) -> Floats:
        """Return the covariance of observations, (n, n), from that of their trials' settings, (m, m)."""
        fading = s.lasting + (1 - s.lasting) * np.exp(-0.5 * self._apart / s.fade**2)
        covariance = setting.ravel().take(self._setting_of_pair)
        covariance *= self._of_pairs(s.amplitude**2 * fading)
        covariance += self._of_pairs(s.shared * np.exp(-0.5 * self._apart))
        covariance.ravel()[self._same] += s.trial_effect**2
        if self._past is not None:
            ways = self._past[:, 1:] * s.way_weights
            covariance += ways @ ways.T
        covariance[np.diag_indices_from(covariance)] += s.noise**2 + _JITTER
        return covariance

    def _fit(self, start: ArrayLike | None) -> Floats:
        far = _FARTHEST * self._prior_deviation  # beyond it, exp() overflows before the prior pulls back
        low, high = self._prior_mean - far, self._prior_mean + far
        found = minimize(
            self.loss,
            self._prior_mean if start is None else np.clip(np.asarray(start, dtype=np.float64), low, high),
            jac=True,
            method="L-BFGS-B",
            bounds=np.column_stack([low, high]),
            options={"maxiter": self._iterations},
        )
        fitted: Floats = found.x
        return fitted

    def loss(self, theta: Floats) -> tuple[float, Floats]:
        """Return the negative log posterior density of settings, (p,), up to a constant, and its gradient."""
        d = self._points.shape[1]
        s = _scales(theta, d)
        setting, r, e = matern(self._dx, s.lengthscales)
        # a matrix that is symmetric is its own transpose, which LAPACK then need not copy
        low, failed = dpotrf(self._covariance(s, setting).T, lower=1, overwrite_a=1)
        if failed:
            return 1e25, np.zeros_like(theta)
        log_determinant = 2 * np.log(np.diag(low)).sum()
        half, _ = dpotri(low, lower=1, overwrite_c=1)  # of the inverse, its lower triangle
        y = self._y - s.mean_weight * self._mean
        alpha = dsymv(1.0, half, y, lower=1)
        z = (theta - self._prior_mean) / self._prior_deviation
        value = 0.5 * y @ alpha + 0.5 * log_determinant + 0.5 * z @ z

        fading = np.exp(-0.5 * self._apart / s.fade**2)
        # minus twice the gradient by the covariance is this and its transpose: with what is symmetric, twice this
        half[np.diag_indices_from(half)] *= 0.5
        w = half.T
        np.subtract(np.outer(0.5 * alpha, alpha), w, out=w)
        of_all = 2 * self._at_time.T @ w @ self._at_time  # (w, w), as what depends on times only is
        weight = w * setting.ravel().take(self._setting_of_pair)
        of_settings = 2 * s.amplitude**2 * (self._at_time.T @ weight @ self._at_time)
        lasting = s.lasting + (1 - s.lasting) * fading
        by_trial = 2 * self._sums_by_trial(w * self._of_pairs(s.amplitude**2 * lasting))
        gradient = np.empty_like(theta)
        gradient[:d] = np.tensordot(self._dx, 5 / 3 * (1 + _ROOT5 * r) * e * by_trial, axes=2) / s.lengthscales**2
        gradient[d] = (of_settings * (1 - s.lasting) * fading * self._apart).sum() / s.fade**2
        gradient[d + 1] = (of_settings * (1 - fading)).sum() * s.lasting * (1 - s.lasting)
        gradient[d + 2] = (of_all * s.shared * np.exp(-0.5 * self._apart)).sum()
        gradient[d + 3] = 4 * np.trace(w) * s.noise**2
        gradient[d + 4] = 4 * w.ravel()[self._same].sum() * s.trial_effect**2
        if self._past is not None:
            gradient[d + 5] = 2 * (of_settings * lasting).sum()
            gradient[d + 6] = 2 * s.mean_weight * self._mean @ alpha
            ways = self._past[:, 1:]
            gradient[d + 7 :] = 4 * np.einsum("ij,ij->j", ways, w @ ways) * s.way_weights**2
        return float(value), -0.5 * gradient + z / self._prior_deviation


def fitted_size(points: Floats, past: Floats | None) -> int:
    """Return the number of settings of the covariance, p, of a model of these."""
    return int(points.shape[1]) + 5 + (0 if past is None else 1 + int(past.shape[1]))


def squared_differences(a: Floats, b: Floats, unordered: NDArray[np.bool_]) -> Floats:
    """Return the squared differences of points, (m, d) and (q, d) -> (d, m, q).

    0 or 1 for choices with no order, of which to be inactive is one more.
    """
    left, right = a.T[:, :, np.newaxis], b.T[:, np.newaxis, :]
    one_inactive = np.isnan(left) != np.isnan(right)
    squared: Floats = (np.nan_to_num(left, nan=0.5) - np.nan_to_num(right, nan=0.5)) ** 2 + _ASIDE * one_inactive
    squared[unordered] = (squared[unordered] > _JITTER) | one_inactive[unordered]
    return squared


def squared_distances(a: Floats, b: Floats, unordered: NDArray[np.bool_], lengthscales: Floats) -> Floats:
    """Return the squared distances in length scales, (m, d) and (q, d) -> (m, q).

    They are the sum over coordinates of `squared_differences` over the squares of length scales, by one product of
    matrices: a choice is as many coordinates as it has values, and to be inactive is one more.
    """
    both = np.vstack([a, b])
    inactive = np.isnan(both)
    scaled = np.where(inactive, 0.5, both) / lengthscales
    parts = [scaled[:, ~unordered]]
    if (at := np.flatnonzero(inactive.any(axis=0) & ~unordered)).size:
        parts.append(np.sqrt(_ASIDE) * inactive[:, at] / lengthscales[at])
    for column in np.flatnonzero(unordered):
        values = np.where(inactive[:, column], -1.0, both[:, column].round(_PLACES))
        kinds = np.unique(values)
        parts.append((values[:, np.newaxis] == kinds) / (np.sqrt(2) * lengthscales[column]))
    x = np.hstack(parts)
    squared = np.einsum("ij,ij->i", x, x)
    of_a, of_b = x[: len(a)], x[len(a) :]
    found: Floats = -2 * of_a @ of_b.T
    found += squared[: len(a), np.newaxis]
    found += squared[len(a) :]
    return np.maximum(found, 0.0, out=found)


def log_expected_improvement(mean: Floats, deviation: Floats, best: float) -> Floats:
    """Return the logarithm of the expected improvement below `best`, (q,), exact where the improvement vanishes.

    After Ament et al., 2023.
    """
    z = (best - mean) / deviation
    found = np.empty_like(z)
    near = z > -1
    found[near] = np.log(np.exp(-0.5 * z[near] ** 2) / np.sqrt(2 * np.pi) + z[near] * ndtr(z[near]))
    far = z[~near]
    ratio = np.sqrt(np.pi / 2) * erfcx(-far / np.sqrt(2)) * np.abs(far)
    found[~near] = -0.5 * far**2 - 0.5 * np.log(2 * np.pi) + np.log1p(-np.minimum(ratio, 1 - 1e-15))
    improvement: Floats = found + np.log(deviation)
    return improvement


def _factored(covariance: Floats) -> Floats:
    """Return the lower Cholesky factor; where observations are all but copies of each other, with more noise."""
    for noise in (0.0, 1e-5, 1e-3, 1e-1):
        try:
            low: Floats = np.asarray(np.linalg.cholesky(covariance + noise * np.eye(len(covariance))), np.float64)
        except np.linalg.LinAlgError:
            continue
        return low
    return np.diag(np.sqrt(np.diag(covariance)))  # as if they had nothing to do with each other


def _scales(theta: Floats, d: int) -> _Scales:
    fade, lasting, shared, noise, trial_effect = theta[d : d + 5].tolist()
    amplitude, mean_weight = np.exp(theta[d + 5 : d + 7]).tolist() if len(theta) > d + 5 else (1.0, 0.0)
    return _Scales(
        np.exp(theta[:d]),
        np.exp(fade),
        1 / (1 + np.exp(-lasting)),
        np.exp(shared),
        np.exp(noise),
        np.exp(trial_effect),
        amplitude=amplitude,
        mean_weight=mean_weight,
        way_weights=np.exp(theta[d + 7 :]),
    )


def matern(squared: Floats, lengthscales: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the Matern-5/2 covariance, the distance r in length scales, and exp(-sqrt(5) r).

    Of (d, m, q) and (d,), each (m, q).
    """
    r2 = np.tensordot(1 / lengthscales**2, squared, axes=1)
    r = np.sqrt(r2)
    e = np.exp(-_ROOT5 * r)
    return (1 + _ROOT5 * r + 5 / 3 * r2) * e, r, e


def matern_of(squared: Floats) -> Floats:
    """Return the Matern-5/2 covariance of squared distances in length scales."""
    far = 5 * squared
    np.sqrt(far, out=far)
    covariance: Floats = far / 3
    covariance += 1
    covariance *= far
    covariance += 1
    np.negative(far, out=far)
    covariance *= np.exp(far, out=far)
    return covariance
