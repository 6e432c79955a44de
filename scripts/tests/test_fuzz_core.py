# SPDX-License-Identifier: GPL-2.0-or-later
"""The fuzzers find what is planted in a copy of the core, and say how to see it again."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import synthetic  # noqa: F401  puts scripts/ on the path

from mnbenchlib import cli, fuzz

TOP = Path(__file__).resolve().parents[2]
LIBRARY = "lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a"
pytestmark = pytest.mark.skipif(
    shutil.which("clang") is None or not any(Path("/usr/lib").glob(f"llvm-*/{LIBRARY}")),
    reason="no clang with libFuzzer; mnbench fuzz installs it")

PLANTED = {
    # A range is half open: an interval that begins at its end is not hit.
    "end_off_by_one": ("ops", "mmu_notifier.c",
                       "interval_tree_iter_first(&subscriptions->itree, range->start, "
                       "range->end - 1)",
                       "interval_tree_iter_first(&subscriptions->itree, range->start, range->end)"),
    "remove_does_not_wait": ("ops", "mmu_notifier.c", "settled_seq(subscriptions) != seq", "true"),
    "refused_range_stays": ("ops", "mmu_notifier.c", "if (unlikely(ret))\n\t\tinv_end",
                            "if (0)\n\t\tinv_end"),
    "rotation_keeps_greatest_end": ("itree", "interval_tree.c",
                                    "interval(lower)->__subtree_last = subtree_last(lower);", ""),
    "equal_starts_reversed": ("itree", "interval_tree.c", "if (start < above->start)",
                              "if (start <= above->start)"),
}


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A tree of one's own, with short times."""
    for name in ("core", "platforms"):
        shutil.copytree(TOP / name, tmp_path / name, ignore=shutil.ignore_patterns("tests"))
    monkeypatch.setattr(fuzz, "TOP", tmp_path)
    monkeypatch.setattr(fuzz, "_REDUCE_SECONDS", 3)
    return tmp_path


@pytest.mark.parametrize("bug", PLANTED)
def test_planted_bug_is_found(copy, bug):
    target, file, before, after = PLANTED[bug]
    source = copy / "core" / file
    text = source.read_text(encoding="utf-8")
    assert text.count(before) == 1
    source.write_text(text.replace(before, after), encoding="utf-8")
    outcome = fuzz.run(target, copy / "fuzz", seconds=60, seed=1)
    assert outcome.finding is not None and outcome.finding.exists()
    assert outcome.reason and "does not repeat" not in outcome.reason
    assert "replay" in str(outcome)
    replay = subprocess.run(shlex.split(outcome.replay), capture_output=True, check=False)
    assert replay.returncode != 0


@pytest.mark.parametrize("target", ["itree", "ops"])
def test_nothing_in_the_core_as_it_is(copy, target):
    seconds = int(os.environ.get("MNBENCH_FUZZ_SECONDS", "10"))
    outcome = fuzz.run(target, copy / "fuzz", seconds=seconds, seed=1)
    assert outcome.finding is None, outcome
    assert outcome.executions > 100 and outcome.corpus > 50 and outcome.coverage > 100


def test_targets_are_the_files():
    assert fuzz.targets() == ["itree", "ops"]


@pytest.mark.parametrize("words", [["nope"], ["--seconds", "0"], ["--seed", "-1"],
                                   ["--seconds", "x"]])
def test_bad_input(words, capsys):
    assert cli.main(["fuzz", *words]) == 2
    error = capsys.readouterr().err
    assert error.startswith("mnbench: ") and error.count("\n") == 1
