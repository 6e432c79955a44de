# SPDX-License-Identifier: GPL-2.0-or-later
"""Damaged files: read, or refused in one line that names the file; never anything else.

A failure prints its seed; MNBENCH_SEED=N starts there, MNBENCH_FUZZ=N tries that many.
"""

import os
import random
import re

import pytest
from synthetic import UserError, command, emulated, run, write

from mnbenchlib import compare, plot, results

FIRST = int(os.environ.get("MNBENCH_SEED", "1"))
COUNT = int(os.environ.get("MNBENCH_FUZZ", "500"))
ODD = [b"", b",", b'"', b"\n", b"\r", b"\0", b"\xff", b"-1", b"nan", b"1e400", b"inf", b"0", b";",
       b"intervals:1e400", b"sleepers:-3", b"notifiers:0x1", b"baseline", b"qemu-user", b"emulated",
       b"1e-320", b"1e18", b"999999999999999999", b"\xe4\xb8\xad", b"$x^2$", b"<&>", b" ",
       b"1" * 300]


def damaged(rng, data):
    """A few random edits: bytes, cells, whole lines."""
    for _ in range(rng.randint(1, 4)):
        kind = rng.randrange(6)
        if kind == 0:
            at = rng.randrange(len(data) + 1)
            data = data[:at] + rng.choice(ODD) + data[at + rng.randrange(3):]
        elif kind == 1:
            data = data[:rng.randrange(len(data) + 1)]
        else:
            lines = data.split(b"\n")
            at = rng.randrange(len(lines))
            cells = lines[at].split(b",")
            if kind == 2:
                lines.insert(rng.randrange(len(lines)), lines[at])
            elif kind == 3:
                del lines[at]
            elif kind == 4 or len(cells) < 2:
                cells[rng.randrange(len(cells))] = rng.choice(ODD)
                lines[at] = b",".join(cells)
            else:
                i, j = rng.randrange(len(cells)), rng.randrange(len(cells))
                cells[i], cells[j] = cells[j], cells[i]
                lines[at] = b",".join(cells)
            data = b"\n".join(lines)
    return data


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    rows = run(n=3, threads=(1, 2))
    few = ("queued", "futex", "full", "two_barriers", "rbtree")
    rows = [r for r in rows if r["variant"] in few]
    rows = rows[:60] + emulated("arm64", insns=True)[:20]
    return write(tmp_path_factory.mktemp("fuzz") / "whole.csv", rows)


def test_damaged_files(tmp_path, whole, capsys):
    data = whole.read_bytes()
    path = tmp_path / "damaged.csv"
    taken = refused = 0
    for seed in range(FIRST, FIRST + COUNT):
        rng = random.Random(seed)
        path.write_bytes(damaged(rng, data))
        try:
            results.read_results(path)
        except UserError as e:
            refused += 1
            assert re.match(rf"{re.escape(str(path))}:\d+: [^\n]+$", str(e)), f"seed {seed}"
            continue
        except Exception as e:
            pytest.fail(f"seed {seed}: {e!r}")
        taken += 1
        try:
            for arguments in ([path], [whole, path], [path, "--by", "variant"],
                              [path, "--format", "json"]):
                code, error = command(compare, *arguments)
                assert code in (0, 1, 2) and (code == 2) == bool(error) and "\n" not in error
            if taken % 20 == 0:
                code, error = command(plot, path, "--out", tmp_path / "plots")
                assert code in (0, 2) and "\n" not in error
        except Exception as e:
            pytest.fail(f"seed {seed}: {e!r}")
        capsys.readouterr()
    assert refused > COUNT / 4 and taken > COUNT / 20
