# SPDX-License-Identifier: GPL-2.0-or-later
"""The benchmark binary, run by tests. $MNBENCH_BINARY names another one than the preset native's."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("MNBENCH_BINARY", TOP / "build" / "native" / "bench" / "mnbench"))

needs_binary = pytest.mark.skipif(
    not BINARY.exists(), reason=f"{BINARY} is not built: cmake --preset native, cmake --build "
                                "--preset native")


def mnbench(*words: object, within: list[str] | None = None,
            **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it to the end."""
    return subprocess.run([*(within or []), str(BINARY), *map(str, words)],
                          env=os.environ | environment, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60, check=False)


def good(*words: object, **how) -> str:
    """Run it without a complaint; what it printed."""
    done = mnbench(*words, **how)
    assert done.returncode == 0, done.stderr
    assert "mnbench: " not in done.stderr
    return done.stdout


def refused(thing: str, *words: object, **how) -> str:
    """One line that names the thing, exit 2, and no benchmark before it."""
    done = mnbench(*words, **how)
    assert done.returncode == 2, (done.returncode, done.stderr)
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("mnbench: "), done.stderr
    assert thing in lines[0]
    assert "ns" not in done.stdout
    return lines[0]
