# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs from outside: how they are read, judged and told of; with fakes of them."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import synthetic  # also puts scripts/ on the path
from binary import BINARY, good, needs_binary

from mnbenchlib import arches, builds, cli, outside, outsidebuild, outsiders, outsiderun, packages
from mnbenchlib.errors import UserError
from mnbenchlib.outsiderun import Measured
from mnbenchlib.outsiders import COMPARISONS, Place

TOP = Path(__file__).resolve().parents[2]
README = TOP / "bench" / "README.md"
BY_NAME = {comparison.name: comparison for comparison in COMPARISONS}
PLACE = Place([0, 1], 2.0)

# What each program prints, by what it is built from.
PRINTED = {
    "ck-ticket": ("             27\n", 13.75),
    "ck-ticket-2": ("0         5000\n1    7500\n\n# total       :       12500\n"
                    "# throughput  :      625 a/s\n", 16000),
    "ck-sequence": ("read: 10\nREAD 11\nwrite: 19\n", 5.25),
    "ck-pr-faa": ("0 1000\n\n# total       :        1000\n# throughput  : 100 a/s\n", 25000),
    "ck-fence": ("[B] fence_store: 6\n[C] fence_memory: 36\n[C] atomic: 21\n", 18.25),
    "glibc-mutex": ('"mutex-empty": {\n "duration": 1e+07,\n "mean": 20.5,\n "stdev": 1,\n', 20.5),
    "urcu-mutex-2": ("SUMMARY ./test_mutex testdur   10 nr_readers   2 rdur      0 wdur      0 "
                     "nr_writers   0 wdelay      0 nr_reads         1000 nr_writes            0 "
                     "nr_ops         1000\n", 200000),
    "perf-wake-64": ("".join(f"[Run {i}]: Wokeup 64 of 64 threads in {ms} ms\n" for i, ms in
                             enumerate(["0.5000", "0.1000", "0.2000"], 1))
                     + "Wokeup 64 of 64 threads in 0.2667 ms (+-45.07%)\n", 200000),
}


@pytest.mark.parametrize("name", PRINTED)
def test_what_they_print(name):
    text, ns = PRINTED[name]
    comparison = BY_NAME[name]
    found = outsiders.numbers(comparison.form, text)
    assert comparison.figure(found, PLACE) == pytest.approx(ns)


def test_what_is_like_theirs_prints():
    assert outsiders.like_ns("4.5 ns\n", PLACE) == 4.5
    assert outsiders.like_ns("9.0 ticks\n", PLACE) == 4.5
    assert outsiders.like_ns("4.5 us\n", PLACE) is None


# ---- the list ----

def test_names_are_told_apart():
    assert len(BY_NAME) == len(COMPARISONS) >= 10


def test_one_explanation_each_way():
    """What is explained has words in bench/README.md and something to refute it; no words more."""
    assert all(bool(c.explained) == bool(c.like) for c in COMPARISONS)
    told = set(re.findall(r"^- \*\*`([\w-]+)`\*\*", README.read_text(encoding="utf-8"), re.M))
    assert told == {c.explained for c in COMPARISONS if c.explained}


def test_the_recorded_table_is_of_what_there_is():
    text = README.read_text(encoding="utf-8")
    recorded = text.partition("<!-- outside -->")[2].partition("<!-- /outside -->")[0]
    found = re.findall(r"^\| ([\w-]+): (?!ours)", recorded, re.M)
    assert found and set(found) <= set(BY_NAME)


def test_the_map_names_what_is_there():
    text = README.read_text(encoding="utf-8").partition("## ")[0]
    for name in re.findall(r"`([\w/]+\.(?:h|cc?))`", text):
        assert (TOP / "bench" / name).exists(), name


def test_our_parts_are_there():
    programs = [p for c in COMPARISONS for p in (c.program, c.like) if p]
    for name in {name for program in programs for name in program.ours}:
        assert (TOP / "bench" / "outside" / name).exists(), name


@needs_binary
@pytest.mark.skipif(arches.host() != "x86_64", reason="some are x86_64's")
def test_ours_are_benchmarks():
    listed = good("--benchmark_list_tests", "--pin", "compact", "--threads", "1,2")
    for comparison in COMPARISONS:
        pattern = re.escape(comparison.benchmark) + r"/pin:compact/"
        assert len(re.findall(f"^{pattern}", listed, re.M)) == 1, comparison.name


# ---- judging ----

def measured(ours: float, theirs: float, like: float | None = None, noise: float = 0.001,
             name: str = "ck-ticket") -> Measured:
    rounds = [1 + noise * (-1) ** i * (i % 3) for i in range(8)]
    return Measured(BY_NAME[name], "1", [ours * r for r in rounds], [theirs] * 8,
                    [like * r for r in rounds] if like else [])


@pytest.mark.parametrize("ours, theirs, like, noise, verdict", [
    (10, 10, None, 0.001, "agrees"),
    (10.9, 10, None, 0.001, "agrees"),
    (10, 10.9, None, 0.001, "agrees"),
    (11.2, 10, None, 0.001, "differs"),
    (10, 11.2, None, 0.001, "differs"),
    (11.2, 10, None, 0.05, "~"),
    (20, 10, 10.5, 0.001, "explained"),
    (20, 10, 15, 0.001, "differs"),  # the explanation is refuted
    (20, 10, 5, 0.001, "differs"),
    (10, 10, 20, 0.001, "agrees"),
])
def test_verdicts(ours, theirs, like, noise, verdict):
    assert measured(ours, theirs, like, noise).verdict() == verdict


# ---- the command ----

_OURS = """#!/bin/sh
for word; do last=$prev; prev=$word; case $last in --csv) table=$word;; esac; done
case $1 in --plan) printf '0\\t0\\t0\\n1\\t1\\t1\\n'; exit;; esac
printf '%s\\n' {header} {row} >"$table"
"""


def script(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Programs that say what is in `says`; ours says 10 ns."""
    says = {"ck_ticket.LATENCY": "20", "like_ck_ticket": "20.5 ticks",
            "ck_fas.LATENCY": "20", "counter": "2.0 ticks/ns"}
    row = ",".join(synthetic.row(real_ns_per_op="10", op="wake_all_waker").values())
    script(tmp_path / "native/bench/mnbench",
           _OURS.format(header=",".join(synthetic.COLUMNS), row=row))
    monkeypatch.setattr(builds, "build", lambda preset: None)
    monkeypatch.setattr(builds, "folder", lambda preset: tmp_path / preset)
    monkeypatch.setattr(arches, "host", lambda: "x86_64")
    monkeypatch.setattr(outside, "host", lambda: "x86_64")
    monkeypatch.setattr(outsidebuild, "version", lambda program: "1.0")
    monkeypatch.setattr(outsidebuild, "require", lambda programs: {
        program.name: script(tmp_path / program.name, f"#!/bin/sh\necho '{says[program.name]}'\n")
        for program in programs})
    # One PU may be all that the tests have.
    monkeypatch.setattr(outsiderun.os, "sched_setaffinity", lambda pid, pus: None)
    return says


def run(*words: str) -> int:
    return cli.main(["outside", "--rounds", "2", *words])


def test_all_agree(machine, capsys):
    assert run("--only", "ck-ticket,ck-fas", "--seed", "5") == 0
    out = capsys.readouterr().out
    assert "ck 1.0 ck_ticket.LATENCY" in out and out.count("agrees") == 2 and "seed 5" in out


def test_explained(machine, capsys):
    machine["ck_ticket.LATENCY"] = "40"
    machine["like_ck_ticket"] = "40.5 ticks"
    assert run("--only", "ck-ticket", "--format", "markdown") == 0
    assert "| explained: locked-unlock |" in capsys.readouterr().out


def test_each_step_is_told(machine, capsys):
    machine["bench futex wake"] = "[Run 1]: Wokeup 64 of 64 threads in 0.0400 ms"
    machine["like_perf"] = "39000 ns"
    assert run("--only", "perf-wake-64") == 0
    told = " ".join(capsys.readouterr().out.split())
    assert ("perf-wake-64, step by step: ours 10.00 ns; like_perf 64 39.00 us; "
            "like_perf 64 idle 39.00 us; like_perf 64 idle end 39.00 us; theirs 40.00 us.") in told


def test_a_difference(machine, capsys):
    machine["ck_fas.LATENCY"] = "40"
    assert run("--only", "ck-fas,ck-ticket") == 1
    assert "differ, unexplained: ck-fas\n" in capsys.readouterr().err


def test_json_has_all_figures(machine, tmp_path):
    place = tmp_path / "out.json"
    assert run("--only", "ck-ticket", "--seed", "9", "--format", "json", "-o", str(place)) == 0
    told = json.loads(place.read_text(encoding="utf-8"))
    assert (told["seed"], told["rounds"], told["ticks_per_ns"]) == (9, 2, 2.0)
    one, = told["comparisons"]
    assert (one["ours_ns"], one["theirs_ns"], one["like_ns"]) == (
        [10, 10], [10.25] * 2, [10.25] * 2)
    assert one["verdict"] == "agrees"


def complaint(capsys) -> str:
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("mnbench: ")]
    assert len(lines) == 1
    return lines[0]


@pytest.mark.parametrize("program, says, told", [
    ("ck_fas.LATENCY", "20 cycles", "ck_fas.LATENCY: its output has another form now"),
    ("ck_fas.LATENCY", "0", "agree"),  # half a tick is left of it
    ("counter", "0.0 ticks/ns", "does not tick"),
])
def test_another_output(machine, capsys, program, says, told):
    machine[program] = says
    assert run("--only", "ck-fas") == 1
    if told != "agree":
        assert told in complaint(capsys)


def test_what_is_like_theirs_is_silent(machine, capsys):
    machine["like_ck_ticket"] = ""
    assert run("--only", "ck-ticket") == 1
    assert "like_ck_ticket: says nothing" in complaint(capsys)


def test_threads_that_never_run_together(machine, tmp_path, capsys):
    row = ",".join(synthetic.row(real_ns_per_op="10", flags="low-overlap").values())
    script(tmp_path / "native/bench/mnbench",
           _OURS.format(header=",".join(synthetic.COLUMNS), row=f"'{row}'"))
    assert run("--only", "ck-fas") == 1
    assert "did not run together" in complaint(capsys)


@pytest.mark.parametrize("words, told", [
    (["--only", "nothing"], "--only nothing: nothing to compare by that name"),
    (["--rounds", "1"], "'1' is no number of 2 or more"),
    (["--rounds", "many"], "'many' is no number of 2 or more"),
    (["--seed", "x"], "--seed"),
])
def test_bad_input(machine, capsys, words, told):
    assert run(*words) == 2
    assert told in complaint(capsys)


def test_the_examples_name_comparisons_that_exist():
    names = re.findall(r"--only (\S+)", outside.EXAMPLES)
    assert names and set(",".join(names).split(",")) <= set(BY_NAME)


# ---- what is missing ----

def test_no_apt(tmp_path, monkeypatch):
    monkeypatch.setenv("MNBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(packages, "have_apt", lambda: False)
    with pytest.raises(UserError, match="ck: its benchmarks come through apt"):
        outsidebuild.version(BY_NAME["ck-fas"].program)


def test_no_perf(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(UserError, match="perf: not installed; install the package linux-perf"):
        outsidebuild.version(BY_NAME["perf-wake-64"].program)


def test_threads_that_cannot_be_the_same():
    with pytest.raises(UserError, match="ck: .* PU 0"):
        BY_NAME["ck-ticket-2"].arguments(Place([2, 3]))


def test_packages_are_listed():
    assert "linux-perf" in packages.needed("outside")
