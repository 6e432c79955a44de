# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench torture`: what it runs, what it makes of the answers, and what it refuses."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("MNBENCH_TORTURE", TOP / "build" / "native" / "core" / "torture"))

built = pytest.mark.skipif(not PROGRAM.exists(), reason=f"{PROGRAM} is not built")

_STAND_IN = """#!/bin/sh
echo "$@" >>"$0.calls"
case $FAKE in
bad) echo "torture: --test nope: no such test; --list names them" >&2; exit 2 ;;
crash) kill -SEGV $$ ;;
esac
echo "seed 7, 2 tests, 1 s each"
echo "alpha: passed, 12 operations in 1.0 s (reader 12)"
if [ "$FAKE" = fail ]; then
    echo "FAILED beta: no-sleeper-for-ever: reader 0: sleeping for 9.0 s (seed 7)"
    echo "beta: failed, 0 operations in 1.0 s (reader 0)"
    exit 1
fi
echo "beta: passed, 34 operations in 1.0 s (reader 34)"
"""


def _stand_in(checkout, preset: str = "native", name: str = "torture") -> Path:
    path = checkout.top / "build" / preset / "core" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_STAND_IN, encoding="utf-8")
    path.chmod(0o755)
    return path


def _calls(path: Path) -> list[str]:
    return path.with_name(path.name + ".calls").read_text(encoding="utf-8").splitlines()


def test_a_table_of_what_passed(checkout):
    path = _stand_in(checkout)
    done = checkout.mnbench("torture", "--seconds", 3, "--test", "alpha,beta", "--seed", 7)
    assert done.returncode == 0, done.stderr
    assert "alpha" in done.stdout and "34" in done.stdout
    assert done.stdout.endswith("2 tests, 0 failed\n")
    assert _calls(path) == ["--seconds 3.0 --stall 20 --seed 7 --test alpha,beta"]


def test_presets_and_subjects_in_turn(checkout):
    other = checkout.others[0]
    for preset in ("native", other):
        _stand_in(checkout, preset)
        _stand_in(checkout, preset, "torture-upstream-6.12")
    done = checkout.mnbench("torture", "--preset", "native", "--preset", other, "--subject", "port",
                            "--subject", "upstream-6.12")
    assert done.returncode == 0, done.stderr
    assert f"{other} upstream-6.12" in done.stdout
    assert done.stdout.endswith("8 tests, 0 failed\n")


def test_a_failure_is_told_and_counts(checkout):
    _stand_in(checkout)
    done = checkout.mnbench("torture", fake="fail")
    assert done.returncode == 1
    assert "native: FAILED beta: no-sleeper-for-ever: reader 0" in done.stdout
    assert done.stdout.endswith("2 tests, 1 failed\n")


def test_a_program_that_dies_is_a_failure(checkout):
    _stand_in(checkout)
    done = checkout.mnbench("torture", fake="crash")
    assert done.returncode == 1
    assert "native: killed by SIGSEGV" in done.stdout


@pytest.mark.parametrize("words, told", [
    (["--preset", "nope"], "mnbench: nope: no such preset"),
    (["--preset", "debug"], "mnbench: debug: not built; scripts/mnbench build debug"),
    (["--subject", "upstream-9"], "mnbench: upstream-9: not built for native; there are port"),
    (["--seconds", "x"], "mnbench: argument --seconds: invalid float value"),
])
def test_bad_input_is_one_line(checkout, words, told):
    _stand_in(checkout)
    done = checkout.mnbench("torture", *words)
    assert done.returncode == 2
    assert done.stderr.startswith(told) and done.stderr.count("\n") == 1, done.stderr


def test_what_the_program_refuses_is_passed_on(checkout):
    _stand_in(checkout)
    done = checkout.mnbench("torture", fake="bad")
    assert done.returncode == 2
    assert done.stderr == "torture: --test nope: no such test; --list names them\n"


def _torture(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(PROGRAM), *map(str, words)], capture_output=True, text=True,
                          timeout=120, check=False)


@built
@pytest.mark.parametrize("words, told", [
    (["--test", "nope"], "--test nope: no such test"),
    (["--seconds", "0"], "--seconds 0: not a number"),
    (["--seconds", "nan"], "--seconds nan: not a number"),
    (["--threads", "33"], "--threads 33: not a number"),
    (["--seed", "-1"], "--seed -1: not a whole number"),
    (["more"], "more: not an option"),
])
def test_the_program_refuses(words, told):
    done = _torture(*words)
    assert done.returncode == 2
    assert told in done.stderr and done.stderr.count("\n") == 1 and not done.stdout


@built
def test_every_test_runs_and_passes():
    names = [line.split()[0] for line in _torture("--list").stdout.splitlines()]
    assert len(names) == len(set(names)) > 20
    done = _torture("--seconds", 0.2 * len(names), "--stall", 20)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in names:
        assert f"\n{name}: passed, " in done.stdout


@built
def test_the_watchdog_names_who_is_stuck():
    """Nobody beats its 0.1 s where a round takes longer."""
    done = _torture("--seconds", 3, "--stall", 0.1, "--test", "order_queued,sleepers,teardown",
                    "--threads", 32)
    if done.returncode == 0:
        pytest.skip("this machine is too quick for it")
    assert "FAILED" in done.stdout and " s in " in done.stdout
