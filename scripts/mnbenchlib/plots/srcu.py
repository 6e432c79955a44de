# SPDX-License-Identifier: GPL-2.0-or-later
"""What an SRCU read section costs, by kind; by architecture where there are several."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial

import pandas as pd

from . import dots
from .costs import groups_by
from .dots import Column, Group, Row
from .medians import note
from .source import METRIC, Run, first_pin, uncrowded
from .style import Plot


def plots(runs: Sequence[Run]) -> Iterator[Plot]:
    """One picture, with axes for each machine: of several runs of one, its latest."""
    latest = {(run.host, run.arch): run for run in sorted(runs, key=lambda r: r.utc)
              if len(_pairs(run)) and _pairs(run)["variant"].nunique() > 1}
    if not latest:
        yield Plot("srcu-kinds", skipped="no native srcu read_pair rows of two kinds")
        return
    shown = sorted(latest.values(), key=lambda r: (r.arch, r.host))
    columns = _aligned([Column(f"{run.arch}, {run.host}" if len(shown) > 1 else "",
                               _groups(_pairs(run))) for run in shown])
    several = len(shown) > 1
    where = "" if several else f"{shown[0].where}; "
    subtitle = where + note(pd.concat([_pairs(run) for run in shown]))
    title = "SRCU: time of a read lock and unlock, by kind" + " and architecture" * several
    name = "srcu-kinds-" + "-".join(dict.fromkeys(run.arch for run in shown))
    yield Plot(name, title, partial(dots.draw, title=title, subtitle=subtitle, columns=columns,
                                    metric=METRIC))


def _pairs(run: Run) -> pd.DataFrame:
    rows = run.times
    return uncrowded(rows[(rows["family"] == "srcu") & (rows["op"] == "read_pair")
                          & (rows["params"] == "")])


def _groups(rows: pd.DataFrame) -> list[Group]:
    """The two ends of the scaling: what lies between is in its curves."""
    rows = pd.concat([first_pin(rows[rows["threads"] == t])
                      for t in sorted({rows["threads"].min(), rows["threads"].max()})])
    rows = rows.assign(at=rows["threads"].map(lambda t: f"{t} thread" + "s" * (t > 1)))
    return [Group(re.sub(r" \d+thr", "", group.heading), group.rows)
            for group in groups_by(rows, "at")]


def _aligned(columns: list[Column]) -> list[Column]:
    """The same rows everywhere, in the first one's order; machines differ in how many threads they
    ran at most."""
    if len(columns) == 1:
        return columns
    depth = max(len(column.groups) for column in columns)
    headings = ["one thread", "the most threads"][:depth]
    out = [Column(column.title, []) for column in columns]
    for i, heading in enumerate(headings):
        groups = [column.groups[i] if i < len(column.groups) else Group("", [])
                  for column in columns]
        names = list(dict.fromkeys(row.name for group in groups for row in group.rows))
        for column, group in zip(out, groups):
            known = {row.name: row for row in group.rows}
            column.groups.append(Group(heading, [known.get(name, Row(name, []))
                                                 for name in names]))
    for old, new in zip(columns, out):
        if depth > 1:
            new.title += f"\n{old.groups[0].heading}, {old.groups[-1].heading}"
    return out
