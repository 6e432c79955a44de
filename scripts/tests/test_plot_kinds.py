# SPDX-License-Identifier: GPL-2.0-or-later
"""What is in each kind of picture."""

import json

import numpy as np
import pytest
from pictures import (LAW, curves, dashed, figure_of, figures_of, plots_of, pair, team, topology,
                      words)
from synthetic import reps, row, write

from mnbenchlib import results
from mnbenchlib.plots import kinds, source

FIVE = np.array([1.00, 1.01, 1.02, 1.03, 1.04])


def only(figures):
    (figure,) = figures.values()
    return figure


def bands(ax):
    """The areas that are bands of curves, as least and greatest of each."""
    found = []
    for band in ax.collections:
        for path in band.get_paths():
            if len(path.vertices):
                found.append((path.vertices[:, 1].min(), path.vertices[:, 1].max()))
    return found


# --- scaling


def test_values_and_intervals_reach_the_curves(tmp_path):
    figure = only(figures_of(tmp_path, [
        *reps([3.0, 1.0, 2.0]), *reps([8.0, 6.0, 7.0], threads=2, pin="compact"),
        *reps([4.0, 5.0, 6.0], threads=2, pin="compact", subject="baseline")], "scaling"))
    time, rates = figure.axes
    assert curves(time) == {"queued -": [2, 7], "queued -.": [5]}
    assert bands(time)[0] == (1, 8)
    assert curves(rates)["queued -"] == pytest.approx([0.5e9, 2 / 7 * 1e9])
    assert (time.get_ylabel(), rates.get_ylabel()) == (
        "time per operation", "operations per second, all threads")


def test_the_law_is_fitted_named_and_extrapolated(tmp_path):
    figure = only(figures_of(tmp_path, team() + team(subject="baseline", seed=5), "scaling"))
    time, rates = figure.axes
    assert not dashed(time) and len(dashed(rates)) == 2
    x, y = dashed(rates)[0].get_data()
    assert x[-1] == pytest.approx(128)
    true = LAW["rate"] * 128 / (1 + LAW["contention"] * 127 + LAW["crosstalk"] * 128 * 127)
    assert y[-1] == pytest.approx(true, rel=0.1)
    assert len(bands(rates)) == 4  # of two curves, and of what their laws make of them
    said = "\n".join(words(figure))
    assert "fitted law, extrapolated" in said and "universal scalability law" in said
    table = [line.split() for line in said.splitlines() if line.startswith("  queued")]
    assert float(table[0][1]) == pytest.approx(100, rel=0.03)
    assert float(table[0][5]) == pytest.approx(0.05, rel=0.3)
    assert "(own limit)" in " ".join(table[1])


def test_no_law_of_too_few_numbers_of_threads(tmp_path):
    rows = team((1, 2, 4, 8)) + [dict(r, flags="oversubscribed") for r in team((16, 32))]
    figure = only(figures_of(tmp_path, rows, "scaling"))
    assert not dashed(figure.axes[1])
    said = "\n".join(words(figure))
    assert "no law fitted: fewer than 5 numbers of threads that have a CPU each" in said
    assert "grey: more threads than CPUs" in said


def test_a_curve_of_another_shape_has_no_law_drawn(tmp_path):
    rows = [r for t, ns in zip((1, 2, 4, 8, 16, 32), (7, 100, 210, 400, 260, 1600))
            for r in reps(ns * FIVE, threads=t, pin="compact")]
    figure = only(figures_of(tmp_path, rows, "scaling"))
    assert not dashed(figure.axes[1]) and "not of this shape" in "\n".join(words(figure))


def test_one_thread_is_part_of_every_policy(tmp_path):
    figure = only(figures_of(tmp_path, [
        *reps(FIVE), *reps(2 * FIVE, threads=2, pin="compact"),
        *reps(3 * FIVE, threads=2, pin="scatter")], "scaling"))
    assert [ax.get_title("left") for ax in figure.axes[::2]] == ["pin compact", "pin scatter"]
    assert [curves(ax)["queued -"] for ax in figure.axes[::2]] == [[1.02, 2.04], [1.02, 3.06]]


def test_many_curves_of_several_policies_are_several_pictures(tmp_path):
    rows = [r for v in range(9) for pin in ("compact", "scatter") for t in (1, 2)
            for r in reps(FIVE, variant=f"v{v}", threads=t, pin=pin)]
    assert list(figures_of(tmp_path, rows, "scaling")) == [
        f"scaling-seq-read_begin_retry-pin-{pin}-x86_64" for pin in ("compact", "scatter")]


def test_scaling_of_several_params_is_one_picture(tmp_path):
    rows = [r for n in (0, 8) for t in (1, 2)
            for r in reps(FIVE, threads=t, params=f"notifiers:{n}")]
    figure = only(figures_of(tmp_path, rows, "scaling"))
    assert list(curves(figure.axes[0])) == ["queued notifiers=0 -", "queued notifiers=8 -"]


def test_port_and_other_baselines_stand_apart_where_they_are_many(tmp_path):
    rows = [r for v in "abcdef" for t in (1, 2) for r in reps(FIVE, variant=v, threads=t)]
    rows += [r for v in "abxyz" for t in (1, 2)
             for r in reps(FIVE, variant=v, threads=t, subject="baseline")]
    figure = only(figures_of(tmp_path, rows, "scaling"))
    assert list(curves(figure.axes[0])) == [*(f"{v} -" for v in "abcdef"), "a -.", "b -."]
    assert list(curves(figure.axes[2])) == ["x :", "y :", "z :"]


# --- what there are many of


def test_other_params_are_other_curves(tmp_path):
    rows = [r for hits in (1, 4) for n in (10, 100)
            for r in reps(n * FIVE, params=f"hits:{hits};intervals:{n}")]
    figure = only(figures_of(tmp_path, rows, "intervals"))
    assert curves(figure.axes[0]) == {"queued hits=1 -": pytest.approx([10.2, 102]),
                                      "queued hits=4 -": pytest.approx([10.2, 102])}
    assert figure.axes[0].get_yscale() == figure.axes[0].get_xscale() == "log"


def test_a_short_log_axis_has_more_than_one_tick(tmp_path):
    rows = [r for n in (10, 100) for r in reps(3 * n * FIVE, params=f"intervals:{n}")]
    ax = only(figures_of(tmp_path, rows, "intervals")).axes[0]
    low, high = ax.get_ylim()
    shown = [t.get_text() for t in ax.get_yticklabels() if low <= t.get_position()[1] <= high]
    assert shown == ["50 ns", "100 ns", "200 ns"]


def test_how_sure_an_interval_is_with_few_and_many_repetitions(tmp_path):
    rows = reps(np.linspace(1, 2, 10)) + reps([1.0], variant="tas")
    figure = only(figures_of(tmp_path, rows, "cost"))
    assert any("(98%) of 1 to 10 repetitions, none where there is one" in w for w in words(figure))
    figure = only(figures_of(tmp_path, rows + reps(FIVE, variant="mcs"), "cost"))
    assert any("(at least 94%) of 1 to 10 repetitions" in w for w in words(figure))
    figure = only(figures_of(tmp_path, reps([1.0]), "cost"))
    assert any("one repetition each: no interval" in w for w in words(figure))


def test_near_costs_are_seen_from_zero(tmp_path):
    rows = [r for n in (10, 100) for r in reps(5 * FIVE, params=f"intervals:{n}")]
    ax = only(figures_of(tmp_path, rows, "intervals")).axes[0]
    assert ax.get_yscale() == "linear" and ax.get_ylim()[0] == 0 and ax.get_ylim()[1] > 5.4


def test_fan_out_has_its_four_parts_with_the_limit(tmp_path):
    rows = [r for subject in ("port", "baseline") for n in (1, 64) for i, part in enumerate(
                ("waker", "first", "median", "last"))
            for r in reps((i + 1) * n * FIVE, family="wake", op=f"wake_all_{part}",
                          variant="futex", threads=n + 1, params=f"sleepers:{n}",
                          subject=subject)]
    figure = only(figures_of(tmp_path, rows, "fan-out"))
    assert [ax.get_title("left") for ax in figure.axes] == [
        "the waker returns", "the first sleeper runs", "the median sleeper runs",
        "the last sleeper runs"]
    for i, ax in enumerate(figure.axes):
        expected = [(i + 1) * 1.02, (i + 1) * 64 * 1.02]
        assert curves(ax) == {"futex -": pytest.approx(expected),
                              "futex -.": pytest.approx(expected)}
        assert len(bands(ax)) == 2


def test_fan_out_with_nobody_asleep_under_another_policy(tmp_path):
    rows = []
    for n in (0, 1, 64):
        rows += reps(FIVE, family="wake", op="wake_all_waker", variant="futex", threads=n + 1,
                     pin="none" if n else "compact", params=f"sleepers:{n}")
    ax = only(figures_of(tmp_path, rows, "fan-out")).axes[0]
    assert [list(line.get_xdata()) for line in ax.lines] == [[0, 1, 64]]


# --- dots


def marks(ax):
    """Each dot's height and figure, and the ends of its bar."""
    lines = [line for line in ax.lines if line.get_transform() == ax.transData]
    return [(bar.get_ydata()[0], dot.get_xdata()[0], *bar.get_xdata())
            for bar, dot in zip(lines[::2], lines[1::2])]


@pytest.mark.parametrize("name", ["port", "baseline"])
def test_every_dot_has_its_bar(tmp_path, name):
    figure = only(figures_of(tmp_path, reps([1.0, 4.0, 2.0], subject=name), "cost"))
    assert marks(figure.axes[0]) == [(1, 2, 1, 4)]
    assert "(75%) of 3 repetitions" in "\n".join(words(figure))


def test_the_limit_lies_on_the_row_that_it_limits(tmp_path):
    figure = only(figures_of(tmp_path, reps(3 * FIVE) + reps(2 * FIVE, subject="baseline")
                             + reps(FIVE, subject="baseline", variant="load"), "cost"))
    assert sorted(mark[0] for mark in marks(figure.axes[0])) == [1, 2, 2]
    said = words(figure)
    assert "3.060 ns  (2.040 ns)" in said and {"under test", "own limit", "baseline"} <= set(said)


def test_what_rows_have_in_common_is_in_the_heading(tmp_path):
    rows = [r for variant in ("tas", "mcs") for params in ("a:1;b:2", "a:1;b:3")
            for r in reps(FIVE, variant=variant, params=params, pin="smt")]
    labels = [t.get_text() for t in only(figures_of(tmp_path, rows, "cost")).axes[0]
              .get_yticklabels()]
    assert labels[0] == "read_begin_retry smt a=1"
    assert sorted(labels[1:]) == ["mcs b=2", "mcs b=3", "tas b=2", "tas b=3"]


def srcu(arch, factor=1.0, **cells):
    return [r for t in (1, 8) for subject, variant, ns in (
                ("port", "full", 4), ("port", "fast", 1), ("baseline", "two_barriers", 3.8))
            for r in reps(factor * ns * FIVE, family="srcu", op="read_pair", variant=variant,
                          subject=subject, threads=t, arch=arch, **cells)]


def test_srcu_by_kind_and_architecture(tmp_path):
    rows = srcu("x86_64") + srcu("arm64", 2, host="board") + srcu("riscv64", execution="qemu-user")
    figure = figures_of(tmp_path, rows, "srcu-kinds")["srcu-kinds-arm64-x86_64"]
    assert [ax.get_title("left").splitlines()[0] for ax in figure.axes] == [
        "arm64, board", "x86_64, box"]
    labels = [t.get_text() for t in figure.axes[0].get_yticklabels()]
    assert labels == ["one thread", "fast", "two_barriers", "full",
                      "the most threads", "fast", "two_barriers", "full"]
    arm, x86 = (marks(ax) for ax in figure.axes)
    assert [a[1] for a in arm] == pytest.approx([2 * x[1] for x in x86]) and len(arm) == 6


def test_instructions_by_architecture_and_subject(tmp_path):
    rows = [r for arch, n in (("x86_64", 20), ("arm64", 30)) for subject in ("port", "baseline")
            for r in reps([n - 5 * (subject == "baseline")], metric="insns_per_op", arch=arch,
                          execution="qemu-user", subject=subject, flags="emulated")]
    figure = only(figures_of(tmp_path, rows, "instructions"))
    assert sorted(mark[1] for mark in marks(figure.axes[0])) == [15, 20, 25, 30]
    assert {mark[0] for mark in marks(figure.axes[0])} == {0.75, 1.25}
    said = words(figure)
    assert {"x86_64", "arm64", "under test", "own limit"} <= set(said)
    assert any("exact: the same in every run" in word for word in said)


def test_recorded_counts_are_read(tmp_path):
    header = "subject,family,op,variant,threads,pin,params,insns,loads,stores,atomics,fences\n"
    for arch, insns in (("x86_64", "20.5"), ("riscv64", "31")):
        (tmp_path / f"{arch}.csv").write_text(
            header + f"port,seq,read_begin_retry,queued,1,compact,,{insns},1,1,0,0\n")
    runs = [run for table in source.tables([str(tmp_path)]) for run in source.runs_of(table)]
    plot, = kinds.pictures(runs, ["instructions"])
    assert [mark[1] for mark in marks(figure_of(plot).axes[0])] == [20.5, 31]


COUNTS = b"subject,family,op,variant,threads,pin,params,insns,loads,stores,atomics,fences\n"


@pytest.mark.parametrize("name, text", [
    ("x86_64.csv", b"subject,family,op,what\nport,seq,op,1\n"), ("vax.csv", COUNTS),
    ("arm64.csv", COUNTS + b"port,seq,op,queued,1,compact,,many,1,1,0,0\n"),
    ("arm64.csv", COUNTS + b"port,seq,op,queued,one,compact,,5,1,1,0,0\n"),
    ("arm64.csv", COUNTS + b"port,seq,\xff,queued,1,compact,,5,1,1,0,0\n"),
    ("arm64.csv", COUNTS + b'port,"seq\n'),
    ("arm64.csv", COUNTS + b"port,seq,op,queued,1,compact,,-5,1,1,0,0\n"),
    ("arm64.csv", COUNTS + b"port,seq,op,queued,1,compact,,nan,1,1,0,0\n"),
    ("arm64.csv", COUNTS + b"port,seq,op,queued,1,compact,,5,1,1,0,0,7,8,9\n"),
])
def test_bad_recorded_counts(tmp_path, name, text):
    (tmp_path / name).write_bytes(text)
    with pytest.raises(source.UserError, match=str(tmp_path / name)):
        source.tables([str(tmp_path / name)])


# --- latencies


def timed(n=6, factor=1.0, **cells):
    at = {"p50_ns": 10, "p90_ns": 20, "p99_ns": 80, "p999_ns": 900, "max_ns": 40000}
    return [row(rep=i, real_ns_per_op="12", **{k: repr(factor * v * (1 + i / 100))
                                               for k, v in at.items()}, **cells)
            for i in range(n)]


def test_latencies_from_the_median_to_the_slowest(tmp_path):
    rows = timed(threads=2) + timed(threads=8, factor=2) + timed(
        threads=8, subject="baseline") + timed(threads=64, flags="oversubscribed")
    figure = only(figures_of(tmp_path, rows, "latency"))
    assert [ax.get_title("left") for ax in figure.axes] == ["2 threads", "8 threads"]
    two, eight = figure.axes
    assert curves(two)["queued -"] == pytest.approx([10.25, 20.5, 82, 922.5, 41000])
    assert set(curves(eight)) == {"queued -", "queued -."}
    assert two.get_yscale() == two.get_xscale() == "log" and len(bands(eight)) == 2
    assert [t.get_text() for t in two.get_xticklabels()] == ["p50", "p90", "p99", "p99.9", "max"]


def test_percentiles_that_were_not_measured_are_no_points(tmp_path):
    rows = timed(threads=2)
    for r in rows[:4]:
        r["p999_ns"] = ""
    for r in rows[:2]:
        r["max_ns"] = ""
    ax = only(figures_of(tmp_path, rows, "latency")).axes[0]
    assert [list(line.get_xdata()) for line in ax.lines] == [[2, 10, 100, 10000]]


def test_latencies_below_the_clocks_step_are_no_log_axis(tmp_path):
    figure = only(figures_of(tmp_path, timed(threads=2, factor=0), "latency"))
    assert curves(figure.axes[0])["queued -"] == [0, 0, 0, 0, 0]


# --- line transfers


def transfers(pus):
    return [r for a in range(pus) for b in range(a + 1, pus)
            for r in pair(a, b, (20 + 100 * (a % 2 != b % 2)) * FIVE)]


def test_heat_map_in_the_order_of_hwlocs_tree(tmp_path):
    topology(tmp_path / "topology.xml", [("Package", 2), ("L3Cache", 1), ("Core", 1), ("PU", 2)])
    figure = only(figures_of(tmp_path, transfers(4), "heatmap"))
    # Siblings are 0 and 2, 1 and 3: side by side, and the near ones.
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == ["0", "2", "1", "3"]
    grid = np.array(figure.axes[0].images[0].get_array())
    assert grid[0, 1] == grid[1, 0] == pytest.approx(20.4)
    assert grid[0, 2] == grid[3, 1] == pytest.approx(122.4)
    levels = [t.get_text().splitlines() for t in figure.axes[1].get_yticklabels()]
    assert levels == [["one core", "2 pairs"], ["one machine", "4 pairs"]]
    assert any("the interval is ±2.0%" in word for word in words(figure))


def test_heat_map_without_a_topology_says_so(tmp_path):
    figure = only(figures_of(tmp_path, transfers(4), "heatmap"))
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == ["0", "1", "2", "3"]
    assert any("no topology.xml beside the CSV" in word for word in words(figure))


def test_heat_map_of_another_machine_says_so(tmp_path):
    topology(tmp_path / "topology.xml", [("Package", 1), ("Core", 2), ("PU", 1)])
    figure = only(figures_of(tmp_path, transfers(4), "heatmap"))
    assert any("not of topology.xml" in word for word in words(figure))


def test_transfers_from_one_pu_are_a_strip(tmp_path):
    topology(tmp_path / "topology.xml", [("Package", 2), ("L3Cache", 1), ("Core", 2), ("PU", 1)])
    rows = [r for b in (1, 2, 3) for r in pair(0, b, (10 + b) * FIVE)]
    figure = only(figures_of(tmp_path, rows, "heatmap"))
    grid = np.array(figure.axes[0].images[0].get_array())
    assert grid.shape == (1, 4) and grid[0, 1:] == pytest.approx([11.22, 12.24, 13.26])
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["0"]


def test_both_directions_of_a_pair_where_they_were_measured(tmp_path):
    rows = [*pair(0, 1, 10 * FIVE), *pair(1, 0, 20 * FIVE), *pair(1, 2, 30 * FIVE)]
    figure = only(figures_of(tmp_path, rows, "heatmap"))
    grid = np.array(figure.axes[0].images[0].get_array())
    assert [grid[0, 1], grid[1, 0], grid[1, 2], grid[2, 1]] == pytest.approx(
        [10.2, 20.4, 30.6, 30.6])


def test_one_pair_is_no_map(tmp_path):
    plots = plots_of(write(tmp_path / "x.csv", pair(0, 1, FIVE)), "heatmap")
    assert [p.skipped for p in plots.values()] == ["one pair of PUs makes no map"]


# --- history


def runs_over_time(tmp_path, values, **cells):
    runs = []
    for i, value in enumerate(values):
        folder = tmp_path / f"r{i}"
        folder.mkdir(parents=True)
        (folder / "machine.json").write_text(json.dumps({"build": {"git_revision": f"rev{i}"}}))
        path = write(folder / "mnbench.csv", [
            *reps(value * FIVE, run_id=f"run-{i}", utc=f"2026-02-{20 - i:02}T12:00:00Z", **cells),
            *reps(FIVE, run_id=f"run-{i}", utc=f"2026-02-{20 - i:02}T12:00:00Z",
                  subject="baseline", **cells)])
        runs += source.runs_of(results.read_results(path))
    return runs


def test_history_in_the_order_of_time(tmp_path):
    plot, = kinds.pictures(runs_over_time(tmp_path, [3, 2, 1]), ["history"])
    figure = figure_of(plot)
    assert plot.name == "history-seq-x86_64"
    assert curves(figure.axes[0]) == {"queued -": pytest.approx([1.02, 2.04, 3.06]),
                                      "queued -.": pytest.approx([1.02, 1.02, 1.02])}
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == [
        "2026-02-18\nrev2", "2026-02-19\nrev1", "2026-02-20\nrev0"]
    assert len(bands(figure.axes[0])) == 2


def test_machines_have_histories_of_their_own(tmp_path):
    runs = runs_over_time(tmp_path / "a", [1, 2]) + runs_over_time(tmp_path / "b", [1],
                                                                   host="other")
    (tmp_path / "a" / "r0" / "machine.json").write_text("{")
    plot, = kinds.pictures(runs, ["history"])
    assert "over 2 runs" in plot.title and "2026-02-20" in words(figure_of(plot))


def test_of_emulated_runs_only_counts_have_a_history(tmp_path):
    cells = {"execution": "qemu-user", "arch": "arm64", "flags": "emulated"}
    plot, = kinds.pictures(runs_over_time(tmp_path / "a", [1, 2], **cells), ["history"])
    assert plot.draw is None and "not counted" in plot.skipped
    plot, = kinds.pictures(runs_over_time(tmp_path / "b", [1, 2], metric="insns_per_op", **cells),
                           ["history"])
    assert figure_of(plot).axes[0].get_ylabel() == "instructions per operation"
