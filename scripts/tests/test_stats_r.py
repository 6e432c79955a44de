# SPDX-License-Identifier: GPL-2.0-or-later
"""The statistics against R's own, where R is at hand (Debian's r-base-core).

R's wilcox.test() of the logarithms has the same exact p and the same interval. Its estimate is that
of Hodges and Lehmann, as ours is for rounds; for two samples ours is the ratio of the medians.
"""

import json
import shutil
import subprocess

import numpy as np
import pytest
import synthetic  # noqa: F401  (finds mnbenchlib)

from mnbenchlib import batches, paired, stats

pytestmark = pytest.mark.skipif(shutil.which("Rscript") is None,
                                reason="no R here: apt-get install r-base-core")

WILCOX = """
told <- function(f) cat(sprintf("%.17g", c(f$p.value, f$conf.int, attr(f$conf.int, "conf.level"),
                                           f$estimate)), "\\n")
test <- function(x, y, ...) suppressWarnings(
    told(wilcox.test(log(x), log(y), conf.int = TRUE, ...)))
"""


def asked(lines: list[str]) -> list[list[float]]:
    """What R prints, a list of figures a line."""
    done = subprocess.run(["Rscript", "--vanilla", "-"], input=WILCOX + "\n".join([*lines, ""]),
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return [[float(word) for word in line.split()] for line in done.stdout.splitlines()]


def vector(values) -> str:
    return "c(" + json.dumps(list(map(float, values)))[1:-1] + ")"


def pairs_of(sizes, digits=15):
    rng = np.random.default_rng(11)
    return [(rng.lognormal(0.1, 0.2, n).round(digits), rng.lognormal(0, 0.2, m).round(digits))
            for n, m in sizes]


def test_two_samples():
    cases = pairs_of([(4, 4), (5, 5), (5, 8), (9, 8), (12, 10), (20, 20), (30, 25), (50, 50)])
    told = asked([f"test({vector(x)}, {vector(y)}, exact = TRUE)" for x, y in cases])
    assert len(told) == len(cases)
    for (x, y), (p, low, high, _, _) in zip(cases, told):
        found = stats.ratio(x, y)
        assert stats.p_value(x, y) == pytest.approx(p, rel=1e-9)
        assert np.log([found.low, found.high]) == pytest.approx([low, high], rel=1e-9)
        many = batches.ratios(x[None], y[None])[0]
        assert np.log(many[1:3]) == pytest.approx([low, high], rel=1e-9)
        assert batches.p_values(x[None], y[None])[0] == pytest.approx(p, rel=1e-9)


def test_two_samples_with_ties():
    """Then R takes the normal approximation, as ours does."""
    cases = pairs_of([(6, 6), (12, 10), (20, 20)], digits=1)
    assert all(len(set(x) | set(y)) < len(x) + len(y) for x, y in cases)
    told = asked([f"test({vector(x)}, {vector(y)}, exact = FALSE)" for x, y in cases])
    for (x, y), (p, *_) in zip(cases, told):
        assert stats.p_value(x, y) == pytest.approx(p, rel=1e-9)
        assert batches.p_values(x[None], y[None])[0] == pytest.approx(p, rel=1e-9)


def test_rounds():
    cases = pairs_of([(n, n) for n in (6, 8, 12, 20, 40)])
    told = asked([f"test({vector(x)}, {vector(y)}, exact = TRUE, paired = TRUE)"
                  for x, y in cases])
    for (x, y), (p, low, high, _, estimate) in zip(cases, told):
        found = paired.ratio(x, y)
        assert paired.p_value(x, y) == pytest.approx(p, rel=1e-9)
        assert np.log([found.value, found.low, found.high]) == pytest.approx(
            [estimate, low, high], rel=1e-6)


def test_adjusted():
    p = np.random.default_rng(5).random(40) ** 3
    told, = asked([f'cat(sprintf("%.17g", p.adjust({vector(p)}, "BH")), "\\n")'])
    assert stats.adjust(p) == pytest.approx(told, rel=1e-12)
