# SPDX-License-Identifier: GPL-2.0-or-later
"""The order of a run from outside: seeds, what is said on the way, resuming, and the baton."""

from __future__ import annotations

import csv
import json
import os
import random
import re
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from test_binary import BINARY, good, mnbench, refused

pytestmark = pytest.mark.skipif(not BINARY.exists(), reason=f"{BINARY} is not built")

SHORT = ["--profile=quick", "--benchmark_min_time=0.0001", "--window=5", "--pin=none",
         "--overlap-floor=0"]
# An operation of each way of timing, and one that cannot be run.
SOME = ["--benchmark_filter=probe/(loop|clock|line)|srcu/read_pair/port"
        "|wake/wake_all/.*/variant:(futex|pipe|spin)/sleepers:8/"]
FIXED = [*SHORT, *SOME, "--target=0", "--repetitions=4", "--twins=3"]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source))


def key(row: dict[str, str]) -> tuple[str, ...]:
    names = ("subject", "family", "op", "variant", "threads", "pin", "params")
    return (*(row[name] for name in names), str("twin" in row["flags"].split(";")))


def repetitions(path: Path) -> Counter[tuple[str, ...]]:
    """How often each repetition of each benchmark is in the file."""
    return Counter((*key(row), row["rep"]) for row in rows(path))


def group(row: dict[str, str]) -> tuple[str, ...]:
    op = re.sub(r"^(wake_all)_(waker|first|median|last)$", r"\1", row["op"])
    return (row["family"], op, row["threads"], row["pin"], row["params"])


# The order


def test_a_seed_gives_the_order(tmp_path):
    first, again, other = (tmp_path / name for name in "abc")
    for path, seed in ((first, 5), (again, 5), (other, 6)):
        good(*FIXED, f"--seed={seed}", "--csv", path)
    order = [(*key(row), row["rep"]) for row in rows(first)]
    assert order == [(*key(row), row["rep"]) for row in rows(again)]
    assert order != [(*key(row), row["rep"]) for row in rows(other)]
    assert set(order) == {(*key(row), row["rep"]) for row in rows(other)}


def test_rounds_of_groups(tmp_path):
    path = tmp_path / "a.csv"
    good(*FIXED, "--csv", path)
    table = rows(path)
    assert [int(row["rep"]) for row in table] == sorted(int(row["rep"]) for row in table)
    for rep in "0123":
        groups = [group(row) for row in table if row["rep"] == rep and not row["error"]]
        changes = sum(a != b for a, b in zip(groups, groups[1:]))
        assert changes == len(set(groups)) - 1 > 3
    twins = [row for row in table if "twin" in row["flags"].split(";")]
    assert len({key(row) for row in twins if not row["error"]}) in (3, 6, 9, 12)  # herds are four


def seeds(done) -> list[str]:
    """What is said on standard error, but for the absence of hardware counters."""
    return [line for line in done.stderr.splitlines() if not line.startswith("counters: ")]


def test_the_seed_is_told(tmp_path):
    done = mnbench(*SHORT, "--benchmark_filter=probe/loop", "--machine", tmp_path / "m.json")
    assert done.returncode == 0
    seed = json.loads((tmp_path / "m.json").read_text(encoding="utf-8"))["order_seed"]
    assert seeds(done) == [f"seed {seed}"]
    assert f"; seed {seed}\n" in done.stdout
    done = mnbench(*SHORT, "--benchmark_filter=probe/loop", "--seed=9007199254740991", "--machine",
                   tmp_path / "m.json")
    assert seeds(done) == ["seed 9007199254740991"]
    assert '"order_seed": 9007199254740991,' in (tmp_path / "m.json").read_text(encoding="utf-8")


def test_what_is_said():
    # What the hardware counted, where it counts, is on lines of its own.
    lines = [line for line in good(*FIXED).splitlines() if not line.startswith("  ")]
    names = good(*SHORT, *SOME, "--benchmark_list_tests").splitlines()
    assert len(lines) == len(names) + 1
    for line in lines[:-1]:
        name, told = line.split(": ")
        assert sum(listed.startswith(name + "/") for listed in names) == 1
        assert re.fullmatch(r"no figures|[0-9.e+]+ ns of 4 repetitions", told), line
    assert re.fullmatch(rf"{len(names)} benchmarks in 4 rounds: 1 without figures; budget not "
                        r"spent; seed \d+", lines[-1])
    told = good(*SHORT, "--benchmark_filter=probe/loop", "--repetitions=6",
                "--target=100").splitlines()
    assert re.fullmatch(r"probe/loop\S+: [0-9.e+-]+ ns \+-[0-9.]+ % of \d+ repetitions(, unsettled)?", told[0])
    assert re.fullmatch(r"1 benchmarks in \d+ rounds: [01] settled, [01] unsettled, 0 without "
                        r"figures; budget not spent; seed \d+", told[-1])


def test_a_spent_budget(tmp_path):
    told = good(*SHORT, *SOME, "--csv", tmp_path / "a.csv", "--target=0.000001", "--budget=0.001",
                "--repetitions=7", "--max-repetitions=1000")
    assert "budget spent" in told
    assert {row["rep"] for row in rows(tmp_path / "a.csv")} == set("0123456")


def test_the_environment_asks_for_no_repetitions(tmp_path):
    good(*FIXED, "--csv", tmp_path / "a.csv", BENCHMARK_REPETITIONS="3", BENCHMARK_OUT="/dev/full",
         BENCHMARK_ENABLE_RANDOM_INTERLEAVING="true")
    assert set(repetitions(tmp_path / "a.csv").values()) == {1}
    # Not a statistic over three runs.
    loops = [row for row in rows(tmp_path / "a.csv") if row["op"] == "loop"]
    assert loops and all(int(row["iterations"]) > 1000 for row in loops)


# An interrupted run


def resume(path: Path, *words: object, **how) -> str:
    return good(*FIXED, "--csv", path, "--resume", *words, **how)


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines(keepends=True)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "a.csv"
    good(*FIXED, "--csv", path, "--run-id=whole", "--seed=3")
    return path


def run_and_kill(words: list[str], path: Path, moments: random.Random) -> bool:
    """Let it write some rows and kill it; whether it was done before."""
    wanted = (path.stat().st_size if path.exists() else 0) + moments.randrange(1, 8000)
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as running:
        while running.poll() is None and (not path.exists() or path.stat().st_size < wanted):
            time.sleep(0.0005)
        time.sleep(moments.uniform(0, 0.003))
        running.send_signal(signal.SIGKILL)
        running.wait()
    assert running.returncode in (0, -signal.SIGKILL)
    return running.returncode == 0


def test_killed_and_resumed_until_done(tmp_path, undisturbed):
    seed = int(os.environ.get("MNBENCH_SEED", time.time_ns() % 1000000))
    print(f"MNBENCH_SEED={seed}")
    moments = random.Random(seed)
    for attempt in range(5):
        path = tmp_path / f"{attempt}.csv"
        words = [str(BINARY), *FIXED, "--csv", str(path), "--seed=3"]
        kills = 0
        while not run_and_kill([*words, *(["--resume"] if kills else [])], path, moments):
            kills += 1
            assert kills < 200
        assert kills > 1
        assert repetitions(path) == repetitions(undisturbed)
        assert len({row["run_id"] for row in rows(path)}) == 1
        before = path.read_bytes()
        assert "without figures" in resume(path)
        assert path.read_bytes() == before


def test_a_repetition_that_was_cut(tmp_path, undisturbed):
    """Of a herd's four rows one, two or three: they go, and all four come again."""
    lines = lines_of(undisturbed)
    waker = next(i for i, line in enumerate(lines)
                 if ",wake_all_waker," in line and ",futex," in line and ",1," in line)
    for kept in (1, 2, 3, 4):
        path = tmp_path / f"{kept}.csv"
        path.write_text("".join(lines[:waker + kept]), encoding="utf-8")
        resume(path)
        assert repetitions(path) == repetitions(undisturbed)
        assert (lines[waker] in lines_of(path)) == (kept == 4)
        assert lines_of(path)[:waker] == lines[:waker]


def test_a_repetition_with_a_hole(tmp_path, undisturbed):
    path = tmp_path / "a.csv"
    lines = lines_of(undisturbed)
    waker = next(i for i, line in enumerate(lines) if ",wake_all_waker," in line)
    for missing in range(4):
        path.write_text("".join(lines[:waker + missing] + lines[waker + missing + 1:]),
                        encoding="utf-8")
        before = path.read_bytes()
        assert "wake/wake_all/" in refused(str(path), *FIXED, "--csv", path, "--resume")
        assert path.read_bytes() == before
    swapped = [*lines[:waker], *reversed(lines[waker:waker + 4]), *lines[waker + 4:]]
    path.write_text("".join(swapped), encoding="utf-8")
    refused(str(path), *FIXED, "--csv", path, "--resume")


def test_settled_ones_are_left_alone(tmp_path):
    path = tmp_path / "a.csv"
    words = [*SHORT, "--benchmark_filter=probe/loop", "--twins=0", "--csv", path]
    good(*words, "--target=100", "--repetitions=6")
    before = path.read_bytes()
    good(*words, "--target=100", "--repetitions=6", "--resume")
    assert path.read_bytes() == before
    good(*words, "--target=100", "--repetitions=8", "--resume")
    assert sorted(int(row["rep"]) for row in rows(path)) == list(range(8))


def test_rows_of_others(tmp_path, undisturbed):
    """Another run in the file, and another architecture of the same one, are let be."""
    path = tmp_path / "a.csv"
    header, *lines = lines_of(undisturbed)
    part = lines[:1 + next(i for i, line in enumerate(lines) if ",wake_all_last," in line)]
    arch = rows(undisturbed)[0]["arch"]
    foreign = next(other for other in ("arm64", "riscv64") if other != arch)
    other = [line.replace("1,whole,", "1,other,", 1) for line in lines]
    emulated = [line.replace(f",{arch},native,", f",{foreign},qemu-user,") for line in lines]
    path.write_text("".join([header, *other, *emulated, *part]), encoding="utf-8")
    resume(path)
    assert lines_of(path)[:1 + 2 * len(lines) + len(part)] == [header, *other, *emulated, *part]
    assert len(lines_of(path)) == 1 + 3 * len(lines)
    assert {row["run_id"] for row in rows(path)[-len(lines):]} == {"whole"}
    # By its name, where another run was the last.
    path.write_text("".join([header, *part, *other]), encoding="utf-8")
    resume(path, "--run-id=whole", "--machine", tmp_path / "m.json")
    assert len(lines_of(path)) == 1 + 2 * len(lines)
    assert json.loads((tmp_path / "m.json").read_text(encoding="utf-8"))["run_id"] == "whole"
    refused("--run-id=nobody", *FIXED, "--csv", path, "--resume", "--run-id=nobody")


def test_a_file_without_rows(tmp_path, undisturbed):
    path = tmp_path / "a.csv"
    path.write_text(lines_of(undisturbed)[0], encoding="utf-8")
    resume(path, "--run-id=new")
    assert {row["run_id"] for row in rows(path)} == {"new"}
    assert repetitions(path) == repetitions(undisturbed)


def test_resume_refused(tmp_path, undisturbed):
    path = tmp_path / "a.csv"
    text = undisturbed.read_text(encoding="utf-8")
    refused(str(path), *FIXED, "--csv", path, "--resume")
    assert not path.exists()
    refused("--csv", *FIXED, "--resume")
    refused("/dev/null", *FIXED, "--csv=/dev/null", "--resume")
    host = rows(undisturbed)[0]["host"]
    for content, thing in ((text + "1,cut", "cut off"), (text + "1,short\n", "row "),
                           ("a,b\n1,2\n", "header"),
                           (text.replace(f",{host},", ",elsewhere,"), "elsewhere")):
        path.write_text(content, encoding="utf-8")
        assert str(path) in refused(thing, *FIXED, "--csv", path, "--resume", "--machine",
                                    tmp_path / "m.json")
        assert path.read_text(encoding="utf-8") == content


# The baton


class Partner:
    """One end of the baton."""

    def __init__(self, path: Path, *words: object) -> None:
        self.path = path
        self.process = subprocess.Popen(
            [str(BINARY), "--baton", "--csv", str(path), *map(str, words)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.turns: list[tuple[int, str, str, str]] = []

    def turn(self) -> tuple[int, str, str, str] | None:
        """The next one; None: it has ended."""
        line = self.process.stdout.readline()
        if line == "end\n":
            return None
        found = re.fullmatch(r"turn (\d+) ([0-9a-f]{16}) (open|settled) (\S+)\n", line)
        assert found, (line, self.process.stderr.read())
        self.turns.append((int(found[1]), found[2], found[3], found[4]))
        return self.turns[-1]

    def answer(self, word: str) -> None:
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        if word == "go":
            assert self.process.stdout.readline() == "done\n"

    def finish(self) -> str:
        """Close its standard input; what it still had to say."""
        rest, errors = self.process.communicate(timeout=20)
        assert self.process.returncode == 0, errors
        return rest


def lock_step(one: Partner, two: Partner) -> list[str]:
    """As the scheduler of two does it; the groups that both measured."""
    both = []
    a, b = one.turn(), two.turn()
    while a or b:
        if a and b and a[:2] == b[:2]:
            word = "skip" if a[2] == b[2] == "settled" else "go"
            both += [a[3]] if word == "go" else []
            one.answer(word)
            two.answer(word)
            a, b = one.turn(), two.turn()
        elif not b or (a and a[:2] < b[:2]):
            one.answer("go" if a[2] == "open" else "skip")
            a = one.turn()
        else:
            two.answer("go" if b[2] == "open" else "skip")
            b = two.turn()
    return both


def test_lock_step(tmp_path):
    """Two that do not have the same benchmarks, and of which one wants more repetitions."""
    shared = [*SHORT, "--seed=11", "--twins=2", "--repetitions=6"]
    filters = ("probe/(loop|clock)|srcu/read_pair/port", "probe/(clock|fence)|srcu/read_pair/")
    one = Partner(tmp_path / "1.csv", *shared, f"--benchmark_filter={filters[0]}", "--target=0")
    two = Partner(tmp_path / "2.csv", *shared, f"--benchmark_filter={filters[1]}",
                  "--target=0.000001", "--max-repetitions=9")
    both = lock_step(one, two)
    assert one.finish() == two.finish() == ""
    groups = {turn[3] for turn in one.turns} & {turn[3] for turn in two.turns}
    assert {name.split("/")[1] for name in groups} == {"clock", "read_pair"}
    assert Counter(both) == {name: 9 for name in groups}
    for partner in (one, two):
        order = [turn[:2] for turn in partner.turns]
        assert order == sorted(order)

    def counts(path: Path, ops: set[str]) -> set[int]:
        found = Counter(key(row) for row in rows(path) if row["op"] in ops)
        return set(found.values())

    assert counts(one.path, {"clock", "read_pair"}) == {9}
    assert counts(two.path, {"clock", "read_pair", "fence"}) == {9}
    assert counts(one.path, {"loop"}) == {6}
    assert {turn[2] for turn in one.turns if turn[0] > 5} == {"settled"}


def test_the_other_end_goes(tmp_path, undisturbed):
    """By closing the answers, or everything: whole rows, no complaint."""
    for name, closed in (("a", ["stdin"]), ("b", ["stdout", "stdin"])):
        partner = Partner(tmp_path / name, *FIXED, "--seed=3")
        for _ in range(5):
            partner.turn()
            partner.answer("go")
        for stream in closed:
            getattr(partner.process, stream).close()
        assert partner.process.wait(timeout=20) == 0
        partner.process.stderr.close()
        found = rows(partner.path)
        assert 5 <= len(found) < len(rows(undisturbed))
        good(*FIXED, "--csv", partner.path, "--resume", "--seed=3")
        assert repetitions(partner.path) == repetitions(undisturbed)


def test_no_answer(tmp_path):
    done = subprocess.run([str(BINARY), "--baton", *FIXED, "--seed=1"], input="perhaps\n",
                          capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2
    assert "'perhaps'" in done.stderr.splitlines()[-1]
    assert len(done.stdout.splitlines()) == 1
