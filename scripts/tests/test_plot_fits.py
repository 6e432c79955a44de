# SPDX-License-Identifier: GPL-2.0-or-later
"""What is computed for the pictures: intervals of medians, and the scalability law."""

import numpy as np
import pandas as pd
import pytest
from pictures import LAW, THREADS, rate
from scipy import optimize, stats

from mnbenchlib.plots import medians, units, usl


@pytest.mark.parametrize("n, skip, reached", [
    # Published tables of the sign test's interval: n, ranks left out at each end, confidence.
    (1, 0, 0.0), (2, 0, 0.5), (5, 0, 0.9375), (6, 0, 0.96875), (9, 1, 0.9609), (10, 1, 0.9785),
    (20, 5, 0.9586), (30, 9, 0.9572),
])
def test_ranks(n, skip, reached):
    found = medians.ranks(n)
    assert found[0] == skip and found[1] == pytest.approx(reached, abs=1e-4)


def test_summary_of_groups_of_every_size():
    rng = np.random.default_rng(1)
    table = pd.DataFrame([{"who": who, "v": v} for who, n in (("b", 10), ("a", 1), ("c", 25))
                          for v in rng.permutation(np.arange(1.0, n + 1))])
    table = table.sample(frac=1, random_state=1)
    found = medians.summary(table, ["who"], "v").set_index("who")
    assert found.loc["a", ["median", "low", "high", "n"]].tolist() == [1, 1, 1, 1]
    assert found.loc["b", ["median", "low", "high", "n"]].tolist() == [5.5, 2, 9, 10]
    assert found.loc["c", ["median", "low", "high", "n"]].tolist() == [13, 8, 18, 25]


def test_the_interval_holds_the_median_as_often_as_it_says():
    rng = np.random.default_rng(2)
    table = pd.DataFrame({"i": np.repeat(np.arange(4000), 10),
                          "v": rng.lognormal(0, 1, 40000)})
    found = medians.summary(table, ["i"], "v")
    held = ((found["low"] <= 1) & (found["high"] >= 1)).mean()
    sure = stats.binom.interval(0.9999, 4000, medians.ranks(10)[1])
    assert sure[0] <= held * 4000 <= sure[1]


def measured(noise=0.0, seed=1, law=LAW, threads=THREADS):
    n = np.array(threads, float)
    luck = np.random.default_rng(seed).lognormal(0, noise, len(n)) if noise else 1
    return n, np.array([rate(t, **law) for t in n]) * luck


@pytest.mark.parametrize("law", [
    LAW, {"rate": 3e9, "contention": 0.0, "crosstalk": 0.0},
    {"rate": 5e7, "contention": 0.9, "crosstalk": 0.02},
    {"rate": 1e6, "contention": 0.0, "crosstalk": 0.001},
])
def test_known_parameters_are_found_again(law):
    found = usl.fit(*measured(law=law))
    assert found.rate.value == pytest.approx(law["rate"], rel=1e-3)
    assert found.contention.value == pytest.approx(law["contention"], rel=1e-3, abs=1e-4)
    assert found.crosstalk.value == pytest.approx(law["crosstalk"], rel=1e-3, abs=1e-6)
    assert found.holds and found.worst < 1e-3


def test_slopes_are_those_of_the_law():
    at = np.array([np.log(1e8), 0.05, 0.004])
    for threads in (1.0, 7.0, 64.0):
        found = optimize.approx_fprime(at, lambda p: usl._log_rate(threads, *p), 1e-8)
        assert usl._slopes(np.array([threads]), *at)[0] == pytest.approx(found, rel=1e-4)


def test_intervals_hold_the_truth():
    held = np.zeros(3)
    for seed in range(200):
        law = usl.fit(*measured(0.02, seed))
        held += [one.low <= LAW[name] <= one.high for name, one in (
            ("rate", law.rate), ("contention", law.contention), ("crosstalk", law.crosstalk))]
    # 95 %, less what chance may take away; the law is not linear, so that it is not quite exact.
    assert (held / 200 > 0.90).all(), held


def test_the_peak():
    law = usl.fit(*measured())
    assert law.peak == pytest.approx(np.sqrt((1 - LAW["contention"]) / LAW["crosstalk"]), rel=1e-2)
    assert usl.fit(*measured(law={"rate": 1, "contention": 0, "crosstalk": 0})).peak > 1e3


def test_no_fit_of_too_few_points():
    assert usl.fit(*measured(threads=(1, 2, 4, 8))) is None
    assert usl.fit(np.array([1, 1, 2, 2, 4, 4]), np.ones(6)) is None
    assert usl.fit(np.array([1, 2, 4, 8, 16]), np.array([1, 2, 0, 1, 1])) is None


def test_another_shape_is_told():
    n = np.array([1, 2, 4, 8, 16, 32])
    law = usl.fit(n, np.array([140e6, 20e6, 19e6, 20e6, 60e6, 20e6]))
    assert not law.holds


def test_the_extrapolation_doubts_more_and_more():
    law = usl.fit(*measured(0.02))
    points = law.curve(np.array([8.0, 64.0, 128.0, 256.0]))
    width = np.log(points["high"] / points["low"]).to_numpy()
    assert (np.diff(width[1:]) > 0).all()
    assert (points["low"] < points["median"]).all() and (points["median"] < points["high"]).all()


@pytest.mark.parametrize("ticks, shown", [
    ([1, 2, 4, 8, 16, 32, 64, 128], [1, 2, 4, 8, 16, 32, 64, 128]),
    ([0, 1, 8, 64, 256], [0, 1, 8, 64, 256]),
    (range(1, 65), [1, 3, 5, 9, 15, 25, 40, 64]),
    ([60, 62, 64], [60, 62, 64]),
])
def test_ticks_have_room(ticks, shown):
    assert units.roomy(ticks) == shown


def test_units():
    assert [units.time(v) for v in (0.5, 20, 1500, 2e6, 3e9)] == [
        "0.5 ns", "20 ns", "1.5 us", "2 ms", "3 s"]
    assert [units.rate(v) for v in (5, 2e3, 1.5e6, 1e9)] == ["5/s", "2k/s", "1.5M/s", "1G/s"]
