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
    cut_off = last and (not len(ends) or ends[-1] != len(window) - 1)
    if not len(ends) and not cut_off:
        return None
    window = window if cut_off else window[:ends[-1] + 1]
    quotes = quotes[:np.searchsorted(quotes, len(window))]
    begins = np.concatenate(([0], ends[:-1])).astype(np.int64)[:len(ends)]
    commas = _outside(np.flatnonzero(window == _COMMA), quotes)
    faults = [*_misquoted(window, quotes), *_lone_returns(window, quotes),
              *_miscounted(window, commas, begins, ends, columns)]
    if cut_off:
        faults.append((len(window), int(ends[-1]) + 1 if len(ends) else 1, _why_no_end(quotes)))
    if faults:
        _, at, reason = min(faults)
        raise Malformed(line + int(np.searchsorted(newlines, at)), reason)
    cuts = np.empty((len(ends), columns + 1), dtype=np.int64)
    cuts[:, 0], cuts[:, -1] = begins, ends - (window[ends - 1] == _RETURN)
    cuts[:, 1:-1] = commas.reshape(len(ends), columns - 1)
    return Rows(window, cuts, line + np.searchsorted(newlines, begins + 1))


def _outside(places: np.ndarray, quotes: np.ndarray) -> np.ndarray:
    """Those that no quotes enclose."""
    if not len(quotes):
        return places
    return places[np.searchsorted(quotes, places) % 2 == 0]


# What is wrong: the byte at which that shows, the byte whose line is told, and the reason.
_Fault = tuple[int, int, str]


def _misquoted(window: np.ndarray, quotes: np.ndarray) -> list[_Fault]:
    """A quote opens at the begin of a cell and closes at its end; one inside is written twice."""
    if not len(quotes):
        return []
    opening, closing = quotes[::2], quotes[1::2]
    before = window[opening - 1]
    again = np.concatenate(([False], closing[:len(opening) - 1] == opening[1:] - 1))
    bad = opening[~((before == _COMMA) | (before == _NEWLINE) | again)][:1].tolist()
    padded = np.concatenate((window, [_NEWLINE, _NEWLINE]))
    after = padded[closing + 1]
    ended = (after == _COMMA) | (after == _NEWLINE) | (after == _QUOTE) | (
        (after == _RETURN) & (padded[closing + 2] == _NEWLINE))
    bad += (closing[~ended][:1] + 1).tolist()
    return [(at, at, "wrongly quoted: a quote inside a cell (a cell that has one is quoted as a "
             "whole, and the quote written twice)") for at in bad]


def _lone_returns(window: np.ndarray, quotes: np.ndarray) -> list[_Fault]:
    returns = np.flatnonzero(window == _RETURN)
    if not len(returns):
        return []
    alone = _outside(returns, quotes)
    alone = alone[np.append(window, 0)[alone + 1] != _NEWLINE][:1].tolist()
    return [(at, at, "a carriage return inside a line; lines end in a newline") for at in alone]


def _miscounted(window: np.ndarray, commas: np.ndarray, begins: np.ndarray, ends: np.ndarray,
                columns: int) -> list[_Fault]:
    found = np.diff(np.searchsorted(commas, ends), prepend=0) + 1
    wrong = np.flatnonzero(found != columns)
    if not len(wrong):
        return []
    at, count = wrong[0], int(found[wrong[0]])
    if count == 1 and window[begins[at] + 1] in (_NEWLINE, _RETURN):
        count = 0
    return [(int(ends[at]), int(begins[at]) + 1,
             f"{count} cell{'s' if count != 1 else ''} instead of {columns}")]


def _why_no_end(quotes: np.ndarray) -> str:
    if len(quotes) % 2:
        return "the last line is cut off, or a quote never closes; take that line away"
    return "the last line is cut off; take that line away, or run again"
