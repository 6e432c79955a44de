# SPDX-License-Identifier: GPL-2.0-or-later
"""Panels of curves with bands, and one legend beside them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from . import units
from .medians import summary
from .style import Look, titles

TESTED, LIMIT, BASELINE = "under test", "own limit", "baseline"
# Width, line, size of the marker and whether it is filled. Dashes are for what was not measured.
ROLES = {TESTED: (2.0, "-", 6.5, True), LIMIT: (1.3, "-.", 5.0, False),
         BASELINE: (1.2, ":", 4.5, False)}
# Baselines of another name than the row whose limit they are: bench/srcu.c says why.
_LIMITS = {("srcu", "two_barriers"): "full", ("srcu", "two_increments"): "fast"}
_RANK = {name: i for i, name in enumerate([
    "queued", "ticket", "tas", "ttas", "mcs", "pthread_spin", "pthread_mutex", "full", "fast",
    "futex", "condvar", "eventfd", "pipe", "spin", "condvar_held"])}


@dataclass
class Line:
    """One curve: its points have `x`, `median`, `low`, `high` and `n`."""

    name: str
    role: str
    points: pd.DataFrame


@dataclass
class Panel:
    """A pair of axes; `dashed` are curves that nobody measured, each like the line it names.
    Panels of one unit and `scale` share their vertical axis."""

    title: str
    lines: list[Line]
    unit: units.Unit = units.TIME
    dashed: list[Line] = field(default_factory=list)
    scale: str = ""


def role_of(rows: pd.DataFrame) -> pd.Series:
    """What each row is: under test, the limit of what is, or another baseline. The limit is the
    baseline of the same variant (so of a lock: the bare lock)."""
    tested = rows[rows["subject"] != "baseline"]
    known = set(zip(tested["family"], tested["op"], tested["variant"]))

    def one(family: str, op: str, variant: str) -> str:
        limited = _LIMITS.get((family, variant), variant)
        return LIMIT if (family, op, limited) in known else BASELINE

    who = ["subject", "family", "op", "variant"]
    number = rows.groupby(who, sort=False).ngroup()
    roles = [TESTED if row.subject != "baseline" else one(row.family, row.op, row.variant)
             for row in rows[~number.duplicated()].itertuples()]
    return number.map(dict(enumerate(roles))).astype(object)


def lines_along(rows: pd.DataFrame, x: pd.Series, metric: str, along: str = "") -> list[Line]:
    """One curve along x for each subject, variant and the rest of the params."""
    rest = {params: " ".join(item.replace(":", "=") for item in params.split(";")
                             if item and not item.startswith(along + ":"))
            for params in rows["params"].unique()} if along else {}
    groups = rows.assign(x=x, rest=rows["params"].map(rest).fillna(""), role=role_of(rows))
    lines = []
    for (subject, variant, more, role), group in groups.groupby(
            ["subject", "variant", "rest", "role"], sort=False):
        lines.append(Line(name_of(subject, variant, more), role,
                          summary(group, ["x"], metric).sort_values("x")))
    return lines


def name_of(subject: str, variant: str, more: str = "") -> str:
    """A curve's name; port and baselines go by their variants alone."""
    who = "" if variant and subject in ("port", "baseline") else subject
    return " ".join(part for part in (who, variant, more) if part)


def split(title: str, lines: list[Line]) -> list[tuple[str, list[Line]]]:
    """What is under test with its own limits, and the other baselines, where one panel would be a
    tangle."""
    if len(lines) <= 8:
        return [(title, lines)]
    lead = f"{title}: " if title else ""
    tested = [line for line in lines if line.role != BASELINE]
    others = [line for line in lines if line.role == BASELINE]
    return [(f"{lead}{what}", some) for what, some in (
        ("under test, with its own limits", tested), ("other baselines", others)) if some]


def identities(look: Look, lines: Sequence[Line]) -> dict[str, tuple[str, str]]:
    """One colour and marker for each name, the same in every panel."""
    tested = {line.name for line in lines if line.role == TESTED}
    names = sorted({line.name for line in lines},
                   key=lambda n: (n not in tested, _RANK.get(n, len(_RANK)), natural(n)))
    return {name: look.identity(i) for i, name in enumerate(names)}


def natural(name: str) -> list[tuple[bool, int, str]]:
    """Numbers inside a name by their value: 8 before 64."""
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part)
            for part in re.split(r"([0-9]+)", name)]


def draw_line(ax: Axes, line: Line, colour: str, marker: str, paper: str) -> None:
    """The median as a curve; its interval as a band, and where a band has no room to be seen, at
    a single point, as a bar."""
    width, style, size, filled = ROLES[line.role]
    points = line.points
    ax.plot(points["x"], points["median"], color=colour, marker=marker, markersize=size,
            linewidth=width, linestyle=style, zorder=3 if line.role == TESTED else 4,
            markerfacecolor=colour if filled else paper, label=line.name)
    ax.fill_between(points["x"], points["low"], points["high"], color=colour, alpha=0.18,
                    linewidth=0)
    if len(points) == 1:
        ax.vlines(points["x"], points["low"], points["high"], color=colour, linewidth=1.2)


def draw(look: Look, title: str, subtitle: str, panels: list[Panel], columns: int, xlabel: str,
         ticks: list[float], crowded: float | None = None,
         axis: Callable[[Axes], None] | None = None) -> Figure:
    """The whole picture; `crowded`: from here on more threads than CPUs; `axis`: what makes the
    horizontal one, where it is not of numbers of something."""
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(1.2 + 3.6 * columns, 0.4 + 2.9 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, sharex=True, squeeze=False)
    shown = list(axes.flat)[:len(panels)]
    every = [line for panel in panels for line in panel.lines]
    looks = identities(look, every)
    for ax, panel in zip(shown, panels):
        ax.set_title(textwrap.fill(panel.title, 46))
        for line in panel.lines:
            draw_line(ax, line, *looks[line.name], look.paper)
        for line in panel.dashed:
            _draw_dashed(ax, line, looks[line.name][0])
        if crowded is not None:
            ax.axvspan(crowded, ticks[-1], color=look.grid, alpha=0.5, zorder=0, linewidth=0)
    for ax in list(axes.flat)[len(panels):]:
        ax.set_visible(False)
    for ax in shown:
        if axis:
            axis(ax)
        else:
            units.sizes_axis(ax, ticks, zero=ticks[0] < 1)
    _scales(shown, panels, columns, xlabel)
    legend(figure, look, looks, every, any(panel.dashed for panel in panels))
    titles(figure, look, title, subtitle)
    return figure


def _draw_dashed(ax: Axes, line: Line, colour: str) -> None:
    points = line.points
    ax.plot(points["x"], points["median"], color=colour, linewidth=1.1, linestyle="--", zorder=2)
    ax.fill_between(points["x"], points["low"], points["high"], color=colour, alpha=0.08,
                    linewidth=0)


def _scales(axes: list[Axes], panels: list[Panel], columns: int, xlabel: str) -> None:
    scales = [(panel.unit, panel.scale) for panel in panels]
    for scale in dict.fromkeys(scales):
        alike = [(ax, panel) for ax, panel, one in zip(axes, panels, scales) if one == scale]
        for ax, _ in alike[1:]:
            ax.sharey(alike[0][0])
        units.value_axis(alike[0][0], pd.concat([
            line.points[column] for _, panel in alike for line in panel.lines
            for column in ("median", "high")]), scale[0])
    for i, (ax, panel) in enumerate(zip(axes, panels)):
        first = i % columns == 0
        if first or scales[i - 1] != scales[i]:
            ax.set_ylabel(panel.unit.label)
        else:
            ax.tick_params(labelleft=False)
        if i + columns >= len(panels):
            ax.set_xlabel(xlabel)
            ax.tick_params(labelbottom=True)


def legend(figure: Figure, look: Look, looks: dict, lines: Sequence[Line],
           dashed: bool = False) -> None:
    """Beside the axes, never over the data: who, then what the lines' kinds mean."""
    handles = [Line2D([], [], color=c, marker=m, markersize=5, label=n)
               for n, (c, m) in looks.items()]
    for role in ROLES:
        if any(line.role == role for line in lines):
            width, style, size, filled = ROLES[role]
            handles.append(Line2D([], [], color=look.muted, linewidth=width, linestyle=style,
                                  marker="o", markersize=size, label=role,
                                  markerfacecolor=look.muted if filled else look.paper))
    if dashed:
        handles.append(Line2D([], [], color=look.muted, linewidth=1.1, linestyle="--",
                              label="fitted law, extrapolated"))
    figure.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5))
