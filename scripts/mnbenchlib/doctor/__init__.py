# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench doctor`: what on this machine makes figures lie, and how to mend it."""

from __future__ import annotations

import argparse
import json
import platform
from dataclasses import asdict
from pathlib import Path

from ..errors import UserError
from ..tables import WIDTH, Block, Table, as_text, emit, wants_colour
from . import cpus, kernel, memory, rivals, virtual
from .machine import Finding, look

NAME = "doctor.json"  # what was found before a run, in its folder
SEVERITIES = ["severe", "warn", "note", "unknown", "ok"]
CHECKS = (*cpus.CHECKS, *virtual.CHECKS, *rivals.CHECKS, *kernel.CHECKS, *memory.CHECKS)
_SECONDS = 1.0


def examine(root: str | Path = "/", later: str | Path | None = None,
            seconds: float = _SECONDS) -> list[Finding]:
    """Every check's finding, of this machine, which takes `seconds`; or of the files of another
    one below a root, and below another root a moment later."""
    machine = look(root, later, seconds)
    return [check(machine) for check in CHECKS]


EXAMPLES = """\
scripts/mnbench doctor
scripts/mnbench doctor --strict --seconds 0.2       # exit 1 if anything is severe
scripts/mnbench doctor --format json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench doctor`."""
    parser.description = ("Says what on this machine makes figures lie, how badly, and how to "
                          "mend it. Nothing is changed.")
    parser.add_argument("--strict", action="store_true", help="exit 1 if anything is severe")
    parser.add_argument("--seconds", type=float, default=_SECONDS, metavar="N",
                        help="how long to look at what changes (1)")
    parser.add_argument("--root", default="/", metavar="DIR",
                        help="look at DIR/proc and DIR/sys (default: /)")
    parser.add_argument("--later", metavar="DIR",
                        help="with --root: the same system, copied a moment later")
    parser.add_argument("--format", choices=["text", "json"], default="text")


def as_json(findings: list[Finding]) -> str:
    """For other programs, and to be kept with a run."""
    return json.dumps([asdict(f) for f in findings], indent=1) + "\n"


def as_table(findings: list[Finding]) -> Table:
    """The worst first."""
    table = Table(["what", "found", "severity"], "<<<")
    room = WIDTH - 2 - max(len(f.what) for f in findings) - 2 - len("severity") - 2
    for f in sorted(findings, key=lambda f: SEVERITIES.index(f.severity)):
        said = " ".join(f.found.split())
        table.rows.append([f.what, said if len(said) <= room else said[:room - 3] + "...",
                           f.severity])
    return table


def _blocks(findings: list[Finding], heading: str) -> list[Block]:
    blocks = [Block(heading, table=as_table(findings))]
    mends = [f"{f.what}: {f.mend}" for severity in SEVERITIES for f in findings
             if f.severity == severity and f.mend]
    if mends:
        blocks.append(Block("What to do", mends))
    return blocks


def main(args: argparse.Namespace) -> int:
    """`mnbench doctor`."""
    for folder in filter(None, (args.root, args.later)):
        if not Path(folder, "proc").is_dir():
            raise UserError(f"{folder}: no proc folder in it; name the root of a system")
    if not 0 <= args.seconds <= 3600:
        raise UserError(f"--seconds {args.seconds:g}: wants a number from 0 to 3600")
    findings = examine(args.root, args.later, args.seconds)
    if args.format == "json":
        emit(as_json(findings), None)
    else:
        heading = (f"This machine ({platform.machine()})" if args.root == "/"
                   else f"The machine below {args.root}")
        emit(as_text(_blocks(findings, heading), wants_colour()), None)
    severe = any(f.severity == "severe" for f in findings)
    return 1 if args.strict and severe else 0
