# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench kernel`: the operations in the real kernel (platforms/kernel)."""

from __future__ import annotations

import argparse

from .. import helptext
from . import building, guests, here, repeat, table

EXAMPLES = """\
scripts/mnbench kernel run                    # three architectures, then the table
scripts/mnbench kernel table results/kernel-6.12
"""
# Each with what it does, and an example.
_WHAT = {
    "run": (guests, "in guests that count instructions, with the userspace binary beside it",
            "scripts/mnbench kernel run --arch arm64 --out counted"),
    "here": (here, "in the kernel that runs here, in nanoseconds",
             "scripts/mnbench kernel here           # what would be loaded; --yes loads it"),
    "build": (building, "build the module alone", "scripts/mnbench kernel build"),
    "table": (table, "port, kernel's file in userspace, and kernel: instructions of an operation",
              "scripts/mnbench kernel table results/kernel-6.12"),
    "repeat": (repeat, "which counts of two runs are not the same",
               "scripts/mnbench kernel repeat results/kernel-6.12 results/kernel-6.12"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench kernel`."""
    parts = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    for name, (part, summary, example) in _WHAT.items():
        own = parts.add_parser(name, help=summary, description=f"mnbench kernel {name}: {summary}.",
                               formatter_class=helptext.Formatter)
        part.add_arguments(own)
        helptext.add_examples(own, example)
        own.set_defaults(part=part.main)


def main(args: argparse.Namespace) -> int:
    """`mnbench kernel`."""
    return args.part(args)
