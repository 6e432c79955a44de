# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench count`: what the operations execute, exactly, and whether that has changed."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import tempfile
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from . import builds, counted, folders, qemuplugin, qemuuser, record, runs
from .arches import ARCHES, TOP
from .child import interruptible
from .commands import say
from .errors import Failed, UserError
from .helptext import offer
from .tables import as_text, write_whole

# In an architecture's working folder; the last one is the plugin's, see the binary's --help.
_ROWS, _COUNTS, _MACHINE, _ANSWER = "rows.csv", "counts.csv", "machine.json", "counts.csv.answer"
_OLD = "--count: no such flag"


@dataclass(frozen=True)
class Part:
    """One architecture's share: where it works, what it runs there."""

    arch: str
    folder: Path
    command: list[str]


EXAMPLES = """\
scripts/mnbench count                        # all three architectures
scripts/mnbench count --arch riscv64 --families seq --out counted
scripts/mnbench count --check                # exit 1 if one executes an instruction more
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench count`."""
    parser.epilog = ("Every operation that one thread does alone is counted, under qemu-user with "
                     "a plugin that is built when it is missing. "
                     "--check and --record take results/counts/. "
                     "exit: 0 done, 1 a binary failed or a recorded count is another one "
                     "now, 2 bad input.")
    one = parser.add_argument("--arch", type=runs.words, metavar="A,B",
                              help=f"of {', '.join(ARCHES)} (all)")
    offer(one, ARCHES, listed=True)
    parser.add_argument("--families", metavar="A,B", help="only these families")
    parser.add_argument("--filter", metavar="REGEX", help="only benchmarks whose name matches")
    parser.add_argument("--out", type=Path, metavar="DIR",
                        help="keep mnbench.csv and counts.csv there, new or empty; default: "
                        "results/local/RUN_ID, and nowhere with --check and --record")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true",
                      help="compare with the recorded counts, which must be the same to the last "
                      "instruction")
    what.add_argument("--record", action="store_true", help="record the counts anew")


def _arches(args: argparse.Namespace) -> list[str]:
    wanted = list(ARCHES) if args.arch is None else args.arch
    for arch in wanted:
        if arch not in ARCHES:
            raise UserError(f"--arch {arch}: no such architecture; there are {', '.join(ARCHES)}")
    if not wanted:
        raise UserError("--arch: names no architecture")
    if args.record and (args.families or args.filter):
        raise UserError("--record: records every operation; leave --families and --filter out")
    return sorted(set(wanted), key=ARCHES.index)


def part_of(arch: str, program: Path, run_id: str, work: Path) -> Part:
    """All of a program's operations, counted in a folder of its own below WORK."""
    qemu, options = qemuuser.command(arch)
    folder = work / arch
    folder.mkdir()
    # Named without its folder: commas in a path are the emulator's own.
    (folder / "count.so").symlink_to(qemuplugin.require())
    command = [*qemu, "-plugin", f"./count.so,out={_ANSWER}", *options, str(program),
               "--count", _COUNTS, "--csv", _ROWS, "--machine", _MACHINE, "--run-id", run_id,
               "--execution", "qemu-user"]
    return Part(arch, folder, command)


def counted_by(part: Part) -> pd.DataFrame:
    """Runs one part alone; its table of counts."""
    child = _started(part, min(os.sched_getaffinity(0)))
    try:
        _ended(part, child.wait())
    finally:
        child.kill()
        child.wait()
    return counted.read(_joined([part], _COUNTS))


def _part(arch: str, args: argparse.Namespace, run_id: str, work: Path) -> Part:
    program = builds.folder(arch) / "bench" / "mnbench"
    if not program.exists():
        raise UserError(f"{program.relative_to(TOP)}: not built yet; scripts/mnbench build {arch} "
                        f"builds it")
    part = part_of(arch, program, run_id, work)
    # What is recorded has no kernel's file in it: those come and go.
    wanted = args.filter or ("-/upstream-" if args.check or args.record else None)
    for flag, value in (("--families", args.families), ("--benchmark_filter", wanted)):
        if value is not None:
            part.command.append(f"{flag}={value}")
    return part


def _complaint(part: Part, code: int, said: str) -> Exception:
    """Why a binary did not end well."""
    lines = said.strip().splitlines() or ["it said nothing"]
    if not (part.folder / _COUNTS).exists() and "count.so" in said:
        return UserError(f"{part.arch}: the emulator cannot use the plugin: {lines[-1]}")
    if _OLD in said:
        return UserError(f"{part.command[part.command.index('--count') - 1]}: cannot count, it is "
                         f"older than this checkout; scripts/mnbench build {part.arch}")
    if code == 2:
        return UserError(lines[-1].removeprefix("mnbench: "))
    how = f"exit code {code}" if code > 0 else signal.Signals(-code).name
    return Failed(f"{part.arch}: the binary ended with {how}: {lines[-1]}")


def _started(part: Part, cpu: int) -> subprocess.Popen:
    with (part.folder / "stderr").open("wb") as errors:
        return subprocess.Popen(["taskset", "--cpu-list", str(cpu), *part.command],
                                cwd=part.folder, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=errors)


def _ended(part: Part, code: int) -> None:
    if code:
        said = (part.folder / "stderr").read_text(encoding="utf-8", errors="replace")
        raise _complaint(part, code, said)


def _tell(part: Part, seconds: float) -> None:
    lines = (part.folder / _COUNTS).read_text(encoding="utf-8").count("\n") - 1
    if lines:
        say(f"{part.arch}: {lines} operations after {seconds:.0f} s")


def _run(parts: list[Part]) -> None:
    """All of them, one on each of our CPUs at a time."""
    waiting, running, started = list(parts), {}, time.monotonic()
    free = sorted(os.sched_getaffinity(0))
    try:
        while waiting or running:
            while waiting and free:
                part, cpu = waiting.pop(0), free.pop()
                running[part.arch] = (part, cpu, _started(part, cpu))
            time.sleep(0.05)
            for part, cpu, child in list(running.values()):
                if child.poll() is not None:
                    del running[part.arch]
                    free.append(cpu)
                    _ended(part, child.returncode)
                    _tell(part, time.monotonic() - started)
    finally:
        for _, _, child in running.values():
            child.kill()
            child.wait()


def _joined(parts: list[Part], name: str) -> str:
    """The parts' files, which begin with the same header, as one."""
    texts = [(part.folder / name).read_text(encoding="utf-8") for part in parts]
    return texts[0] + "".join(text.partition("\n")[2] for text in texts[1:])


def _keep(parts: list[Part], folder: Path) -> None:
    for source, target in ((_ROWS, "mnbench.csv"), (_COUNTS, "counts.csv")):
        write_whole(folder / target, _joined(parts, source))
    write_whole(folder / _MACHINE, (parts[0].folder / _MACHINE).read_text(encoding="utf-8"))


def toolchain(machine_json: Path) -> dict:
    """What counts are of: with another compiler or library it is another program."""
    machine = json.loads(machine_json.read_text(encoding="utf-8"))
    build = {name: machine["build"][name] for name in ("compiler", "flags", "type", "glibc")}
    return build | {"libraries": machine["libraries"]}


def _judge(args: argparse.Namespace, parts: list[Part], table: pd.DataFrame) -> int:
    toolchains = {part.arch: toolchain(part.folder / _MACHINE) for part in parts}
    if args.record:
        counted.record(table, toolchains)
        return 0
    whole = args.families is None and args.filter is None
    return 1 if any([counted.check(table[table["arch"] == arch], arch, toolchains[arch], whole)
                     for arch in toolchains]) else 0


def main(args: argparse.Namespace) -> int:
    """`mnbench count`."""
    arches, run_id = _arches(args), record.make_run_id()
    recorded = args.check or args.record
    out = args.out or (None if recorded else TOP / "results" / "local" / f"{run_id}-counts")
    with (interruptible(), folders.owned(out, resumed=False) if out else nullcontext(),
          tempfile.TemporaryDirectory(prefix="mnbench-count-") as work):
        parts = [_part(arch, args, run_id, Path(work)) for arch in arches]
        _run(parts)
        table = counted.read(_joined(parts, _COUNTS))
        if table.empty:
            raise UserError("count: no operation of one thread is left by --families and --filter")
        if out:
            _keep(parts, out)
        if recorded:
            return _judge(args, parts, table)
    print(as_text(counted.blocks(table)), end="")
    print(f"\n{out}/counts.csv: all {len(table)} of them, beside mnbench.csv")
    return 0
