# SPDX-License-Identifier: GPL-2.0-or-later
"""The programs from outside: Debian's source packages, fetched and compiled as ours is."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from . import builds, packages, toolchain
from .arches import TOP
from .commands import logged, say
from .errors import Failed, UserError
from .outsiders import Program
from .ownapt import OwnApt

_OURS = TOP / "bench" / "outside"
_SUITES = ("bookworm", "trixie")
# Not of the program, but of how it is compiled: warnings are its authors' business.
_LEFT_OUT = ("-Wall", "-Wextra")
# What of a package's archive is wanted, and where its headers are.
_WANTED = {"ck": ("*/regressions/*",), "liburcu": ("*/tests/*", "*/src/*.h"),
           "glibc": ("*/benchtests/*",)}
_HEADERS = {"ck": ("regressions",), "liburcu": ("tests/common", "src")}
COUNTER = Program("counter", "ck", (), ("counter.c",))


def _folder() -> Path:
    return toolchain.cache() / "outside"


def _suite() -> str:
    """Debian's release here, whose programs are of the libraries' versions; else the oldest."""
    try:
        text = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        text = ""
    found = re.search(r"^VERSION_CODENAME=(\w+)$", text, re.MULTILINE)
    return found[1] if found and found[1] in _SUITES else _SUITES[0]


# ---- fetching ----

def _cached(package: str) -> Path | None:
    return next(iter(sorted(_folder().glob(f"{package}_{_suite()}_*"))), None)


def _unpack(archive: Path, package: str, tree: Path) -> None:
    tree.mkdir()
    logged(["tar", "--extract", "--file", str(archive), "--directory", str(tree),
            "--strip-components=1", "--no-same-owner", "--wildcards", *_WANTED[package]],
           toolchain.log(), f"unpack {archive.name}")


def _fetch(package: str) -> Path:
    apt = OwnApt(_folder() / "apt", "amd64", [_suite()], ("deb-src",))
    apt.update(f"look up {package}")
    versions = re.findall(r"^Version: (.+)$", apt.ask("showsrc", package), re.MULTILINE)
    if not versions:
        raise UserError(f"{package}: no source package of that name in Debian's {_suite()} by "
                        f"{toolchain.mirror()}; look at the network and at apt's proxy settings "
                        f"(see {toolchain.log()})")
    version = versions[-1]
    say(f"fetching {package} {version}'s source for its benchmarks (once)")
    fresh = _folder() / "new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        apt.download_source(package, version, fresh)
        archive = next(path for path in fresh.glob(f"{package}_*.orig.tar.*")
                       if path.suffix != ".asc")
        _unpack(archive, package, fresh / "tree")
        place = _folder() / f"{package}_{_suite()}_{version}"
        (fresh / "tree").rename(place)
    except StopIteration:
        raise Failed(f"{package} {version}: no archive came with it (see {toolchain.log()})"
                     ) from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return place


def _tree(package: str) -> Path:
    """A source package's benchmarks, from the cache where they are there."""
    if (place := _cached(package)) is not None:
        return place
    if not packages.have_apt():
        raise UserError(f"{package}: its benchmarks come through apt, and there is no apt here; "
                        f"run this on Debian")
    with toolchain.locked():
        return _cached(package) or _fetch(package)


def version(program: Program) -> str:
    """The version of what a program comes from."""
    if program.installed:
        done = subprocess.run([_installed(program), "--version"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)
        found = re.search(r"\d+(\.\d+)+", done.stdout)
        return found[0] if found else "of unknown version"
    return _tree(program.package).name.rsplit("_", 1)[-1]


# ---- building ----

def _compiler() -> tuple[str, list[str]]:
    """Ours, and its flags, as the measured build has them."""
    folder = builds.folder("native")
    try:
        cache = (folder / "CMakeCache.txt").read_text(encoding="utf-8")
    except OSError as err:
        raise UserError(f"{err.filename}: {err.strerror}; scripts/mnbench build native builds "
                        f"ours") from err
    compiler = re.search(r"^CMAKE_C_COMPILER:\w+=(.+)$", cache, re.MULTILINE)
    return (compiler[1] if compiler else "cc"), [
        word for word in _build_facts()["flags"].split() if word not in _LEFT_OUT]


def _build_facts() -> dict[str, str]:
    program = builds.folder("native") / "bench" / "mnbench"
    done = subprocess.run([str(program), "--machine", "/dev/stdout", "--csv", "/dev/null",
                           "--benchmark_filter=^probe/loop/", "--threads", "1", "--pin", "compact",
                           "--repetitions", "1", "--target", "0", "--twins", "0"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    try:
        start, end = done.stdout.index("{\n"), done.stdout.rindex("\n}") + 2
        return json.loads(done.stdout[start:end])["build"]
    except (ValueError, KeyError) as err:
        raise Failed(f"{program}: tells nothing of its build (exit code {done.returncode})"
                     ) from err


def _command(program: Program, flags: Sequence[str], tree: Path) -> list[str]:
    theirs = [tree / name for name in _HEADERS.get(program.package, ())]
    ours = [_OURS / "glibc"] if program.package == "glibc" else []
    core = []
    if program.name.startswith("like_ck"):
        ours.append(TOP / "core" / "include")
        core.append(str(builds.folder("native") / "core" / "libmncore.a"))
    return [*flags, "-DNDEBUG", "-D_GNU_SOURCE", *(f"-I{folder}" for folder in theirs + ours),
            *(str(tree / source) for source in program.sources),
            *(str(_OURS / source) for source in program.ours), *core, *program.words]


def _compile(program: Program, compiler: str, flags: Sequence[str]) -> Path:
    tree = _tree(program.package) if program.package else _OURS
    if program.package == "glibc":
        shutil.copy(_OURS / "glibc" / "test-skeleton.c", tree)
    for source in program.sources:
        if not (tree / source).exists():
            raise UserError(f"{program.package} {version(program)}: has no {source} any more; "
                            f"leave it out with --only")
    words = [compiler, *_command(program, flags, tree)]
    # The core's library stands for its headers too.
    used = [*sorted(_OURS.rglob("*.[ch]")), *(Path(word) for word in words if word.endswith(".a"))]
    text = "\0".join(words).encode() + b"".join(path.read_bytes() for path in used)
    place = _folder() / "bin" / f"{program.name}-{hashlib.sha256(text).hexdigest()[:12]}"
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = place.with_name(place.name + ".new")
        logged([*words, "-o", str(fresh)], toolchain.log(), f"compile {program.name}")
        fresh.rename(place)
    return place


def _installed(program: Program) -> str:
    found = shutil.which(program.installed)
    if found is None:
        raise UserError(f"{program.installed}: not installed; install the package "
                        f"{program.package}, or leave it out with --only")
    return found


def require(programs: Iterable[Program]) -> dict[str, str]:
    """Where each program is, by name; fetched, compiled or installed where it is not yet."""
    if packages.have_apt():
        if missing := packages.missing(packages.needed("outside")):
            packages.install(missing, toolchain.log())
    compiler, flags = _compiler()
    places = {}
    for program in programs:
        if program.name in places:
            continue
        places[program.name] = (_installed(program) if program.installed
                                else str(_compile(program, compiler, flags)))
    return places
