# SPDX-License-Identifier: GPL-2.0-or-later
"""How far a run is, read from the rows that it has written."""

from __future__ import annotations

import csv
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from .parts import Part

# One benchmark of a fan-out writes a row for each of these, as the end of the operation's name.
_FAN_OUT = re.compile(r"_(waker|first|median|last)$")
_NAMED_BY = ("subject", "family", "op", "variant", "threads", "pin", "params")


def duration(seconds: float) -> str:
    """Minutes and seconds, as people say them."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


class _File:
    """A CSV that grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._columns: list[str] = []

    def read(self) -> list[dict[str, str]]:
        """The rows that came since the last time."""
        try:
            with self._path.open("rb") as source:
                source.seek(self._offset)
                text = source.read()
        except FileNotFoundError:
            return []
        text = text[:text.rfind(b"\n") + 1]
        self._offset += len(text)
        lines = list(csv.reader(text.decode(errors="replace").splitlines()))
        if lines and not self._columns:
            self._columns = lines.pop(0)
        return [dict(zip(self._columns, cells)) for cells in lines]


class Progress:
    """Follows growing CSVs. On a terminal one line that changes, else a line now and then."""

    def __init__(self, paths: Sequence[Path], parts: Sequence[Part]) -> None:
        self.rows = 0
        self.errors = 0
        self._files = [_File(path) for path in paths]
        self._parts = list(parts)
        self._terminal = sys.stderr.isatty()
        self.interval = 0.5 if self._terminal else 10.0
        self._units: set[tuple[str, ...]] = set()  # a benchmark's repetition in one of the files
        self._failed: set[tuple[str, ...]] = set()
        self._open: dict[tuple[str, ...], bool] = {}
        self._part = self._parts[0]
        self._ended = 0
        self._known = 0  # units that an earlier process of this part has measured
        self._started = self._begun = time.monotonic()

    def begin(self, part: Part) -> None:
        """From here on the rows are this part's."""
        self._part = part
        self._begun = time.monotonic()
        self._units.clear()
        self._open.clear()
        self._failed.clear()
        self.read()
        self._known = len(self._units)

    def read(self) -> None:
        """Catch up with what was written."""
        for number, file in enumerate(self._files):
            for row in file.read():
                self.rows += 1
                self.errors += bool(row.get("error"))
                if row.get("arch") == self._part.arch:
                    self._take(str(number), row)

    def _take(self, file: str, row: dict[str, str]) -> None:
        flags = row.get("flags", "").split(";")
        if "twin" in flags:
            return
        row["op"] = _FAN_OUT.sub("", row.get("op", ""))
        benchmark = (file, *(row.get(name, "") for name in _NAMED_BY))
        self._units.add((*benchmark, row.get("rep", "")))
        self._open[benchmark] = "unsettled" in flags
        if row.get("error"):
            self._failed.add(benchmark)

    def _of(self) -> int | None:
        """Benchmarks in all files."""
        benchmarks = self._part.benchmarks
        return None if benchmarks is None else benchmarks * len(self._files)

    def _left(self) -> str:
        """The time left, were every repetition alike, until each has had its least number."""
        done, total = len(self._units), self._of()
        if done <= self._known or not total:
            return ""
        least = (total - len(self._failed)) * self._part.repetitions + len(self._failed)
        if done >= least:
            return ""
        spent = time.monotonic() - self._begun
        return f", at least {duration(spent * (least - done) / (done - self._known))} left"

    def _show(self, text: str, last: bool = False) -> None:
        if self._terminal:
            text = f"\r\x1b[K{text}" + ("\n" if last else "")
        else:
            text += "\n"
        sys.stderr.write(text)
        sys.stderr.flush()

    def update(self) -> None:
        """Say how far it is."""
        self.read()
        place = f"{self._part.arch} ({self._ended + 1} of {len(self._parts)})"
        self._show(f"{place}: {self._done()}{self._left()}")

    def _done(self) -> str:
        total, seen = self._of(), len(self._open)
        of = "" if total is None else f" of {total}"
        text = f"{seen}{of} benchmarks, {len(self._units)} repetitions"
        unsettled = sum(self._open.values())
        # Before it has had its least number hardly any is settled: that says nothing.
        return text + (f", {unsettled} unsettled" if unsettled and not self._left() else "")

    def end(self) -> None:
        """This part is done."""
        self.read()
        self._ended += 1
        self._show(f"{self._part.arch}: {self._done()} in "
                   f"{duration(time.monotonic() - self._begun)}", last=True)

    def took(self) -> str:
        """The time since the start."""
        return duration(time.monotonic() - self._started)
