# SPDX-License-Identifier: GPL-2.0-or-later
"""An apt of our own, which any user may run: it shares nothing with the machine's but the way to
the mirror, and takes Debian's signed indexes alone."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from . import toolchain
from .commands import logged
from .errors import UserError

_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def need_room(folder: Path, what: str, needed: float) -> None:
    """UserError where a folder has not so many bytes free for `what`."""
    if (free := shutil.disk_usage(folder).free) < needed:
        raise UserError(f"{folder}: no space left for {what}: {free / 1e9:.1f} GB free, "
                        f"{needed / 1e9:.1f} GB needed; free some, or point MNBENCH_CACHE "
                        f"to another folder")


class OwnApt:
    """For packages of one architecture, from some suites; its state is kept in a folder. With
    their sources where `kinds` has deb-src."""

    def __init__(self, folder: Path, architecture: str, suites: Sequence[str],
                 kinds: Sequence[str] = ("deb",)) -> None:
        self.folder = folder
        self.architecture = architecture
        self.suites = suites
        self.kinds = kinds

    def _configure(self, site: str) -> None:
        for name in ("state/lists/partial", "cache/archives/partial"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        sources = self.folder / "sources.list"
        sources.write_text("".join(f"{kind} [signed-by={_KEYRING}] {site} {suite} main\n"
                                   for kind in self.kinds for suite in self.suites),
                           encoding="utf-8")
        settings = [
            f'APT::Architecture "{self.architecture}"', f'APT::Architectures "{self.architecture}"',
            'APT::Sandbox::User "root"', f'Dir::State "{self.folder}/state"',
            'Dir::State::status "/dev/null"', f'Dir::Cache "{self.folder}/cache"',
            'Dir::Cache::pkgcache ""', 'Dir::Cache::srcpkgcache ""',
            'Dir::Etc::main "/dev/null"', 'Dir::Etc::parts "/dev/null"',
            f'Dir::Etc::sourcelist "{sources}"', 'Dir::Etc::sourceparts "/dev/null"',
            'Dir::Etc::preferences "/dev/null"', 'Dir::Etc::preferencesparts "/dev/null"',
            'Acquire::Languages "none"', 'Acquire::GzipIndexes "true"',
            *toolchain.apt_options()]
        (self.folder / "apt.conf").write_text("".join(f"{line};\n" for line in settings),
                                              encoding="utf-8")

    def _command(self, *words: str) -> list[str]:
        return ["env", f"APT_CONFIG={self.folder / 'apt.conf'}", "LC_ALL=C.UTF-8", *words]

    def update(self, what: str) -> None:
        """Fetch the indexes of the suites; `what` names it in the log. Failed or UserError where
        not all could be had: what is known then may still be enough."""
        site = toolchain.mirror()
        if site is None:
            raise UserError("apt: no Debian mirror among its sources, or its lists are empty; run "
                            "apt-get update as root")
        self._configure(site)
        logged(self._command("apt-get", "--quiet", "update"), toolchain.log(), what)

    def ask(self, *words: str) -> str:
        """What apt-cache answers."""
        return subprocess.run(self._command("apt-cache", *words), stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.DEVNULL, check=False).stdout

    def fields(self, name: str, *packages: str) -> dict[str, str]:
        """One field of each package that there is, of the version that apt would take."""
        shown = self.ask("--no-all-versions", "show", *packages) if packages else ""
        found = re.findall(rf"^(Package|{name}): (.+)$", shown, re.MULTILINE)
        values = [value for _, value in found]
        return dict(zip(values[::2], values[1::2]))

    def download_deb(self, package: str, version: str, folder: Path) -> None:
        """Fetch a package into a folder and check it."""
        logged(self._command("apt-get", "--quiet", "download", f"{package}={version}"),
               toolchain.log(), f"download {package}", cwd=folder)

    def download(self, package: str, version: str, folder: Path) -> Path:
        """Fetch a package into an empty folder and check it; unpacked beside it as `deb`."""
        self.download_deb(package, version, folder)
        deb = next(folder.glob("*.deb"))
        logged(["dpkg-deb", "--extract", str(deb), str(folder / "deb")], toolchain.log(),
               f"unpack {deb.name}")
        deb.unlink()
        return folder / "deb"

    def download_all(self, package: str, folder: Path) -> None:
        """Fetch a package with all that it depends on, unpacked into a folder."""
        logged(self._command("apt-get", "--quiet", "--yes", "--no-install-recommends",
                             "--download-only", "install", package),
               toolchain.log(), f"download {package}")
        for deb in sorted((self.folder / "cache" / "archives").glob("*.deb")):
            logged(["dpkg-deb", "--extract", str(deb), str(folder)], toolchain.log(),
                   f"unpack {deb.name}")
            deb.unlink()

    def download_source(self, package: str, version: str, folder: Path) -> None:
        """Fetch a source package's files into a folder."""
        logged(self._command("apt-get", "--quiet", "source", "--download-only",
                             f"{package}={version}"),
               toolchain.log(), f"download {package}'s source", cwd=folder)
