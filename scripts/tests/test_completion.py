# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench completion`, tried in real shells: what they offer is what the parsers have."""

from __future__ import annotations

import argparse
import os
import pty
import re
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from mnbenchlib import arches, bashwords, builds, cli, commandtree, zshwords
from mnbenchlib.plots import kinds

ROOT = commandtree.tree(cli.parser(cli.COMMANDS), ("mnbench",))
COMMANDS = list(ROOT.walk())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the shells are, with a little to name."""
    made = tmp_path_factory.mktemp("shell")
    (made / "old run").mkdir()
    (made / "oldest.csv").touch()
    return made


@pytest.fixture(scope="module")
def bash(folder):
    """Asks bash for many completions at once: of each line's last word."""
    script = folder / "mnbench.bash"
    script.write_text(bashwords.script(ROOT), encoding="utf-8")

    def asked(*lines: list[str]) -> list[set[str]]:
        ask = [f"source {script}", "complete -p mnbench >&2"]
        for words in lines:
            quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
            ask.append(f"COMP_WORDS=({quoted}) COMP_CWORD={len(words) - 1}\n"
                       '_mnbench "${COMP_WORDS[0]}"; printf "%s\\t" "${COMPREPLY[@]}"; echo')
        done = subprocess.run(["bash", "--norc", "-c", "\n".join(ask)], cwd=folder,
                              capture_output=True, text=True, check=True, timeout=60)
        assert done.stderr == "complete -F _mnbench mnbench\n"
        return [set(filter(None, line.split("\t"))) for line in done.stdout.splitlines()]

    return asked


def test_bash_has_every_command_and_flag(bash):
    at = [["scripts/mnbench", *command.path[1:]] for command in COMMANDS]
    flags = bash(*([*words, "-"] for words in at))
    for command, offered in zip(COMMANDS, flags, strict=True):
        assert offered == {flag for one in command.parser._actions for flag in one.option_strings
                           if one.help != "==SUPPRESS=="}, command.path
    assert bash(["mnbench", ""], ["mnbench", "results", ""]) == [
        set(cli.COMMANDS), {"list", "show", "merge", "check", "import"}]


def test_bash_has_every_choice(bash):
    asked = [(command, action) for command in COMMANDS for action in command.parser._actions
             if action.choices and action.option_strings]
    offered = bash(*(["mnbench", *command.path[1:], action.option_strings[-1], ""]
                     for command, action in asked))
    assert len(asked) > 10
    for (command, action), words in zip(asked, offered, strict=True):
        assert words == set(action.choices), (command.path, action.dest)


@pytest.mark.parametrize("line,offered", [
    ("mnbench co", {"count", "compare", "coverage", "completion"}),
    ("mnbench compare --form", {"--format"}),
    ("mnbench compare --format = ma", {"markdown"}),
    ("mnbench compare --format =", {"text", "markdown", "csv", "json"}),
    ("mnbench run --arch x86_64,arm64,ris", {"x86_64,arm64,riscv64"}),
    ("mnbench run --seed ", set()),
    ("mnbench run --out ol", {"old run"}),
    ("mnbench compare ol", {"old run", "oldest.csv"}),
    ("mnbench compare -o x --all ol", {"old run", "oldest.csv"}),
    ("mnbench results show ol", {"old run", "oldest.csv"}),
    ("mnbench plot --kind hea", {"heatmap"}),
    ("mnbench build deb", {"debug"}),
    ("mnbench completion z", {"zsh"}),
    ("mnbench nothing ", set()),
    ("build/native/bench/mnbench co", set()),
])
def test_bash_offers(bash, line, offered):
    assert bash(line.split(" ")) == [offered]


def test_bash_offers_all_of_a_list(bash):
    lists = bash(["mnbench", "run", "--arch", ""], ["mnbench", "plot", "--kind", ""],
                 ["mnbench", "build", ""])
    assert lists == [set(arches.ARCHES), set(kinds.KINDS), set(builds.presets())]


class Zsh:
    """An interactive zsh with nothing but its own completion and ours."""

    def __init__(self, folder, script) -> None:
        self.pid, self.end = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.environ.update(TERM="dumb", PS1="", LC_ALL="C.UTF-8", HOME=str(folder))
            os.execvp("zsh", ["zsh", "-f", "-i"])
        self.say("unsetopt zle_bracketed_paste prompt_sp prompt_cr beep; PROMPT=; "
                 "autoload -U compinit; compinit -u -D; LISTMAX=1000; COLUMNS=200; "
                 f"source {script}; mnbench() {{ print -r -- \"<${{(j:|:)@}}>\" }}; "
                 "print rea''dy")
        self.wait(r"ready\r?\n")

    def say(self, line: str) -> None:
        os.write(self.end, line.encode() + b"\n")

    def wait(self, pattern: str) -> re.Match[str]:
        """What comes, until it has the pattern."""
        seen, until = "", time.monotonic() + 60
        while time.monotonic() < until:
            if select.select([self.end], [], [], 1)[0]:
                seen += os.read(self.end, 65536).decode(errors="replace")
            if found := re.search(pattern, seen):
                return found
        raise AssertionError(f"{pattern} never came: {seen}")

    def completed(self, line: str) -> list[str]:
        """The line's words as they are after TAB, and Enter."""
        self.say(line + "\t")
        return self.wait(r"<([^<>]*)>").group(1).split("|")

    def close(self) -> None:
        self.say("exit")
        os.close(self.end)
        os.waitpid(self.pid, 0)


@contextmanager
def zsh_of(folder, root) -> Iterator[Zsh]:
    """A shell with the completion of some commands, where there is one."""
    if shutil.which("zsh") is None:
        pytest.skip("no zsh here: install Debian's package zsh")
    script = folder / "_mnbench"
    script.write_text(zshwords.script(root), encoding="utf-8")
    subprocess.run(["zsh", "-n", script], check=True)
    shell = Zsh(folder, script)
    try:
        yield shell
    finally:
        shell.close()


@pytest.fixture(scope="module")
def zsh(folder):
    """One for all tests."""
    with zsh_of(folder, ROOT) as shell:
        yield shell


@pytest.mark.parametrize("line,words", [
    ("mnbench comp", ["comp"]),  # compare and completion: undecided
    ("mnbench compa", ["compare"]),
    ("mnbench resu", ["results"]),
    ("mnbench results mer", ["results", "merge"]),
    ("mnbench results merge --in", ["results", "merge", "--into"]),
    ("mnbench run --prof", ["run", "--profile"]),
    ("mnbench run --profile q", ["run", "--profile", "quick"]),
    ("mnbench compare --format=ma", ["compare", "--format=markdown"]),
    ("mnbench run --arch x86_64,ris", ["run", "--arch", "x86_64,riscv64"]),
    ("mnbench compare olde", ["compare", "oldest.csv"]),
    ("mnbench compare --all -o x olde", ["compare", "--all", "-o", "x", "oldest.csv"]),
    ("mnbench run --out old", ["run", "--out", "old run"]),
    ("mnbench build nativ", ["build", "native"]),
    ("mnbench completion z", ["completion", "zsh"]),
    ("mnbench lint olde", ["lint", "oldest.csv"]),
])
def test_zsh_offers(zsh, line, words):
    assert zsh.completed(line) == words


def test_zsh_takes_every_specification(zsh):
    """One that is wrong is told when its command is completed, and completes nothing."""
    for command in COMMANDS[1:]:
        assert zsh.completed(f"{' '.join(command.path)} --hel")[-1] == "--help", command.path


def test_help_with_what_shells_take_for_something_else(tmp_path):
    nasty = "a [b] it's $(touch x) `touch x`: c\\d \"e\" 100 %%"
    parser = argparse.ArgumentParser(prog="mnbench")
    below = parser.add_subparsers().add_parser("it", help=nasty)
    below.add_argument("--nasty", metavar="A:B]", help=nasty, choices=["first", "second"])
    below.add_argument("--other", help=nasty)
    below.add_argument("rest", metavar="C:[D'", nargs="*", help=nasty)
    root = commandtree.tree(parser, ("mnbench",))
    script = tmp_path / "mnbench.bash"
    script.write_text(bashwords.script(root), encoding="utf-8")
    subprocess.run(["bash", "-n", script], check=True)
    with zsh_of(tmp_path, root) as shell:
        assert shell.completed("mnbench i") == ["it"]
        assert shell.completed("mnbench it --nas") == ["it", "--nasty"]
        assert shell.completed("mnbench it --nasty=sec") == ["it", "--nasty=second"]
        assert shell.completed("mnbench it --oth") == ["it", "--other"]
    assert not (tmp_path / "x").exists()
