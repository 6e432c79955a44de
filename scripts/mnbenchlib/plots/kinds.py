# SPDX-License-Identifier: GPL-2.0-or-later
"""The kinds of pictures by name, and every picture of some runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ..errors import UserError
from . import (costs, fanout, heatmap, history, instructions, latency, placement, scaling, srcu,
               sweeps)
from .source import Run
from .style import Plot


@dataclass(frozen=True)
class Kind:
    """`of_run` draws one run's, `of_runs` puts all of them into its pictures."""

    summary: str
    of_run: Callable[[Run], Iterator[Plot]] | None = None
    of_runs: Callable[[Sequence[Run]], Iterator[Plot]] | None = None
    emulated: bool = False  # whether a run without native times has any


KINDS = {
    "scaling": Kind("time and throughput against threads, with the universal scalability law",
                    scaling.plots),
    "fan-out": Kind("waking N sleepers: the waker, the first, median and last sleeper",
                    fanout.plots),
    "latency": Kind("quantiles of single operations, from the median to the slowest",
                    latency.plots),
    "intervals": Kind("time against the number of intervals", sweeps.of_intervals),
    "notifiers": Kind("time against the number of list notifiers", sweeps.of_notifiers),
    "heatmap": Kind("how long a cache line takes between any two PUs", heatmap.plots),
    "placement": Kind("where a policy put threads, in a drawing of the machine",
                      placement.plots),
    "cost": Kind("time of every operation at the fewest threads", costs.plots),
    "emulated": Kind("an emulated run's times, alone and marked", costs.of_emulated,
                     emulated=True),
    "srcu-kinds": Kind("an SRCU read section by kind and architecture", of_runs=srcu.plots),
    "instructions": Kind("instructions per operation by architecture and subject",
                         of_runs=instructions.plots),
    "history": Kind("medians over many runs of a machine", of_runs=history.plots),
}


def chosen(words: str | None) -> list[str]:
    """Of --kind's list; all where there is none."""
    if words is None:
        return list(KINDS)
    names = [word for word in words.split(",") if word]
    for name in names:
        if name not in KINDS:
            raise UserError(f"--kind {name}: no such kind; there are {', '.join(KINDS)}")
    if not names:
        raise UserError("--kind: names no kind; --list lists them")
    return names


def pictures(runs: Sequence[Run], names: Sequence[str]) -> Iterator[Plot]:
    """Every picture of these kinds; one that has no data says so. No two have one name."""
    used: dict[str, int] = {}
    for plot in _all(runs, names):
        plot.name = re.sub(r"[^A-Za-z0-9_.+-]+", "-", plot.name)
        used[plot.name] = used.get(plot.name, 0) + 1
        if used[plot.name] > 1:
            plot.name += f"-run{used[plot.name]}"
        yield plot


def _all(runs: Sequence[Run], names: Sequence[str]) -> Iterator[Plot]:
    singly = {name: KINDS[name] for name in names if KINDS[name].of_run}
    for run in runs if singly else ():
        yield from _of_run(run, singly)
    for name in names:
        if KINDS[name].of_runs:
            yield from KINDS[name].of_runs(runs)


def _of_run(run: Run, kinds: dict[str, Kind]) -> Iterator[Plot]:
    if run.rows.empty:
        yield Plot(f"plots-{run.suffix}", skipped="every row has an error or too little overlap")
        return
    if run.emulated and any(not kind.emulated for kind in kinds.values()):
        yield Plot(f"times-{run.suffix}",
                   skipped="emulated: its times say nothing about hardware")
    if not run.emulated and all(kind.emulated for kind in kinds.values()):
        yield Plot(f"emulated-{run.suffix}", skipped="native: none of it is emulated")
    for kind in kinds.values():
        if run.emulated == kind.emulated:
            for plot in kind.of_run(run):
                plot.name += f"-{run.suffix}"
                yield plot
