# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench models`: proofs and counter-proofs, what counts as which, and the link to the code."""

import re
import shutil

import pytest
from synthetic import command

from mnbenchlib import modelled, models
from mnbenchlib.errors import Failed

HEADER = """\
/*
 * PROOF small: -DONE=1
 * BREAKS small NO_THIS NO_THAT: lost: the barrier: in f()
 * SPARE small NO_OTHER: for a reason
 * FULL large: -DONE=2
 */
"""

# Two threads with store buffers: without a barrier both may read what the other has overwritten.
PROGRAM = """\
#define THREADS 2
#define PLACES 2
#include "weak.pml"
byte got[2], ended;
bool both_stale;
active [2] proctype thread()
{
	byte v;

	store(_pid, _pid);
#ifndef NO_BARRIER
	barrier(_pid);
#endif
	load(_pid, 1 - _pid, v);
	got[_pid] = v;
	atomic {
		ended++;
		both_stale = ended == 2 && !got[0] && !got[1];
		assert(!both_stale)
	}
}
"""

OUTPUT = """\
pan:1: assertion violated  !(lost) (at depth 12)
State-vector 20 byte, depth reached 40, errors: 1
      133 states, stored
    1.5\ttotal actual memory usage
pan: elapsed time 0.25 seconds
"""

needs_spin = pytest.mark.skipif(not shutil.which("spin"), reason="`mnbench models` installs spin")


def run_of(breaks=None, **fields):
    return models.Run("m", "r", [], breaks, "", **fields)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Models of one's own."""
    shutil.copy(models.MODELS / "weak.pml", tmp_path)
    monkeypatch.setattr(models, "MODELS", tmp_path)
    monkeypatch.setattr(modelled, "changed", lambda names: iter(()))
    return tmp_path


def model(folder, header, program=PROGRAM):
    (folder / "own.pml").write_text(f"/*\n{header} */\n{program}")


def test_header():
    proof, broken, spare, large = models.parse("m", HEADER)
    assert (proof.title, proof.defines, proof.breaks) == ("m/small", ["-DONE=1"], None)
    assert broken.title == "m/small-NO_THIS-NO_THAT"
    assert broken.defines == ["-DONE=1", "-DNO_THIS", "-DNO_THAT"]
    assert (broken.breaks, broken.text) == ("lost", "the barrier: in f()")
    assert (spare.breaks, spare.text) == (None, "for a reason")
    assert large.full and not proof.full


def test_headers_that_ask_for_nothing():
    with pytest.raises(Failed, match="no PROOF of that name"):
        models.parse("m", " * BREAKS gone NO_THIS: lost: why\n")
    with pytest.raises(Failed, match="asks for no PROOF"):
        models.parse("m", "/* nothing */\n")


def test_what_the_checker_says():
    outcome = models.read_outcome(OUTPUT)
    assert (outcome.states, outcome.depth, outcome.seconds, outcome.megabytes) == (
        133, 40, 0.25, 1.5)
    assert outcome.violated == "assertion violated  !(lost)" and outcome.complete
    assert not models.read_outcome(OUTPUT + "error: max search depth too small\n").complete
    assert not models.read_outcome(OUTPUT + "pan: reached -DMEMLIM bound\n").complete
    with pytest.raises(Failed, match="ended early: Killed"):
        models.read_outcome("Killed\n")


def test_verdicts():
    failed = models.read_outcome(OUTPUT)
    held = models.read_outcome(OUTPUT.replace("errors: 1", "errors: 0").split("\n", 1)[1])
    cut = models.read_outcome(OUTPUT.replace("errors: 1", "errors: 0").split("\n", 1)[1]
                              + "error: max search depth too small\n")
    assert models.verdict(run_of(), held) is None
    assert "fails" in models.verdict(run_of(), failed)
    assert "no proof" in models.verdict(run_of(), cut)
    assert models.verdict(run_of("lost"), failed) is None
    assert "holds without it" in models.verdict(run_of("lost"), held)
    assert "this did" in models.verdict(run_of("found"), failed)


@needs_spin
def test_a_proof_and_its_counter_proof(folder, capsys):
    model(folder, " * PROOF two: -DX\n * BREAKS two NO_BARRIER: both_stale: barrier()\n")
    assert command(models) == (0, "")
    out = capsys.readouterr().out
    assert "1 proofs, 1 counter-proofs, 0 wrong" in out
    assert command(models, "--trace", "own/two-NO_BARRIER") == (0, "")
    assert "both_stale" in capsys.readouterr().out


@needs_spin
def test_what_is_not_as_the_header_says(folder, capsys):
    model(folder, " * PROOF two: -DNO_BARRIER\n * BREAKS two NOTHING: another: why\n")
    assert command(models, "own") == (1, "")
    captured = capsys.readouterr()
    assert captured.out.count("WRONG") == 2 and "2 wrong" in captured.out
    assert "own/two: fails: assertion violated  !(both_stale)" in captured.err
    model(folder, " * PROOF two: -DX\n", PROGRAM + "no promela\n")
    assert command(models, "own") == (1, "")
    assert "own/two: spin: " in capsys.readouterr().err


@needs_spin
def test_a_model_of_the_core():
    quick = [run for run in models.parse("wait", (models.MODELS / "wait.pml").read_text())
             if run.name in ("herd", "own-NO_WAKE_BARRIER")]
    assert len(quick) == 2
    assert list(models._check(quick, False)) == []


def test_every_model_names_its_code_and_breaks_its_properties():
    present = [path.stem for path in models.MODELS.glob("*.pml") if path.stem != "weak"]
    assert {"retry", "srcu", "wait"} <= {*present}
    for name in present:
        runs = models.parse(name, (models.MODELS / f"{name}.pml").read_text())
        assert modelled.named(name)
        # A property that nothing is seen to break may be one that cannot fail.
        text = (models.MODELS / f"{name}.pml").read_text()
        asserted = set(re.findall(r"assert\(.*!(\w+)\)", text))
        assert asserted and asserted <= {run.breaks for run in runs}
    assert [line for line in modelled.changed([]) if "not there" in line] == []


@pytest.fixture
def code(tmp_path, monkeypatch):
    """One model of one function, accepted."""
    monkeypatch.setattr(modelled, "TOP", tmp_path)
    monkeypatch.setattr(modelled, "_MODELS", tmp_path)
    monkeypatch.setattr(modelled, "_LIST", tmp_path / "modelled.list")
    (tmp_path / "own.pml").write_text("/*\n * OF f.c: twice\n */\n")
    (tmp_path / "f.c").write_text("int twice(int i)\n{\n\treturn 2 * i;\n}\n")
    modelled.accept()
    return tmp_path / "f.c"


def test_code_that_changes(code):
    assert list(modelled.changed([])) == []
    code.write_text("/* other */\nint twice(int i)\n{\n\treturn 2 *\n\t\ti; /* layout */\n}\n")
    assert list(modelled.changed([])) == []
    code.write_text("int twice(int i)\n{\n\treturn 3 * i;\n}\n")
    (line,) = modelled.changed(["own"])
    assert "own: f.c: twice() changed since" in line
    assert list(modelled.changed(["another"])) == []
    code.write_text("int thrice(int i)\n{\n\treturn 3 * i;\n}\n")
    (line,) = modelled.changed([])
    assert "not there any more" in line
    with pytest.raises(Failed, match="no function twice"):
        modelled.accept()
    code.write_text("int twice(int i)\n{\n\treturn (3;\n}\n")
    with pytest.raises(Failed, match="not understood as C"):
        list(modelled.changed([]))
    code.unlink()
    with pytest.raises(Failed, match="is not there"):
        list(modelled.changed([]))


def test_lists_that_do_not_fit(code):
    code.with_name("modelled.list").write_text("own f.c gone 123\n")
    assert len(list(modelled.changed([]))) == 2
    code.with_name("modelled.list").write_text("own f.c\n")
    with pytest.raises(Failed, match="a line is not MODEL"):
        list(modelled.changed([]))


def test_bad_names():
    code, error = command(models, "gone")
    assert code == 2 and "no such model; there are fair, " in error and "\n" not in error
    code, error = command(models, "wait", "--trace", "wait/gone")
    assert code == 2 and "no such run" in error


def test_a_machine_without_a_checker(monkeypatch):
    monkeypatch.setattr(models.shutil, "which", lambda name: "/bin/cc" if name == "cc" else None)
    code, error = command(models, "wait")
    assert code == 2 and "spin is missing" in error
    monkeypatch.setattr(models.shutil, "which", lambda name: None)
    code, error = command(models, "wait")
    assert code == 2 and "no C compiler" in error


def test_list(capsys):
    assert command(models, "srcu", "--list") == (0, "")
    out = capsys.readouterr().out
    assert "srcu/busy-NO_C: breaks kept_coming; barrier C" in out
    assert "srcu/two_sections (--full): all properties hold" in out
