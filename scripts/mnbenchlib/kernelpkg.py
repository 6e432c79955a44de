# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's linux-source packages: looked up and fetched by an apt of our own, which any user may
run, and kept in the cache as little kernel trees with nothing but the notifier's files."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from . import packages, toolchain
from .commands import logged, say
from .errors import Failed, UserError
from .ownapt import OwnApt, need_room

_SUITES = ("bookworm", "bookworm-backports", "trixie", "trixie-backports", "sid")
_NEEDED_BYTES = 10**9
_NAME = re.compile(r"linux-source-(\d+(?:\.\d+)+)")
_WANTED = ("Makefile", "mm/mmu_notifier.c", "include/linux/mmu_notifier.h",
           "include/linux/interval_tree*.h", "include/linux/rbtree*.h", "include/linux/llist.h",
           "lib/interval_tree.c", "lib/rbtree.c")


def _folder() -> Path:
    return toolchain.cache() / "kernels"


def _order(name: str) -> list[int]:
    """Sorts packages by the versions in their names."""
    return [int(number) for number in re.findall(r"\d+", name)]


def _cached(package: str = "linux-source-*") -> Path | None:
    """The newest that was fetched before."""
    return max(_folder().glob(f"{package}_*"), key=lambda place: _order(place.name), default=None)


def _apt() -> OwnApt:
    # A source package's index is the same for every architecture, but not every one is served.
    return OwnApt(_folder() / "apt", "amd64", _SUITES)


def _look_up() -> dict[str, str]:
    """The linux-source packages that Debian has, and the version of each that apt would take."""
    site = toolchain.mirror()
    if site is None:
        raise UserError("apt: no Debian mirror among its sources, or its lists are empty; run "
                        "apt-get update as root, or name a kernel tree: --kernel PATH")
    try:
        _apt().update("look up kernels")
    except (Failed, UserError):
        # One suite may be out of reach, or its index expired; what matters is what is known now.
        pass
    names = sorted(filter(_NAME.fullmatch, _apt().ask("pkgnames", "linux-source-").split()))
    if not names:
        raise UserError(f"{site}: no index of Debian's kernels could be fetched from there; look "
                        f"at the network and at apt's proxy settings (see {toolchain.log()})")
    return _apt().fields("Version", *names)


def _fetch(package: str | None) -> Path:
    known = _look_up()
    package = package or max(known, key=_order)
    if package not in known:
        there = [_NAME.fullmatch(name)[1] for name in sorted(known, key=_order)]
        raise UserError(f"{package}: not in Debian's {', '.join(_SUITES)}, which have "
                        f"{', '.join(there)}; name one of these, or a kernel tree: --kernel PATH")
    place = _folder() / f"{package}_{known[package]}"
    if place.is_dir():
        return place
    need_room(_folder(), package, _NEEDED_BYTES)
    say(f"fetching {package} {known[package]} (about 150 MB, once)")
    fresh = _folder() / "new"
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        tree = fresh / "tree"
        tree.mkdir(parents=True)
        unpacked = _apt().download(package, known[package], fresh)
        archive = next((unpacked / "usr" / "src").glob(f"{package}.tar.*"))
        logged(["tar", "--extract", "--file", str(archive), "--directory", str(tree),
                "--strip-components=1", "--no-same-owner", "--wildcards",
                *(f"{package}/{path}" for path in _WANTED)],
               toolchain.log(), f"unpack {archive.name}")
        tree.rename(place)
    except StopIteration:
        raise Failed(f"{package}: no {package}.tar.* in it (see {toolchain.log()})") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    for other in set(_folder().glob(f"{package}_*")) - {place}:
        shutil.rmtree(other)
    return place


def fetch(version: str | None = None) -> Path:
    """The tree of linux-source-VERSION, from the cache where it has what Debian has now; the
    newest there is if no version is asked for."""
    if not packages.have_apt():
        raise UserError(f"{version or 'linux-source'}: Debian's kernels come through apt, and "
                        f"there is no apt here; name a whole kernel tree: --kernel PATH")
    package = f"linux-source-{version}" if version else None
    if missing := packages.missing(packages.needed("kernel")):
        packages.install(missing, toolchain.log())
    with toolchain.locked():
        _folder().mkdir(exist_ok=True)
        try:
            return _fetch(package)
        except UserError as err:
            kept = _cached(package) if package else None
            if kept is None:
                raise
            say(f"{err}\n{kept.name}: taken as it was fetched before")
            return kept


def newest() -> Path:
    """The newest kernel in the cache; where there is none, the newest that Debian has."""
    return _cached() or fetch()


def describe(place: Path) -> str:
    """What a folder of the cache is: the package and its version."""
    return " ".join(place.name.split("_", 1))
