# SPDX-License-Identifier: GPL-2.0-or-later
"""Waking N sleepers: when the waker returns, and when the first, median and last sleeper runs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pandas as pd

from .. import results
from . import curves, units
from .curves import Panel
from .medians import note
from .source import METRIC, Run, first_pin, swept
from .style import Plot

PARTS = {"waker": "the waker returns", "first": "the first sleeper runs",
         "median": "the median sleeper runs", "last": "the last sleeper runs"}
_SINCE = units.Unit("time since the waker began", units.time)


def split_op(rows: pd.DataFrame) -> pd.DataFrame:
    """Of the operations that wake sleepers: the whole operation, and which of its parts."""
    return rows["op"].str.extract(rf"^(?P<whole>.+)_(?P<part>{'|'.join(PARTS)})$")


def plots(run: Run) -> Iterator[Plot]:
    """One for each operation that woke two numbers of sleepers."""
    rows = run.times.join(split_op(run.times))
    rows = rows[rows["part"].notna() & swept(rows, "sleepers")]
    if rows.empty:
        yield Plot("fan-out", skipped="no operation woke two numbers of sleepers")
    for whole, group in rows.groupby("whole", sort=False):
        # Nobody asleep: one thread, wherever it is.
        nobody = results.param_numbers(group, "sleepers") == 0
        group = pd.concat([first_pin(group[nobody]), first_pin(group[~nobody])])
        x = results.param_numbers(group, "sleepers")
        panels = [Panel(title, curves.lines_along(group[group["part"] == part],
                                                  x[group["part"] == part], METRIC, "sleepers"),
                        _SINCE)
                  for part, title in PARTS.items() if (group["part"] == part).any()]
        title = f"{whole}: how long until ..., against the number of sleepers"
        yield Plot(f"fan-out-{whole}", title, partial(
            curves.draw, title=title, subtitle=f"{run.where}; {note(group)}", panels=panels,
            columns=2, xlabel="sleepers", ticks=sorted(x.unique())))
