# SPDX-License-Identifier: GPL-2.0-or-later
"""Which rows have a figure to use, and why the others have none."""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import results, transfers


_KEPT = ["run_id", "host", *results.KEY, "rep", "flags", "error"]


def needed(metric: str) -> list[str]:
    """The columns without which valued() has no answer: there may be a million rows of others."""
    return [*_KEPT, *(["real_ns_per_op", "insns_per_op"] if metric == "auto" else [metric])]


def valued(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Every row with its figure in column `value`, or with the `reason` why there is none to use.

    Metric `auto` is real_ns_per_op, and insns_per_op where the times are an emulator's.
    """
    table = table.copy(deep=False)  # columns are added, none is changed
    emulated = results.is_emulated(table)
    if metric == "auto":
        table["metric"] = np.where(emulated, "insns_per_op", "real_ns_per_op")
        table["value"] = table["insns_per_op"].where(emulated, table["real_ns_per_op"])
    else:
        table["metric"] = metric
        table["value"] = table[metric]

    reason = pd.Series("", index=table.index)
    missing = table["value"].isna()
    reason[missing] = table.loc[missing, "metric"] + " was not measured"
    if metric == "auto":
        reason[emulated & missing] = (
            "emulated: its times are never compared, and it has no instruction counts")
    elif metric in [*results.TIMES, transfers.METRIC]:
        reason[emulated] = "emulated: its times are never compared"
    reason[results.has_flag(table, "low-overlap")] = (
        "low overlap: the threads did not run together")
    failed = table["error"] != ""
    reason[failed] = "error: " + table.loc[failed, "error"].str.split("\n").str[0]
    table["reason"] = reason
    return table


def usable(table: pd.DataFrame, metric: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows to compare, and those left out: the twins too, which are for the noise floor."""
    table = valued(table, metric)
    table.loc[results.is_twin(table), "reason"] = "twin: the run against itself, for its floor"
    return table[table["reason"] == ""], table[table["reason"] != ""]
