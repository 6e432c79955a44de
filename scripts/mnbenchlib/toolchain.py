# SPDX-License-Identifier: GPL-2.0-or-later
"""The toolchain root: a private Debian trixie in the cache with compilers for the three
architectures and static libraries, made once, whole or not at all."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from . import packages
from .arches import TOP
from .commands import logged, say
from .errors import OutOfStep, UserError

SUITE = "trixie"
# The suite's other name, for a mirror whose files under the first one do not fit one another: a
# cache that keeps each file for a time of its own.
_ALIAS = "stable"
SUITES = (SUITE, _ALIAS)
_LIBRARIES = Path(__file__).with_name("staticlibs.sh")
_NEEDED_BYTES = 3 * 10**9

# In a mount namespace of its own; the checkout at its own path, so that the build's files land
# where the host's tools expect them. What was mounted is taken away in the end for the sake of a
# chroot, where the namespace may share its mounts with the machine outside; an ordinary user's
# namespace may refuse that, and needs it not.
_ENTER = """
set -e
root=$1 top=$2 also=$3 mounted=
shift 3
leave() {
    for place in $mounted ${1:+"$1"}; do umount --recursive --lazy "$root$place" || :; done
} 2>/dev/null
trap leave EXIT
trap 'exit 130' INT TERM HUP
for dir in /proc /sys /dev; do
    mount --rbind --make-rslave "$dir" "$root$dir"
    mounted="$dir $mounted"
done
for file in /etc/resolv.conf /etc/hosts; do
    [ -e "$file" ] || continue
    : >>"$root$file"
    mount --bind "$file" "$root$file"
    mounted="$file $mounted"
done
mkdir -p "$root$top"
mount --bind "$top" "$root$top"
for dir in $also; do
    mkdir -p "$root$dir"
    mount --bind "$dir" "$root$dir"
    mounted="$dir $mounted"
done
trap 'leave "$top"' EXIT
chroot "$root" /bin/sh -c 'cd "$1"; shift; exec "$@"' sh "$top" "$@"
"""
_PASSED_ON = ("http_proxy", "https_proxy", "no_proxy", "TERM")
_PASSED_TO_APT = re.compile(
    r'^(Acquire::(?:https?|ftp)::Proxy(?:::\S+)?|Acquire::Check-Valid-Until) "(.+)";$')


def cache() -> Path:
    """Where what can be made again lies."""
    if own := os.environ.get("MNBENCH_CACHE"):
        return Path(own).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).absolute() / "mnbench"


def log() -> Path:
    """The log of everything that set-up does."""
    return cache() / "setup.log"


def root() -> Path:
    """The root's folder. Its name says what went in: with another recipe it is another root."""
    recipe = "\n".join([SUITE, *packages.needed("root", "headers", "source"),
                        _LIBRARIES.read_text(encoding="utf-8")])
    return cache() / f"root-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


def ready() -> bool:
    """Whether the root is there; it is renamed into place when whole."""
    return root().is_dir()


@lru_cache
def _namespace() -> list[str]:
    """An ordinary user is root in a namespace of his own, with his range of sub-ids."""
    if os.geteuid() != 0:
        return ["unshare", "--map-root-user", "--map-auto", "--mount", "--"]
    command = ["unshare", "--mount"]
    if subprocess.run([*command, "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        # In a chroot / is no mount, and its propagation cannot be set.
        command += ["--propagation", "unchanged"]
    return [*command, "--"]


def inside(command: Sequence[str], where: Path | None = None,
           also: Sequence[Path] = ()) -> list[str]:
    """The command that runs `command` in the root, from the checkout's top; `also`: folders that
    are there too, at their own paths."""
    if bad := next((place for place in also if re.search(r"\s", str(place))), None):
        raise UserError(f"{bad}: a folder whose path has blanks in it cannot be built in")
    passed = [f"{name}={os.environ[name]}" for name in _PASSED_ON if name in os.environ]
    return [*_namespace(), "/bin/sh", "-c", _ENTER, "mnbench", str(where or root()), str(TOP),
            " ".join(map(str, also)), "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8",
            *passed, *command]


def _output(*command: str) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          check=False).stdout


def mirror() -> str | None:
    """Debian's mirror as this machine's apt knows it; None where it knows none."""
    fields = "$(ORIGIN)|$(LABEL)|$(SITE)"
    for line in _output("apt-get", "indextargets", "--format", fields).splitlines():
        origin, label, site = line.split("|")
        if (origin, label) == ("Debian", "Debian"):
            return site
    return None


def apt_options() -> list[str]:
    """How this machine's apt reaches the mirror, for the root's apt."""
    lines = _output("apt-config", "dump").splitlines()
    found = filter(None, map(_PASSED_TO_APT.match, lines))
    return [f'{match[1]} "{match[2]}"' for match in found]


@contextmanager
def locked() -> Iterator[None]:
    """One set-up at a time; a second one waits, and finds the work done."""
    try:
        cache().mkdir(parents=True, exist_ok=True)
        with (cache() / "lock").open("w", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f"waiting for another set-up in {cache()}")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as err:
        raise UserError(f"{err.filename or cache()}: {err.strerror}; MNBENCH_CACHE names another "
                        f"folder for the toolchain") from err


def _remove(folder: Path) -> None:
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    for line in mounts:
        place = line.split()[4].encode().decode("unicode_escape")  # a blank is \\040 there
        if Path(place).is_relative_to(folder):
            raise UserError(f"{place}: still mounted, from a set-up that was cut off; umount it")
    subprocess.run([*_namespace(), "rm", "-rf", "--one-file-system", str(folder)], check=False)


def _debootstrap(folder: Path, site: str, suite: str) -> None:
    include = ",".join(packages.needed("root"))
    options = ['APT::Install-Recommends "false"', *apt_options()]
    sources = {name.partition("/")[2] for name in packages.needed("source")}
    releases = {suite, *sources - {SUITE}}
    say(f"toolchain root: installing Debian {suite} into {cache()} (about a minute, 1.4 GB)")
    logged([*_namespace(), "mmdebstrap", "--mode=root", "--variant=apt",
            "--skip=cleanup/apt/lists", "--architectures=amd64,arm64,riscv64",
            # Nothing is lost by a power cut that would not be made again: do without fsync.
            "--dpkgopt=force-unsafe-io", *(f"--aptopt={option}" for option in options),
            f"--include={include}",
            suite, str(folder), f"deb {site} {suite} main",
            *(f"deb-src {site} {release} main" for release in sorted(releases))],
           log(), "mmdebstrap")


def _install(folder: Path, site: str) -> None:
    """Debian's packages, then the libraries that are built from source."""
    try:
        _debootstrap(folder, site, SUITE)
    except OutOfStep:
        _remove(folder)
        _debootstrap(folder, site, _ALIAS)
        if f"={SUITE}\n" not in (folder / "etc/os-release").read_text(encoding="utf-8"):
            raise  # the alias has moved on to the next release
    say("toolchain root: building Google Benchmark and liburcu for three architectures "
        "(one to two minutes)")
    logged(inside(["sh", str(_LIBRARIES), " ".join(packages.needed("source")),
                   " ".join(packages.needed("headers"))], folder), log(), "static libraries")


def make() -> bool:
    """Make the root unless it is there; whether there was anything to do."""
    if ready():
        return False
    with locked():
        if ready():
            return False
        for left in cache().glob("root-*.new"):
            _remove(left)
        if (free := shutil.disk_usage(cache()).free) < _NEEDED_BYTES:
            raise UserError(f"{cache()}: no space left for the toolchain root: "
                            f"{free / 1e9:.1f} GB free, {_NEEDED_BYTES / 1e9:.0f} GB needed; free "
                            f"some, or point MNBENCH_CACHE to another folder")
        site = mirror()
        if site is None:
            raise UserError("apt: no Debian mirror among its sources, or its lists are empty; "
                            "run apt-get update as root")
        fresh = root().with_suffix(".new")
        try:
            _install(fresh, site)
            fresh.rename(root())
        finally:
            if fresh.exists():
                _remove(fresh)
    for other in sorted(set(cache().glob("root-*")) - {root()}):
        say(f"another recipe's toolchain root is left in {other}; rm -rf it if no other checkout "
            f"needs it")
    return True


def unpack(deb: Path) -> None:
    """Put a package's files into the root, as they are."""
    logged([*_namespace(), "dpkg-deb", "--extract", str(deb), str(root())], log(),
           f"unpack {deb.name} into the root")


def require() -> None:
    """Complain unless the root is there."""
    if not ready():
        raise UserError("the toolchain root is not made yet; scripts/mnbench setup makes it")
