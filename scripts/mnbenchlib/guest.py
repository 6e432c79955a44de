# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest: a machine that qemu-system plays, a kernel, a handful of files and the commands that
its init (platforms/qemu/init.c) runs; what they said is read off its console."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import initramfs, toolchain
from .arches import TOP, TRIPLETS
from .commands import logged
from .errors import Failed, UserError

_INIT = TOP / "platforms" / "qemu" / "init.c"
_TOLD_LINES = 12
# One CPU whose clocks tell how many instructions it has executed, one a nanosecond, and jump over
# the time that it waits; and nothing that differs from one boot to the next.
_COUNTED = ("-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off", "-seed", "1",
            "-rtc", "base=2026-01-01,clock=vm")
_TIMED = ("-accel", "tcg,thread=multi")
_MARK = re.compile(r"guest: (run|exit|signal|end|broken)\b:? ?(.*)")

# The machine that qemu plays, with its CPU, its console, and the package that has it.
_EMULATORS = {
    "x86_64": ("qemu-system-x86_64 -machine q35 -cpu max", "ttyS0", "qemu-system-x86"),
    "arm64": ("qemu-system-aarch64 -machine virt,gic-version=3 -cpu max,pauth-impdef=on",
              "ttyAMA0", "qemu-system-arm"),
    "riscv64": ("qemu-system-riscv64 -machine virt", "ttyS0", "qemu-system-misc"),
}
ARCHES = tuple(_EMULATORS)


@dataclass(frozen=True)
class Machine:
    """What a guest has: packages of cores of threads, spread over NUMA nodes."""

    arch: str
    packages: int = 1
    cores: int = 1
    threads: int = 1
    nodes: int = 1
    mib_a_node: int = 512

    def pus(self) -> int:
        """How many PUs there are in all."""
        return self.packages * self.cores * self.threads


@dataclass
class Ran:
    """A command that ran in a guest."""

    status: int | None = None  # its exit status; the negative of a signal; None: it did not end
    lines: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Outcome:
    """What became of a guest, in the order of its commands; those that never ran are not in it."""

    ran: list[Ran]
    seconds: float  # from start to power-off


def emulator(arch: str) -> list[str]:
    """The start of the command line; a complaint where it is not installed."""
    if arch not in _EMULATORS:
        raise UserError(f"{arch}: no guests of that architecture; there are {', '.join(ARCHES)}")
    command, _, package = _EMULATORS[arch]
    words = command.split()
    if shutil.which(words[0]) is None:
        raise UserError(f"{words[0]}: not installed, and a guest of {arch} runs on it; install the "
                        f"package {package}, or leave {arch} out")
    return words


def _topology(machine: Machine) -> list[str]:
    words = ["-smp", f"{machine.pus()},sockets={machine.packages},cores={machine.cores},"
                     f"threads={machine.threads}",
             "-m", f"{machine.nodes * machine.mib_a_node}M"]
    share = machine.pus() // machine.nodes
    for node in range(machine.nodes):
        words += ["-object", f"memory-backend-ram,id=mem{node},size={machine.mib_a_node}M",
                  "-numa", f"node,nodeid={node},memdev=mem{node},"
                           f"cpus={node * share}-{(node + 1) * share - 1}"]
    return words


def _init(arch: str) -> Path:
    """The guest's init, compiled by the toolchain root when it is older than its source."""
    built = TOP / "build" / "guest" / arch / "init"
    if built.exists() and built.stat().st_mtime >= _INIT.stat().st_mtime:
        return built
    toolchain.require()
    built.parent.mkdir(parents=True, exist_ok=True)
    logged(toolchain.inside([f"{TRIPLETS[arch]}-gcc", "-O2", "-Wall", "-Wextra", "-Werror",
                             "-static", "-o", str(built), str(_INIT)]),
           built.parent / "init.log", f"compile {_INIT.name} for {arch}")
    return built


def _commands(commands: Sequence[Sequence[str]]) -> bytes:
    words = [word for command in commands for word in command]
    if any("\n" in word or not word for word in words):
        raise UserError("a guest's command has words without a line break, and none empty")
    return "".join("\n".join(command) + "\n\n" for command in commands).encode()


def _read(console: str) -> tuple[list[Ran], str]:
    """The commands with what they said, and how it all ended: "end", "broken ..." or ""."""
    ran: list[Ran] = []
    ended = ""
    inside = False
    for line in console.replace("\r", "").splitlines():
        mark = _MARK.fullmatch(line)
        if mark is None:
            if inside:
                ran[-1].lines.append(line)
            continue
        what, rest = mark[1], mark[2]
        if what == "run":
            ran.append(Ran())
        elif what in ("exit", "signal") and inside:
            status = int(rest.split()[1])
            ran[-1].status = status if what == "exit" else -status
            ran[-1].lines = ran[-1].lines[:-1]  # init begins a new line, whoever left it
        else:
            ended = f"{what} {rest}".strip()
        inside = what == "run"
    return ran, ended


def _last_lines(console: str) -> str:
    lines = [line.rstrip() for line in console.replace("\r", "\n").splitlines() if line.strip()]
    return "".join(f"\n    {line}" for line in lines[-_TOLD_LINES:]) or " nothing"


def _play(command: list[str], seconds: float) -> tuple[str, str]:
    """What the console showed, and why it did not end well: "" if it did."""
    with tempfile.TemporaryFile() as console, subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT) as qemu:
        trouble = ""
        try:
            code = qemu.wait(timeout=seconds)
            if code:
                how = f"exit {code}" if code > 0 else signal.Signals(-code).name
                trouble = f"{command[0]} ended with {how}"
        except subprocess.TimeoutExpired:
            trouble = f"not done after {seconds:g} s"
        finally:
            qemu.kill()
            qemu.wait()
        console.seek(0)
        return console.read().decode(errors="replace"), trouble


def boot(machine: Machine, kernel: Path, files: Mapping[str, Path | bytes],
         commands: Sequence[Sequence[str]], seconds: float, parameters: str = "",
         counted: bool = False) -> Outcome:
    """Boot a guest, run commands in it one after the other, and wait until it is off.

    `files` has contents, or where to read them, by absolute path in the guest; nothing else is
    there. Failed, with the last lines of the console, where it does not get to the end within
    `seconds`; how each command ended is for the caller to judge. `parameters` go to the kernel.
    `counted`: its clocks count instructions; it has one CPU then.
    """
    words = emulator(machine.arch)
    console = _EMULATORS[machine.arch][1]
    everything = {**files, "/init": _init(machine.arch), "/commands": _commands(commands)}
    with tempfile.NamedTemporaryFile(prefix="mnbench-guest-") as archive:
        archive.write(initramfs.archive(everything))
        archive.flush()
        started = time.monotonic()
        text, trouble = _play(
            [*words, *(_COUNTED if counted else _TIMED), *_topology(machine), "-nodefaults",
             "-no-user-config", "-display", "none", "-serial", "stdio", "-no-reboot",
             "-kernel", str(kernel), "-initrd", archive.name,
             "-append", f"console={console} panic=-1 {parameters}".strip()], seconds)
    ran, ended = _read(text)
    if trouble or ended != "end":
        why = trouble or ended or "it went off before its init was done"
        raise Failed(f"{machine.arch}: the guest failed: {why}; the last of its console:"
                     f"{_last_lines(text)}")
    return Outcome(ran, time.monotonic() - started)
