# SPDX-License-Identifier: GPL-2.0-or-later
"""Binaries that take turns: who is next, what both measure, and how one goes wrong."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from fake_binary import Fake, program

from mnbenchlib import results, turns
from mnbenchlib.errors import UserError

NAMES = [f"seq/{letter}/port" for letter in "abcdef"]


def side(folder: Path, name: str, fake: Fake, *flags: str) -> turns.Side:
    program(folder / name, fake)
    return turns.Side(name, [str(folder / name), "--seed", "7", *flags], folder / f"{name}.csv",
                      "x86_64", ["--run-id", f"of {name}"])


def play(*sides: turns.Side, **plan) -> None:
    turns.run(sides, turns.Plan(7, interval=0.05, **plan))


def measured(one: turns.Side) -> list[tuple[int, str]]:
    """The rounds and operations of its rows, in their order."""
    with one.csv.open(encoding="utf-8", newline="") as source:
        return [(int(row["rep"]), row["op"]) for row in csv.DictReader(source)]


def test_both_measure_the_same_in_the_same_order(tmp_path):
    a, b = (side(tmp_path, name, Fake(names=NAMES), "--repetitions", "3") for name in "ab")
    play(a, b)
    assert measured(a) == measured(b)
    assert sorted(measured(a)) == [(rep, op) for rep in range(3) for op in "abcdef"]
    assert [op for _, op in measured(a)] != sorted(op for _, op in measured(a))
    assert {row["run_id"] for row in csv.DictReader(a.csv.open())} == {"of a"}


def test_every_round_has_processes_of_its_own(tmp_path):
    a, b = (side(tmp_path, name, Fake(names=NAMES), "--repetitions", "3") for name in "ab")
    play(a, b)
    # The stand-in says in `iterations` who it is.
    pids = results.read_results(a.csv).groupby("rep")["iterations"].unique()
    assert [len(each) for each in pids] == [1, 1, 1] and len(set(np.concatenate(pids))) == 3


@pytest.fixture
def slices(monkeypatch):
    """What each binary was told to go on with, in order."""
    log = []
    slice_ = turns._Player.slice

    def told(player):
        log.append((player.turn.round, player.turn.name, player.place, player._side.name))
        return slice_(player)

    monkeypatch.setattr(turns._Player, "slice", told)
    return log


def test_turns_alternate_within_a_benchmark(tmp_path, slices):
    a, b = (side(tmp_path, name, Fake(names=NAMES, yields=2), "--repetitions", "4")
            for name in "ab")
    play(a, b)
    assert len(slices) == 4 * len(NAMES) * 2 * 3
    firsts = {}
    for at in range(0, len(slices), 6):
        together = slices[at:at + 6]
        assert len({one[:3] for one in together}) == 1, "the other one was at another benchmark"
        assert [one[3] for one in together] in (list("ababab"), list("bababa"))
        firsts[together[0][:2]] = together[0][3]
    for (turn, name), first in firsts.items():
        assert firsts[turn ^ 1, name] != first, "the next round does not even it out"
    assert len({firsts[0, f"seq/{op}".encode()] for op in "abcdef"}) == 2, "it is no chance"


def test_they_meet_again_where_only_one_has_a_benchmark(tmp_path, slices):
    group = [f"seq/a/{subject}" for subject in ("port", "one", "two", "three", "four")]
    a = side(tmp_path, "a", Fake(names=group[:4], yields=1), "--repetitions", "2")
    b = side(tmp_path, "b", Fake(names=group[1:], yields=3), "--repetitions", "2")
    play(a, b)
    assert len(measured(a)) == len(measured(b)) == 8
    for turn in range(2):
        mine = [one for one in slices if one[0] == turn]
        places = list(dict.fromkeys(one[2] for one in mine))
        assert places == sorted(places) and len(places) == 5
        for place in places:
            names = [one[3] for one in mine if one[2] == place]
            assert set(names[:2]) == {"a", "b"} or len(set(names)) == 1
    assert sum({"a", "b"} <= {one[3] for one in slices if one[:3] == key}
               for key in {one[:3] for one in slices}) == 2 * 3


def test_order_is_of_the_seed():
    orders = [[turns.first_of(seed, 0, b"group %d" % i) for i in range(64)] for seed in (1, 2)]
    assert orders[0] != orders[1]
    assert 16 < sum(orders[0]) < 48
    assert orders[0] == [turns.first_of(1, 0, b"group %d" % i) for i in range(64)]


def test_what_only_one_has_is_measured_alone(tmp_path):
    a = side(tmp_path, "a", Fake(names=NAMES[:4]), "--repetitions", "2")
    b = side(tmp_path, "b", Fake(names=NAMES[2:]), "--repetitions", "2")
    play(a, b)
    assert {op for _, op in measured(a)} == set("abcd")
    assert {op for _, op in measured(b)} == set("cdef")
    assert len(measured(a)) == len(measured(b)) == 8
    shared = [[key for key in measured(one) if key[1] in "cd"] for one in (a, b)]
    assert shared[0] == shared[1]


def test_one_goes_on_while_the_other_is_unsettled(tmp_path):
    a = side(tmp_path, "a", Fake(names=NAMES), "--repetitions", "2")
    b = side(tmp_path, "b", Fake(names=NAMES, settled_after=3), "--repetitions", "2")
    play(a, b)
    assert measured(a) == measured(b)
    assert max(rep for rep, _ in measured(a)) == 4


def test_it_goes_on_where_it_was_interrupted(tmp_path):
    a, b = (side(tmp_path, name, Fake(names=NAMES), "--repetitions", "4") for name in "ab")
    play(a, b)
    whole = measured(a)
    for one, kept in ((a, 14), (b, 13)):  # a's last row has no partner yet
        lines = one.csv.read_text(encoding="utf-8").splitlines(keepends=True)
        one.csv.write_text("".join(lines[:1 + kept]), encoding="utf-8")
    play(a, b)
    assert measured(a) == measured(b) == whole


def test_what_asks_again_and_again_is_measured_once(tmp_path):
    a, b = (side(tmp_path, name, Fake(names=NAMES, fault="forget"), "--repetitions", "2")
            for name in "ab")
    play(a, b)
    assert len(measured(a)) == len(set(measured(a))) == 12


def test_one_alone(tmp_path):
    a = side(tmp_path, "a", Fake(names=NAMES), "--repetitions", "3")
    play(a)
    assert sorted(measured(a)) == [(rep, op) for rep in range(3) for op in "abcdef"]


def test_budget_shrinks(tmp_path, monkeypatch):
    commands = []
    child = turns.Child

    def noted(command, spoken_to):
        commands.append(command)
        return child(command, spoken_to)

    monkeypatch.setattr(turns, "Child", noted)
    play(side(tmp_path, "a", Fake(names=NAMES), "--repetitions", "3"), budget=100)
    budgets = [float(command[command.index("--budget") + 1]) for command in commands]
    assert len(budgets) == 3 and budgets == sorted(budgets, reverse=True)
    assert 90 < budgets[2] < budgets[0] <= 100
    commands.clear()
    play(side(tmp_path, "b", Fake(names=NAMES), "--repetitions", "3"), budget=1e-9)
    assert {command[command.index("--budget") + 1] for command in commands} == {"0.001"}


@pytest.mark.parametrize("fault, told", [
    ("die 1", "b: the binary ended with exit code 3; its last lines:\n    out of luck"),
    ("crash:native 1", "b: the binary ended with SIGSEGV"),
    ("nonsense 1", "b: the binary does not take turns: it says '42'"),
    ("hang 1", "b: the binary hangs: no answer for 1 s, measuring seq/a"),
])
def test_one_goes_wrong(tmp_path, fault, told):
    a = side(tmp_path, "a", Fake(names=NAMES), "--repetitions", "3")
    b = side(tmp_path, "b", Fake(names=NAMES, fault=fault), "--repetitions", "3")
    with pytest.raises(turns.Broken) as err:
        play(a, b, patience=1)
    assert told in str(err.value)
    for one in (a, b):
        assert one.csv.read_text(encoding="utf-8").endswith("\n") and measured(one)


@pytest.mark.parametrize("text, told", [
    ("exit 0", "ended with exit code 0"),
    ("echo turn; exec sleep 60", "it says 'turn'"),
    ("echo turn 0 zz open a/b; exec sleep 60", "it says 'turn 0 zz"),
    ("head -c 100000 /dev/zero; exec sleep 60", "does not take turns"),
    ("printf 'turn 1 %016x open a\\n' 5; read x; echo done; printf 'turn 1 %016x open a\\n' 4; "
     "sleep 60", "it says 'turn 1 0000000000000004"),
    ("printf 'turn 0 %016x open a\\n' 5; read x; echo dome; exec sleep 60", "it says 'dome'"),
    ("printf 'turn 0 %016x open a\\n' 5; exec <&-; exec sleep 60", "hangs"),
    ("printf 'turn 0 %016x open a\\n' 5; read x; echo done; echo end; exit 4", "exit code 4"),
])
def test_other_programs_are_found_out(tmp_path, text, told):
    path = tmp_path / "other"
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    with pytest.raises(turns.Broken) as err:
        play(turns.Side("other", [str(path)], tmp_path / "x.csv", "x86_64", []), patience=1)
    assert told in str(err.value)


def test_bad_input_is_the_users(tmp_path):
    with pytest.raises(UserError) as err:
        play(side(tmp_path, "a", Fake(fault="late")))
    assert str(err.value) == "--pin kind:9: no such kind of CPU"


def test_no_program(tmp_path):
    text = tmp_path / "text"
    text.write_text("not a program\n", encoding="utf-8")
    text.chmod(0o755)
    with pytest.raises(UserError) as err:
        play(turns.Side("text", [str(text)], tmp_path / "x.csv", "x86_64", []))
    assert "cannot be run: Exec format error" in str(err.value)
