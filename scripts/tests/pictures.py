# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of `mnbench plot` share: figures to look into, and a big machine's rows."""

from __future__ import annotations

import warnings
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
from synthetic import row, write

from mnbenchlib import results
from mnbenchlib.plots import kinds, source, style

LAW = {"rate": 100e6, "contention": 0.05, "crosstalk": 0.0004}
THREADS = (1, 2, 4, 8, 16, 32, 64)


def plots_of(path: Path, *names: str) -> dict[str, style.Plot]:
    """Each picture of a CSV by its name, drawn or not."""
    runs = source.runs_of(results.read_results(path))
    return {plot.name: plot for plot in kinds.pictures(runs, names or list(kinds.KINDS))}


def figure_of(plot: style.Plot, look: str = "print"):
    """The figure itself, laid out as it is when it becomes bytes; a warning is a mistake."""
    with style.applied(style.LOOKS[look]), warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = plot.draw(style.LOOKS[look])
        figure.draw_without_rendering()
    return figure


def figures_of(tmp_path: Path, rows: list, *names: str) -> dict:
    """The figures of these rows, those that were drawn."""
    path = write(tmp_path / "mnbench.csv", rows)
    return {name: figure_of(plot) for name, plot in plots_of(path, *names).items() if plot.draw}


def curves(ax) -> dict[str, list[float]]:
    """Of each measured curve, by its name and kind of line, the heights of its points."""
    return {f"{line.get_label()} {line.get_linestyle()}": list(line.get_ydata())
            for line in ax.lines if line.get_marker() != "None"}


def dashed(ax) -> list:
    """The curves that nobody measured."""
    return [line for line in ax.lines if line.get_linestyle() == "--"]


def words(figure) -> list[str]:
    """Every text in it."""
    return [text.get_text() for text in figure.findobj(lambda a: hasattr(a, "get_text"))]


def rate(threads: int, rate: float, contention: float, crosstalk: float) -> float:
    """The universal scalability law."""
    return rate * threads / (1 + contention * (threads - 1) + crosstalk * threads * (threads - 1))


def team(threads=THREADS, n: int = 6, seed: int = 3, noise: float = 0.01, law: dict = LAW,
         **cells) -> list[dict[str, str]]:
    """A benchmark that scales by this law."""
    rng = np.random.default_rng(seed)
    out = []
    for t in threads:
        for rep, luck in enumerate(rng.lognormal(0, noise, n)):
            done = rate(t, **law) * luck
            at = {"pin": "compact", "threads": t, **cells}
            out.append(row(rep=rep, real_ns_per_op=repr(1e9 * t / done), ops_per_s=repr(done),
                           **at))
    return out


def pair(first: int, second: int, values, **cells) -> list[dict[str, str]]:
    """A line transfer between two PUs."""
    return [row(subject="baseline", family="probe", op="line_transfer", variant="store_load",
                pin=f"list:{first},{second}", rep=i, real_ns_per_op=repr(float(value)), **cells)
            for i, value in enumerate(values)]


def topology(path: Path, shape: list[tuple[str, int]]) -> Path:
    """hwloc's XML of a machine such as [("Package", 2), ("L3Cache", 4), ("Core", 8), ("PU", 2)],
    a NUMA node in each package; the PUs of a core are numbered as far apart as x86 has them."""
    total = int(np.prod([count for _, count in shape]))
    siblings = shape[-1][1]
    count: dict[str, int] = {}

    def add(parent, level: int) -> None:
        kind, number = shape[level]
        for _ in range(number):
            index = count.setdefault(kind, 0)
            count[kind] += 1
            if kind == "PU":
                index = index % siblings * (total // siblings) + index // siblings
            own = ElementTree.SubElement(parent, "object", type=kind, os_index=str(index))
            if kind == "Package":
                ElementTree.SubElement(own, "object", type="NUMANode", os_index=str(index))
            if kind != "PU":
                add(own, level + 1)

    root = ElementTree.Element("topology", version="2.0")
    add(ElementTree.SubElement(root, "object", type="Machine", os_index="0"), 0)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    return path
