# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench setup`, `build` and `test` where something is missing, and how they count."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from test_run import CROSS, one_line

from mnbenchlib import commands, packages, tests, toolchain
from mnbenchlib.errors import Failed, OutOfStep, UserError


def as_nobody() -> list[str]:
    """Run the rest of the line as somebody who can install nothing."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]


def tools(checkout, *names: str) -> str:
    """A PATH that has nothing but these of the machine's programs."""
    folder = checkout.top / "tools"
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to(shutil.which(name))
    return str(folder)


@pytest.fixture
def open_checkout(checkout):
    """A checkout that nobody can reach."""
    for folder in [*checkout.top.parents][:-2]:
        if folder.stat().st_uid == os.getuid():
            folder.chmod(folder.stat().st_mode | 0o055)
    return checkout


def test_dry_run_does_nothing(checkout):
    done = checkout.mnbench("setup", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "python3-pandas" in done.stdout
    assert not (checkout.top / "cache").exists()


def test_missing_packages_without_root_are_named(open_checkout):
    # The stand-in for dpkg-query knows of no package, and there is no sudo on this PATH.
    path = tools(open_checkout, "sh", "setpriv")
    one_line(open_checkout.mnbench("setup", path=path, within=as_nobody()),
             "neither root nor sudo", "apt-get install", "python3-pandas", "libhwloc-dev")


def test_without_apt_what_the_native_build_needs(checkout):
    for program in checkout.programs.iterdir():
        program.unlink()
    one_line(checkout.mnbench("setup", path="/nonexistent"), "no apt", "cmake", "libhwloc-dev")


def test_unknown_preset(checkout):
    one_line(checkout.mnbench("build", "native", "nope"), "nope", "riscv64")


def test_native_build_without_cmake(checkout):
    one_line(checkout.mnbench("build", "native", path="/nonexistent"), "cmake", "setup")


@CROSS
def test_build_without_the_root_names_setup(checkout):
    one_line(checkout.mnbench("build", "arm64"), "toolchain root", "scripts/mnbench setup")


def test_unknown_part(checkout):
    one_line(checkout.mnbench("test", "nope"), "nope", "python")


def test_unknown_command(checkout):
    one_line(checkout.mnbench("nope"), "nope", "compare")


@CROSS
def test_unwritable_cache(checkout):
    (checkout.top / "cache").write_text("mine\n", encoding="utf-8")
    # Every package is there: only the root is left to be made.
    (checkout.programs / "dpkg-query").write_text(
        '#!/bin/sh\nshift 3\nfor name; do echo "$name installed"; done\n', encoding="utf-8")
    one_line(checkout.mnbench("setup"), str(checkout.top / "cache"), "MNBENCH_CACHE")


def test_no_space_for_the_root(monkeypatch, tmp_path):
    monkeypatch.setenv("MNBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=10**9))
    with pytest.raises(UserError, match="no space left.*MNBENCH_CACHE"):
        toolchain.make()


def test_a_failed_root_leaves_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("MNBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(toolchain, "mirror", lambda: "http://mirror.invalid/debian")

    def half(folder: Path, _site: str) -> None:
        (folder / "usr").mkdir(parents=True)
        raise Failed("mmdebstrap: half-way")

    monkeypatch.setattr(toolchain, "_install", half)
    monkeypatch.setattr(toolchain, "_namespace", lambda: ["env"])
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=10**10))
    with pytest.raises(Failed):
        toolchain.make()
    assert not toolchain.ready()
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


@pytest.mark.parametrize("codename, reached", [("trixie", True), ("forky", False)])
def test_a_mirror_out_of_step_is_asked_by_the_alias(monkeypatch, tmp_path, codename, reached):
    asked = []

    def debootstrap(folder: Path, _site: str, suite: str) -> None:
        asked.append(suite)
        (folder / "etc").mkdir(parents=True)
        (folder / "etc/os-release").write_text(f"VERSION_CODENAME={codename}\n", encoding="utf-8")
        if suite == "trixie":
            raise OutOfStep("mmdebstrap: the package mirror's files do not fit one another")

    monkeypatch.setenv("MNBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(toolchain, "mirror", lambda: "http://mirror.invalid/debian")
    monkeypatch.setattr(toolchain, "_debootstrap", debootstrap)
    monkeypatch.setattr(toolchain, "logged", lambda *_arguments: None)
    monkeypatch.setattr(toolchain, "_namespace", lambda: ["env"])
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=10**10))
    if reached:
        toolchain.make()
    else:
        with pytest.raises(OutOfStep):
            toolchain.make()
    assert asked == ["trixie", "stable"]
    assert toolchain.ready() == reached


def test_another_recipe_is_another_root(monkeypatch, tmp_path):
    monkeypatch.setenv("MNBENCH_CACHE", str(tmp_path))
    before = toolchain.root()
    assert toolchain.root() == before
    monkeypatch.setattr(packages, "needed", lambda *_purposes: ["something-else"])
    assert toolchain.root() != before


@pytest.mark.parametrize("said, kind, told", [
    ("E: Could not resolve 'deb.example.org'", UserError, "cannot be reached"),
    ("cp: write error: No space left on device", UserError, "no space left"),
    ("  File has unexpected size (1 != 2). Mirror sync in progress?\nE: apt-get update failed",
     OutOfStep, "being renewed, try again later"),
    ("Reading...\nE: Unable to locate package nope\nmore", Failed, "E: Unable to locate"),
    ("-- Test X failed\na.c:1:2: error: no\nmake: done", Failed, "a.c:1:2: error: no"),
    ("one\nlast words", Failed, "last words"),
])
def test_a_failed_command_is_one_line(tmp_path, said, kind, told):
    log = tmp_path / "log"
    log.write_text("No space left on device, once\n", encoding="utf-8")
    with pytest.raises(kind, match=told) as caught:
        commands.logged(["sh", "-c", f'echo "{said}"; exit 100'], log, "apt-get install")
    assert "\n" not in str(caught.value) and str(log) in str(caught.value)


def test_junit_counts(tmp_path):
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuite><testcase name="a"/><testcase name="b"><failure/></testcase>'
        '<testcase name="c"><error/></testcase><testcase name="d"><skipped/></testcase>'
        '<testcase name="e" status="run"><system-out>x</system-out></testcase></testsuite>',
        encoding="utf-8")
    count = tests.read_junit(report)
    assert str(count) == "2 passed, 2 failed, 1 skipped"
    assert str(tests.Count(3)) == "3 passed, 0 failed"


@pytest.mark.parametrize("script", ["bench", "test", "mnbenchlib/start.sh",
                                    "mnbenchlib/staticlibs.sh"])
def test_the_shell_accepts(checkout, script):
    subprocess.run(["sh", "-n", checkout.top / "scripts" / script], check=True)
