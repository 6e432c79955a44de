# SPDX-License-Identifier: GPL-2.0-or-later
"""A run's CSV read one character, one cell and one row at a time: what the fast reader must equal."""

from __future__ import annotations

from collections.abc import Iterator

import synthetic  # noqa: F401  puts scripts/ on the path

from mnbenchlib import schema

_SAME = ["run_id", "host", *schema.KEY]


class Refused(Exception):
    """The line, as the first argument."""


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """RFC 4180, lines ending in a newline, with or without a carriage return before it."""
    line = begun = 1
    row: list[str] = []
    cell, state = "", "begin"  # of a cell; in plain one, in a quoted one, after a quote in one
    for at, char in enumerate(text):
        ends = char == "\n" or text[at:at + 2] == "\r\n"
        if state == "quoted":
            if char == '"':
                state = "after"
            else:
                cell += char
        elif char == "," or (ends and char == "\n"):
            row.append(cell)
            cell, state = "", "begin"
            if char == "\n":
                yield begun, row
                row, begun = [], line + 1
        elif ends:
            pass
        elif char == '"' and state in ("begin", "after"):
            cell += '"' if state == "after" else ""
            state = "quoted"
        elif char in '"\r' or state == "after":
            raise Refused(line)
        else:
            cell, state = cell + char, "plain"
        line += char == "\n"
    if row or state != "begin":
        raise Refused(begun)


def read(data: bytes) -> list[dict]:
    """The rows, with `line`; numbers as floats, None where there is none."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as err:
        raise Refused(data.count(b"\n", 0, err.start) + 1) from err
    if "\0" in text:
        raise Refused(text.count("\n", 0, text.index("\0")) + 1)
    if text.partition("\n")[0].count('"') % 2:
        raise Refused(1)  # the header has a line of its own
    found = _rows(text)
    _, header = next(found, (1, []))
    if set(schema.COLUMNS) - set(header) or len(set(header)) < len(header):
        raise Refused(1)
    rows = []
    for line, cells in found:
        if len(cells) != len(header):
            raise Refused(line)
        rows.append({"line": line, **dict(zip(header, cells))})
    if not rows:
        raise Refused(1)
    return [_typed(row) for row in rows if not _check(row)] if not _repeat(rows) else []


def _check(row: dict) -> None:
    for column in schema.COLUMNS:
        number = column in [*schema.FLOATS, "rep", "iterations"]
        if (schema.why_no_number if number else schema.why_no_text)(column, row[column]):
            raise Refused(row["line"])
        if row["error"] and column in schema.FIGURES and row[column]:
            raise Refused(row["line"])


def _repeat(rows: list[dict]) -> None:
    for row in rows:
        _check(row)
    seen = set()
    for row in rows:
        key = tuple(row[c] for c in _SAME if c != "threads") + (
            int(row["threads"]), int(row["rep"]), "twin" in row["flags"].split(";"))
        if not row["error"] and key in seen:
            raise Refused(row["line"])
        if not row["error"]:
            seen.add(key)


def _typed(row: dict) -> dict:
    numbers = {c: float for c in (*schema.INTEGERS, *schema.FLOATS)} | {"threads": int}
    return {c: (numbers[c](v) if v else None) if c in numbers else v for c, v in row.items()}
