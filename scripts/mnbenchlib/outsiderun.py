# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures of an operation from ours and from a program outside, and whether they agree."""

from __future__ import annotations

import csv
import os
import random
import re
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from . import builds, child, outsidebuild, outsiders, paired
from .commands import say, why
from .errors import Failed, UserError
from .outsiders import Comparison, Place
from .stats import Ratio

MOST = 1.10
_ALONE_SECONDS = 0.1
_TRIES = 3  # of which the least counts: what disturbs adds
_APART_MOST = 5  # tries, where threads that should run together do not
_PATIENCE = 120  # seconds for one program


@dataclass
class Measured:
    """A comparison and its figures, ns of an operation, one a round."""

    comparison: Comparison
    version: str
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)
    like: list[float] = field(default_factory=list)
    steps: dict[str, list[float]] = field(default_factory=dict)  # by the arguments of `like`

    def ratio(self) -> Ratio:
        """Ours over theirs."""
        return paired.ratio(np.array(self.ours), np.array(self.theirs))

    def like_ratio(self) -> Ratio | None:
        """Of ours that is like theirs over theirs; None: there is none."""
        return paired.ratio(np.array(self.like), np.array(self.theirs)) if self.like else None

    def verdict(self) -> str:
        """agrees, `~` (it may), differs, or explained: then what is like theirs does not differ."""
        alike = self.like_ratio()
        found = judged(self.ratio())
        if found == "differs" and alike is not None and judged(alike) != "differs":
            return "explained"
        return found


def judged(ratio: Ratio) -> str:
    """agrees: within 10 %; differs: outside of it with all of its interval; `~`: who knows."""
    if 1 / MOST <= ratio.value <= MOST:
        return "agrees"
    return "~" if ratio.low <= MOST and ratio.high >= 1 / MOST else "differs"


def _output(command: list[str], pus: list[int] | None) -> str:
    """Of a program, on these PUs."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", check=False, timeout=_PATIENCE,
                              preexec_fn=pus and (lambda: os.sched_setaffinity(0, pus)))
    except OSError as err:
        raise UserError(f"{command[0]}: cannot be run: {err.strerror}") from err
    except subprocess.TimeoutExpired:
        raise Failed(f"{' '.join(command)}: not done after {_PATIENCE} s") from None
    if done.returncode:
        raise Failed(child.ended(" ".join(command), done.returncode, done.stderr))
    return done.stdout


def _mnbench() -> str:
    return str(builds.folder("native") / "bench" / "mnbench")


def _pus(threads: int) -> list[int]:
    """Where ours puts its threads."""
    told = _output([_mnbench(), "--plan", "--pin", "compact", "--threads", str(threads)], None)
    return [int(line.split("\t")[1]) for line in told.splitlines()]


def _row(comparison: Comparison) -> dict[str, str]:
    """Of one repetition of ours."""
    with tempfile.TemporaryDirectory() as scratch:
        table = Path(scratch, "rows.csv")
        _output([_mnbench(), f"--benchmark_filter=^{re.escape(comparison.benchmark)}/pin:compact",
                 "--pin", "compact", "--repetitions", "1", "--target", "0", "--twins", "0",
                 f"--benchmark_min_time={_ALONE_SECONDS}",
                 "--window", str(round(outsiders.WINDOW_NS / 1e6)), "--csv", str(table)], None)
        with table.open(encoding="utf-8", newline="") as source:
            rows = [row for row in csv.DictReader(source)
                    if not comparison.row or row["op"] == comparison.row]
    if len(rows) != 1:
        raise Failed(f"{comparison.benchmark}: {len(rows)} rows of ours, not one; was it built "
                     f"from these sources?")
    if rows[0]["error"] or not rows[0]["real_ns_per_op"]:
        raise Failed(f"{comparison.benchmark}: {rows[0]['error'] or 'no time in its row'}")
    return rows[0]


def _ours(comparison: Comparison) -> float:
    for _ in range(_APART_MOST):
        row = _row(comparison)
        if "low-overlap" not in row["flags"].split(";"):
            return float(row["real_ns_per_op"])
    raise Failed(f"{comparison.benchmark}: its threads did not run together in {_APART_MOST} "
                 f"tries; this machine is busy with something else")


def _theirs(comparison: Comparison, program: str, place: Place) -> float:
    command = [program, *comparison.arguments(place)]
    output = _output(command, None if comparison.own_pins else [place.pus[0]])
    found = outsiders.numbers(comparison.form, output)
    if not found or not min(found) > 0:
        raise Failed(f"{comparison.program.name}: its output has another form now: no "
                     f"{comparison.form!r} in it, but: {why(output)}")
    return comparison.figure(found, place)


def _like(comparison: Comparison, arguments: Sequence[str], places: dict[str, str],
          place: Place) -> float:
    command = [places[comparison.like.name], *arguments]
    found = outsiders.like_ns(_output(command, [place.pus[0]]), place)
    if not found:
        raise Failed(f"{comparison.like.name}: says nothing of nanoseconds or ticks")
    return found


def _ticks(program: str, pus: list[int]) -> float:
    told = re.search(r"^([0-9.]+) ticks/ns$", _output([program], pus), re.MULTILINE)
    if not told or not float(told[1]) > 0:
        raise Failed(f"{program}: the counter of Concurrency Kit's benchmarks does not tick")
    return float(told[1])


def place_of(chosen: list[Comparison], places: dict[str, str]) -> Place:
    """Where threads go, and the counter's speed, which is measured."""
    pus = _pus(max(comparison.threads for comparison in chosen))
    counter = places.get(outsidebuild.COUNTER.name)
    return Place(pus, _ticks(counter, pus[:1]) if counter else 0.0)


def _sides(one: Measured, places: dict[str, str], place: Place
           ) -> list[tuple[list[float], Callable[[], float]]]:
    """What is to be measured, and where it goes."""
    comparison = one.comparison
    sides = [(one.ours, lambda: _ours(comparison)),
             (one.theirs, lambda: _theirs(comparison, places[comparison.program.name], place))]
    if comparison.like:
        words = comparison.like_arguments
        pus = [str(pu) for pu in place.pus[:comparison.threads]] if not words else []
        sides.append((one.like, lambda: _like(comparison, words or pus, places, place)))
        for count in range(1, len(words)):
            to = one.steps.setdefault(" ".join(words[:count]), [])
            sides.append((to, lambda count=count: _like(comparison, words[:count], places, place)))
    return sides


def _once(one: Measured, places: dict[str, str], place: Place, order: random.Random) -> None:
    """Both sides, and ours that is like theirs, in any order, each try anew."""
    sides = _sides(one, places, place)
    tries: list[list[float]] = [[] for _ in sides]
    for _ in range(_TRIES):
        for i in order.sample(range(len(sides)), len(sides)):
            tries[i].append(sides[i][1]())
    for (figures, _), found in zip(sides, tries):
        figures.append(min(found))


def measure(measured: list[Measured], places: dict[str, str], place: Place, rounds: int,
            seed: int) -> None:
    """All of them once a round, in a random order."""
    order = random.Random(seed)
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}")
        for one in order.sample(measured, len(measured)):
            _once(one, places, place, order)
