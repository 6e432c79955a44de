# SPDX-License-Identifier: GPL-2.0-or-later
"""The noise floor: how far a run differs from itself.

Rows flagged `twin` are benchmarks measured a second time in each round: nothing differs but chance.
Each tells how far two medians of the same thing are apart, in units of half the width of the
interval that the statistics give for their ratio. What the twins say together is a factor: by how
much intervals are to be wider so that chance stays within. Each benchmark's floor is its own
interval times that. results/README.md argues the statistic.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats as scipy_stats

from . import paired, results, stats, values
from .tables import write_whole

NAME = "floor.json"
QUANTILE, CONFIDENCE = 0.95, 0.95
# With fewer, the noisy ones among a family's benchmarks may well have no twin.
_LEAST_TWINS = 6
_BENCHMARK = ["run_id", "host", *results.KEY]
_FAN_OUT = re.compile(r"_(waker|first|median|last)$")


@dataclass(frozen=True)
class Floor:
    """Of one family, or of a whole run."""

    factor: float  # by which intervals are widened, 1 or more
    twins: int  # benchmarks measured twice
    figures: int  # ratios of them: a herd has four
    greatest: float  # difference that was seen, in half intervals

    def log(self, half: pd.Series) -> pd.Series:
        """Benchmarks' floors as log ratios, of half the widths of their own intervals."""
        return self.factor * half


@dataclass(frozen=True)
class Floors:
    """By metric and family; family "" is all of the run."""

    found: dict[tuple[str, str], Floor]

    def of(self, metric: str, family: str) -> Floor | None:
        """The family's own where it has twins enough, else the run's; None: unknown."""
        return self.found.get((metric, family)) or self.found.get((metric, ""))


def half_width(ratio: stats.Ratio) -> float:
    """Half of an interval, as a log ratio; NaN without one."""
    if not ratio.confidence > 0 or not ratio.low > 0:
        return float("nan")
    return float(np.log(ratio.high / ratio.low) / 2)


def _measured_twice(table: pd.DataFrame) -> pd.DataFrame:
    """The twins and their originals: few of a million rows."""
    number = table.groupby(_BENCHMARK, sort=False).ngroup()
    return table[number.isin(number[results.is_twin(table)].unique())]


def ratios(table: pd.DataFrame, metric: str, rounds: bool) -> pd.DataFrame:
    """The twins' log ratios to their originals, by `rounds` or of the medians, and what they are
    in halves of their own intervals."""
    key = [*_BENCHMARK, "metric"]
    rows = values.valued(_measured_twice(table)[values.needed(metric)], metric)
    rows = rows.loc[rows["reason"] == "", [*key, "rep", "value", "flags"]]
    twin = results.is_twin(rows)
    both = rows[twin].merge(rows[~twin], on=[*key, "rep"], suffixes=("", "_original"))
    test = paired if rounds else stats
    found = []
    for benchmark, reps in both.groupby(key, sort=False):
        ratio = test.ratio(reps["value"].to_numpy(), reps["value_original"].to_numpy())
        log, half = float(np.log(ratio.value)), half_width(ratio)
        # Without an interval there is nothing to measure by.
        if half > 0 or (half, log) == (0, 0):
            found.append({**dict(zip(key, benchmark)), "log": log, "half": half,
                          "halves": log / half if half else 0.0})
    return pd.DataFrame(found, columns=[*key, "log", "half", "halves"])


def bound(halves: np.ndarray, twins: int) -> float:
    """Upper confidence limit of a quantile of |difference|, from as many twins.

    Of a normal distribution around 0: the root mean square, times what its own uncertainty asks
    (chi square). Never below the greatest that was seen, since the tails may be heavier.
    """
    square = float(np.mean(halves**2)) * twins / scipy_stats.chi2.ppf(1 - CONFIDENCE, twins)
    quantile = scipy_stats.norm.ppf((1 + QUANTILE) / 2)
    return max(float(quantile * np.sqrt(square)), float(np.max(np.abs(halves))))


def _floor(rows: pd.DataFrame) -> Floor:
    # The figures of a herd go together: they are one twin as far as certainty goes.
    whole = rows.assign(op=rows["op"].str.replace(_FAN_OUT, "", regex=True))
    twins = len(whole[_BENCHMARK].drop_duplicates())
    halves = rows["halves"].to_numpy(dtype=float)
    return Floor(max(1.0, bound(halves, twins)), twins, len(rows), float(np.max(np.abs(halves))))


def _percent(log: float) -> float:
    return float(100 * np.expm1(log))


def of(table: pd.DataFrame, metric: str = "real_ns_per_op", rounds: bool = False) -> Floors:
    """The floors of a run; of several runs in one file the highest."""
    found: dict[tuple[str, str], Floor] = {}

    def add(metric: str, family: str, rows: pd.DataFrame) -> None:
        floor = _floor(rows)
        known = found.get((metric, family))
        if known is None or floor.factor > known.factor:
            found[metric, family] = floor

    every = ratios(table, metric, rounds)
    for key, run in every.groupby(["run_id", "host", "arch", "execution", "metric"]):
        add(key[-1], "", run)
        for family, rows in run.groupby("family"):
            if _floor(rows).twins >= _LEAST_TWINS:
                add(key[-1], family, rows)
    return Floors(found)


def write(folder: Path, table: pd.DataFrame, rounds: bool) -> Floors:
    """A run's floor.json; not written where there are no twins."""
    metric = "real_ns_per_op"
    floors = of(table, metric, rounds)
    overall = floors.found.get((metric, ""))
    if overall is None:
        return floors
    twins = ratios(table, metric, rounds)
    told = {
        "schema": 2, "metric": metric, "of": "rounds" if rounds else "medians",
        "quantile": QUANTILE, "confidence": CONFIDENCE, "overall": asdict(overall),
        "families": {family: asdict(floor) for (_, family), floor in floors.found.items()
                     if family},
        "twins": [{"benchmark": f"{row.family} {results.label(row)}",
                   "percent": _percent(row.log), "half_interval_percent": _percent(row.half)}
                  for row in twins.itertuples()],
    }
    write_whole(folder / NAME, json.dumps(told, indent=1) + "\n")
    return floors


def told(floors: Floors, metric: str = "real_ns_per_op") -> str:
    """One line for a person."""
    overall = floors.found.get((metric, ""))
    if overall is None:
        return "noise floor: unknown, the run has no twins"
    own = [f"{family} {floor.factor:.2g}" for (kind, family), floor in floors.found.items()
           if family and kind == metric]
    return (f"noise floor: intervals times {overall.factor:.2g}, from {overall.twins} twins"
            + (f" ({', '.join(own)})" if own else "")
            + "; differences within are not told from chance")
