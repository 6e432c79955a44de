# SPDX-License-Identifier: GPL-2.0-or-later
"""Contended figures in line transfers: how often a cache line could have gone from one PU to
another meanwhile. That is the unit in which machines of different speed compare."""

from __future__ import annotations

import pandas as pd

from . import results
from .errors import UserError

METRIC = "line_transfers"
_RUN = ["run_id", "host", "arch", "execution"]


def of_runs(table: pd.DataFrame) -> pd.DataFrame:
    """Each native run's line transfer between two PUs in ns: `median`, `min` and `max` over its
    pairs of PUs, of each the median repetition; `pairs` says how many were measured."""
    probes = table[(table["family"] == "probe") & (table["op"] == "line_transfer")
                   & (table["variant"] == "store_load") & table["real_ns_per_op"].notna()
                   & ~results.is_emulated(table) & ~results.is_twin(table)]
    by_pair = probes.groupby([*_RUN, "pin"])["real_ns_per_op"].median()
    found = by_pair.groupby(level=_RUN).agg(["median", "min", "max", "size"])
    return found.rename(columns={"size": "pairs"})


def contended(table: pd.DataFrame) -> pd.Series:
    """Rows of several threads that share what they work on; sleepers are not such threads."""
    beside = results.param_numbers(table, "background").fillna(0)
    return (results.own_threads(table) + beside > 1) & (table["family"] != "probe")


def added(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a column `line_transfers`: NaN where nothing is contended.

    Raises UserError where no run in it has measured its line transfer.
    """
    transfer = of_runs(table)
    if transfer.empty:
        raise UserError(f"{table.attrs['path']}: no native row of probe/line_transfer, which "
                        f"--metric {METRIC} divides by; run with the family probe too")
    unit = table[_RUN].merge(transfer["median"].reset_index(), on=_RUN, how="left")["median"]
    figure = table["real_ns_per_op"] / unit.set_axis(table.index)
    out = table.assign(**{METRIC: figure.where(contended(table))})
    out.attrs.update(table.attrs)
    return out


def told(table: pd.DataFrame) -> list[str]:
    """A line a run: what one line transfer is there."""
    return [f"{run[1]} ({run[2]}): a line transfer takes {row.median:.1f} ns"
            + (f", {row.min:.1f} to {row.max:.1f} over {row.pairs} pairs of PUs"
               if row.pairs > 1 else "")
            for run, row in zip(of_runs(table).index, of_runs(table).itertuples(index=False))]
