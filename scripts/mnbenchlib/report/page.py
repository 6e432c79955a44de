# SPDX-License-Identifier: GPL-2.0-or-later
"""Puts the page together: the template, its style, the scripts and the figures."""

from __future__ import annotations

import html
import re
from pathlib import Path
from string import Template

from .library import NAME, PACKAGE, VERSION, Library
from .payload import dumped

_ASSETS = Path(__file__).with_name("assets")
# In the order in which they need each other.
_SCRIPTS = ("data", "words", "theme", "tip", "options", "legend", "zoom", "keys", "figure",
            "filters", "table", "diff", "cards", "page")


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


def _script(text: str) -> str:
    """Nothing in it ends the element that it stands in."""
    return re.sub(r"<(?=/script|!--)", r"\\x3c", text, flags=re.IGNORECASE)


def element(tag: str, text: str, **attributes: str) -> str:
    """One element; text and attributes are escaped."""
    said = "".join(f' {name.rstrip("_")}="{html.escape(value)}"'
                   for name, value in attributes.items())
    return f"<{tag}{said}>{html.escape(text)}</{tag}>"


def facts(pairs: list[tuple[str, str]]) -> str:
    """A list of names and values."""
    return "".join(f"<div>{element('dt', name)}{element('dd', value)}</div>"
                   for name, value in pairs)


def finding(one: dict) -> str:
    """A line of what speaks for or against the figures; a word says how bad, not only a colour."""
    mend = element("span", f" {one['mend']}", class_="mend") if one.get("mend") else ""
    return (f'<li class="{html.escape(one["severity"])}">'
            + element("b", one["severity"], class_="severity") + "<span>"
            + element("b", one["what"]) + " " + html.escape(one["found"]) + mend + "</span></li>")


def rendered(title: str, parts: dict[str, str], data: dict, library: Library) -> str:
    """The whole file; `parts` are HTML, `data` is what the scripts draw and sort."""
    ours = "\n".join(_asset(f"{name}.js") for name in _SCRIPTS)
    colophon = (f"Charts by {NAME} {VERSION} (Debian's {PACKAGE}; SHA-256 {library.sha256}), whose "
                "licence follows. Nothing is fetched: the page is whole.")
    return Template(_asset("page.html")).substitute(
        parts, title=html.escape(title), style=_asset("style.css"), data=dumped(data),
        library=_script(library.script), script=_script(ours), colophon=html.escape(colophon),
        licence=html.escape(library.licence.strip()))
