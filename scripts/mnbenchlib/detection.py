# SPDX-License-Identifier: GPL-2.0-or-later
"""What a series of trials amounts to: how often a planted slow-down was found, and how often
something was cried where nothing was."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from scipy import stats as scipy_stats

from .tables import Block, Table

# What `mnbench selftest` asks of a machine, in per cent.
FOUND_FROM, FOUND_LEAST, CRIED_MOST = 3.0, 95.0, 1.0
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Seen:
    """One benchmark of one trial, as `mnbench compare` judged it."""

    trial: int
    size: float  # per cent that the trial planted, in one of its benchmarks
    benchmark: str
    planted: bool  # in this one
    decided: bool  # not `~`
    ratio: float
    p: float  # before the adjustment
    floor: float  # as a log ratio; NaN: unknown

    @property
    def found(self) -> bool:
        """Decided, and slower."""
        return self.decided and self.ratio > 1


@dataclass(frozen=True)
class Share:
    """So many of so many, with the exact binomial confidence limits."""

    count: int
    of: int

    def percent(self) -> float:
        """NaN of none."""
        return 100 * self.count / self.of if self.of else float("nan")

    def limits(self) -> tuple[float, float]:
        """In per cent (Clopper and Pearson)."""
        if not self.of:
            return 0.0, 100.0
        ends = scipy_stats.binomtest(self.count, self.of).proportion_ci(_CONFIDENCE, "exact")
        return 100 * ends.low, 100 * ends.high

    def __str__(self) -> str:
        if not self.of:
            return "-"
        low, high = self.limits()
        return f"{self.percent():.1f} % ({low:.1f} .. {high:.1f})"

    def as_json(self) -> dict:
        """For a program."""
        low, high = self.limits()
        return {"count": self.count, "of": self.of, "low_percent": low, "high_percent": high}


def share(which: Iterable[bool]) -> Share:
    """Of these, how many are true."""
    flags = list(which)
    return Share(sum(flags), len(flags))


@dataclass(frozen=True)
class Size:
    """All trials of one size."""

    percent: float
    trials: int
    found: Share  # of the planted
    wrong: Share  # of the planted: decided to be faster
    cried: Share  # of the others: decided at all
    alarms: Share  # of the trials: any of the others decided


def by_size(seen: list[Seen]) -> list[Size]:
    """In the order of the sizes."""
    return [_size(size, [one for one in seen if one.size == size])
            for size in sorted({one.size for one in seen})]


def _size(percent: float, seen: list[Seen]) -> Size:
    planted = [one for one in seen if one.planted]
    others = [one for one in seen if not one.planted]
    trials = {one.trial for one in seen}
    cried = {one.trial for one in others if one.decided}
    return Size(percent, len(trials), share(one.found for one in planted),
                share(one.decided and one.ratio < 1 for one in planted),
                share(one.decided for one in others), Share(len(cried), len(trials)))


def shortfalls(seen: list[Seen]) -> list[str]:
    """What is asked and did not come out; empty: all of it did."""
    out = []
    for size in by_size(seen):
        if size.percent == 0 and size.alarms.percent() > CRIED_MOST:
            out.append(f"of trials with nothing planted {size.alarms.percent():.1f} % cried, and "
                       f"{CRIED_MOST:g} % are the most")
        if size.percent >= FOUND_FROM and not size.found.percent() >= FOUND_LEAST:
            out.append(f"of {size.percent:g} % {size.found.percent():.1f} % were found, and "
                       f"{FOUND_LEAST:g} % are the least")
    return out


def blocks(seen: list[Seen]) -> list[Block]:
    """For a person."""
    return [_overall(seen), _by_benchmark(seen), _method(seen)]


def _overall(seen: list[Seen]) -> Block:
    table = Table(["planted", "trials", "found", "wrong direction", "cried beside it",
                   "trials with a false alarm"], ">>>>>>")
    for size in by_size(seen):
        planted = [str(size.found), str(size.wrong)] if size.percent else ["-", "-"]
        table.rows.append([f"{size.percent:g} %", str(size.trials), *planted, str(size.cried),
                           str(size.alarms)])
    return Block("Slow-downs planted and found", table=table)


def _by_benchmark(seen: list[Seen]) -> Block:
    sizes = sorted({one.size for one in seen if one.size})
    header = ["benchmark", "false alarms", *(f"{size:g} % found" for size in sizes)]
    table = Table(header, "<" + ">" * (len(header) - 1))
    for name in dict.fromkeys(one.benchmark for one in seen):
        mine = [one for one in seen if one.benchmark == name]
        nothing = share(one.decided for one in mine if not one.planted)
        found = [share(one.found for one in mine if one.planted and one.size == size)
                 for size in sizes]
        table.rows.append([name, f"{nothing.count} of {nothing.of}",
                           *(f"{each.count} of {each.of}" for each in found)])
    return Block("Benchmark by benchmark", table=table)


def _method(seen: list[Seen]) -> Block:
    nothing = [one for one in seen if not one.planted]
    below = share(one.p <= 0.05 for one in nothing)
    floors = sorted(one.floor for one in seen if not math.isnan(one.floor))
    lines = [
        "a trial: one `mnbench run --against` of a few benchmarks and one `mnbench compare`; in "
        "each one benchmark, by turns, is slower by the size; at 0 % both sides are the same",
        "found: compare decides (p, adjusted, is small enough, and the difference is beyond both "
        "runs' noise floor) that it is slower; the threshold of `worse` plays no part",
        "false alarm, cried: compare decides of a benchmark in which nothing was planted",
        f"in brackets: exact binomial confidence limits, {100 * _CONFIDENCE:g} %",
        f"of the benchmarks with nothing planted, p was 0.05 or less in {below}: an honest test "
        "has 5 % or less"]
    if floors:
        lines.append(f"noise floor of the trials: median {100 * floors[len(floors) // 2]:.2f} %, "
                     f"greatest {100 * floors[-1]:.2f} %")
    return Block("How to read this", lines)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def as_json(seen: list[Seen]) -> dict:
    """For a program: the sums, and every single judgement."""
    nothing = [one for one in seen if not one.planted]
    return {
        "schema": 1,
        "sizes": [{"percent": size.percent, "trials": size.trials, "found": size.found.as_json(),
                   "wrong": size.wrong.as_json(), "cried": size.cried.as_json(),
                   "alarms": size.alarms.as_json()} for size in by_size(seen)],
        "p_below_5_percent": share(one.p <= 0.05 for one in nothing).as_json(),
        "shortfalls": shortfalls(seen),
        "seen": [{"trial": one.trial, "size_percent": one.size, "benchmark": one.benchmark,
                  "planted": one.planted, "decided": one.decided, "ratio": _number(one.ratio),
                  "p": one.p, "floor_percent": _number(100 * one.floor)}
                 for one in seen],
    }
