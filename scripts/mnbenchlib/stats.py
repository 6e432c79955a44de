# SPDX-License-Identifier: GPL-2.0-or-later
"""The few statistics that a comparison needs, chosen for small numbers of repetitions.

Everything here is by ranks: times have no known distribution, and 5 repetitions are too few for a
bootstrap (it would resample at most 126 different sets, and its interval comes out too narrow).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import comb

import numpy as np
from scipy import stats as scipy_stats

ALPHA = 0.05  # what an interval may miss the truth in
EXACT_MOST = 50  # repetitions; above, the normal approximation of U is as good


@dataclass(frozen=True)
class Ratio:
    """new / base: of the medians, with an interval and the level which that interval reaches."""

    value: float
    low: float
    high: float
    confidence: float


@lru_cache(maxsize=None)
def u_cumulative(n: int, m: int) -> np.ndarray:
    """P(U <= u) for u = 0 .. n*m, when both samples are of one distribution."""
    # The counts are the coefficients of prod (1 - q^(m+i)) / (1 - q^i), i = 1 .. n.
    counts = [0] * (n * m + 1)
    counts[0] = 1
    for i in range(1, n + 1):
        for u in range(n * m, m + i - 1, -1):
            counts[u] -= counts[u - m - i]
        for u in range(i, n * m + 1):
            counts[u] += counts[u - i]
    total = comb(n + m, n)
    sums = np.cumsum(np.array(counts, dtype=object))
    return np.array([float(s / total) for s in sums])


def rank(n: int, m: int, alpha: float) -> tuple[int, float]:
    """How many pairwise ratios to leave out at each end, and the confidence that remains."""
    if max(n, m) > EXACT_MOST:
        sigma = np.sqrt(n * m * (n + m + 1) / 12)
        k = int(n * m / 2 - scipy_stats.norm.ppf(1 - alpha / 2) * sigma)
        return max(k, 0), 1 - alpha
    tail = u_cumulative(n, m)
    k = int(np.searchsorted(tail, alpha / 2, side="right"))
    # Leaving out k - 1 costs P(U <= k - 1) at each end; k = 0: even the extremes do not reach it.
    k = max(k, 1)
    return k - 1, max(0.0, float(1 - 2 * tail[k - 1]))


def ratio(new: np.ndarray, base: np.ndarray, alpha: float = ALPHA) -> Ratio:
    """Ratio of the medians, with the interval that inverts the Mann-Whitney test (Moses).

    The interval is between two order statistics of all n * m pairwise ratios. It assumes only that
    the two samples differ by a factor. With few repetitions even the widest one does not reach
    1 - alpha: `confidence` says what it reaches. NaN where a median of the base is 0.
    """
    nan = float("nan")
    middle = np.median(base)
    if not middle > 0:
        return Ratio(nan, nan, nan, 0.0)
    with np.errstate(over="ignore"):
        value = float(np.median(new) / middle)
    if min(len(new), len(base)) < 2 or not np.min(base) > 0:
        return Ratio(value, nan, nan, 0.0)
    with np.errstate(over="ignore"):
        pairs = np.sort(np.divide.outer(np.asarray(new), np.asarray(base)).ravel())
    skip, confidence = rank(len(new), len(base), alpha)
    # With a great many repetitions the ratio of the medians may lie outside: then widen.
    low, high = min(pairs[skip], value), max(pairs[-1 - skip], value)
    return Ratio(value, float(low), float(high), confidence)


def p_value(new: np.ndarray, base: np.ndarray) -> float:
    """Two-sided Mann-Whitney U test; exact for small samples without ties."""
    distinct = len(np.unique(np.concatenate([new, base])))
    if distinct == 1:
        return 1.0
    # Left to itself scipy takes the normal approximation from 9 on, whose least p is too large.
    exact = distinct == len(new) + len(base) and max(len(new), len(base)) <= EXACT_MOST
    return float(scipy_stats.mannwhitneyu(new, base, alternative="two-sided",
                                          method="exact" if exact else "asymptotic").pvalue)


def smallest_p(n: int, m: int) -> float:
    """The least p that the test can give: all of one sample below all of the other."""
    return min(1.0, 2 / comb(n + m, n))


def repetitions_needed(tests: int, alpha: float) -> int:
    """Repetitions a side with which one row that moved alone among `tests` can be decided."""
    n = 2
    while smallest_p(n, n) * tests > alpha:
        n += 1
    return n


def adjust(p: np.ndarray) -> np.ndarray:
    """Benjamini and Hochberg: p values adjusted for their number (the false discovery rate)."""
    p = np.asarray(p, dtype=float)
    order = np.argsort(p)
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return adjusted


def geometric_mean(values: np.ndarray) -> float:
    """NaN and zero ratios left out; NaN when nothing is left."""
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values) & (values > 0)]
    return float(scipy_stats.gmean(values)) if len(values) else float("nan")
