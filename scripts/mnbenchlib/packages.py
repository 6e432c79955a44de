# SPDX-License-Identifier: GPL-2.0-or-later
"""The Debian packages that mnbench uses, by purpose: which are missing, installing them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .commands import logged, say
from .errors import Failed, UserError

_LIST = Path(__file__).with_name("packages.list")


def needed(*purposes: str) -> list[str]:
    """The packages of some purposes; packages.list says which there are."""
    names = []
    for line in _LIST.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            purpose, name = line.split()
            if purpose in purposes:
                names.append(name)
    return names


def have_apt() -> bool:
    """Whether this is Debian, or close enough to install packages as it does."""
    return all(map(shutil.which, ("apt-get", "dpkg-query")))


def missing(names: list[str]) -> list[str]:
    """Those that are not installed."""
    query = subprocess.run(
        ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *names],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    states = dict(line.split() for line in query.stdout.splitlines())
    return [name for name in names if states.get(name) != "installed"]


def _as_root() -> list[str] | None:
    """What to put before a command so that root runs it; None: there is no way."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    if sys.stdin is not None and sys.stdin.isatty():
        subprocess.run(["sudo", "-v"], check=False)
    test = subprocess.run(["sudo", "-n", "true"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return ["sudo", "-n"] if test.returncode == 0 else None


def install(names: list[str], log: Path) -> None:
    """Install packages, as root or through sudo."""
    prefix = _as_root()
    if prefix is None:
        raise UserError(f"packages are missing and neither root nor sudo is at hand; have them "
                        f"installed: apt-get install {' '.join(names)}")
    say(f"installing {len(names)} packages: {' '.join(names)}")
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet", "--yes"]
    try:
        logged([*apt, "update"], log, "apt-get update")
    except Failed:
        # Somebody else's repository may be broken; what matters is whether ours can be had.
        pass
    logged([*apt, "install", "--no-install-recommends", *names], log, "apt-get install")
