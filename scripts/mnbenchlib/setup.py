# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench setup`: the packages and the toolchain root, whatever of them is missing."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess

from . import builds, packages, toolchain
from .arches import host
from .commands import say
from .errors import UserError

_MODULES = ("benchmark", "hwloc", "liburcu")
_PROGRAMS = ("cc", "c++", "cmake", "ninja", "pkg-config")


def purposes() -> list[str]:
    """What packages are needed for here."""
    found = ["python", "report", "native"]
    if builds.cross_here():
        found += ["cross", "emulation", "count"]
        if os.geteuid() != 0:
            found.append("user")
    return found


def _without_apt() -> int:
    """Other distributions: say what is not there, by the names that pkg-config knows."""
    absent = [name for name in _PROGRAMS if shutil.which(name) is None]
    if "pkg-config" not in absent:
        absent += [name for name in _MODULES
                   if subprocess.run(["pkg-config", "--exists", name], check=False).returncode]
    if absent:
        raise UserError(f"no apt here, so nothing is installed; the native build still needs "
                        f"{', '.join(absent)} (on Debian: {' '.join(packages.needed('native'))})")
    say("no apt here: the `native` build has what it needs; the other architectures are built "
        "on Debian")
    return 0


EXAMPLES = """\
scripts/mnbench setup --dry-run      # what is missing here
scripts/mnbench setup
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench setup`."""
    parser.add_argument("--dry-run", action="store_true",
                        help="say what would be installed and made, and do nothing")


def main(args: argparse.Namespace) -> int:
    """`mnbench setup`."""
    if not packages.have_apt():
        return _without_apt()
    missing = packages.missing(packages.needed(*purposes()))
    root_wanted = builds.cross_here() and not toolchain.ready()
    if args.dry_run:
        print(f"packages to install: {' '.join(missing) or 'none'}")
        if builds.cross_here():
            print(f"toolchain root: {toolchain.root()} ({'to be made' if root_wanted else 'ready'})")
        return 0
    if missing:
        packages.install(missing, toolchain.log())
    if root_wanted:
        toolchain.make()
    if not builds.cross_here():
        say(f"the toolchain root is for Debian on x86_64; on {host()} build and run `native`")
    say("set-up: complete" if missing or root_wanted else "set-up: nothing to do")
    return 0
