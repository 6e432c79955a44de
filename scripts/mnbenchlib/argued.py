# SPDX-License-Identifier: GPL-2.0-or-later
"""The list of mutants that survive for a reason: core/tests/mutants.accepted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .errors import UserError

_CLASSES = ("equivalent", "accepted", "model")
_VERDICT = re.compile(r"(equivalent|accepted|model)(?: ([^\s:]+))?: (.+)")


@dataclass(frozen=True)
class Argument:
    """Why a survivor is let live: CLASS, the model's counter-proof if it is one, the reason."""

    kind: str
    model: str
    reason: str


Key = tuple[str, str, str]


def _entry(path: Path, number: int, lines: list[str]) -> dict[Key, Argument]:
    """One paragraph: the place, pairs of - and + lines, the verdict with its reason."""
    place, *rest = lines
    pairs: list[list[str]] = []
    while rest and rest[0].startswith(("- ", "+")):
        line = rest.pop(0)
        if line.startswith("- "):
            pairs.append([line[2:]])
        elif pairs and len(pairs[-1]) == 1:
            pairs[-1].append(line[2:])
        else:
            raise UserError(f"{path}:{number}: a + line without its - line")
    match = _VERDICT.fullmatch(" ".join(rest))
    if not pairs or any(len(pair) != 2 for pair in pairs) or match is None or (
            (match.group(1) == "model") != bool(match.group(2))):
        raise UserError(f"{path}:{number}: not FILE:FUNCTION, pairs of - and + lines, and one of "
                        f"{', '.join(_CLASSES)} (with its NAME) with a reason")
    argument = Argument(match.group(1), match.group(2) or "", match.group(3))
    return {(place, before, after): argument for before, after in pairs}


def read(path: Path) -> dict[Key, Argument]:
    """The list; paragraphs are divided by empty lines, # begins a comment line."""
    found: dict[Key, Argument] = {}
    paragraph: list[str] = []
    number = 0
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    for at, line in enumerate([*lines, ""], 1):
        if line.startswith("#"):
            continue
        if line.strip():
            number = number if paragraph else at
            paragraph.append(line.strip())
        elif paragraph:
            found |= _entry(path, number, paragraph)
            paragraph = []
    return found


def written(key: Key) -> str:
    """A survivor as the list wants it, but for the reason."""
    return f"{key[0]}\n\t- {key[1]}\n\t+ {key[2]}\n"
