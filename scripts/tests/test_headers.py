# SPDX-License-Identifier: GPL-2.0-or-later
"""Each header of the core stands alone, and may be included twice."""

import subprocess
from pathlib import Path

import pytest

INCLUDE = Path(__file__).resolve().parents[2] / "core" / "include"
HEADERS = sorted(str(path.relative_to(INCLUDE)) for path in INCLUDE.rglob("*.h"))


@pytest.mark.parametrize("header", HEADERS)
def test_header_stands_alone(header: str) -> None:
    done = subprocess.run(
        ["cc", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-std=gnu11", f"-I{INCLUDE}",
         "-x", "c", "-"], input=f"#include <{header}>\n" * 2, text=True, capture_output=True,
        check=False)
    assert done.returncode == 0, done.stderr
