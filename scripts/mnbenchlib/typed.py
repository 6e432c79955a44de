# SPDX-License-Identifier: GPL-2.0-or-later
"""A run's CSV as a table: every cell checked, texts once for each distinct one."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
import pandas as pd

from . import cells, csvrows, schema

_NUMBERS = ["rep", "iterations", *schema.FLOATS]
_WHOLE = ("rep", "iterations")
_EXACT = 2**53  # whole numbers above have no float of their own
_POWERS = 10.0 ** np.arange(1, 18)
_SAME = ["run_id", "host", *schema.KEY]


class Fault(Exception):
    """A line of the file, and what is wrong there."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(line, reason)
        self.line, self.reason = line, reason


@dataclass
class _Faults:
    """The first one that was found, by line and then by column."""

    header: list[str]
    first: tuple[int, int, str] | None = None

    def add(self, line: int, column: str, cell: str, why: str) -> None:
        shown = cell if len(cell) <= 40 else cell[:37] + "..."
        found = (line, self.header.index(column), f"{column} {shown!r}: {why}")
        self.first = found if self.first is None else min(self.first, found)

    def done(self) -> None:
        if self.first is not None:
            raise Fault(self.first[0], self.first[2])


@dataclass
class _Numbers:
    """Columns of figures that stand side by side."""

    columns: list[str]
    first: int
    parts: list[np.ndarray] = field(default_factory=list)

    def add(self, rows: csvrows.Rows, faults: _Faults) -> None:
        found = cells.numbers(rows, self.first, self.first + len(self.columns))
        if found is None or not self._sound(found, rows):
            found = self._one_by_one(rows, faults)
        self.parts.append(found)

    def _sound(self, found: np.ndarray, rows: csvrows.Rows) -> bool:
        """Whether no cell needs a closer look."""
        for i, column in enumerate(self.columns):
            values = found[:, i]
            empty = np.isnan(values)
            if column in schema.REQUIRED and empty.any():
                return False
            most = np.max(values, where=~empty, initial=0)
            if schema.why_no_value(column, most):
                return False
            if column in _WHOLE:
                at = self.first + i
                length = rows.cuts[:, at + 1] - rows.cuts[:, at] - 1
                digits = np.searchsorted(_POWERS, values, side="right") + 1
                if most >= _EXACT or not (empty | (digits == length)).all():
                    return False
        return True

    def _one_by_one(self, rows: csvrows.Rows, faults: _Faults) -> np.ndarray:
        out = np.full((len(rows.cuts), len(self.columns)), np.nan)
        end = self.first + len(self.columns)
        for number, row in enumerate(rows.plain()):
            for i, cell in enumerate(row[self.first:end]):
                why = schema.why_no_number(self.columns[i], cell)
                if why:
                    faults.add(int(rows.lines[number]), self.columns[i], cell, why)
                elif cell:
                    out[number, i] = float(cell)
        return out


def _parts(header: list[str]) -> tuple[list[_Numbers], list[cells.Texts]]:
    """Neighbours of a kind together; the time, of which each row has its own, for itself."""
    def kind(at: int) -> object:
        column = header[at]
        if column in _NUMBERS:
            return "number"
        return "text" if column in schema.COLUMNS and column != "utc" else column

    numbers, texts = [], []
    for found, places in groupby(range(len(header)), kind):
        places = list(places)
        names = [header[at] for at in places]
        if found == "number":
            numbers.append(_Numbers(names, places[0]))
        else:
            texts.append(cells.Texts(names, places[0]))
    return numbers, texts


@dataclass(frozen=True)
class _Text:
    """A group of columns of text: the distinct rows of it, and which of them each row has."""

    distinct: pd.DataFrame
    codes: np.ndarray

    def check(self, lines: np.ndarray, faults: _Faults) -> None:
        for column in self.distinct:
            values = self.distinct[column]
            why = {text: schema.why_no_text(column, text) for text in values.unique()}
            bad = values.map(why).notna().to_numpy()
            if bad.any():
                at = int(np.argmax(bad[self.codes]))
                text = values.iat[self.codes[at]]
                faults.add(int(lines[at]), column, text, why[text])

    def column(self, name: str) -> np.ndarray:
        return self.distinct[name].to_numpy()[self.codes]

    def among(self, columns: list[str]) -> tuple[np.ndarray, int] | None:
        """Which rows are alike in those of the columns that are here, by number; how many."""
        here = [c for c in columns if c in self.distinct]
        if not here:
            return None
        alike = self.distinct.groupby(here, sort=False).ngroup().to_numpy()
        return alike[self.codes], int(alike.max()) + 1


def table(data: bytes, header: list[str]) -> pd.DataFrame:
    """The rows below the header; raises Fault."""
    numbers, texts = _parts(header)
    faults = _Faults(header)
    lines = []
    try:
        for rows in csvrows.split(data, len(header)):
            lines.append(rows.lines)
            for part in numbers:
                part.add(rows, faults)
            for part in texts:
                part.add(rows)
    except csvrows.Malformed as found:
        raise Fault(found.line, found.reason) from found
    if not lines:
        return pd.DataFrame(columns=header)
    return _joined(header, np.concatenate(lines), numbers, texts, faults)


def _joined(header: list[str], lines: np.ndarray, numbers: list[_Numbers],
            texts: list[cells.Texts], faults: _Faults) -> pd.DataFrame:
    found: dict[str, np.ndarray] = {}
    for part in numbers:
        whole = np.concatenate(part.parts)
        part.parts.clear()
        found |= {column: whole[:, i].copy() for i, column in enumerate(part.columns)}
    groups = [_Text(part.distinct(), part.codes()) for part in texts]
    for group in groups:
        group.check(lines, faults)
        found |= {column: group.column(column) for column in group.distinct}
    _check_failed(found, lines, faults)
    faults.done()
    found["schema"] = np.full(len(lines), schema.SCHEMA)
    found["threads"] = found["threads"].astype("int64")
    found["rep"] = found["rep"].astype("int64")
    _check_repeats(groups, found, lines)
    order = [*schema.COLUMNS, *(c for c in header if c not in schema.COLUMNS)]
    index = pd.Index(lines, name="line")
    out = pd.DataFrame({column: found.pop(column) for column in order}, index=index, copy=False)
    out["iterations"] = out["iterations"].astype("Int64")
    return out


def _check_failed(found: dict[str, np.ndarray], lines: np.ndarray, faults: _Faults) -> None:
    failed = found["error"] != ""
    for column in schema.FIGURES:
        wrong = failed & ~np.isnan(found[column])
        if wrong.any():
            at = int(np.argmax(wrong))
            faults.add(int(lines[at]), column, f"{found[column][at]:g}",
                       "a row with an error has no figures")


def _check_repeats(groups: list[_Text], found: dict[str, np.ndarray], lines: np.ndarray) -> None:
    """The same repetition twice would pass for more repetitions than there were."""
    key, sizes = found["rep"].astype(np.int64), float(found["rep"].max()) + 1
    for group in groups:
        if "flags" in group.distinct:
            twin = ["twin" in flags.split(";") for flags in group.distinct["flags"]]
            group.distinct["twin"] = twin
        alike = group.among([*_SAME, "twin"])
        if alike is None:
            continue
        if sizes * alike[1] >= 2**62:
            key, known = pd.factorize(key)
            sizes = len(known)
        key, sizes = key * alike[1] + alike[0], sizes * alike[1]
    good = np.flatnonzero(found["error"] == "")
    again = pd.Series(key[good]).duplicated().to_numpy()
    if again.any():
        at = good[np.argmax(again)]
        first = good[np.argmax(key[good] == key[at])]
        raise Fault(int(lines[at]), "the same run, benchmark and repetition as line "
                    f"{lines[first]}; keep one of them")
