# SPDX-License-Identifier: GPL-2.0-or-later
"""The columns of a run's CSV, schema 1, and what may stand in each: results/README.md."""

from __future__ import annotations

import re

SCHEMA = 1

COLUMNS = [
    "schema", "run_id", "utc", "host", "arch", "execution", "subject", "family", "op", "variant",
    "threads", "pin", "params", "rep", "iterations", "real_ns_per_op", "cpu_ns_per_op",
    "ops_per_s", "p50_ns", "p90_ns", "p99_ns", "p999_ns", "max_ns", "insns_per_op", "overlap",
    "fairness", "flags", "error",
]
INTEGERS = ["schema", "threads", "rep", "iterations"]
# What was measured of the operation: a failed row has none of these.
FIGURES = [
    "real_ns_per_op", "cpu_ns_per_op", "ops_per_s", "p50_ns", "p90_ns", "p99_ns", "p999_ns",
    "max_ns", "insns_per_op",
]
SHARES = ["overlap", "fairness"]
FLOATS = FIGURES + SHARES
REQUIRED = ["schema", "run_id", "utc", "host", "arch", "execution", "subject", "family", "op",
            "threads", "rep"]

# What makes two rows of different runs the same benchmark.
KEY = ["arch", "execution", "subject", "family", "op", "variant", "threads", "pin", "params"]
TIMES = ["real_ns_per_op", "cpu_ns_per_op", "ops_per_s", "p50_ns", "p90_ns", "p99_ns", "p999_ns",
         "max_ns"]

LARGEST = 1e18  # a figure above is a mistake: 30 years in ns

_WORD = r"[A-Za-z0-9][A-Za-z0-9_.+-]*"
_PRINTABLE = r"[^\x00-\x1f\x7f]*"
_MONTH = r"[A-Za-zäé]{3,4}"
_DATE = (r"([0-9]{1,2}[./-] ?[0-9]{1,2}[./-] ?([0-9]{4}|[0-9]{2})( .*)?"
         r"|[0-9]{4}-[0-9]{2}-[0-9]{2}( .*)?|[0-9]{1,2}[./-][0-9]{1,2}\."
         rf"|[0-9]{{1,2}}[.-]? ?{_MONTH}\.?[- ]?[0-9]*|{_MONTH}[ -][0-9]+)")
_FORMS = {
    "run_id": (_PRINTABLE, "printable"),
    "host": (_PRINTABLE, "printable"),
    "pin": (rf"(?!{_DATE}$){_PRINTABLE}", "printable"),
    "utc": (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "a time such as 2026-01-31T12:00:00Z"),
    "arch": (r"x86_64|arm64|riscv64", "x86_64, arm64 or riscv64"),
    "execution": (r"native|qemu-user|qemu-system|kernel-icount",
                  "native, qemu-user, qemu-system or kernel-icount"),
    "subject": (_WORD, "a name"),
    "family": (_WORD, "a name"),
    "op": (_WORD, "a name"),
    "variant": (_WORD, "a name"),
    "params": (r"[^:;\x00-\x1f]+:[^;\x00-\x1f]*(;[^:;\x00-\x1f]+:[^;\x00-\x1f]*)*",
               "key:value joined by ';'"),
    "flags": (r"[a-z-]+(;[a-z-]+)*", "flags joined by ';'"),
}
_PATTERNS = {column: (re.compile(pattern), wanted)
             for column, (pattern, wanted) in _FORMS.items()}
_ANYTHING = (re.compile("(?s:.*)"), "")
_INTEGER = re.compile(r"[0-9]{1,18}")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]*)?(e[+-]?[0-9]+)?")
# What a spreadsheet makes of a cell, and what it should have left.
_MANGLED = [
    (re.compile(r"[0-9]+([.,][0-9]*)?E[+-]?[0-9]+"), "digits are lost"),
    (re.compile(r"[0-9]{1,3}([., '\u00a0\u202f][0-9]{3}){2,}([.,][0-9]*)?"
                r"|[0-9]{1,3}([ '\u00a0\u202f][0-9]{3})+([.,][0-9]*)?"
                r"|[0-9]{1,3}(,[0-9]{3})+\.[0-9]*|[0-9]{1,3}(\.[0-9]{3})+,[0-9]*"),
     "it divides thousands"),
    (re.compile(r"[0-9]+,[0-9]*(e[+-]?[0-9]+)?"), "a decimal comma"),
    (re.compile(_DATE), "a date"),
]


def why_no_text(column: str, text: str) -> str | None:
    """What is wrong with a cell of text; None: nothing."""
    if not text:
        return "may not be empty" if column in REQUIRED else None
    if column == "schema":
        return _why_no_schema(text)
    if column == "threads":
        return why_no_number(column, text) or (None if int(text) else "at least 1")
    pattern, wanted = _PATTERNS.get(column, _ANYTHING)
    if pattern.fullmatch(text):
        return None
    return _mangled(text) or f"not {wanted}"


def _why_no_schema(text: str) -> str | None:
    if text == "schema":
        return ("the header once more: two files, one after the other; scripts/mnbench results "
                "merge joins files")
    return None if text == str(SCHEMA) else f"this version reads schema {SCHEMA} only"


def why_no_number(column: str, text: str) -> str | None:
    """What is wrong with a cell of a figure; None: nothing."""
    integer = column in INTEGERS
    if not text:
        return "may not be empty" if column in REQUIRED else None
    if (_INTEGER if integer else _NUMBER).fullmatch(text):
        return why_no_value(column, float(text))
    if re.fullmatch(r"[+-]?(nan|inf|infinity)", text, re.IGNORECASE):
        return "not a finite number (not measured is an empty cell)"
    if text.startswith("-") and _NUMBER.fullmatch(text[1:]):
        return "negative"
    if _NUMBER.fullmatch(text):
        return "too large" if re.fullmatch("[0-9]+", text) else "not a whole number"
    return _mangled(text) or "not a number"


def why_no_value(column: str, value: float) -> str | None:
    """What is wrong with a number as such."""
    if value > LARGEST:
        return "too large"
    if column in SHARES and value > 1 + 1e-9:
        return "a share, at most 1"
    return None


def _mangled(text: str) -> str | None:
    for pattern, what in _MANGLED:
        if pattern.fullmatch(text):
            return f"{what}: a spreadsheet wrote it; use the file as the run wrote it"
    return None
