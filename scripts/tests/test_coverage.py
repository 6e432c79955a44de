# SPDX-License-Identifier: GPL-2.0-or-later
"""mnbench coverage: what is not reached is told, and children that die count."""

from __future__ import annotations

import shutil

import pytest
from checkout import TOP  # also puts scripts/ on the path

from mnbenchlib import cli, coverage, trials

_CORE = """\
#include <stdlib.h>

int sign(int n)
{
	if (n < 0)
		return -1;
	if (n > 1000)
		abort();
	return n > 0;
}
"""
_TEST = """\
#include <sys/wait.h>
#include <unistd.h>

int sign(int n);

int main(void)
{
	int status;

	if (!fork())
		_exit(%s);
	wait(&status);
	return !(%s);
}
"""


@pytest.fixture(name="covered")
def _covered(tmp_path, monkeypatch):
    """Measures a core of one function, with a child's expression and its parent's."""
    if shutil.which("gcovr") is None:
        pytest.skip("gcovr is not installed")
    top = tmp_path / "checkout"
    (top / "core/tests").mkdir(parents=True)
    (top / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(small C CXX)\nenable_testing()\n"
        "add_subdirectory(core)\n", encoding="utf-8")
    (top / "core/CMakeLists.txt").write_text(
        "add_library(core STATIC sign.c)\nadd_executable(sign_test tests/sign_test.c)\n"
        "target_link_libraries(sign_test core)\nadd_test(NAME sign_test COMMAND sign_test)\n",
        encoding="utf-8")
    (top / "core/sign.c").write_text(_CORE, encoding="utf-8")
    monkeypatch.setattr(trials, "TOP", top)
    monkeypatch.setattr(trials, "_COPIED", ("CMakeLists.txt", "core"))

    def run(child: str, parent: str, *words: str) -> int:
        (top / "core/tests/sign_test.c").write_text(_TEST % (child, parent), encoding="utf-8")
        return cli.main(["coverage", "--folder", str(tmp_path / "work"), *words])
    return run


def test_what_is_missed_fails(covered, capsys):
    assert covered("0", "sign(0) == 0 && sign(3) == 1", "--missed") == 1
    shown = capsys.readouterr()
    assert "core/sign.c                            4/6       66.7%     2/4       50.0%" in shown.out
    assert "missed: 5:1/2 6 7:1/2 8" in shown.out
    assert "below 98 % of the lines or 92 % of the branches" in shown.err


def test_children_that_die_or_leave_count(covered, capsys):
    assert covered("sign(-2)", "sign(0) == 0 && sign(3) == 1") == 1
    assert "5/6" in capsys.readouterr().out
    assert covered("sign(2000)", "sign(0) == 0 && sign(-3) == -1") == 0
    assert "6/6      100.0%     4/4      100.0%" in capsys.readouterr().out


def test_only_the_core_is_measured():
    report = {"files": [
        {"file": name, "lines": [{"line_number": 1, "count": 0, "branches": []}]}
        for name in ("core/a.c", "core/include/linux/a.h", "core/tests/a_test.c", "core/walk/a.c")]}
    assert list(coverage.counts(report)) == ["core/a.c", "core/include/linux/a.h"]


def test_a_folder_that_cannot_be(capsys):
    assert cli.main(["coverage", "--folder", str(TOP / "README.md")]) == 2
    err = capsys.readouterr().err
    assert "README.md" in err and err.count("\n") == 1
