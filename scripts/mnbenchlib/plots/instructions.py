# SPDX-License-Identifier: GPL-2.0-or-later
"""What an operation executes, on each architecture, beside the baselines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import pandas as pd

from ..arches import ARCHES
from . import dots
from .costs import ends_of_sweeps
from .curves import natural, role_of
from .dots import Column, Dot, Group, Row
from .medians import summary
from .source import Run, first_pin
from .style import Plot

METRIC = "insns_per_op"


def plots(runs: Sequence[Run]) -> Iterator[Plot]:
    """A picture a family, an architecture a colour."""
    latest = {(run.host, run.arch, run.execution): run
              for run in sorted(runs, key=lambda r: r.utc) if len(run.counts)}
    if not latest:
        yield Plot("instructions", skipped="no row has a count of instructions; mnbench count "
                   "makes them")
        return
    shown = sorted(latest.values(), key=lambda run: ARCHES.index(run.arch))
    rows = pd.concat([first_pin(_single(run.counts)).assign(series=_series(run, shown))
                      for run in shown], ignore_index=True)
    rows = rows[ends_of_sweeps(rows)]
    series = [_series(run, shown) for run in shown]
    where = ", ".join(dict.fromkeys(run.host for run in shown))
    for family, group in rows.groupby("family", sort=False):
        title = f"{family}: instructions per operation, by architecture"
        for i, page in enumerate(dots.pages(_groups(group, series))):
            yield Plot(f"instructions-{family}" + (f"-{i + 1}" if i else ""), title, partial(
                dots.draw, title=title, subtitle=f"{where}; {_doubt(group)}",
                columns=[Column("", page)], metric=METRIC, series=series))


def _series(run: Run, shown: Sequence[Run]) -> str:
    """The architecture; with more where that is not enough."""
    alone = sum(other.arch == run.arch for other in shown) == 1
    return run.arch if alone else run.where


def _single(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[(rows["op"] != "line_transfer") & (rows[METRIC] > 0)]


def _doubt(rows: pd.DataFrame) -> str:
    """Counts of an emulator are exact: their bars have no length."""
    exact = rows["execution"] != "native"
    if exact.all():
        return "counted under emulation, exact: the same in every run"
    return "median of the CPU's counter, and its interval" + (
        "; counts under emulation are exact" if exact.any() else "")


def _groups(rows: pd.DataFrame, series: list[str]) -> list[Group]:
    """An operation a group, a subject and variant a row, in it a dot for each series."""
    rows = rows.assign(role=role_of(rows))
    out = []
    place = {op: i for i, op in enumerate(rows["op"].unique())}
    for (op, params), some in sorted(rows.groupby(["op", "params"]),
                                     key=lambda one: (place[one[0][0]], natural(one[0][1]))):
        found = summary(some, ["series", "subject", "variant", "role"], METRIC)
        found["name"] = [_name(row) for row in found.itertuples()]
        found["at"] = found.groupby("name")["median"].transform("median")
        found["order"] = found["series"].map(series.index)
        found = found.sort_values(["at", "order"], kind="stable")
        lines = [Row(name, [Dot(row.role, row.median, row.low, row.high, str(row.series))
                            for row in mine.itertuples()])
                 for name, mine in found.groupby("name", sort=False)]
        varied = [item.replace(":", "=") for item in params.split(";") if item]
        out.append(Group(" ".join([op, *varied]), lines))
    return out


def _name(row) -> str:
    """A row's own limit of the same name lies on the row itself."""
    who = "" if row.subject in ("port", "baseline") and row.variant else row.subject
    return " ".join(filter(None, [who, row.variant]))
