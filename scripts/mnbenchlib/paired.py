# SPDX-License-Identifier: GPL-2.0-or-later
"""Statistics of two runs that were measured in lock-step: round by round, the one beside the other.

What drifts (frequency, neighbours, memory) moves both measurements of a round, and cancels out of
their ratio. So the sample is one of log ratios, one a round; the order of the two within a round is
random, so that under the null hypothesis each log ratio is as likely as its opposite. That is all
that the signed-rank test assumes.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import stats as scipy_stats

from .stats import ALPHA, Ratio

_EXACT_MOST = 50  # rounds; above, the normal approximation of the signed-rank sum is as good


@lru_cache(maxsize=None)
def _w_cumulative(n: int) -> np.ndarray:
    """P(W <= w) of the sum of positive ranks, for w = 0 .. n(n+1)/2, under the null hypothesis."""
    counts = np.zeros(n * (n + 1) // 2 + 1)
    counts[0] = 1
    for rank in range(1, n + 1):  # the coefficients of prod (1 + q^rank)
        counts[rank:] = counts[rank:] + counts[:-rank]
    return np.cumsum(counts) / 2.0**n


def _rank(n: int, alpha: float) -> tuple[int, float]:
    """How many Walsh averages to leave out at each end, and the confidence that remains."""
    if n > _EXACT_MOST:
        sigma = np.sqrt(n * (n + 1) * (2 * n + 1) / 24)
        k = int(n * (n + 1) / 4 - scipy_stats.norm.ppf(1 - alpha / 2) * sigma)
        return max(k, 0), 1 - alpha
    tail = _w_cumulative(n)
    # Leaving out k - 1 costs P(W <= k - 1) at each end; k = 1: even the extremes, no more.
    k = max(int(np.searchsorted(tail, alpha / 2, side="right")), 1)
    return k - 1, max(0.0, float(1 - 2 * tail[k - 1]))


def _logs(new: np.ndarray, base: np.ndarray) -> np.ndarray:
    """The log ratios of the rounds; those with a figure of 0 have none."""
    good = (new > 0) & (base > 0)
    return np.log(new[good] / base[good])


def ratio(new: np.ndarray, base: np.ndarray, alpha: float = ALPHA) -> Ratio:
    """new / base, the i-th of both from one round: Hodges and Lehmann's estimate and its interval.

    The estimate is the median of the means of all pairs of log ratios (Walsh averages), each with
    itself too; the interval, between two of them, inverts the signed-rank test.
    """
    nan = float("nan")
    logs = _logs(np.asarray(new, dtype=float), np.asarray(base, dtype=float))
    if not len(logs):
        return Ratio(nan, nan, nan, 0.0)
    i, j = np.triu_indices(len(logs))
    walsh = np.sort((logs[i] + logs[j]) / 2)
    value = float(np.exp(np.median(walsh)))
    if len(logs) < 2:
        return Ratio(value, nan, nan, 0.0)
    skip, confidence = _rank(len(logs), alpha)
    return Ratio(value, float(np.exp(walsh[skip])), float(np.exp(walsh[-1 - skip])), confidence)


def p_value(new: np.ndarray, base: np.ndarray) -> float:
    """Wilcoxon's signed-rank test, two-sided; exact for small samples without ties."""
    logs = _logs(np.asarray(new, dtype=float), np.asarray(base, dtype=float))
    logs = logs[logs != 0]  # a round in which both took the same time speaks for neither
    if not len(logs):
        return 1.0
    return float(scipy_stats.wilcoxon(logs, alternative="two-sided").pvalue)


def smallest_p(n: int) -> float:
    """The least p that the test can give: every round on the same side."""
    return min(1.0, 2.0**(1 - n))


def rounds_needed(tests: int, alpha: float) -> int:
    """Rounds with which one row that moved alone among `tests` can be decided."""
    n = 2
    while smallest_p(n) * tests > alpha:
        n += 1
    return n
