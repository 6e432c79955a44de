# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench report`: one file that needs no other. What a browser makes of it is tested beside."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import report_runs
from synthetic import command, emulated, failed, reps, run, write

from mnbenchlib import report, results
from mnbenchlib.errors import UserError
from mnbenchlib.report import diff, library, machine, payload
from mnbenchlib.report.rows import interval

VOID = {"meta", "br", "input", "link"}


class Page(HTMLParser):
    """Every tag that opens closes, in order; what is fetched is noted."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.open, self.words, self.links, self.tags = text, [], [], [], []
        self.data, self._id = None, None
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.links += [v for k, v in attrs if k in ("src", "href", "xlink:href")]
        self.tags.append(tag)
        self._id = dict(attrs).get("id")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self._id == "data" and self.open[-1] == "script":
            self.data = json.loads(data)
        elif self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)

    def said(self) -> str:
        """The text that a reader without JavaScript sees."""
        return " ".join(" ".join(self.words).split())

    def rows(self) -> list[dict]:
        """The benchmarks, as the scripts decode them."""
        told = self.data["rows"]
        table = dict(told["columns"])
        for column in told["texts"]:
            table[column] = [told["words"][i] for i in table[column]]
        return [dict(zip(table, cells)) for cells in zip(*table.values())]


def stand_in(monkeypatch):
    """For the library, where Debian's package is not at hand."""
    if not library.SCRIPT.exists():
        monkeypatch.setattr(library, "load", lambda: library.Library("", "MIT", "0" * 64))


@pytest.fixture(autouse=True)
def chart_library(monkeypatch):
    stand_in(monkeypatch)


def made(*runs, output=None) -> Page:
    where = ["-o", output] if output else []
    code, error = command(report, *runs, *where)
    assert (code, error) == (0, "")
    if output is None:
        first = runs[0]
        output = first / "report.html" if first.is_dir() else first.with_suffix(".html")
    return Page(output.read_text(encoding="utf-8"))


def some(family: str, **cells) -> list[dict[str, str]]:
    """A run of one family."""
    return [r for r in run(**cells) if r["family"] == family]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run with everything in it, and its page."""
    folder = report_runs.folder(tmp_path_factory.mktemp("report") / "run", threads=(1, 32, 64))
    with pytest.MonkeyPatch.context() as patched:
        stand_in(patched)
        return folder, made(folder)


def test_it_needs_no_other_file_and_trusts_no_name(whole):
    _, page = whole
    assert all(link.startswith("#") for link in page.links)
    assert page.tags.count("script") == 3 and "img" not in page.tags
    assert "default-src 'none'" in page.text
    assert len(page.text.encode()) < 5_000_000
    assert report_runs.NASTY in page.said()  # as text


def test_the_first_screen(whole):
    said, rows = whole[1].said(), whole[1].rows()
    measured = [r for r in rows if not r["error"]]
    emulated_ = [r for r in measured if r["execution"] != "native"]
    preempted = [r for r in measured if "preempted" in r["flags"]]
    assert emulated_ and preempted and len(measured) < len(rows)
    for wanted in ("box: Big & Fast", "Linux 6.12.9-test", "2 packages, 64 cores",
                   "Not to be relied on", "severe governor powersave", "warn turbo on",
                   f"emulation {len(emulated_)} of {len(measured)} benchmarks",
                   "noise floor", f"unsettled 1 of {len(measured) - len(emulated_)} benchmarks",
                   f"preempted {len(preempted)}",
                   f"no figure {len(rows) - len(measured)} of {len(rows)} benchmarks"):
        assert wanted in said, wanted


def test_the_three_answers(whole):
    found = whole[1].data["cards"]
    native = next(one for one in found if len(one["cards"]) == 3)
    seq, srcu, wake = native["cards"]
    (answer,) = seq["answers"]
    assert answer["figure"].endswith(" ns") and answer["against"] == "a bare queued lock pair"
    assert answer["verdict"] == "dearer" and float(answer["ratio"]) == pytest.approx(1.05, abs=0.02)
    assert [a["against"] for a in srcu["answers"]] == ["two barriers and increments",
                                                       "liburcu memb"]
    assert [a["against"] for a in wake["answers"]] == ["raw FUTEX_WAKE", "pthread_cond_broadcast"]
    assert wake["chart"]["x"] == "sleepers"


def test_every_benchmark_is_a_row(whole):
    folder, page = whole
    table = results.read_results(folder)
    rows = page.rows()
    originals = table[~results.is_twin(table)]
    assert len(rows) == len(originals[["run_id", *results.KEY]].drop_duplicates())
    one = next(r for r in rows if r["op"] == "read_pair" and r["variant"] == "full"
               and r["threads"] == 1 and r["arch"] == "x86_64")
    sample = originals[(originals["op"] == "read_pair") & (originals["variant"] == "full")
                       & (originals["threads"] == 1) & (originals["arch"] == "x86_64")]
    assert one["n"] == 10 and one["insns_per_op"] == 17
    assert one["median"] == pytest.approx(sample["real_ns_per_op"].median(), rel=1e-5)
    assert one["low"] < one["median"] < one["high"] and one["sure"] is True
    flags = {r["flags"] for r in rows}
    assert {"preempted 1/10, stolen 1/10, frequency 1/10", "unsettled"} & flags
    assert any(r["error"].startswith("error: pin xnode") for r in rows)
    assert any(r["error"].startswith("low overlap") and r["median"] is None for r in rows)


def test_an_interval_by_ranks():
    assert interval(np.arange(1.0, 11.0)) == (2.0, 9.0, True)
    assert interval(np.arange(1.0, 7.0)) == (1.0, 6.0, True)
    assert interval(np.arange(5.0)) == (0.0, 4.0, False)  # 5 cannot: the whole sample
    rng = np.random.default_rng(3)
    held = [low <= 0 <= high for low, high, _ in
            (interval(rng.standard_normal(12)) for _ in range(2000))]
    assert np.mean(held) > 0.94


def test_twins_change_the_floor_and_no_row(tmp_path):
    rows = some("seq", threads=(1,))
    plain = write(tmp_path / "a.csv", rows)
    doubled = [dict(r, real_ns_per_op=repr(9 * float(r["real_ns_per_op"])), flags="twin")
               for r in rows if r["op"] == "read_begin_retry" and not r["error"]]
    twins = write(tmp_path / "b.csv", rows + doubled)
    first, second = made(plain), made(twins)
    assert first.data == second.data
    assert "noise floor unknown" in first.said() and "noise floor unknown" not in second.said()


def test_emulated_times_stand_alone(tmp_path):
    page = made(write(tmp_path / "x.csv", some("seq", n=3) + emulated("arm64")
                      + emulated("riscv64")))
    places, rows = page.data["places"], page.rows()
    drawn = [c for c in page.data["charts"] if places[c["place"]]["metric"] == "emulated_ns"]
    assert drawn
    for chart in drawn:
        lines = chart.get("curves", []) + chart.get("lines", [])
        points = [rows[p[1]] for line in lines for p in line["points"]]
        assert {p["arch"] for p in points} == {places[chart["place"]]["arch"]}
        assert "baseline" not in {p["subject"] for p in points}
    emulated_rows = [r for r in rows if r["metric"] == "emulated_ns"]
    assert emulated_rows and all(r["limit"] is None for r in emulated_rows)
    assert not any(page.data["instructions"].values())


def test_instructions_of_all_architectures_share_a_chart(tmp_path):
    page = made(write(tmp_path / "x.csv", emulated("arm64", insns=True)
                      + emulated("riscv64", insns=True)))
    chart = next(c for c in page.data["instructions"]["seq"] if c["title"] == "read_begin_retry")
    line = next(one for one in chart["lines"] if one["label"] == "pthread_mutex")
    assert [p[0] for p in line["points"]] == ["arm64", "riscv64"]
    assert "no time of it says anything of hardware" in page.said()


def test_two_runs_are_compared(tmp_path, capsys):
    base = write(tmp_path / "base.csv", some("seq", n=10, seed=1))
    new = write(tmp_path / "new.csv", some("seq", n=10, seed=2, run_id="run-2",
                                           slower={"read_begin_retry": 1.3}))
    assert command(report, base, new) == (0, "")
    out = tmp_path / "report-2-runs.html"
    assert capsys.readouterr().out == f"{out}\n"
    page = Page(out.read_text(encoding="utf-8"))
    told = page.data["diff"]
    judged = diff.compared("--", str(base), str(new)).pairs
    assert len(told["pairs"]) == len(judged)
    assert told["counts"] == judged["verdict"].value_counts().to_dict()
    worse = {p["op"] for p in told["pairs"] if p["verdict"] == "worse"}
    assert worse == {"read_begin_retry"}
    assert f"{told['counts']['worse']} ▲ worse" in page.said()


def test_runs_that_cannot_be_compared_say_why(tmp_path):
    base = write(tmp_path / "a.csv", reps([1, 2]))
    new = write(tmp_path / "b.csv", emulated("arm64"))
    page = made(base, new, output=tmp_path / "x.html")
    assert "no benchmark in common" in page.said()
    assert page.data["diff"]["pairs"] == []


def test_many_runs(tmp_path, capsys):
    paths = [write(tmp_path / f"{i}.csv", some("srcu", n=3, seed=i, run_id=f"run-{i}"))
             for i in range(3)]
    assert command(report, *paths) == (0, "")
    page = Page((tmp_path / "report-3-runs.html").read_text(encoding="utf-8"))
    assert page.data["runs"] == ["run-0", "run-1", "run-2"] and page.data["diff"] is None
    capsys.readouterr()


def test_the_same_run_gives_the_same_report(tmp_path, capsys):
    path = write(tmp_path / "x.csv", reps([1, 2, 3]) + reps([1, 2, 3], subject="baseline"))
    command(report, path)
    first = (tmp_path / "x.html").read_bytes()
    command(report, path, "-o", tmp_path / "y.html")
    assert (tmp_path / "y.html").read_bytes() == first
    capsys.readouterr()
    command(report, path, "-o", "-")
    assert capsys.readouterr().out.encode() == first


def test_a_run_without_a_figure(tmp_path):
    page = made(write(tmp_path / "x.csv", [failed("broken")]))
    assert [r["error"] for r in page.rows()] == ["error: broken"]
    assert "no figure 1 of 1 benchmarks" in page.said()


def test_only_some_families(tmp_path):
    path = write(tmp_path / "x.csv", run(n=3))
    assert command(report, path, "--families", "srcu")[0] == 0
    page = Page((tmp_path / "x.html").read_text(encoding="utf-8"))
    assert {r["family"] for r in page.rows()} == {"srcu"}
    code, error = command(report, path, "--families", "nope")
    assert code == 2 and "'nope'" in error and "srcu" in error


def test_what_repeats_it(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    write(folder / "mnbench.csv", reps([1, 2]))
    record = {"run_id": "run-1", "options": {"profile": "full", "arch": ["x86_64"], "seed": 7,
                                             "filter": "a b", "families": None, "flags": ["--x"]},
              "binaries": [{"arch": "x86_64", "program": "p", "sha256": "ab" * 32, "whole": True}],
              "lockstep": None, "schema": 1}
    (folder / "run.json").write_text(json.dumps(record))
    said = made(folder).said()
    assert ("scripts/mnbench run --arch x86_64 --profile full --seed 7 --filter 'a b' -- --x"
            in said)
    assert "x86_64 abababababab" in said


def test_errors(tmp_path, monkeypatch):
    code, error = command(report, tmp_path)
    assert code == 2 and "a folder without mnbench.csv" in error
    write(tmp_path / "mnbench.csv", reps([1, 2]))
    (tmp_path / "machine.json").write_text("{\n\n broken")
    (tmp_path / "report.html").write_text("old")
    code, error = command(report, tmp_path)
    assert code == 2 and "machine.json: not readable JSON" in error and "\n" not in error
    (tmp_path / "machine.json").unlink()
    monkeypatch.setattr(report, "_MOST_BYTES", 1000)
    code, error = command(report, tmp_path)
    assert code == 2 and "--families" in error
    assert (tmp_path / "report.html").read_text() == "old"


@pytest.mark.parametrize("kept", ['"no list"', '[1, {"what": "x"}]', "{}"])
def test_odd_findings_are_no_findings(tmp_path, kept):
    write(tmp_path / "mnbench.csv", reps([1, 2]))
    (tmp_path / "doctor.json").write_text(kept)
    (tmp_path / "machine.json").write_text('["odd"]')
    assert "noise floor unknown" in made(tmp_path).said()


def test_a_virtual_machine_is_told_without_the_doctor():
    told = {"hypervisor": {"present": True, "type": None}, "load": {"1min": 3.0},
            "frequency": {"governor": "powersave"}, "topology": {"disagreement": "2 against 4"}}
    found = {f.what for f in machine._from_machine(told)}
    assert found == {"virtual machine", "load", "frequency", "topology"}


@pytest.mark.parametrize("text", ["</script>", "<!--", "&amp;", "\u2028", "<"])
def test_no_text_ends_the_data(text):
    dumped = payload.dumped({"x": text, text: [float("nan"), 1.23456789]})
    assert not re.search("[<>&\u2028]", dumped)
    assert json.loads(dumped) == {"x": text, text: [None, 1.23457]}


def test_another_version_of_the_library_is_refused(tmp_path):
    script, licence = tmp_path / "chart.js", tmp_path / "copyright"
    licence.write_text("MIT")
    with pytest.raises(UserError, match="libjs-chart.js"):
        library.load(script, licence)
    script.write_text("/*!\n * Chart.js v4.0.0\n */")
    with pytest.raises(UserError, match="4.0.0.*needs 3.9.1"):
        library.load(script, licence)


def test_one_that_debian_did_not_build_is_told(tmp_path, capsys):
    script, licence = tmp_path / "chart.js", tmp_path / "copyright"
    script.write_text("/*!\n * Chart.js v3.9.1\n */")
    licence.write_text("MIT")
    assert library.load(script, licence).licence == "MIT"
    assert "not as Debian 12 or 13 built it" in capsys.readouterr().err


def test_flags_are_counted_by_benchmark():
    frame = pd.DataFrame({"flags": ["", "preempted 1/10, stolen", "unsettled"]})
    assert machine._flagged(frame) == {"preempted": 1, "stolen": 1}
