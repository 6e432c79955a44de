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

    def draw(look: Look) -> Figure:
        side = min(max(0.16 * len(order), 3.6), 9.0)
        widths = [side + 1.2, 3.2] if paths else [side + 1.2]
        figure = Figure(figsize=(sum(widths), side + 0.5), layout="constrained")
        axes = list(figure.subplots(1, len(widths), squeeze=False, width_ratios=widths).flat)
        _map(figure, axes[0], look, pairs, order, paths)
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


def _map(figure: Figure, ax: Axes, look: Look, pairs: pd.DataFrame, order: list[int],
         paths: dict) -> None:
    at = {pu: i for i, pu in enumerate(order)}
    grid = np.full((len(order), len(order)), np.nan)
    for row in pairs.itertuples():
        # The other way round is the same pair, unless it was measured for itself.
        grid[at[row.first], at[row.second]] = row.median
        if np.isnan(grid[at[row.second], at[row.first]]):
            grid[at[row.second], at[row.first]] = row.median
    least, most = np.nanmin(grid), np.nanmax(grid)
    norm = LogNorm(least, most) if most > 8 * least else Normalize(0, most)
    ax.grid(False)
    ax.set_facecolor(look.grid)
    image = ax.imshow(grid, cmap="cividis", norm=norm, interpolation="nearest")
    _label_pus(ax, order)
    if len(order) <= _WRITTEN:
        _write(ax, grid, norm)
    for edge, width in _edges(order, paths):
        ax.axhline(edge, color=look.paper, linewidth=width)
        ax.axvline(edge, color=look.paper, linewidth=width)
    for spine in ax.spines.values():
        spine.set_visible(False)
    bar = figure.colorbar(image, ax=ax, shrink=0.85, pad=0.02)
    bar.ax.yaxis.set_major_formatter(FuncFormatter(units.time))
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
    bar.outline.set_visible(False)
    bar.set_label("time for a line to go over")


def _label_pus(ax: Axes, order: list[int]) -> None:
    step = max(1, -(-len(order) // 32))
    ticks = range(0, len(order), step)
    names = [str(order[i]) for i in ticks]
    ax.set_xticks(ticks, names, fontsize=7, rotation=90 if len(order) > _WRITTEN else 0)
    ax.set_yticks(ticks, names, fontsize=7)
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
