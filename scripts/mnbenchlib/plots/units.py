# SPDX-License-Identifier: GPL-2.0-or-later
"""Axes: their units, their scales and their ticks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import (FixedFormatter, FixedLocator, FuncFormatter, LogLocator,
                               NullFormatter, NullLocator)

_TIMES = ((1e9, "s"), (1e6, "ms"), (1e3, "us"))
_FEW_DECADES = 60  # a log axis that goes no farther has ticks between powers of ten
_LARGE = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def time(value: float, _position: int = 0) -> str:
    """1500 as 1.5 us."""
    for scale, unit in _TIMES:
        if value >= scale:
            return f"{value / scale:g} {unit}"
    return f"{value:g} ns"


def short(value: float, _position: int = 0) -> str:
    """1000000 as 1M."""
    for scale, unit in _LARGE:
        if value >= scale:
            return f"{value / scale:g}{unit}"
    return f"{value:g}"


def rate(value: float, _position: int = 0) -> str:
    """1000000 as 1M/s."""
    return f"{short(value)}/s"


@dataclass(frozen=True)
class Unit:
    """What an axis shows."""

    label: str
    tick: Callable[[float, int], str]


TIME = Unit("time per operation", time)
RATE = Unit("operations per second, all threads", rate)
COUNT = Unit("instructions per operation", short)


def unit_of(metric: str) -> Unit:
    """Of a column of the results."""
    return {"insns_per_op": COUNT, "ops_per_s": RATE}.get(metric, TIME)


def narrow(values: pd.Series) -> bool:
    """Whether a linear axis shows all of them."""
    return values.max() < 8 * values.min()


def value_axis(ax: Axes, values: pd.Series, unit: Unit, vertical: bool = True) -> None:
    """From 0 where the values are near each other, and else by powers of ten."""
    axis = ax.yaxis if vertical else ax.xaxis
    values = values[values > 0]
    if values.empty:
        pass  # all of them are 0, or not there
    elif narrow(values):
        _, top = ax.get_ylim() if vertical else ax.get_xlim()
        (ax.set_ylim if vertical else ax.set_xlim)(0, max(top, 1.08 * values.max()))
    else:
        (ax.set_yscale if vertical else ax.set_xscale)("log")
        if values.max() < _FEW_DECADES * values.min():
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(unit.tick))
    axis.set_minor_formatter(NullFormatter())


def sizes_axis(ax: Axes, ticks: Sequence[float], zero: bool) -> None:
    """Numbers of threads, sleepers, intervals: by powers, each that was measured named where
    there is room for it."""
    if zero:
        ax.set_xscale("symlog", base=2, linthresh=1)
    else:
        ax.set_xscale("log", base=10 if ticks[-1] >= 1000 else 2)
    shown = roomy(ticks)
    ax.xaxis.set_major_locator(FixedLocator(shown))
    ax.xaxis.set_major_formatter(FixedFormatter([short(tick) for tick in shown]))
    ax.xaxis.set_minor_locator(NullLocator())


def roomy(ticks: Sequence[float], most: int = 9) -> list[float]:
    """Some of the ticks, on an axis by powers: the last, and none too near the one after it."""
    ticks = sorted(ticks)
    least = (max(ticks[-1], 1) / max(ticks[0], 1)) ** (1 / most)
    shown: list[float] = []
    for tick in reversed(ticks):
        if tick < 1 or not shown or shown[-1] >= tick * least * (1 - 1e-9):
            shown.append(tick)
    return shown[::-1]
