# SPDX-License-Identifier: GPL-2.0-or-later
"""A checkout without sources, and with stand-ins for its binaries: for tests only."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from fake_binary import Fake, program  # also puts scripts/ on the path

from mnbenchlib import arches

TOP = Path(__file__).resolve().parents[2]

_EMULATOR = """#!/bin/sh
[ "$1" != -cpu ] || shift 2
exec "$@"
"""


def _program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


class Checkout:
    """Where mnbench runs, what it finds on the PATH, and what it leaves."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.programs = top / "programs"
        self.host = arches.host()
        self.others = [arch for arch in arches.ARCHES if arch != self.host]
        quiet = shutil.ignore_patterns("tests", "__pycache__")
        shutil.copytree(TOP / "scripts", top / "scripts", ignore=quiet)
        shutil.copytree(TOP / "platforms", top / "platforms")
        shutil.copy(TOP / "CMakePresets.json", top)
        # A Debian machine as far as mnbench can see, with nothing but what is put here.
        for name in ("apt-get", "dpkg-query", "apt-config"):
            _program(self.programs / name, "#!/bin/sh\n")
        for arch in self.others:
            text = (TOP / "platforms" / arch / "emulator").read_text(encoding="utf-8")
            _program(self.programs / text.splitlines()[-1].split()[0], _EMULATOR)
        for preset in (*arches.ARCHES, "native"):
            arch = self.host if preset == "native" else preset
            program(self.binary(preset), Fake(arch))

    def binary(self, preset: str) -> Path:
        """The stand-in for a preset's benchmark."""
        return self.top / "build" / preset / "bench" / "mnbench"

    def environment(self, fake: str = "", path: str = "") -> dict[str, str]:
        """What mnbench is started with; `path` replaces the machine's own programs."""
        return {"PATH": f"{self.programs}:{path or os.environ['PATH']}", "FAKE": fake,
                "HOME": str(self.top), "MNBENCH_CACHE": str(self.top / "cache")}

    def command(self, *words: object) -> list[str]:
        """The command line."""
        return [str(self.top / "scripts" / "mnbench"), *map(str, words)]

    def mnbench(self, *words: object, fake: str = "", path: str = "",
                within: list[str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run it to the end; `fake` is what goes wrong in every binary."""
        return subprocess.run([*(within or []), *self.command(*words)], cwd=self.top,
                              env=self.environment(fake, path), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, check=False)
