# SPDX-License-Identifier: GPL-2.0-or-later
"""The universal scalability law (Gunther), fitted: how throughput goes with threads.

    X(N) = rate N / (1 + contention (N - 1) + crosstalk N (N - 1))

Contention is what threads queue for, crosstalk what each pays for every other one.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, sqrt

import numpy as np
import pandas as pd
from scipy import optimize, stats

from .medians import ALPHA

FEWEST = 5  # numbers of threads: three parameters, and two more points that could contradict
_WORST = 0.25  # a point farther off than this, as a share, and the law is none


@dataclass(frozen=True)
class Estimate:
    """A parameter with its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Law:
    """The law of one curve, with how far it is from the point that it misses by most."""

    rate: Estimate
    contention: Estimate
    crosstalk: Estimate
    worst: float
    covariance: np.ndarray
    quantile: float  # Student's, of the fit's degrees of freedom

    @property
    def holds(self) -> bool:
        """Whether the curve is of this shape at all."""
        return self.worst <= _WORST

    @property
    def peak(self) -> float:
        """The number of threads with the most throughput; infinite where it only grows."""
        contention, crosstalk = self.contention.value, self.crosstalk.value
        if contention >= 1:
            return 1.0
        return max(sqrt((1 - contention) / crosstalk), 1.0) if crosstalk > 1e-9 else float("inf")

    def curve(self, threads: np.ndarray) -> pd.DataFrame:
        """Points as of a measured curve, with the interval that the parameters' doubt gives."""
        middle = _log_rate(threads, np.log(self.rate.value), self.contention.value,
                           self.crosstalk.value)
        slope = _slopes(threads, None, self.contention.value, self.crosstalk.value)
        spread = np.sqrt(np.einsum("ij,jk,ik->i", slope, self.covariance, slope))
        half = np.minimum(self.quantile * spread, 50)
        return pd.DataFrame({"x": threads, "median": np.exp(middle), "low": np.exp(middle - half),
                             "high": np.exp(middle + half)})


def _denominator(threads: np.ndarray, contention: float, crosstalk: float) -> np.ndarray:
    return 1 + contention * (threads - 1) + crosstalk * threads * (threads - 1)


def _log_rate(threads, log_rate, contention, crosstalk) -> np.ndarray:
    return log_rate + np.log(threads / _denominator(threads, contention, crosstalk))


def _slopes(threads, _log_rate_alone, contention, crosstalk) -> np.ndarray:
    below = _denominator(threads, contention, crosstalk)
    return np.stack([np.ones_like(threads), -(threads - 1) / below,
                     -threads * (threads - 1) / below], axis=1)


def fit(threads: np.ndarray, rates: np.ndarray) -> Law | None:
    """The law nearest to the medians, all of them equally in relative terms; None where there are
    too few, or they decide nothing. The intervals are of least squares by Student's t; none goes
    below 0."""
    threads, rates = np.asarray(threads, float), np.asarray(rates, float)
    if len(np.unique(threads)) < FEWEST or not (rates > 0).all():
        return None
    log_rates = np.log(rates)
    start = [log_rates[0] - np.log(threads[0]), 0.1, 0.001]
    try:
        found, covariance = optimize.curve_fit(
            _log_rate, threads, log_rates, start, jac=_slopes,
            bounds=([-np.inf, 0, 0], [np.inf, np.inf, np.inf]), x_scale=[1, 0.1, 0.001])
    except RuntimeError:  # it came to no end
        return None
    if not np.isfinite(covariance).all():
        return None
    quantile = float(stats.t.ppf(1 - ALPHA / 2, len(threads) - 3))
    half = quantile * np.sqrt(np.diag(covariance))
    residuals = np.expm1(np.abs(_log_rate(threads, *found) - log_rates))
    log_rate, halves = found[0], np.minimum(half, 500)
    return Law(Estimate(exp(log_rate), exp(log_rate - halves[0]), exp(log_rate + halves[0])),
               *(Estimate(float(found[i]), max(float(found[i] - half[i]), 0.0),
                          float(found[i] + half[i])) for i in (1, 2)),
               float(residuals.max()), covariance, quantile)
