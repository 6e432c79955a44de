# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench kernel here`: the twin in the kernel that runs on this machine, in nanoseconds."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
from pathlib import Path

from .. import folders, record
from ..arches import TOP, host
from ..child import interruptible
from ..errors import Failed, UserError
from ..results import CSV_NAME
from ..tables import Block, Table, as_text, number, write_whole
from . import log, module, rows

_SECONDS = 600
_LOADED = Path("/sys/module/mnbench")


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def check_allowed() -> None:
    """Complain where this kernel takes no module of ours."""
    lockdown = re.search(r"\[(\w+)\]", _text("/sys/kernel/security/lockdown"))
    if lockdown and lockdown[1] != "none":
        raise UserError(f"this kernel is locked down ({lockdown[1]}), and takes signed modules "
                        f"only; boot it without Secure Boot, or use `mnbench kernel run`")
    if _text("/sys/module/module/parameters/sig_enforce") == "Y":
        raise UserError("this kernel takes signed modules only (module.sig_enforce); sign "
                        "build/kernel's, or use `mnbench kernel run`")
    if _text("/proc/sys/kernel/modules_disabled") == "1":
        raise UserError("this kernel takes no modules until it is booted again "
                        "(kernel.modules_disabled); use `mnbench kernel run`")
    if _LOADED.exists():
        raise UserError("the module is loaded already; rmmod mnbench")


def headers(release: str) -> Path:
    """What modules for the running kernel are built against."""
    found = Path("/lib/modules") / release / "build"
    if not (found / "Makefile").exists():
        raise UserError(f"{found}: no headers of the running kernel; install them (on Debian: "
                        f"apt-get install linux-headers-{release}), or use `mnbench kernel run`")
    return found.resolve()


def _tell(release: str, args: argparse.Namespace) -> None:
    print(f"""\
What would be done to this machine, whose kernel is {release}:
  1. platforms/kernel is built against its headers, in build/kernel
  2. the module mnbench is loaded, which runs its operations on the loading process's own memory,
     with preemption on, for about a minute; the kernel is tainted as by any module of one's own
  3. /dev/mnbench, which root alone may open, serves munmap() and mprotect()
  4. the module is unloaded, and nothing of it is left
Parameters: {' '.join(args.parameters) or 'none'}""")


def _unload() -> None:
    """Where the program that loaded it did not come to that."""
    if _LOADED.exists():
        subprocess.run(["rmmod", "mnbench"], check=False)


def _run(loader: Path, built: Path, parameters: list[str]) -> log.Said:
    try:
        done = subprocess.run([str(loader), str(built), *parameters], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired as err:
        raise Failed(f"not done after {_SECONDS} s, and ended") from err
    finally:
        _unload()
    said = log.read(done.stdout.splitlines())
    if done.returncode:
        raise Failed(f"the loader ended with {done.returncode}: "
                     f"{(said.other or ['it said nothing'])[-1]}")
    return said


def _table(said: log.Said) -> str:
    out = Table(["operation", "a time"], "<>")
    for row in said.rows:
        label = " ".join(filter(None, [f"{row.family}/{row.op}", row.variant,
                                       row.params.replace(":", "=")]))
        value = row.error or number(statistics.median(row.ns) / row.ops, "real_ns_per_op")
        out.rows.append([label, value])
    lines = [f"The clock's own cost, {said.clock_ns:.0f} ns, is in each part that was timed."]
    return as_text([Block(f"{rows.subject(said.release)}, here", lines, out)])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench kernel here`."""
    parser.epilog = "Exit codes: 0 done, 1 it failed or the kernel complained, 2 bad input."
    parser.add_argument("--yes", action="store_true",
                        help="load it; without this, what would be done is told")
    parser.add_argument("--out", type=Path, metavar="DIR",
                        help="new or empty; default: results/local/RUN_ID-kernel")
    parser.add_argument("parameters", nargs="*", metavar="PARAMETER=VALUE",
                        help="for the module; modinfo lists them")


def main(args: argparse.Namespace) -> int:
    """`mnbench kernel here`."""
    arch, release = host(), os.uname().release
    check_allowed()
    built_against = headers(release)
    if not args.yes:
        _tell(release, args)
        raise UserError("nothing was done: say --yes to have it done")
    if os.geteuid() != 0:
        raise UserError("loading a module takes root; run this through sudo")
    if shutil.which("make") is None:
        raise UserError("make: not installed, and the module is built with it (Debian's make)")
    built = module.build_here(built_against, release)
    run_id = record.make_run_id()
    out = args.out or TOP / "results" / "local" / f"{run_id}-kernel"
    with interruptible(), folders.owned(out, resumed=False):
        said = _run(module.control_here(), built.path, args.parameters)
        where = rows.Where(run_id, os.uname().nodename, arch, "native")
        write_whole(out / CSV_NAME, rows.as_csv(rows.of_twin(said, where)))
        print(_table(said), end="")
        print(f"\n{out}/{CSV_NAME}: all of it")
    return 0
