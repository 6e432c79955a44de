# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench report`: one file that needs no other."""

import json
import re
from html.parser import HTMLParser

from synthetic import command, emulated, failed, reps, run, write

from mnbenchlib import report

VOID = {"meta", "br", "path", "use", "rect"}


class Checker(HTMLParser):
    """Every tag that opens closes, in order; nothing is fetched."""

    def __init__(self):
        super().__init__()
        self.open, self.words, self.links = [], [], []

    def handle_starttag(self, tag, attrs):
        self.links += [v for k, v in attrs if k in ("src", "href", "xlink:href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.links += [v for k, v in attrs if k in ("src", "href", "xlink:href")]

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def checked(path):
    checker = Checker()
    checker.feed(path.read_text())
    assert checker.open == []
    assert all(link.startswith("#") for link in checker.links)
    return checker


def test_report_of_a_run(tmp_path, capsys):
    write(tmp_path / "mnbench.csv", run(n=3, host="a<b") + emulated("arm64"))
    machine = {"cpu": {"model": "A & B", "caches": [{"level": 1}, {"level": 2}]},
               "flags": ["-O2", "-g"], "turbo": None}
    (tmp_path / "machine.json").write_text(json.dumps(machine))
    assert command(report, tmp_path) == (0, "")
    out = tmp_path / "report.html"
    assert capsys.readouterr().out == f"{out}\n"
    text, page = out.read_text(), checked(out)
    assert text.count("<svg") == 8 + 4  # native plots, and the emulated port by family
    words = " ".join(page.words)
    for wanted in ("mnbench on a<b", "pthread_cond_broadcast", "A & B", "cpu.caches[1].level",
                   "-O2, -g", "No plot times-arm64-qemu-user"):
        assert wanted in words
    assert "<b," not in text and "A &amp; B" in text


def test_the_same_run_gives_the_same_report(tmp_path, capsys):
    path = write(tmp_path / "x.csv", reps([1, 2, 3]) + reps([1, 2, 3], subject="baseline"))
    command(report, path)
    first = (tmp_path / "x.html").read_bytes()
    command(report, path, "-o", tmp_path / "y.html")
    assert (tmp_path / "y.html").read_bytes() == first
    capsys.readouterr()
    command(report, path, "-o", "-")
    assert capsys.readouterr().out.encode() == first


def test_a_run_without_baselines_or_figures(tmp_path):
    path = write(tmp_path / "x.csv", [failed("broken")])
    assert command(report, path)[0] == 0
    page = checked(tmp_path / "x.html")
    assert re.search("error: broken", " ".join(page.words))


def test_errors(tmp_path):
    code, error = command(report, tmp_path)
    assert code == 2 and "a folder without mnbench.csv" in error
    write(tmp_path / "mnbench.csv", reps([1, 2]))
    (tmp_path / "machine.json").write_text("{\n\n broken")
    (tmp_path / "report.html").write_text("old")
    code, error = command(report, tmp_path)
    assert code == 2 and "machine.json: not readable JSON" in error and "\n" not in error
    assert (tmp_path / "report.html").read_text() == "old"
