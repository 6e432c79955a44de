# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench run --against`: two runs in one folder, what `compare` makes of them, and refusals."""

from __future__ import annotations

import json

import pytest
from fake_binary import Fake, program
from test_run import CROSS, one_line, rows

from mnbenchlib import parts

NAMES = [f"seq/{letter}/port" for letter in "abcd"]
FILES = {"mnbench.csv", "machine.json", "topology.xml", "run.json"}


@pytest.fixture
def two(checkout, tmp_path):
    """This build, and a folder with another one that is 10 % slower."""
    program(checkout.binary(preset(checkout)), Fake(checkout.host, NAMES, slower=1.1))
    program(tmp_path / "other" / "bench" / "mnbench", Fake(checkout.host, NAMES))
    return tmp_path / "other"


def preset(checkout) -> str:
    return checkout.host if checkout.host == "x86_64" else "native"


def test_two_runs_and_how_they_compare(checkout, two, tmp_path):
    out = tmp_path / "out"
    done = checkout.mnbench("run", "--out", out, "--against", two, "--repetitions", 8,
                            "--twins", 2)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(out)
    assert {path.name for path in out.iterdir()} == FILES | {"floor.json", "against",
                                                              "doctor.json"}
    assert {path.name for path in (out / "against").iterdir()} == FILES | {"floor.json"}
    assert f"scripts/mnbench compare {out}/against {out}" in done.stderr.splitlines()
    assert len(rows(out)) == len(rows(out / "against")) == 8 * (4 + 2)
    ids = [{row["run_id"] for row in rows(folder)} for folder in (out, out / "against")]
    assert [len(each) for each in ids] == [1, 1] and ids[0] != ids[1]
    compared = checkout.mnbench("compare", out / "against", out, "--format", "json")
    assert compared.returncode == 1, compared.stderr
    pairs = json.loads(compared.stdout)["pairs"]
    assert [round(pair["ratio"], 2) for pair in pairs] == [1.1] * 4
    assert {pair["p"] for pair in pairs} == {2 / 2**8}, "not by rounds"
    text = checkout.mnbench("compare", out / "against", out).stdout
    assert "in lock-step: ratio of each round's two figures" in text
    assert "Wilcoxon's signed ranks" in text


def test_a_preset_and_a_binary(checkout, two, tmp_path):
    program(checkout.binary("debug"), Fake(checkout.host, NAMES))
    for number, other in enumerate(("debug", two / "bench" / "mnbench")):
        out = tmp_path / str(number)
        done = checkout.mnbench("run", "--out", out, "--against", other)
        assert done.returncode == 0, done.stderr
        assert len(rows(out / "against")) == 48, "12 repetitions, when it is not told"


def test_what_only_one_has_is_told(checkout, two, tmp_path):
    program(two / "bench" / "mnbench", Fake(checkout.host, NAMES[1:] + ["seq/e/port"]))
    out = tmp_path / "out"
    done = checkout.mnbench("run", "--out", out, "--against", two, "--repetitions", 2)
    assert done.returncode == 0, done.stderr
    assert "1 benchmarks are in this build only, and measured alone: seq/a/port" in done.stderr
    assert f"in {two}/bench/mnbench only, and measured alone: seq/e/port" in done.stderr
    ops = [{row["op"] for row in rows(folder)} for folder in (out, out / "against")]
    assert ops == [set("abcd"), set("bcde")]


@pytest.mark.parametrize("mine, fault, told", [
    (False, "die 1", "exit code 3; its last lines:\n    out of luck"),
    (False, "nonsense 1", "does not take turns: it says '42'"),
    (True, "crash:native 1", "this build: the binary ended with SIGSEGV"),
])
def test_one_that_goes_wrong_is_named(checkout, two, tmp_path, mine, fault, told):
    path = checkout.binary(preset(checkout)) if mine else two / "bench" / "mnbench"
    program(path, Fake(checkout.host, NAMES, fault=fault))
    out = tmp_path / "out"
    done = checkout.mnbench("run", "--out", out, "--against", two, "--repetitions", 3)
    assert done.returncode == 1
    assert told in done.stderr and (mine or f"--against {two}/bench/mnbench" in done.stderr)
    assert f"are in {out}/mnbench.csv and {out}/against/mnbench.csv" in done.stderr
    assert len(rows(out)) >= 4 and len(rows(out / "against")) >= 4
    # Once it is mended, nothing is lost; but then it is another build.
    again = checkout.mnbench("run", "--resume", out)
    assert again.returncode == 1, "the same fault again"
    program(path, Fake(checkout.host, NAMES))
    one_line(checkout.mnbench("run", "--resume", out), str(path), "not the binary")


def test_others_that_cannot_be(checkout, two, tmp_path):
    (tmp_path / "text").write_text("text\n", encoding="utf-8")
    (tmp_path / "script").write_text("text\n", encoding="utf-8")
    (tmp_path / "script").chmod(0o755)
    program(tmp_path / "none", Fake(checkout.host, names=[]))
    out = tmp_path / "out"
    for other, *told in ((tmp_path / "nothing", "neither a preset", "build folder"),
                         (tmp_path, "neither a preset"), (tmp_path / "text", "not a program"),
                         (tmp_path / "script", "script: cannot be run: Exec format error"),
                         (tmp_path / "none", "none of the benchmarks"),
                         ("debug", "not built yet", "scripts/mnbench build debug")):
        one_line(checkout.mnbench("run", "--out", out, "--against", other), *told)
        assert not out.exists()
    program(two / "bench" / "mnbench", Fake(checkout.host, fault="bad"))
    one_line(checkout.mnbench("run", "--out", out, "--against", two), "no such family")
    program(two / "bench" / "mnbench", Fake(checkout.host, NAMES, fault="late"))
    one_line(checkout.mnbench("run", "--out", out, "--against", two), "--pin kind:9")
    assert not out.exists()


@CROSS
def test_emulated_times_are_not_compared(checkout, two):
    one_line(checkout.mnbench("run", "--against", two, "--arch", "x86_64,arm64"),
             "arm64 is emulated here", "leave --against out")


@pytest.mark.parametrize("benchmarks, rounds", [(1, 11), (4, 12), (300, 18)])
def test_rounds_are_enough_to_decide(benchmarks, rounds):
    names = [f"seq/{i}/port" for i in range(benchmarks)] + ["srcu/x/port"]
    assert parts.rounds_for(parts.Part("x86_64", None, [], names, 10)) == rounds
