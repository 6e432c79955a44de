# SPDX-License-Identifier: GPL-2.0-or-later
"""The statistics of stats.py for a great many pairs of samples at once: the same, sooner."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import stats as scipy_stats

from . import stats

_AT_ONCE = 4_000_000  # pairwise figures in memory


class Samples:
    """Every benchmark's figures, in the order of the file, by number."""

    def __init__(self, table: pd.DataFrame, key: list[str]) -> None:
        number = table.groupby(key, sort=False).ngroup().to_numpy()
        order = np.argsort(number, kind="stable")
        self.values = table["value"].to_numpy(dtype=float)[order]
        self.sizes = np.bincount(number)
        self.starts = np.cumsum(self.sizes) - self.sizes
        first = table.iloc[order[self.starts]]
        self.keys = first[key].reset_index(drop=True)

    def matrix(self, numbers: np.ndarray, size: int) -> np.ndarray:
        """The figures of benchmarks that have so many each, a row each."""
        return self.values[self.starts[numbers][:, None] + np.arange(size)]


def measured(new: Samples, base: Samples, mine: np.ndarray, other: np.ndarray) -> pd.DataFrame:
    """What the statistics say of each pair: number `mine` of `new` against `other` of `base`."""
    found = pd.DataFrame({"base_n": base.sizes[other], "new_n": new.sizes[mine]})
    out = np.zeros((len(mine), 8))
    for at, n, m in _alike(found["new_n"].to_numpy(), found["base_n"].to_numpy()):
        x, y = new.matrix(mine[at], n), base.matrix(other[at], m)
        out[at, 0], out[at, 1] = np.median(y, axis=1), np.median(x, axis=1)
        out[at, 2:6] = ratios(x, y)
        out[at, 6] = p_values(x, y)
        out[at, 7] = (x == x[:, :1]).all(axis=1) & (y == y[:, :1]).all(axis=1)
    names = ["ratio", "low", "high", "half", "confidence", "p"]
    middles = pd.DataFrame(out[:, :2], columns=["base_median", "new_median"])
    told = pd.DataFrame(out[:, 2:7], columns=["ratio", "low", "high", "confidence", "p"])
    told["half"] = _halves(told)
    return pd.concat([middles, found, told[names]], axis=1).assign(repeats=out[:, 7] > 0)


def _halves(told: pd.DataFrame) -> pd.Series:
    """Half of each interval, as a log ratio; NaN without one: as floor.half_width()."""
    there = (told["confidence"] > 0) & (told["low"] > 0)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        return (np.log(told["high"] / told["low"]) / 2).where(there)


def _alike(new_n: np.ndarray, base_n: np.ndarray) -> Iterator[tuple[np.ndarray, int, int]]:
    """The places of pairs of the same sizes, as many as fit into memory."""
    shape = new_n.astype(np.int64) << 32 | base_n
    order = np.argsort(shape, kind="stable")
    edges = np.flatnonzero(np.diff(shape[order], prepend=-1))
    for places in np.split(order, edges[1:]):
        if not len(places):
            continue
        n, m = int(new_n[places[0]]), int(base_n[places[0]])
        step = max(1, _AT_ONCE // (n * m))
        for begin in range(0, len(places), step):
            yield places[begin:begin + step], n, m


def ratios(new: np.ndarray, base: np.ndarray, alpha: float = stats.ALPHA) -> np.ndarray:
    """Of each row value, low, high and confidence, as stats.ratio() has them."""
    n, m = new.shape[1], base.shape[1]
    out = np.full((len(new), 4), np.nan)
    out[:, 3] = 0
    middle = np.median(base, axis=1)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        out[:, 0] = np.where(middle > 0, np.median(new, axis=1) / middle, np.nan)
    whole = (middle > 0) & (base.min(axis=1) > 0)
    if min(n, m) < 2 or not whole.any():
        return out
    skip, confidence = stats.rank(n, m, alpha)
    with np.errstate(over="ignore"):
        pairs = (new[whole][:, :, None] / base[whole][:, None, :]).reshape(-1, n * m)
    pairs.partition([skip, n * m - 1 - skip], axis=1)
    value = out[whole, 0]
    out[whole, 1] = np.minimum(pairs[:, skip], value)
    out[whole, 2] = np.maximum(pairs[:, -1 - skip], value)
    out[whole, 3] = confidence
    return out


def p_values(new: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Of each row p, as stats.p_value() has it."""
    n, m = new.shape[1], base.shape[1]
    every = np.sort(np.concatenate([new, base], axis=1), axis=1)
    tied = (every[:, 1:] == every[:, :-1]).any(axis=1)
    x, y = new[:, :, None], base[:, None, :]
    u = (x > y).sum(axis=(1, 2)) + (x == y).sum(axis=(1, 2)) / 2
    u = np.maximum(u, n * m - u)
    p = np.ones(len(new))
    exact = ~tied & (max(n, m) <= stats.EXACT_MOST)
    if exact.any():
        # So much or more is as likely as so little or less at the other end.
        p[exact] = 2 * stats.u_cumulative(n, m)[n * m - u[exact].astype(int)]
    rest = ~exact & (every[:, 0] != every[:, -1])
    ties = np.zeros(len(new))
    if (rest & tied).any():
        ties[rest & tied] = _tie_terms(every[rest & tied])
    total = n + m
    sigma = np.sqrt(n * m / 12 * (total + 1 - ties[rest] / (total * (total - 1))))
    p[rest] = 2 * scipy_stats.norm.sf((u[rest] - n * m / 2 - 0.5) / sigma)
    return np.clip(p, 0, 1)


def _tie_terms(every: np.ndarray) -> np.ndarray:
    """The sum of t**3 - t over each sorted row's runs of t equal figures."""
    fresh = np.diff(every, axis=1, prepend=np.nan) != 0
    run = np.cumsum(fresh.ravel()) - 1
    size = np.bincount(run)
    rows = np.repeat(np.arange(len(every)), fresh.sum(axis=1))
    return np.bincount(rows, weights=size**3.0 - size, minlength=len(every))
