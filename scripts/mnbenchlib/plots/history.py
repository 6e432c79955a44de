# SPDX-License-Identifier: GPL-2.0-or-later
"""A benchmark's median over many runs, in the order of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from . import curves, instructions, source, units
from .costs import ends_of_sweeps
from .curves import Panel
from .medians import note
from .source import Run
from .style import Look, Plot

_PANELS = 9  # a picture
_LABELS = 12  # along an axis


def plots(runs: Sequence[Run]) -> Iterator[Plot]:
    """By machine, architecture and family: machines compare with nothing but themselves."""
    machines: dict[tuple[str, str, str], list[Run]] = {}
    for run in sorted(runs, key=lambda r: (r.utc, r.run_id)):
        machines.setdefault((run.host, run.arch, run.execution), []).append(run)
    many = {key: own for key, own in machines.items() if len(own) > 1}
    if not many:
        yield Plot("history", skipped="no machine has two runs here")
    for own in many.values():
        emulated = all(run.emulated for run in own)
        metric = instructions.METRIC if emulated else source.METRIC
        rows = _rows(own, emulated)
        if rows.empty:
            yield Plot(f"history-{own[0].suffix}",
                       skipped="emulated, and its instructions were not counted")
        for family, group in rows.groupby("family", sort=False):
            yield from _of_family(str(family), group, own, metric)


def _rows(runs: Sequence[Run], emulated: bool) -> pd.DataFrame:
    """What two runs or more have measured, with the run's place in time as `run`."""
    tables = [source.first_pin(run.counts if emulated else run.times).assign(run=i)
              for i, run in enumerate(runs)]
    rows = pd.concat(tables, ignore_index=True)
    rows = rows[(rows["op"] != "line_transfer") & ends_of_sweeps(rows)]
    several = rows.groupby(["family", "op", "params", "threads", "pin"])["run"].transform("nunique")
    return rows[several > 1]


def _of_family(family: str, rows: pd.DataFrame, runs: Sequence[Run],
               metric: str) -> Iterator[Plot]:
    panels = []
    for (op, params, threads, pin), group in rows.groupby(
            ["op", "params", "threads", "pin"], sort=False):
        lines = curves.lines_along(group, group["run"], metric)
        varied = [item.replace(":", "=") for item in params.split(";") if item]
        if threads > 1 and "sleepers" not in params:
            varied.append(f"{threads} threads")
        title = " ".join([op, *varied])
        panels += [Panel(heading, some, units.unit_of(metric), scale=f"{title} {pin} {heading}")
                   for heading, some in curves.split(title, lines)]
    for i in range(0, len(panels), _PANELS):
        page = f"-{i // _PANELS + 1}" if i else ""
        yield _plot(f"history-{family}{page}-{runs[0].suffix}", f"{family}: history over "
                    f"{len(runs)} runs", panels[i:i + _PANELS], rows, runs)


def _plot(name: str, title: str, panels: list[Panel], rows: pd.DataFrame,
          runs: Sequence[Run]) -> Plot:
    labels = [_label(run) for run in runs]

    def axis(ax: Axes) -> None:
        step = -(-len(runs) // _LABELS)
        shown = range(len(runs) - 1, -1, -step)[::-1]
        ax.set_xlim(-0.4, len(runs) - 0.6)
        ax.xaxis.set_major_locator(FixedLocator(list(shown)))
        ax.xaxis.set_major_formatter(FixedFormatter([labels[i] for i in shown]))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.tick_params(axis="x", rotation=90)

    def draw(look: Look) -> Figure:
        return curves.draw(look, title, f"{runs[0].where}; {note(rows)}", panels,
                           min(3, len(panels)), "run, in the order of time",
                           list(range(len(runs))), axis=axis)

    return Plot(name, title, draw)


def _label(run: Run) -> str:
    """When, and of what sources."""
    return "\n".join(filter(None, [run.utc[:10] or run.run_id, run.revision[:12]]))
