# SPDX-License-Identifier: GPL-2.0-or-later
"""A qemu-user that takes plugins: this machine's where it does, else Debian 12's in the cache."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

from . import packages, toolchain
from .arches import emulator_words
from .commands import say
from .errors import Failed, UserError
from .ownapt import OwnApt

# The version that the plugin is written for. Debian 13's newer one is built without plugins, as
# all static ones are.
SERIES = "7.2"
SUITE = "bookworm"
_LIBRARIES = ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu")


def folder() -> Path:
    """Where what is fetched for it lies."""
    return toolchain.cache() / "qemu" / SERIES


def index() -> OwnApt:
    """Debian 12's packages and sources, looked up anew."""
    apt = OwnApt(folder().parent / "apt", "amd64", [SUITE], ("deb", "deb-src"))
    apt.update("look up qemu")
    return apt


def _told(*command: str) -> str:
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", check=False).stdout


def _objection(program: str) -> str:
    """Why an emulator will not do; "" if it will."""
    found = re.search(r"version (\d+\.\d+)", _told(program, "--version"))
    version = found[1] if found else "unknown"
    if not re.search(r"^-plugin\s", _told(program, "-h"), re.MULTILINE):
        return f"this emulator (version {version}) has no plugins"
    return "" if version == SERIES else f"version {version}, and the plugin speaks to {SERIES}"


def _fetch(root: Path) -> None:
    """The package with all that it depends on, the C library included."""
    apt = index()
    say("fetching Debian 12's qemu-user, whose emulators take plugins (22 MB, once)")
    fresh = root.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    apt.download_all("qemu-user", fresh)
    if not (fresh / "usr" / "bin").is_dir():
        raise Failed(f"download qemu-user: nothing came of it (see {toolchain.log()})")
    fresh.rename(root)


@lru_cache
def _own(program: str) -> list[str]:
    """The cache's emulator, with its own C library: this machine's may be another's."""
    if not packages.have_apt():
        raise UserError("Debian 12's comes through apt, and there is no apt here")
    root = folder() / "root"
    with toolchain.locked():
        if not root.is_dir():
            _fetch(root)
    return [str(root / _LIBRARIES[0] / "ld-linux-x86-64.so.2"), "--library-path",
            ":".join(str(root / place) for place in _LIBRARIES), str(root / "usr/bin" / program)]


def command(arch: str) -> tuple[list[str], list[str]]:
    """The emulator for programs of `arch`, and the options that belong after its own first."""
    program, *options = emulator_words(arch)
    objection = _objection(program)
    if not objection:
        return [program], options
    try:
        return _own(program), options
    except (UserError, Failed) as err:
        raise UserError(f"{shutil.which(program)}: {objection}; install Debian 12's package "
                        f"qemu-user, whose emulators do ({err})") from err
