# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench run --resume`: an interrupted run goes on, and repeats nothing that is whole."""

from __future__ import annotations

import json
import signal

import pytest
from fake_binary import Fake, program
from test_run import CROSS, begin, one_line, rows

NAMES = [f"seq/{letter}/port" for letter in "abcd"]


def interrupted(checkout, out) -> list[dict[str, str]]:
    """The rows of a run that was stopped."""
    child = begin(checkout, out, "--repetitions", "3", "--seed", "5")
    child.send_signal(signal.SIGINT)
    told = child.communicate(timeout=20)[1]
    assert f"scripts/mnbench run --resume {out} goes on" in told
    return rows(out)


def cut(out, kept: int) -> None:
    """As if it had been stopped after so many rows."""
    path = out / "mnbench.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:1 + kept]), encoding="utf-8")


def test_it_goes_on(checkout, tmp_path):
    out = tmp_path / "out"
    interrupted(checkout, out)
    cut(out, 3)
    before = rows(out)
    done = checkout.mnbench("run", "--resume", out)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(out) and "seed 5" in done.stderr
    after = rows(out)
    assert after[:3] == before and len(after) == 6
    assert {(row["op"], row["rep"]) for row in after} == {(op, str(rep)) for op in "ab"
                                                         for rep in range(3)}
    assert len({row["run_id"] for row in after}) == 1
    again = checkout.mnbench("run", "--resume", out)
    assert again.returncode == 0 and again.stdout.strip() == str(out)
    assert "finished already" in again.stderr and rows(out) == after


@CROSS
def test_only_the_architectures_that_did_not_end(checkout, tmp_path):
    out = tmp_path / "out"
    assert checkout.mnbench("run", "--out", out, fake="crash:qemu-user 1").returncode == 1
    before = rows(out)
    assert [row["arch"] for row in before] == ["x86_64"] * 2 + ["arm64"] * 3 + ["riscv64"] * 3
    done = checkout.mnbench("run", "--resume", out)
    assert done.returncode == 0, done.stderr
    after = rows(out)
    assert after[:8] == before and len(after) == 14
    assert [row["arch"] for row in after[8:]] == ["arm64"] * 3 + ["riscv64"] * 3


def test_in_lockstep(checkout, tmp_path):
    preset = checkout.host if checkout.host == "x86_64" else "native"
    program(checkout.binary(preset), Fake(checkout.host, NAMES))
    program(tmp_path / "other", Fake(checkout.host, NAMES))
    out = tmp_path / "out"
    done = checkout.mnbench("run", "--out", out, "--against", tmp_path / "other",
                            "--repetitions", 3)
    assert done.returncode == 0, done.stderr
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    for binary in record["binaries"]:
        binary["whole"] = False
    (out / "run.json").write_text(json.dumps(record), encoding="utf-8")
    whole = [rows(out), rows(out / "against")]
    cut(out, 7)
    cut(out / "against", 6)
    done = checkout.mnbench("run", "--resume", out)
    assert done.returncode == 0, done.stderr
    for folder, before, kept in ((out, whole[0], 7), (out / "against", whole[1], 6)):
        assert rows(folder)[:kept] == before[:kept]
        assert [(row["op"], row["rep"]) for row in rows(folder)] == [
            (row["op"], row["rep"]) for row in before]
    one_line(checkout.mnbench("run", "--resume", out, "--against", checkout.binary(preset)),
             "--against", "was begun with")


def test_other_options_are_another_run(checkout, tmp_path):
    out = tmp_path / "out"
    interrupted(checkout, out)
    for words, *told in ((["--seed", "6"], "--seed 6", "was begun with 5"),
                         (["--profile", "full"], "--profile full", "was begun with quick"),
                         (["--families", "seq"], "--families seq", "was begun without it"),
                         (["--out", tmp_path / "else"], "leave --out out"),
                         (["--", "--window", "5"], "--flags --window,5", "without")):
        one_line(checkout.mnbench("run", "--resume", out, *words), *told)
    done = checkout.mnbench("run", "--resume", out, "--seed", 5, "--profile", "quick", "--arch",
                            checkout.host)
    assert done.returncode == 0, done.stderr


def test_another_build_is_another_run(checkout, tmp_path):
    out = tmp_path / "out"
    interrupted(checkout, out)
    before = rows(out)
    preset = checkout.host if checkout.host == "x86_64" else "native"
    program(checkout.binary(preset), Fake(checkout.host, NAMES))
    one_line(checkout.mnbench("run", "--resume", out), str(checkout.binary(preset)),
             "not the binary", "start a new run")
    checkout.binary(preset).unlink()
    one_line(checkout.mnbench("run", "--resume", out), "cannot be read")
    assert rows(out) == before


@pytest.mark.parametrize("text, told", [
    (None, "it has no run.json"), ("rubbish", "not a run's record"), ("[]", "not a run's record"),
    ('{"run_id": "x"}', "not a run's record"),
    ('{"run_id": "x", "options": {}, "binaries": [], "schema": 9}', "schema 9"),
])
def test_no_run(checkout, tmp_path, text, told):
    if text is not None:
        (tmp_path / "run.json").write_text(text, encoding="utf-8")
    one_line(checkout.mnbench("run", "--resume", tmp_path), str(tmp_path), told)


def test_no_folder(checkout, tmp_path):
    one_line(checkout.mnbench("run", "--resume", tmp_path / "none"), "no such folder")
