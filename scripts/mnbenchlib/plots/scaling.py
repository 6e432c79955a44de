# SPDX-License-Identifier: GPL-2.0-or-later
"""Time and throughput against threads, with the universal scalability law."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .. import results
from . import curves, units, usl
from .curves import Line, Panel
from .medians import note
from .source import METRIC, Run
from .style import Look, Plot, caption

_LAW = "universal scalability law, X(N) = rate N / (1 + contention (N-1) + crosstalk N (N-1)):"
_WIDE = 8  # curves, of more than one pin policy: above, each policy has a picture of its own


def plots(run: Run) -> Iterator[Plot]:
    """One for each operation that was run at two numbers of threads."""
    rows = run.times[results.param_numbers(run.times, "sleepers").isna()]
    drawn = False
    for (family, op), group in rows.groupby(["family", "op"], sort=False):
        if group["threads"].nunique() >= 2:
            drawn = True
            yield from _of_operation(f"{family} {op}", f"scaling-{family}-{op}", group, run)
    if not drawn:
        yield Plot("scaling", skipped="no operation was run at two numbers of threads")


def _of_operation(what: str, name: str, group: pd.DataFrame, run: Run) -> Iterator[Plot]:
    policies = list(_policies(group))
    most = max(mine.groupby(["subject", "variant", "params"]).ngroups for _, mine in policies)
    if most > _WIDE and len(policies) > 1:
        for pin, mine in policies:
            yield _plot(what, f"{name}-{pin.replace(' ', '-')}", [(pin, mine)], run)
    else:
        yield _plot(what, name, policies, run)


def _policies(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of each pin policy that placed several threads, with those of one thread."""
    single = rows[rows["threads"] == 1]
    for pin in rows.loc[rows["threads"] > 1, "pin"].unique():
        mine = rows[rows["pin"] == pin]
        # One thread is where it is: a policy without its own such row borrows it.
        if not (mine["threads"] == 1).any() and len(single):
            mine = pd.concat([single[single["pin"] == single["pin"].iloc[0]], mine])
        yield f"pin {pin}" if pin else "", mine


def _plot(what: str, name: str, policies: list[tuple[str, pd.DataFrame]], run: Run) -> Plot:
    group = pd.concat([mine for _, mine in policies])
    params = group["params"].unique()
    named = "threads" if len(params) > 1 else ""
    crowded = results.has_flag(group, "oversubscribed")
    fits = group.loc[~crowded, "threads"]
    shaded = _first_crowded(fits, group.loc[crowded, "threads"])
    panels, told = [], []
    for title, mine in policies:
        some, lines = _pair_of_panels(title, mine, named, fits.max() if len(fits) else 0)
        panels += some
        told += lines
    notes = [params[0].replace(":", " ").replace(";", ", ")] * (not named and bool(params[0]))
    notes += [run.where, note(group)] + ["grey: more threads than CPUs"] * (shaded is not None)
    title = f"{what}: time and throughput against threads"

    def draw(look: Look) -> Figure:
        ticks = sorted({*group["threads"], *(x for panel in panels for line in panel.dashed
                                             for x in (line.points["x"].max(),))})
        figure = curves.draw(look, title, "; ".join(notes), panels, 2, "threads", ticks, shaded)
        caption(figure, look, told, mono=True)
        return figure

    return Plot(name, title, draw)


def _first_crowded(fits: pd.Series, crowded: pd.Series) -> float | None:
    """Between the most threads that have a CPU each and the next number."""
    more = crowded[crowded > (fits.max() if len(fits) else 0)]
    if more.empty:
        return None
    return sqrt(fits.max() * more.min()) if len(fits) else float(more.min())


def _pair_of_panels(title: str, rows: pd.DataFrame, named: str,
                    cpus: int) -> tuple[list[Panel], list[str]]:
    """Time and throughput side by side, and what the law says of them; more threads than CPUS
    take turns, which the law knows nothing of."""
    rate = rows["ops_per_s"].fillna(1e9 * rows["threads"] / rows[METRIC])
    times = curves.split(title, curves.lines_along(rows, rows["threads"], METRIC, named))
    rates = curves.split(title, curves.lines_along(rows.assign(ops_per_s=rate), rows["threads"],
                                                   "ops_per_s", named))
    panels, laws = [], []
    for (heading, some), (_, others) in zip(times, rates):
        found = [(line, _law(line, cpus)) for line in others]
        dashed = [Line(line.name, line.role, _extrapolated(line, law, cpus))
                  for line, law in found if law and law.holds]
        scale = heading if len(times) > 1 else ""
        panels += [Panel(heading, some, scale=scale),
                   Panel(heading, others, units.RATE, dashed, scale)]
        laws += found
    return panels, _table(title, laws)


def _law(line: Line, cpus: int) -> usl.Law | None:
    points = line.points[line.points["x"] <= cpus]
    return usl.fit(points["x"].to_numpy(float), points["median"].to_numpy(float))


def _extrapolated(line: Line, law: usl.Law, cpus: int) -> pd.DataFrame:
    """From the first number of threads to twice the last that has a CPU each."""
    last = min(line.points["x"].max(), cpus)
    return law.curve(np.geomspace(line.points["x"].min(), 2 * last, 60))


def _table(title: str, laws: list[tuple[Line, usl.Law | None]]) -> list[str]:
    """The parameters with their intervals, a curve a line."""
    lead = f"{title}: " if title else ""
    fitted = [(line, law) for line, law in laws if law]
    if not fitted:
        return [f"{lead}no law fitted: fewer than {usl.FEWEST} numbers of threads that have a CPU "
                f"each"]
    cells = [["", "rate, M/s", "contention", "crosstalk", "most at", "farthest point"]]
    cells += [[_who(line), _interval(law.rate, 1e6), _interval(law.contention),
               _interval(law.crosstalk), _peak(law), _off(law)] for line, law in fitted]
    short = [_who(line) for line, law in laws if not law]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    return [f"{lead}{_LAW}"] + ["  " + "  ".join(
        f"{cell:{'<' if i in (0, 5) else '>'}{width}}"
        for i, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in cells] + [
        f"  none fitted: {', '.join(short)}"] * bool(short)


def _who(line: Line) -> str:
    return line.name if line.role == curves.TESTED else f"{line.name} ({line.role})"


def _interval(estimate: usl.Estimate, scale: float = 1) -> str:
    value, low, high = (_figure(part / scale)
                        for part in (estimate.value, estimate.low, estimate.high))
    return f"{value} ({low} to {high})"


def _figure(value: float) -> str:
    if value < 1e-7:
        return "0"
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def _peak(law: usl.Law) -> str:
    """Threads with the most throughput; unknown where it may as well grow for ever."""
    return f"{law.peak:.0f}" if law.crosstalk.low > 0 else "-"


def _off(law: usl.Law) -> str:
    return f"{law.worst:.0%} off" + ("" if law.holds else ": not of this shape, not drawn")
