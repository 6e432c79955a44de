# SPDX-License-Identifier: GPL-2.0-or-later
"""Which rows of results stand against which, and what the statistics say of each pair."""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import results, stats, transfers

# The kernel's own kind of spinlock on each architecture.
DEFAULT_LOCK = {"x86_64": "queued", "arm64": "queued", "riscv64": "ticket"}
HIGHER_IS_BETTER = {"ops_per_s"}
_RUN = ["run_id", "host", "arch", "execution", "metric", "family", "op", "threads", "pin",
        "params"]


def usable(table: pd.DataFrame, metric: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows with a figure to compare, in column `value`, and those left out, with a `reason`.

    Metric `auto` is real_ns_per_op, and insns_per_op where the times are an emulator's.
    """
    table = table.copy()
    emulated = results.is_emulated(table)
    if metric == "auto":
        table["metric"] = np.where(emulated, "insns_per_op", "real_ns_per_op")
        table["value"] = table["insns_per_op"].where(emulated, table["real_ns_per_op"])
    else:
        table["metric"] = metric
        table["value"] = table[metric]

    reason = pd.Series("", index=table.index)
    reason[table["value"].isna()] = table["metric"] + " was not measured"
    if metric == "auto":
        reason[emulated & table["value"].isna()] = (
            "emulated: its times are never compared, and it has no instruction counts")
    elif metric in [*results.TIMES, transfers.METRIC]:
        reason[emulated] = "emulated: its times are never compared"
    reason[results.has_flag(table, "low-overlap")] = (
        "low overlap: the threads did not run together")
    failed = table["error"] != ""
    reason[failed] = "error: " + table["error"].str.split("\n").str[0]
    table["reason"] = reason
    return table[reason == ""], table[reason != ""]


def _samples(table: pd.DataFrame, key: list[str]) -> dict[tuple, np.ndarray]:
    """Every benchmark's repetitions, in the order of the file."""
    return {k: g.to_numpy(dtype=float) for k, g in table.groupby(key, sort=False)["value"]}


def _measured(new: np.ndarray, base: np.ndarray, metric: str, alpha: float) -> dict:
    found = stats.ratio(new, base, alpha)
    exact = metric == "insns_per_op" and np.ptp(new) == 0 and np.ptp(base) == 0
    # Counts that repeat exactly need no test: any difference is one.
    p = float(new[0] == base[0]) if exact else stats.p_value(new, base)
    return {
        "base_median": float(np.median(base)), "new_median": float(np.median(new)),
        "base_n": len(base), "new_n": len(new), "ratio": found.value, "low": found.low,
        "high": found.high, "confidence": found.confidence, "p": p, "exact": exact,
    }


def against_baselines(table: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """Each row under test against every baseline of the same run, operation and set-up.

    `own`: the baseline of the same variant, which is the row's own limit.
    """
    sets: dict[tuple, list] = {}
    for key, sample in _samples(table, [*_RUN, "subject", "variant"]).items():
        sets.setdefault(key[:len(_RUN)], []).append((*key[len(_RUN):], sample))
    rows = []
    for key, members in sets.items():
        where = dict(zip(_RUN, key))
        baselines = [m for m in members if m[0] == "baseline"]
        for subject, variant, new in (m for m in members if m[0] != "baseline"):
            for _, base_variant, base in sorted(baselines, key=lambda b: b[1] != variant):
                rows.append({**where, "subject": subject, "variant": variant,
                             "base_variant": base_variant, "own": base_variant == variant,
                             **_measured(new, base, where["metric"], alpha)})
    return pd.DataFrame(rows)


def between(base: pd.DataFrame, new: pd.DataFrame, key: list[str], alpha: float,
            threshold: float) -> pd.DataFrame:
    """The benchmarks that both have, with p adjusted within each architecture and family.

    The port and the baselines are adjusted apart: a baseline that moves tells of the machine.
    """
    key = [*key, "metric"]
    base_sets, new_sets = _samples(base, key), _samples(new, key)
    rows = [{**dict(zip(key, k)), **_measured(sample, base_sets[k], k[-1], alpha)}
            for k, sample in new_sets.items() if k in base_sets]
    table = pd.DataFrame(rows)
    if table.empty:
        return table
    groups = [table[c] for c in ("arch", "execution", "family") if c in table]
    if "subject" in table:
        groups.append(table["subject"] == "baseline")
    p = table["p"].groupby(groups)
    table["tests"] = p.transform("size")
    table["p_adjusted"] = p.transform(lambda group: stats.adjust(group.array))
    table["decided_by"] = [_decided_by(row, alpha, threshold) for row in table.itertuples()]
    table["verdict"] = [_verdict(row, threshold) for row in table.itertuples()]
    return table


def _decided_by(row, alpha: float, threshold: float) -> str:
    """`p`; `interval` where few repetitions leave p no chance; or nothing.

    With 5 repetitions the smallest p is 0.008, and no adjustment for many tests lets a row that
    moved alone pass. Such a row is decided when its whole interval lies beyond the threshold: far
    stricter than lying beyond 1, which is what p asks, but not adjusted.
    """
    if not row.ratio > 0 or row.ratio == 1:
        return ""
    if row.p_adjusted <= alpha:
        return "p"
    hopeless = stats.smallest_p(row.new_n, row.base_n) * row.tests > alpha
    beyond = row.low > 1 + threshold or row.high < 1 / (1 + threshold)
    return "interval" if hopeless and beyond and row.confidence >= 1 - alpha else ""


def _verdict(row, threshold: float) -> str:
    """`~` undecided; worse and better beyond the threshold; slower and faster within it."""
    if not row.decided_by:
        return "~"
    loss = 1 / row.ratio if row.metric in HIGHER_IS_BETTER else row.ratio
    if loss > 1 + threshold:
        return "worse"
    if loss < 1 / (1 + threshold):
        return "better"
    return "slower" if loss > 1 else "faster"


def alone(table: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """What was measured where no baseline stands: median, least and greatest."""
    key = [*_RUN, "subject", "variant"]
    groups = table.groupby(key, sort=False)["value"]
    alone = groups.agg(["median", "min", "max", "size"]).reset_index()
    if found.empty:
        return alone
    paired = set(found[_RUN].itertuples(index=False, name=None))
    there = [k in paired for k in alone[_RUN].itertuples(index=False, name=None)]
    return alone[~np.array(there)]


def _costs(port: pd.DataFrame) -> list[tuple[str, pd.Series, list[str]]]:
    """The notifier's costs among the port's rows: name, which rows, against which baselines."""
    op, variant = port["op"], port["variant"]
    woken = port["params"].map(lambda p: results.param(p, "sleepers") == "64").astype(bool)
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
