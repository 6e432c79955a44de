# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench run`: the folder it leaves, and every way in which it declines."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import time

import pytest

MOUNTS = pytest.mark.skipif(
    subprocess.run(["unshare", "--mount", "true"], stderr=subprocess.DEVNULL,
                   check=False).returncode != 0,
    reason="mounting takes root, outside of a chroot")
CROSS = pytest.mark.skipif(os.uname().machine != "x86_64", reason="cross builds are for x86_64")


def one_line(done, *parts: str) -> None:
    """Exit 2, and one line on standard error that has all of `parts`, beside the doctor's."""
    assert done.returncode == 2, done
    lines = [x for x in done.stderr.splitlines() if not x.startswith("this machine: ")]
    assert len(lines) == 1 and lines[0].startswith("mnbench: "), done.stderr
    for part in parts:
        assert part in lines[0]


def rows(folder) -> list[dict[str, str]]:
    with (folder / "mnbench.csv").open(encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source))


@CROSS
def test_three_architectures_in_one_folder(checkout, tmp_path):
    out = tmp_path / "out"
    done = checkout.mnbench("run", "--out", out)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(out)
    assert [row["execution"] for row in rows(out)] == ["native"] * 2 + ["qemu-user"] * 12
    assert len({row["run_id"] for row in rows(out)}) == 1
    assert {path.name for path in out.iterdir()} == {"mnbench.csv", "machine.json",
                                                     "topology.xml", "run.json", "doctor.json"}
    assert "14 rows of x86_64, arm64, riscv64 in" in done.stderr


def test_default_folder_is_named_by_the_run(checkout):
    done = checkout.mnbench("run", "--arch", checkout.host)
    assert done.returncode == 0, done.stderr
    (out,) = (checkout.top / "results" / "local").iterdir()
    assert {row["run_id"] for row in rows(out)} == {out.name}


def test_a_topology_in_doubt_is_told_once(checkout, tmp_path):
    done = checkout.mnbench("run", "--out", tmp_path / "out", fake="odd")
    assert done.returncode == 0
    assert done.stderr.count("mnbench: topology: hwloc sees less\n") == 1


def test_skipped_rows_are_counted(checkout, tmp_path):
    done = checkout.mnbench("run", "--arch", checkout.host, "--out", tmp_path / "out", fake="skip")
    assert done.returncode == 0
    assert "1 of them skipped or failed" in done.stderr


@pytest.mark.parametrize("words, parts", [
    (["--arch", "sparc"], ["--arch sparc", "x86_64, arm64, riscv64"]),
    (["--arch", ""], ["--arch"]),
    (["--preset", "nope"], ["--preset nope", "native"]),
    (["--preset", "native", "--arch", "x86_64,arm64"], ["--preset native"]),
    (["--profile", "slow"], ["--profile", "quick"]),
    (["--nope"], ["--nope", "--help"]),
])
def test_unknown_words(checkout, words, parts):
    one_line(checkout.mnbench("run", *words), *parts)
    assert not (checkout.top / "results").exists()


def test_the_binary_refuses(checkout, tmp_path):
    out = tmp_path / "out"
    done = checkout.mnbench("run", "--arch", checkout.host, "--out", out, "--families", "nope",
                            fake="bad")
    one_line(done, "--families nope: no such family")
    assert not out.exists()


def test_the_binary_refuses_late(checkout, tmp_path):
    out = tmp_path / "out"
    one_line(checkout.mnbench("run", "--arch", checkout.host, "--out", out, fake="late"),
             "--pin kind:9")
    assert not out.exists()


def test_nothing_left_to_run(checkout, tmp_path):
    out = tmp_path / "out"
    one_line(checkout.mnbench("run", "--arch", checkout.host, "--out", out, fake="none"),
             "no benchmark")
    assert not out.exists()


def test_missing_build_names_the_command(checkout):
    preset = checkout.host if checkout.host == "x86_64" else "native"
    checkout.binary(preset).unlink()
    one_line(checkout.mnbench("run"), "not built", f"scripts/mnbench build {preset}")


@CROSS
def test_missing_emulator_names_the_package(checkout):
    (checkout.programs / "qemu-aarch64").unlink()
    one_line(checkout.mnbench("run", path="/nonexistent"), "qemu-aarch64", "qemu-user")


def test_a_folder_in_use_stays_as_it_is(checkout, tmp_path):
    (tmp_path / "mnbench.csv").write_text("mine\n", encoding="utf-8")
    one_line(checkout.mnbench("run", "--arch", checkout.host, "--out", tmp_path), str(tmp_path),
             "not empty", "--out")
    assert (tmp_path / "mnbench.csv").read_text(encoding="utf-8") == "mine\n"


def test_out_is_a_file(checkout, tmp_path):
    (tmp_path / "file").write_text("mine\n", encoding="utf-8")
    one_line(checkout.mnbench("run", "--arch", checkout.host, "--out", tmp_path / "file"), "file")
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine\n"


def mounted(how: str) -> list[str]:
    """Run the rest of the line with something mounted, seen by nobody else."""
    return ["unshare", "--mount", "--", "sh", "-ec", f'{how}; exec "$@"', "sh"]


@MOUNTS
def test_read_only_folder(checkout, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    how = f"mount --bind {out} {out}; mount -o remount,ro,bind {out}"
    for folder in (out, out / "below"):
        one_line(checkout.mnbench("run", "--arch", checkout.host, "--out", folder,
                                  within=mounted(how)), str(folder), "ead-only")


@MOUNTS
def test_no_space_left(checkout, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    one_line(checkout.mnbench("run", "--arch", checkout.host, "--out", out,
                              within=mounted(f"mount -t tmpfs -o size=1m none {out}")),
             str(out), "no space left")


def begin(checkout, out, *words: object) -> subprocess.Popen:
    """A run without end, that has written rows."""
    child = subprocess.Popen(checkout.command("run", "--arch", checkout.host, "--out", out, *words),
                             cwd=checkout.top, env=checkout.environment("slow"), text=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE)
    deadline = time.monotonic() + 20
    while not (out / "mnbench.csv").exists() or len(rows(out)) < 3:
        assert time.monotonic() < deadline and child.poll() is None
        time.sleep(0.02)
    return child


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_keeps_whole_rows(checkout, tmp_path, number):
    out = tmp_path / "out"
    child = begin(checkout, out)
    child.send_signal(number)
    told = child.communicate(timeout=20)[1]
    assert child.returncode == 130
    assert "interrupted" in told and str(out / "mnbench.csv") in told
    assert "Traceback" not in told
    text = (out / "mnbench.csv").read_text(encoding="utf-8")
    assert text.endswith("\n")
    time.sleep(0.1)
    assert (out / "mnbench.csv").read_text(encoding="utf-8") == text, "the binary still runs"


def test_two_runs_into_one_folder(checkout, tmp_path):
    out = tmp_path / "out"
    child = begin(checkout, out)
    try:
        one_line(checkout.mnbench("run", "--arch", checkout.host, "--out", out), str(out),
                 "another run")
        assert child.poll() is None
    finally:
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=20)


@CROSS
def test_a_crash_is_told_and_the_others_run(checkout, tmp_path):
    out = tmp_path / "out"
    done = checkout.mnbench("run", "--out", out, fake="crash:native")
    assert done.returncode == 1
    assert "x86_64: the binary ended with SIGSEGV" in done.stderr
    assert "BUG: at here.c:7" in done.stderr
    assert "1 of 3 architectures failed" in done.stderr
    executions = [row["execution"] for row in rows(out)]
    assert set(executions[:-12]) == {"native"} and executions[-12:] == ["qemu-user"] * 12
