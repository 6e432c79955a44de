# SPDX-License-Identifier: GPL-2.0-or-later
"""From what a guest said to rows of results, the kernel's and the userspace binary's alike."""

from __future__ import annotations

import csv
import io
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..results import COLUMNS, SCHEMA
from .log import Row, Said

_VERSION = re.compile(r"\d+(\.\d+)*(-rc\d+)?")

Cells = dict[str, str]


@dataclass(frozen=True)
class Where:
    """What all rows of a guest, or of this machine, have in common."""

    run_id: str
    host: str
    arch: str
    execution: str

    def counted(self) -> bool:
        """Whether a nanosecond of its clock is an instruction."""
        return self.execution == "kernel-icount"

    def cells(self) -> Cells:
        """The cells that they have in common."""
        utc = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return dict.fromkeys(COLUMNS, "") | {
            "schema": str(SCHEMA), "run_id": self.run_id, "utc": utc, "host": self.host,
            "arch": self.arch, "execution": self.execution}


def subject(release: str) -> str:
    """A kernel's name among the subjects: its version without what a distribution adds."""
    match = _VERSION.match(release)
    return f"kernel-{match[0] if match else release}"


def _flags(row: Row, where: Where) -> str:
    return ";".join(filter(None, ["emulated" if where.counted() else "",
                                  "idle" if row.sleeps else ""]))


def _repetitions(row: Row, said: Said, where: Where) -> Iterator[Cells]:
    cells = where.cells() | {
        "subject": subject(said.release), "family": row.family, "op": row.op,
        "variant": row.variant, "threads": str(row.threads), "params": row.params,
        "pin": "none" if row.threads == 1 else "compact", "flags": _flags(row, where)}
    if row.error or not row.ops:
        yield cells | {"rep": "0", "error": row.error or "it did nothing", "flags": ""}
        return
    for rep, ns in enumerate(row.ns):
        more = {"rep": str(rep), "iterations": str(row.ops),
                "real_ns_per_op": repr(ns / row.ops)}
        if where.counted() and not row.sleeps:
            more["insns_per_op"] = repr(max(ns - row.parts * said.clock_ns, 0.0) / row.ops)
        yield cells | more


def of_twin(said: Said, where: Where) -> list[Cells]:
    """A row a repetition. An instruction count is without the clock's own, as `mnbench count`
    has it."""
    return [cells for row in said.rows for cells in _repetitions(row, said, where)]


def of_binary(lines: Sequence[str], where: Where) -> list[Cells]:
    """The binary's own rows, as of this run: in a guest that counts, its clock's nanoseconds are
    instructions."""
    out = []
    for row in csv.DictReader(lines):
        cells = {column: row.get(column) or "" for column in COLUMNS}
        cells |= {name: value for name, value in where.cells().items()
                  if name in ("run_id", "host")}
        if where.counted() and not cells["error"]:
            cells["insns_per_op"] = cells["real_ns_per_op"]
        out.append(cells)
    return out


def as_csv(rows: Iterable[Cells]) -> str:
    """The whole file."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
