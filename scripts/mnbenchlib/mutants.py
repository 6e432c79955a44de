# SPDX-License-Identifier: GPL-2.0-or-later
"""Small mistakes to put into C source, one at a time: the mutants of a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from . import ctokens
from .ctokens import Function, Token, closing

_BINARY = {
    "<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"),
    "==": ("!=",), "!=": ("==",), "&&": ("||",), "||": ("&&",),
    "&": ("|",), "|": ("&", "^"), "^": ("|",), "<<": (">>",), ">>": ("<<",),
    "+": ("-",), "-": ("+",), "*": ("/",), "/": ("*",), "%": ("/",),
    "+=": ("-=",), "-=": ("+=",), "*=": ("/=",), "/=": ("*=",),
    "|=": ("&=", "="), "&=": ("|=", "="), "^=": ("=",),
}
_EITHER_SIDE = {"++": "--", "--": "++"}
_WORDS = {"true": "false", "false": "true"}
# The same access with no order, or with less.
_WEAKER = {
    "__ATOMIC_ACQUIRE": "__ATOMIC_RELAXED", "__ATOMIC_RELEASE": "__ATOMIC_RELAXED",
    "__ATOMIC_ACQ_REL": "__ATOMIC_RELAXED", "__ATOMIC_SEQ_CST": "__ATOMIC_RELAXED",
    "cmpxchg_acquire": "cmpxchg_relaxed", "cmpxchg_release": "cmpxchg_relaxed",
    "cmpxchg": "cmpxchg_relaxed", "rcu_dereference": "READ_ONCE",
    "hlist_add_head_rcu": "hlist_add_head", "hlist_del_init_rcu": "hlist_del_init",
}
_WEAKER_CALLS = {
    "smp_load_acquire": "READ_ONCE(*({0}))",
    "smp_store_release": "WRITE_ONCE(*({0}), {1})",
    "smp_cond_load_acquire":
        "({{ struct spin_wait w__ = {{0}}; __typeof__(*({0})) VAL; "
        "while (VAL = READ_ONCE(*({0})), !({1})) spin_wait_relax(&w__); VAL; }})",
}
_BARRIERS = {"smp_mb", "smp_mb__after_atomic", "gp_barrier", "barrier"}
# Says something to people, or checks the caller of a debug build: its loss changes no behaviour.
_TALK = {"pr_info", "pr_warn", "pr_err", "lockdep_assert_held", "might_lock", "perror"}
_HEADED = {"if", "while", "for", "switch"}
_LEAVES = {"return", "break", "continue", "goto"}


@dataclass(frozen=True)
class Mutant:
    """One change: `new` for what stands between two offsets of a file."""

    file: str
    function: str
    start: int
    end: int
    new: str
    is_barrier: bool
    line: int
    before: str
    after: str
    nth: int = 1

    @property
    def place(self) -> str:
        """FILE:FUNCTION, with a number where a function has the same line twice."""
        return f"{self.file}:{self.function}" + (f"#{self.nth}" if self.nth > 1 else "")

    @property
    def key(self) -> tuple[str, str, str]:
        """What names it for as long as its line stays what it is."""
        return self.place, self.before, self.after

    @property
    def is_race(self) -> bool:
        """Whether two threads must meet for it to show: a barrier's or a lock's loss."""
        lost = self.before.replace("\\", "").strip()
        return self.is_barrier or (self.new == ";" and re.match(r"\w*lock\w*\(", lost) is not None)

    def applied(self, source: str) -> str:
        """The source with the mistake in it; line numbers stay."""
        lost = source.count("\n", self.start, self.end) - self.new.count("\n")
        break_line = "\\\n" if source[self.start:self.end].count("\\\n") else "\n"
        return source[:self.start] + self.new + break_line * max(lost, 0) + source[self.end:]


@dataclass(frozen=True)
class _Change:
    start: int
    end: int
    new: str
    is_barrier: bool = False


def _spaced(source: str, token: Token) -> bool:
    """Blanks on both sides: .clang-format gives them to binary operators only."""
    return source[token.start - 1].isspace() and source[token.end].isspace()


def _number(token: Token) -> tuple[str, ...]:
    digits = token.text.rstrip("uUlL")
    suffix = token.text[len(digits):]
    try:
        value = int(digits, 0)
    except ValueError:
        return ()
    if value <= 1:
        return (f"{value + 1}{suffix}",) + ((f"0{suffix}",) if value else ())
    return f"({token.text} + 1)", f"({token.text} - 1)"


def _negated_ternary(source: str, body: tuple[Token, ...], index: int) -> _Change:
    """`c ? a : b`, with the condition negated: from the nearest place an expression can begin."""
    depth, first = 0, index
    while first:
        text = body[first - 1].text
        if text in (")", "]"):
            depth += 1
        elif depth and text in ("(", "["):
            depth -= 1
        elif not depth and (text in ("(", "[", ",", ";", "{", "=", "return", "?", ":")
                            or text in ("|=", "+=", "-=", "&=")):
            break
        first -= 1
    return _wrapped(source, body[first], body[index - 1])


def _wrapped(source: str, first: Token, last: Token) -> _Change:
    return _Change(first.start, last.end, f"!({source[first.start:last.end]})")


def _in_token(source: str, body: tuple[Token, ...], index: int) -> Iterator[_Change]:
    """The changes of one token."""
    token = body[index]
    follows = body[index + 1].text if index + 1 < len(body) else ""
    if token.kind == "number":
        if index > 1 and body[index - 2].text == "while":
            return  # a macro's do {} while (0)
        for new in _number(token):
            yield _Change(token.start, token.end, new)
    elif token.kind == "name":
        if token.text in _WORDS:
            yield _Change(token.start, token.end, _WORDS[token.text])
        elif token.text in _WEAKER:
            yield _Change(token.start, token.end, _WEAKER[token.text], is_barrier=True)
        elif token.text in _WEAKER_CALLS and follows == "(":
            yield _weaker_call(source, body, index)
    elif token.text in _EITHER_SIDE:
        yield _Change(token.start, token.end, _EITHER_SIDE[token.text])
    elif token.text == "?":
        yield _negated_ternary(source, body, index)
    elif token.text in _BINARY and _spaced(source, token):
        for new in _BINARY[token.text]:
            yield _Change(token.start, token.end, new)
    elif token.text in ("!", "~", "-") and not source[token.end].isspace():
        yield _Change(token.start, token.end, "")


def _weaker_call(source: str, body: tuple[Token, ...], index: int) -> _Change:
    end = closing(body, index + 1)
    parts, start, depth = [], body[index + 1].end, 0
    for token in body[index + 2:end]:
        depth += (token.text in ("(", "[", "{")) - (token.text in (")", "]", "}"))
        if token.text == "," and not depth:
            parts.append(source[start:token.start].strip())
            start = token.end
    parts.append(source[start:body[end].start].strip())
    new = _WEAKER_CALLS[body[index].text].format(*parts)
    return _Change(body[index].start, body[end].end, new, is_barrier=True)


def _negated(source: str, inner: tuple[Token, ...]) -> Iterator[_Change]:
    """A condition negated, where no change of one operator does the same."""
    depth, top = 0, []
    for token in inner:
        if token.text in (")", "]", "}"):
            depth -= 1
        if not depth and token.kind == "mark":
            top.append(token.text)
        if token.text in ("(", "[", "{"):
            depth += 1
    logical = any(text in ("&&", "||") for text in top)
    relational = any(text in ("==", "!=", "<", ">", "<=", ">=") for text in top)
    if len(inner) == 1 and inner[0].kind == "number":
        return  # a macro's do {} while (0)
    if inner and (logical or not (relational or inner[0].text == "!")):
        yield _wrapped(source, inner[0], inner[-1])


def _is_declaration(body: tuple[Token, ...], index: int) -> bool:
    first, second = body[index], body[index + 1]
    if first.kind != "name" or first.text in _LEAVES:
        return False
    return second.kind == "name" or (second.text == "*" and body[index + 2].kind == "name")


def _statement_end(body: tuple[Token, ...], index: int) -> int:
    """The index of the semicolon that ends the simple statement at `index`."""
    while index < len(body) and body[index].text != ";":
        if body[index].text in ("(", "[", "{"):
            index = closing(body, index)
        index += 1
    return index


def _statements(function: Function, source: str) -> Iterator[_Change]:
    """Statements dropped, and conditions negated."""
    body = function.tokens
    i = 0
    while i < len(body) - 1:
        text = body[i].text
        if text in _HEADED and body[i + 1].text == "(":
            end = closing(body, i + 1)
            if text in ("if", "while"):
                yield from _negated(source, body[i + 2:end])
            i = end + 1
        elif text in ("case", "default") or (body[i].kind == "name" and body[i + 1].text == ":"):
            while body[i].text != ":":
                i += 1
            i += 1
        elif "for_each" in text and body[i + 1].text == "(":
            i = closing(body, i + 1) + 1
        elif text in ("{", "}", "(", ")", ";", "do", "else"):
            i += 1
        else:
            end = _statement_end(body, i)
            if end < len(body):
                yield from _dropped(function, i, end)
            i = end + 1


def _dropped(function: Function, first: int, end: int) -> Iterator[_Change]:
    body = function.tokens
    text = body[first].text
    silent = text in _TALK or text in ("static", "_Static_assert") or (
        text == "(" and body[first + 1].text == "void")
    ends_function = text == "return" and end + 2 == len(body) and not function.is_void
    if silent or ends_function or _is_declaration(body, first):
        return
    yield _Change(body[first].start, body[end].end, ";", text in _BARRIERS)


def _silent(body: tuple[Token, ...]) -> set[int]:
    """The indices of what only talks."""
    silent: set[int] = set()
    for i, token in enumerate(body[:-1]):
        if token.text in _TALK and body[i + 1].text == "(":
            silent.update(range(i, closing(body, i + 1)))
    return silent


def _changes(source: str, function: Function) -> Iterator[_Change]:
    silent = _silent(function.tokens)
    for i in range(len(function.tokens)):
        if i not in silent:
            yield from _in_token(source, function.tokens, i)
    if any(token.text == "{" for token in function.tokens):
        yield from _statements(function, source)


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", text.replace("\\\n", " "),
                                      flags=re.DOTALL)).strip()


def _described(source: str, change: _Change) -> tuple[str, str]:
    """The lines that change, before and after, on one line each."""
    begin = source.rfind("\n", 0, change.start) + 1
    end = source.find("\n", change.end)
    end = len(source) if end < 0 else end
    after = source[begin:change.start] + change.new + source[change.end:end]
    return _one_line(source[begin:end]), _one_line(after)


def of_source(file: str, source: str) -> list[Mutant]:
    """Every mutant of a file, in the order of the text; each changed text once."""
    changes = []
    for function in ctokens.functions(source):
        changes += [(change, function.name) for change in _changes(source, function)]
    mutants: list[Mutant] = []
    texts: set[str] = set()
    times: dict[tuple[str, str, str], int] = {}
    for change, name in sorted(changes, key=lambda pair: (pair[0].start, pair[0].end)):
        before, after = _described(source, change)
        times[name, before, after] = nth = times.get((name, before, after), 0) + 1
        mutant = Mutant(file, name, change.start, change.end, change.new, change.is_barrier,
                        source.count("\n", 0, change.start) + 1, before, after, nth)
        text = mutant.applied(source)
        if text not in texts:
            texts.add(text)
            mutants.append(mutant)
    return mutants
