# SPDX-License-Identifier: GPL-2.0-or-later
"""Every command's help has examples, and they are true: all parse, and the cheap ones are run."""

import glob
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import Checkout
from synthetic import run, write
from test_machines import FACTS

from mnbenchlib import cli, commandtree, helptext

TOP = Path(__file__).resolve().parents[2]
MNBENCH = "scripts/mnbench "
# What builds, installs, measures or needs a binary is only parsed; so is what draws everything.
ONLY_PARSED = ("setup", "build", "run", "count", "outside", "selftest", "topology", "guests",
               "test", "mutate", "torture", "planted", "coverage", "lint", "valgrind", "fuzz", "walk",
               "models", "kernel")
BUT_RUN = ("--list", "--dry-run")
ALL_PICTURES = ("plot results/vm-xeon-2cpu  ", "plot results/counts", "torture --list")


def commands():
    """All of them, with their actions."""
    return list(commandtree.tree(cli.parser(cli.COMMANDS), ("mnbench",)).walk())


def lines():
    """Every example that is a line for this command."""
    return [line for command in commands() for line in helptext.examples(command.parser)
            if MNBENCH in line]


def words(line):
    """What the shell would hand over, as far as the command reaches."""
    text = line[line.index(MNBENCH) + len(MNBENCH):]
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    found = list(lexer)
    ends = [i for i, word in enumerate(found) if word in (">", "|", "&&", ")")]
    return found[:ends[0]] if ends else found


def cheap(line):
    """Whether it takes seconds at most, and nothing that may not be here."""
    rest = line[line.index(MNBENCH) + len(MNBENCH):]
    if rest.startswith(ALL_PICTURES):
        return False
    return rest.split()[0] not in ONLY_PARSED or any(flag in rest.split() for flag in BUT_RUN)


@pytest.mark.parametrize("command", commands(), ids=lambda command: " ".join(command.path))
def test_every_command_has_examples(command):
    own = " ".join(("scripts/mnbench", *command.path[1:]))
    examples = helptext.examples(command.parser)
    assert any(own in example for example in examples), "no example of the command itself"
    assert len(examples) <= 5 and max(map(len, examples)) <= 98
    shown = command.parser.format_help()
    assert all(example in shown for example in examples)


@pytest.mark.parametrize("line", lines())
def test_examples_parse(line):
    found = words(line)
    cli.parser([found[0]]).parse_args(found)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A tree with the files that the examples speak of."""
    top = tmp_path_factory.mktemp("examples")
    made = Checkout(top / "checkout")
    shutil.copytree(TOP / "results", made.top / "results", ignore=shutil.ignore_patterns("local"))
    shutil.copytree(TOP / "core", made.top / "core")
    shutil.copytree(TOP / "bench", made.top / "bench")
    shutil.copy(TOP / "CMakeLists.txt", made.top)
    for number, name in enumerate(("results/local/a", "results/local/b", "old", "new", "ab/against",
                                   "ab"), 1):
        folder = made.top / name
        folder.mkdir(parents=True, exist_ok=True)
        own = {"run_id": f"run-{number}", "host": "ab"[number % 2]}
        rows = run(utc=f"2026-01-0{number}T12:00:00Z", **own)
        write(folder / "mnbench.csv", [row for row in rows if not row["error"]])
        (folder / "machine.json").write_text(json.dumps({**FACTS, **own}))
    # A board that has only the binary.
    for kind, name in (("csv", "mnbench.csv"), ("json", "machine.json"), ("xml", "topology.xml")):
        shutil.copy(TOP / "results/vm-xeon-2cpu" / name, made.top / f"board.{kind}")
    return made


# One process for all: importing pandas takes longer than most of them.
_DRIVER = """
import contextlib, io, json, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "scripts")
from mnbenchlib import cli
for words in json.load(sys.stdin):
    told = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(told):
        code = cli.main(words)
    print(json.dumps([words, code, told.getvalue()]))
"""


def test_cheap_examples_run(tree):
    """In the order in which the help has them: some use what others made."""
    wanted = {" ".join(words(line)): words(line) for line in filter(cheap, lines())}
    assert len(wanted) > 25
    globbed = [[found for word in example
                for found in (sorted(glob.glob(word, root_dir=tree.top)) or [word])]
               for example in wanted.values()]
    done = subprocess.run([sys.executable, "-c", _DRIVER], cwd=tree.top, env=tree.environment(),
                          input=json.dumps(globbed), capture_output=True, text=True, timeout=600,
                          check=False)
    ended = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(ended) == len(wanted), done.stderr
    # 1 is a verdict of these: on this machine, or on these runs.
    wrong = [(example, code, told) for example, code, told in ended
             if code and not (code == 1 and example[0] in ("compare", "doctor"))]
    assert not wrong


def test_help_is_laid_out_in_paragraphs():
    made = helptext.Formatter("x", width=40)
    text = made._fill_text("one\ntwo\n\nexamples:\n  a   # b\n  c\n", 40, "")
    assert text == "one two\n\nexamples:\n  a   # b\n  c"
