# SPDX-License-Identifier: GPL-2.0-or-later
"""The manual page of mnbench, from its parsers."""

from __future__ import annotations

import argparse

from . import helptext
from .commandtree import Argument, Command
from .roff import Page

_WIDTH = 72
_TOLD_ONCE = ("-h", "--help")


def _usage(command: Command) -> list[str]:
    """As argparse has it, of one width wherever it is made."""
    parser = command.parser
    formatter = argparse.HelpFormatter(" ".join(command.path), width=_WIDTH)
    formatter.add_usage(parser.usage, parser._actions, parser._mutually_exclusive_groups, "")
    return formatter.format_help().rstrip("\n").splitlines()


def _tag(argument: Argument) -> str:
    value = f" {argument.name}" if argument.name else ""
    return ", ".join(f"{flag}{value}" for flag in argument.flags) or argument.name


def _argument(page: Page, argument: Argument) -> None:
    if not set(argument.flags) & set(_TOLD_ONCE):
        page.entry(_tag(argument), argument.help)


def _prose(page: Page, text: str | None) -> None:
    """Paragraphs, but for the examples."""
    for part, verbatim in helptext.paragraphs(text or ""):
        if not verbatim:
            page.paragraph(part)


def _examples(page: Page, command: Command) -> None:
    page.verbatim(helptext.examples(command.parser))


def _describe(page: Page, command: Command) -> None:
    page.subsection(" ".join(command.path))
    page.verbatim(_usage(command))
    _prose(page, command.parser.description)
    for title, arguments in command.groups:
        if title not in ("options", "positional arguments"):
            page.paragraph(f"{title}:")
        for argument in arguments:
            _argument(page, argument)
    if not command.below:
        _prose(page, command.parser.epilog)
    page.paragraph("Examples:")
    _examples(page, command)


def text(root: Command) -> str:
    """The page."""
    page = Page("mnbench", 1, "time the synchronisation core of Linux's mmu notifiers")
    page.section("Synopsis")
    page.verbatim(["scripts/mnbench COMMAND [options]", "scripts/mnbench [COMMAND] --help"])
    page.section("Description")
    _prose(page, root.parser.description)
    for command in root.below:
        page.entry(command.path[-1], command.summary)
    page.section("Commands")
    for command in list(root.walk())[1:]:
        _describe(page, command)
    page.section("Notes")
    _prose(page, root.parser.epilog)
    page.section("Examples")
    _examples(page, root)
    page.section("See also")
    page.paragraph("gbench_c(3). README.md and results/README.md say what the figures mean; "
                   "build/PRESET/bench/mnbench --help lists the flags of the benchmark itself.")
    return page.text()
