# SPDX-License-Identifier: GPL-2.0-or-later
"""The figures as JSON that may stand inside HTML."""

from __future__ import annotations

import json
from math import isfinite

import pandas as pd

DIGITS = 6
COLUMNS = ["place", "arch", "execution", "metric", "family", "op", "subject", "variant", "threads",
           "own_threads", "pin", "params", "median", "low", "high", "sure", "n", "limit",
           "limit_low", "limit_high", "p50_ns", "p99_ns", "max_ns", "ops_per_s", "insns_per_op",
           "overlap", "fairness", "flags", "error"]


def _plain(value):
    """What JSON has: no NaN, and no more digits than a figure is worth."""
    if isinstance(value, float) or hasattr(value, "dtype") and value.dtype.kind == "f":
        number = float(value)
        return float(f"{number:.{DIGITS}g}") if isfinite(number) else None
    if hasattr(value, "item"):
        return value.item()
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value


def columns(table: pd.DataFrame) -> dict:
    """By columns; texts are numbers of a list of words, since most come again and again."""
    words: dict[str, int] = {}
    data, texts = {}, []
    for column in COLUMNS:
        cells = table[column].tolist()
        if any(isinstance(cell, str) for cell in cells):
            texts.append(column)
            cells = [words.setdefault(cell, len(words)) for cell in cells]
        data[column] = cells
    return {"words": list(words), "texts": texts, "columns": data}


def dumped(value) -> str:
    """No tag and no comment can begin in it, whatever the names are."""
    text = json.dumps(_plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
