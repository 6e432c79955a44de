# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench build`: the presets of CMakePresets.json, in the toolchain root where they need it."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from pathlib import Path

from . import kernels, packages, toolchain
from .arches import ARCHES, TOP, host
from .commands import logged, say
from .errors import Failed, UserError
from .helptext import offer

_TOOLS = {"cmake": "cmake", "ninja": "ninja-build", "pkg-config": "pkg-config"}


def presets() -> list[str]:
    """The presets that a user can name."""
    text = (TOP / "CMakePresets.json").read_text(encoding="utf-8")
    return [preset["name"] for preset in json.loads(text)["configurePresets"]
            if not preset.get("hidden")]


def cross_here() -> bool:
    """Whether the toolchain root works here: its compilers are amd64 programs."""
    return host() == "x86_64" and packages.have_apt()


def defaults() -> list[str]:
    """What is built when nothing is named: what `mnbench run` runs."""
    return list(ARCHES) if cross_here() else ["native"]


def folder(preset: str) -> Path:
    """A preset's build folder."""
    return TOP / "build" / preset


def _check(preset: str) -> None:
    if preset not in presets():
        raise UserError(f"{preset}: no such preset; there are {', '.join(presets())}")
    if preset in ARCHES:
        if not cross_here():
            raise UserError(f"{preset}: the toolchain root is for Debian on x86_64; build `native` "
                            f"here instead")
        toolchain.require()
        return
    absent = [package for tool, package in _TOOLS.items() if shutil.which(tool) is None]
    if absent:
        raise UserError(f"{preset}: {', '.join(absent)}: not installed; scripts/mnbench setup "
                        f"installs what is missing")


def _forget_other_tree(preset: str) -> None:
    """A folder configured by another cmake or at another path cannot be configured again."""
    cache = folder(preset) / "CMakeCache.txt"
    if cache.exists() and f":INTERNAL={TOP}\n" not in cache.read_text(encoding="utf-8"):
        shutil.rmtree(folder(preset))


def _subjects(preset: str) -> list[str]:
    """What is built beside the port: the kernels, where the preset has them."""
    text = (TOP / "CMakePresets.json").read_text(encoding="utf-8")
    without = [one["name"] for one in json.loads(text)["configurePresets"]
               if one.get("cacheVariables", {}).get("MNBENCH_KERNELS") == ""]
    return [] if preset in without else [f"upstream-{name}" for name in kernels.names()]


def build(preset: str) -> Path:
    """Configure and build one preset; its log."""
    _check(preset)
    _forget_other_tree(preset)
    log = folder(preset).with_suffix(".log")
    started = time.monotonic()
    log.unlink(missing_ok=True)
    for step, command in (("configure", ["cmake", "--preset", preset]),
                          ("build", ["cmake", "--build", "--preset", preset])):
        if preset in ARCHES:
            command = toolchain.inside(command)
        try:
            logged(command, log, f"{step} {preset}", cwd=TOP)
        except Failed:
            sys.stderr.write(log.read_text(encoding="utf-8", errors="replace")[-4000:])
            raise
    others = "".join(f", {name}" for name in _subjects(preset))
    say(f"built {preset} in {time.monotonic() - started:.0f} s: "
        f"{folder(preset).relative_to(TOP)}/bench/mnbench (port{others})")
    return log


EXAMPLES = """\
scripts/mnbench build                         # what `mnbench run` runs here
scripts/mnbench build arm64                   # one static file, for a board
scripts/mnbench build native debug
scripts/mnbench build --kernel 6.12           # beside the port, from now on
scripts/mnbench build --kernel mine=~/linux   # a tree, or one mmu_notifier.c
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench build`."""
    one = parser.add_argument("presets", nargs="*", metavar="PRESET",
                              help=f"{', '.join(presets())}; default: what `mnbench run` runs here")
    offer(one, presets())
    kernels.add_arguments(parser)


def main(args: argparse.Namespace) -> int:
    """`mnbench build`."""
    chosen = args.presets or defaults()
    for preset in chosen:
        _check(preset)
    bad = kernels.change(args, crossed=cross_here() and toolchain.ready())
    for preset in chosen:
        build(preset)
    if bad:
        raise UserError("\nmnbench: ".join(map(str, bad)))
    return 0
