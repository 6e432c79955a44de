# SPDX-License-Identifier: GPL-2.0-or-later
"""The command that measures a run again; the page makes those of single benchmarks."""

from __future__ import annotations

import shlex
from pathlib import Path

from .. import record
from ..errors import UserError

_SKIPPED = {"flags", "arch"}


def command(csv: Path, told: dict) -> tuple[str, str]:
    """Of the whole run; and a word about where it comes from."""
    try:
        known = record.read(csv.parent)
    except UserError:
        seed = told.get("order_seed")
        words = ["scripts/mnbench", "run"] + (["--seed", str(seed)] if seed is not None else [])
        return shlex.join(words), "the run kept no record of its options: these are the defaults"
    options = known.options
    words = ["scripts/mnbench", "run"]
    if options.get("arch"):
        words += ["--arch", ",".join(options["arch"])]
    for name, value in options.items():
        if name not in _SKIPPED and value not in (None, [], False):
            words += [f"--{name}", str(value)]
    if options.get("flags"):
        words += ["--", *map(str, options["flags"])]
    binaries = ", ".join(f"{b.arch} {b.sha256[:12]}" for b in known.binaries)
    return shlex.join(words), f"binaries by their SHA-256: {binaries}" if binaries else ""

