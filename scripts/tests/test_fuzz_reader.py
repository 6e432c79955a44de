#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Damaged files, read by the fast reader and by a plain one: both take them, or neither does.

A failure prints its seed; MNBENCH_SEED=N starts there, MNBENCH_FUZZ=N tries that many:

    MNBENCH_FUZZ=10000 python3 -m pytest scripts/tests/test_fuzz_reader.py
"""

from __future__ import annotations

import os
import random
import re

import plain_reader
import pytest
from synthetic import COLUMNS, UserError, emulated, failed, row, run, write

from mnbenchlib import cli, csvrows, results

FIRST = int(os.environ.get("MNBENCH_SEED", "1"))
COUNT = int(os.environ.get("MNBENCH_FUZZ", "500"))
CELLS = [b"", b"0", b"-1", b"nan", b"inf", b"1e400", b"1e19", b"9" * 18, b"9" * 19, b"007", b"1.",
         b".5", b"+1", b" 1", b"1e-05", b"1e5e5", b"1.2.3", b"0x1", b"1_0", b"x", b"\xff",
         b"\xe4\xb8\xad", b"\xe2\x80\xa8", b"\x0c", b"\x85", b"\0", b"\t", b'""', b'"1"', b'"1,5"',
         b'"a\nb"', b'"a\r\nb"', b'"a""b"', b'a"b', b'"a"b', b'"', b"twin", b"twin;emulated",
         b"1.18E+08", b"1.234.567,8", b"05.01.2026", b"5-Jan", b"schema", b"2", b"a:1;b:2", b"::",
         b"1" * 300, b"y" * 300, b"1" * 5000]
SMALL = [b"", b",", b'"', b'""', b"\n", b"\r", b"\r\n", b"\0", b"\xff", b";", b" ", b"e", b"."]


def _lines(rng: random.Random, data: bytes) -> bytes:
    """A line more, less, elsewhere, or with other cells."""
    lines = data.split(b"\n")
    at = rng.randrange(len(lines))
    cells = lines[at].split(b",")
    kind = rng.randrange(6)
    if kind == 0:
        lines.insert(rng.randrange(len(lines)), lines[at])
    elif kind == 1:
        del lines[at]
    elif kind == 2:
        i, j = rng.randrange(len(cells)), rng.randrange(len(cells))
        cells[i], cells[j] = cells[j], cells[i]
    else:
        cells[rng.randrange(len(cells))] = rng.choice(CELLS)
    if kind > 1:
        lines[at] = b",".join(cells)
    return b"\n".join(lines)


def _bytes(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(SMALL) + data[at + rng.randrange(3):]


def _whole(rng: random.Random, data: bytes) -> bytes:
    """What happens to a file as a whole."""
    header, _, rest = data.partition(b"\n")
    lines = rest.splitlines(keepends=True)
    rng.shuffle(lines)
    return rng.choice([
        data[:rng.randrange(len(data) + 1)], data + data, data[:-1] + data, b"\xef\xbb\xbf" + data,
        data.replace(b"\n", b"\r\n"), data.replace(b"\n", b"\r"), data.replace(b",", b";"),
        data.replace(b".", b","), header + b"\n" + b"".join(lines), data + header + b"\n",
        data.replace(b"\n1,", b"\n2,", rng.randrange(3)), header + b"\n", data[len(header) + 1:],
        b"\n".join(b",".join(b'"' + cell + b'"' for cell in line.split(b","))
                   for line in data.split(b"\n")[:-1]) + b"\n",
        header + b",more\n" + rest.replace(b"\n", b",1\n"), data.replace(b"e", b"E"),
        data.decode("utf-8", "replace").encode("utf-16")])


def damaged(rng: random.Random, data: bytes) -> bytes:
    for _ in range(rng.choice([1, 1, 2, 3])):
        data = rng.choice([_lines, _lines, _lines, _bytes, _bytes, _whole])(rng, data or b"\n")
    return data


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    rows = [r for r in run(n=2, threads=(1,)) if r["variant"] in ("queued", "futex")][:14]
    rows += [row(op="wide", real_ns_per_op=0.1 + 0.2, p50_ns="1e-07", overlap="1", flags="twin"),
             failed('"no"\nPU,\r\nat all', pin="0,2,5-7"), *emulated("arm64", insns=True)[:6]]
    return write(tmp_path_factory.mktemp("fuzz") / "whole.csv", rows).read_bytes()


def _plainly(data: bytes) -> list[dict] | int:
    """The rows, or the line for which the file is refused."""
    try:
        return plain_reader.read(data)
    except plain_reader.Refused as refused:
        return refused.args[0]


def _fast(path) -> list[dict] | int:
    """Likewise."""
    try:
        table = results.read_results(path)
    except UserError as err:
        place, line, reason = re.fullmatch(r"(.*?):(\d+): (.+)", str(err)).groups()
        assert place == str(path) and reason
        return int(line)
    table = table.reset_index().astype(object)
    return table.where(table.notna(), None).to_dict("records")


def _check(path, data: bytes) -> bool:
    path.write_bytes(data)
    expected, found = _plainly(data), _fast(path)
    assert found == expected
    assert path.read_bytes() == data
    return isinstance(found, int)


def _as_a_user_sees_it(path, capsys) -> None:
    capsys.readouterr()
    assert cli.main(["results", "show", str(path)]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1, told
    assert told.err.startswith(f"mnbench: {path}:"), told


def test_damaged_files(whole, tmp_path, monkeypatch, capsys):
    refused = 0
    for seed in range(FIRST, FIRST + COUNT):
        rng = random.Random(seed)
        # Windows so small that rows and cells do not fit, and have to be looked at again.
        monkeypatch.setattr(csvrows, "_WINDOW", rng.choice([100, 1000, 1 << 20]))
        try:
            bad = _check(tmp_path / "x.csv", damaged(rng, whole))
            if bad and refused % 20 == 0:
                _as_a_user_sees_it(tmp_path / "x.csv", capsys)
            refused += bad
        except BaseException:
            print(f"MNBENCH_SEED={seed} MNBENCH_FUZZ=1")
            raise
    print(f"{COUNT} files, {refused} refused")
    assert COUNT < 100 or COUNT // 5 < refused < COUNT - COUNT // 20


def test_what_is_damaged_is_good(whole, tmp_path):
    assert not _check(tmp_path / "x.csv", whole)
    assert whole.split(b"\n")[0].decode() == ",".join(COLUMNS)
