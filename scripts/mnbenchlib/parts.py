# SPDX-License-Identifier: GPL-2.0-or-later
"""What a run consists of: which builds' binaries, with which flags."""

from __future__ import annotations

import argparse
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import builds, child, compare, paired
from .arches import ARCHES, TOP, emulator, host
from .errors import UserError

_EMULATED_REPETITIONS = 3
_LEAST_REPETITIONS = 10
_BUDGETS = {"quick": 75.0, "full": 900.0}  # seconds of one binary, as it has them itself


@dataclass(frozen=True)
class Part:
    """One binary's share of a run."""

    arch: str
    program: Path
    command: list[str]  # emulator, program, every flag but those of files
    names: list[str] | None  # of the benchmarks that it will run; None: it cannot say
    repetitions: int  # of each, at least

    @property
    def benchmarks(self) -> int | None:
        """How many it will run."""
        return None if self.names is None else len(self.names)


def presets(args: argparse.Namespace) -> dict[str, str]:
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
    if args.arch is None and args.against is not None:
        wanted = [host()]
    elif args.arch is None:
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


def flags(args: argparse.Namespace) -> list[str]:
    """The binary's flags, of what the user asked for."""
    out = ["--profile", args.profile]
    for name in ("families", "pin", "threads", "seed", "repetitions", "target", "twins"):
        if (value := getattr(args, name)) is not None:
            out += [f"--{name}", str(value)]
    if args.filter is not None:
        out.append(f"--benchmark_filter={args.filter}")
    return [*out, "--budget", f"{budget(args):g}", *args.flags]


def budget(args: argparse.Namespace) -> float:
    """Seconds of an architecture after which nobody gets more than the least; 0: no limit."""
    if args.budget is not None:
        return args.budget
    return _BUDGETS[args.profile] * (2 if args.against else 1)


def of_preset(arch: str, preset: str, args: argparse.Namespace) -> Part:
    """The part of a preset's build."""
    program = builds.folder(preset) / "bench" / "mnbench"
    if not program.exists():
        raise UserError(f"{program.relative_to(TOP)}: not built yet; scripts/mnbench build "
                        f"{preset} builds it")
    return _part(arch, program, args)


def _part(arch: str, program: Path, args: argparse.Namespace) -> Part:
    words, repetitions = flags(args), args.repetitions or _LEAST_REPETITIONS
    if arch != host():
        # A few short ones show that it runs: an emulator's times are compared with nothing, and each
        # of the threads that a wake-up takes costs the emulator memory that it never gives back.
        words = ["--execution", "qemu-user", "--repetitions", str(_EMULATED_REPETITIONS),
                 "--twins", "0", "--benchmark_min_time=0.01", "--window", "20", *words]
        repetitions = args.repetitions or _EMULATED_REPETITIONS
    command = [*emulator(arch), str(program), *words]
    return Part(arch, program, command, _listed(command, program), repetitions)


def _listed(command: list[str], program: Path) -> list[str] | None:
    try:
        done = subprocess.run([*command, "--benchmark_list_tests"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, errors="replace", check=False)
    except OSError as err:
        raise UserError(f"{program.name}: cannot be run: {err.strerror}") from err
    if done.returncode == 2:
        raise child.bad_input(done.stderr)
    # One that crashes even here is told of when it is run: the others still get their turn.
    return None if done.returncode else done.stdout.split()


def find_other(text: str) -> Path:
    """The binary that --against means: a preset's, a build folder's, or itself."""
    if text in builds.presets():
        program = builds.folder(text) / "bench" / "mnbench"
        if not program.exists():
            raise UserError(f"--against {text}: {program.relative_to(TOP)} is not built yet; "
                            f"scripts/mnbench build {text} builds it")
        return program
    path = Path(text)
    program = path / "bench" / "mnbench" if path.is_dir() else path
    if not program.is_file():
        raise UserError(f"--against {text}: neither a preset ({', '.join(builds.presets())}), nor "
                        f"a build folder with bench/mnbench in it, nor a binary")
    if not os.access(program, os.X_OK):
        raise UserError(f"--against {program}: not a program")
    return program.resolve()


def other(mine: Part, args: argparse.Namespace) -> Part:
    """The part of the binary that this build is measured against, with the same flags."""
    if mine.arch != host():
        raise UserError(f"--against: {mine.arch} is emulated here, and emulated times are never "
                        f"compared; leave --against out, or {mine.arch}")
    try:
        found = _part(mine.arch, Path(args.against), args)
    except UserError as err:
        raise UserError(f"--against {args.against}: {err}") from err
    if found.names is not None and not found.names:
        raise UserError(f"--against {args.against}: it has none of the benchmarks asked for")
    return found


def rounds_for(part: Part) -> int:
    """Repetitions with which a benchmark that moved alone is decided in lock-step.

    Two more than the least: a round may go astray.
    """
    tests = max(1, len(part.names or []))
    return max(_LEAST_REPETITIONS, paired.rounds_needed(tests, compare.ALPHA) + 2)
