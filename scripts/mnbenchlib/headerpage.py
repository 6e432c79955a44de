# SPDX-License-Identifier: GPL-2.0-or-later
"""The manual page of a C header, from its comments: what is written there once is all there is."""

from __future__ import annotations

import re
from pathlib import Path

from .errors import UserError
from .roff import Page

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_TITLE = re.compile(r"(\w+)\.h - (.+?)\.?$")
_PLUMBING = re.compile(r"^#ifdef __cplusplus\n.*?^#endif\n|^#(?:ifndef \w+_H|define \w+_H)\n"
                       r"|^#include [^\n]*\n|^#endif\n", re.MULTILINE | re.DOTALL)
_BODY = re.compile(r"^static inline ([^{;]+)\n\{\n.*?^\}\n", re.MULTILINE | re.DOTALL)
_MACRO = re.compile(r"^#define (\w+\([^)]*\))\s*\\\n(?:.*\\\n)*.*\n", re.MULTILINE)
_LONE_COMMENT = re.compile(r"^/\*.*?\*/\n", re.MULTILINE | re.DOTALL)


def _comment_lines(comment: str) -> list[str]:
    """Without the stars."""
    body = comment.strip().removeprefix("/*").removesuffix("*/")
    return [re.sub(r"^ ?\* ?", "", line).rstrip() for line in body.strip().split("\n")]


def _parts(lines: list[str]) -> list[list[str]]:
    """Paragraphs, code and points, in their order: blank lines and dashes divide them."""
    parts: list[list[str]] = [[]]
    for line in lines:
        code = line.startswith("\t")
        in_code = bool(parts[-1]) and _is_code(parts[-1])
        if not line and not in_code:
            parts.append([])
        elif line and (line.startswith("- ") or code != in_code):
            parts.append([line])
        else:
            parts[-1].append(line)
    return [part for part in parts if any(part)]


def _explain(page: Page, lines: list[str], below: bool) -> None:
    """What a comment says; `below`: of the declarations above."""
    for number, part in enumerate(_parts(lines)):
        text = " ".join(part)
        if _is_code(part):
            page.verbatim(_code(part))
        elif part[0].startswith("- "):
            page.bullet(text[2:])
        elif below:
            page.indented(text, number > 0)
        else:
            page.paragraph(text)


def _is_code(part: list[str]) -> bool:
    return part[0].startswith("\t")


def _code(part: list[str]) -> list[str]:
    return [line.removeprefix("\t").expandtabs(4) for line in part]


def _declared(code: str) -> str:
    """Declarations as a user needs them: inline functions and macros without their bodies."""
    code = _PLUMBING.sub("", code)
    code = _BODY.sub(lambda found: " ".join(found.group(1).split()) + ";\n", code)
    code = _MACRO.sub(r"\1\n", code)
    return code.replace(" GB_ENUM_BASE", "").strip("\n")


def _block(page: Page, block: str) -> None:
    """Declarations that stand together, each after the comment that is about it."""
    at, comment = 0, None
    for found in [*_LONE_COMMENT.finditer(block), None]:
        code = _declared(block[at:found.start() if found else len(block)])
        if code:
            page.verbatim(code.expandtabs(8).split("\n"), bold=True)
        if comment is not None:
            _explain(page, _comment_lines(comment), bool(code))
        if found:
            at, comment = found.end(), found.group()


def _divided(body: str) -> list[str]:
    """What blank lines divide, but for those within braces and comments."""
    blocks, open_, lines = [], 0, []
    in_comment = False
    for line in body.split("\n"):
        in_comment = (in_comment or "/*" in line) and "*/" not in line
        open_ += line.count("{") - line.count("}") if not in_comment else 0
        if line or open_ or in_comment:
            lines.append(line)
        elif lines:
            blocks.append("\n".join(lines) + "\n")
            lines = []
    return [*blocks, "\n".join(lines) + "\n"] if lines else blocks


def text(header: Path) -> str:
    """The page."""
    source = header.read_text(encoding="utf-8")
    comments = list(_COMMENT.finditer(source))
    lines = _comment_lines(comments[1].group()) if len(comments) > 1 else [""]
    title = _TITLE.fullmatch(lines[0])
    if title is None:
        raise UserError(f"{header}: its second comment does not begin with `NAME.h - what it is.`")
    parts = _parts(lines[1:])
    code = [part for part in parts if _is_code(part)]
    prose = [part for part in parts if not _is_code(part)]
    page = Page(title.group(1), 3, title.group(2))
    page.section("Synopsis")
    page.verbatim([f"#include <{header.name}>"], bold=True)
    page.section("Description")
    _explain(page, [line for part in prose for line in (*part, "")], False)
    page.section("Interface")
    for block in _divided(_PLUMBING.sub("", source[comments[1].end():])):
        _block(page, block)
    if code:
        page.section("Example")
        for part in code:
            page.verbatim(_code(part))
    return page.text()
