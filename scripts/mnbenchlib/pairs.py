# SPDX-License-Identifier: GPL-2.0-or-later
"""Which rows of results stand against which, and what the statistics say of each pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from . import batches, paired, results, stats
from .floor import Floors, half_width

# The kernel's own kind of spinlock on each architecture.
DEFAULT_LOCK = {"x86_64": "queued", "arm64": "queued", "riscv64": "ticket"}
HIGHER_IS_BETTER = {"ops_per_s"}
_RUN = ["run_id", "host", "arch", "execution", "metric", "family", "op", "threads", "pin",
        "params"]


def unsettled(table: pd.DataFrame, key: list[str]) -> set[tuple]:
    """The benchmarks whose last repetition had not reached the run's target."""
    marked = results.has_flag(table, "unsettled")
    if not marked.any():
        return set()
    last = table.sort_values("rep", kind="stable").drop_duplicates(key, keep="last")
    open_ = last[marked[last.index]]
    return set(open_[key].itertuples(index=False, name=None))


def _open(base: bool, new: bool) -> str:
    return {(True, True): "both", (True, False): "base", (False, True): "new"}.get((base, new), "")


def _opened(table: pd.DataFrame, key: list[str], base: set[tuple],
            new: set[tuple]) -> list[str] | str:
    """Of each pair, which of the two is among those."""
    if not base and not new:
        return ""
    return [_open(k in base, k in new) for k in table[key].itertuples(index=False, name=None)]


def _exactly(found: pd.DataFrame) -> pd.DataFrame:
    """Counts that repeat exactly need no test: any difference is one."""
    found["exact"] = (found["metric"] == "insns_per_op") & found.pop("repeats")
    same = found["new_median"] == found["base_median"]
    found["p"] = np.where(found["exact"], same.astype(float), found["p"])
    return found


def _together(new: pd.DataFrame, base: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """What the statistics say of each benchmark that both have."""
    mine, other = batches.Samples(new, key), batches.Samples(base, key)
    table = mine.keys.reset_index(names="number").merge(
        other.keys.reset_index(names="number_base"), on=key)
    numbers = table.pop("number").to_numpy(), table.pop("number_base").to_numpy()
    return table.join(batches.measured(mine, other, *numbers))


def _by_rounds(new: pd.DataFrame, base: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Likewise, repetition by repetition."""
    mine, other = ({name: group.set_index("rep")["value"]
                    for name, group in table.groupby(key, sort=False)} for table in (new, base))
    rows = []
    for name in (name for name in mine if name in other):
        middles = {"base_median": other[name].median(), "new_median": mine[name].median()}
        x, y = mine[name].align(other[name], join="inner")
        found = paired.ratio(x.to_numpy(), y.to_numpy())
        rows.append({**dict(zip(key, name)), **middles, "base_n": len(y), "new_n": len(x),
                     "ratio": found.value, "low": found.low, "high": found.high,
                     "half": half_width(found), "confidence": found.confidence,
                     "p": paired.p_value(x.to_numpy(), y.to_numpy()),
                     "repeats": x.nunique() == y.nunique() == 1})
    return pd.DataFrame(rows)


def against_baselines(table: pd.DataFrame) -> pd.DataFrame:
    """Each row under test against every baseline of the same run, operation and set-up.

    `own`: the baseline of the same variant, which is the row's own limit.
    """
    whole = [*_RUN, "subject", "variant"]
    samples = batches.Samples(table, whole)
    names = samples.keys.assign(number=samples.keys.index)
    names["first"] = names.groupby(_RUN, sort=False)["number"].transform("min")
    is_base = names["subject"] == "baseline"
    found = names[~is_base].merge(names[is_base], on=[*_RUN, "first"], suffixes=("", "_base"))
    if found.empty:
        return pd.DataFrame()
    found = found.rename(columns={"variant_base": "base_variant"}).drop(columns="subject_base")
    found["own"] = found["base_variant"] == found["variant"]
    found = found.sort_values(["first", "number", "own", "number_base"], ignore_index=True,
                              ascending=[True, True, False, True])
    open_ = unsettled(table, whole)
    if open_:
        keys, bases = (found[[*_RUN, *rest]].itertuples(index=False, name=None)
                       for rest in (["subject", "variant"], ["base_variant"]))
        found["unsettled"] = [_open((*base[:-1], "baseline", base[-1]) in open_, key in open_)
                              for key, base in zip(keys, bases)]
    else:
        found["unsettled"] = ""
    told = batches.measured(samples, samples, found["number"].to_numpy(),
                            found["number_base"].to_numpy())
    return _exactly(found.drop(columns=["number", "number_base", "first"]).join(told))


@dataclass(frozen=True)
class Rule:
    """When a difference counts."""

    alpha: float
    threshold: float  # a share: 0.05 is 5 %
    floors: Sequence[Floors] = ()  # of the runs compared
    rounds: bool = False  # they were measured in lock-step

    def floors_of(self, table: pd.DataFrame) -> pd.Series:
        """Each pair's floor by the greater of the runs' factors, as a log ratio; NaN: unknown."""
        out = pd.Series(np.nan, index=table.index)
        for (metric, family), half in table.groupby(["metric", "family"], sort=False)["half"]:
            found = [floors.of(metric, family) for floors in self.floors]
            known = [floor for floor in found if floor]
            if known:
                out[half.index] = max(known, key=lambda floor: floor.factor).log(half)
        return out

    def smallest_p(self, new_n: int, base_n: int) -> float:
        """The least p that so many repetitions can give."""
        return paired.smallest_p(new_n) if self.rounds else stats.smallest_p(new_n, base_n)

    def repetitions_needed(self, tests: int) -> int:
        """Repetitions a side with which one row that moved alone among `tests` is decided."""
        needed = paired.rounds_needed if self.rounds else stats.repetitions_needed
        return needed(tests, self.alpha)


def between(base: pd.DataFrame, new: pd.DataFrame, key: list[str], rule: Rule) -> pd.DataFrame:
    """The benchmarks that both have, with p adjusted for all of them on an architecture.

    The port and the baselines are adjusted apart: a baseline that moves tells of the machine.
    """
    key = [*key, "metric"]
    table = (_by_rounds if rule.rounds else _together)(new, base, key)
    if table.empty:
        return table
    table = _exactly(table)
    table["unsettled"] = _opened(table, key, unsettled(base, key), unsettled(new, key))
    groups = [table[c] for c in ("arch", "execution", "metric") if c in table]
    if "subject" in table:
        groups.append(table["subject"] == "baseline")
    p = table["p"].groupby(groups)
    table["tests"] = p.transform("size")
    table["p_adjusted"] = p.transform(lambda group: stats.adjust(group.array))
    table["floor"] = rule.floors_of(table)
    over = np.expm1(table["floor"].fillna(0)) > rule.threshold
    table["limited_by"] = np.where(over, "floor", "threshold")
    # The ratio up to which nothing is worse: of threshold and floor the greater.
    with np.errstate(over="ignore"):
        limit = np.maximum(1 + rule.threshold, np.exp(np.nan_to_num(table["floor"])))
    table["decided_by"] = _decided_by(table, limit, rule)
    table["verdict"] = _verdicts(table, limit)
    return table


def _decided_by(table: pd.DataFrame, limit: np.ndarray, rule: Rule) -> np.ndarray:
    """`p`; `interval` where few repetitions leave p no chance; or nothing.

    Nothing either where the run differs from itself by as much. With 5 repetitions the smallest p
    is 0.008, and no adjustment for many tests lets a row that moved alone pass. Such a row is
    decided when its whole interval lies beyond the limit: far stricter than lying beyond 1, but not
    adjusted.
    """
    ratio = table["ratio"].where(table["ratio"] > 0)
    with np.errstate(divide="ignore"):
        within = ratio.isna() | (np.log(ratio).abs() <= np.nan_to_num(table["floor"]))
    sizes = list(zip(table["new_n"].tolist(), table["base_n"].tolist()))
    least = {size: rule.smallest_p(*size) for size in set(sizes)}
    hopeless = np.array([least[size] for size in sizes]) * table["tests"] > rule.alpha
    beyond = (table["low"] > limit) | (table["high"] < 1 / limit)
    sure = table["confidence"] >= 1 - stats.ALPHA
    return np.select([within, table["p_adjusted"] <= rule.alpha, hopeless & beyond & sure],
                     ["", "p", "interval"], "")


def _verdicts(table: pd.DataFrame, limit: np.ndarray) -> np.ndarray:
    """`~` undecided; worse and better beyond the limit; slower and faster within it."""
    loss = table["ratio"].where(~table["metric"].isin(HIGHER_IS_BETTER), 1 / table["ratio"])
    return np.select([table["decided_by"] == "", loss > limit, loss < 1 / limit, loss > 1],
                     ["~", "worse", "better", "slower"], "faster")


def alone(table: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """What was measured where no baseline stands: median, least and greatest."""
    key = [*_RUN, "subject", "variant"]
    groups = table.groupby(key, sort=False)["value"]
    alone = groups.agg(["median", "min", "max", "size"]).reset_index()
    open_ = unsettled(table, key)
    names = alone[key].itertuples(index=False, name=None)
    alone["unsettled"] = ["new" if name in open_ else "" for name in names]
    if found.empty:
        return alone
    paired = set(found[_RUN].itertuples(index=False, name=None))
    there = [k in paired for k in alone[_RUN].itertuples(index=False, name=None)]
    return alone[~np.array(there)]


def _costs(port: pd.DataFrame) -> list[tuple[str, pd.Series, list[str]]]:
    """The notifier's costs among the port's rows: name, which rows, against which baselines."""
    op, variant = port["op"], port["variant"]
    woken = port["params"].isin([params for params in port["params"].unique()
                                 if results.param(params, "sleepers") == "64"])
    return [
        ("seq: read_begin, read_retry",
         (op == "read_begin_retry") & (variant == port["arch"].map(DEFAULT_LOCK)), []),
        ("SRCU: read pair", (op == "read_pair") & (variant == "full"), ["two_barriers"]),
        ("SRCU: pair, no barriers", (op == "read_pair") & (variant == "fast"), ["urcu_memb"]),
        ("wake: last of 64 runs", (op == "wake_all_last") & woken, ["futex", "condvar"]),
    ]


def _first_uncontended(rows: pd.DataFrame) -> pd.DataFrame:
    """Those with the fewest threads, at the first pin policy and params of the file."""
    rows = rows[rows["threads"] == rows["threads"].min()]
    return rows[(rows[["pin", "params"]] == rows[["pin", "params"]].iloc[0]).all(axis=1)]


def headline(pairs: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The costs of the notifier, each with the pairs that judge it; absent ones left out."""
    if pairs.empty:
        return []
    port = pairs[pairs["subject"] == "port"]
    found = []
    for title, mask, bases in _costs(port):
        # Without a named baseline: the row's own limit.
        rows = port[mask & (port["base_variant"].isin(bases) if bases else port["own"])]
        if not rows.empty:
            found.append((title, _first_uncontended(rows)))
    return found


def headline_alone(table: pd.DataFrame) -> list[tuple[str, pd.Series]]:
    """The same costs as wall time in ns, where nothing may be compared."""
    port = table[(table["subject"] == "port") & (table["error"] == "")]
    found = []
    for title, mask, _ in _costs(port):
        if mask.any():
            found.append((title, _first_uncontended(port[mask])["real_ns_per_op"]))
    return found
