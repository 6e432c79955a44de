# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench topology`: where a pin policy would put threads, here or on another machine."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
from pathlib import Path

from . import arches
from .errors import UserError

COLUMNS = "\t".join(["thread", "PU", "core", "L3", "package", "node"])  # as the binary prints


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = ("Prints the plan of a pin policy: which thread goes to which CPU, here, "
                          "or on a machine whose topology is in a file or described.")
    parser.add_argument("plan", metavar="POLICY:THREADS", nargs="+",
                        help="such as compact:4, scatter:8, smt:2, llc:4, xnode:2")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--from", dest="from_file", metavar="XML",
                       help="hwloc's XML, such as a run's topology.xml")
    where.add_argument("--synthetic", metavar="DESC",
                       help="hwloc's description, such as 'node:2 core:8 pu:2'")
    parser.add_argument("--binary", metavar="FILE", help="the mnbench binary to ask")


def binaries(top: Path = arches.TOP) -> list[Path]:
    """Where this machine's binary may be, the likeliest first."""
    return [top / "build" / preset / "bench" / "mnbench"
            for preset in ("native", arches.host(), "debug")]


def find_binary(named: str | None, top: Path = arches.TOP) -> Path:
    if named is not None:
        path = Path(named)
        if not path.is_file():
            raise UserError(f"{named}: no such program; name a built bench/mnbench")
        return path
    for path in binaries(top):
        if path.is_file() and os.access(path, os.X_OK):
            return path
    raise UserError("no mnbench binary for this machine is built; run `scripts/mnbench build`, or "
                    "name one with --binary")


def ask(binary: Path, arguments: list[str]) -> str:
    """What the binary prints; its one line of error becomes ours."""
    try:
        done = subprocess.run([str(binary.absolute()), *arguments], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, errors="replace", check=False)
    except OSError as e:
        raise UserError(f"{binary}: cannot be run: {e.strerror}; name another with --binary") from e
    if done.returncode == 0:
        return done.stdout
    said = [line for line in done.stderr.splitlines() if line.strip()]
    reason = said[-1].removeprefix("mnbench: ") if said else f"exit {done.returncode}, no message"
    if done.returncode < 0:
        reason = f"{binary}: ended by signal {-done.returncode}"
    raise UserError(reason)


def main(args: argparse.Namespace) -> int:
    for plan in args.plan:
        if not re.fullmatch(r"\S+:[1-9]\d*", plan):
            raise UserError(f"{plan}: not POLICY:THREADS, such as compact:4")
    if args.from_file is not None and not Path(args.from_file).is_file():
        raise UserError(f"{args.from_file}: no such file; name hwloc's XML")
    binary = find_binary(args.binary)
    where = []
    if args.from_file is not None:
        where = ["--from", str(Path(args.from_file).absolute())]
    if args.synthetic is not None:
        where = ["--synthetic", args.synthetic]
    # Every plan is asked for before the first is printed: an error leaves no half answer.
    answers = [(plan, ask(binary, ["--plan", plan, *where])) for plan in args.plan]
    print("\n".join(f"{plan}\n{COLUMNS}\n{answer}" for plan, answer in answers), end="")
    return 0
