# SPDX-License-Identifier: GPL-2.0-or-later
"""Plain tables and figures as text or Markdown, and output that is whole or not there."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from dataclasses import dataclass, field
from itertools import zip_longest
from math import isfinite
from pathlib import Path

from .errors import UserError

WIDTH = 100
_LEAST = 8  # columns that a text keeps, however wide the others are
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")  # all but the newline
_COLOURS = {"worse": "31", "better": "32", "severe": "31", "warn": "33"}


@dataclass
class Table:
    """`align` has one of '<' and '>' a column; a row that is a str is a heading across."""

    header: list[str]
    align: str
    rows: list[list[str] | str] = field(default_factory=list)


@dataclass
class Block:
    """A part of what is printed: a heading, lines, then a table."""

    heading: str
    lines: list[str] = field(default_factory=list)
    table: Table | None = None


def _widths(table: Table) -> list[int]:
    """Of the columns: the first gives way, then the widest texts."""
    cells = [r for r in table.rows if not isinstance(r, str)]
    widths = [max(len(r[i]) for r in [table.header, *cells]) for i in range(len(table.header))]
    room = WIDTH - 2 * len(widths)
    widths[0] = max(min(widths[0], room - sum(widths[1:])), len(table.header[0]))
    texts = [i for i, align in enumerate(table.align) if i and align == "<"]
    for i in sorted(texts, key=lambda i: -widths[i]):
        least = min(widths[i], max(len(table.header[i]), _LEAST))
        widths[i] = max(widths[i] - max(sum(widths) - room, 0), least)
    return widths


def _text_table(table: Table) -> list[str]:
    widths = _widths(table)

    def lines(row: list[str]) -> list[str]:
        parts = zip_longest(*(_pieces(c, w) for c, w in zip(row, widths)), fillvalue="")
        padded = ([f"{c:{a}{w}}" for c, a, w in zip(part, table.align, widths)] for part in parts)
        return [("  " + "  ".join(cells)).rstrip() for cells in padded]

    out = [*lines(table.header), *lines(["-" * w for w in widths])]
    for row in table.rows:
        if isinstance(row, str):
            out += _wrap("  " + row)
        elif len(row[0]) > widths[0]:
            out += [*_wrap("  " + row[0]), *lines(["", *row[1:]])]
        else:
            out += lines(row)
    return out


def _pieces(text: str, width: int) -> list[str]:
    """Cut into pieces that fit."""
    return [text[at:at + width] for at in range(0, len(text), max(width, 1))] or [""]


def _wrap(line: str) -> list[str]:
    """Breaks a long line between words, or within a longer word; what follows is set in by two
    more."""
    indent = re.match(r" *", line).group()
    out, current = [], ""
    room = WIDTH - len(indent) - 2
    for word in (piece for word in line.split() for piece in _pieces(word, room)):
        if current and len(indent) + len(current) + 1 + len(word) > WIDTH:
            out.append(indent + current)
            current, indent = word, indent if len(out) > 1 else indent + "  "
        else:
            current = f"{current} {word}" if current else word
    return out + [indent + current]


def as_text(blocks: list[Block], colour: bool = False) -> str:
    out: list[str] = []
    for block in blocks:
        if block.heading:
            out += _wrap(block.heading)
        for line in block.lines:
            out += _wrap("  " + line)
        if block.table and block.table.rows:
            out += _text_table(block.table)
        out.append("")
    text = _CONTROL.sub("?", "\n".join(out).rstrip("\n") + "\n")
    if colour:
        words = "|".join(_COLOURS)
        text = re.sub(rf"(?<=  )({words})( \*)?$",
                      lambda m: f"\033[{_COLOURS[m[1]]}m{m[0]}\033[0m", text, flags=re.MULTILINE)
    return text


def as_markdown(blocks: list[Block]) -> str:
    def cell(text: str) -> str:
        return text.strip().replace("|", "\\|")

    out: list[str] = []
    for block in blocks:
        if block.heading:
            out += [f"## {block.heading}", ""]
        if block.lines:
            out += [f"- {line.strip()}" for line in block.lines] + [""]
        if block.table and block.table.rows:
            table = block.table
            out.append("| " + " | ".join(cell(c) for c in table.header) + " |")
            out.append("|" + "|".join("---:" if a == ">" else "---" for a in table.align) + "|")
            for row in table.rows:
                if isinstance(row, str):
                    row = [f"**{row.strip()}**"] + [""] * (len(table.header) - 1)
                out.append("| " + " | ".join(cell(c) for c in row) + " |")
            out.append("")
    return _CONTROL.sub("?", "\n".join(out).rstrip("\n") + "\n")


def number(value: float, metric: str) -> str:
    """A figure for reading: four digits, with a unit of time where it is a time."""
    if not isfinite(value):
        return "-"
    if metric.endswith(("_ns", "_ns_per_op")):
        for scale, unit in ((1e9, "s"), (1e6, "ms"), (1e3, "us")):
            if value >= scale:
                return f"{_digits(value / scale)} {unit}"
        return f"{_digits(value)} ns"
    return _digits(value) if value < 1e6 else f"{value:.3e}"


def _digits(value: float) -> str:
    if value >= 1000:
        return f"{value:.0f}"
    return f"{value:.4g}" if 0 < value < 0.01 else f"{value:#.4g}".rstrip(".")


def factor(value: float) -> str:
    """A ratio for reading."""
    if not isfinite(value):
        return "-"
    if value >= 1000:
        return f"{value:.0f}" if value < 1e6 else f"{value:.3e}"
    if value >= 1:
        return f"{value:#.4g}".rstrip(".")
    return f"{value:.3f}" if value >= 0.1 or value == 0 else f"{value:.3g}"


def write_whole(path: str | Path, content: str | bytes) -> None:
    """Writes beside and renames, so that the old file stays until the new one is whole.

    Behind a link that is what the link leads to. A device or a pipe is written to as it is: a
    rename would put a file in its place.
    """
    path = Path(os.path.realpath(path))
    data = content.encode("utf-8") if isinstance(content, str) else content
    if path.is_dir():
        raise UserError(f"{path}: is a folder; name a file to write")
    temporary = None
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
            return
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.",
                                         delete=False) as out:
            temporary = out.name
            out.write(data)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except OSError as e:
        raise UserError(f"{path}: cannot be written: {e.strerror or e}; "
                        "name another place") from e
    finally:
        if temporary:  # still there if it came to an error, or was interrupted
            Path(temporary).unlink(missing_ok=True)


def wants_colour() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def emit(text: str, output: str | None) -> None:
    """To the file, or to standard output, whose reader may have left."""
    if output:
        write_whole(output, text)
        return
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
