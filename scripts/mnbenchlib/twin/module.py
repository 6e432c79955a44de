# SPDX-License-Identifier: GPL-2.0-or-later
"""Building the twin, platforms/kernel: the module against a kernel's headers, and the program that
loads it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import toolchain
from ..arches import TOP, TRIPLETS
from ..commands import logged
from ..errors import Failed, UserError

SOURCE = TOP / "platforms" / "kernel"
_ARCH = {"x86_64": "x86", "arm64": "arm64", "riscv64": "riscv"}
_CONTROL = (SOURCE / "control.c", SOURCE / "ranges.c")  # a program, not in the module
_FLAGS = ("-O2", "-Wall", "-Wextra", "-Werror")


@dataclass(frozen=True)
class Module:
    """A built module: where it is, and what the compiler had to say against it."""

    path: Path
    warnings: list[str]


def _config(headers: Path, inside: bool) -> str:
    """The kernel's configuration, "" where there is none to read."""
    base = toolchain.root() / headers.relative_to("/") if inside else headers
    try:
        return (base / ".config").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def check_config(headers: Path, config: str) -> None:
    """Complain of a kernel that has nothing to time, or takes no modules."""
    for option in ("MODULES", "MMU_NOTIFIER"):
        if config and f"\nCONFIG_{option}=y\n" not in f"\n{config}":
            raise UserError(f"{headers}: a kernel without CONFIG_{option}; "
                            + ("something that needs it, such as KVM or HMM_MIRROR, must be "
                               "configured in" if option == "MMU_NOTIFIER" else
                               "the twin is a module"))


def _copied(folder: Path) -> None:
    """Kbuild writes beside the sources, so that each kernel has a copy of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for source in [*SOURCE.glob("*.[ch]"), SOURCE / "Kbuild"]:
        target = folder / source.name
        if source not in _CONTROL and (not target.exists()
                                   or target.read_bytes() != source.read_bytes()):
            shutil.copyfile(source, target)


def _make(folder: Path, headers: Path, words: Sequence[str]) -> list[str]:
    # Debian's headers would have type information made by a program that they do not bring.
    return ["make", "-C", str(headers), f"M={folder}", *words, "CONFIG_DEBUG_INFO_BTF_MODULES=",
            "modules"]


def _finished(folder: Path, log: Path) -> Module:
    text = log.read_text(encoding="utf-8", errors="replace")
    module = folder / "mnbench.ko"
    if not module.exists():
        raise Failed(f"{folder}: no module was made (see {log})")
    return Module(module, [line for line in text.splitlines()
                           if re.search(r"\bwarning:", line, re.IGNORECASE)])


def _prepared(name: str) -> tuple[Path, Path]:
    """The folder that it is built in, with the sources, and its log, empty."""
    folder = TOP / "build" / "kernel" / name
    _copied(folder)
    log = folder / "build.log"
    log.unlink(missing_ok=True)
    return folder, log


def build(arch: str, headers: Path, name: str, also: Sequence[Path] = ()) -> Module:
    """Build the module in the toolchain root against headers there; `name` tells it from those for
    other kernels, `also` are folders that the root must see."""
    toolchain.require()
    check_config(headers, _config(headers, inside=not also))
    folder, log = _prepared(f"{arch}-{name}")
    words = [f"ARCH={_ARCH[arch]}", f"CROSS_COMPILE={TRIPLETS[arch]}-"]
    logged(toolchain.inside(_make(folder, headers, words), also=also), log,
           f"build the module for {arch}")
    return _finished(folder, log)


def build_here(headers: Path, release: str) -> Module:
    """Build the module for the running kernel, with this machine's own compiler."""
    check_config(headers, _config(headers, inside=False))
    folder, log = _prepared(f"here-{release}")
    logged(_make(folder, headers, []), log, "build the module")
    return _finished(folder, log)


def _loader(name: str, compiler: Sequence[str], options: Sequence[str]) -> Path:
    built = TOP / "build" / "kernel" / f"control-{name}"
    newest = max(source.stat().st_mtime for source in _CONTROL)
    if not built.exists() or built.stat().st_mtime < newest:
        built.parent.mkdir(parents=True, exist_ok=True)
        logged([*compiler, *_FLAGS, *options, "-o", str(built), *map(str, _CONTROL)],
               built.with_suffix(".log"), f"compile the loader ({name})")
    return built


def control(arch: str) -> Path:
    """The program that loads it in a guest, built when it is older than its source."""
    toolchain.require()
    return _loader(arch, toolchain.inside([f"{TRIPLETS[arch]}-gcc"]), ["-static"])


def control_here() -> Path:
    """The program that loads it here."""
    return _loader("here", ["cc"], [])
