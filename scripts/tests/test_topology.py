# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench topology`: what it asks the binary, and what becomes of its errors."""

import pytest
from synthetic import UserError, command

from mnbenchlib import arches, cli, topology

PLAN = ["--pin", "smt", "--threads", "2"]


def program(path, body):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + body)
    path.chmod(0o755)
    return path


@pytest.fixture
def echo(tmp_path):
    return program(tmp_path / "mnbench", 'for a; do echo "[$a]"; done\n')


def asked(capfd, *arguments):
    """The binary's words."""
    assert command(topology, *arguments) == (0, "")
    return capfd.readouterr().out.replace("\n", "")


def test_what_the_binary_is_asked(echo, capfd):
    assert asked(capfd, "--pin", "compact", "--threads", 4, "--binary", echo) == (
        "[--plan][--pin=compact][--threads=4]")
    assert asked(capfd, "--pin", "kind:1", "--threads", "-1", "--binary", echo, "--draw",
                 "--synthetic", "node:2 pu:2") == (
        "[--draw][--pin=kind:1][--threads=-1][--synthetic=node:2 pu:2]")
    assert asked(capfd, "--pin", "", "--threads", 1, "--binary", echo, "--from", "a b.xml") == (
        "[--plan][--pin=][--threads=1][--from=a b.xml]")


@pytest.mark.parametrize("body, said", [
    ("echo 'mnbench: smt: no SMT here; use compact' >&2; exit 2", "smt: no SMT here; "),
    ("echo noise >&2; echo 'mnbench: bad policy' >&2; exit 2", "bad policy"),
    ("exit 3", "exit 3, no message"),
    ("kill -9 $$", "ended by signal 9"),
])
def test_errors_of_the_binary(tmp_path, capfd, body, said):
    path = program(tmp_path / "mnbench", body)
    code, error = command(topology, *PLAN, "--binary", path)
    assert code == 2 and said in error and "\n" not in error
    assert not error.startswith("mnbench:")
    assert capfd.readouterr() == ("", "")


def test_a_plan_can_be_piped(tmp_path, capfd):
    path = program(tmp_path / "mnbench",
                   "printf '0\\t4\\t2\\t0\\t0\\t0\\n'; echo 'mnbench: smt: oversubscribed' >&2")
    assert command(topology, *PLAN, "--binary", path) == (0, "")
    assert capfd.readouterr() == ("0\t4\t2\t0\t0\t0\n", "mnbench: smt: oversubscribed\n")


@pytest.mark.parametrize("words, thing", [
    (["--threads", "2"], "--pin"), (["--pin", "smt"], "--threads"), (["smt:2", *PLAN], "smt:2"),
    ([*PLAN, "--from", "a", "--synthetic", "pu:2"], "--synthetic"),
])
def test_bad_command_lines(capsys, words, thing):
    with pytest.raises(UserError, match=thing):
        cli._run(["topology", *words])
    assert capsys.readouterr() == ("", "")


def test_files_that_are_not_there(tmp_path):
    code, error = command(topology, *PLAN, "--binary", tmp_path / "gone")
    assert code == 2 and "no such program" in error
    (tmp_path / "data").write_text("no program")
    code, error = command(topology, *PLAN, "--binary", tmp_path / "data")
    assert code == 2 and "cannot be run" in error


def test_where_the_binary_is_looked_for(tmp_path):
    with pytest.raises(UserError, match="scripts/mnbench build"):
        topology.find_binary(None, tmp_path)
    own = program(tmp_path / "build" / arches.host() / "bench" / "mnbench", "")
    assert topology.find_binary(None, tmp_path) == own
    native = program(tmp_path / "build" / "native" / "bench" / "mnbench", "")
    assert topology.find_binary(None, tmp_path) == native
