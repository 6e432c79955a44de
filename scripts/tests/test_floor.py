# SPDX-License-Identifier: GPL-2.0-or-later
"""The noise floor: what it is made of, how small samples widen it, and who uses it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats as scipy_stats
from synthetic import UserError, command, emulated, reps, row, run, write

from mnbenchlib import compare, floor, plot, results

METRIC = "real_ns_per_op"


def twins(percents, n=10, family="seq", op="op", **cells):
    """Benchmarks and their twins, each so far from its original."""
    rows = []
    for i, percent in enumerate(percents):
        at = {"family": family, "op": op, "params": f"i:{i}", **cells}
        rows += reps(10 * np.ones(n), **at)
        rows += reps(10 * (1 + percent / 100) * np.ones(n), flags="twin", **at)
    return rows


def of(tmp_path, rows, rounds=False, metric=METRIC):
    return floor.of(results.read_results(write(tmp_path / "x.csv", rows)), metric, rounds)


def test_by_hand(tmp_path):
    found = of(tmp_path, twins([1, -1, 2, -2]))
    logs = np.log([1.01, 0.99, 1.02, 0.98])
    expected = 1.959964 * np.sqrt(np.sum(logs**2) / scipy_stats.chi2.ppf(0.05, 4))
    overall = found.of(METRIC, "seq")
    assert overall.percent == pytest.approx(100 * np.expm1(expected), rel=1e-6)
    assert overall.log == pytest.approx(expected, rel=1e-6)
    assert (overall.twins, overall.figures) == (4, 4)
    assert overall.greatest_percent == pytest.approx(100 * (1 / 0.98 - 1))
    assert found.of(METRIC, "anything") is overall


def test_few_twins_give_a_high_floor(tmp_path):
    percents = [of(tmp_path, twins([1] * n)).of(METRIC, "").percent for n in (1, 4, 16, 64)]
    assert percents == sorted(percents, reverse=True)
    assert percents[0] > 30 and 2 < percents[3] < 2.5


def test_never_below_the_greatest(tmp_path):
    found = of(tmp_path, twins([0.01] * 63 + [20])).of(METRIC, "")
    assert found.percent == found.greatest_percent == pytest.approx(20)


@pytest.mark.parametrize("n", [6, 16])
def test_as_sure_as_it_says(n):
    """In 95 of 100 runs, 95 of 100 differences of a run with itself are below."""
    rng = np.random.default_rng(n)
    true = scipy_stats.norm.ppf(0.975)
    hits = sum(floor.bound(rng.normal(0, 1, n), n) >= true for _ in range(2000))
    assert 0.93 < hits / 2000 < 0.975


def test_a_family_with_enough_twins_has_its_own(tmp_path):
    rows = twins([0.1] * 6) + twins([5] * 5, family="wake") + twins([1], family="srcu")
    found = of(tmp_path, rows)
    assert found.of(METRIC, "seq").percent < 0.5
    assert found.of(METRIC, "wake") is found.of(METRIC, "srcu") is found.of(METRIC, "")
    assert found.of(METRIC, "").twins == 12
    told = floor.told(found)
    assert "% from 12 twins (seq 0." in told and "\n" not in told


def test_a_herd_is_one_twin(tmp_path):
    rows = [row for op in ("waker", "first", "median", "last")
            for row in twins([1], family="wake", op=f"wake_all_{op}")]
    overall = of(tmp_path, rows).of(METRIC, "wake")
    assert (overall.twins, overall.figures) == (1, 4)


def test_rounds_or_medians(tmp_path):
    drift = np.exp(np.linspace(0, 1, 11))
    rows = reps(drift) + [r for r in reps(drift * 1.01, flags="twin")]
    rows[-1]["real_ns_per_op"] = repr(1.0)  # one round went astray
    medians = of(tmp_path, rows).of(METRIC, "").greatest_percent
    rounds = of(tmp_path, rows, rounds=True).of(METRIC, "").greatest_percent
    assert rounds == pytest.approx(1) and medians > 5


def test_unusable_rows_have_no_say(tmp_path):
    rows = twins([1] * 8)
    rows += [row(params="j:1", real_ns_per_op="1", flags="low-overlap"),
             row(params="j:1", real_ns_per_op="9", flags="low-overlap;twin"),
             row(params="k:1", real_ns_per_op="9", flags="twin"),  # without its original
             row(params="l:1", error="x", flags="twin"), row(params="l:1", real_ns_per_op="1")]
    assert of(tmp_path, rows).of(METRIC, "").twins == 8
    assert of(tmp_path, emulated("arm64")).found == {}


def test_floor_file(tmp_path):
    table = results.read_results(write(tmp_path / "mnbench.csv", twins([1, -2])))
    floor.write(tmp_path, table, rounds=False)
    told = json.loads((tmp_path / "floor.json").read_text(encoding="utf-8"))
    assert told["of"] == "medians" and told["families"] == {}
    assert told["overall"]["twins"] == 2 and told["overall"]["percent"] > 5
    assert [(t["benchmark"], round(t["percent"], 6)) for t in told["twins"]] == [
        ("seq op queued i=0", 1), ("seq op queued i=1", -2)]


def test_no_twins_no_floor(tmp_path):
    table = results.read_results(write(tmp_path / "mnbench.csv", reps([1, 2])))
    assert floor.told(floor.write(tmp_path, table, rounds=False)).startswith("noise floor: unknown")
    assert not (tmp_path / "floor.json").exists()


# --- who uses it


def two(tmp_path, base, new, **cells):
    return [write(tmp_path / f"{name}.csv", rows) for name, rows in (("base", base), ("new", new))]


def pairs_of(capsys, *arguments):
    code, error = command(compare, *arguments, "--format", "json")
    assert error == ""
    found = json.loads(capsys.readouterr().out)
    assert found["exit"] == code
    return found["pairs"]


def moved(scale, noise=0.001, seed=1):
    return reps(50 * scale * np.random.default_rng(seed).lognormal(0, noise, 10), op="moved")


def test_compare_takes_the_greater_of_threshold_and_both_floors(tmp_path, capsys):
    quiet, loud = twins([0.05] * 16), twins([3] * 16)
    for base, new, limited_by, verdict in (
            (quiet, quiet, "threshold", "worse"), (loud, quiet, "floor", "~"),
            (quiet, loud, "floor", "~")):
        paths = two(tmp_path, base + moved(1), new + moved(1.06, seed=2))
        pair = next(p for p in pairs_of(capsys, *paths) if p["op"] == "moved")
        assert (pair["limited_by"], pair["verdict"]) == (limited_by, verdict)
        assert pair["p_adjusted"] < 0.05
    paths = two(tmp_path, loud + moved(1), quiet + moved(1.2, seed=2))
    assert next(p for p in pairs_of(capsys, *paths) if p["op"] == "moved")["verdict"] == "worse"


def test_compare_says_which_it_was(tmp_path, capsys):
    def text(*paths):
        command(compare, *paths)
        return " ".join(capsys.readouterr().out.split())

    quiet, loud = twins([0.05] * 16), twins([3] * 16)
    assert "noise floor: unknown" in text(*two(tmp_path, moved(1), moved(1, seed=2)))
    said = text(*two(tmp_path, quiet + moved(1), quiet + moved(1.06, seed=2)))
    assert "nothing is decided: seq 0.14 %" in said and "so the limit" not in said
    said = text(*two(tmp_path, loud + moved(1), quiet + moved(1.06, seed=2)))
    assert "above the threshold, and so the limit, in seq" in said and "~ floor" in said
    assert "by more than 5 % and the noise floor" in said


def test_within_the_floor_nothing_is_decided(tmp_path, capsys):
    rows = twins([0.5] * 16)
    paths = two(tmp_path, rows + moved(1), rows + moved(1.01, seed=2))
    assert next(p for p in pairs_of(capsys, *paths) if p["op"] == "moved")["verdict"] == "~"
    paths = two(tmp_path, rows + moved(1), rows + moved(1.03, seed=2))
    assert next(p for p in pairs_of(capsys, *paths) if p["op"] == "moved")["verdict"] == "slower"


def test_twins_enter_no_table(tmp_path, capsys):
    rows = run(threads=(1,))
    plain = write(tmp_path / "plain.csv", rows)
    doubled = [dict(r, real_ns_per_op=repr(9 * float(r["real_ns_per_op"])), flags="twin")
               for r in rows if r["op"] == "read_begin_retry" and not r["error"]]
    path = write(tmp_path / "twins.csv", rows + doubled)
    said = []
    for one in (plain, path):
        command(compare, one)
        said.append(capsys.readouterr().out)
    assert said[0].split("Left out")[0] == said[1].split("Left out")[0]
    assert f"{len(doubled)} rows: twin: the run against itself" in said[1]
    drawn = [{p.name: p.files for p in plot.plots(results.read_results(one))}
             for one in (plain, path)]
    assert drawn[0] == drawn[1]
    assert command(plot, path, "--out", tmp_path / "plots")[0] == 0
    assert f"left out: {len(doubled)} rows of twins" in capsys.readouterr().out


def test_a_twin_measured_twice_is_refused(tmp_path):
    path = write(tmp_path / "x.csv", twins([1], n=2) + [row(op="op", params="i:0", flags="twin")])
    with pytest.raises(UserError, match="the same run, benchmark and repetition as line 4"):
        results.read_results(path)


# --- unsettled


def unsettled(values, which, **cells):
    """Rows of which these are flagged."""
    rows = reps(values, **cells)
    for i in which:
        rows[i]["flags"] = "unsettled"
    return rows


def test_unsettled_is_what_the_last_repetition_says(tmp_path, capsys):
    values = np.linspace(1, 1.1, 8)
    base = unsettled(values, range(8), op="both") + unsettled(values, range(8), op="base") \
        + unsettled(values, [0, 1, 2], op="none") + unsettled(values, [], op="new")
    new = unsettled(values, range(8), op="both") + unsettled(values, [5], op="base") \
        + unsettled(values, [], op="none") + unsettled(values, [0, 7], op="new")
    paths = two(tmp_path, base, new)
    assert {p["op"]: p["unsettled"] for p in pairs_of(capsys, *paths)} == {
        "both": "both", "base": "base", "none": "", "new": "new"}
    command(compare, *paths)
    text = capsys.readouterr().out
    assert "?: 2 of 4 benchmarks in BASE are unsettled" in text
    assert "?: 2 of 4 benchmarks in NEW are unsettled" in text
    assert "both queued ?" in text and "none queued ?" not in text


def test_unsettled_beside_baselines(tmp_path, capsys):
    values = np.linspace(1, 1.1, 8)
    path = write(tmp_path / "x.csv", unsettled(values, [7]) + reps(values, op="alone")
                 + unsettled(values, [0], subject="baseline") + unsettled(values, [7], op="open"))
    assert [p["unsettled"] for p in pairs_of(capsys, path)] == ["new"]
    command(compare, path)
    text = capsys.readouterr().out
    assert "?: 2 of 4 benchmarks are unsettled" in text
    lines = {line.split()[0]: line for line in text.splitlines() if line.strip()}
    assert lines["open"].endswith("8 ?") and lines["alone"].endswith("8")
    command(compare, write(path, reps(values) + reps(values, subject="baseline")))
    assert "unsettled" not in capsys.readouterr().out


# --- two runs in lock-step


def in_lockstep(tmp_path, base, new, ids=("x", "x")):
    folders = []
    for name, rows, lockstep in zip(("base", "new"), (base, new), ids):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        write(folder / "mnbench.csv", rows)
        (folder / "run.json").write_text(json.dumps({"lockstep": lockstep}), encoding="utf-8")
        folders.append(folder)
    return folders


def test_rounds_are_compared_where_both_were_in_lockstep(tmp_path, capsys):
    drift = np.exp(np.linspace(0, 1, 12))
    base, new = reps(drift), reps(1.03 * drift)
    for ids, paired in ((("x", "x"), True), (("x", "y"), False), ((None, None), False)):
        pair, = pairs_of(capsys, *in_lockstep(tmp_path, base, new, ids))
        assert (pair["verdict"] == "slower") == paired
        assert (pair["p"] == pytest.approx(2 / 2**12)) == paired
        if paired:
            assert (pair["ratio"], pair["low"], pair["high"]) == pytest.approx((1.03,) * 3)


def test_only_rounds_that_both_have(tmp_path, capsys):
    values = np.linspace(1, 1.2, 12)
    base, new = reps(values), reps(2 * values)
    base[3]["flags"] = new[5]["flags"] = "low-overlap"
    pair, = pairs_of(capsys, *in_lockstep(tmp_path, base, new[:11]))
    assert (pair["base_n"], pair["new_n"]) == (9, 9) and pair["ratio"] == pytest.approx(2)
    pair, = pairs_of(capsys, *in_lockstep(tmp_path, base[:4], new[5:]))
    assert pair["base_n"] == 0 and pair["verdict"] == "~" and pair["ratio"] is None


def test_few_rounds_and_what_they_reach(tmp_path, capsys):
    values = np.linspace(1, 1.2, 5)
    folders = in_lockstep(tmp_path, reps(values), reps(2 * values))
    assert pairs_of(capsys, *folders)[0]["verdict"] == "~"
    command(compare, *folders)
    text = " ".join(capsys.readouterr().out.split())
    assert "smallest p is 0.062: nothing can be decided; 6 a side are the least" in text


def test_a_broken_record_is_none(tmp_path, capsys):
    folders = in_lockstep(tmp_path, reps(np.ones(6)), reps(np.ones(6)))
    (folders[0] / "run.json").write_text("[rubbish", encoding="utf-8")
    command(compare, *folders)
    assert "Mann-Whitney" in capsys.readouterr().out
