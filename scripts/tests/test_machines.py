# SPDX-License-Identifier: GPL-2.0-or-later
"""machine.json: what is taken for one, and how two of them differ."""

import json

import pytest
from synthetic import UserError, reps, write

from mnbenchlib import arches, machines, results

FACTS = {
    "schema": 1, "run_id": "run-1", "utc": "2026-01-31T12:00:00Z", "host": "box",
    "arch": "x86_64", "execution": "native", "emulator": None,
    "cpu": {"model": "Xeon", "online": "0-7", "smt_active": False, "microcode": "0x1"},
    "topology": {"summary": "8 PUs"}, "frequency": {"governor": "performance", "turbo": False},
    "kernel": {"release": "6.12"}, "build": {"compiler": "GNU 14", "git_revision": "abc"},
    "libraries": {"hwloc": "2.12"},
}


def machine(**changes):
    facts = json.loads(json.dumps(FACTS))
    for name, value in changes.items():
        section, _, key = name.partition("__")
        if key:
            facts[section][key] = value
        else:
            facts[section] = value
    return machines.Machine(facts["run_id"], facts["host"], facts["arch"], facts)


def told(**changes):
    return [(one.kind, str(one)) for one in machines.differences(machine(), machine(**changes))]


@pytest.mark.parametrize("changes, kind, text", [
    ({"cpu__model": "Epyc"}, "machine", "CPU: Xeon, then Epyc"),
    ({"arch": "arm64"}, "machine", "architecture: x86_64, then arm64"),
    ({"topology__summary": "4 PUs"}, "machine", "topology: 8 PUs, then 4 PUs"),
    ({"host": "other"}, "host", "host: box, then other"),
    ({"frequency__governor": None}, "setting", "governor: performance, then unknown"),
    ({"frequency__turbo": True}, "setting", "turbo: no, then yes"),
    ({"cpu__smt_active": True}, "setting", "SMT active: no, then yes"),
    ({"kernel__release": "7.2"}, "software", "kernel: 6.12, then 7.2"),
    ({"build__compiler": "Clang 14"}, "build", "compiler: GNU 14, then Clang 14"),
    ({"libraries__hwloc": "2.9"}, "build", "hwloc: 2.12, then 2.9"),
    ({"build__git_revision": "def"}, "revision", "revision: abc, then def"),
])
def test_each_kind(changes, kind, text):
    assert told(**changes) == [(kind, text)]


def test_the_same_machine_and_what_is_not_told():
    assert told() == []
    assert told(run_id="run-2", utc="2026-02-01T12:00:00Z") == []
    assert told(cpu__model=None) == []  # an older file
    nothing = machines.Machine("run-2", "box", "x86_64")
    assert machines.differences(machine(), nothing) == []
    assert [d.kind for d in machines.differences(machine(), machines.Machine("r", "b", "arm64"))
            ] == ["host", "machine"]


@pytest.fixture
def run(tmp_path):
    def made(name, facts=None, **cells):
        folder = tmp_path / name
        folder.mkdir()
        write(folder / "mnbench.csv", reps([1, 2], **cells))
        if facts is not None:
            (folder / "machine.json").write_text(json.dumps({**FACTS, **facts}))
        return results.read_results(folder)
    return made


def test_between_files(run):
    base = run("a", {})
    assert machines.between(base, run("b", {})) == []
    other = run("c", {"cpu": {"model": "Epyc"}, "run_id": "run-2"}, run_id="run-2")
    assert [str(d) for d in machines.between(base, other)][0] == "CPU: Xeon, then Epyc"
    assert [str(d) for d in machines.between(base, run("d", None, host="pi", arch="arm64"))] == [
        "host: box, then pi", "architecture: x86_64, then arm64"]


def test_a_machine_file_of_another_run_says_nothing(run):
    table = run("a", {"run_id": "run-9", "cpu": {"model": "Epyc"}})
    assert machines.of(table) == [machines.Machine("run-1", "box", "x86_64")]


def test_emulated_rows_have_no_machine_of_their_own(run):
    table = run("a", {}, execution="qemu-user", arch="arm64")
    assert machines.of(table) == [machines.Machine("run-1", "box", "arm64")]


def test_a_csv_alone_has_a_machine_file_of_its_name(tmp_path, run):
    path = write(tmp_path / "board.csv", reps([1]))
    (tmp_path / "board.json").write_text(json.dumps(FACTS))
    assert machines.of(results.read_results(path)) == [machine()]


def test_of_many_runs(tmp_path, run):
    table = run("a", {})
    kept = tmp_path / "a" / "machines" / "run-1"
    kept.mkdir(parents=True)
    (kept / "machine.json").write_text(json.dumps({**FACTS, "cpu": {"model": "kept"}}))
    assert machines.of(table)[0].cpu == "kept"


@pytest.mark.parametrize("text, line, reason", [
    ("", 1, "not a machine file"),
    ("{\n\"schema\": }", 2, "not a machine file"),
    ("[]", 1, "no object"),
    ("[" * 100000, 1, "not a machine file"),
    ('{"schema": 2}', 1, "schema 2, this version reads 1"),
    (json.dumps({**FACTS, "host": None}), 1, "host is missing"),
    (json.dumps({**FACTS, "cpu": "Xeon"}), 1, "cpu is no object"),
    (json.dumps({**FACTS, "cpu": {"model": ["Xeon"]}}), 1, "cpu.model is neither"),
    ("\udcff", 1, "not a machine file"),
])
def test_not_a_machine_file(tmp_path, text, line, reason):
    path = tmp_path / "machine.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UserError) as err:
        machines.read(path)
    assert str(err.value).startswith(f"{path}:{line}: ") and reason in str(err.value)
    assert "\n" not in str(err.value)


def test_the_reference_machines_read():
    for path in (arches.TOP / "results").glob("*/machine.json"):
        assert machines.read(path).cpu
