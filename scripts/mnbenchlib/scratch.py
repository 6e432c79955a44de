# SPDX-License-Identifier: GPL-2.0-or-later
"""A copy of the core in a folder of its own, to be altered, built and tested there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from .arches import TOP
from .commands import logged
from .errors import UserError

_COPIED = ("CMakeLists.txt", "core", "platforms")


class Scratch:
    """Copies what the core is built from, and configures it with CMake `options`."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.log = folder / "build.log"
        for name in _COPIED:
            source = TOP / name
            if source.is_dir():
                shutil.copytree(source, folder / name, dirs_exist_ok=True)
            else:
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, folder / name)
        logged(["cmake", "-S", str(folder), "-B", str(self.built("")), "-G", "Ninja",
                "-DMNBENCH_BENCH=OFF", *options], self.log, f"configure {folder}")

    def built(self, name: str) -> Path:
        """A file of the build: "core/torture"."""
        return self.folder / "build" / "scratch" / name

    def build(self, *targets: str) -> None:
        """Build targets; all of them when none is named. Raises Failed."""
        logged(["cmake", "--build", str(self.built("")), *(["--target", *targets] if targets else [])],
               self.log, f"build {self.folder}")

    def patch(self, diff: Path, *, back: bool = False) -> None:
        """Apply a unified diff with paths from the top (`-p1`), or take it back."""
        done = subprocess.run(["patch", "--quiet", "--strip=1", "--fuzz=0", "--no-backup-if-mismatch",
                               *(["--reverse"] if back else []), f"--input={diff}"],
                              cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise UserError(f"{diff.name}: does not apply any more; renew it against the core "
                            f"({(done.stdout + done.stderr).strip().splitlines()[0]})")
