# SPDX-License-Identifier: GPL-2.0-or-later
"""How the commands' help is laid out, and what it knows beside argparse: examples, and words."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Iterable

_HEAD = "examples:"


class Formatter(argparse.HelpFormatter):
    """Fills paragraphs, leaves examples as they are; argparse's own joins all of it."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n\n".join(
            textwrap.indent(part if verbatim else textwrap.fill(part, width), indent)
            for part, verbatim in paragraphs(text))


def paragraphs(text: str) -> list[tuple[str, bool]]:
    """What empty lines divide; whether it has indented lines, and is not to be filled."""
    parts = [part.rstrip() for part in re.split(r"\n\n+", text.strip("\n"))]
    found = [(part, any(line.startswith(" ") for line in part.splitlines())) for part in parts]
    return [(part if verbatim else " ".join(part.split()), verbatim) for part, verbatim in found]


def add_examples(parser: argparse.ArgumentParser, lines: str) -> None:
    """Put examples, a line each, below what the parser's help says."""
    block = _HEAD + "\n" + textwrap.indent(lines.strip("\n"), "  ")
    parser.epilog = f"{parser.epilog.rstrip()}\n\n{block}" if parser.epilog else block


def examples(parser: argparse.ArgumentParser) -> list[str]:
    """The examples of the parser's help, a line each."""
    blocks = [part for part, _ in paragraphs(parser.epilog or "") if part.startswith(_HEAD)]
    return [line.strip() for block in blocks for line in block.splitlines()[1:]]


def offer(action: argparse.Action, words: Iterable[str], listed: bool = False) -> None:
    """Say which words a value may be that argparse does not judge; `listed`: several, by commas."""
    action.offers, action.listed = tuple(words), listed  # type: ignore[attr-defined]
