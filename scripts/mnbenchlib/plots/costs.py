# SPDX-License-Identifier: GPL-2.0-or-later
"""Costs without contention, family by family; and an emulator's times, alone and marked."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from matplotlib.figure import Figure

from .. import results
from . import dots
from .curves import LIMIT, role_of
from .dots import Column, Dot, Group, Row
from .medians import note, summary
from .source import METRIC, Run, first_pin, swept
from .style import Look, Plot, watermark

_SWEPT = ("intervals", "sleepers", "notifiers")


def plots(run: Run) -> Iterator[Plot]:
    """Every operation at the fewest threads; what was swept has its own picture."""
    rows = run.times[run.times["op"] != "line_transfer"]
    for key in _SWEPT:
        rows = rows[~swept(rows, key)]
    if rows.empty:
        yield Plot("cost", skipped="every operation was swept: see its curves")
    yield from _by_family("cost", "time per operation at the fewest threads", rows, run, False)


def of_emulated(run: Run) -> Iterator[Plot]:
    """Times of translated code compare with nothing: the port alone, marked."""
    if len(run.counts):
        yield Plot("emulated", skipped="its instructions were counted, which say more")
        return
    rows = run.rows[(run.rows["subject"] != "baseline") & (run.rows[METRIC] > 0)]
    rows = rows[ends_of_sweeps(rows)]
    yield from _by_family("emulated", "the port under emulation, not comparable", rows, run, True)


def _by_family(kind: str, what: str, rows: pd.DataFrame, run: Run, marked: bool) -> Iterator[Plot]:
    rows = first_pin(rows)
    for family, group in rows.groupby("family", sort=False):
        title = f"{family}: {what}"
        for i, page in enumerate(dots.pages(groups_by(group, "op"))):
            yield _page(f"{kind}-{family}" + (f"-{i + 1}" if i else ""), title, page,
                        f"{run.where}; {note(group)}", marked)


def _page(name: str, title: str, page: list[Group], subtitle: str, marked: bool) -> Plot:
    def draw(look: Look) -> Figure:
        figure = dots.draw(look, title, subtitle, [Column("", page)], METRIC)
        if marked:
            watermark(figure, look)
        return figure

    return Plot(name, title, draw)


def groups_by(rows: pd.DataFrame, key: str) -> list[Group]:
    """A group for each value of `key`; what its rows have in common goes into its heading. A row's
    own limit of the same name lies on the row itself."""
    rows = rows.assign(role=role_of(rows))
    return [_group(str(value), group) for value, group in rows.groupby(key, sort=False)]


def _group(value: str, rows: pd.DataFrame) -> Group:
    found = summary(rows, [*results.KEY, "role"], METRIC)
    varied = [results.varied(row) for row in found.itertuples()]
    common = [v for v in varied[0] if all(v in other for other in varied)]
    found["name"] = [_name(row, [v for v in values if v not in common])
                     for row, values in zip(found.itertuples(), varied)]
    found["at"] = found["median"].where(found["role"] != LIMIT).groupby(found["name"]).transform(
        "min").fillna(found["median"])
    found = found.sort_values("at", kind="stable")
    out = [Row(name, [Dot(row.role, row.median, row.low, row.high) for row in some.itertuples()])
           for name, some in found.groupby("name", sort=False)]
    return Group(" ".join([value, *common]), out)


def _name(row, varied: list[str]) -> str:
    """Subjects other than the port and the baselines are named, as their variants are not new."""
    who = [row.subject] if row.subject not in ("port", "baseline") or not row.variant else []
    return " ".join([*who, *filter(None, [row.variant]), *varied])


def ends_of_sweeps(rows: pd.DataFrame) -> pd.Series:
    """Of a sweep only its ends: three lines of every size would fill pages."""
    keep = pd.Series(True, index=rows.index)
    for key in _SWEPT:
        value = results.param_numbers(rows, key)
        ends = value.groupby([rows["family"], rows["op"]])
        keep &= value.isna() | (value == ends.transform("min")) | (value == ends.transform("max"))
    return keep
