# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench compare`: pairs, verdicts, exit codes, and what is left out."""

import csv
import io
import json
import os
import pty
import re
import stat
import subprocess
import sys

import numpy as np
import pytest
import synthetic
from synthetic import command, emulated, failed, reps, row, run, write

from mnbenchlib import compare, stats

FIVE = np.array([1.00, 1.01, 1.02, 1.03, 1.04])


def as_json(capsys, *arguments):
    code, error = command(compare, *arguments, "--format", "json")
    assert error == ""
    found = json.loads(capsys.readouterr().out)
    assert found["exit"] == code
    return found


def refused(capsys, *arguments):
    code, error = command(compare, *arguments)
    assert code == 2 and error and "\n" not in error
    assert capsys.readouterr().out == ""
    return error


def two(tmp_path, base, new):
    return write(tmp_path / "base.csv", base), write(tmp_path / "new.csv", new)


# --- the port and its baselines


def test_ratio_to_own_baseline_and_others(tmp_path, capsys):
    path = write(tmp_path / "x.csv", [
        *reps(10 * FIVE), *reps(2 * FIVE, subject="baseline", variant="seqlock"),
        *reps(8 * FIVE, subject="baseline"),
        *reps(7 * FIVE, subject="baseline", threads=2)])
    pairs = as_json(capsys, path)["pairs"]
    assert [(p["base_variant"], p["own"]) for p in pairs] == [("queued", True), ("seqlock", False)]
    expected = stats.ratio(10 * FIVE, 8 * FIVE)
    assert pairs[0]["ratio"] == pytest.approx(1.25)
    assert (pairs[0]["low"], pairs[0]["high"]) == pytest.approx((expected.low, expected.high))
    assert pairs[0]["confidence"] == pytest.approx(1 - 8 / 252)
    assert pairs[1]["ratio"] == pytest.approx(5)


@pytest.mark.parametrize("column, value", [
    ("run_id", "other"), ("host", "other"), ("arch", "arm64"), ("op", "range_hit"),
    ("family", "itree"), ("threads", 2), ("pin", "smt"), ("params", "a:1")])
def test_baselines_of_another_set_up_do_not_count(tmp_path, capsys, column, value):
    path = write(tmp_path / "x.csv", [
        *reps(FIVE), *reps(FIVE, **{"subject": "baseline", column: value})])
    assert "no row stands beside a baseline" in refused(capsys, path)


def test_another_subject_has_its_own_lines(tmp_path, capsys):
    path = write(tmp_path / "x.csv", [
        *reps(10 * FIVE), *reps(9 * FIVE, subject="upstream-6.12"),
        *reps(8 * FIVE, subject="baseline")])
    pairs = as_json(capsys, path)["pairs"]
    assert [(p["subject"], round(p["ratio"], 3)) for p in pairs] == [
        ("port", 1.25), ("upstream-6.12", 1.125)]


def test_headline(tmp_path, capsys):
    path = write(tmp_path / "x.csv", run())
    assert command(compare, path) == (0, "")
    text = capsys.readouterr().out
    head = text.split("\n\n")[0].splitlines()
    assert sum(" .. " in line for line in head) == 5
    assert head[0] == "What was found: x86_64 native on box, run run-1"
    for cost, against in (("seq: read_begin, read_retry", "bare lock pair, queued"),
                          ("SRCU: read pair", "two full barriers + two increments"),
                          ("SRCU: pair, no barriers", "liburcu memb"),
                          ("wake: last of 64 runs", "raw FUTEX_WAKE"), ("", "pthread_cond_")):
        assert any(cost in line for line in head) and any(against in line for line in head)
    assert max(len(line) for line in text.splitlines()) <= 100
    assert "\033" not in text
    alone = text.split("without a baseline")[1].split("Left out")[0]
    assert "range_hit queued" in alone and "read_begin_retry" not in alone


def test_headline_ratio_is_that_of_the_pairs(tmp_path, capsys):
    path = write(tmp_path / "x.csv", run())
    pair = next(p for p in as_json(capsys, path)["pairs"]
                if p["op"] == "wake_all_last" and p["params"] == "sleepers:64"
                and p["base_variant"] == "condvar")
    command(compare, path)
    line = next(x for x in capsys.readouterr().out.splitlines() if "pthread_cond_broadcast" in x)
    assert line.split()[0] == f"{pair['ratio']:.3f}"


def test_headline_takes_the_plainest_set_up(tmp_path, capsys):
    rows = []
    for params, scale in (("user_lock:0", 2), ("user_lock:1", 5)):
        for threads in (2, 1):
            rows += reps(scale * threads * FIVE, params=params, threads=threads)
            rows += reps(FIVE, subject="baseline", params=params, threads=threads)
    command(compare, write(tmp_path / "x.csv", rows))
    head = capsys.readouterr().out.split("\n\n")[0].splitlines()
    assert len(head) == 4 and "2.040 ns  2.000" in head[-1]


def test_riscv_is_judged_by_its_ticket_lock(tmp_path, capsys):
    path = write(tmp_path / "x.csv", run(arch="riscv64"))
    command(compare, path)
    assert "bare lock pair, ticket" in capsys.readouterr().out


def test_all_shows_every_pair(tmp_path, capsys):
    path = write(tmp_path / "x.csv", run())
    command(compare, path)
    short = capsys.readouterr().out
    command(compare, path, "--all")
    full = capsys.readouterr().out
    assert "--all shows every one" in short and "--all shows" not in full
    assert len(full.splitlines()) > len(short.splitlines()) + 50


# --- emulated rows


def test_times_of_emulated_rows_are_never_compared(tmp_path, capsys):
    path = write(tmp_path / "x.csv", emulated("arm64"))
    found = as_json(capsys, path)
    assert found["pairs"] == [] and len(found["left_out"]) == len(emulated("arm64"))
    assert command(compare, path) == (0, "")
    text = capsys.readouterr().out
    assert "an emulator's times say nothing" in text
    assert "its times are never compared" in text
    assert "times are never compared" in refused(capsys, path, path)
    assert "times are never compared" in refused(capsys, path, path, "--metric", "real_ns_per_op")


def test_emulated_rows_compare_by_instructions(tmp_path, capsys):
    path = write(tmp_path / "x.csv", run(n=4) + emulated("riscv64", insns=True))
    metrics = {(p["arch"], p["metric"]) for p in as_json(capsys, path)["pairs"]}
    assert metrics == {("x86_64", "real_ns_per_op"), ("riscv64", "insns_per_op")}


@pytest.mark.parametrize("cells", [
    {"execution": "qemu-system"}, {"execution": "kernel-icount"}, {"flags": "emulated"}])
def test_what_counts_as_emulated(tmp_path, capsys, cells):
    path = write(tmp_path / "x.csv", [*reps(FIVE, **cells), *reps(FIVE, subject="baseline",
                                                                  **cells)])
    assert as_json(capsys, path)["pairs"] == []


def test_exact_counts_need_no_test(tmp_path, capsys):
    cells = {"metric": "insns_per_op", "execution": "qemu-user", "flags": "emulated"}
    base, new = two(tmp_path, reps([100], **cells), reps([106], **cells))
    found = as_json(capsys, base, new)
    assert found["pairs"][0]["verdict"] == "worse" and found["exit"] == 1
    assert command(compare, base, base)[0] == 0


# --- two files


def test_same_file_twice(tmp_path, capsys):
    path = write(tmp_path / "x.csv", run())
    found = as_json(capsys, path, path)
    assert found["exit"] == 0
    assert {p["verdict"] for p in found["pairs"]} == {"~"}
    assert all(p["ratio"] == 1 for p in found["pairs"])


def test_statistics_of_two_files(tmp_path, capsys):
    rng = np.random.default_rng(3)
    old, fresh = 10 * rng.lognormal(0, 0.02, 5), 13 * rng.lognormal(0, 0.02, 6)
    base, new = two(tmp_path, reps(old), reps(fresh))
    pair, = as_json(capsys, base, new)["pairs"]
    assert pair["base_median"] == np.median(old) and pair["new_median"] == np.median(fresh)
    assert (pair["base_n"], pair["new_n"]) == (5, 6)
    assert pair["p"] == pytest.approx(stats.p_value(fresh, old)) == pair["p_adjusted"]
    assert pair["verdict"] == "worse"


def test_both_orders(tmp_path, capsys):
    base, new = two(tmp_path, run(n=8), run(n=8, seed=2, slower={"range_hit": 1.5}))
    there, back = as_json(capsys, base, new), as_json(capsys, new, base)
    assert (there["exit"], back["exit"]) == (1, 0)
    turned = {"worse": "better", "better": "worse", "slower": "faster", "faster": "slower",
              "~": "~"}
    key = ["op", "subject", "variant", "threads", "params"]
    other = {tuple(p[c] for c in key): p for p in back["pairs"]}
    assert {p["op"] for p in there["pairs"] if p["verdict"] == "worse"} == {"range_hit"}
    for p in there["pairs"]:
        q = other[tuple(p[c] for c in key)]
        assert q["verdict"] == turned[p["verdict"]]
        assert p["ratio"] * q["ratio"] == pytest.approx(1)


def test_threshold(tmp_path, capsys):
    base, new = two(tmp_path, reps(FIVE), reps(1.2 * FIVE))
    assert as_json(capsys, base, new)["pairs"][0]["verdict"] == "worse"
    found = as_json(capsys, base, new, "--threshold", 25)
    assert found["pairs"][0]["verdict"] == "slower" and found["exit"] == 0
    assert as_json(capsys, new, base, "--threshold", 25)["pairs"][0]["verdict"] == "faster"


def test_more_operations_a_second_are_better(tmp_path, capsys):
    base, new = two(tmp_path, reps(FIVE, metric="ops_per_s"), reps(2 * FIVE, metric="ops_per_s"))
    found = as_json(capsys, base, new, "--metric", "ops_per_s")
    assert found["pairs"][0]["verdict"] == "better" and found["exit"] == 0
    assert as_json(capsys, new, base, "--metric", "ops_per_s")["exit"] == 1


def many(scale, n=5, count=30, noise=0.0, seed=1):
    """`count` benchmarks of a family; the first is `scale` times as slow."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(count):
        values = 10 * (scale if i == 0 else 1) * rng.lognormal(0, 0.01 + noise, n)
        rows += reps(values, params=f"i:{i}")
    return rows


def test_five_repetitions_cannot_decide_a_lone_small_change(tmp_path, capsys):
    base, new = two(tmp_path, many(1), many(1.06, seed=2))
    first = as_json(capsys, base, new)["pairs"][0]
    assert first["p"] == pytest.approx(2 / 252) and first["p_adjusted"] > 0.01
    assert first["verdict"] == "~"
    command(compare, base, new)
    text = " ".join(capsys.readouterr().out.split())
    assert ("with 5 and 5 repetitions the smallest p is 0.0079: among 30 benchmarks "
            "one that moved alone stays undecided; 8 repetitions a side would do") in text


def test_five_repetitions_decide_by_an_interval_beyond_the_threshold(tmp_path, capsys):
    base, new = two(tmp_path, many(1), many(1.3, seed=2))
    found = as_json(capsys, base, new)
    assert [p["verdict"] for p in found["pairs"]].count("worse") == 1 and found["exit"] == 1
    assert found["pairs"][0]["decided_by"] == "interval"
    command(compare, base, new)
    text = capsys.readouterr().out
    assert "worse *" in text and "*: decided by its own interval" in text


def test_enough_repetitions_decide_by_p(tmp_path, capsys):
    base, new = two(tmp_path, many(1, n=9), many(1.1, n=9, seed=2))
    first = as_json(capsys, base, new)["pairs"][0]
    assert (first["verdict"], first["decided_by"]) == ("worse", "p")
    assert first["p_adjusted"] == pytest.approx(30 * first["p"])
    command(compare, base, new)
    assert "stays undecided" not in capsys.readouterr().out


def test_three_repetitions_decide_nothing_and_say_so(tmp_path, capsys):
    base, new = two(tmp_path, reps(FIVE[:3]), reps(9 * FIVE[:3]))
    assert as_json(capsys, base, new)["pairs"][0]["verdict"] == "~"
    command(compare, base, new)
    text = " ".join(capsys.readouterr().out.split())
    assert "smallest p is 0.1: nothing can be decided; 5 a side are the least" in text
    assert "the interval reaches 90 % with 3 and 3" in text


def test_noise_is_not_worse(tmp_path, capsys):
    wrong = 0
    for seed in range(20):
        base, new = two(tmp_path, many(1, noise=0.1, seed=seed),
                        many(1, noise=0.1, seed=seed + 100))
        wrong += as_json(capsys, base, new)["exit"]
    assert wrong <= 2


def test_geometric_mean_of_a_family(tmp_path, capsys):
    base, new = two(tmp_path, reps(FIVE, op="a") + reps(FIVE, op="b"),
                    reps(2 * FIVE, op="a") + reps(8 * FIVE, op="b"))
    command(compare, base, new)
    assert "geometric mean of 2 ratios: 4.000" in capsys.readouterr().out


def test_rows_match_whatever_the_host_and_the_run(tmp_path, capsys):
    base, new = two(tmp_path, reps(FIVE), reps(FIVE, host="other", run_id="r2",
                                               utc="2027-01-01T00:00:00Z"))
    assert len(as_json(capsys, base, new)["pairs"]) == 1


@pytest.mark.parametrize("column, value", [
    ("arch", "arm64"), ("subject", "upstream-6.1"), ("family", "itree"), ("op", "range_hit"),
    ("variant", "tas"), ("threads", 2), ("pin", "smt"), ("params", "a:1")])
def test_rows_match_on_the_whole_key(tmp_path, capsys, column, value):
    base, new = two(tmp_path, reps(FIVE), reps(FIVE, **{column: value}))
    assert "no benchmark in common" in refused(capsys, base, new)


def test_benchmarks_of_one_file_only_are_named(tmp_path, capsys):
    base, new = two(tmp_path, reps(FIVE) + reps(FIVE, op="gone"),
                    reps(FIVE) + [failed("crashed", op="gone")])
    assert command(compare, base, new)[0] == 0
    text = capsys.readouterr().out
    assert "1 benchmarks were measured in BASE only: gone queued" in text
    assert "error: crashed: gone queued" in text


def test_a_baseline_that_moved_is_said(tmp_path, capsys):
    base, new = two(tmp_path, reps(FIVE, subject="baseline"), reps(2 * FIVE, subject="baseline"))
    assert command(compare, base, new)[0] == 1
    assert "1 of those that moved are baselines" in capsys.readouterr().out


# --- what is left out


def test_failed_and_unreliable_rows_are_left_out_and_listed(tmp_path, capsys):
    path = write(tmp_path / "x.csv", [
        *reps(FIVE), *reps(FIVE, subject="baseline"),
        row(rep=5, real_ns_per_op="99999", flags="low-overlap;oversubscribed"),
        row(rep=6, p50_ns="1"), failed("no SMT here", rep=7, pin="smt")])
    found = as_json(capsys, path)
    assert found["pairs"][0]["new_n"] == 5 and found["pairs"][0]["ratio"] == 1
    assert [(r["line"], r["reason"].split(":")[0]) for r in found["left_out"]] == [
        (12, "low overlap"), (13, "real_ns_per_op was not measured"), (14, "error")]
    command(compare, path)
    text = capsys.readouterr().out
    assert "Left out: 3 rows" in text and "error: no SMT here: read_begin_retry queued smt" in text


def test_nothing_left(tmp_path, capsys):
    path = write(tmp_path / "x.csv", [failed("broken", rep=i) for i in range(3)])
    assert "3 rows: error: broken" in refused(capsys, path)
    assert "3 rows: p50_ns was not measured" in refused(
        capsys, write(path, reps(FIVE[:3])), "--metric", "p50_ns")


# --- across a column


def test_by_variant(tmp_path, capsys):
    path = write(tmp_path / "x.csv", [*reps(FIVE), *reps(2 * FIVE, variant="mcs"),
                                      *reps(4 * FIVE, variant="tas")])
    pairs = as_json(capsys, path, "--by", "variant")["pairs"]
    assert [(p["base_variant"], p["variant"], round(p["ratio"], 6)) for p in pairs] == [
        ("queued", "mcs", 2), ("queued", "tas", 4)]
    pairs = as_json(capsys, path, "--by", "variant", "--reference", "tas")["pairs"]
    assert [round(p["ratio"], 6) for p in pairs] == [0.25, 0.5]
    assert command(compare, path, "--by", "variant")[0] == 0


def test_by_subject_and_pin_and_threads(tmp_path, capsys):
    path = write(tmp_path / "x.csv", [
        *reps(FIVE), *reps(2 * FIVE, subject="baseline"), *reps(3 * FIVE, pin="smt"),
        *reps(5 * FIVE, threads=2)])
    for column, ratio in (("subject", 2), ("pin", 3), ("threads", 5)):
        pair, = as_json(capsys, path, "--by", column)["pairs"]
        assert pair["ratio"] == pytest.approx(ratio)


def test_by_arch_takes_times_of_native_runs_only(tmp_path, capsys):
    path = write(tmp_path / "x.csv", [
        *reps(FIVE), *reps(3 * FIVE, arch="arm64", host="board", run_id="r2")])
    pair, = as_json(capsys, path, "--by", "arch")["pairs"]
    assert pair["ratio"] == pytest.approx(3) and pair["metric"] == "real_ns_per_op"
    rows = [dict(r, insns_per_op="50") for r in reps(FIVE)]
    rows += [dict(r, insns_per_op="75") for r in reps(
        9 * FIVE, arch="arm64", execution="qemu-user", flags="emulated")]
    pair, = as_json(capsys, write(path, rows), "--by", "arch")["pairs"]
    assert pair["ratio"] == pytest.approx(1.5) and pair["metric"] == "insns_per_op"


def test_by_errors(tmp_path, capsys):
    path = write(tmp_path / "x.csv", [*reps(FIVE), *reps(FIVE, variant="mcs", op="insert")])
    assert "fewer than two values of pin" in refused(capsys, path, "--by", "pin")
    assert "no two rows differ in variant alone" in refused(capsys, path, "--by", "variant")
    assert "it has queued, mcs" in refused(capsys, path, "--by", "variant", "--reference", "tas")
    assert "one file" in refused(capsys, path, path, "--by", "pin")
    assert "--by" in refused(capsys, path, "--reference", "x")


# --- options, formats, output


@pytest.mark.parametrize("option, value, reason", [
    ("--threshold", "-1", "0 or more"), ("--threshold", "nan", "0 or more"),
    ("--alpha", "0", "between"), ("--alpha", "1.5", "between"),
    ("--families", "seq,nope", "no rows of family 'nope'; it has seq, srcu, itree, wake")])
def test_bad_options(tmp_path, capsys, option, value, reason):
    path = write(tmp_path / "x.csv", run())
    assert reason in refused(capsys, path, option, value)


def test_families(tmp_path, capsys):
    path = write(tmp_path / "x.csv", run())
    pairs = as_json(capsys, path, "--families", "srcu,wake")["pairs"]
    assert {p["family"] for p in pairs} == {"srcu", "wake"}


@pytest.mark.parametrize("which", [0, 1])
def test_unusable_input_is_named(tmp_path, capsys, which):
    paths = list(two(tmp_path, run(), run()))
    paths[which].write_text("rubbish\n")
    assert f"{paths[which]}:1: not a run's CSV" in refused(capsys, *paths)


def test_csv_form(tmp_path, capsys):
    base, new = two(tmp_path, run(), run(seed=2))
    command(compare, base, new, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) > 100 and {"ratio", "low", "high", "p_adjusted", "verdict"} <= set(rows[0])


def test_json_has_null_for_what_does_not_exist(tmp_path, capsys):
    path = write(tmp_path / "x.csv", reps([1.0]) + reps([0.0], subject="baseline"))
    assert as_json(capsys, path)["pairs"][0]["ratio"] is None


def test_markdown_tables(tmp_path, capsys):
    odd = [*reps(FIVE, pin="0|1"), *reps(FIVE, pin="0|1", subject="baseline")]
    path = write(tmp_path / "x.csv", run() + odd)
    command(compare, path, "--format", "markdown")
    lines = capsys.readouterr().out.splitlines()
    for before, line in zip(lines, lines[1:]):
        if before.startswith("|") and line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", before)) == len(re.findall(r"(?<!\\)\|", line))
    assert "## What was found: x86_64 native on box, run run-1" in lines


def test_output_file(tmp_path, capsys):
    path, out = write(tmp_path / "x.csv", run()), tmp_path / "out.txt"
    assert command(compare, path, "-o", out) == (0, "")
    assert capsys.readouterr().out == ""
    assert out.read_text().startswith("What was found")
    assert sorted(os.listdir(tmp_path)) == ["out.txt", "x.csv"]
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(out.stat().st_mode) == 0o666 & ~umask


def test_output_that_cannot_be_written_leaves_the_old_file(tmp_path, capsys, monkeypatch):
    path, out = write(tmp_path / "x.csv", run()), tmp_path / "out.txt"
    out.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert f"{out}: cannot be written: No space left" in refused(capsys, path, "-o", out)
    assert out.read_text() == "old" and sorted(os.listdir(tmp_path)) == ["out.txt", "x.csv"]


def test_output_to_nowhere(tmp_path, capsys):
    path = write(tmp_path / "x.csv", run())
    assert "No such file" in refused(capsys, path, "-o", tmp_path / "no" / "x.txt")
    assert "is a folder" in refused(capsys, path, "-o", tmp_path)


SCRIPT = f"""
import sys
sys.path[:0] = {[os.path.dirname(synthetic.__file__)]!r}
import synthetic
from mnbenchlib import compare
sys.exit(synthetic.command(compare, *sys.argv[1:])[0])
"""


def test_colour_only_on_a_terminal(tmp_path):
    base, new = two(tmp_path, run(n=8), run(n=8, slower={"range_hit": 2}))
    try:
        ours, theirs = pty.openpty()
    except OSError as e:
        pytest.skip(f"no terminal can be made here: {e}")
    environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    child = subprocess.Popen([sys.executable, "-c", SCRIPT, base, new, "--families", "seq"],
                             stdout=theirs, env=environment)
    os.close(theirs)
    shown = b""
    try:
        while data := os.read(ours, 65536):
            shown += data
    except OSError:
        pass  # the terminal's other end is closed
    os.close(ours)
    assert child.wait() == 1
    assert b"\033[31mworse" in shown
    piped = subprocess.run([sys.executable, "-c", SCRIPT, base, new], stdout=subprocess.PIPE)
    assert piped.returncode == 1 and b"\033" not in piped.stdout


def test_a_reader_that_leaves(tmp_path):
    path = write(tmp_path / "x.csv", run())
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-c", SCRIPT, path, "--all"], stdout=writer,
                          stderr=subprocess.PIPE)
    os.close(writer)
    assert done.returncode == 0 and done.stderr == b""


# --- several files


def test_each_new_run_is_set_against_the_first(tmp_path, capsys):
    base = write(tmp_path / "base.csv", many(1, n=10))
    same = write(tmp_path / "same.csv", many(1, n=10, seed=2))
    slow = write(tmp_path / "slow.csv", many(1.2, n=10, seed=3))
    found = as_json(capsys, base, same, slow)
    assert found["exit"] == 1 and len(found["inputs"]) == 3 and len(found["pairs"]) == 60
    worse = [p for p in found["pairs"] if p["verdict"] == "worse"]
    assert [(p["new"], p["params"]) for p in worse] == [(str(slow), "i:0")]
    assert as_json(capsys, base, same, same)["exit"] == 0
    command(compare, base, same, slow)
    text = capsys.readouterr().out
    assert text.count("NEW against BASE") == 2 and f"NEW {slow}" in text


def test_all_ratios_as_one_baselines_apart(tmp_path, capsys):
    rows = [reps(FIVE * scale, family=family, subject=subject)
            for scale in (1, 2) for family in ("seq", "srcu") for subject in ("port", "baseline")]
    rows[6] = reps(8 * FIVE, family="srcu", subject="port")
    base, new = two(tmp_path, sum(rows[:4], []), sum(rows[4:], []))
    command(compare, base, new)
    text = capsys.readouterr().out
    assert "geometric mean of all 2 ratios, port and kernels: 4.000" in text
    assert "geometric mean of all 2 ratios, baselines: 2.000" in text


# --- other machines


def on(tmp_path, name, rows, **facts):
    """A run's folder with a machine file."""
    folder = tmp_path / name
    folder.mkdir()
    write(folder / "mnbench.csv", rows)
    told = {"schema": 1, "run_id": "run-1", "utc": "2026-01-31T12:00:00Z", "host": "box", "arch": "x86_64",
            "execution": "native"}
    for at, value in facts.items():
        section, key = at.split("__")
        told.setdefault(section, {})[key] = value
    (folder / "machine.json").write_text(json.dumps(told), encoding="utf-8")
    return folder


def test_times_of_another_machine_are_refused_unless_told(tmp_path, capsys):
    base = on(tmp_path, "base", reps(FIVE), cpu__model="Eagle", build__compiler="gcc 12")
    new = on(tmp_path, "new", reps(FIVE), cpu__model="Sparrow", build__compiler="gcc 14")
    said = refused(capsys, base, new)
    assert "of another machine" in said and "CPU: Eagle, then Sparrow" in said
    assert "--other-machine" in said and "\n" not in said
    assert len(as_json(capsys, base, new, "--other-machine")["pairs"]) == 1
    command(compare, base, new, "--other-machine")
    text = " ".join(capsys.readouterr().out.split())
    assert "not the same: CPU: Eagle, then Sparrow; compiler: gcc 12, then gcc 14" in text


def test_another_build_is_told(tmp_path, capsys):
    base = on(tmp_path, "base", reps(FIVE), cpu__model="Eagle", build__compiler="gcc 12")
    new = on(tmp_path, "new", reps(FIVE), cpu__model="Eagle", build__compiler="gcc 14")
    assert command(compare, base, new)[0] == 0
    assert "not the same: compiler: gcc 12, then gcc 14" in capsys.readouterr().out


def test_instructions_do_not_ask_for_the_machine(tmp_path, capsys):
    rows = reps(FIVE, metric="insns_per_op")
    base = on(tmp_path, "base", rows, cpu__model="Eagle")
    new = on(tmp_path, "new", rows, cpu__model="Sparrow")
    assert len(as_json(capsys, base, new, "--metric", "insns_per_op")["pairs"]) == 1
