# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a policy put threads, in a drawing of the machine."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .. import results, topology
from ..errors import UserError
from . import boxes, tree
from .boxes import Placed
from .source import Run
from .style import Look, Plot, titles

_WIDEST = 11.0  # inches
_MAP = colormaps["cividis"]


def plots(run: Run) -> Iterator[Plot]:
    """One for each policy that placed a team, with the most threads that have a PU each."""
    teams = _teams(run)
    if not teams:
        yield Plot("placement", skipped="no policy placed several threads")
        return
    file = run.beside(tree.FILE)
    if not file.is_file():
        yield Plot("placement", skipped=f"no {file.name} beside the CSV: on which machine?")
        return
    machine = tree.read(file)
    for pin, threads in teams.items():
        name = f"placement-{pin}-{threads}"
        try:
            plan = planned(str(file), pin, threads)
        except UserError as e:
            yield Plot(name, skipped=str(e))
            continue
        yield plot_of(name, machine, plan, f"pin {pin}, {threads} threads", run.where)


def _teams(run: Run) -> dict[str, int]:
    """The threads of each policy's largest team; sleepers go where the kernel wants them."""
    rows = run.times[results.param_numbers(run.times, "sleepers").isna()
                     & (run.times["family"] != "probe") & (run.times["pin"] != "none")]
    rows = rows[(rows["threads"] > 1) & ~results.has_flag(rows, "oversubscribed")]
    most = rows.groupby("pin", sort=False)["threads"].max()
    return {str(pin): int(threads) for pin, threads in most.items() if pin}


def planned(file: str, pin: str, threads: int) -> dict[int, list[int]]:
    """Each PU's threads, as the binary plans them for this machine."""
    answer, _ = topology.ask(topology.find_binary(None), [
        "--plan", f"--pin={pin}", f"--threads={threads}", f"--from={file}"])
    plan: dict[int, list[int]] = {}
    for line in answer.splitlines():
        cells = line.split("\t")
        if len(cells) < 2 or not (cells[0].isdigit() and cells[1].isdigit()):
            raise UserError(f"{pin}: the binary's plan is not one: {line!r}; build it anew")
        plan.setdefault(int(cells[1]), []).append(int(cells[0]))
    return plan


def plot_of(name: str, machine: tree.Box, plan: dict[int, list[int]], what: str,
            where: str) -> Plot:
    """The drawing of a plan."""
    title = f"Placement: {what}"
    placed = boxes.layout(machine)
    count = sum(map(len, plan.values()))
    subtitle = (f"{where}; filled: a thread, by its number, from dark to light; "
                "else the PU's own number")

    def draw(look: Look) -> Figure:
        whole = placed[0]
        scale = min(0.55, _WIDEST / whole.width)
        figure = Figure(figsize=(whole.width * scale, whole.height * scale))
        ax = figure.add_axes((0, 0, 1, 1))
        ax.set_axis_off()
        ax.set_xlim(-0.05, whole.width + 0.05)
        ax.set_ylim(-0.05, whole.height + 0.05)
        size = min(9.0, 72 * scale * 0.36)  # points, of numbers in PUs
        for one in placed:
            if one.box.kind == "PU":
                _draw_pu(ax, look, one, plan.get(int(one.box.index), []), count, size)
            else:
                _draw_box(ax, look, one, size)
        titles(figure, look, title, subtitle)
        return figure

    return Plot(name, title, draw)


def _draw_box(ax: Axes, look: Look, one: Placed, size: float) -> None:
    ax.add_patch(Rectangle((one.x, one.y), one.width, one.height, linewidth=0.8,
                           edgecolor=look.muted,
                           facecolor=look.paper if one.depth % 2 else look.shade))
    if one.header:
        ax.text(one.x + 0.16, one.y + one.height - one.header / 2, one.box.name,
                fontsize=0.8 * size, va="center", color=look.ink)


def _draw_pu(ax: Axes, look: Look, one: Placed, threads: list[int], count: int,
             size: float) -> None:
    share = min(threads, default=0) / max(count - 1, 1)
    ax.add_patch(Rectangle((one.x, one.y), one.width, one.height, linewidth=0.6,
                           edgecolor=look.muted if not threads else look.ink,
                           facecolor=_MAP(share) if threads else look.paper))
    ink = ("black" if share > 0.55 else "white") if threads else look.muted
    ax.text(one.x + one.width / 2, one.y + one.height / 2,
            ",".join(map(str, threads)) or one.box.index, ha="center", va="center", color=ink,
            fontsize=size if threads else 0.75 * size, fontweight="bold" if threads else "normal")
