# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench topology`: what it asks the binary, and what becomes of its errors."""

import pytest
from synthetic import UserError, command

from mnbenchlib import arches, topology


def program(path, body):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + body)
    path.chmod(0o755)
    return path


@pytest.fixture
def echo(tmp_path):
    return program(tmp_path / "mnbench", 'for a; do echo "[$a]"; done\n')


def asked(capfd, *arguments):
    """The binary's words, without our headings."""
    assert command(topology, *arguments) == (0, "")
    out = capfd.readouterr().out
    assert topology.COLUMNS in out
    return "".join(line for line in out.splitlines() if line.startswith("["))


def test_what_the_binary_is_asked(tmp_path, echo, capfd):
    xml = tmp_path / "t.xml"
    xml.write_text("<topology/>")
    assert asked(capfd, "compact:4", "--binary", echo) == "[--plan][compact:4]"
    assert asked(capfd, "smt:2", "kind:1:3", "--binary", echo, "--synthetic", "node:2 pu:2") == (
        "[--plan][smt:2][--synthetic][node:2 pu:2][--plan][kind:1:3][--synthetic][node:2 pu:2]")
    assert asked(capfd, "llc:1", "--binary", echo, "--from", xml) == (
        f"[--plan][llc:1][--from][{xml}]")


@pytest.mark.parametrize("body, said", [
    ("echo 'mnbench: smt:2: no SMT here; use compact' >&2; exit 2", "smt:2: no SMT here; "),
    ("echo noise >&2; echo 'mnbench: bad policy' >&2; exit 2", "bad policy"),
    ("exit 3", "exit 3, no message"),
    ("kill -9 $$", "ended by signal 9"),
])
def test_errors_of_the_binary(tmp_path, capfd, body, said):
    path = program(tmp_path / "mnbench", body)
    code, error = command(topology, "smt:2", "--binary", path)
    assert code == 2 and said in error and "\n" not in error
    assert not error.startswith("mnbench:")
    assert capfd.readouterr() == ("", "")


def test_headings(tmp_path, capfd):
    path = program(tmp_path / "mnbench", "printf '0\\t4\\t2\\t0\\t0\\t0\\n'\n")
    command(topology, "compact:1", "smt:1", "--binary", path)
    table = "thread\tPU\tcore\tL3\tpackage\tnode\n0\t4\t2\t0\t0\t0\n"
    assert capfd.readouterr().out == f"compact:1\n{table}\nsmt:1\n{table}"


@pytest.mark.parametrize("plan", ["compact", "compact:", "compact:0", ":4", "compact:-1", "a:x"])
def test_bad_plans(echo, plan):
    code, error = command(topology, "--binary", echo, "--", plan)
    assert code == 2 and "POLICY:THREADS" in error


def test_files_that_are_not_there(tmp_path, echo):
    code, error = command(topology, "compact:2", "--binary", tmp_path / "gone")
    assert code == 2 and "no such program" in error
    code, error = command(topology, "compact:2", "--binary", echo, "--from", tmp_path / "gone")
    assert code == 2 and "no such file" in error
    (tmp_path / "data").write_text("no program")
    code, error = command(topology, "compact:2", "--binary", tmp_path / "data")
    assert code == 2 and "cannot be run" in error


def test_where_the_binary_is_looked_for(tmp_path):
    with pytest.raises(UserError, match="scripts/mnbench build"):
        topology.find_binary(None, tmp_path)
    own = program(tmp_path / "build" / arches.host() / "bench" / "mnbench", "")
    assert topology.find_binary(None, tmp_path) == own
    native = program(tmp_path / "build" / "native" / "bench" / "mnbench", "")
    assert topology.find_binary(None, tmp_path) == native
