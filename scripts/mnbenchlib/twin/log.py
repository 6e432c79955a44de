# SPDX-License-Identifier: GPL-2.0-or-later
"""What the twin and its loader say, line by line: rows, the clock's cost, and what else the kernel
had to say meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..errors import Failed

_TROUBLE = re.compile(
    r"\b(WARNING|BUG|Oops|KASAN|UBSAN|KFENCE|lockdep|kmemleak|Call [Tt]race|panic)\b"
    r"|possible .*deadlock|INFO: (task|rcu)|lines were lost|detected stall|held lock")
_TOLD = 8


@dataclass(frozen=True)
class Row:
    """One figure of one operation, with the clock's time of each repetition."""

    family: str
    op: str
    variant: str
    threads: int
    params: str
    sleeps: bool  # some of its time is waiting, which executes nothing
    ops: int  # in a repetition
    parts: int  # times that the clock was started in it
    ns: tuple[int, ...]
    error: str


@dataclass
class Said:
    """A whole run of the twin."""

    release: str = ""
    clock_ns: float = 0.0  # that starting and stopping the clock adds
    rows: list[Row] = field(default_factory=list)
    kernel: list[str] = field(default_factory=list)  # other lines of the log
    other: list[str] = field(default_factory=list)  # what is neither


def _row(cells: list[str]) -> Row:
    family, op, variant, threads, params, sleeps, ops, parts, ns, error = cells
    return Row(family, op, variant, int(threads), params, sleeps == "sleeps", int(ops), int(parts),
               tuple(map(int, ns.split())), error)


def _take(said: Said, line: str) -> int | None:
    """One line; how many rows there should be, where it tells."""
    word, _, rest = line.partition(",")
    if word == "row":
        said.rows.append(_row(rest.split(",", 9)))
    elif word == "begin":
        said.release = rest.split(",")[0]
    elif word == "clock":
        times, ns = map(int, rest.split(","))
        said.clock_ns = ns / times
    elif word == "end":
        return int(rest)
    elif line.startswith("kernel: "):
        said.kernel.append(line.removeprefix("kernel: "))
    elif line.strip():
        said.other.append(line)
    return None


def read(lines: Iterable[str]) -> Said:
    """What was said; Failed where it is not whole, or the kernel complained."""
    said, wanted = Said(), None
    for line in lines:
        try:
            told = _take(said, line)
        except ValueError:
            raise Failed(f"the twin said what cannot be read: {line}") from None
        wanted = wanted if told is None else told + (wanted or 0)
    if trouble := [line for line in said.kernel if _TROUBLE.search(line)]:
        raise Failed("the kernel complained: " + "".join(
            f"\n    {line}" for line in trouble[:_TOLD]))
    return _whole(said, wanted)


def _whole(said: Said, wanted: int | None) -> Said:
    if said.release and wanted is not None and len(said.rows) >= wanted:
        return said
    last = [*said.kernel, *said.other][-_TOLD:]
    if mismatch := next((line for line in last if "version magic" in line), None):
        raise Failed(f"the module is for another kernel: {mismatch}")
    if missing := next((line for line in last if "Unknown symbol" in line), None):
        raise Failed(f"this kernel lacks what the module needs: {missing}")
    got = f"{len(said.rows)} rows of {wanted}" if wanted is not None else "no end"
    raise Failed(f"the twin did not get through: {got}" + "".join(f"\n    {line}" for line in last))
