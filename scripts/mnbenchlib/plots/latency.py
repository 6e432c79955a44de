# SPDX-License-Identifier: GPL-2.0-or-later
"""Latency distributions: the time that all but one in so many operations take at most."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from .. import results
from . import curves, fanout, units
from .curves import Line, Panel
from .medians import note, summary
from .source import Run, uncrowded
from .style import Look, Plot

# By how many operations one is slower. `max` is one of however many were sampled: it stands apart.
_COLUMNS = {"p50_ns": 2, "p90_ns": 10, "p99_ns": 100, "p999_ns": 1000, "max_ns": 10000}
_NAMES = ["p50", "p90", "p99", "p99.9", "max"]
_ALONE = units.Unit("time of one operation alone", units.time)


def plots(run: Run) -> Iterator[Plot]:
    """One for each operation that has percentiles, at its fewest and its most threads that
    have a CPU each, or sleepers."""
    rows = run.times[run.times["p50_ns"].notna()]
    if rows.empty:
        yield Plot("latency", skipped="no row has percentiles: teams and herds have them, of "
                   "20 samples or more")
    parts = fanout.split_op(rows)
    rows = rows.assign(whole=parts["whole"].fillna(rows["op"]), part=parts["part"].fillna(""))
    for (family, whole), group in rows.groupby(["family", "whole"], sort=False):
        group = group[group["pin"] == group["pin"].iloc[0]]
        if not results.param_numbers(group, "sleepers").notna().any():
            group = uncrowded(group)
        yield _plot(family, whole, group, run)


def _plot(family: str, whole: str, group: pd.DataFrame, run: Run) -> Plot:
    panels = []
    for title, some in _panels(group):
        parts = curves.split(title, _lines(some))
        panels += [Panel(heading, lines, _ALONE, scale=title if len(parts) > 1 else "")
                   for heading, lines in parts]
    title = f"{family} {whole}: latencies, from the median to the slowest"
    subtitle = f"{run.where}; pin {group['pin'].iloc[0]}; {note(group)}"

    def draw(look: Look) -> Figure:
        return curves.draw(look, title, subtitle, panels, min(2, len(panels)),
                           "quantile of the operations (max: of the samples)",
                           list(_COLUMNS.values()), axis=_quantiles)

    return Plot(f"latency-{family}-{whole}", title, draw)


def _panels(group: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The fewest and the most of what there are many of; of a herd the waker and the last."""
    sleepers = results.param_numbers(group, "sleepers")
    if sleepers.notna().all():
        count, what = sleepers, "sleeper"
        shown = [part for part in ("waker", "last") if (group["part"] == part).any()]
    else:
        count, what, shown = results.own_threads(group), "thread", [""]
    for part in shown:
        mine = group[group["part"] == part]
        own = count.loc[mine.index]
        for many in sorted({own.min(), own.max()}):
            ending = f": {fanout.PARTS[part]}" if part else ""
            yield (f"{many:.0f} {what}{'s' if many > 1 else ''}{ending}", mine[own == many])


def _lines(rows: pd.DataFrame) -> list[Line]:
    """One curve for each subject, variant and params."""
    rows = rows.assign(role=curves.role_of(rows))
    named = rows["params"].nunique() > 1
    lines = []
    for (subject, variant, params, role), group in rows.groupby(
            ["subject", "variant", "params", "role"], sort=False):
        # Where few repetitions had the samples for a percentile, they may be the odd ones.
        points = [_point(group, column, x) for column, x in _COLUMNS.items()
                  if group[column].notna().mean() >= 0.5]
        name = curves.name_of(subject, variant, params.replace(":", "=") if named else "")
        lines.append(Line(name, role, pd.DataFrame(points)))
    return lines


def _point(group: pd.DataFrame, column: str, x: int) -> dict:
    found = summary(group[group[column].notna()], ["subject"], column).iloc[0]
    return {"x": x, "median": found["median"], "low": found["low"], "high": found["high"],
            "n": found["n"]}


def _quantiles(ax: Axes) -> None:
    """By powers, so that the rare ones have as much room as the common."""
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(FixedLocator(list(_COLUMNS.values())))
    ax.xaxis.set_major_formatter(lambda value, _: dict(zip(_COLUMNS.values(), _NAMES)).get(
        round(value), ""))
    ax.xaxis.set_minor_locator(NullLocator())
