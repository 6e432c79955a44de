# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench selftest --counts`: one instruction planted in an operation; whether counts show it."""

from __future__ import annotations

import random
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import counted, counts
from .arches import host
from .detection import Share
from .tables import Block, Table

_BESIDE = 3  # operations counted beside the planted one
_LONGEST = 100_000  # instructions: what takes longer has no place in so many trials


@dataclass(frozen=True)
class Trial:
    """One instruction in one operation: what the counts of that and of some others said."""

    planted: str
    found: bool
    cried: tuple[str, ...]  # others whose count was another one
    beside: int  # so many others


def _escaped(name: str) -> str:
    """Of what regular expressions mean something by: every escape but these is an error to some."""
    return re.sub(r"([][.+*?(){}|^$\\])", r"\\\1", name)


def _count(program: Path, names: list[str], plant: list[str]) -> dict[str, str]:
    """Instructions, as text: what is compared is the text."""
    pattern = "|".join(_escaped(name) for name in names)
    with tempfile.TemporaryDirectory(prefix="mnbench-selftest-") as work:
        part = counts.part_of(host(), program, "selftest", Path(work))
        part.command.extend([f"--benchmark_filter=^({pattern})/", *plant])
        table = counts.counted_by(part)
    return {counted.name(row): row.insns for row in table.itertuples() if not row.error}


def trials(program: Path, names: list[str], number: int, seed: int) -> Iterator[Trial]:
    """So many, each in another operation while there are any."""
    before = {name: insns for name, insns in _count(program, names, []).items()
              if float(insns) < _LONGEST}
    order = sorted(before)
    chance = random.Random(seed)
    chance.shuffle(order)
    for at in range(number):
        planted = order[at % len(order)]
        others = chance.sample([name for name in order if name != planted],
                               min(_BESIDE, len(order) - 1))
        after = _count(program, [planted, *others], ["--plant", f"^{_escaped(planted)}$:1i"])
        cried = tuple(name for name in others if after.get(name) != before[name])
        more = float(after[planted]) - float(before[planted])
        yield Trial(planted, 0.9 < more < 1.1, cried, len(others))


def block(seen: list[Trial]) -> Block:
    """For a person."""
    found = Share(sum(trial.found for trial in seen), len(seen))
    cried = Share(sum(len(trial.cried) for trial in seen), sum(trial.beside for trial in seen))
    table = Table(["planted", "trials", "operations", "found", "cried beside it"], ">>>>>")
    table.rows.append(["1 instruction", str(len(seen)),
                       str(len({trial.planted for trial in seen})), str(found), str(cried)])
    lines = [f"not found: {trial.planted}" for trial in seen if not trial.found]
    lines += [f"cried: {name}" for trial in seen for name in trial.cried]
    lines.append("a trial: one instruction an operation more in one, counted as `mnbench count` "
                 f"does, with up to {_BESIDE} others beside it; in brackets 95 % limits")
    return Block("Single instructions planted and found", lines, table)
