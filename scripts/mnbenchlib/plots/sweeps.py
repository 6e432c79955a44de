# SPDX-License-Identifier: GPL-2.0-or-later
"""Cost against what there are many of: intervals in the tree, list notifiers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from .. import results
from . import curves
from .curves import Panel
from .medians import note
from .source import METRIC, Run, first_pin, swept
from .style import Plot


def of_intervals(run: Run) -> Iterator[Plot]:
    """Against the number of intervals."""
    yield from _plots(run, "intervals")


def of_notifiers(run: Run) -> Iterator[Plot]:
    """Against the number of list notifiers."""
    yield from _plots(run, "notifiers")


def _plots(run: Run, key: str) -> Iterator[Plot]:
    some = first_pin(run.times[swept(run.times, key)])
    if some.empty:
        yield Plot(key, skipped=f"no operation was run at two numbers of {key}")
    for family, group in some.groupby("family", sort=False):
        x = results.param_numbers(group, key)
        panels = [Panel(op, curves.lines_along(group[group["op"] == op], x[group["op"] == op],
                                               METRIC, key))
                  for op in group["op"].unique()]
        title = f"{family}: time per operation against the number of {key}"
        yield Plot(f"{key}-{family}", title, partial(
            curves.draw, title=title, subtitle=f"{run.where}; {note(group)}", panels=panels,
            columns=min(3, len(panels)), xlabel=key, ticks=sorted(x.unique())))
