# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench completion`: what a shell needs to complete commands, flags and values."""

from __future__ import annotations

import argparse

from . import bashwords, cli, commandtree, zshwords

_SHELLS = {"bash": bashwords.script, "zsh": zshwords.script}
EXAMPLES = """\
source <(scripts/mnbench completion bash)      # in this shell; in each one from ~/.bashrc
scripts/mnbench completion bash > mnbench.bash # quicker, to be sourced
scripts/mnbench completion zsh > _mnbench      # into a folder of $fpath
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench completion`."""
    parser.description = ("Prints a script that completes mnbench's commands, their flags, and the "
                          "values, files and folders that belong there.")
    parser.add_argument("shell", choices=sorted(_SHELLS))


def main(args: argparse.Namespace) -> int:
    """`mnbench completion`."""
    print(_SHELLS[args.shell](commandtree.tree(cli.parser(cli.COMMANDS), ("mnbench",))), end="")
    return 0
