# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench topology`: where a pin policy would put threads, here or on another machine."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from . import arches
from .errors import UserError


EXAMPLES = """\
scripts/mnbench topology --pin scatter --threads 8
scripts/mnbench topology --pin llc --threads 2 --from results/vm-xeon-2cpu/topology.xml --draw
scripts/mnbench topology --pin xnode --threads 4 --synthetic 'node:2 core:8 pu:2'
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench topology`."""
    parser.description = (
        "Prints where a pin policy puts threads, here or on a machine whose topology is in a file "
        "or described. One line a thread, by tabs: thread, PU, core, L3, package, NUMA node (OS "
        "indexes; - where the machine has none).")
    parser.add_argument("--pin", metavar="POLICY", required=True,
                        help="none, compact, scatter, smt, llc, xllc, xnode, kind:N, or PUs such "
                             "as 0,2,5-7")
    parser.add_argument("--threads", metavar="N", required=True)
    parser.add_argument("--draw", action="store_true",
                        help="a picture of the machine with the threads in it, instead")
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


def ask(binary: Path, arguments: list[str]) -> tuple[str, str]:
    """What the binary prints, and what it remarks; its one line of error becomes ours."""
    try:
        done = subprocess.run([str(binary.absolute()), *arguments], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, errors="replace", check=False)
    except OSError as e:
        raise UserError(f"{binary}: cannot be run: {e.strerror}; name another with --binary") from e
    if done.returncode == 0:
        return done.stdout, done.stderr
    said = [line for line in done.stderr.splitlines() if line.strip()]
    reason = said[-1].removeprefix("mnbench: ") if said else f"exit {done.returncode}, no message"
    if done.returncode < 0:
        reason = f"{binary}: ended by signal {-done.returncode}"
    raise UserError(reason)


def main(args: argparse.Namespace) -> int:
    """`mnbench topology`."""
    binary = find_binary(args.binary)
    words = ["--draw" if args.draw else "--plan", f"--pin={args.pin}", f"--threads={args.threads}"]
    if args.from_file is not None:
        words.append(f"--from={args.from_file}")
    if args.synthetic is not None:
        words.append(f"--synthetic={args.synthetic}")
    answer, remarks = ask(binary, words)
    sys.stderr.write(remarks)
    sys.stdout.write(answer)
    return 0
