# SPDX-License-Identifier: GPL-2.0-or-later
"""The statistics, against examples done by hand and against scipy."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
import synthetic  # noqa: F401  (finds mnbenchlib)
from scipy import stats as scipy_stats

from mnbenchlib import stats


def test_ratio_by_hand():
    # 25 ratios; with 5 and 5 the third from each end: 1 - 2 * 4 / 252, since P(U <= 2) = 4 / 252.
    base, new = np.array([10.0, 20, 30, 40, 50]), np.array([20.0, 40, 60, 80, 100])
    every = sorted(n / b for n in new for b in base)
    found = stats.ratio(new, base)
    assert found.value == 2.0
    assert (found.low, found.high) == (every[2], every[-3])
    assert found.confidence == pytest.approx(1 - 8 / 252)


def test_ratio_turned_round():
    rng = np.random.default_rng(4)
    a, b = rng.lognormal(0, 0.1, 7), rng.lognormal(0.3, 0.1, 5)
    there, back = stats.ratio(a, b), stats.ratio(b, a)
    assert there.value * back.value == pytest.approx(1)
    assert there.low * back.high == pytest.approx(1)
    assert there.high * back.low == pytest.approx(1)


@pytest.mark.parametrize("n, reached", [(2, 2 / 3), (3, 0.9), (4, 1 - 2 / 70)])
def test_few_repetitions_say_what_they_reach(n, reached):
    found = stats.ratio(np.arange(1.0, n + 1), np.arange(1.0, n + 1))
    assert found.confidence == pytest.approx(reached)
    assert (found.low, found.high) == (1 / n, n)


def test_no_interval():
    one = stats.ratio(np.array([2.0]), np.array([1.0]))
    assert one.value == 2 and np.isnan(one.low) and one.confidence == 0
    zero = stats.ratio(np.array([2.0, 2]), np.array([0.0, 0]))
    assert np.isnan(zero.value)


@pytest.mark.parametrize("n, m", [(1, 1), (3, 3), (2, 5), (4, 3), (5, 5)])
def test_distribution_of_u_by_counting(n, m):
    counts = np.zeros(n * m + 1)
    for first in combinations(range(n + m), n):
        counts[sum(first) - n * (n - 1) // 2] += 1
    assert np.allclose(stats.u_cumulative(n, m), np.cumsum(counts) / comb(n + m, n))


@pytest.mark.parametrize("n, m", [(5, 5), (5, 8), (12, 9), (60, 60)])
def test_interval_holds_the_truth_as_often_as_it_says(n, m):
    rng = np.random.default_rng(n * m)
    hits = 0
    for _ in range(1000):
        found = stats.ratio(1.3 * rng.lognormal(0, 0.4, n), rng.lognormal(0, 0.4, m))
        assert found.low <= found.value <= found.high
        hits += found.low <= 1.3 <= found.high
    assert abs(hits / 1000 - found.confidence) < 0.025


def test_interval_agrees_with_the_test():
    rng = np.random.default_rng(9)
    for _ in range(200):
        a, b = rng.lognormal(0.1, 0.1, 6), rng.lognormal(0, 0.1, 5)
        found = stats.ratio(a, b)
        assert (stats.p_value(a, b) <= 0.05) == (not found.low <= 1 <= found.high)


def test_p_value():
    a, b = np.array([1.0, 2, 3, 4, 5]), np.array([6.0, 7, 8, 9, 10])
    assert stats.p_value(a, b) == pytest.approx(2 / 252) == stats.smallest_p(5, 5)
    assert stats.p_value(b, a) == pytest.approx(2 / 252)
    tied = np.array([1.0, 1, 2, 2, 3])
    assert stats.p_value(tied, b) == scipy_stats.mannwhitneyu(tied, b).pvalue
    assert stats.p_value(np.ones(5), np.ones(4)) == 1


def test_adjust_by_hand():
    # Sorted .005 .01 .03 .04, times 4/1 4/2 4/3 4/4: .02 .02 .04 .04.
    assert stats.adjust([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.02, 0.04, 0.04, 0.02])
    assert stats.adjust([0.6, 0.9]) == pytest.approx([0.9, 0.9])
    assert stats.adjust([1.0]) == [1.0]


@pytest.mark.skipif(not hasattr(scipy_stats, "false_discovery_control"), reason="scipy < 1.11")
def test_adjust_against_scipy():
    p = np.random.default_rng(2).random(57)
    assert np.allclose(stats.adjust(p), scipy_stats.false_discovery_control(p))


def test_repetitions_needed():
    assert [stats.repetitions_needed(m, 0.05) for m in (1, 6, 7, 30)] == [4, 5, 6, 7]


def test_geometric_mean():
    assert stats.geometric_mean([0.5, 2.0, 8.0]) == pytest.approx(2)
    assert stats.geometric_mean([4.0, float("nan"), 0.0]) == pytest.approx(4)
    assert np.isnan(stats.geometric_mean([]))
