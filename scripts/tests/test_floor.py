# SPDX-License-Identifier: GPL-2.0-or-later
"""The noise floor: what it is made of, how small samples widen it, and who uses it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats as scipy_stats
from synthetic import UserError, command, emulated, reps, row, run, write

from mnbenchlib import compare, floor, plot, results, stats
from mnbenchlib.plots import style

METRIC = "real_ns_per_op"


def spread_of(spread, n=10):
    """Repetitions that spread evenly by as much, and half the width of the interval of a ratio."""
    values = 10 * np.exp(spread * np.linspace(-1, 1, n))
    return values, floor.half_width(stats.ratio(values, values))


def twins(halves, n=10, spread=0.001, family="seq", op="op", **cells):
    """Benchmarks and their twins, each so many half intervals from its original."""
    values, half = spread_of(spread, n)
    rows = []
    for i, share in enumerate(halves):
        at = {"family": family, "op": op, "params": f"i:{i}", **cells}
        rows += reps(values, **at)
        rows += reps(values * np.exp(share * half), flags="twin", **at)
    return rows


def of(tmp_path, rows, rounds=False, metric=METRIC):
    return floor.of(results.read_results(write(tmp_path / "x.csv", rows)), metric, rounds)


def test_by_hand(tmp_path):
    found = of(tmp_path, twins([1, -1, 2, -2]))
    expected = 1.959964 * np.sqrt(10 / scipy_stats.chi2.ppf(0.05, 4))
    overall = found.of(METRIC, "seq")
    assert overall.factor == pytest.approx(expected, rel=1e-6)
    assert overall.log(0.01) == pytest.approx(0.01 * expected, rel=1e-6)
    assert (overall.twins, overall.figures) == (4, 4)
    assert overall.greatest == pytest.approx(2)
    assert found.of(METRIC, "anything") is overall


def test_few_twins_give_a_high_factor(tmp_path):
    factors = [of(tmp_path, twins([1] * n)).of(METRIC, "").factor for n in (1, 4, 16, 64)]
    assert factors == sorted(factors, reverse=True)
    assert factors[0] > 30 and 2 < factors[3] < 2.5


def test_never_below_the_greatest_nor_below_the_interval(tmp_path):
    found = of(tmp_path, twins([0.01] * 63 + [20])).of(METRIC, "")
    assert found.factor == found.greatest == pytest.approx(20)
    found = of(tmp_path, twins([0.01] * 64)).of(METRIC, "")
    assert found.factor == 1 and found.greatest == pytest.approx(0.01)


def test_intervals_that_are_right_need_little(tmp_path):
    """Of a run whose only noise is from repetition to repetition."""
    rng = np.random.default_rng(3)
    rows = []
    for i in range(64):
        for flags in ("", "twin"):
            rows += reps(10 * rng.lognormal(0, 0.02, 10), params=f"i:{i}", flags=flags)
    for rounds in (False, True):
        assert 1 <= of(tmp_path, rows, rounds).of(METRIC, "").factor < 2.2


def test_twins_without_an_interval_have_no_say(tmp_path):
    rows = twins([1] * 8) + reps([5.0] * 10, op="x") + reps([6.0] * 10, op="x", flags="twin")
    assert of(tmp_path, rows).of(METRIC, "").twins == 8
    rows = twins([1] * 8) + reps([5.0] * 10, op="x") + reps([5.0] * 10, op="x", flags="twin")
    assert of(tmp_path, rows).of(METRIC, "").twins == 9


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
    assert found.of(METRIC, "seq").factor == 1
    assert found.of(METRIC, "wake") is found.of(METRIC, "srcu") is found.of(METRIC, "")
    assert found.of(METRIC, "").twins == 12
    told = floor.told(found)
    assert ", from 12 twins (seq 1)" in told and "\n" not in told


def test_a_herd_is_one_twin(tmp_path):
    rows = [row for op in ("waker", "first", "median", "last")
            for row in twins([1], family="wake", op=f"wake_all_{op}")]
    overall = of(tmp_path, rows).of(METRIC, "wake")
    assert (overall.twins, overall.figures) == (1, 4)


def test_rounds_or_medians(tmp_path):
    drift = np.exp(np.linspace(0, 1, 21))
    rows = reps(drift) + reps(drift * 1.01 * np.exp(1e-4 * np.cos(drift)), flags="twin")
    rows[-1]["real_ns_per_op"] = repr(1.0)  # one round went astray
    table = results.read_results(write(tmp_path / "x.csv", rows))
    medians, rounds = (floor.ratios(table, METRIC, kind).iloc[0] for kind in (False, True))
    assert rounds["log"] == pytest.approx(np.log(1.01), abs=2e-4) and abs(medians["log"]) > 0.03
    assert rounds["half"] < 0.001 and medians["half"] > 0.1


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
    assert told["overall"]["twins"] == 2 and told["overall"]["factor"] > 5
    half = 100 * np.expm1(spread_of(0.001)[1])
    assert [t["benchmark"] for t in told["twins"]] == ["seq op queued i=0", "seq op queued i=1"]
    assert [t["half_interval_percent"] for t in told["twins"]] == pytest.approx([half, half])
    assert [t["percent"] for t in told["twins"]] == pytest.approx([half, -2 * half], rel=0.01)


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


def moved(scale, spread=0.001):
    return reps(5 * scale * spread_of(spread)[0], op="moved")


def verdict(capsys, paths):
    return next(p for p in pairs_of(capsys, *paths) if p["op"] == "moved")


def test_compare_takes_the_greater_of_threshold_and_both_floors(tmp_path, capsys):
    half = spread_of(0.025)[1]
    quiet, loud = twins([0.05] * 16), twins([1.5] * 16)
    factor = of(tmp_path, loud).of(METRIC, "").factor
    scale = np.exp(0.9 * factor * half)
    assert scale > 1.05 > np.exp(half)
    for base, new, limited_by in (
            (quiet, quiet, "threshold"), (loud, quiet, "floor"), (quiet, loud, "floor")):
        paths = two(tmp_path, base + moved(1, 0.025), new + moved(scale, 0.025))
        pair = verdict(capsys, paths)
        assert (pair["limited_by"], pair["p_adjusted"] < 0.01) == (limited_by, True)
        assert pair["verdict"] == ("worse" if limited_by == "threshold" else "~")
        assert pair["floor"] == pytest.approx(half * (1 if limited_by == "threshold" else factor))
    paths = two(tmp_path, loud + moved(1, 0.025), quiet + moved(1.2, 0.025))
    assert verdict(capsys, paths)["verdict"] == "worse"


def test_a_noisy_benchmark_hides_no_quiet_one(tmp_path, capsys):
    rows = twins([0.5] * 16)
    noisy = [reps(9 * spread_of(0.3)[0], op="noisy") for _ in range(2)]
    paths = two(tmp_path, rows + noisy[0] + moved(1), rows + noisy[1] + moved(1.01))
    assert verdict(capsys, paths)["verdict"] == "slower"


def test_compare_says_which_it_was(tmp_path, capsys):
    def text(*paths):
        command(compare, *paths)
        return " ".join(capsys.readouterr().out.split())

    quiet, loud = twins([0.05] * 16), twins([1.5] * 16)
    assert "noise floor: unknown" in text(*two(tmp_path, moved(1), moved(1)))
    said = text(*two(tmp_path, quiet + moved(1), quiet + moved(1.06)))
    assert "nothing is decided, each benchmark's own; median and greatest: seq 0.0" in said
    assert "so the limit" not in said
    said = text(*two(tmp_path, loud + moved(1, 0.03), quiet + moved(1.08, 0.03)))
    assert "above the threshold, and so the limit, of 1 benchmarks" in said and "~ floor" in said
    assert "by more than 5 % and the noise floor" in said


def test_within_the_floor_nothing_is_decided(tmp_path, capsys):
    rows, half = twins([1.2] * 16), spread_of(0.001)[1]
    factor = of(tmp_path, rows).of(METRIC, "").factor
    for share, said in ((0.9, "~"), (1.1, "slower")):
        paths = two(tmp_path, rows + moved(1), rows + moved(np.exp(share * factor * half)))
        assert verdict(capsys, paths)["verdict"] == said


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
    drawn = [{p.name: p.draw and style.rendered(p, formats=["svg"])
              for p in plot.plots(results.read_results(one))} for one in (plain, path)]
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
    assert "smallest p is 0.062: nothing can be decided; 8 a side are the least" in text


def test_a_broken_record_is_none(tmp_path, capsys):
    folders = in_lockstep(tmp_path, reps(np.ones(6)), reps(np.ones(6)))
    (folders[0] / "run.json").write_text("[rubbish", encoding="utf-8")
    command(compare, *folders)
    assert "Mann-Whitney" in capsys.readouterr().out
