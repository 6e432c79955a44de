# SPDX-License-Identifier: GPL-2.0-or-later
"""What `mnbench test` runs beside the presets' tests: commands of their own. Short forms of
`planted`, `mutate` and `fuzz` are among the Python tests."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

from . import builds, kernels, toolchain
from .arches import TOP
from .commands import say
from .errors import Failed, UserError

_MNBENCH = TOP / "scripts" / "mnbench"
KERNELS = ("6.1", "6.12", "7.2")

_PARTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "walk": (("walk", "--seeds", "10000"), ("walk", "--threads", "4", "--seconds", "3")),
    "torture": (("torture", "--seconds", "30"),),
    "counts": (("count", "--check"),),
    "results": (("results", "check"),),
    "models": (("models",),),
    "lint": (("lint",),),
    "valgrind": (("valgrind",),),
    "coverage": (("coverage",),),
    "kernel": (("kernel", "build"), ("kernel", "run", "--brief")),
    "guests": (("guests", "--shape", "whole"), ("guests", "x86_64", "--shape", "holes")),
}
NAMES = tuple(_PARTS)


def served() -> list[str]:
    """The parts that are run unless others are named, and that this machine can run: guests take
    binaries of three architectures. Those of `kernel` take minutes, and a kernel's headers."""
    return [name for name in NAMES
            if name != "kernel" and (name != "guests" or builds.cross_here())]


def fetch_kernels() -> list[str]:
    """Make the kernels subjects that are none yet; what went wrong, a line each."""
    missing = [name for name in KERNELS if name not in kernels.names()]
    if not missing:
        return []
    args = argparse.Namespace(kernel=missing, forget_kernel=[])
    try:
        return list(map(str, kernels.change(args, builds.cross_here() and toolchain.ready())))
    except (UserError, Failed) as err:
        return [str(err)]


def run(part: str) -> tuple[int, int]:
    """How many of a part's commands passed, and how many failed; a failed one's output is shown."""
    passed = failed = 0
    if part == "counts" and not builds.cross_here():
        say("counts: of three architectures, which are not built here")
        return 0, 0
    for command in _PARTS[part]:
        started = time.monotonic()
        done = subprocess.run([sys.executable, str(_MNBENCH), *command], cwd=TOP, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, errors="replace", check=False)
        passed += done.returncode == 0
        failed += done.returncode != 0
        if done.returncode:
            say(done.stdout.rstrip())
        outcome = "passed" if done.returncode == 0 else "failed"
        say(f"mnbench {' '.join(command)}: {outcome} in {time.monotonic() - started:.0f} s")
    return passed, failed
