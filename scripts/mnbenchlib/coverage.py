# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench coverage`: which lines and branches of the core its tests reach."""

from __future__ import annotations

import argparse
import json
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from . import packages
from .arches import TOP
from .commands import logged, say
from .errors import UserError
from .trials import Flavour, Tree, digest, snapshot

_LINES, _BRANCHES = 98.0, 92.0
_MEASURED = re.compile(r"core/(?:[^/]+\.c|include/.+\.h)")
# A child that aborts or leaves by _exit() would lose its counters: gcov_exit.c has the other ends.
_AT_EXIT = "core/tests/gcov_exit.c"
_WRAPPED = "-Wl,--wrap=abort,--wrap=_exit"


@dataclass
class Counts:
    """What a file has, and what of that was reached; MISSED in words, by line."""

    lines: int = 0
    lines_reached: int = 0
    branches: int = 0
    branches_reached: int = 0
    missed: list[str] = field(default_factory=list)

    def add(self, line: dict) -> None:
        """One line of gcovr's."""
        if line.get("gcovr/noncode"):
            return
        self.lines += 1
        self.lines_reached += line["count"] > 0
        branches = line.get("branches", [])
        reached = sum(branch["count"] > 0 for branch in branches)
        self.branches += len(branches)
        self.branches_reached += reached
        if not line["count"]:
            self.missed.append(f"{line['line_number']}")
        elif reached < len(branches):
            self.missed.append(f"{line['line_number']}:{reached}/{len(branches)}")

    def __iadd__(self, other: Counts) -> Counts:
        self.lines += other.lines
        self.lines_reached += other.lines_reached
        self.branches += other.branches
        self.branches_reached += other.branches_reached
        return self

    @property
    def line_share(self) -> float:
        """Percent of the lines."""
        return 100 * self.lines_reached / self.lines if self.lines else 100.0

    @property
    def branch_share(self) -> float:
        """Percent of the branches."""
        return 100 * self.branches_reached / self.branches if self.branches else 100.0


def counts(report: dict) -> dict[str, Counts]:
    """gcovr's JSON, the measured files of it."""
    found: dict[str, Counts] = {}
    for file in report["files"]:
        if _MEASURED.fullmatch(file["file"]):
            count = found[file["file"]] = Counts()
            for line in file["lines"]:
                count.add(line)
    return found


def _show(found: dict[str, Counts], total: Counts, with_missed: bool) -> None:
    print(f"{'file':34}{'lines':>12}{'':>8}{'branches':>12}")
    for name, count in [*sorted(found.items()), ("all", total)]:
        print(f"{name:34}{count.lines_reached:6}/{count.lines:<5}{count.line_share:7.1f}%"
              f"{count.branches_reached:6}/{count.branches:<5}{count.branch_share:7.1f}%")
        if with_missed and count.missed:
            print(f"    missed: {' '.join(count.missed)}")


def _measure(folder: Path) -> dict:
    # A name that changes with what it holds: the linker's flags are all that ninja looks at.
    at_exit = folder / f"gcov_exit_{digest((TOP / _AT_EXIT).read_bytes())}.o"
    logged(["gcc", "-O2", "-c", str(TOP / _AT_EXIT), "-o", str(at_exit)], folder / "build.log",
           "gcov_exit.c")
    flavour = Flavour("coverage", (
        "-DCMAKE_BUILD_TYPE=Debug", "-DMNBENCH_DEBUG=ON",
        "-DCMAKE_C_FLAGS=--coverage -fprofile-update=atomic", "-DCMAKE_CXX_FLAGS=--coverage",
        f"-DCMAKE_EXE_LINKER_FLAGS={_WRAPPED} {at_exit}"))
    tree = Tree(folder, flavour, snapshot())
    # The notes of objects that are no more would be counted too.
    shutil.rmtree(folder / "build", ignore_errors=True)
    tree.prepare()
    report = folder / "gcovr.json"
    logged(["gcovr", "--root", str(tree.top), "--json", str(report),
            "--exclude-unreachable-branches", str(folder / "build")],
           folder / "build.log", "gcovr")
    return json.loads(report.read_text(encoding="utf-8"))


EXAMPLES = """\
scripts/mnbench coverage
scripts/mnbench coverage --missed
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench coverage`."""
    parser.add_argument("--missed", action="store_true",
                        help="list the lines that are not reached, and those of whose branches "
                             "some are not, as LINE:REACHED/ALL")
    parser.add_argument("--folder", type=Path, default=TOP / "build/coverage", metavar="DIR",
                        help="for the copy and gcovr's report (default: build/coverage)")


def main(args: argparse.Namespace) -> int:
    """`mnbench coverage`."""
    folder = args.folder.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise UserError(f"{folder}: {err.strerror}; name another --folder") from err
    missing = packages.missing(["gcovr"])
    if missing:
        packages.install(missing, folder / "packages.log")
    found = counts(_measure(folder))
    total = Counts()
    for count in found.values():
        total += count
    _show(found, total, args.missed)
    if total.line_share >= _LINES and total.branch_share >= _BRANCHES:
        return 0
    say(f"mnbench: coverage: below {_LINES:g} % of the lines or {_BRANCHES:g} % of the branches")
    return 1
