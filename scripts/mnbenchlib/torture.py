# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench torture`: the stress tests of built presets, natively or emulated, for a time."""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from . import builds
from .arches import ARCHES, emulator
from .commands import say
from .errors import UserError
from .helptext import offer
from .tables import Block, Table, as_text

# A line of the program: a test's end, or why it failed.
_END = re.compile(r"(?P<test>\w+): (?P<result>passed|failed), (?P<operations>\d+) operations in "
                  r"(?P<seconds>[\d.]+) s")
_FAILED = re.compile(r"FAILED (?P<test>\w+): (?P<why>.*)")
# An emulated or sanitized machine takes longer for everything that is not wrong.
_STALL_SECONDS = {"native": 20, "x86_64": 20}
_STALL_SECONDS_ELSEWHERE = 60


def program(preset: str, subject: str) -> Path:
    """A preset's torture, of the port or of a kernel's notifier."""
    name = "torture" if subject == "port" else f"torture-{subject}"
    return builds.folder(preset) / "core" / name


def _subjects(preset: str) -> list[str]:
    found = builds.folder(preset).joinpath("core").glob("torture-*")
    return ["port", *sorted(path.name.removeprefix("torture-") for path in found)]


def _require(preset: str, subject: str) -> None:
    if preset not in builds.presets():
        raise UserError(f"{preset}: no such preset; there are {', '.join(builds.presets())}")
    if not program(preset, "port").exists():
        raise UserError(f"{preset}: not built; scripts/mnbench build {preset} builds it")
    if not program(preset, subject).exists():
        raise UserError(f"{subject}: not built for {preset}; there are "
                        f"{', '.join(_subjects(preset))}")


def command(preset: str, subject: str) -> list[str]:
    """What runs it here, without options."""
    before = emulator(preset) if preset in ARCHES else []
    if preset == "tsan":
        # The thread sanitizer gives up where the kernel spreads mappings wider than it knows.
        before = ["setarch", os.uname().machine, "--addr-no-randomize"]
    return [*before, str(program(preset, subject))]


def _options(args: argparse.Namespace, preset: str) -> list[str]:
    stall = args.stall or _STALL_SECONDS.get(preset, _STALL_SECONDS_ELSEWHERE)
    options = ["--seconds", str(args.seconds), "--stall", str(stall)]
    for name in ("seed", "threads"):
        if getattr(args, name) is not None:
            options += [f"--{name}", str(getattr(args, name))]
    return options + [word for name in args.test for word in ("--test", name)]


def _follow(words: list[str], where: str) -> tuple[int, list[list[str]], list[str]]:
    """Run one program: its exit code, the table's rows, what failed."""
    rows, failures = [], []
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          errors="replace") as running:
        assert running.stdout is not None
        for line in running.stdout:
            if found := _FAILED.match(line):
                failures.append(f"{where}: {line.strip()}")
                say(failures[-1])
            elif found := _END.match(line):
                rows.append([where, found["test"], found["operations"], found["seconds"],
                             found["result"]])
            elif line.startswith("seed "):
                say(f"{where}: {line.strip()}")
    return running.returncode, rows, failures


def _ended(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


EXAMPLES = """\
scripts/mnbench torture --list
scripts/mnbench torture --seconds 10 --preset tsan
scripts/mnbench torture --test removals --seed 4711 --threads 4
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench torture`."""
    parser.add_argument("--seconds", type=float, default=60, metavar="N",
                        help="for each program, shared by its tests (default 60)")
    one = parser.add_argument("--preset", action="append", metavar="P",
                              help="a built preset; may be repeated (default: native, or this "
                                   "machine's architecture)")
    offer(one, builds.presets())
    parser.add_argument("--subject", action="append", metavar="S",
                        help="port, or upstream-VERSION as built; may be repeated (default: port)")
    parser.add_argument("--test", action="append", default=[], metavar="NAME[,NAME]",
                        help="only these; --list names them")
    parser.add_argument("--seed", type=int, metavar="N", help="what a failure printed")
    parser.add_argument("--threads", type=int, metavar="N",
                        help="of each role that has no number of its own (default 2)")
    parser.add_argument("--stall", type=float, metavar="SECONDS",
                        help="how long a thread may be in one place (default 20; 60 where "
                             "emulated or sanitized)")
    parser.add_argument("--list", action="store_true", help="name the tests, and what they check")


def _default_preset() -> str:
    """The first that is built of those that run here by themselves."""
    for preset in ("native", *ARCHES[:1]):
        if program(preset, "port").exists():
            return preset
    return "native"


def main(args: argparse.Namespace) -> int:
    """`mnbench torture`."""
    presets, subjects = args.preset or [_default_preset()], args.subject or ["port"]
    for preset in presets:
        for subject in subjects:
            _require(preset, subject)
    if args.list:
        return subprocess.run([*command(presets[0], subjects[0]), "--list"],
                              check=False).returncode
    table = Table(["program", "test", "operations", "seconds", "result"], "<<>><")
    failures: list[str] = []
    for preset in presets:
        for subject in subjects:
            where = preset if subject == "port" else f"{preset} {subject}"
            code, rows, failed = _follow(command(preset, subject) + _options(args, preset), where)
            if code == 2:  # it has said why
                return 2
            if code and not failed:
                failed = [f"{where}: {_ended(code)}"]
            table.rows += rows
            failures += failed
    sys.stdout.write(as_text([Block("torture", table=table)]))
    print("\n".join([*failures, f"{len(table.rows)} tests, {len(failures)} failed"]))
    return 1 if failures else 0
