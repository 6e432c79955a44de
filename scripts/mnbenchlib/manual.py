# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench manual`: the manual pages, from the parsers and from the C header."""

from __future__ import annotations

import argparse
from pathlib import Path

from . import cli, commandpage, commandtree, headerpage
from .arches import TOP
from .errors import UserError
from .helptext import offer
from .tables import write_whole

_HEADER = TOP / "bench" / "gbench_c.h"
_PAGES = {
    "mnbench.1": lambda: commandpage.text(commandtree.tree(cli.parser(cli.COMMANDS),
                                                           ("mnbench",))),
    "gbench_c.3": lambda: headerpage.text(_HEADER),
}
EXAMPLES = """\
scripts/mnbench manual -o man && man -l man/mnbench.1
scripts/mnbench manual gbench_c.3 -o man
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench manual`."""
    parser.description = ("Writes the manual pages of this command (mnbench.1), from what its "
                          "--help says, and of the C API (gbench_c.3), from bench/gbench_c.h.")
    one = parser.add_argument("pages", nargs="*", metavar="PAGE",
                              help=f"of {', '.join(_PAGES)}; default: all")
    offer(one, _PAGES)
    parser.add_argument("-o", "--out", type=Path, default=Path("."), metavar="DIR",
                        help="where to (default: here)")


def main(args: argparse.Namespace) -> int:
    """`mnbench manual`."""
    for page in args.pages:
        if page not in _PAGES:
            raise UserError(f"{page}: no such page; there are {', '.join(_PAGES)}")
    args.out.mkdir(parents=True, exist_ok=True)
    for page in args.pages or _PAGES:
        write_whole(args.out / page, _PAGES[page]())
        print(args.out / page)
    return 0
