# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads a run's CSV (schema 1), strictly, and names the file, the line and the reason on error."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pandas as pd

from .errors import UserError

SCHEMA = 1
CSV_NAME = "mnbench.csv"

COLUMNS = [
    "schema", "run_id", "utc", "host", "arch", "execution", "subject", "family", "op", "variant",
    "threads", "pin", "params", "rep", "iterations", "real_ns_per_op", "cpu_ns_per_op",
    "ops_per_s", "p50_ns", "p90_ns", "p99_ns", "p999_ns", "max_ns", "insns_per_op", "overlap",
    "fairness", "flags", "error",
]
INTEGERS = ["schema", "threads", "rep", "iterations"]
# What was measured of the operation: a failed row has none of these.
FIGURES = [
    "real_ns_per_op", "cpu_ns_per_op", "ops_per_s", "p50_ns", "p90_ns", "p99_ns", "p999_ns",
    "max_ns", "insns_per_op",
]
FLOATS = FIGURES + ["overlap", "fairness"]
TEXTS = [c for c in COLUMNS if c not in INTEGERS + FLOATS]
REQUIRED = ["schema", "run_id", "utc", "host", "arch", "execution", "subject", "family", "op",
            "threads", "rep"]

# What makes two rows of different runs the same benchmark.
KEY = ["arch", "execution", "subject", "family", "op", "variant", "threads", "pin", "params"]
TIMES = ["real_ns_per_op", "cpu_ns_per_op", "ops_per_s", "p50_ns", "p90_ns", "p99_ns", "p999_ns",
         "max_ns"]

_LARGEST = 1e18  # a figure above is a mistake: 30 years in ns
_WORD = r"[A-Za-z0-9][A-Za-z0-9_.+-]*"
_PRINTABLE = r"[^\x00-\x1f\x7f]*"
_PATTERNS = {
    "run_id": (_PRINTABLE, "printable"),
    "host": (_PRINTABLE, "printable"),
    "pin": (_PRINTABLE, "printable"),
    "utc": (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "a time such as 2026-01-31T12:00:00Z"),
    "arch": (r"x86_64|arm64|riscv64", "x86_64, arm64 or riscv64"),
    "execution": (r"native|qemu-user|qemu-system|kernel-icount",
                  "native, qemu-user, qemu-system or kernel-icount"),
    "subject": (_WORD, "a name"),
    "family": (_WORD, "a name"),
    "op": (_WORD, "a name"),
    "variant": (rf"({_WORD})?", "a name"),
    "params": (r"([^:;\x00-\x1f]+:[^;\x00-\x1f]*(;[^:;\x00-\x1f]+:[^;\x00-\x1f]*)*)?",
               "key:value joined by ';'"),
    "flags": (r"([a-z-]+(;[a-z-]+)*)?", "flags joined by ';'"),
}
_NUMBER = re.compile(r"\d+(\.\d*)?([eE][+-]?\d+)?")
_INTEGER = re.compile(r"\d{1,18}")


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


def _read_text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as e:
        raise UserError(f"{path}: {e.strerror or e}; name a run's folder or its CSV file") from e
    if not data:
        raise UserError(f"{path}:1: the file is empty; a run's CSV starts with a header")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as e:
        line = data.count(b"\n", 0, e.start) + 1
        raise UserError(f"{path}:{line}: not UTF-8 text; is this a run's CSV?") from e
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise UserError(f"{path}:{line}: not text (a NUL byte); is this a run's CSV?")
    return text


def _check_header(path: Path, header: list[str]) -> None:
    if header == COLUMNS:
        return
    missing = [c for c in COLUMNS if c not in header]
    unknown = [c for c in header if c not in COLUMNS]
    if len(missing) == len(COLUMNS):
        reason = "not a run's CSV: its first line is not the header"
    elif missing:
        reason = "missing columns: " + ", ".join(missing)
    elif unknown:
        reason = "unknown columns: " + ", ".join(repr(c) for c in unknown)
    else:
        reason = "the columns are repeated or in another order"
    raise UserError(f"{path}:1: {reason}; this version reads schema {SCHEMA}")


def _parse(path: Path, text: str) -> tuple[list[list[str]], list[int]]:
    """The data rows as text, and the line on which each begins."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    begin = 1
    try:
        for row in reader:
            if begin == 1:
                _check_header(path, row)
            else:
                rows.append(row)
                lines.append(begin)
            begin = reader.line_num + 1
    except csv.Error as e:
        if "unexpected end of data" in str(e):
            raise _cut_off(path, begin) from e
        raise UserError(f"{path}:{begin}: not CSV: {e}") from e
    last = lines[-1] if lines else 1
    if not text.endswith("\n"):
        raise _cut_off(path, last)
    for row, line in zip(rows, lines):
        if len(row) != len(COLUMNS):
            raise UserError(f"{path}:{line}: {len(row)} cells instead of {len(COLUMNS)}")
    return rows, lines


def _cut_off(path: Path, line: int) -> UserError:
    return UserError(f"{path}:{line}: the last line is cut off; take that line away, or run again")


def _why_no_number(cell: str, integer: bool) -> str:
    if re.fullmatch(r"[+-]?(nan|inf|infinity)", cell, re.IGNORECASE):
        return "not a finite number (not measured is an empty cell)"
    if cell.startswith("-") and _NUMBER.fullmatch(cell[1:]):
        return "negative"
    if _NUMBER.fullmatch(cell):
        return "not a whole number" if integer and not cell.isdigit() else "too large"
    return "not a number"


class _Checker:
    """Looks for the first bad cell of the whole table, in the order of the lines."""

    def __init__(self, path: Path, table: pd.DataFrame) -> None:
        self.path = path
        self.table = table
        self.first: tuple[int, str] | None = None

    def fail(self, bad: pd.Series, column: str, reason) -> None:
        """`bad` marks rows; `reason` is a text or a function of the cell."""
        if not bad.any():
            return
        line = int(bad.index[bad.to_numpy().argmax()])
        if self.first is None or line < self.first[0]:
            cell = str(self.table.at[line, column])
            why = reason(cell) if callable(reason) else reason
            shown = cell if len(cell) <= 40 else cell[:37] + "..."
            self.first = (line, f"{column} {shown!r}: {why}")

    def done(self) -> None:
        if self.first is not None:
            raise UserError(f"{self.path}:{self.first[0]}: {self.first[1]}")


def _typed(path: Path, raw: pd.DataFrame) -> pd.DataFrame:
    check = _Checker(path, raw)
    for column in REQUIRED:
        check.fail(raw[column] == "", column, "may not be empty")
    wrong = (raw["schema"] != str(SCHEMA)) & (raw["schema"] != "")
    check.fail(wrong, "schema", f"this version reads schema {SCHEMA} only")
    for column, (pattern, wanted) in _PATTERNS.items():
        bad = ~raw[column].str.fullmatch(pattern) & (raw[column] != "")
        check.fail(bad, column, f"not {wanted}")

    out: dict[str, pd.Series] = {}
    for column in COLUMNS:
        text = raw[column]
        if column in TEXTS:
            out[column] = text
            continue
        integer = column in INTEGERS
        shape = (_INTEGER if integer else _NUMBER).pattern
        bad = ~text.str.fullmatch(shape) & (text != "")
        # Python's float, since pandas' own parser is off in the last digit.
        usable = text.where(~bad & (text != ""), "nan")
        number = pd.Series([float(cell) for cell in usable], index=text.index)
        bad |= number > _LARGEST
        check.fail(bad, column, lambda cell, i=integer: _why_no_number(cell, i))
        out[column] = number
    check.fail(out["threads"] == 0, "threads", "at least 1")
    for share in ("overlap", "fairness"):
        check.fail(out[share] > 1 + 1e-9, share, "a share, at most 1")
    failed = raw["error"] != ""
    for column in FIGURES:
        check.fail(failed & (raw[column] != ""), column, "a row with an error has no figures")
    check.done()

    table = pd.DataFrame(out, columns=COLUMNS)
    for column in INTEGERS:
        table[column] = table[column].astype("Int64" if column == "iterations" else "int64")
    return table


def _check_repeats(path: Path, table: pd.DataFrame) -> None:
    """The same repetition twice would pass for more repetitions than there were."""
    same = ["run_id", "host", *KEY, "rep", "twin"]
    good = table[table["error"] == ""].assign(twin=is_twin)
    again = good[good.duplicated(same)]
    if again.empty:
        return
    line = int(again.index[0])
    first = good.index[(good[same] == again.iloc[0][same]).all(axis=1)][0]
    raise UserError(f"{path}:{line}: the same run, benchmark and repetition as line {first}; "
                    "keep one of them")


def read_results(path: str | Path) -> pd.DataFrame:
    """The rows of a run's CSV or folder, typed; NaN is "not measured"; the index is the line.

    Raises UserError, with file, line and reason, for anything that is not schema 1.
    """
    path = find_csv(path)
    rows, lines = _parse(path, _read_text(path))
    if not rows:
        raise UserError(f"{path}:1: no rows after the header; the run measured nothing")
    raw = pd.DataFrame(rows, columns=COLUMNS, index=pd.Index(lines, name="line"), dtype=object)
    table = _typed(path, raw)
    _check_repeats(path, table)
    table.attrs["path"] = str(path)
    return table


def is_emulated(table: pd.DataFrame) -> pd.Series:
    """Rows whose times say nothing about any hardware."""
    return (table["execution"] != "native") | has_flag(table, "emulated")


def is_twin(table: pd.DataFrame) -> pd.Series:
    """Rows that are the run against itself: a benchmark measured a second time in each round."""
    return has_flag(table, "twin")


def has_flag(table: pd.DataFrame, flag: str) -> pd.Series:
    return table["flags"].str.split(";").map(lambda flags: flag in flags).astype(bool)


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
    values = pd.to_numeric(table["params"].map(lambda p: param(p, key)), errors="coerce")
    values = values.astype(float)
    return values.where((values >= 0) & (values <= _LARGEST))


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
