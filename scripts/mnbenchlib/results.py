# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads a run's CSV (schema 1), strictly, and names the file, the line and the reason on error."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from . import csvrows, typed
from .commands import say
from .errors import UserError
from .schema import COLUMNS, FIGURES, FLOATS, KEY, LARGEST, SCHEMA, TIMES

__all__ = ["COLUMNS", "FIGURES", "FLOATS", "KEY", "TIMES"]
CSV_NAME = "mnbench.csv"


def find_csv(path: str | Path) -> Path:
    """The CSV itself, or the one in a run's folder."""
    path = Path(path)
    if not path.is_dir():
        return path
    if (path / CSV_NAME).is_file():
        return path / CSV_NAME
    raise UserError(f"{path}: a folder without {CSV_NAME}; name a run's folder or a CSV file")


def has_rows(path: Path, arch: str | None = None) -> bool:
    """Whether a run has written any row of this architecture, or of any."""
    if not path.exists():
        return False
    with path.open(encoding="utf-8", errors="replace", newline="") as source:
        return any(arch in (None, row.get("arch")) for row in csv.DictReader(source))


def _read_bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as e:
        raise UserError(f"{path}: {e.strerror or e}; name a run's folder or its CSV file") from e
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data:
        raise UserError(f"{path}:1: the file is empty; a run's CSV starts with a header")
    if not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as e:
            line = data.count(b"\n", 0, e.start) + 1
            raise UserError(f"{path}:{line}: not UTF-8 text; is this a run's CSV?") from e
    if (at := data.find(0)) >= 0:
        line = data.count(b"\n", 0, at) + 1
        raise UserError(f"{path}:{line}: not text (a NUL byte); is this a run's CSV?")
    return data


def _header(path: Path, data: bytes) -> list[str]:
    first, end, _ = data.partition(b"\n")
    text = first.decode("utf-8").removesuffix("\r" if end else "")
    if "\r" in text:
        raise UserError(f"{path}:1: its lines end in a carriage return alone; use the file as the "
                        "run wrote it")
    try:
        header = next(csv.reader([text], strict=True), [])
    except csv.Error:
        header = [text]
    _check_header(path, header)
    if not end:
        raise UserError(f"{path}:1: the last line is cut off; the run measured nothing")
    return header


def _check_header(path: Path, header: list[str]) -> None:
    missing = [c for c in COLUMNS if c not in header]
    if len(missing) == len(COLUMNS):
        reason = "not a run's CSV: its first line is not the header"
    elif missing:
        reason = "missing columns: " + ", ".join(missing)
    elif len(set(header)) < len(header):
        reason = "a column is there twice: " + next(c for c in header if header.count(c) > 1)
    else:
        return
    if len(header) == 1 and (divider := re.search(r"[;\t]", header[0])):
        reason = (f"its cells are divided by {divider[0]!r}: a spreadsheet wrote it; use the file "
                  "as the run wrote it")
    raise UserError(f"{path}:1: {reason}; this version reads schema {SCHEMA}")


def read_texts(path: str | Path) -> tuple[list[str], Iterator[list[str]]]:
    """The header and the rows, as they are written; of a file that read_results() takes."""
    path = find_csv(path)
    data = _read_bytes(path)
    header = _header(path, data)
    parts = csvrows.split(data, len(header))
    return header, (row for rows in parts for row in rows.plain())


_told_of: set[Path] = set()


def _tell_unknown(path: Path, header: list[str]) -> None:
    unknown = [c for c in header if c not in COLUMNS]
    if unknown and path not in _told_of:
        _told_of.add(path)
        say(f"mnbench: {path}: unknown columns, kept but not used: "
            + ", ".join(map(repr, unknown)))


def read_results(path: str | Path) -> pd.DataFrame:
    """The rows of a run's CSV or folder, typed; NaN is "not measured"; the index is the line.

    Raises UserError, with file, line and reason, for anything that is not schema 1.
    """
    path = find_csv(path)
    data = _read_bytes(path)
    header = _header(path, data)
    try:
        table = typed.table(data, header)
    except typed.Fault as fault:
        raise UserError(f"{path}:{fault.line}: {fault.reason}") from fault
    if table.empty:
        raise UserError(f"{path}:1: no rows after the header; the run measured nothing")
    _tell_unknown(path, header)
    table.attrs["path"] = str(path)
    return table


def is_emulated(table: pd.DataFrame) -> pd.Series:
    """Rows whose times say nothing about any hardware."""
    return (table["execution"] != "native") | has_flag(table, "emulated")


def is_twin(table: pd.DataFrame) -> pd.Series:
    """Rows that are the run against itself: a benchmark measured a second time in each round."""
    return has_flag(table, "twin")


def has_flag(table: pd.DataFrame, flag: str) -> pd.Series:
    flags = table["flags"]
    return flags.isin([text for text in flags.unique() if flag in text.split(";")])


def param(params: str, key: str) -> str | None:
    """The value of one key of a `params` cell."""
    for item in params.split(";"):
        name, _, value = item.partition(":")
        if name == key:
            return value
    return None


def own_threads(table: pd.DataFrame) -> pd.Series:
    """Threads without the sleepers, which `threads` counts too."""
    return table["threads"] - param_numbers(table, "sleepers").fillna(0)


def param_numbers(table: pd.DataFrame, key: str) -> pd.Series:
    """One key of `params` as a number; NaN where it is missing, or not a number to plot."""
    known = {params: param(params, key) for params in table["params"].unique()}
    values = pd.to_numeric(table["params"].map(known), errors="coerce").astype(float)
    return values.where((values >= 0) & (values <= LARGEST))


def label(row) -> str:
    """A benchmark's name for reading, of whichever key columns `row` has; the port goes unsaid."""
    who = [getattr(row, column, "") for column in ("op", "subject", "variant")]
    return " ".join([w for w in who if w not in ("", "port")] + varied(row))


def varied(row) -> list[str]:
    """What was varied: threads, pin and params, leaving out what says nothing."""
    parts = []
    if getattr(row, "threads", 1) != 1 and param(row.params, "sleepers") is None:
        parts.append(f"{row.threads}thr")
    if getattr(row, "pin", "") not in ("", "none"):
        parts.append(row.pin)
    return parts + [p.replace(":", "=") for p in row.params.split(";") if p]
