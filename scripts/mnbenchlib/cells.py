# SPDX-License-Identifier: GPL-2.0-or-later
"""The cells of a CSV's rows, many at a time: texts by their distinct values, and numbers."""

from __future__ import annotations

import csv
import warnings

import numpy as np
import pandas as pd

from .csvrows import Rows

_LONG = 256  # bytes; what is longer is rare, and looked at alone
_DIGIT, _POINT, _E, _SIGN, _COMMA = range(1, 6)


def _neighbours() -> np.ndarray:
    """Which two bytes may stand beside each other in numbers with commas between."""
    kind = np.zeros(256, dtype=np.uint8)
    kind[list(b"0123456789")] = _DIGIT
    kind[list(b".")], kind[list(b"e")] = _POINT, _E
    kind[list(b"+-")], kind[list(b",")] = _SIGN, _COMMA
    allowed = np.zeros((6, 6), dtype=bool)
    for before, after in ((_DIGIT, (_DIGIT, _POINT, _E, _COMMA)), (_POINT, (_DIGIT, _E, _COMMA)),
                          (_E, (_DIGIT, _SIGN)), (_SIGN, (_DIGIT,)), (_COMMA, (_DIGIT, _COMMA))):
        allowed[before, list(after)] = True
    return allowed[kind[:, None], kind[None, :]].ravel()


_NEIGHBOURS = _neighbours()
_PLAIN = np.isin(np.arange(256), list(b"0123456789.,"))


def _matrix(data: np.ndarray, begins: np.ndarray, lengths: np.ndarray, fill: int,
            more: int = 0) -> np.ndarray:
    """The spans of bytes, a row each, filled up to a common length, of whole words."""
    width = -(-max(int(lengths.max()) + more, 1) // 8) * 8
    if int(begins[-1]) + width > len(data):
        data = np.concatenate((data, np.zeros(width, dtype=np.uint8)))
    rows = np.lib.stride_tricks.sliding_window_view(data, width)[begins]
    rows[np.arange(width) >= lengths[:, None]] = fill
    return rows


class Texts:
    """Columns of text that stand side by side, as a whole: few are distinct."""

    def __init__(self, columns: list[str], first: int) -> None:
        self.columns, self._first, self._end = columns, first, first + len(columns)
        self._known: dict[bytes, int] = {}
        self._codes: list[np.ndarray] = []

    def add(self, rows: Rows) -> None:
        """Take note of these rows' cells."""
        begins = rows.cuts[:, self._first] + 1
        lengths = rows.cuts[:, self._end] - begins
        codes = np.empty(len(begins), dtype=np.int64)
        short = lengths <= _LONG
        if short.any():
            codes[short] = self._short(rows.data, begins[short], lengths[short])
        for at in np.flatnonzero(~short):
            span = rows.data[begins[at]:begins[at] + lengths[at]].tobytes()
            codes[at] = self._known.setdefault(span, len(self._known))
        self._codes.append(codes)

    def _short(self, data: np.ndarray, begins: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        matrix = _matrix(data, begins, lengths, 0)
        local, first = _distinct(matrix)
        spans = matrix[first].view(f"S{matrix.shape[1]}").ravel().tolist()
        known = self._known
        return np.array([known.setdefault(span, len(known)) for span in spans])[local]

    def codes(self) -> np.ndarray:
        """Of each row, which of the distinct ones it has."""
        return np.concatenate(self._codes)

    def distinct(self) -> pd.DataFrame:
        """The distinct ones, by code: a column each."""
        spans = [span.decode("utf-8") for span in self._known]
        if len(self.columns) == 1 and not any('"' in span for span in spans):
            return pd.DataFrame({self.columns[0]: spans}, dtype=object)
        rows = [span.split(",") if '"' not in span else next(csv.reader([span], strict=True))
                for span in spans]
        return pd.DataFrame(rows, columns=self.columns, dtype=object)


def _distinct(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each row a number, the same for equal ones, and where each number is first."""
    words = matrix.view(np.uint64)
    factors = np.random.default_rng(words.shape[1]).integers(2**63, size=words.shape[1],
                                                             dtype=np.uint64) * 2 + 1
    hashes = (words * factors).sum(axis=1, dtype=np.uint64)
    local, found = pd.factorize(hashes)
    first = np.full(len(found), len(local))
    np.minimum.at(first, local, np.arange(len(local)))
    if (words != words[first[local]]).any():  # two of one hash
        _, first, local = np.unique(matrix, axis=0, return_index=True, return_inverse=True)
    return local.ravel(), first


def numbers(rows: Rows, first: int, end: int) -> np.ndarray | None:
    """The cells of columns that stand side by side; NaN where empty.

    None where any is not written as plainly as a run writes it, which need not be wrong.
    """
    begins = rows.cuts[:, first] + 1
    lengths = rows.cuts[:, end] - begins
    if lengths.max() > _LONG:
        return None
    # One byte more, so that a comma divides the rows too.
    matrix = _matrix(rows.data, begins, lengths, ord(","), more=1)
    text = np.concatenate(([np.uint8(ord(","))], matrix.ravel()))
    comma = text == ord(",")
    if not _PLAIN[text].all() or (comma[:-1] & (text[1:] == ord("."))).any():
        if not _NEIGHBOURS[text[:-1].astype(np.uint16) << 8 | text[1:]].all():
            return None
    text = text[1:][~(comma[1:] & comma[:-1])]
    filled = np.diff(rows.cuts[:, first:end + 1], axis=1) > 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = np.fromstring(text.tobytes().rstrip(b","), sep=",") if filled.any() else []
        except (DeprecationWarning, ValueError):
            return None
    if len(found) != np.count_nonzero(filled):
        return None
    out = np.full(filled.shape, np.nan)
    out[filled] = found
    return out
