# SPDX-License-Identifier: GPL-2.0-or-later
"""Medians with their doubt: the interval between two order statistics, which assumes nothing of
the distribution."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from .. import results

ALPHA = 0.05


def ranks(n: int, alpha: float = ALPHA) -> tuple[int, float]:
    """How many of N sorted values to leave out at each end, and the confidence that the rest has.

    With fewer than 6 even the least and the greatest do not reach 95 %.
    """
    skip = max(int(stats.binom.ppf(alpha / 2, n, 0.5)) - 1, 0)
    return skip, max(0.0, float(1 - 2 * stats.binom.cdf(skip, n, 0.5)))


def summary(table: pd.DataFrame, key: list[str], metric: str) -> pd.DataFrame:
    """Each group's median, `low` and `high` of its interval, and number of repetitions `n`."""
    table = table.sort_values(metric, kind="stable")
    groups = table.groupby(key, sort=False, dropna=False)[metric]
    found = groups.agg(median="median", n="size")
    code = groups.ngroup().to_numpy()
    values = table[metric].to_numpy(float)[np.argsort(code, kind="stable")]
    n = np.bincount(code)
    begin = np.concatenate([[0], np.cumsum(n)[:-1]])
    skip = np.array([ranks(size)[0] for size in n])
    found["low"] = values[begin + skip]
    found["high"] = values[begin + n - 1 - skip]
    return found.reset_index()


def note(rows: pd.DataFrame) -> str:
    """What dots, bars and bands are, in words."""
    n = rows.groupby([*results.KEY, "run_id"])["rep"].size()
    least, most = int(n.min()), int(n.max())
    if most == 1:
        return "one repetition each: no interval"
    number = f"{least}" if least == most else f"{least} to {most}"
    reached = {ranks(size)[1] for size in set(n) - {1}}
    sure = ("at least " if len(reached) > 1 else "") + f"{min(reached):.0%}"
    alone = ", none where there is one" if least == 1 else ""
    return f"median, and its interval ({sure}) of {number} repetitions{alone}"
