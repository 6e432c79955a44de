# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench compare` on the examples that benchstat publishes gives benchstat's verdicts.

The figures are those of golang.org/x/perf/cmd/benchstat: its manual (the package comment, and
testdata/old.txt and new.txt), its testdata issue19634, issue19565 and smallSample, and the README
of its first version, which dropped outliers and compared means. criterion publishes no sample beside
its verdicts, only what it printed, so there is nothing of it to repeat.

What agrees, at --alpha 0.05: which benchmarks moved and which are `~`; medians and their ratio, to
each digit that is printed; p, where no two figures are equal; the geometric mean.

What differs by design:
- with equal figures ours takes the normal approximation with their correction, as R does; benchstat
  counts exactly: 0.446 there is 0.449 here;
- p is adjusted for the number of benchmarks, theirs is not (`p` in JSON and CSV is the plain one);
- benchstat has an interval of each median, ours is of the ratio;
- the first version's delta is of means without outliers: -13.31 % and -0.93 % there.
"""

import json

import pytest
from synthetic import command, reps, write

from mnbenchlib import compare

OLD = {"json": [1726, 1723, 1707, 1707, 1713, 1729, 1736, 1707, 1705, 1774],
       "gob": [3069, 3075, 3069, 3067, 3207, 3064, 3064, 3058, 3059, 3062]}
NEW = {"json": [1423, 1416, 1411, 1413, 1412, 1426, 1422, 1424, 1447, 1425],
       "gob": [3075, 3065, 3059, 3065, 3060, 3081, 3186, 3135, 3087, 3062]}


def table(values: dict[str, list[float]]) -> list[dict[str, str]]:
    """The benchmarks that differ in `variant`, as benchstat's in /format."""
    return [row for name, figures in values.items()
            for row in reps(figures, op="encode", variant=name)]


def found(tmp_path, capsys, base, new, *options):
    files = [write(tmp_path / name, table(values))
             for name, values in (("old.csv", base), ("new.csv", new)) if values]
    code, error = command(compare, *files, *options, "--alpha", "0.05", "--format", "json")
    assert error == ""
    told = json.loads(capsys.readouterr().out)
    assert told["exit"] == code
    return {pair["variant"]: pair for pair in told["pairs"]}


def delta(pair) -> str:
    """As benchstat prints it."""
    return "~" if pair["verdict"] == "~" else f"{100 * (pair['ratio'] - 1):+.2f}%"


def test_the_manual(tmp_path, capsys):
    pairs = found(tmp_path, capsys, OLD, NEW)
    assert {name: delta(pair) for name, pair in pairs.items()} == {"json": "-17.20%", "gob": "~"}
    assert pairs["json"]["verdict"] == "better"
    assert [pairs["json"][side] for side in ("base_median", "new_median")] == [1718, 1422.5]
    assert [pairs["gob"][side] for side in ("base_median", "new_median")] == [3065.5, 3070]
    assert f"{pairs['json']['p']:.3f}" == "0.000"
    assert pairs["gob"]["p"] == pytest.approx(0.446, abs=0.003)
    assert {pair["base_n"] for pair in pairs.values()} == {10}


def test_the_manual_as_text(tmp_path, capsys):
    files = [write(tmp_path / name, table(values))
             for name, values in (("old.csv", OLD), ("new.csv", NEW))]
    assert command(compare, *files, "--alpha", "0.05") == (0, "")
    text = capsys.readouterr().out
    lines = {line.split()[1]: line.split() for line in text.splitlines()
             if line.startswith("  encode ")}
    assert lines["json"][-1] == "better" and lines["gob"][-1] == "~"
    # -8.94 %: 2.090 / 2.295
    assert "geometric mean of all 2 ratios, port and kernels: 0.911" in text


@pytest.mark.parametrize("reference, other, shown", [
    ("json", "gob", "+115.82%"), ("gob", "json", "-53.66%")])
def test_across_a_column(tmp_path, capsys, reference, other, shown):
    """`benchstat -col /format new.txt`, and the other way round."""
    pairs = found(tmp_path, capsys, {}, NEW, "--by", "variant", "--reference", reference)
    assert delta(pairs[other]) == shown and f"{pairs[other]['p']:.3f}" == "0.000"
    assert pairs[other]["p"] == pairs[other]["p_adjusted"], "one benchmark"


def test_the_first_version(tmp_path, capsys):
    """4 repetitions against 5, no two figures equal: p is theirs to each digit."""
    base = {"gob": [13552735, 13553943, 13606356, 13683198],
            "json": [32395067, 32334214, 31992891, 31735022]}
    new = {"gob": [11773189, 11942588, 11786159, 11628583, 11815924],
           "json": [32036529, 32156552, 31288355, 31559706, 31765634]}
    pairs = found(tmp_path, capsys, base, new)
    assert {name: (f"{pair['p']:.3f}", pair["verdict"]) for name, pair in pairs.items()} == {
        "gob": ("0.016", "better"), "json": ("0.286", "~")}
    assert 100 * (pairs["gob"]["ratio"] - 1) == pytest.approx(-13.31, abs=0.2), "means there"
    assert (pairs["gob"]["base_n"], pairs["gob"]["new_n"]) == (4, 5)


def test_equal_figures(tmp_path, capsys):
    """issue19634: p=0.008 there, of 5 and 5."""
    pair = found(tmp_path, capsys, {"sub": [115, 114, 115, 115, 115]}, {"sub": [78.8] * 5})["sub"]
    assert delta(pair) == "-31.48%" and pair["verdict"] == "better"
    assert pair["p"] < 0.01


def test_all_figures_equal_and_one_side_only(tmp_path, capsys):
    """issue19565: A has p=1.000, B and C are of one side and compared with nothing."""
    pairs = found(tmp_path, capsys, {"A": [100] * 6, "B": [10000] * 6},
                  {"A": [100] * 6, "C": [10000] * 6})
    assert [(name, pair["p"], delta(pair)) for name, pair in pairs.items()] == [("A", 1, "~")]


def test_one_repetition(tmp_path, capsys):
    """smallSample: 1 % more, of which one figure a side tells nothing."""
    pair = found(tmp_path, capsys, {"X": [100]}, {"X": [101]})["X"]
    assert (pair["p"], delta(pair), pair["low"]) == (1, "~", None)
