# SPDX-License-Identifier: GPL-2.0-or-later
"""The plugin of qemu-user that counts instructions: built here, against Debian's qemu source."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

from . import packages, qemuuser, toolchain
from .arches import TOP
from .commands import logged, say
from .errors import Failed, UserError
from .ownapt import OwnApt

_SOURCES = TOP / "platforms" / "qemu"


def _newest(apt: OwnApt) -> str:
    """The source package's version, of those of our series."""
    versions = re.findall(r"^Version: (.+)$", apt.ask("showsrc", "qemu"), re.MULTILINE)
    ours = [version for version in versions
            if re.match(rf"(\d+:)?{re.escape(qemuuser.SERIES)}[^\d]", version)]
    if not ours:
        raise UserError(f"{toolchain.mirror()}: no qemu {qemuuser.SERIES} in Debian's {qemuuser.SUITE} source index; look at "
                        f"the network and at apt's proxy settings (see {toolchain.log()})")
    return ours[-1]


def _fetch_header(header: Path) -> None:
    apt = qemuuser.index()
    version = _newest(apt)
    say(f"fetching qemu {version}'s source for its plugin interface (24 MB, once)")
    fresh = header.parent / "source.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        apt.download_source("qemu", version, fresh)
        archive = next(fresh.glob("qemu_*.orig.tar.*"))
        logged(["tar", "--extract", "--file", str(archive), "--directory", str(fresh),
                "--strip-components=3", "--no-same-owner", "--wildcards",
                "*/include/qemu/qemu-plugin.h"], toolchain.log(), f"unpack {archive.name}")
        (fresh / header.name).rename(header)
    except StopIteration:
        raise Failed(f"qemu {version}: no archive came with it (see {toolchain.log()})") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _compile(plugin: Path, header: Path) -> None:
    fresh = plugin.with_suffix(".new")
    logged(["cc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-fPIC",
            "-fvisibility=hidden", "-shared", f"-I{header.parent}", "-o", str(fresh),
            *map(str, sorted(_SOURCES.glob("*.c")))], toolchain.log(), "build qemu's plugin")
    fresh.rename(plugin)


def place() -> Path:
    """Where the plugin is, once it is built, for what its sources are now."""
    text = b"".join(path.read_bytes() for path in sorted(_SOURCES.glob("*.[ch]")))
    return qemuuser.folder() / f"count-{hashlib.sha256(text).hexdigest()[:12]}.so"


def require() -> Path:
    """The plugin, built where it is not yet."""
    plugin = place()
    header = plugin.with_name("qemu-plugin.h")
    if plugin.exists():
        return plugin
    if packages.have_apt():
        if missing := packages.missing(packages.needed("count")):
            packages.install(missing, toolchain.log())
    elif not header.exists():
        raise UserError(f"{header.name}: qemu's interface of plugins comes through apt, and there "
                        f"is no apt here; count on Debian")
    with toolchain.locked():
        if not header.exists():
            _fetch_header(header)
        if not plugin.exists():
            _compile(plugin, header)
    return plugin
