# SPDX-License-Identifier: GPL-2.0-or-later
"""Many pairs at once have the figures that each would have alone."""

import numpy as np
import pandas as pd
import pytest
import synthetic  # noqa: F401  puts scripts/ on the path

from mnbenchlib import batches, stats


def _alone(new, base):
    found = [stats.ratio(x, y, 0.05) for x, y in zip(new, base)]
    return np.array([(f.value, f.low, f.high, f.confidence) for f in found])


@pytest.mark.parametrize("n, m", [(1, 1), (1, 5), (2, 3), (5, 5), (8, 9), (9, 8), (10, 10), (9, 30),
                                  (20, 20), (60, 3)])
@pytest.mark.parametrize("digits", [15, 1, 0])
def test_as_one_by_one(n, m, digits):
    """With few digits there are ties, and samples that are all one figure, or 0."""
    rng = np.random.default_rng(n * 100 + m)
    new = np.round(rng.lognormal(0, 0.5, (12, n)), digits)
    base = np.round(rng.lognormal(0.2, 0.5, (12, m)), digits)
    new[0], base[0] = 3, 3
    base[1, 0] = 0
    base[2] = 0
    new[3], base[3] = 1e300, 1e-300
    np.testing.assert_array_equal(batches.ratios(new, base, 0.05), _alone(new, base))
    np.testing.assert_allclose(batches.p_values(new, base),
                               [stats.p_value(x, y) for x, y in zip(new, base)], rtol=1e-12)


def test_measured(monkeypatch):
    rng = np.random.default_rng(1)
    sizes = {"a": 3, "b": 20, "c": 3, "d": 1}
    rows = [(name, value) for name, size in sizes.items() for value in rng.lognormal(0, 1, size)]
    table = pd.DataFrame(rows, columns=["op", "value"]).sample(frac=1, random_state=1)
    samples = batches.Samples(table, ["op"])
    names = list(samples.keys["op"])
    mine, other = (part.ravel() for part in np.meshgrid(range(4), range(4)))
    for at_once in (1, 4_000_000):
        monkeypatch.setattr(batches, "_AT_ONCE", at_once)
        found = batches.measured(samples, samples, mine, other)
        for row, x, y in zip(found.itertuples(), mine, other):
            new, base = (table.loc[table["op"] == names[i], "value"] for i in (x, y))
            one = stats.ratio(new.to_numpy(), base.to_numpy(), 0.05)
            assert (row.new_n, row.base_n) == (len(new), len(base))
            assert (row.new_median, row.base_median) == (new.median(), base.median())
            assert row.ratio == one.value and row.confidence == one.confidence
            assert row.p == pytest.approx(stats.p_value(new.to_numpy(), base.to_numpy()))
            assert row.repeats == (new.nunique() == base.nunique() == 1)
