# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench kernel`: the operations in the real kernel (platforms/kernel)."""

from __future__ import annotations

import argparse

from . import building, guests, here, repeat, table

_WHAT = {
    "run": (guests, "in guests that count instructions, with the userspace binary beside it"),
    "here": (here, "in the kernel that runs here, in nanoseconds"),
    "build": (building, "build the module alone"),
    "table": (table, "port, kernel's file in userspace, and kernel: instructions of an operation"),
    "repeat": (repeat, "which counts of two runs are not the same"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench kernel`."""
    parts = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    for name, (part, summary) in _WHAT.items():
        own = parts.add_parser(name, help=summary, description=f"mnbench kernel {name}: {summary}.",
                               formatter_class=argparse.RawDescriptionHelpFormatter)
        part.add_arguments(own)
        own.set_defaults(part=part.main)


def main(args: argparse.Namespace) -> int:
    """`mnbench kernel`."""
    return args.part(args)
