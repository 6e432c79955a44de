# SPDX-License-Identifier: GPL-2.0-or-later
"""The binary's --plan, --draw and --try-plan, and what of them it refuses."""

from __future__ import annotations

import os
import random
import re
import time

import pytest
from binary import good, mnbench, needs_binary, refused

pytestmark = needs_binary

PUS = len(os.sched_getaffinity(0))
SMALL = ["--synthetic", "node:2 core:8 pu:2"]


def answer(what: str, policy: str, threads: int, *machine: object) -> str:
    """What is printed; that PUs are shared is told beside it."""
    done = mnbench(what, f"--pin={policy}", f"--threads={threads}", *machine)
    assert done.returncode == 0, done.stderr
    return done.stdout


def plan(policy: str, threads: int, *machine: object) -> list[list[str]]:
    return [line.split("\t") for line in answer("--plan", policy, threads, *machine).splitlines()]


def column(rows: list[list[str]], number: int) -> list[str]:
    return [row[number] for row in rows]


def test_plan_on_a_synthetic_machine():
    rows = plan("compact", 32, *SMALL)
    assert column(rows, 0) == column(rows, 1) == [str(n) for n in range(32)]
    assert column(rows, 2) == [str(n // 2 % 16) for n in range(32)]
    assert column(rows, 5) == [str(n // 16) for n in range(32)]
    assert {len(row) for row in rows} == {6} and set(column(rows, 3)) == {"-"}
    assert column(plan("scatter", 4, *SMALL), 5) == ["0", "1", "0", "1"]
    assert len(set(column(plan("smt", 2, *SMALL), 2))) == 1
    assert column(plan("list:3,1", 2, *SMALL), 1) == column(plan("3,1", 2, *SMALL), 1) == ["3", "1"]
    long = ",".join(str(n) for n in range(32))
    assert column(plan(f"list:{long}", 32, *SMALL), 1) == long.split(",")


def test_oversubscribed_is_told_beside_the_plan():
    done = mnbench("--plan", "--pin=compact", "--threads=33", *SMALL)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 33
    assert "oversubscribed" in done.stderr and done.stderr.count("\n") == 1
    assert mnbench("--plan", "--pin=compact", "--threads=32", *SMALL).stderr == ""


def test_thousands_of_pus():
    machine = ["--synthetic", "node:8 pack:2 l3:16 core:16 pu:2"]
    for policy in ("compact", "scatter", "xllc", "xnode", "list:0-8191"):
        started = time.monotonic()
        rows = plan(policy, 8192, *machine)
        assert len(set(column(rows, 1))) == 8192
        assert time.monotonic() - started < 5  # 0.1 s; the rest is for a busy machine


@pytest.mark.parametrize("machine, policy, threads", [
    ("pu:1", "compact", 1), ("pack:2 [numa] l3:2 core:4 pu:2", "scatter", 5),
    ("pack:2 l3:2 core:4 pu:2", "compact", 70), ("core:2 pu:700", "smt", 4),
    ("node:8 pack:2 l3:16 core:16 pu:2", "scatter", 8192), ("node:64 core:16 pu:2", "xnode", 3),
    ("pu:300", "none", 3),
])
def test_pictures_fit(machine, policy, threads):
    text = answer("--draw", policy, threads, "--synthetic", machine)
    lines = text.splitlines()
    assert len(lines) <= 60 and max(map(len, lines)) <= 100


def test_where_a_picture_has_its_threads():
    machine = ["--synthetic", "pack:2 [numa] l3:2 core:2 pu:2"]
    text = answer("--draw", "scatter", 17, *machine)
    places = dict(re.findall(r"\b(\d+) t(\d+(?:\+\d+)?)", text))
    assert places.pop("0") == "0+1"  # the 17th thread
    assert {int(pu): int(thread) for pu, thread in places.items()} == {
        int(row[1]): int(row[0])
        for row in plan("scatter", 16, *machine)[1:]}
    heads = [line for line in text.splitlines() if "[" not in line]
    assert heads == ["2 packages, 8 cores, 16 PUs, 4 L3 caches, 2 NUMA nodes",
                     "Package 0, node 0", "  L3 0", "  L3 1", "Package 1, node 1", "  L3 2",
                     "  L3 3"]


def test_a_large_picture_tells_sums():
    text = answer("--draw", "scatter", 60, "--synthetic", "node:512 core:4 pu:2")
    assert text.splitlines()[2:] == [
        "Groups 0 to 59: each 4 cores, 8 PUs, 1 thread; PUs 0-479; threads 0-59",
        "Groups 60 to 511: each 4 cores, 8 PUs, no thread; PUs 480-4095"]
    text = answer("--draw", "scatter", 3, "--synthetic", "node:512 core:4 pu:2")
    assert text.splitlines()[2:5] + text.splitlines()[-1:] == [
        "Group 0, node 0 (1 GiB)", "  core 0 [0 t0, 1 .]",
        "  Cores 1 to 3: each 2 PUs, no thread; PUs 2-7",
        "Groups 3 to 511: each 4 cores, 8 PUs, no thread; PUs 24-4095"]


def test_trial_here():
    counts = [1, PUS, 2 * PUS]
    done = mnbench("--try-plan", "--pin=compact,scatter,none,smt",
                   f"--threads={','.join(map(str, counts))}")
    assert done.returncode == 0
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert {len(row) for row in rows} == {8}
    for policy in ("compact", "scatter"):
        for count in counts:
            tried = [row for row in rows if row[:2] == [policy, str(count)]]
            planned = plan(policy, count)
            assert column(tried, 3) == column(tried, 4) == column(planned, 1)
            assert column(tried, 5) == column(planned, 5)
    assert {row[3] for row in rows if row[0] == "none"} == {"-"}
    if not any(row[0] == "smt" for row in rows):
        assert "not tried: pin policy smt" in done.stderr


@pytest.mark.parametrize("flags, thing", [
    (["--plan", "--pin=smt", "--threads=3", *SMALL], "smt"),
    (["--plan", "--pin=nonsense", "--threads=2", *SMALL], "nonsense"),
    (["--plan", "--pin=list:99", "--threads=1", *SMALL], "99"),
    (["--plan", "--pin=compact,scatter", "--threads=2", *SMALL], "compact,scatter"),
    (["--plan", "--pin=compact", "--threads=1,2", *SMALL], "--threads"),
    (["--plan", "--pin=compact", *SMALL], "--threads"),
    (["--plan", "--threads=2", *SMALL], "--pin"),
    (["--plan=compact:2"], "--plan"),
    (["--plan", "--draw", "--pin=compact", "--threads=2"], "--draw"),
    (["--plan", "--pin=compact", "--threads=2", "--from=/nonexistent.xml"], "/nonexistent.xml"),
    (["--draw", "--pin=compact", "--threads=2", "--from=/"], "/"),
    (["--plan", "--pin=compact", "--threads=2", "--synthetic=nonsense"], "nonsense"),
    (["--plan", "--pin=compact", "--threads=2", "--synthetic=core:0 pu:1"], "core:0 pu:1"),
    (["--plan", "--pin=compact", "--threads=2", "--synthetic=pu:2 core:3"], "pu:2 core:3"),
    (["--try-plan", "--pin=compact", "--threads=2", *SMALL], "--synthetic"),
    (["--try-plan", "--pin=compact,nonsense", "--threads=1"], "nonsense"),
    *((["--plan", "--pin=compact", f"--threads={threads}", *SMALL], f"--threads={threads}")
      for threads in ("0", "x", "-1", "2x", "1.5", "99999999", "99999999999999999999")),
])
def test_bad_input(flags, thing):
    refused(thing, *flags)


def exported(tmp_path):
    path = tmp_path / "whole.xml"
    good("--topology", path, "--benchmark_filter=^probe/loop/", "--benchmark_min_time=0.0001",
         "--repetitions=1", "--twins=0", "--pin=none", "--threads=1")
    return path.read_bytes()


@pytest.mark.parametrize("content", [b"", b"nonsense\n", b"<?xml version=\"1.0\"?><topology",
                                     b"\0\1\2\3" * 1000])
def test_no_topology(tmp_path, content):
    path = tmp_path / "t.xml"
    path.write_bytes(content)
    refused(str(path), "--plan", "--pin=compact", "--threads=2", "--from", path)


def test_a_topology_cut_off(tmp_path):
    """Refused in one line, or, where nothing that matters was cut, planned on."""
    whole, path = exported(tmp_path), tmp_path / "t.xml"
    for size in range(1, len(whole), max(1, len(whole) // 40)):
        path.write_bytes(whole[:size])
        refused(str(path), "--plan", "--pin=compact", "--threads=2", "--from", path)


def damaged(text: str, rng: random.Random) -> str:
    """A line lost, doubled or in the wrong place; a value that nobody meant."""
    lines = text.split("\n")
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    how = rng.randrange(4)
    if how == 0:
        del lines[one]
    elif how == 1:
        lines.insert(other, lines[one])
    elif how == 2:
        lines[one], lines[other] = lines[other], lines[one]
    else:
        value = rng.choice(list(re.finditer(r'"([^"]*)"', text)))
        new = rng.choice(["", "0", "-1", "9" * 20, "0xf...f", "NUMANode", "PU", "4294967294"])
        return text[:value.start(1)] + new + text[value.end(1):]
    return "\n".join(lines)


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_topology(tmp_path, seed):
    """hwloc ends, loops or complains at length on some of these."""
    rng = random.Random(seed)
    text, path = exported(tmp_path).decode(), tmp_path / "t.xml"
    for _ in range(rng.randrange(1, 4)):
        text = damaged(text, rng)
    path.write_text(text)
    done = mnbench("--plan", "--pin=compact", "--threads=1", "--from", path)
    assert done.returncode in (0, 2)
    if done.returncode == 2:
        assert done.stderr.startswith(f"mnbench: {path}: ") and done.stderr.count("\n") == 1
    else:
        assert done.stdout.count("\n") == 1 and done.stderr == ""
