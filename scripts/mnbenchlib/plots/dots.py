# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows of dots, each a median with its interval as a bar, and its figure beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..tables import number
from . import units
from .curves import BASELINE, LIMIT, TESTED
from .style import Look, titles

# Each role: colour, marker, whether it is filled.
_ROLES = {TESTED: (0, "o", True), LIMIT: (2, "D", False), BASELINE: (1, "s", False)}


_SPREAD = 0.5  # of a row's height: the series in it


@dataclass
class Dot:
    """One median; of a `series` where a picture has several in a row."""

    role: str
    median: float
    low: float
    high: float
    series: str = ""


@dataclass
class Row:
    name: str
    dots: list[Dot]


@dataclass
class Group:
    heading: str
    rows: list[Row]


@dataclass
class Column:
    """Axes that show these groups; those of one picture have the same rows."""

    title: str
    groups: list[Group]


def pages(groups: list[Group], most: int = 48) -> list[list[Group]]:
    """Whole groups, so that none of the pages has more than so many lines where that can be."""
    out: list[list[Group]] = [[]]
    for group in groups:
        if out[-1] and sum(len(g.rows) + 1 for g in out[-1]) + len(group.rows) > most:
            out.append([])
        out[-1].append(group)
    return out


def draw(look: Look, title: str, subtitle: str, columns: list[Column], metric: str,
         series: Sequence[str] = ("",)) -> Figure:
    """The whole picture; `series` are those of all pictures of its kind, for the same colours."""
    groups = columns[0].groups
    count = sum(len(group.rows) + 1 for group in groups)
    width = 7.5 if len(columns) == 1 else 2.2 + 3.9 * len(columns)
    figure = Figure(figsize=(width, 0.9 + 0.19 * count), layout="constrained")
    axes = list(figure.subplots(1, len(columns), sharey=True, sharex=True, squeeze=False).flat)
    every = [dot for column in columns for group in column.groups for row in group.rows
             for dot in row.dots]
    for ax, column in zip(axes, columns):
        ax.set_title(column.title)
        _draw_column(ax, look, column, metric, series)
        ax.set_xlabel(units.unit_of(metric).label)
    values = pd.Series([value for dot in every for value in (dot.median, dot.high)])
    units.value_axis(axes[0], values, units.unit_of(metric), vertical=False)
    _name_rows(axes[0], groups)
    axes[0].set_ylim(count - 0.5, -0.5)
    _legend(figure, look, every, series)
    titles(figure, look, title, subtitle)
    return figure


def _name_rows(ax: Axes, groups: list[Group]) -> None:
    names = [(name, bold) for group in groups
             for name, bold in [(group.heading, True), *((row.name, False) for row in group.rows)]]
    ax.set_yticks(range(len(names)), [name for name, _ in names])
    for tick, (_, bold) in zip(ax.get_yticklabels(), names):
        tick.set_fontweight("bold" if bold else "normal")


def _draw_column(ax: Axes, look: Look, column: Column, metric: str, series: Sequence[str]) -> None:
    y = -1
    for i, group in enumerate(column.groups):
        top = y + 0.5
        y += 1
        for row in group.rows:
            y += 1
            for dot in row.dots:
                draw_dot(ax, look, dot, y, series)
            if len(series) > 1:
                ax.axhline(y - 0.5, color=look.grid, linewidth=0.6, zorder=0.5)
            else:
                ax.annotate(_figures(row, metric), (1.01, y), va="center", fontsize=8,
                            xycoords=("axes fraction", "data"), color=look.muted)
        if i % 2 == 0:
            ax.axhspan(top, y + 0.5, color=look.shade, zorder=0, linewidth=0)
    ax.tick_params(axis="y", length=0)
    ax.grid(False, axis="y")


def draw_dot(ax: Axes, look: Look, dot: Dot, y: float, series: Sequence[str]) -> None:
    """The interval as a bar, the median on it; colour and marker are its series', or its role's."""
    colour, marker, filled = _ROLES[dot.role]
    ink = look.palette[colour]
    if len(series) > 1:
        place = series.index(dot.series)
        ink, marker = look.identity(place)
        # So that none hides another.
        y += _SPREAD * (place / (len(series) - 1) - 0.5)
    ax.plot([dot.low, dot.high], [y, y], color=ink, linewidth=1.5)
    ax.plot(dot.median, y, marker, color=ink, markersize=5.5 if filled else 6,
            markerfacecolor=ink if filled else "none", markeredgewidth=1.2)


def _figures(row: Row, metric: str) -> str:
    """The figure under test, and its limit's in brackets."""
    tested = [dot for dot in row.dots if dot.role != LIMIT]
    limits = [dot for dot in row.dots if dot.role == LIMIT]
    if len(tested) > 1 or len(limits) > 1:
        return ""
    said = [number(dot.median, metric) for dot in tested]
    said += [f"({number(dot.median, metric)})" if tested else number(dot.median, metric)
             for dot in limits]
    return "  ".join(said)


def _legend(figure: Figure, look: Look, every: Sequence[Dot], series: Sequence[str]) -> None:
    """Beside the axes. Where colours and markers are series, a role is filled or it is not."""
    there = {dot.role for dot in every}
    if len(series) > 1:
        handles = [_handle(look, *look.identity(i), True, name) for i, name in enumerate(series)]
        names = {True: " or ".join(r for r in _ROLES if r in there and _ROLES[r][2]),
                 False: " or ".join(r for r in _ROLES if r in there and not _ROLES[r][2])}
        handles += [_handle(look, look.muted, "o", filled, name)
                    for filled, name in names.items() if name]
    else:
        handles = [_handle(look, look.palette[colour], marker, filled, role)
                   for role, (colour, marker, filled) in _ROLES.items() if role in there]
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _handle(look: Look, ink: str, marker: str, filled: bool, name: str) -> Line2D:
    return Line2D([], [], color=ink, marker=marker, markersize=5.5, linestyle="none", label=name,
                  markerfacecolor=ink if filled else look.paper)
