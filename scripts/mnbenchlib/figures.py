# SPDX-License-Identifier: GPL-2.0-or-later
"""How a plot looks: curves with bands, and dots with intervals. No display is needed."""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import dataclass

import matplotlib
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, NullLocator

from .tables import number

# Okabe and Ito's palette, without its yellow, which white paper swallows.
PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#888888"]
MARKERS = "osD^vPX*"
PORT, OTHER = PALETTE[0], PALETTE[1]
STYLE = {
    "svg.hashsalt": "mnbench", "font.family": "DejaVu Sans", "font.size": 9,
    "axes.titlesize": 10, "axes.grid": True, "grid.color": "#dddddd", "grid.linewidth": 0.6,
    "axes.axisbelow": True, "axes.spines.top": False, "axes.spines.right": False,
    "legend.frameon": False, "figure.dpi": 100,
    # A host may be called what it likes: no name is a formula.
    "text.parse_math": False,
}
_RANK = {name: i for i, name in enumerate([
    "queued", "ticket", "tas", "ttas", "mcs", "pthread_spin", "pthread_mutex", "full", "fast",
    "futex", "condvar", "eventfd", "pipe", "spin", "condvar_held"])}


@dataclass
class Line:
    """One curve: x, and median, least and greatest of its repetitions."""

    name: str
    port: bool
    points: pd.DataFrame


@dataclass
class Panel:
    title: str
    lines: list[Line]


def summary(table: pd.DataFrame, key: list[str], metric: str) -> pd.DataFrame:
    """Median, least, greatest and number of each group's repetitions."""
    groups = table.groupby(key, sort=False)[metric]
    return groups.agg(["median", "min", "max", "size"]).reset_index()


def render(figure: Figure) -> dict[str, bytes]:
    """SVG and PNG, byte for byte the same whenever the data are."""
    out = {}
    for kind, metadata in (("svg", {"Date": None, "Creator": "mnbench"}),
                           ("png", {"Software": None})):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, metadata=metadata, bbox_inches="tight", dpi=150)
        out[kind] = buffer.getvalue()
    return out


def styled(draw):
    """Every drawing and its rendering happen under our style, whatever the user's is."""
    def wrapper(*args, **kwargs) -> dict[str, bytes]:
        with matplotlib.rc_context(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing")
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(STYLE)
            return render(draw(*args, **kwargs))
    return wrapper


def _titles(figure: Figure, title: str, subtitle: str) -> None:
    """Left, above the axes, at a distance that does not depend on the figure's height."""
    height = figure.get_figheight()
    figure.text(0.01, 1 + 0.32 / height, title, fontsize=12, fontweight="bold", va="bottom")
    figure.text(0.01, 1 + 0.10 / height, subtitle, fontsize=8, color="#555555", va="bottom")


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """Numbers inside a name by their value: 8 before 64."""
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part)
            for part in re.split(r"([0-9]+)", name)]


def _styles(panels: list[Panel]) -> dict[str, tuple[str, str]]:
    """One colour and marker for each name, the same in every panel."""
    port = {line.name for panel in panels for line in panel.lines if line.port}
    names = sorted(port | {line.name for panel in panels for line in panel.lines},
                   key=lambda n: (n not in port, _RANK.get(n, len(_RANK)), _natural(n)))
    size = len(PALETTE)
    return {n: (PALETTE[i % size], MARKERS[(i + i // size) % size]) for i, n in enumerate(names)}


def _tick(value: float, _position: int) -> str:
    for scale, unit in ((1e9, "s"), (1e6, "ms"), (1e3, "us")):
        if value >= scale:
            return f"{value / scale:g} {unit}"
    return f"{value:g} ns"


def _short(value: float) -> str:
    """1000000 as 1M."""
    for scale, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= scale:
            return f"{value / scale:g}{unit}"
    return f"{value:g}"


def _narrow(values: pd.Series) -> bool:
    return len(values) == 0 or values.max() < 8 * values.min()


@styled
def curves(title: str, subtitle: str, panels: list[Panel], columns: int, xlabel: str,
           xscale: str, ticks: list[float], crowded: float | None = None) -> Figure:
    """Panels of curves with one legend; `crowded`: from here on more threads than CPUs."""
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(1.2 + 3.6 * columns, 0.4 + 2.9 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    styles = _styles(panels)
    for ax, panel in zip(axes.flat, panels):
        ax.set_title(panel.title, loc="left")
        for line in panel.lines:
            colour, marker = styles[line.name]
            points = line.points
            ax.plot(points["x"], points["median"], color=colour, marker=marker,
                    markersize=6.5 if line.port else 4.5, linewidth=2 if line.port else 1.2,
                    linestyle="-" if line.port else "--", zorder=3 if line.port else 4,
                    markerfacecolor=colour if line.port else "white")
            ax.fill_between(points["x"], points["min"], points["max"], color=colour, alpha=0.18,
                            linewidth=0)
        if crowded is not None:
            ax.axvspan(crowded, ticks[-1], color="#eeeeee", zorder=0)
    for ax in list(axes.flat)[len(panels):]:
        ax.set_visible(False)
    first = axes[0][0]
    if xscale == "symlog":
        first.set_xscale("symlog", base=2, linthresh=1)
    else:
        first.set_xscale("log", base=10 if ticks[-1] >= 1000 else 2)
    first.xaxis.set_major_locator(FixedLocator(ticks))
    first.xaxis.set_major_formatter(FixedFormatter([_short(t) for t in ticks]))
    first.xaxis.set_minor_locator(NullLocator())
    every = pd.concat([line.points["median"] for panel in panels for line in panel.lines])
    if not _narrow(every):
        first.set_yscale("log")
    else:
        first.set_ylim(bottom=0)
    first.yaxis.set_major_formatter(FuncFormatter(_tick))
    for ax in axes[-1]:
        ax.set_xlabel(xlabel)
    for row in axes:
        row[0].set_ylabel("time per operation")
    _legend(figure, styles, panels)
    _titles(figure, title, subtitle)
    return figure


def _legend(figure: Figure, styles: dict, panels: list[Panel]) -> None:
    """Beside the axes, never over the data."""
    both = {line.port for panel in panels for line in panel.lines}
    handles = [Line2D([], [], color=c, marker=m, markersize=5, label=n)
               for n, (c, m) in styles.items()]
    if True in both:
        handles.append(Line2D([], [], color="#555555", linewidth=2, label="port"))
    if False in both:
        handles.append(Line2D([], [], color="#555555", linewidth=1.2, linestyle="--",
                              label="baseline"))
    figure.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5))


@styled
def dots(title: str, subtitle: str, groups: list[tuple[str, pd.DataFrame]], metric: str,
         watermark: str = "") -> Figure:
    """One line a figure: its median as a dot, from the least to the greatest as a bar."""
    count = sum(len(rows) + 1 for _, rows in groups)
    figure = Figure(figsize=(7.5, 0.9 + 0.19 * count), layout="constrained")
    ax = figure.subplots()
    names, figures, y = [], [], 0
    for i, (heading, rows) in enumerate(groups):
        top = y - 0.5
        names.append((y, heading, True))
        for row in rows.itertuples():
            y += 1
            port = row.subject != "baseline"
            ax.plot([row.min, row.max], [y, y], color=PORT if port else OTHER, linewidth=1.5)
            ax.plot(row.median, y, "o" if port else "s", color=PORT if port else OTHER,
                    markersize=5.5, markerfacecolor=PORT if port else "white")
            names.append((y, row.name, False))
            figures.append((y, number(row.median, metric)))
        y += 1
        if i % 2 == 0:
            ax.axhspan(top, y - 0.5, color="#f6f6f6", zorder=0, linewidth=0)
    ax.set_ylim(y - 0.5, -0.5)
    every = pd.concat([rows["median"] for _, rows in groups])
    every = every[every > 0]
    if not _narrow(every):
        ax.set_xscale("log")
    else:
        ax.set_xlim(left=0)
    counts = metric == "insns_per_op"
    ax.xaxis.set_major_formatter(FuncFormatter((lambda v, _: _short(v)) if counts else _tick))
    ax.set_xlabel("instructions per operation" if counts else "time per operation")
    ax.set_yticks([n[0] for n in names], [n[1] for n in names])
    for tick, (_, _, heading) in zip(ax.get_yticklabels(), names):
        tick.set_fontweight("bold" if heading else "normal")
    ax.tick_params(axis="y", length=0)
    ax.grid(False, axis="y")
    for at, text in figures:
        ax.annotate(text, (1.01, at), xycoords=("axes fraction", "data"), va="center", fontsize=8,
                    color="#555555")
    if watermark:
        figure.text(0.5, 0.5, watermark, fontsize=34, color="#D55E00", alpha=0.22, rotation=25,
                    ha="center", va="center", fontweight="bold")
    _dot_legend(figure, groups)
    _titles(figure, title, subtitle)
    return figure


def _dot_legend(figure: Figure, groups: list[tuple[str, pd.DataFrame]]) -> None:
    subjects = pd.concat([rows["subject"] for _, rows in groups])
    handles = []
    if (subjects != "baseline").any():
        handles.append(Line2D([], [], color=PORT, marker="o", markersize=5.5, label="port"))
    if (subjects == "baseline").any():
        handles.append(Line2D([], [], color=OTHER, marker="s", markersize=5.5,
                              markerfacecolor="white", label="baseline"))
    figure.legend(handles=handles, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncol=2)
