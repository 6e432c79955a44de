# SPDX-License-Identifier: GPL-2.0-or-later
"""The architectures, this machine's, and how a program of another one is run here."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from .errors import UserError

TOP = Path(__file__).resolve().parents[2]
ARCHES = ("x86_64", "arm64", "riscv64")
DEBIAN = {"x86_64": "amd64", "arm64": "arm64", "riscv64": "riscv64"}
TRIPLETS = {"x86_64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu",
            "riscv64": "riscv64-linux-gnu"}
_MACHINES = {"x86_64": "x86_64", "aarch64": "arm64", "riscv64": "riscv64"}


def host() -> str:
    """This machine's architecture, by our name."""
    machine = os.uname().machine
    if machine not in _MACHINES:
        raise UserError(f"{machine}: not an architecture of mnbench; it knows "
                        f"{', '.join(ARCHES)}")
    return _MACHINES[machine]


def emulator(arch: str) -> list[str]:
    """The command that runs a program of `arch` here; empty where none is needed."""
    return [] if arch == host() else emulator_words(arch)


def emulator_words(arch: str) -> list[str]:
    """The command that emulates a program of `arch`, also where none is needed to run it."""
    text = (TOP / "platforms" / arch / "emulator").read_text(encoding="utf-8")
    command = [word for line in text.splitlines() if not line.startswith("#")
               for word in line.split()]
    if shutil.which(command[0]) is None:
        raise UserError(f"{command[0]}: not installed, and {arch} runs under it here; install "
                        f"the package qemu-user (scripts/mnbench setup does), or leave {arch} "
                        f"out with --arch")
    return command
