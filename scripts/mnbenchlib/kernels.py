# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernels' own notifiers as further subjects: a folder each in build/kernels, where CMake finds
them, with unaltered files of a kernel tree and nothing else. They get there once they compile."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from . import kernelpkg, toolchain
from .arches import ARCHES, TOP
from .commands import say, why
from .errors import UserError

_HEADER = "include/linux/mmu_notifier.h"
_COMPILED = ("mm/mmu_notifier.c", "lib/interval_tree.c", "lib/rbtree.c")
# What a subject brings of its own where its files include it; core/include answers the rest.
_FAMILY = re.compile(r"^\s*#\s*include\s*<linux/"
                     r"((?:mmu_notifier|interval_tree|rbtree|llist)\w*\.h)>", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
_VERSION = re.compile(r"\d+(\.\d+)+")
_ERROR = re.compile(r"^(\S+?:\d+):(?:\d+:)? (?:fatal )?error: (.+?)(?: \[-W\S+\])?$|"
                    r"(\S+):\(\S+\): (undefined reference to .+)$|^CMake (Error).*\n +(.+)$",
                    re.MULTILINE)
# As CMake compiles them; what is called must be declared, lest it were missed only by the linker.
_FLAGS = ("-c", "-O2", "-std=gnu11", "-fno-strict-aliasing", "-D_GNU_SOURCE",
          "-DCONFIG_MMU_NOTIFIER", "-Werror=implicit-function-declaration")
_IN_FOLDER = 'cd "$1" && shift && exec "$@"'


class BadTree(UserError):
    """A tree that cannot be a subject; the others can."""


@dataclass(frozen=True)
class _Tree:
    """Where a subject's files come from."""

    name: str
    shown: str
    find: Callable[[str], Path | None]
    version: str | None


def _place(name: str = "") -> Path:
    return TOP / "build" / "kernels" / name


def _aside(what: str) -> Path:
    """Beside the subjects' folder, so that a rename does, and out of CMake's sight."""
    return TOP / "build" / f"kernels.{what}"


def names() -> list[str]:
    """The kernels that are subjects now."""
    return sorted(path.parents[1].name for path in _place().glob("*/mm/mmu_notifier.c"))


def recover() -> None:
    """Put back what a run that was killed had set aside, and drop what it had begun."""
    for old in _aside("old").glob("*"):
        if not _place(old.name).exists():
            old.rename(_place(old.name))
    for what in ("old", "new"):
        shutil.rmtree(_aside(what), ignore_errors=True)


def _check_name(name: str, shown: str) -> None:
    if not _NAME.fullmatch(name) or name == "none":
        raise UserError(f"{shown}: {name!r} cannot be a subject's name, which is of letters, "
                        f"digits and ._+-, and not `none`; give one: --kernel NAME=PATH")


def _check_apart(trees: Sequence[_Tree], stay: Sequence[str]) -> None:
    """Names go into symbols, where all but letters and digits is the same."""
    def symbol(name: str) -> str:
        return re.sub(r"\W", "_", name)
    taken = {symbol(name): name for name in stay}
    for number, tree in enumerate(trees):
        other = taken.get(symbol(tree.name), tree.name)
        if other != tree.name or tree.name in (before.name for before in trees[:number]):
            raise UserError(f"{tree.shown}: upstream-{tree.name} cannot be told from "
                            f"upstream-{other}; give another name: --kernel NAME=PATH")
        taken[symbol(tree.name)] = tree.name


def _version(tree: Path) -> str | None:
    """What a tree's Makefile says that it is."""
    makefile = tree / "Makefile"
    if not makefile.is_file():
        return None
    text = makefile.read_text(encoding="utf-8", errors="replace")
    values = dict(re.findall(r"^(VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION) *= *(\S*)$", text,
                             re.MULTILINE))
    if not values.get("VERSION") or not values.get("PATCHLEVEL"):
        return None
    sub = values.get("SUBLEVEL") or "0"
    return (f"{values['VERSION']}.{values['PATCHLEVEL']}" + (f".{sub}" if sub != "0" else "")
            + values.get("EXTRAVERSION", ""))


def _in(tree: Path) -> Callable[[str], Path | None]:
    def find(path: str) -> Path | None:
        return tree / path if (tree / path).is_file() else None
    return find


def _beside(folder: Path, rest: Path | None) -> Callable[[str], Path | None]:
    """A file by its bare name; what the notifier stands on may be the tree's `rest`."""
    def find(path: str) -> Path | None:
        own = folder / Path(path).name
        if own.is_file() or rest is None or path in (_COMPILED[0], _HEADER):
            return own if own.is_file() else None
        return _in(rest)(path)
    return find


def _single(name: str, path: Path) -> _Tree:
    """A mmu_notifier.c alone, with its header."""
    folder = path.parent
    rest = None
    if not all((folder / Path(other).name).is_file() for other in _COMPILED):
        rest = kernelpkg.newest()
    shown = f"{path}, the rest from {kernelpkg.describe(rest)}" if rest else str(path)
    return _Tree(name, shown, _beside(folder, rest), _version(folder))


def _open(word: str) -> _Tree:
    """What one --kernel means."""
    name, equals, where = word.partition("=")
    if not equals or Path(word).exists():
        name, where = "", word
    if _VERSION.fullmatch(where):
        _check_name(name or where, word)
        tree = kernelpkg.fetch(where)
        return _Tree(name or where, kernelpkg.describe(tree), _in(tree), _version(tree))
    path = Path(where).expanduser().absolute()
    if not where or not path.exists():
        raise UserError(f"{word}: neither a kernel tree, nor a mmu_notifier.c, nor a version as "
                        f"Debian names its packages (6.12)")
    if path.name == "mmu_notifier.c" and (path.parents[1] / _HEADER).is_file():
        path = path.parents[1]
    folder = path.parent if path.is_file() else path
    name = name or _version(folder) or folder.name
    _check_name(name, word)
    if not path.is_file():
        return _Tree(name, str(path), _in(path), _version(path))
    if path.name != "mmu_notifier.c":
        raise BadTree(f"{path}: neither a kernel tree nor a mmu_notifier.c")
    return _single(name, path)


def _files(tree: _Tree) -> dict[str, Path]:
    """A tree's files that make a subject, each by its path in there."""
    found: dict[str, Path] = {}
    todo = [_COMPILED[0], _HEADER, *_COMPILED[1:]]
    while todo:
        path = todo.pop(0)
        place = tree.find(path)
        if place is None:
            if path in (*_COMPILED, _HEADER):
                raise BadTree(f"{tree.shown}: {path} was looked for, and is not there")
            continue  # an include of what the compiler may never come to; it says if it does
        found[path] = place
        try:
            text = place.read_text(encoding="utf-8", errors="replace")
        except OSError as err:
            raise BadTree(f"{place}: {err.strerror}") from err
        if path == _HEADER and not re.search(r"struct\s+mmu_interval_notifier\s*\{", text):
            raise BadTree(f"{tree.shown}: struct mmu_interval_notifier was looked for, and {path} "
                          f"has none: it is of a kernel before 5.5")
        todo += [more for header in _FAMILY.findall(text)
                 if (more := f"include/linux/{header}") not in (*found, *todo)]
    return found


def _digests(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*.[ch]"))}


def _stage(tree: _Tree) -> Path:
    """Copy a tree's files to where nobody sees them yet."""
    files = _files(tree)
    shutil.rmtree(_aside("new"), ignore_errors=True)
    staged = _aside("new") / tree.name
    for path, source in files.items():
        (staged / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, staged / path)
    (staged / "source.json").write_text(json.dumps({
        "tree": tree.shown,
        "version": tree.version,
        "taken": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "sha256": _digests(staged),
    }, indent=2) + "\n", encoding="utf-8")
    return staged


def _triplet(arch: str) -> str:
    text = (TOP / "platforms" / arch / "toolchain.cmake").read_text(encoding="utf-8")
    return re.search(r"MNBENCH_TRIPLET (\S+)\)", text)[1]


def _log() -> Path:
    return TOP / "build" / "kernels.log"


def _complaint(staged: Path, command: Sequence[str], crossed: bool) -> str:
    """Run a command; what it says first if it fails, empty if it works. All goes to the log."""
    done = subprocess.run(toolchain.inside(command) if crossed else command, cwd=TOP,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
                          env={**os.environ, "LC_ALL": "C"})
    with _log().open("a", encoding="utf-8") as log:
        log.write(f"== {' '.join(command)}\n{done.stdout}")
    if done.returncode == 0:
        return ""
    match = _ERROR.search(done.stdout.replace(f"{staged}/", "").replace(f"{TOP}/", ""))
    said = ": ".join(filter(None, match.groups())) if match else why(done.stdout)
    return f"{said} (see {_log().relative_to(TOP)})"


def _compile(staged: Path, compiler: Sequence[str], crossed: bool) -> str:
    """What one compiler says against a staged subject's own files."""
    core = TOP / "core" / "include"
    objects = _aside("new") / "objects"
    objects.mkdir(exist_ok=True)
    return _complaint(staged, [
        "sh", "-c", _IN_FOLDER, "sh", str(objects), *compiler, *_FLAGS,
        *(f"-I{folder}" for folder in (staged / "include", core, core / "mm")),
        *(str(staged / path) for path in _COMPILED)], crossed)


def _link(staged: Path, crossed: bool) -> str:
    """What the build says against all that comes of a staged subject, in a folder of its own."""
    preset = "x86_64" if crossed else "native"
    built = f"build/kernels.trial/{preset}"
    name = staged.name
    configure = ["cmake", "--preset", preset, "-B", built,
                 f"-DMNBENCH_KERNELS={staged.parent}"]
    if complaint := _complaint(staged, configure, crossed):
        return complaint
    ask = ["cmake", "--build", built, "--target", "help"]
    listed = subprocess.run(toolchain.inside(ask) if crossed else ask, cwd=TOP, text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False).stdout
    symbol = re.sub(r"\W", "_", name)
    targets = [target for target in re.findall(r"^([^\s/]+): phony$", listed, re.MULTILINE)
               if f"upstream-{name}" in target or f"upstream_{symbol}_" in target]
    return _complaint(staged, ["cmake", "--build", built, "--target", *targets], crossed)


def _try(tree: _Tree, staged: Path, crossed: bool) -> None:
    """Its own files with every compiler at hand; what is made of them with one."""
    compilers = {"": (os.environ.get("CC") or "cc").split()}
    if shutil.which(compilers[""][0]) is None:
        del compilers[""]
    if crossed:
        compilers |= {arch: [f"{_triplet(arch)}-gcc"] for arch in ARCHES}
    say(f"upstream-{tree.name}: trying {tree.shown}")
    for arch, compiler in compilers.items():
        if first := _compile(staged, compiler, crossed=bool(arch)):
            target = f" for {arch}" if arch else ""
            raise BadTree(f"{tree.shown}: it was to compile against core/include{target}, and "
                          f"does not: {first}")
    if first := _link(staged, crossed):
        raise BadTree(f"{tree.shown}: the tests and benchmarks were to be built with it, and "
                      f"cannot be: {first}")


def _put(tree: _Tree, crossed: bool) -> None:
    """Make a tree a subject, in the place of an older one of its name."""
    staged = _stage(tree)
    place = _place(tree.name)
    if place.is_dir() and _digests(place) == _digests(staged):
        say(f"upstream-{tree.name}: {tree.shown}, as before")
        return
    _try(tree, staged, crossed)
    old = _aside("old") / tree.name
    old.parent.mkdir(parents=True, exist_ok=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():
        place.rename(old)
    staged.rename(place)
    say(f"upstream-{tree.name} is a subject now")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench build` that are about kernels."""
    parser.add_argument("--kernel", action="append", default=[], metavar="KERNEL",
                        help="build a kernel's own notifier too, from now on: a version as Debian "
                        "names its packages (6.12), a kernel tree, or a mmu_notifier.c with its "
                        "header beside it; NAME=KERNEL names the subject upstream-NAME; `none` "
                        "forgets all; may be repeated")
    parser.add_argument("--forget-kernel", action="append", default=[], metavar="NAME",
                        help="leave the subject upstream-NAME out again; may be repeated")


def change(args: argparse.Namespace, crossed: bool) -> list[BadTree]:
    """Do what the arguments say; the trees that could not be taken, the others being in place.
    `crossed`: whether the toolchain root's compilers are to take them as well."""
    recover()
    _log().unlink(missing_ok=True)
    for name in args.forget_kernel:
        if name not in names():
            raise UserError(f"{name}: no such kernel among the subjects; there are "
                            f"{', '.join(names()) or 'none'}")
    bad: list[BadTree] = []
    trees: list[_Tree] = []
    for word in args.kernel:
        try:
            if word != "none":
                trees.append(_open(word))
        except BadTree as err:
            bad.append(err)
    leave = names() if "none" in args.kernel else args.forget_kernel
    _check_apart(trees, [name for name in names() if name not in leave])
    for name in leave:
        shutil.rmtree(_place(name), ignore_errors=True)
    for tree in trees:
        try:
            _put(tree, crossed)
        except BadTree as err:
            bad.append(err)
        except OSError as err:
            bad.append(BadTree(f"{err.filename or tree.shown}: {err.strerror}"))
    recover()
    return bad
