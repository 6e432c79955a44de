# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench selftest`: its trials, what it makes of them, and the build that plants slow-downs."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess

import pytest
from fake_binary import WHOLE, Fake, program
from scipy import stats as scipy_stats
from synthetic import command

from mnbenchlib import builds, counttrials, detection, selftest
from mnbenchlib.arches import TOP
from mnbenchlib.detection import Seen, Share
from mnbenchlib.tables import as_text

NAMES = ["seq/a/port", "seq/b/port", "srcu/c/port"]
PLANT = builds.folder("plant") / "bench" / "mnbench"
NATIVE = builds.folder("native") / "bench" / "mnbench"


def fake(tmp_path, **how):
    path = tmp_path / "binary"
    program(path, Fake(names=NAMES, twins=16, suffix=WHOLE + "/real_time", **how))
    return path


def run(tmp_path, capsys, *words, **how):
    out = tmp_path / "out.json"
    code, error = command(selftest, "--binary", fake(tmp_path, **how), "--seed", "1", "--format",
                          "json", "-o", out, "--rounds", 10, *words)
    assert error == ""
    return code, json.loads(out.read_text(encoding="utf-8")), capsys.readouterr().err


# --- trials


def test_what_is_planted_is_found_and_nothing_is_cried(tmp_path, capsys):
    code, found, said = run(tmp_path, capsys, "--trials", 3, "--sizes", "3,0")
    assert code == 0 and found["shortfalls"] == []
    assert [(size["percent"], size["trials"]) for size in found["sizes"]] == [(0, 3), (3, 3)]
    nothing, three = found["sizes"]
    assert (nothing["cried"]["count"], nothing["cried"]["of"]) == (0, 9)
    assert (three["found"]["count"], three["found"]["of"]) == (3, 3)
    assert (three["cried"]["count"], three["cried"]["of"]) == (0, 6)
    planted = [one for one in found["seen"] if one["planted"]]
    assert [one["benchmark"] for one in planted] == [f"{name}{WHOLE}" for name in NAMES]
    assert all(one["ratio"] == pytest.approx(1.03, abs=0.001) for one in planted)
    assert "6 of 6 trials" in said and "seed 1" in said


def test_what_is_below_the_noise_is_not_found(tmp_path, capsys):
    code, found, said = run(tmp_path, capsys, "--trials", 2, "--sizes", "3", noise=0.5)
    assert code == 1 and found["sizes"][0]["found"]["count"] == 0
    assert "mnbench: selftest: of 3 % 0.0 % were found, and 95 % are the least" in said


def test_time_is_bounded(tmp_path, capsys):
    _, found, said = run(tmp_path, capsys, "--trials", 1000, "--sizes", "0,5", "--seconds", 1e-9)
    assert sum(size["trials"] for size in found["sizes"]) == 1 and "1 of 2000 trials" in said


def test_tables(tmp_path, capsys):
    words = ["--binary", fake(tmp_path), "--trials", 1, "--sizes", "0,10", "--rounds", 10]
    assert command(selftest, *words) == (0, "")
    text = " ".join(capsys.readouterr().out.split())
    assert "Slow-downs planted and found" in text and "10 % 1 100.0 % (2.5 .. 100.0)" in text
    assert "found: compare decides" in text and "exact binomial confidence limits, 95 %" in text
    assert command(selftest, *words, "--format", "markdown") == (0, "")
    assert "| planted | trials | found |" in capsys.readouterr().out


@pytest.mark.parametrize("words, told", [
    (["--sizes", "a"], "no list of per cents"), (["--sizes", "-1"], "no list of per cents"),
    (["--sizes", "nan"], "no list of per cents"), (["--trials", "0"], "no number of 1 or more"),
])
def test_bad_words(tmp_path, capsys, words, told):
    with pytest.raises(SystemExit):
        command(selftest, *words)
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("how, told", [
    ({"fault": "none"}, "no benchmark of that name"),
    ({"fault": "bad"}, "no such family"),
    ({"suffix": "/manual_time"}, "nothing can be planted there"),
])
def test_operations_that_cannot_be(tmp_path, how, told):
    path = tmp_path / "binary"
    program(path, Fake(names=NAMES, **{"suffix": "/real_time", **how}))
    code, error = command(selftest, "--binary", path, "--operations", "x")
    assert code == 2 and told in error


def test_a_trial_that_dies_is_no_result(tmp_path):
    from mnbenchlib.errors import Failed

    with pytest.raises(Failed, match="exit code 3"):
        command(selftest, "--binary", fake(tmp_path, fault="die 1"), "--trials", 1)


# --- what they amount to


def seen(trial, size, planted, decided, ratio=1.1, p=0.01, benchmark="x"):
    return Seen(trial, size, benchmark, planted, decided, ratio, p, 0.01)


def test_counting():
    trials = [seen(0, 0, False, True), seen(0, 0, False, True), seen(1, 0, False, False),
              seen(2, 5, True, True), seen(2, 5, False, False), seen(3, 5, True, True, ratio=0.9),
              seen(4, 5, True, False), seen(4, 5, False, True, ratio=0.9)]
    nothing, five = detection.by_size(trials)
    assert nothing.found == nothing.wrong == Share(0, 0)
    assert nothing.cried == Share(2, 3) and nothing.alarms == Share(1, 2)
    assert five.found == five.wrong == Share(1, 3) and five.trials == 3
    assert five.cried == Share(1, 2) and five.alarms == Share(1, 3)


def test_limits_against_scipy():
    low, high = Share(95, 100).limits()
    assert low == pytest.approx(100 * scipy_stats.beta.ppf(0.025, 95, 6))
    assert high == pytest.approx(100 * scipy_stats.beta.ppf(0.975, 96, 5))
    assert Share(0, 100).limits()[0] == 0 and str(Share(0, 0)) == "-"


@pytest.mark.parametrize("size, good, of, short", [
    (0, 1, 100, False), (0, 2, 100, True), (3, 95, 100, False), (3, 94, 100, True),
    (2, 0, 100, False)])
def test_what_is_asked(size, good, of, short):
    trials = [seen(i, size, bool(size), i < good) for i in range(of)]
    assert bool(detection.shortfalls(trials)) == short


# --- the build with slow-downs

needs_plant = pytest.mark.skipif(not PLANT.exists(),
                                 reason=f"{PLANT} is not built: scripts/mnbench build plant")
LOOP = ["--benchmark_filter=^probe/loop/", "--benchmark_min_time=0.005", "--target=0",
        "--twins=0", "--repetitions=5"]


def figures(tmp_path, *words) -> list[float]:
    path = tmp_path / "x.csv"
    path.unlink(missing_ok=True)
    subprocess.run([PLANT, *LOOP, "--csv", path, *words], check=True, capture_output=True)
    with path.open(encoding="utf-8", newline="") as source:
        return [float(row["cpu_ns_per_op"]) for row in csv.DictReader(source)]


@needs_plant
def test_it_does_more_than_it_counts(tmp_path):
    plain, planted, other = (min(figures(tmp_path, *words)) for words in (
        [], ["--plant", "^probe/l[o]+p/.*threads:1/:300"], ["--plant=^probe/clock:300"]))
    # CPU time, and four times as much: no slow day comes near.
    assert 2.2 < planted / plain < 8
    assert 0.5 < other / plain < 2


@needs_plant
@pytest.mark.skipif(not shutil.which(f"qemu-{os.uname().machine}"), reason="no emulator to count by")
def test_one_instruction_is_found_in_each_operation(capsys):
    words = ["--counts", "--trials", 3, "--seed", 1, "--operations", "^probe/(loop|clock|atomic)"]
    assert command(selftest, *words) == (0, "")
    text = " ".join(capsys.readouterr().out.split())
    assert "1 instruction 3 3 100.0 %" in text and "cried:" not in text


def test_what_the_counts_miss_or_cry_is_told(monkeypatch, capsys):
    after = {"": {"a": "5", "b": "7.5"}, "a": {"a": "5", "b": "8.5"}, "b": {"a": "5", "b": "8.5"}}
    monkeypatch.setattr(counttrials, "_count",
                        lambda program, names, plant: after["".join(plant[1:])[1:2]])
    seen = list(counttrials.trials(PLANT, ["a", "b"], 2, seed=1))
    said = " ".join(as_text([counttrials.block(seen)], False).split())
    assert [trial.found for trial in sorted(seen, key=lambda t: t.planted)] == [False, True]
    assert "not found: a" in said and "cried: b" in said and "cried: a" not in said


@needs_plant
@pytest.mark.parametrize("words", [["--plant"], ["--plant=x"], ["--plant=x:"], ["--plant=x:1%"],
                                   ["--plant", "x:1.5i"], ["--plant", "x:1j"], ["--plant", "x:-1"], ["--plant=x:1e9"], ["--plant=x(:1"],
                                   ["--plant=x:nan"]])
def test_bad_plants(words):
    done = subprocess.run([PLANT, *LOOP, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("mnbench: --plant=") and done.stderr.count("\n") == 1


@pytest.mark.skipif(not NATIVE.exists(), reason=f"{NATIVE} is not built")
def test_no_other_build_has_a_trace_of_it():
    done = subprocess.run([NATIVE, "--plant=x:1"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "--plant=x:1: no such flag" in done.stderr
    assert b"plant" not in NATIVE.read_bytes()
    assert "plant" not in (TOP / "bench" / "options.c").read_text(encoding="utf-8")
