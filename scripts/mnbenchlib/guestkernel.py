# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernels that guests boot: Debian's own, fetched once and kept in the cache."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from . import arches, packages, toolchain
from .commands import say
from .errors import Failed, UserError
from .ownapt import OwnApt, need_room

_NEEDED_BYTES = 6 * 10**8


def _folder() -> Path:
    return toolchain.cache() / "guests"


def _cached(arch: str) -> Path | None:
    """The newest that was fetched before."""
    found = _folder().glob(f"linux-image-*-{arches.DEBIAN[arch]}_*/vmlinuz")
    return max(found, key=lambda path: [int(n) for n in re.findall(r"\d+", path.parent.name)],
               default=None)


def _look_up(arch: str) -> tuple[OwnApt, str, str]:
    """The apt that knows it, the kernel's package and its version."""
    debian = arches.DEBIAN[arch]
    meta = f"linux-image-{debian}"
    trouble: UserError | Failed | None = None
    for suite in toolchain.SUITES:
        apt = OwnApt(_folder() / f"apt-{suite}-{debian}", debian, [suite])
        try:
            apt.update(f"look up {meta} in {suite}")
        except (UserError, Failed) as err:
            trouble = err
        named = re.search(r"(linux-image-\S+) \(= (\S+)\)", apt.fields("Depends", meta).get(meta, ""))
        if named:
            return apt, named[1], named[2]
    raise trouble or UserError(f"{meta}: not in Debian's {' or '.join(toolchain.SUITES)} as this "
                               f"machine's mirror has it; try again later")


def _fetch(arch: str) -> Path:
    apt, package, version = _look_up(arch)
    image = _folder() / f"{package}_{version}" / "vmlinuz"
    if image.exists():
        return image
    need_room(_folder(), package, _NEEDED_BYTES)
    say(f"fetching {package} {version} (about 100 MB, once)")
    fresh = _folder() / "new"
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        (fresh / "kernel").mkdir(parents=True)
        found = next((apt.download(package, version, fresh) / "boot").glob("vmlinu[xz]-*"))
        found.rename(fresh / "kernel" / "vmlinuz")
        (fresh / "kernel").rename(image.parent)
    except StopIteration:
        raise Failed(f"{package}: no kernel in it (see {toolchain.log()})") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return image


def fetch(arch: str, renew: bool = False) -> Path:
    """The kernel for a guest of an architecture: from the cache, or, where there is none or it is
    to be renewed, the one that Debian has now."""
    kept = _cached(arch)
    if kept and not renew:
        return kept
    if not packages.have_apt():
        raise UserError(f"{arch}: the guests' kernels come through apt, and there is no apt here")
    if missing := packages.missing(packages.needed("kernel")):
        packages.install(missing, toolchain.log())
    with toolchain.locked():
        _folder().mkdir(exist_ok=True)
        return _fetch(arch)


def describe(image: Path) -> str:
    """The package and its version."""
    return " ".join(image.parent.name.split("_", 1))
