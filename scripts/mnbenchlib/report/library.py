# SPDX-License-Identifier: GPL-2.0-or-later
"""The chart library that goes into every report: Chart.js, of Debian's package.

Why this one: 200 kB, hover, bands and logarithmic axes, and Debian 12 and 13 have the same version.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from ..commands import say
from ..errors import UserError

NAME, VERSION, PACKAGE = "Chart.js", "3.9.1", "libjs-chart.js"
# As Debian 12 and Debian 13 build it.
KNOWN = {
    "fbc45926e6b46845a0f905552a0e0b1331049bff1115ecf94dbe0904d895e710",
    "dc3c8f758546d858b6e477403261b084495b3954dc1289b595c37be680fb48bd",
}
SCRIPT = Path("/usr/share/javascript/chart.js/chart.min.js")
LICENCE = Path("/usr/share/doc", PACKAGE, "copyright")


@dataclass(frozen=True)
class Library:
    """The script, and what a reader may want to know of it."""

    script: str
    licence: str
    sha256: str


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as err:
        raise UserError(f"{path}: {err.strerror}; the report's charts are drawn by {NAME} "
                        f"{VERSION}: scripts/mnbench setup installs it (Debian's {PACKAGE})"
                        ) from err


def load(script: Path = SCRIPT, licence: Path = LICENCE) -> Library:
    """The pinned version, or nothing: another would draw another report."""
    data = _read(script)
    text = data.decode("utf-8", errors="replace")
    found = re.search(r"Chart\.js v([0-9.]+)", text[:400])
    if found is None or found[1] != VERSION:
        raise UserError(f"{script}: {NAME} {found[1] if found else 'of no known version'}, where "
                        f"the report needs {VERSION}; install Debian 12's or 13's {PACKAGE}")
    digest = hashlib.sha256(data).hexdigest()
    if digest not in KNOWN:
        say(f"{script}: {NAME} {VERSION}, but not as Debian 12 or 13 built it: {digest}")
    return Library(text, _read(licence).decode("utf-8", errors="replace"), digest)
