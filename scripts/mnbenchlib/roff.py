# SPDX-License-Identifier: GPL-2.0-or-later
"""A manual page in roff's man macros, written piece by piece."""

from __future__ import annotations

import os
import re
import textwrap
import time
from collections.abc import Iterable

from .arches import TOP
from .errors import UserError

_SPECIAL = {"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti"}


def escaped(text: str) -> str:
    """Text that comes out as it is, in ASCII's own characters."""
    text = "".join(_SPECIAL.get(character, character) for character in text)
    return "\n".join("\\&" + line if line.startswith(".") else line for line in text.split("\n"))


def version() -> str:
    """The project's, from its one place."""
    text = (TOP / "CMakeLists.txt").read_text(encoding="utf-8")
    found = re.search(r"^project\(mnbench VERSION ([\d.]+)", text, re.MULTILINE)
    return found.group(1) if found else ""


def _date() -> str:
    """Today, unless whoever packages this says which day the source is of."""
    said = os.environ.get("SOURCE_DATE_EPOCH", "")
    if said and not re.fullmatch(r"[0-9]{1,11}", said):
        raise UserError(f"SOURCE_DATE_EPOCH: {said!r} is no number of seconds; set it right, or "
                        "not at all")
    return time.strftime("%Y-%m-%d", time.gmtime(int(said) if said else None))


class Page:
    """Sections, paragraphs, lists and what is kept as it is."""

    def __init__(self, name: str, section: int, summary: str) -> None:
        self._lines = [".\\\" SPDX-License-Identifier: GPL-2.0-or-later",
                       f".TH {name.upper()} {section} {_date()} \"mnbench {version()}\"",
                       ".nh", ".ad l"]  # no name is divided, no line stretched
        self.section("Name")
        self._lines.append(f"{escaped(name)} \\- {escaped(summary)}")

    def _begin(self) -> None:
        """A paragraph; below a heading there is one already."""
        if not self._lines[-1].startswith((".SH", ".SS")):
            self._lines.append(".PP")

    def section(self, title: str) -> None:
        """A heading."""
        self._lines.append(f".SH {escaped(title.upper())}")

    def subsection(self, title: str) -> None:
        """A heading below one."""
        self._lines.append(f".SS {escaped(title)}")

    def paragraph(self, text: str) -> None:
        """Text to be filled."""
        self._begin()
        self._lines += _filled(text)

    def entry(self, tag: str, text: str) -> None:
        """What is explained, and the explanation; of two such in a row the first may have none."""
        self._lines += [".TP", f"\\fB{escaped(tag)}\\fR", *(_filled(text) if text else ["\\&"])]

    def bullet(self, text: str) -> None:
        """One of a list."""
        self._lines += [".IP \\(bu 2", *_filled(text)]

    def verbatim(self, lines: Iterable[str], bold: bool = False) -> None:
        """Code, commands, declarations."""
        kept = [f"\\fB{escaped(line)}\\fR" if bold and line else escaped(line) for line in lines]
        self._begin()
        self._lines += [".RS 4", ".nf", *kept, ".fi", ".RE"]

    def indented(self, text: str, again: bool) -> None:
        """Text below a declaration; `again`: a further paragraph of it."""
        self._lines += [*([".sp"] if again else []), ".RS 8", *_filled(text), ".RE"]

    def text(self) -> str:
        """The page."""
        return "\n".join(self._lines) + "\n"


def _filled(text: str) -> list[str]:
    """Short lines: roff joins them again."""
    lines = textwrap.wrap(" ".join(text.split()), 70, break_long_words=False,
                          break_on_hyphens=False)
    return [escaped(line) for line in lines]
