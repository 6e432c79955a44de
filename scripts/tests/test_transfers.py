# SPDX-License-Identifier: GPL-2.0-or-later
"""Contended figures in line transfers."""

from __future__ import annotations

import pytest
from synthetic import reps, row, write  # also puts scripts/ on the path

from mnbenchlib import cli, results, transfers
from mnbenchlib.errors import UserError


def probe(values, pin="list:0,1", **cells):
    return reps(values, family="probe", op="line_transfer", subject="baseline",
                variant="store_load", pin=pin, params="", **cells)


def figures(table):
    return transfers.added(table)[transfers.METRIC]


def read(tmp_path, rows):
    return results.read_results(write(tmp_path / "mnbench.csv", rows))


def test_the_unit_is_the_median_pair_of_the_median_repetition(tmp_path):
    rows = [*probe([40, 50, 900]), *probe([100], pin="list:0,2"), *probe([200], pin="list:1,2"),
            *reps([300], threads=2)]
    assert figures(read(tmp_path, rows)).iloc[-1] == 3.0
    assert transfers.told(read(tmp_path, rows)) == [
        "box (x86_64): a line transfer takes 100.0 ns, 50.0 to 200.0 over 3 pairs of PUs"]


def test_each_run_has_its_own_unit(tmp_path):
    rows = [*probe([50]), *probe([100], run_id="run-2", host="other"), *reps([300], threads=2),
            *reps([300], threads=2, run_id="run-2", host="other")]
    assert list(figures(read(tmp_path, rows)).iloc[-2:]) == [6.0, 3.0]


@pytest.mark.parametrize("cells, contended", [
    ({"threads": 1}, False),
    ({"threads": 2}, True),
    ({"threads": 1, "params": "background:1"}, True),
    ({"threads": 9, "params": "sleepers:8", "family": "wake"}, False),
])
def test_only_what_is_contended_has_a_figure(tmp_path, cells, contended):
    found = figures(read(tmp_path, [*probe([50]), row(real_ns_per_op="100", **cells)]))
    assert found.notna().iloc[-1] == contended and found.isna().iloc[0]


def test_an_emulator_has_no_line_transfer(tmp_path):
    rows = [*probe([50], execution="qemu-user", flags="emulated"), *reps([300], threads=2)]
    with pytest.raises(UserError, match="probe/line_transfer.*family probe"):
        figures(read(tmp_path, rows))


def test_compare_across_machines(tmp_path, capsys):
    def one(name, transfer, cost):
        rows = [*probe([transfer] * 6), *reps([cost + i / 100 for i in range(6)], threads=2)]
        return str(write(tmp_path / name, rows))

    slow, fast = one("a.csv", 100, 500), one("b.csv", 20, 110)
    assert cli.main(["compare", slow, fast, "--metric", "line_transfers"]) == 1
    said = capsys.readouterr().out
    assert "line_transfers" in said and "1.10" in said
