# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench results`: list, show, merge, check and import, and what each refuses."""

import json
import shutil

import pytest
from synthetic import UserError, failed, reps, row, write
from test_machines import FACTS

from mnbenchlib import arches, cli, collection, importing, machines, results, tables

XML = '<?xml version="1.0"?>\n<topology>\n<object type="Machine"><object type="PU"/></object>\n'
FLOOR = {"schema": 2, "families": {"seq": {}}, "twins": [{"percent": -1.5}, {"percent": 0.5}]}


@pytest.fixture
def do(capsys):
    """Runs a command: its exit code, its output, and the lines of its errors."""
    def run(*words):
        capsys.readouterr()
        code = cli.main(["results", *map(str, words)])
        told = capsys.readouterr()
        return code, told.out, told.err.splitlines()
    return run


@pytest.fixture
def run(tmp_path):
    """Makes a run's folder, whole."""
    def made(name, run_id="run-1", **cells):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        cells = {"run_id": run_id, **cells}
        rows = [*reps([1, 2, 3], **cells), *reps([1, 2, 3], **{**cells, "flags": "twin"}),
                failed("no SMT,\nnot here", pin="smt", **cells)]
        write(folder / "mnbench.csv", rows)
        facts = {**FACTS, "run_id": run_id, "host": cells.get("host", "box")}
        (folder / "machine.json").write_text(json.dumps(facts))
        (folder / "topology.xml").write_text(XML + "</topology>\n")
        (folder / "floor.json").write_text(json.dumps(FLOOR))
        (folder / "run.json").write_text(json.dumps(
            {"schema": 1, "run_id": run_id, "options": {}, "binaries": [], "lockstep": None}))
        return folder
    return made


def test_list(tmp_path, do, run):
    run("lab/a", host="box"), run("lab/b", "run-2", host="pi", execution="qemu-user")
    shutil.copytree(tmp_path / "lab/a", tmp_path / "lab/a/against")
    code, out, err = do("list", tmp_path / "lab")
    assert code == 0 and not err
    lines = [line.split() for line in out.splitlines()[-2:]]
    assert lines[0] == ["a", "Xeon", "6.12", "7", "2026-01-31", "1.5", "%", "native"]
    assert lines[1][0] == "b" and lines[1][-1] == "emulated"
    assert do("list", tmp_path / "lab", "--format", "markdown")[1].count("\n| ") == 3


def test_list_tells_what_it_cannot_read(tmp_path, do, run):
    run("lab/a"), (run("lab/b") / "mnbench.csv").write_text("x\n")
    code, out, err = do("list", tmp_path / "lab")
    assert code == 2 and "  a " in out and len(err) == 1 and "b/mnbench.csv:1: " in err[0]
    assert do("list", tmp_path / "none")[2] == [
        f"mnbench: {tmp_path}/none: no such folder; name one that holds runs' folders"]


def test_show(do, run):
    code, out, err = do("show", run("a"))
    assert code == 0 and not err
    for words in ("Run run-1 on box", "machine: Xeon; 8 PUs", "kernel: 6.12", "turbo off",
                  "GNU 14", "trust: native; twins, apart at most: 1.5 %",
                  "seq              1     7       6 to 6       1          0", "run.json, floor.json"):
        assert words in out, out


def test_merge_keeps_rows_and_machines(tmp_path, do, run):
    a, b = run("a"), run("b", "run-2", host="pi")
    into = tmp_path / "all"
    assert do("merge", a, b / "mnbench.csv", "--into", into) == (
        0, f"{into}: 14 rows of 2 sources\n", [])
    parts = [(folder / "mnbench.csv").read_text() for folder in (a, b)]
    assert (into / "mnbench.csv").read_text() == parts[0] + parts[1].partition("\n")[2]
    for one, run_id in ((a, "run-1"), (b, "run-2")):
        for name in ("machine.json", "topology.xml", "run.json", "floor.json"):
            kept = into / "machines" / run_id / name
            assert kept.read_bytes() == (one / name).read_bytes()
    assert [m.host for m in machines.of(results.read_results(into))] == ["box", "pi"]
    assert do("check", into)[0] == 0
    # Merged once more, they are still there.
    again = tmp_path / "again"
    assert do("merge", into, run("c", "run-3"), "--into", again)[0] == 0
    assert len(list((again / "machines").iterdir())) == 3 and do("check", again)[0] == 0
    assert oct(again.stat().st_mode) == oct(into.stat().st_mode) == oct(a.stat().st_mode)


def test_merge_of_other_columns(tmp_path, do):
    one = write(tmp_path / "a.csv", [row()])
    lines = write(tmp_path / "b.csv", [row(rep=1)]).read_text().splitlines()
    lines = [f"{first},{rest}" for first, rest in zip(("more", '"x, y"'), lines)]
    (tmp_path / "b.csv").write_bytes("\r\n".join([*lines, ""]).encode())
    assert do("merge", one, tmp_path / "b.csv", "--into", tmp_path / "m")[0] == 0
    table = results.read_results(tmp_path / "m")
    assert list(table["more"]) == ["", "x, y"] and list(table["rep"]) == [0, 1]
    assert b"\r" not in (tmp_path / "m/mnbench.csv").read_bytes()


def _left(tmp_path):
    return sorted(path.name for path in tmp_path.iterdir())


def test_merge_refuses(tmp_path, do, run):
    a, b, into = run("a"), run("b"), tmp_path / "into"
    before = _left(tmp_path)
    same = (f"mnbench: {b}/mnbench.csv:2: the same run, benchmark and repetition as "
            f"{a}/mnbench.csv:2; merge one of the two files")
    assert do("merge", a, b, "--into", into) == (2, "", [same])
    code, _, err = do("merge", a, "--into", b)
    assert code == 2 and "exists already" in err[0]
    (b / "mnbench.csv").write_text((b / "mnbench.csv").read_text().replace(",port,", ",other,"))
    (b / "machine.json").write_text(json.dumps({**FACTS, "cpu": {"model": "Epyc"}}))
    code, _, err = do("merge", a, b, "--into", into)
    assert code == 2 and f"{b}/machine.json: another than that of the same run" in err[0]
    code, _, err = do("merge", a, "--into", a / "mnbench.csv" / "x")
    assert code == 2 and len(err) == 1
    assert _left(tmp_path) == before


def test_run_ids_that_are_no_file_names(tmp_path, do, run):
    for number, run_id in enumerate(("..", "a/b", "x" * 20 + " y")):
        assert do("merge", run(f"{number}", run_id), "--into", tmp_path / f"m{number}")[0] == 0
        assert machines.of(results.read_results(tmp_path / f"m{number}"))[0].cpu == "Xeon"
        assert len(list((tmp_path / f"m{number}" / "machines").iterdir())) == 1


BAD = [
    ("mnbench.csv", "x\n", "mnbench.csv:1: not a run's CSV"),
    ("machine.json", None, "machine.json: No such file"),
    ("machine.json", "{", "machine.json:1: not a machine file"),
    ("machine.json", json.dumps({**FACTS, "run_id": "run-9"}), "machine.json:1: of run 'run-9'"),
    ("machine.json", json.dumps({**FACTS, "host": "pi"}), "machine.json:1: of host 'pi'"),
    ("machine.json", json.dumps({**FACTS, "arch": "arm64"}), "machine.json:1: of arm64"),
    ("topology.xml", "<topology>\n<object>\n", "topology.xml:3: not XML"),
    ("topology.xml", "<html/>", "topology.xml:1: not a topology"),
    ("topology.xml", "<topology/>", "topology.xml:1: a topology without a PU"),
    ("topology.xml", "<?xml version='1.0' encoding='x'?><topology/>", "topology.xml:1: not XML"),
    ("run.json", "[]", "run.json: not a run's record"),
    ("run.json", '{"schema": 1, "run_id": "run-9", "options": {}, "binaries": []}',
     "run.json:1: of run 'run-9'"),
    ("floor.json", "{}", "floor.json:1: not a noise floor"),
    ("floor.json", json.dumps({**FLOOR, "twins": []}), "floor.json:1: not a noise floor"),
    ("floor.json", json.dumps({**FLOOR, "families": {"srcu": {}}}), "a floor of family 'srcu'"),
    ("counts.csv", "x\n", "counts.csv:1: not a table of counts"),
]


@pytest.mark.parametrize("name, text, reason", BAD)
def test_check_finds(tmp_path, do, run, name, text, reason):
    folder = run("lab/a")
    assert do("check", tmp_path / "lab") == (
        0, "1 folders, 5 files, 7 rows: nothing is wrong\n", [])
    if text is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(text)
    code, out, err = do("check", tmp_path / "lab")
    assert code == 2 and len(err) == 1 and reason in err[0], err
    assert err[0].startswith(f"mnbench: {folder}/") and "1 wrong" in out


def test_check_looks_into_against_and_finds_nothing_as_wrong(tmp_path, do, run):
    shutil.copytree(run("b"), run("a") / "against")
    (tmp_path / "a/against/topology.xml").write_text("")
    code, _, err = do("check", tmp_path / "a")
    assert code == 2 and "against/topology.xml:1: not XML" in err[0]
    (tmp_path / "empty").mkdir()
    assert do("check", tmp_path / "empty")[0] == 2


def test_check_counts(tmp_path, do, run):
    folder = run("a")
    head = "arch,execution,subject,family,op,variant,threads,pin,params,"
    head += "insns,loads,stores,atomics,fences,error\n"
    good = "arm64,qemu-user,port,seq,insert,queued,1,none,,12.5,2,3,0,0,\n"
    (folder / "counts.csv").write_text(head + good)
    assert do("check", folder)[0] == 0
    for text, line, reason in ((head + good + good, 3, "the same operation as line 2"),
                               (head + good.replace("12.5", "x"), 2, "insns 'x': not a number"),
                               (head + good[:-9], 2, "the last line is cut off"),
                               (head + "a\n", 2, "1 cells instead of 15")):
        (folder / "counts.csv").write_text(text)
        _, _, err = do("check", folder)
        assert err and err[0].startswith(f"mnbench: {folder}/counts.csv:{line}: {reason}"), err


def test_check_of_the_repository(do):
    assert do("check")[0] == 0


def test_import_from_a_board(tmp_path, do, run, monkeypatch):
    monkeypatch.setattr(importing, "TOP", tmp_path)
    source = run("away", execution="native")
    for old, new in (("mnbench.csv", "b.csv"), ("machine.json", "b.json"),
                     ("topology.xml", "b.xml")):
        (source / old).rename(tmp_path / new)
    folder = tmp_path / "results" / "xeon"
    code, out, err = do("import", tmp_path / "b.csv")
    assert (code, out) == (0, f"{folder}\n") and err == [f"scripts/mnbench compare {folder}"]
    assert sorted(p.name for p in folder.iterdir()) == [
        "machine.json", "mnbench.csv", "topology.xml"]
    assert do("check", folder)[0] == 0
    before = (folder / "mnbench.csv").read_bytes()
    code, _, err = do("import", tmp_path / "b.csv")
    assert code == 2 and err[0].startswith(f"mnbench: {folder}: exists already")
    assert (folder / "mnbench.csv").read_bytes() == before
    assert do("import", tmp_path / "b.csv", "--into", tmp_path / "pi")[0] == 0
    (tmp_path / "b.json").rename(tmp_path / "m.json")
    code, _, err = do("import", tmp_path / "b.csv", "--into", tmp_path / "other")
    assert code == 2 and "b.csv: its machine file is missing: name it with --machine" in err[0]
    assert do("import", tmp_path / "b.csv", "--into", tmp_path / "other", "--machine",
              tmp_path / "m.json")[0] == 0


def test_import_refuses(tmp_path, do, run):
    folder = run("a")
    (folder / "machine.json").write_text(json.dumps({**FACTS, "run_id": "run-9"}))
    code, _, err = do("import", folder, "--into", tmp_path / "b")
    assert code == 2 and "machine.json:1: of run 'run-9'" in err[0]
    write(folder / "mnbench.csv", [row(), row(run_id="run-2")])
    code, _, err = do("import", folder, "--into", tmp_path / "b")
    assert code == 2 and "mnbench.csv:3: a second run" in err[0]
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("arch, facts, name", [
    ("x86_64", {"cpu": {"model": "Intel(R) Xeon(R) CPU E5-2690 v4 @ 2.60GHz"},
                "topology": {"usable_pus": 28}}, "intel-xeon-e5-2690-v4-28cpu"),
    ("x86_64", {"cpu": {"model": "AMD Ryzen 7 7840U with Radeon Graphics"},
                "hypervisor": {"present": True}}, "vm-amd-ryzen-7-7840u"),
    ("arm64", {"cpu": {"model": "Cortex-A76", "board": "Raspberry Pi 5 Model B Rev 1.0"},
               "topology": {"usable_pus": 4}}, "raspberry-pi-5-model-b-4cpu"),
    ("riscv64", {"cpu": {}}, "riscv64"),
    ("arm64", {"cpu": {"model": "../../etc"}}, "etc"),
])
def test_names_of_machines(arch, facts, name):
    assert importing.name(machines.Machine("run-1", "box", arch, facts)) == name


def test_help_has_examples_of_commands_that_exist(capsys):
    for action in ("list", "show", "merge", "check", "import"):
        with pytest.raises(SystemExit):
            cli.main(["results", action, "--help"])
        assert f"scripts/mnbench results {action}" in capsys.readouterr().out
    assert collection.RESULTS == arches.TOP / "results"


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_a_write_that_stops_leaves_the_old_file_alone(tmp_path, monkeypatch, stop):
    (tmp_path / "out").write_text("old")

    def failing(*_):
        raise stop

    monkeypatch.setattr(tables.os, "replace", failing)
    with pytest.raises((KeyboardInterrupt, UserError)):
        tables.write_whole(tmp_path / "out", "new")
    assert _left(tmp_path) == ["out"] and (tmp_path / "out").read_text() == "old"
