# SPDX-License-Identifier: GPL-2.0-or-later
"""What `mnbench compare BASE NEW` says, to look at."""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from .. import compare, results
from ..errors import UserError

_FIGURES = ["base_median", "new_median", "ratio", "low", "high", "p_adjusted", "floor"]
_WORDS = ["metric", *results.KEY, "verdict", "decided_by", "unsettled"]


def compared(*words: str) -> compare.Comparison:
    """By the very code of `mnbench compare`."""
    parser = argparse.ArgumentParser()
    compare.add_arguments(parser)
    return compare.compare(parser.parse_args([*words]))


def of_two(base: Path, new: Path) -> dict:
    """Its lines and pairs, or the line that says why there are none."""
    words = ["--", str(base), str(new)]
    command = f"scripts/mnbench compare {base} {new}"
    try:
        found = compared(*words)
    except UserError as err:
        return {"refused": str(err), "command": command, "told": [], "pairs": [],
                "counts": {}, "exit": 2}
    told = [{"heading": block.heading, "lines": block.lines} for block in found.blocks
            if block.table is None]
    return {"refused": "", "command": command, "told": told, "exit": found.exit_code,
            "counts": {str(k): int(v) for k, v in found.pairs["verdict"].value_counts().items()},
            "pairs": _records(found.pairs)}


def _records(pairs: pd.DataFrame) -> list[dict]:
    columns = [c for c in _WORDS + _FIGURES if c in pairs]
    return pairs[columns].to_dict("records")
