# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench run`: one folder of results from the binaries of one or more architectures."""

from __future__ import annotations

import argparse
import fcntl
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import builds
from .arches import ARCHES, TOP, emulator, host
from .commands import say
from .errors import UserError
from .progress import Progress

PROFILES = ("quick", "full")
_NEEDED_BYTES = 16 * 2**20
_TOLD_LINES = 5
_EMULATED_REPETITIONS = 3
_FILES = ("mnbench.csv", "machine.json", "topology.xml")


@dataclass(frozen=True)
class Part:
    """One architecture's share of a run."""

    arch: str
    command: list[str]  # emulator, program, every flag that selects or shapes benchmarks
    benchmarks: int | None  # how many it will run; None: it cannot say


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench run`."""
    parser.usage = "mnbench run [options] [-- flags of the binary]"
    parser.epilog = ("Flags after -- go to the binary as they are: build/PRESET/bench/mnbench "
                     "--help lists them.\nExit codes: 0 done, 1 a binary failed (the rows before "
                     "that are kept), 2 bad input, 130 interrupted.")
    parser.add_argument("--profile", choices=PROFILES, default="quick",
                        help="quick: a few minutes for three architectures; full: what to publish")
    parser.add_argument("--arch", type=_words, metavar="A,B",
                        help=f"of {', '.join(ARCHES)}; default: those that are built here")
    parser.add_argument("--preset", metavar="PRESET",
                        help="run this build (native, debug, ...), not the architectures' own")
    parser.add_argument("--out", type=Path, metavar="DIR",
                        help="the folder, new or empty; default: results/local/RUN_ID")
    parser.add_argument("--families", metavar="A,B", help="only these families")
    parser.add_argument("--filter", metavar="REGEX", help="only benchmarks whose name matches")
    parser.add_argument("--pin", metavar="POLICY,..", help="instead of the profile's policies")
    parser.add_argument("--threads", metavar="N,..", help="instead of the profile's thread counts")
    parser.add_argument("flags", nargs="*", metavar="FLAG", help=argparse.SUPPRESS)


def _presets(args: argparse.Namespace) -> dict[str, str]:
    """Which build serves which architecture, this machine's first: it describes the machine."""
    if args.preset is not None:
        if args.preset not in builds.presets():
            raise UserError(f"--preset {args.preset}: no such preset; there are "
                            f"{', '.join(builds.presets())}")
        arch = args.preset if args.preset in ARCHES else host()
        if args.arch not in (None, [arch]):
            raise UserError(f"--preset {args.preset} is for {arch}: leave --arch out")
        return {arch: args.preset}
    default = builds.defaults()
    if args.arch is None:
        wanted = [host() if preset == "native" else preset for preset in default]
    else:
        wanted = args.arch
    for arch in wanted:
        if arch not in ARCHES:
            raise UserError(f"--arch {arch}: no such architecture; there are {', '.join(ARCHES)}")
        if arch not in default and arch != host():
            raise UserError(f"--arch {arch}: only this machine's own architecture is built here")
    if not wanted:
        raise UserError("--arch: names no architecture")
    wanted = sorted(set(wanted), key=lambda arch: (arch != host(), ARCHES.index(arch)))
    return {arch: arch if arch in default else "native" for arch in wanted}


def _flags(args: argparse.Namespace) -> list[str]:
    flags = ["--profile", args.profile]
    for name in ("families", "pin", "threads"):
        if (value := getattr(args, name)) is not None:
            flags += [f"--{name}", value]
    if args.filter is not None:
        flags.append(f"--benchmark_filter={args.filter}")
    return flags + args.flags


def _told(arch: str, code: int, errors: str) -> str:
    """How a binary ended, with the last of what it said."""
    said = "".join(f"\n    {line}" for line in errors.strip().splitlines()[-_TOLD_LINES:])
    how = f"exit code {code}" if code > 0 else signal.Signals(-code).name
    return f"run: {arch}: the binary ended with {how}" + (f"; its last lines:{said}" if said else "")


def _tell_of_topology(errors: str) -> None:
    """Where hwloc and the kernel differ: plans of this run may be wrong."""
    for line in errors.splitlines():
        if line.startswith("mnbench: topology:"):
            say(line)


def _bad_input(errors: str) -> UserError:
    """The binary's own one-line complaint, as ours."""
    line = (errors.strip().splitlines() or ["bad input"])[-1]
    return UserError(line.removeprefix("mnbench: "))


def _part(arch: str, preset: str, flags: list[str]) -> Part:
    program = builds.folder(preset) / "bench" / "mnbench"
    if not program.exists():
        raise UserError(f"{program.relative_to(TOP)}: not built yet; scripts/mnbench build "
                        f"{preset} builds it")
    if arch != host():
        # A few show that it runs: an emulator's times are compared with nothing, and each of the
        # threads that a wake-up takes costs the emulator memory that it never gives back.
        flags = ["--execution", "qemu-user", "--repetitions", str(_EMULATED_REPETITIONS),
                 "--twins", "0", *flags]
    command = [*emulator(arch), str(program), *flags]
    listed = subprocess.run([*command, "--benchmark_list_tests"], stdin=subprocess.DEVNULL,
                            capture_output=True, text=True, errors="replace", check=False)
    if listed.returncode == 2:
        raise _bad_input(listed.stderr)
    # One that crashes even here is told of when it is run: the others still get their turn.
    return Part(arch, command, None if listed.returncode else len(listed.stdout.split()))


def _run_id() -> str:
    name = re.sub(r"[^A-Za-z0-9-]+", "-", os.uname().nodename.partition(".")[0])
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()) + f"-{name or 'host'}"


@contextmanager
def _own_folder(folder: Path) -> Iterator[None]:
    """The folder is made, ours alone, empty and writable; taken away again if it stays empty."""
    try:
        made = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as err:
        raise UserError(f"{folder}: {err.strerror}; name another folder with --out") from err
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            raise UserError(f"{folder}: another run is writing into it; wait for it, or name "
                            f"another folder with --out") from err
        if any(folder.iterdir()):
            raise UserError(f"{folder}: not empty, and a run is never mixed into another; name a "
                            f"new folder with --out, or remove it")
        if not os.access(folder, os.W_OK):
            raise UserError(f"{folder}: read-only; name another folder with --out")
        if (free := shutil.disk_usage(folder).free) < _NEEDED_BYTES:
            raise UserError(f"{folder}: no space left ({free >> 20} MiB free, "
                            f"{_NEEDED_BYTES >> 20} MiB needed); free some, or name a folder "
                            f"elsewhere with --out")
        yield
    finally:
        if made and not any(folder.iterdir()):
            folder.rmdir()
        os.close(held)


def _stop(child: subprocess.Popen) -> None:
    """Let it end by the signal that ended us; a row is one write, so none is cut in two."""
    child.send_signal(signal.SIGINT)
    try:
        child.wait(timeout=5)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _run_part(part: Part, extra: list[str], progress: Progress) -> tuple[int, str]:
    """Run one architecture; its exit code and what it said on standard error."""
    # In memory: when the disk is full, that is what it has to say.
    with os.fdopen(os.memfd_create("stderr"), "w+", encoding="utf-8", errors="replace") as errors:
        with subprocess.Popen([*part.command, *extra], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=errors) as child:
            try:
                while child.poll() is None:
                    try:
                        child.wait(timeout=progress.interval)
                    except subprocess.TimeoutExpired:
                        progress.update()
            except BaseException:
                _stop(child)
                raise
        errors.seek(0)
        return child.returncode, errors.read()


def _run_parts(parts: list[Part], folder: Path, run_id: str) -> int:
    csv, machine, topology = (folder / name for name in _FILES)
    failed = 0
    progress = Progress(csv, [(part.arch, part.benchmarks) for part in parts])
    try:
        for number, part in enumerate(parts):
            extra = ["--csv", str(csv), "--run-id", run_id]
            if number == 0:
                extra += ["--machine", str(machine), "--topology", str(topology)]
            progress.begin(part.arch)
            code, said = _run_part(part, extra, progress)
            progress.read()
            if code == 2 and not progress.rows:
                for name in _FILES:  # in a folder that was empty: nobody else's
                    (folder / name).unlink(missing_ok=True)
                raise _bad_input(said)
            progress.end()
            if number == 0:  # emulators show the others the same machine
                _tell_of_topology(said)
            if code != 0:
                failed += 1
                say(f"mnbench: {_told(part.arch, code, said)}")
    except KeyboardInterrupt:
        progress.end()
        say(f"mnbench: interrupted; {progress.rows} whole rows are in {csv}")
        return 130
    say(f"{progress.rows} rows of {', '.join(part.arch for part in parts)} in {progress.took()}"
        + (f", {progress.errors} of them skipped or failed: see column `error`"
           if progress.errors else ""))
    if failed:
        say(f"mnbench: run: {failed} of {len(parts)} architectures failed; their rows before that "
            f"are in {csv}")
    return 1 if failed else 0


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def main(args: argparse.Namespace) -> int:
    """`mnbench run`."""
    presets = _presets(args)
    parts = [_part(arch, preset, _flags(args)) for arch, preset in presets.items()]
    if all(part.benchmarks == 0 for part in parts):
        raise UserError("run: no benchmark is left by --families, --filter, --pin and --threads; "
                        "build/PRESET/bench/mnbench --benchmark_list_tests lists them")
    run_id = _run_id()
    folder = args.out or TOP / "results" / "local" / run_id
    # Also where the shell started us in the background, and so with SIGINT ignored.
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    with _own_folder(folder):
        code = _run_parts(parts, folder, run_id)
    print(folder)
    return code
