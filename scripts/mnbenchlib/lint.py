# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench lint`: clang-tidy and cppcheck over everything written in C.

What is not asked of them is in .clang-tidy and lint.suppressions, where they are wrong is in
lint.exceptions, each with its reason.
"""

from __future__ import annotations

import argparse
import fnmatch
import hashlib
import json
import os
import re
import subprocess
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import packages
from .arches import TOP, TRIPLETS
from .commands import logged, say
from .errors import Failed, UserError

_EXCEPTIONS = Path(__file__).with_name("lint.exceptions")
_SUPPRESSIONS = Path(__file__).with_name("lint.suppressions")
_LINTED = ("core", "bench", "platforms")
_PRESET = ("-DCMAKE_C_COMPILER=clang", "-DCMAKE_CXX_COMPILER=clang++", "-DCMAKE_BUILD_TYPE=Debug",
           # The checks of the debug build are code too; without them nothing more is compiled.
           "-DMNBENCH_DEBUG=ON", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON",
           "-DMNBENCH_KERNELS=/nonexistent")
# What cppcheck wants to be told of the compiler and the libraries.
_PREDEFINED = ("-D__x86_64__=1", "-D__linux__=1", "-D__GNUC__=12", "-D__BYTE_ORDER__=1234",
               "-D__ORDER_LITTLE_ENDIAN__=1234", "-DHWLOC_API_VERSION=0x00020900")
_FINDING = re.compile(r"^(\S+?):(\d+)(?::\d+)?: (?:warning|error|performance|portability): .* "
                      r"\[(\S+)\]$")

_SHOWN = 2  # lines after it: the source and where in it, not the analyzer's way there

Entry = dict[str, str]


def _database(folder: Path) -> list[Entry]:
    """The build's own compile commands, one a file of C; and those that it has not."""
    logged(["cmake", "-S", str(TOP), "-B", str(folder), "-G", "Ninja", *_PRESET],
           folder.with_suffix(".log"), "configure for lint")
    entries: dict[str, Entry] = {}
    for entry in json.loads((folder / "compile_commands.json").read_text(encoding="utf-8")):
        path = Path(entry["file"])
        if path.suffix == ".c" and path.is_relative_to(TOP) and not path.is_relative_to(folder):
            entries.setdefault(entry["file"], entry)
    # Not platforms/kernel's module: neither tool knows the kernel's headers and compiler's flags.
    flags = f"-std=gnu11 -D_GNU_SOURCE -DCONFIG_PROVE_LOCKING -I{TOP}/core/include"
    programs = ("qemu/init.c", "kernel/control.c", "kernel/ranges.c")
    for path in sorted([*(TOP / "core").glob("fuzz/*.c"),
                        *(TOP / "platforms" / program for program in programs)]):
        entries[str(path)] = {"directory": str(TOP), "file": str(path),
                              "command": f"clang {flags} -c {path}"}
    return list(entries.values())


def _platforms(folder: Path) -> list[Entry]:
    """A file an architecture that includes its port, for its own compiler and no C library."""
    entries = []
    for arch, target in TRIPLETS.items():
        path = folder / f"{arch}.c"
        path.write_text(f'#include "{TOP}/platforms/arch.h"\n', encoding="utf-8")
        entries.append({"directory": str(folder), "file": str(path),
                        "command": f"clang --target={target} -ffreestanding -std=gnu11 -c {path}"})
    return entries


def _write(folder: Path, entries: list[Entry]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "compile_commands.json").write_text(json.dumps(entries, indent=1), encoding="utf-8")


def _exceptions() -> set[tuple[str, str, str]]:
    """File or pattern, check, and line of the findings that are let stand."""
    found = set()
    text = "".join(line for line in _EXCEPTIONS.read_text(encoding="utf-8").splitlines(True)
                   if not line.startswith("#"))
    for paragraph in filter(None, map(str.strip, text.split("\n\n"))):
        head, line, *reason = map(str.strip, paragraph.splitlines())
        file, check = head.split()
        lines = [text.strip() for path in TOP.glob(file)
                 for text in path.read_text(encoding="utf-8").splitlines()]
        if not reason or not lines or line not in ("*", *lines):
            raise UserError(f"{_EXCEPTIONS.name}: {file}: there is no line `{line}`, or no reason; "
                            f"take the exception out")
        found.add((file, check, line))
    return found


class _Clean:
    """Remembers what was found clean, by everything that the verdict may depend on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.exceptions = _exceptions()
        version = subprocess.run(["clang-tidy", "--version"], capture_output=True, check=True)
        self.common = hashlib.sha256(version.stdout + (TOP / ".clang-tidy").read_bytes())
        headers = [path for name in _LINTED for path in sorted((TOP / name).rglob("*.h"))]
        for path in [*headers, TOP / "core/mmu_notifier.c", _EXCEPTIONS]:
            self.common.update(path.read_bytes())

    def mark(self, entry: Entry) -> Path:
        """The file that is there when this was clean."""
        digest = self.common.copy()
        digest.update(entry["command"].encode() + Path(entry["file"]).read_bytes())
        return self.folder / digest.hexdigest()


def _tidy(entry: Entry, database: Path, clean: _Clean) -> list[str]:
    mark = clean.mark(entry)
    if mark.exists():
        return []
    done = subprocess.run(["clang-tidy", "--quiet", f"--config-file={TOP}/.clang-tidy", "-p",
                           str(database), entry["file"]], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          errors="replace", check=False)
    if done.returncode and not _findings(done.stdout):
        if not Path(entry["file"]).exists():
            return []  # taken away meanwhile
        raise Failed(f"clang-tidy {entry['file']}: {done.stderr.strip() or 'failed'}")
    found = [finding for finding in _findings(done.stdout)
             if not _excused(finding, entry, clean.exceptions)]
    if not found:
        mark.touch()
    return found


def _excused(finding: str, entry: Entry, exceptions: set[tuple[str, str, str]]) -> bool:
    """Whether an exception has this line, or all that is found by way of this file."""
    file, number, check = _FINDING.match(finding.splitlines()[0]).groups()
    path = Path(file).resolve()
    if not path.is_relative_to(TOP):
        return False
    line = path.read_text(encoding="utf-8").splitlines()[int(number) - 1].strip()
    by_way_of = Path(entry["file"])
    places = [(path, line), (by_way_of, "*")]
    return any(fnmatch.fnmatch(str(place), f"{TOP}/{pattern}") and text == wanted
               and name in check.split(",")
               for pattern, name, text in exceptions for place, wanted in places)


def _findings(output: str) -> list[str]:
    """A tool's output, from one finding to the next."""
    found: list[str] = []
    for line in output.splitlines():
        if _FINDING.match(line):
            found.append(line)
        elif found and found[-1].count("\n") < _SHOWN:
            found[-1] += f"\n{line}"
    return found


def _cppcheck(database: Path, jobs: int) -> list[str]:
    state = database / "cppcheck"
    state.mkdir(exist_ok=True)
    done = subprocess.run(
        ["cppcheck", f"--project={database}/compile_commands.json", f"-j{jobs}", "--quiet",
         "--std=c11", "--library=posix", "--inline-suppr", f"--cppcheck-build-dir={state}",
         "--enable=warning,performance,portability", f"--suppressions-list={_SUPPRESSIONS}",
         "--template={file}:{line}:{column}: {severity}: {message} [{id}]", *_PREDEFINED],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", check=False)
    found = _findings(done.stdout)
    if done.returncode and not found:
        raise Failed(f"cppcheck: {done.stdout.strip().splitlines()[-1:] or 'failed'}")
    return found


def _report(tool: str, files: int, findings: Iterable[str]) -> int:
    """Print what comes, once: a header's finding comes for every file that includes it."""
    started = time.monotonic()
    seen = set()
    for finding in findings:
        finding = finding.replace(f"{TOP}/", "")
        place = finding.splitlines()[0]
        if place not in seen:
            seen.add(place)
            print(finding, flush=True)
    print(f"{tool}: {files} files, {len(seen)} findings in {time.monotonic() - started:.0f} s",
          flush=True)
    return len(seen)


EXAMPLES = """\
scripts/mnbench lint
scripts/mnbench lint core/mmu_notifier.c bench/seq.c
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench lint`."""
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE",
                        help="C files; default: all of core, bench and platforms")
    parser.add_argument("--folder", type=Path, default=TOP / "build/lint", metavar="DIR",
                        help="for the compile database and what was clean (default: build/lint)")


def _chosen(entries: list[Entry], files: list[Path]) -> list[Entry]:
    wanted = {str(path.resolve()) for path in files}
    for path in wanted - {entry["file"] for entry in entries}:
        raise UserError(f"{path}: not a C file that the build knows")
    return [entry for entry in entries if entry["file"] in wanted] if files else entries


def main(args: argparse.Namespace) -> int:
    """`mnbench lint`."""
    folder = args.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if packages.have_apt():
        absent = packages.missing(packages.needed("prove", "native"))
        if absent:
            packages.install(absent, folder / "install.log")
    jobs = os.cpu_count() or 1
    built = _chosen(_database(folder / "build"), args.files)
    entries = built if args.files else [*built, *_platforms(folder)]
    _write(folder / "db", entries)
    say(f"lint: {len(entries)} files, clang-tidy then cppcheck, on {jobs} processors")

    clean = _Clean(folder / "clean")
    with ThreadPoolExecutor(jobs) as pool:
        results = pool.map(lambda entry: _tidy(entry, folder / "db", clean), entries)
        count = _report("clang-tidy", len(entries), (one for result in results for one in result))
    _write(folder / "db", built)
    count += _report("cppcheck", len(built), _cppcheck(folder / "db", jobs))
    return 1 if count else 0
