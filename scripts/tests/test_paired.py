# SPDX-License-Identifier: GPL-2.0-or-later
"""The statistics of two runs in lock-step, against examples by hand, by counting and scipy's."""

from itertools import product

import numpy as np
import pytest
import synthetic  # noqa: F401  (finds mnbenchlib)
from scipy import stats as scipy_stats

from mnbenchlib import paired


def test_ratio_by_hand():
    # Log ratios 0, 2, 4, 10; Walsh averages 0 1 2 2 3 4 5 6 7 10: the median is 3.5.
    logs = np.array([0.0, 2, 4, 10])
    found = paired.ratio(np.exp(logs), np.ones(4))
    assert np.log([found.value, found.low, found.high]) == pytest.approx([3.5, 0, 10])
    assert found.confidence == pytest.approx(1 - 2 / 16)


def test_interval_by_hand():
    # With 6, P(W <= 0) = 1/64: the extremes reach 1 - 2/64; P(W <= 1) = 2/64 is too much.
    logs = np.arange(1.0, 7)
    found = paired.ratio(np.exp(logs), np.ones(6))
    assert np.log([found.value, found.low, found.high]) == pytest.approx([3.5, 1, 6])
    assert found.confidence == pytest.approx(1 - 2 / 64)


def test_ratio_turned_round():
    rng = np.random.default_rng(4)
    a, b = rng.lognormal(0, 0.1, 9), rng.lognormal(0.3, 0.1, 9)
    there, back = paired.ratio(a, b), paired.ratio(b, a)
    assert there.value * back.value == pytest.approx(1)
    assert there.low * back.high == pytest.approx(1)
    assert paired.p_value(a, b) == paired.p_value(b, a)


def test_what_drifts_cancels():
    drift = np.exp(np.linspace(0, 2, 12))
    noise = np.random.default_rng(1).lognormal(0, 0.002, 12)
    found = paired.ratio(1.03 * drift * noise, drift)
    assert found.low > 1.025 and found.high < 1.035
    assert paired.p_value(1.03 * drift * noise, drift) == paired.smallest_p(12)


@pytest.mark.parametrize("n", [1, 2, 5, 9])
def test_distribution_by_counting(n):
    sums = [sum(rank for rank, sign in zip(range(1, n + 1), signs) if sign)
            for signs in product([0, 1], repeat=n)]
    counts = np.bincount(sums, minlength=n * (n + 1) // 2 + 1)
    assert np.allclose(paired._w_cumulative(n), np.cumsum(counts) / 2**n)


@pytest.mark.parametrize("n", [6, 10, 16, 60])
def test_interval_holds_the_truth_as_often_as_it_says(n):
    rng = np.random.default_rng(n)
    hits = 0
    for _ in range(1000):
        drift = rng.lognormal(0, 1, n)
        found = paired.ratio(1.3 * drift * rng.lognormal(0, 0.3, n),
                             drift * rng.lognormal(0, 0.1, n))
        assert found.low <= found.value <= found.high
        hits += found.low <= 1.3 <= found.high
    assert abs(hits / 1000 - found.confidence) < 0.025


@pytest.mark.parametrize("n", [8, 60])
def test_interval_agrees_with_the_test(n):
    rng = np.random.default_rng(9)
    for _ in range(100):
        a, b = rng.lognormal(0.5 / n, 0.05, n), rng.lognormal(0, 0.05, n)
        found = paired.ratio(a, b)
        assert (paired.p_value(a, b) <= 0.05) == (not found.low <= 1 <= found.high)


def test_p_value():
    a, b = np.array([3.0, 5, 6, 9, 2, 4]), np.array([2.0, 3, 2, 1, 1.9, 3.9])
    assert paired.p_value(a, b) == pytest.approx(2 / 64) == paired.smallest_p(6)
    assert paired.p_value(a, a) == 1
    # A round without a difference, and one with a figure of 0, speak for neither.
    assert paired.p_value(np.append(a, [7, 0]), np.append(b, [7, 1])) == pytest.approx(2 / 64)
    assert paired.p_value(a, b[::-1]) == scipy_stats.wilcoxon(np.log(a / b[::-1])).pvalue


def test_few_rounds():
    none = paired.ratio(np.array([1.0]), np.array([0.0]))
    assert np.isnan(none.value) and none.confidence == 0
    one = paired.ratio(np.array([2.0]), np.array([1.0]))
    assert one.value == pytest.approx(2) and np.isnan(one.low) and one.confidence == 0
    assert paired.p_value(np.array([2.0]), np.array([1.0])) == 1 == paired.smallest_p(1)


def test_rounds_needed():
    assert [paired.rounds_needed(m, 0.05) for m in (1, 4, 300)] == [6, 8, 14]
