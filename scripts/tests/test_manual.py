# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench manual`: whole, and roff as its readers want it."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from mnbenchlib import arches, cli, commandtree, headerpage, helptext, roff
from mnbenchlib.errors import UserError

HEADER = arches.TOP / "bench/gbench_c.h"
PAGES = ("mnbench.1", "gbench_c.3")
COMMANDS = list(commandtree.tree(cli.parser(cli.COMMANDS), ("mnbench",)).walk())[1:]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The folder with both, in a folder that was not there."""
    folder = tmp_path_factory.mktemp("man") / "new"
    assert cli.main(["manual", "-o", str(folder)]) == 0
    return folder


def plain(page: str) -> str:
    """What a reader sees, roughly: without macros and escapes, blanks as one."""
    text = re.sub(r"^\.(?:SH|SS) ", "", page, flags=re.MULTILINE)
    text = re.sub(r"^\..*$|\\f.|\\&", "", text, flags=re.MULTILINE)
    for escape, character in ((r"\-", "-"), (r"\(aq", "'"), (r"\(ga", "`"), (r"\(ti", "~"),
                              (r"\(ha", "^"), (r"\e", "\\")):
        text = text.replace(escape, character)
    return " ".join(text.split())


def needed(program: str) -> str:
    if shutil.which(program) is None:
        pytest.skip(f"no {program} here: install Debian's packages groff-base and mandoc")
    return program


@pytest.mark.parametrize("name", PAGES)
def test_groff_says_nothing(pages, name):
    done = subprocess.run([needed("groff"), "-man", "-ww", "-z", "-Tutf8", pages / name],
                          capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", PAGES)
def test_mandoc_says_nothing(pages, name):
    done = subprocess.run([needed("mandoc"), "-T", "lint", "-W", "warning", pages / name],
                          capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_text_that_roff_could_take_for_something_else():
    assert roff.escaped(".TH\n'x\n\\fB -1~^`") == "\\&.TH\n\\(aqx\n\\efB \\-1\\(ti\\(ha\\(ga"


def test_groff_shows_names_and_code_as_they_are(pages):
    done = subprocess.run([needed("groff"), "-man", "-Tutf8", "-P-cbou", "-rLL=100n",
                           pages / "gbench_c.3"], capture_output=True, text=True, check=True)
    shown = done.stdout
    assert 'fprintf(stderr, "%s\\n", gb_last_error());' in shown
    assert "gb_complexity_function: to a curve" in " ".join(shown.split())
    # Dashes and quotes can be pasted into a program or a shell.
    assert set(filter(lambda character: not character.isascii(), shown)) <= {"\u2022"}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command.path))
def test_every_flag_and_example_of_a_command(pages, command):
    page = (pages / "mnbench.1").read_text(encoding="utf-8")
    start = page.index(".SS " + roff.escaped(" ".join(command.path)) + "\n")
    section = plain(re.split(r"^\.S[SH] ", page[start + 4:], maxsplit=1, flags=re.MULTILINE)[0])
    for argument in command.arguments:
        if "--help" in argument.flags:
            continue  # of every command: told at the top
        for flag in argument.flags:
            assert re.search(rf"(?<![\w-]){flag}(?![\w-])", section), flag
        assert " ".join(argument.help.split()) in section
    for example in helptext.examples(command.parser):
        assert " ".join(example.split()) in section


def test_every_declaration_and_comment_of_the_header(pages):
    page = plain((pages / "gbench_c.3").read_text(encoding="utf-8"))
    source = HEADER.read_text(encoding="utf-8")
    names = set(re.findall(r"\b(?:gb|GB)_\w+", source)) - {"GB_ENUM_BASE"}
    names -= {name for name in names if name.endswith("_") and name != "gb_"}  # of the macro
    assert len(names) > 100
    assert {name for name in names if not re.search(rf"\b{name}\b", page)} == set()
    for comment in re.findall(r"^/\*\n(.*?)^ \*/", source, re.MULTILINE | re.DOTALL):
        for line in comment.splitlines():
            said = " ".join(re.sub(r"^ \*[ \t]*(?:- )?", "", line).split())
            assert said in page or said.startswith("gbench_c.h - "), said


def test_a_header_without_plumbing(tmp_path):
    header = tmp_path / "small.h"
    header.write_text(
        "/* SPDX */\n/*\n * small.h - a thing.\n *\n *\tuse(\"-1\");\n *\n *\tmore();\n *\n"
        " * Said.\n * - one\n *   point\n */\n#ifndef SMALL_H\n#define SMALL_H\n\n"
        "#include <stddef.h>\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
        "/* Adds.\n * Twice. */\nstatic inline int\nadd(int a)\n{\n\tif (a) {\n\t\ta++;\n\t}\n\n"
        "\treturn a;\n}\n/* Once. */\nint one(void);\n\n"
        "#define LOOP(x) \\\n\tfor (;;) \\\n\t\tx\n\n"
        "struct s {\n\tint a; /* of it */\n\n\tint b;\n};\n\n"
        "#ifdef __cplusplus\n}\n#endif\n\n#endif\n")
    text = headerpage.text(header)
    assert plain(text[text.index(".SH NAME"):]) == (
        "NAME small - a thing SYNOPSIS #include <small.h> DESCRIPTION Said. one point "
        "INTERFACE static inline int add(int a); Adds. Twice. int one(void); Once. LOOP(x) "
        "struct s { int a; /* of it */ int b; }; EXAMPLE use(\"-1\"); more();"
    ).replace("static inline ", "")


def test_bad_input(tmp_path, capsys, monkeypatch):
    def told(*words):
        assert cli.main(["manual", *map(str, words)]) == 2
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1
        return lines[0]

    assert "mnbench.1, gbench_c.3" in told("mnbench.2", "-o", tmp_path)
    (tmp_path / "file").touch()
    assert "file" in told("-o", tmp_path / "file")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "today")
    assert "SOURCE_DATE_EPOCH" in told("gbench_c.3", "-o", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    with pytest.raises(UserError, match="second comment"):
        headerpage.text(arches.TOP / "bench/op.h")


def test_the_same_source_gives_the_same_page(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    for folder in ("a", "b"):
        assert cli.main(["manual", "gbench_c.3", "-o", str(tmp_path / folder)]) == 0
    made = [(tmp_path / folder / "gbench_c.3").read_bytes() for folder in ("a", "b")]
    assert made[0] == made[1] and b"1970-01-02" in made[0]
