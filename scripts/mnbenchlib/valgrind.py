# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench valgrind`: the core's tests, shortened, under valgrind's memcheck.

Memory is what it is asked for: uses after free, of what was never written, leaks. Its thread
checkers (helgrind, drd) know no order but that of POSIX locks: the core's own locks and counts,
which are atomics, are nothing but races to them. The thread sanitizer's build is for that.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import builds, packages
from .arches import TOP
from .commands import say

_FOUND = 99
_SECONDS = 600
_COMMAND = (
    "valgrind", "--quiet", f"--error-exitcode={_FOUND}", "--leak-check=full",
    "--errors-for-leak-kinds=definite", "--fair-sched=yes", "--child-silent-after-fork=yes",
    # x86's full barrier is a locked addition of 0 to the four bytes below the red zone.
    "--ignore-range-below-sp=132-129")
# What cannot run there.
_EXCUSED = {
    "system_refuses_test": "refuses system calls, valgrind's own among them",
    "wait_test": "dies of a system call too many, valgrind's own among them",
    "notifier_faults_test": "starts itself again, which is valgrind there",
    "percpu_inside_test": "counts the process's pages, valgrind's own among them",
}


def _run(program: Path) -> tuple[Path, str, str]:
    """The test, what is wrong (nothing: ""), its output."""
    environment = os.environ | {"MNBENCH_TEST_SCALE": "0.01"}
    try:
        done = subprocess.run([*_COMMAND, str(program)], env=environment, cwd=TOP,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace",
                              timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return program, f"did not end in {_SECONDS} s", ""
    verdict = {0: "", 77: "", _FOUND: "memory used wrongly"}.get(
        done.returncode, f"it failed with {done.returncode}")
    return program, verdict, done.stdout


def check(folder: Path) -> tuple[int, int]:
    """Every test of the core in a build's folder; how many passed and failed."""
    programs = [path for path in sorted((folder / "core").glob("*_test"))
                if path.name not in _EXCUSED and os.access(path, os.X_OK)]
    failed = 0
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for program, verdict, output in pool.map(_run, programs):
            if verdict:
                failed += 1
                say(f"{output.rstrip()}\n{program.name}: {verdict}")
    return len(programs) - failed, failed


def require() -> None:
    """Have valgrind, installing it where that can be done."""
    if packages.have_apt():
        absent = packages.missing(packages.needed("prove"))
        if absent:
            packages.install(absent, TOP / "build/valgrind.log")


EXAMPLES = """\
scripts/mnbench valgrind
scripts/mnbench valgrind --folder build/debug
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench valgrind`."""
    parser.add_argument("--folder", type=Path, metavar="DIR",
                        help="a build whose tests to run (default: builds and takes build/native)")


def main(args: argparse.Namespace) -> int:
    """`mnbench valgrind`."""
    require()
    if args.folder is None:
        builds.build("native")
    started = time.monotonic()
    passed, failed = check(args.folder.resolve() if args.folder else builds.folder("native"))
    excused = ", ".join(f"{name} ({why})" for name, why in _EXCUSED.items())
    print(f"valgrind: {passed} passed, {failed} failed, without {excused}, in "
          f"{time.monotonic() - started:.0f} s")
    return 1 if failed or not passed else 0
