# SPDX-License-Identifier: GPL-2.0-or-later
"""C source as tokens, and the functions in it: enough for code laid out by .clang-format."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SKIPPED = re.compile(r"""
    /\*.*?\*/ | //[^\n]* | \s+ | \\\n
""", re.VERBOSE | re.DOTALL)
_TOKEN = re.compile(r"""
    (?P<string>L?"(?:\\.|[^"\\])*") | (?P<char>'(?:\\.|[^'\\])*') |
    (?P<number>\d(?:[\w.]|(?<=[eEpP])[+-])*) | (?P<name>[A-Za-z_]\w*) |
    (?P<mark><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|\#\#|.)
""", re.VERBOSE)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", re.MULTILINE)
_MACRO = re.compile(r"[ \t]*#[ \t]*define[ \t]+(\w+)\(([^)]*)\)")
_OPEN = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True)
class Token:
    """A piece of the source, and where it stands."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Function:
    """A function's or a macro's body; a function's includes its braces."""

    name: str
    tokens: tuple[Token, ...]
    is_void: bool


def tokens(source: str, start: int = 0, end: int | None = None) -> list[Token]:
    """The tokens between two offsets; comments and white space fall out."""
    end = len(source) if end is None else end
    found = []
    while start < end:
        skipped = _SKIPPED.match(source, start, end)
        if skipped:
            start = skipped.end()
            continue
        match = _TOKEN.match(source, start, end)
        if match is None:
            raise ValueError(f"no token at offset {start}")
        found.append(Token(match.lastgroup or "", match.group(), match.start(), match.end()))
        start = match.end()
    return found


def closing(found: tuple[Token, ...] | list[Token], index: int) -> int:
    """The index of the token that closes the bracket at `index`."""
    depth = 0
    for i in range(index, len(found)):
        if found[i].text in _OPEN and found[i].kind == "mark":
            depth += 1
        elif found[i].text in _OPEN.values() and found[i].kind == "mark":
            depth -= 1
            if depth == 0:
                return i
    raise ValueError(f"nothing closes the {found[index].text} at offset {found[index].start}")


def _without_directives(source: str) -> str:
    """The source with blanks for its preprocessor lines: offsets stay."""
    return _DIRECTIVE.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), source)


def _blank_comments(source: str) -> str:
    return re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group()), source,
                  flags=re.DOTALL)


def _plain(source: str) -> list[Function]:
    found = tokens(_without_directives(source))
    functions = []
    i = begin = 0
    while i < len(found):
        if found[i].text == ";":
            begin = i + 1
        elif found[i].text in _OPEN:
            end = closing(found, i)
            if found[i].text == "{" and i and found[i - 1].text == ")":
                head = found[begin:i]
                opens = next(k for k, token in enumerate(head)
                             if token.text == "(" and closing(head, k) == len(head) - 1)
                functions.append(Function(
                    head[opens - 1].text, tuple(found[i:end + 1]),
                    opens >= 2 and head[opens - 2].text == "void"))
            if found[i].text == "{":
                begin = end + 1
            i = end
        i += 1
    return functions


def _macros(source: str) -> list[Function]:
    """Macros that look like functions."""
    clean = _blank_comments(source)
    macros = []
    for directive in _DIRECTIVE.finditer(clean):
        head = _MACRO.match(directive.group())
        if head:
            start = directive.start() + head.end()
            macros.append(Function(head.group(1),
                                   tuple(tokens(clean, start, directive.end())), False))
    return macros


def functions(source: str) -> list[Function]:
    """Every body of code in a file."""
    return _plain(source) + _macros(source)
