# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench kernel build`: the module alone, and whether the compiler has anything against it."""

from __future__ import annotations

import argparse

from .. import guest, runs
from ..arches import ARCHES, TOP
from . import guests, module


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench kernel build`."""
    parser.epilog = "Exit codes: 0 built, 1 not, or with warnings, 2 bad input."
    parser.add_argument("--arch", type=runs.words, metavar="A,B", default=list(ARCHES),
                        help=f"of {', '.join(guest.ARCHES)} (all)")
    guests.add_kernel_arguments(parser)


def main(args: argparse.Namespace) -> int:
    """`mnbench kernel build`."""
    guests.check_kernel(args)
    warned = False
    for arch in args.arch:
        kernel = guests.kernel(arch, args)
        built = module.build(arch, kernel.headers, kernel.name, kernel.also)
        print(f"{arch}: {built.path.relative_to(TOP)}, {len(built.warnings)} warnings", flush=True)
        for line in built.warnings:
            print(f"    {line}")
        warned |= bool(built.warnings)
    return 1 if warned else 0
