# SPDX-License-Identifier: GPL-2.0-or-later
"""How long a cache line takes from one PU to another, over all pairs that were measured."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from ..tables import number
from . import tree, units
from .medians import note, ranks, summary
from .source import METRIC, Run
from .style import Look, Plot, caption, titles

_PAIR = re.compile(r"list:(\d+),(\d+)")
_WRITTEN = 16  # PUs up to which a cell has room for its figure
_LEVELS = ["core", "L2", "L3", "die", "node", "package", "machine"]


def plots(run: Run) -> Iterator[Plot]:
    """One for each way of transfer."""
    rows = run.times[(run.times["family"] == "probe") & (run.times["op"] == "line_transfer")]
    rows = rows[rows["pin"].map(lambda pin: bool(_PAIR.fullmatch(pin)))]
    if rows.empty:
        yield Plot("heatmap", skipped="no row of probe/line_transfer between two PUs")
        return
    for variant, group in rows.groupby("variant", sort=False):
        pairs = summary(group, ["pin"], METRIC)
        ends = pairs["pin"].str.extract(_PAIR).astype(int)
        pairs["first"], pairs["second"] = ends[0], ends[1]
        if len(pairs) < 2:
            yield Plot(f"heatmap-{variant}", skipped="one pair of PUs makes no map")
            continue
        yield _plot(str(variant), pairs, group, run)


def _plot(variant: str, pairs: pd.DataFrame, rows: pd.DataFrame, run: Run) -> Plot:
    file = run.beside(tree.FILE)
    machine = tree.read(file) if file.is_file() else None
    measured = set(pairs["first"]) | set(pairs["second"])
    if machine and measured <= set(machine.pus()):
        order, by = [pu for pu in machine.pus() if pu in measured], "in hwloc's order"
        paths = dict(machine.paths())
    else:
        why = f"not of {file.name}" if machine else f"no {tree.FILE} beside the CSV"
        order, by, paths = sorted(measured), f"in the OS's order: {why}", {}
    title = f"Line transfer ({variant}): from one PU to another"
    subtitle = f"{run.where}; {len(pairs)} pairs of PUs, {by}; {note(rows)}"

    # A great machine was measured from one PU only: a strip, not a map with nothing in it.
    ends = order if pairs["first"].nunique() > 1 else [int(pairs["first"].iloc[0])]

    def draw(look: Look) -> Figure:
        figure, axes = _axes(len(ends), len(order), bool(paths))
        _map(figure, axes[0], look, _grid(pairs, ends, order), ends, order)
        for edge, width in _edges(order, paths):
            axes[0].axvline(edge, color=look.paper, linewidth=width)
            if len(ends) > 1:
                axes[0].axhline(edge, color=look.paper, linewidth=width)
        if paths:
            _levels(axes[1], look, pairs, paths)
        titles(figure, look, title, subtitle)
        caption(figure, look, [_doubt(pairs)])
        return figure

    return Plot(f"heatmap-{variant}", title, draw)


def _doubt(pairs: pd.DataFrame) -> str:
    """A colour shows no interval: the widest is told."""
    width = ((pairs["high"] - pairs["low"]) / pairs["median"] / 2).fillna(0)
    worst = pairs.loc[width.idxmax()]
    if pairs["n"].max() == 1:
        return "Each colour is of one repetition: how sure it is, is not known."
    return (f"Of a pair's median the interval is ±{width.median():.1%} in the middle of all pairs,"
            f" and at most ±{width.max():.1%} (PUs {worst['first']} and {worst['second']}: "
            f"{number(worst['low'], METRIC)} to {number(worst['high'], METRIC)}).")


def _axes(high: int, wide: int, levels: bool) -> tuple[Figure, list[Axes]]:
    """The map, and beside it, or below a strip, the levels."""
    side = min(max(0.16 * wide, 3.6), 9.0)
    if high > 1:
        widths = [side + 1.2, 3.2][:1 + levels]
        figure = Figure(figsize=(sum(widths), side + 0.5), layout="constrained")
        return figure, list(figure.subplots(1, len(widths), squeeze=False,
                                            width_ratios=widths).flat)
    heights = [0.9, 2.6][:1 + levels]
    figure = Figure(figsize=(side + 1.2, sum(heights)), layout="constrained")
    return figure, list(figure.subplots(len(heights), 1, squeeze=False,
                                        height_ratios=heights).flat)


def _grid(pairs: pd.DataFrame, ends: list[int], order: list[int]) -> np.ndarray:
    """The medians; the other way round is the same pair, unless it was measured for itself."""
    there = pairs.set_index(["first", "second"])["median"]
    back = pairs.set_index(["second", "first"])["median"]
    return np.array([[there.get((a, b), back.get((a, b), np.nan)) for b in order] for a in ends])


def _map(figure: Figure, ax: Axes, look: Look, grid: np.ndarray, ends: list[int],
         order: list[int]) -> None:
    least, most = np.nanmin(grid), np.nanmax(grid)
    norm = LogNorm(least, most) if most > 8 * least else Normalize(0, most)
    ax.grid(False)
    ax.set_facecolor(look.grid)
    image = ax.imshow(grid, cmap="cividis", norm=norm, interpolation="nearest",
                      aspect="equal" if len(ends) > 1 else "auto")
    _label_pus(ax, ends, order)
    if len(order) <= _WRITTEN:
        _write(ax, grid, norm)
    for spine in ax.spines.values():
        spine.set_visible(False)
    bar = figure.colorbar(image, ax=ax, shrink=0.85, pad=0.02)
    bar.ax.yaxis.set_major_formatter(FuncFormatter(units.time))
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
    bar.outline.set_visible(False)
    bar.set_label("time for a line to go over" if len(ends) > 1 else "time")


def _label_pus(ax: Axes, ends: list[int], order: list[int]) -> None:
    for axis, pus in ((ax.xaxis, order), (ax.yaxis, ends)):
        ticks = range(0, len(pus), -(-len(pus) // 32))
        axis.set_ticks(ticks, [str(pus[i]) for i in ticks], fontsize=7)
    if len(order) > _WRITTEN:
        ax.tick_params(axis="x", rotation=90)
    ax.tick_params(length=0)
    ax.set_xlabel("PU")
    ax.set_ylabel("PU")


def _write(ax: Axes, grid: np.ndarray, norm: Normalize) -> None:
    for (i, j), value in np.ndenumerate(grid):
        if np.isfinite(value):
            ax.text(j, i, f"{value:.0f}" if value >= 10 else f"{value:.1f}", ha="center",
                    va="center", fontsize=6.5, color="black" if norm(value) > 0.55 else "white")


def _edges(order: list[int], paths: dict) -> Iterator[tuple[float, float]]:
    """Lines where one L3 ends and the next begins, thicker where a node or a package does."""
    for i in range(1, len(order)):
        if order[i] in paths and order[i - 1] in paths:
            level = _LEVELS.index(tree.shared(paths[order[i - 1]], paths[order[i]]))
            if level > _LEVELS.index("L3"):
                yield i - 0.5, 2.2 if level >= _LEVELS.index("package") else 1.0


def _levels(ax: Axes, look: Look, pairs: pd.DataFrame, paths: dict) -> None:
    """The pairs by the least that both have in common: all of them as a thin line, the interval
    of their median as a thick one."""
    level = [tree.shared(paths[a], paths[b]) for a, b in zip(pairs["first"], pairs["second"])]
    names = []
    groups = sorted(pairs.groupby(level), key=lambda group: _LEVELS.index(group[0]))
    for y, (name, group) in enumerate(groups):
        values = np.sort(group["median"].to_numpy())
        skip = ranks(len(values))[0]
        ink, marker = look.identity(0)
        ax.plot([values[0], values[-1]], [y, y], color=ink, linewidth=0.8)
        ax.plot([values[skip], values[-1 - skip]], [y, y], color=ink, linewidth=4, alpha=0.4)
        ax.plot(np.median(values), y, marker, color=ink)
        ax.annotate(number(float(np.median(values)), METRIC), (np.median(values), y),
                    xytext=(0, 7), textcoords="offset points", ha="center", fontsize=8)
        names.append(f"one {name}\n{len(values)} pair{'s' * (len(values) > 1)}")
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_title("by the least that both are in")
    units.value_axis(ax, pairs["median"], units.Unit("time for a line to go over", units.time),
                     vertical=False)
    ax.set_xlabel("median pair, its interval,\nleast to greatest pair")
    ax.grid(False, axis="y")
