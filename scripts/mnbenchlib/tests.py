# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench test`: everything is built, everything is tested, one line sums it up."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import builds, packages, proofs, toolchain
from .arches import ARCHES, TOP, emulator
from .commands import say
from .errors import Failed, UserError

# `clang` is there to compile, without warnings, `plant` for the tests in Python; the others run
# their tests too.
_HOST_PRESETS = ("native", "debug", "asan", "tsan")
_COMPILED_ONLY = ("clang", "plant")
_SLOWEST_TEST_SECONDS = 300


@dataclass
class Count:
    """Tests by how they ended."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, other: Count) -> None:
        """Sum up."""
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def read_junit(path: Path) -> Count:
    """The counts of a JUnit file, as CTest and pytest write it."""
    count = Count()
    for case in ElementTree.parse(path).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            count.failed += 1
        elif case.find("skipped") is not None:
            count.skipped += 1
        else:
            count.passed += 1
    return count


def _run_junit(what: str, command: Sequence[str], report: Path) -> Count:
    """Run a test program; one that fails without a failed test counts as a failure itself."""
    started = time.monotonic()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, cwd=TOP, text=True, errors="replace",
                          check=False)
    count = read_junit(report) if report.exists() else Count()
    if done.returncode != 0 and count.failed == 0:
        count.failed = 1
    if count.failed:
        say(done.stdout.rstrip())
    say(f"{what}: {count} in {time.monotonic() - started:.0f} s")
    return count


def _ctest(preset: str, reports: Path) -> Count:
    if preset in ARCHES:
        emulator(preset)  # the tests start it themselves: complain in one line if it is not there
    report = reports / f"{preset}.xml"
    command = ["ctest", "--test-dir", str(builds.folder(preset)), "--output-on-failure",
               "--parallel", str(os.cpu_count() or 1), "--no-tests=error",
               "--timeout", str(_SLOWEST_TEST_SECONDS), "--output-junit", str(report)]
    if preset == "tsan":
        # The thread sanitizer of gcc 12 and clang 14 gives up where the kernel spreads mappings
        # wider than it knows.
        command = ["setarch", os.uname().machine, "--addr-no-randomize", *command]
    return _run_junit(preset, command, report)


def _have_readers() -> None:
    """Without what reads our output the tests of it are skipped, and say so."""
    for purpose, untested in (("browser", "the report is not tested in a browser"),
                              ("help", "completions and manual pages are not tested")):
        if not packages.have_apt() or not (missing := packages.missing(packages.needed(purpose))):
            continue
        try:
            packages.install(missing, toolchain.log())
        except (Failed, UserError) as err:
            say(f"mnbench: {untested}: {err}")


def _pytest(reports: Path) -> Count:
    _have_readers()
    report = reports / "python.xml"
    return _run_junit("python", [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
                                 f"--junitxml={report}", "scripts/tests"], report)


def _kernels() -> Count:
    """The kernels' own notifiers, which the presets then build and test beside the port."""
    complaints = proofs.fetch_kernels() if packages.have_apt() else []
    for complaint in complaints:
        say(f"mnbench: {complaint}")
    return Count(passed=not complaints, failed=bool(complaints))


def _build(preset: str) -> Count:
    """Building is a test: that it works, and that it says nothing."""
    try:
        log = builds.build(preset)
    except Failed as err:
        say(f"mnbench: {err}")
        return Count(failed=1)
    text = log.read_text(encoding="utf-8", errors="replace")
    warnings = [line for line in text.splitlines() if "warning:" in line.lower()]
    if not warnings:
        return Count(passed=1)
    say("\n".join([f"mnbench: {preset}: the build is not free of warnings:", *warnings]))
    # So that they come again next time, when nothing would be compiled.
    shutil.rmtree(builds.folder(preset))
    return Count(failed=1)


EXAMPLES = """\
scripts/mnbench test                # everything: what must pass
scripts/mnbench test debug python
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench test`."""
    parser.add_argument("parts", nargs="*", metavar="PART",
                        help="presets, `kernels` (fetches them, as further subjects), `python`, or "
                        f"{', '.join(proofs.NAMES)}; default: all that this machine serves")


def main(args: argparse.Namespace) -> int:
    """`mnbench test`."""
    crossed = ARCHES if builds.cross_here() else ()
    presets = [*_HOST_PRESETS, *_COMPILED_ONLY, *crossed]
    every = ["kernels", *presets, "python", *proofs.served()]
    for part in args.parts:
        if part not in every:
            raise UserError(f"{part}: nothing to test by that name; there are {', '.join(every)}")
    parts = args.parts or every
    total = Count()
    with tempfile.TemporaryDirectory() as reports:
        for part in parts:
            if part == "python":
                total.add(_pytest(Path(reports)))
                continue
            if part == "kernels":
                total.add(_kernels())
                continue
            if part in proofs.NAMES:
                total.add(Count(*proofs.run(part)))
                continue
            built = _build(part)
            total.add(built)
            if not built.failed and part not in _COMPILED_ONLY:
                total.add(_ctest(part, Path(reports)))
    print(total, flush=True)
    return 1 if total.failed else 0
