# SPDX-License-Identifier: GPL-2.0-or-later
"""What the parsers know of the commands, for what is made from them: completions and manual."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_FOLDERS = ("DIR",)
_FILES = ("FILE", "XML", "RUN", "RUN_OR_BASE", "RUN_OR_CSV", "NEW", "OTHER", "KERNEL")


@dataclass(frozen=True)
class Argument:
    """A flag or a positional argument."""

    flags: Sequence[str]  # none of a positional one
    name: str  # of its value; "" without one
    help: str
    words: Sequence[str]  # values to offer
    listed: bool  # several of them, by commas
    place: str  # "file", "folder" or ""
    many: bool  # positional: any number; a flag: again and again


@dataclass(frozen=True)
class Command:
    """A command, or an action of one; those below it."""

    path: tuple[str, ...]
    summary: str
    parser: argparse.ArgumentParser
    groups: list[tuple[str, list[Argument]]]
    below: list[Command] = field(default_factory=list)

    @property
    def arguments(self) -> list[Argument]:
        """Those of all groups."""
        return [argument for _, group in self.groups for argument in group]

    @property
    def flags(self) -> list[Argument]:
        """What begins with a dash."""
        return [argument for argument in self.arguments if argument.flags]

    @property
    def positional(self) -> list[Argument]:
        """What does not, in order."""
        return [argument for argument in self.arguments if not argument.flags]

    def walk(self) -> Iterator[Command]:
        """This one and all below."""
        yield self
        for command in self.below:
            yield from command.walk()


def _place(action: argparse.Action, name: str) -> str:
    if name in _FOLDERS:
        return "folder"
    return "file" if name in _FILES or action.type is Path else ""


def _argument(parser: argparse.ArgumentParser, action: argparse.Action) -> Argument:
    # The formatter fills %(default)s in, and knows how a value is named.
    formatter = parser._get_formatter()
    takes = action.nargs != 0
    name = ""
    if takes:
        default = action.dest.upper() if action.option_strings else action.dest
        name = action.metavar or ("{" + ",".join(map(str, action.choices)) + "}"
                                  if action.choices else default)
    words = tuple(map(str, action.choices or getattr(action, "offers", ())))
    many = action.nargs in ("*", "+") or isinstance(action, argparse._AppendAction)
    return Argument(action.option_strings, name if isinstance(name, str) else " ".join(name),
                    formatter._expand_help(action) if action.help else "", words,
                    getattr(action, "listed", False), _place(action, str(name)) if takes else "",
                    many)


def tree(parser: argparse.ArgumentParser, path: tuple[str, ...] = (),
         summary: str = "") -> Command:
    """The commands of a parser."""
    groups, below = [], []
    for group in parser._action_groups:
        shown = [a for a in group._group_actions if a.help != argparse.SUPPRESS]
        for action in [a for a in shown if isinstance(a, argparse._SubParsersAction)]:
            shown.remove(action)
            told = {choice.dest: choice.help or "" for choice in action._choices_actions}
            below += [tree(own, (*path, name), told.get(name, ""))
                      for name, own in action.choices.items()]
        if shown:
            groups.append((group.title or "", [_argument(parser, a) for a in shown]))
    return Command(path, summary, parser, groups, below)
