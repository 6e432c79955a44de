# SPDX-License-Identifier: GPL-2.0-or-later
"""One row a benchmark: medians, intervals, flags, and its ratio to its own limit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats as scipy_stats

from .. import pairs, results, values

EMULATED = "emulated_ns"  # a time of an emulator's: for the eye alone
PLACE = ["input", "run_id", "host", "arch", "execution", "metric"]
NAME = ["family", "op", "subject", "variant", "threads", "pin", "params"]
_MIDDLES = ["p50_ns", "p99_ns", "max_ns", "ops_per_s", "insns_per_op", "overlap", "fairness"]
_ALPHA = 0.05
_NAN = float("nan")
_SAID_ELSEWHERE = {"twin", "emulated", "unsettled"}


@dataclass
class Rows:
    """All benchmarks of a report; `place` is the number of where one was measured."""

    places: list[dict]
    table: pd.DataFrame
    inputs: list[dict] = field(default_factory=list)

    def of_place(self, place: int) -> pd.DataFrame:
        """Those that were measured there and have a figure."""
        return self.table[(self.table["place"] == place) & self.table["median"].notna()]


def interval(sample: np.ndarray) -> tuple[float, float, bool]:
    """Order statistics around the median that hold it in 95 of 100 cases; with fewer than 6
    repetitions there are none: then the least and the greatest, and False."""
    ordered = np.sort(sample)
    k = int(scipy_stats.binom.ppf(_ALPHA / 2, len(ordered), 0.5))
    if k < 1 or 2 * scipy_stats.binom.cdf(k - 1, len(ordered), 0.5) > _ALPHA:
        return float(ordered[0]), float(ordered[-1]), False
    return float(ordered[k - 1]), float(ordered[-k]), True


def _valued(table: pd.DataFrame, number: int) -> pd.DataFrame:
    """Every row but the twins' with the one figure that may be shown of it."""
    table = values.valued(table[~results.is_twin(table)], "auto")
    emulated = results.is_emulated(table)
    counted = table["insns_per_op"].notna().groupby(
        [table[c] for c in ("run_id", "host", "arch", "execution")]).transform("any")
    alone = emulated & table["value"].isna() & (table["real_ns_per_op"].notna() | ~counted)
    table.loc[alone, "metric"] = EMULATED
    table.loc[alone, "value"] = table.loc[alone, "real_ns_per_op"]
    usable = alone & table["value"].notna() & ~results.has_flag(table, "low-overlap")
    table.loc[usable, "reason"] = ""
    table["input"] = number
    return table


def _flags(rows: pd.DataFrame, unsettled: bool) -> str:
    count: Counter = Counter()
    for cell in rows["flags"]:
        count.update(set(cell.split(";")) - {""})
    said = [flag if n == len(rows) else f"{flag} {n}/{len(rows)}"
            for flag, n in sorted(count.items()) if flag not in _SAID_ELSEWHERE]
    return ", ".join((["unsettled"] if unsettled else []) + said)


def _summary(rows: pd.DataFrame, unsettled: bool) -> dict:
    good = rows[rows["reason"] == ""]
    out = {"n": len(good), "flags": _flags(rows, unsettled), "error": "", "sure": False,
           "median": _NAN, "low": _NAN, "high": _NAN}
    if good.empty:
        return {**out, "error": rows["reason"].iloc[-1]}
    sample = good["value"].to_numpy(dtype=float)
    low, high, sure = interval(sample)
    return {**out, "median": float(np.median(sample)), "low": low, "high": high, "sure": sure}


def _benchmarks(valued: pd.DataFrame) -> pd.DataFrame:
    key = [*PLACE, *NAME]
    open_ = pairs.unsettled(valued[~results.is_emulated(valued)], key)
    one = pd.DataFrame([{**dict(zip(key, name)), **_summary(rows, name in open_)}
                        for name, rows in valued.groupby(key, sort=False)])
    good = valued[valued["reason"] == ""]
    middles = good.groupby(key, sort=False)[_MIDDLES].median().reset_index()
    one = one.merge(middles, on=key, how="left")
    one["own_threads"] = results.own_threads(one).clip(lower=1).astype(int)
    return one


def _limits(table: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Adds the ratio to the baseline of the same variant, as `mnbench compare` has it."""
    wanted = {"ratio": "limit", "low": "limit_low", "high": "limit_high"}
    if found.empty:
        return table.assign(**dict.fromkeys(wanted.values(), float("nan")))
    key = ["run_id", "host", "arch", "execution", "metric", *NAME]
    own = found[found["own"]].drop_duplicates(key)
    return table.merge(own[[*key, *wanted]].rename(columns=wanted), on=key, how="left")


def summed_up(tables: list[pd.DataFrame], found: list[pd.DataFrame]) -> Rows:
    """The benchmarks of all inputs; `found` are each one's pairs with its baselines."""
    parts = []
    for number, (table, against) in enumerate(zip(tables, found)):
        parts.append(_limits(_benchmarks(_valued(table, number)), against))
    whole = pd.concat(parts, ignore_index=True)
    places = whole[PLACE].drop_duplicates().reset_index(drop=True)
    numbers = {tuple(place): i for i, place in enumerate(places.itertuples(index=False))}
    whole["place"] = [numbers[tuple(row)] for row in whole[PLACE].itertuples(index=False)]
    return Rows(places.to_dict("records"), whole)
