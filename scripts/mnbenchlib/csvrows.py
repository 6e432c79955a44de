# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the rows and cells of a CSV lie in its bytes, strictly by RFC 4180, a chunk at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

_WINDOW = 1 << 20
_NEWLINE, _RETURN, _QUOTE, _COMMA = b'\n\r",'


class Malformed(Exception):
    """The line of the file, and what is wrong there."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(line, reason)
        self.line, self.reason = line, reason


@dataclass(frozen=True)
class Rows:
    """Some whole rows, each of the same number of cells.

    Cell c of row r is what lies between `cuts[r, c]` and `cuts[r, c + 1]`, both exclusive.
    """

    data: np.ndarray  # the file's bytes that hold them, one byte more in front
    cuts: np.ndarray
    lines: np.ndarray  # on which each row begins

    def cells(self, row: int) -> list[str]:
        """One row's cells as text."""
        return next(self.plain(row, row + 1))

    def plain(self, first: int = 0, end: int | None = None) -> Iterator[list[str]]:
        """The rows' cells as text."""
        end = len(self.cuts) if end is None else end
        text = self.data[self.cuts[first, 0] + 1:self.cuts[end - 1, -1]].tobytes().decode("utf-8")
        return csv.reader(io.StringIO(text, newline=""), strict=True)


def split(data: bytes, columns: int) -> Iterator[Rows]:
    """The rows after the header, which is the first line of the file; raises Malformed.

    `data` is UTF-8 text without NUL bytes.
    """
    view = np.frombuffer(data, dtype=np.uint8)
    begin = data.index(b"\n") + 1
    line, size = 2, _WINDOW
    while begin < len(view):
        # With the newline before it, which stands for the first row's left edge.
        window = view[begin - 1:begin + size]
        rows = _whole_rows(window, columns, line, last=begin + size >= len(view))
        if rows is None:
            size *= 2  # a cell is longer than the window
            continue
        used = int(rows.cuts[-1, -1]) + 1
        used += int(window[used - 1] == _RETURN)
        line += int(np.count_nonzero(window[1:used] == _NEWLINE))
        begin, size = begin + used - 1, _WINDOW
        yield rows


def _whole_rows(window: np.ndarray, columns: int, line: int, last: bool) -> Rows | None:
    newlines = np.flatnonzero(window[1:] == _NEWLINE) + 1
    quotes = np.flatnonzero(window == _QUOTE)
    ends = _outside(newlines, quotes)
    if last and (not len(ends) or ends[-1] != len(window) - 1):
        _check_quotes(window, quotes, newlines, line)
        at = int(ends[-1]) + 1 if len(ends) else 1
        raise Malformed(_line(at, newlines, line), _why_no_end(window, quotes))
    if not len(ends):
        return None
    window = window[:ends[-1] + 1]
    quotes = quotes[:np.searchsorted(quotes, ends[-1])]
    _check_quotes(window, quotes, newlines, line)
    edges = _edges(window, quotes, newlines, ends, line)
    commas = _outside(np.flatnonzero(window == _COMMA), quotes)
    begins = np.concatenate(([0], ends[:-1]))
    found = np.diff(np.searchsorted(commas, ends), prepend=0) + 1
    wrong = np.flatnonzero(found != columns)
    if len(wrong):
        at = wrong[0]
        raise Malformed(_line(begins[at] + 1, newlines, line),
                        f"{_told(window, begins[at], found[at])} instead of {columns}")
    cuts = np.empty((len(ends), columns + 1), dtype=np.int64)
    cuts[:, 0], cuts[:, -1] = begins, edges
    cuts[:, 1:-1] = commas.reshape(len(ends), columns - 1)
    return Rows(window, cuts, line + np.searchsorted(newlines, begins + 1))


def _outside(places: np.ndarray, quotes: np.ndarray) -> np.ndarray:
    """Those that no quotes enclose."""
    if not len(quotes):
        return places
    return places[np.searchsorted(quotes, places) % 2 == 0]


def _line(at: int, newlines: np.ndarray, first: int) -> int:
    return first + int(np.searchsorted(newlines, at))


def _check_quotes(window: np.ndarray, quotes: np.ndarray, newlines: np.ndarray, line: int) -> None:
    """Each opens at the begin of a cell and closes at its end; one inside is written twice."""
    if not len(quotes):
        return
    opening, closing = quotes[::2], quotes[1::2]
    before = window[opening - 1]
    again = np.concatenate(([False], closing[:len(opening) - 1] == opening[1:] - 1))
    bad = list(opening[~((before == _COMMA) | (before == _NEWLINE) | again)][:1])
    padded = np.concatenate((window, [_NEWLINE, _NEWLINE]))
    after = padded[closing + 1]
    ended = (after == _COMMA) | (after == _NEWLINE) | (after == _QUOTE) | (
        (after == _RETURN) & (padded[closing + 2] == _NEWLINE))
    bad += list(closing[~ended][:1])
    if bad:
        raise Malformed(_line(min(bad), newlines, line),
                        "wrongly quoted: a quote inside a cell (a cell that has one is quoted as "
                        "a whole, and the quote written twice)")


def _why_no_end(window: np.ndarray, quotes: np.ndarray) -> str:
    if len(quotes) % 2:
        return "the last line is cut off, or a quote never closes; take that line away"
    return "the last line is cut off; take that line away, or run again"


def _edges(window: np.ndarray, quotes: np.ndarray, newlines: np.ndarray, ends: np.ndarray,
           line: int) -> np.ndarray:
    """Where the last cell of each row ends: before the newline, or the two characters of one."""
    returned = window[ends - 1] == _RETURN
    every = np.flatnonzero(window == _RETURN)
    if len(every):
        alone = _outside(every, quotes)
        alone = alone[window[alone + 1] != _NEWLINE]
        if len(alone):
            raise Malformed(_line(alone[0], newlines, line),
                            "a carriage return inside a line; lines end in a newline")
    return ends - returned


def _told(window: np.ndarray, begin: int, found: int) -> str:
    if found == 1 and window[begin + 1] in (_NEWLINE, _RETURN):
        found = 0
    return f"{found} cell{'s' if found != 1 else ''}"
