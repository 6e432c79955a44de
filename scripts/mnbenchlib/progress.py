# SPDX-License-Identifier: GPL-2.0-or-later
"""How far a run is, read from the rows that it has written."""

from __future__ import annotations

import csv
import re
import sys
import time
from pathlib import Path

# One benchmark of a fan-out writes a row for each of these, as the end of the operation's name.
_FAN_OUT = re.compile(r"_(waker|first|median|last)$")
_NAMED_BY = ("subject", "family", "op", "variant", "threads", "pin", "params")


def duration(seconds: float) -> str:
    """Minutes and seconds, as people say them."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


class Progress:
    """Follows a growing CSV. On a terminal one line that changes, else a line now and then."""

    def __init__(self, path: Path, parts: list[tuple[str, int | None]]) -> None:
        self.rows = 0
        self.errors = 0
        self._path = path
        self._parts = dict(parts)
        self._terminal = sys.stderr.isatty()
        self.interval = 0.5 if self._terminal else 10.0
        self._offset = 0
        self._columns: list[str] = []
        self._seen: set[tuple[str, ...]] = set()
        self._took: list[float] = []
        self._arch = ""
        self._started = self._begun = time.monotonic()

    def begin(self, arch: str) -> None:
        """From here on the rows are this architecture's."""
        self._arch = arch
        self._begun = time.monotonic()
        self._seen.clear()

    def read(self) -> None:
        """Catch up with what was written."""
        try:
            with self._path.open("rb") as source:
                source.seek(self._offset)
                text = source.read()
        except FileNotFoundError:
            return
        text = text[:text.rfind(b"\n") + 1]
        self._offset += len(text)
        for cells in csv.reader(text.decode(errors="replace").splitlines()):
            if not self._columns:
                self._columns = cells
                continue
            row = dict(zip(self._columns, cells))
            row["op"] = _FAN_OUT.sub("", row.get("op", ""))
            self._seen.add(tuple(row.get(name, "") for name in _NAMED_BY))
            self.rows += 1
            self.errors += bool(row.get("error"))

    def _left(self) -> str:
        """The time left, were every benchmark and every architecture alike."""
        done, total = len(self._seen), self._parts[self._arch]
        if not done or not total:
            return ""
        spent = time.monotonic() - self._begun
        whole = spent * max(1.0, total / done)
        waiting = len(self._parts) - len(self._took) - 1
        return f", {duration(whole - spent + waiting * whole)} left"

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
        place = f"{self._arch} ({len(self._took) + 1} of {len(self._parts)})"
        self._show(f"{place}: {self._done()}, {self.rows} rows{self._left()}")

    def _done(self) -> str:
        total = self._parts[self._arch]
        return f"{len(self._seen)}{'' if total is None else f' of {total}'} benchmarks"

    def end(self) -> None:
        """This architecture is done."""
        self.read()
        self._took.append(time.monotonic() - self._begun)
        self._show(f"{self._arch}: {self._done()} in {duration(self._took[-1])}", last=True)

    def took(self) -> str:
        """The time since the start."""
        return duration(time.monotonic() - self._started)
