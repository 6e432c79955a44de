# SPDX-License-Identifier: GPL-2.0-or-later
"""lint and valgrind find what they are there for, and an exception excuses no more than it says."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import synthetic  # noqa: F401  puts scripts/ on the path

from mnbenchlib import cli, lint, valgrind
from mnbenchlib.errors import UserError

TOP = Path(__file__).resolve().parents[2]
BAD = """#include <stdlib.h>
int use(const int *p);
int use(const int *p)
{
	int *q = malloc(4);

	if (p)
		q = NULL;
	return *q;
}
"""


def needs(tool):
    return pytest.mark.skipif(shutil.which(tool) is None,
                              reason=f"no {tool}; mnbench lint installs it")


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A tree with one bad file, its database, and no exceptions."""
    (tmp_path / "core").mkdir()
    (tmp_path / "core/mmu_notifier.c").write_text("", encoding="utf-8")
    bad = tmp_path / "core/bad.c"
    bad.write_text(BAD, encoding="utf-8")
    shutil.copy(TOP / ".clang-tidy", tmp_path)
    exceptions = tmp_path / "lint.exceptions"
    exceptions.write_text("# none\n", encoding="utf-8")
    monkeypatch.setattr(lint, "TOP", tmp_path)
    monkeypatch.setattr(lint, "_EXCEPTIONS", exceptions)
    entry = {"directory": str(tmp_path), "file": str(bad), "command": f"clang -c {bad}"}
    lint._write(tmp_path / "db", [entry])
    return tmp_path, entry, exceptions


def tidy(tree):
    top, entry, _ = tree
    return lint._tidy(entry, top / "db", lint._Clean(top / "clean"))


@needs("clang-tidy")
def test_a_null_pointer_is_found_until_it_is_mended(tree):
    found = tidy(tree)
    assert any("core.NullDereference" in finding for finding in found)
    assert tidy(tree) == found  # it is not remembered as clean
    Path(tree[1]["file"]).write_text("int x;\n", encoding="utf-8")
    assert tidy(tree) == []
    assert len(list((tree[0] / "clean").iterdir())) == 1
    Path(tree[1]["file"]).write_text(BAD, encoding="utf-8")
    assert tidy(tree) == found


@needs("clang-tidy")
def test_an_exception_is_for_one_line_and_one_check(tree):
    found = tidy(tree)
    check = "clang-analyzer-core.NullDereference"
    tree[2].write_text(f"core/bad.c {check}\n\treturn *q;\n\twe know\n", encoding="utf-8")
    assert len(tidy(tree)) == len(found) - 1
    tree[2].write_text("core/bad.c misc-other\n\treturn *q;\n\twe know\n", encoding="utf-8")
    assert tidy(tree) == found
    tree[2].write_text(f"core/b*.c {check}\n\t*\n\twe know\n", encoding="utf-8")
    assert len(tidy(tree)) == len(found) - 1


@pytest.mark.parametrize("text", ["core/bad.c a-check\n\treturn 7;\n\tgone\n",
                                  "core/gone.c a-check\n\treturn *q;\n\tgone\n",
                                  "core/bad.c a-check\n\treturn *q;\n"])
def test_a_stale_exception_is_an_error(tree, text):
    tree[2].write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match="take the exception out"):
        lint._exceptions()


def test_the_projects_exceptions_hold():
    assert lint._exceptions()


@needs("cppcheck")
def test_cppcheck_finds_a_null_pointer(tree):
    top = tree[0]
    found = lint._cppcheck(top / "db", 1)
    assert found and all("bad.c" in finding for finding in found)
    (top / "core/bad.c").write_text("int x;\n", encoding="utf-8")
    assert lint._cppcheck(top / "db", 1) == []


def test_the_platforms_are_compiled_for_themselves(tmp_path):
    commands = [entry["command"] for entry in lint._platforms(tmp_path)]
    assert [arch for arch in ("x86_64", "aarch64", "riscv64")
            if any(f"--target={arch}-" in command for command in commands)] == [
                "x86_64", "aarch64", "riscv64"]
    assert json.dumps(commands).count("-ffreestanding") == 3


def test_every_suppression_has_a_reason_above():
    lines = lint._SUPPRESSIONS.read_text(encoding="utf-8").splitlines()
    assert all(any(above.startswith("//") for above in lines[:at])
               for at, line in enumerate(lines) if not line.startswith("//"))


def test_bad_input(capsys):
    assert cli.main(["lint", "--nope"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("mnbench: ") and error.count("\n") == 1


@needs("valgrind")
@pytest.mark.parametrize("body,failed", [("return 0;", 0), ("return 77;", 0), ("return 1;", 1),
                                         ("return malloc(9) == 0;", 1),
                                         ("char *p = malloc(9); free(p); return *p == 1;", 1)])
def test_valgrind(tmp_path, body, failed):
    (tmp_path / "core").mkdir()
    source = tmp_path / "it.c"
    source.write_text(f"#include <stdlib.h>\nint main(void) {{ {body} }}\n", encoding="utf-8")
    subprocess.run(["gcc", "-O0", "-o", str(tmp_path / "core/it_test"), str(source)], check=True)
    assert valgrind.check(tmp_path) == (1 - failed, failed)
