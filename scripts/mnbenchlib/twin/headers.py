# SPDX-License-Identifier: GPL-2.0-or-later
"""What modules for a guest's kernel are built against: Debian's headers of the very same version,
kept beside the kernel in the cache and unpacked into the toolchain root."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from .. import arches, packages, toolchain
from ..commands import say
from ..errors import Failed, UserError
from ..ownapt import OwnApt, need_room

_NEEDED_BYTES = 2 * 10**8
_IMAGE = re.compile(r"linux-image-(?P<release>(?P<base>\S+)-[a-z0-9]+)_(?P<version>\S+)")


def _wanted(arch: str, release: str, base: str) -> dict[str, list[str]]:
    """Packages by the architecture that they are of; the tools are this machine's."""
    wanted = {"amd64": [f"linux-headers-{base}-common", f"linux-kbuild-{base}",
                        *packages.needed("modules")]}
    wanted.setdefault(arches.DEBIAN[arch], []).append(f"linux-headers-{release}")
    return wanted


def _fetch_one(debian: str, names: list[str], version: str, folder: Path) -> None:
    trouble: Exception | None = None
    for suite in toolchain.SUITES:
        apt = OwnApt(toolchain.cache() / "guests" / f"apt-{suite}-{debian}", debian, [suite])
        try:
            apt.update(f"look up {names[-1]} in {suite}")
        except (UserError, Failed) as err:
            trouble = err
        known = apt.fields("Version", *names)
        if all(known.get(name) for name in names):
            for name in names:
                kernels = name.startswith("linux-")
                apt.download_deb(name, version if kernels else known[name], folder)
            return
    raise trouble or UserError(
        f"{names[-1]} {version}: not on this machine's mirror any more; --renew takes the kernel "
        f"that Debian has now, with its headers")


def _fetch(arch: str, image: Path, match: re.Match[str]) -> Path:
    kept = image.parent / "headers"
    if kept.is_dir():
        return kept
    need_room(image.parent, f"the headers of {match['release']}", _NEEDED_BYTES)
    say(f"fetching the headers of {match['release']} (about 17 MB, once)")
    fresh = image.parent / "headers.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    try:
        for debian, names in _wanted(arch, match["release"], match["base"]).items():
            _fetch_one(debian, names, match["version"], fresh)
        fresh.rename(kept)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return kept


def _unpacked(folder: Path) -> bool:
    """Whether all of it is in the root: the last of the packages, in their order, brings tools."""
    base = re.sub(r"-[a-z0-9]+$", "", folder.name).replace("headers", "kbuild", 1)
    return all((toolchain.root() / "usr" / place).exists() for place in (
        f"src/{folder.name}/Makefile", f"lib/{base}/scripts/mod/modpost"))


def for_image(arch: str, image: Path) -> Path:
    """The folder, in the root, to build modules against that a kernel of the cache takes."""
    match = _IMAGE.fullmatch(image.parent.name)
    if match is None:
        raise UserError(f"{image}: not one of Debian's kernels in the cache; name what it was "
                        f"built with: --headers DIR or --build TREE")
    toolchain.require()
    folder = Path("/usr/src") / f"linux-headers-{match['release']}"
    if not _unpacked(folder):
        with toolchain.locked():
            for deb in sorted(_fetch(arch, image, match).glob("*.deb")):
                toolchain.unpack(deb)
    return folder
