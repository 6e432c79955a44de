# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench plot`: which plots a run gets, that they are whole, and the same each time."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import synthetic
from matplotlib import image
from synthetic import command, emulated, failed, reps, run, write

from mnbenchlib import figures, plot, results

FIVE = np.array([1.00, 1.01, 1.02, 1.03, 1.04])
NATIVE = {"scaling-seq-read_begin_retry-x86_64", "scaling-srcu-read_pair-x86_64",
          "fan-out-wake_all-x86_64", "intervals-seq-x86_64", "intervals-itree-x86_64",
          "srcu-kinds-x86_64", "cost-seq-x86_64", "cost-srcu-x86_64"}


def texts(path):
    """The words in a plot: matplotlib draws them as paths, and notes them as comments."""
    builder = ElementTree.TreeBuilder(insert_comments=True)
    tree = ElementTree.parse(path, ElementTree.XMLParser(target=builder))
    return [e.text.strip() for e in tree.iter(ElementTree.Comment)]


def drawn(tmp_path, capsys, rows, *arguments):
    """The plots' names, the folder, and what was printed."""
    path = write(tmp_path / "mnbench.csv", rows)
    assert command(plot, path, *arguments) == (0, "")
    folder = tmp_path / "plots"
    svg = {p.stem for p in folder.glob("*.svg")}
    assert svg == {p.stem for p in folder.glob("*.png")}
    assert len(os.listdir(folder)) == 2 * len(svg)
    return svg, folder, capsys.readouterr().out


def test_plots_of_a_run(tmp_path, capsys):
    names, folder, said = drawn(tmp_path, capsys, run())
    assert names == NATIVE
    assert "skipped notifiers-x86_64: no operation was run at two numbers of notifiers" in said
    for name in names:
        assert f"{folder / name}.svg .png" in said
        words = texts(folder / f"{name}.svg")
        assert any("box, x86_64, native" in w and "of 5 repetitions" in w for w in words)
        picture = image.imread(folder / f"{name}.png")
        assert min(picture.shape[:2]) > 200 and picture.std() > 0.02
    words = texts(folder / "fan-out-wake_all-x86_64.svg")
    assert {"waker returns", "last sleeper runs", "condvar", "futex", "256"} <= set(words)


def test_the_same_data_give_the_same_bytes(tmp_path):
    path = write(tmp_path / "x.csv", [
        r for r in run(n=2) if r["family"] in ("wake", "itree")
    ] + [r for r in emulated("arm64") if r["family"] == "srcu"])
    script = ("import sys; sys.path[:0] = [sys.argv[1]]; import synthetic; "
              "from mnbenchlib import plot; "
              "synthetic.command(plot, sys.argv[2], '--out', sys.argv[3])")
    for name, seed in (("a", "1"), ("b", "2")):
        subprocess.run([sys.executable, "-c", script, os.path.dirname(synthetic.__file__), path,
                        tmp_path / name], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "PYTHONHASHSEED": seed, "TZ": f"UTC-{seed}",
                            "DISPLAY": ""})
    one, other = tmp_path / "a", tmp_path / "b"
    assert sorted(os.listdir(one)) == sorted(os.listdir(other)) and os.listdir(one)
    for file in one.iterdir():
        assert file.read_bytes() == (other / file.name).read_bytes(), file.name
    assert b"<dc:date>" not in (one / "fan-out-wake_all-x86_64.svg").read_bytes()


def test_the_users_style_changes_nothing(tmp_path):
    groups = [("op", plot._dot_groups(results.read_results(
        write(tmp_path / "x.csv", reps(FIVE))), "op", plot.METRIC)[0][1])]
    before = figures.dots("a", "b", groups, plot.METRIC)
    with figures.matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red"}):
        assert figures.dots("a", "b", groups, plot.METRIC) == before


def test_values_reach_the_curves(tmp_path):
    path = write(tmp_path / "x.csv", [
        *reps([3.0, 1.0, 2.0]), *reps([8.0, 6.0, 7.0], threads=2, pin="compact"),
        *reps([50.0], subject="baseline")])
    lines = plot._lines(table := results.read_results(path), table["threads"])
    assert [(line.name, line.port) for line in lines] == [("queued", True), ("queued", False)]
    assert lines[0].points.values.tolist() == [[1, 2, 1, 3, 3], [2, 7, 6, 8, 3]]


def test_emulated_times_are_drawn_alone_and_marked(tmp_path, capsys):
    names, folder, said = drawn(tmp_path, capsys, emulated("arm64"))
    assert names == {f"emulated-{f}-arm64-qemu-user" for f in ("seq", "srcu", "itree", "wake")}
    assert "skipped times-arm64-qemu-user: emulated" in said
    assert "skipped instructions-arm64-qemu-user: no instruction counts" in said
    words = texts(folder / "emulated-srcu-arm64-qemu-user.svg")
    assert "EMULATED" in words and "baseline" not in words


def test_emulated_instruction_counts(tmp_path, capsys):
    names, folder, _ = drawn(tmp_path, capsys, emulated("riscv64", insns=True))
    assert "instructions-srcu-riscv64-qemu-user" in names
    assert not any(n.startswith(("emulated", "cost", "scaling")) for n in names)
    words = texts(folder / "instructions-srcu-riscv64-qemu-user.svg")
    assert "EMULATED" not in words and "instructions per operation" in words


def test_failed_and_unreliable_rows_are_not_drawn(tmp_path):
    path = write(tmp_path / "x.csv", [
        *reps(FIVE), *reps(99 * FIVE, op="torn", flags="low-overlap"), failed("no", op="broken")])
    found = {p.name: p for p in plot.plots(results.read_results(path))}
    drawn_ones = [n for n, p in found.items() if p.files]
    assert drawn_ones == ["cost-seq-x86_64"]
    svg = found["cost-seq-x86_64"].files["svg"]
    assert b"read_begin_retry" in svg and b"torn" not in svg and b"broken" not in svg


def test_one_thread_is_part_of_every_policy(tmp_path, monkeypatch):
    path = write(tmp_path / "x.csv", [
        *reps(FIVE), *reps(2 * FIVE, threads=2, pin="compact"),
        *reps(3 * FIVE, threads=2, pin="scatter")])
    seen = []
    monkeypatch.setattr(figures, "curves", lambda *a, **k: seen.append(a) or {})
    list(plot.plots(results.read_results(path)))
    panels = seen[0][2]
    assert [p.title for p in panels] == ["pin compact", "pin scatter"]
    assert [p.lines[0].points["x"].tolist() for p in panels] == [[1, 2], [1, 2]]


def test_oversubscribed_threads_are_shaded(tmp_path, monkeypatch):
    path = write(tmp_path / "x.csv", [
        *reps(FIVE), *reps(FIVE, threads=2), *reps(FIVE, threads=4, flags="oversubscribed")])
    seen = []
    monkeypatch.setattr(figures, "curves", lambda *a, **k: seen.append(a) or {})
    list(plot.plots(results.read_results(path)))
    assert seen[0][-1] == pytest.approx(8 ** 0.5) and "grey: more threads than CPUs" in seen[0][1]


def test_other_params_are_other_curves(tmp_path, monkeypatch):
    rows = [r for hits in (1, 4) for n in (10, 100)
            for r in reps(n * FIVE, params=f"hits:{hits};intervals:{n}")]
    seen = []
    monkeypatch.setattr(figures, "curves", lambda *a, **k: seen.append(a) or {})
    list(plot.plots(results.read_results(write(tmp_path / "x.csv", rows))))
    assert [line.name for line in seen[0][2][0].lines] == ["queued hits=1", "queued hits=4"]


def test_scaling_of_several_params_is_one_plot(tmp_path, monkeypatch):
    rows = [r for n in (0, 8) for t in (1, 2)
            for r in reps(FIVE, threads=t, params=f"notifiers:{n}")]
    seen = []
    monkeypatch.setattr(figures, "curves", lambda *a, **k: seen.append(a) or {})
    names = [p.name for p in plot.plots(results.read_results(write(tmp_path / "x.csv", rows)))]
    assert [n for n in names if n.startswith("scaling")] == [
        "scaling-seq-read_begin_retry-x86_64"]
    assert [line.name for line in seen[0][2][0].lines] == ["queued notifiers=0",
                                                           "queued notifiers=8"]


def test_fan_out_with_nobody_asleep_under_another_policy(tmp_path, monkeypatch):
    rows = []
    for n in (0, 1, 64):
        rows += reps(FIVE, family="wake", op="wake_all_waker", variant="futex", threads=n + 1,
                     pin="none" if n else "compact", params=f"sleepers:{n}")
    seen = []
    monkeypatch.setattr(figures, "curves", lambda *a, **k: seen.append(a) or {})
    names = [p.name for p in plot.plots(results.read_results(write(tmp_path / "x.csv", rows)))]
    assert "fan-out-wake_all-x86_64" in names
    panel, = seen[0][2]
    assert panel.title == "waker returns"
    assert [line.points["x"].tolist() for line in panel.lines] == [[0, 1, 64]]


def test_what_lines_have_in_common_is_in_the_heading(tmp_path):
    rows = [r for variant in ("tas", "mcs") for params in ("a:1;b:2", "a:1;b:3")
            for r in reps(FIVE, variant=variant, params=params, pin="smt")]
    table = results.read_results(write(tmp_path / "x.csv", rows))
    (heading, dots), = plot._dot_groups(table, "op", plot.METRIC)
    assert heading == "read_begin_retry smt a=1"
    assert sorted(dots["name"]) == ["mcs b=2", "mcs b=3", "tas b=2", "tas b=3"]


def test_two_runs_of_one_architecture(tmp_path, capsys):
    names, _, _ = drawn(tmp_path, capsys, [*reps(FIVE), *reps(FIVE, run_id="run-2")])
    assert names == {"cost-seq-x86_64", "cost-seq-x86_64-run2"}


def test_long_pages_are_broken(tmp_path, capsys):
    rows = [r for op in range(4) for v in range(20)
            for r in reps(FIVE, op=f"op{op}", variant=f"v{v}")]
    names, _, _ = drawn(tmp_path, capsys, rows)
    assert names == {"cost-seq-x86_64", "cost-seq-2-x86_64"}


def test_names_are_not_formulas(tmp_path, capsys):
    names, _, _ = drawn(tmp_path, capsys, reps(FIVE, host="$a^{", params="x:$_$;y:%/<&>"))
    assert names == {"cost-seq-x86_64"}


def test_zero_is_a_measurement_that_a_log_axis_cannot_show(tmp_path, capsys):
    _, folder, _ = drawn(tmp_path, capsys, reps(FIVE) + reps([0, 0, 0], variant="zero"))
    assert "zero" not in texts(folder / "cost-seq-x86_64.svg")


def test_folder_for_a_csv_of_another_name(tmp_path):
    path = write(tmp_path / "mine.csv", reps(FIVE))
    assert command(plot, path)[0] == 0
    assert (tmp_path / "mine-plots" / "cost-seq-x86_64.svg").exists()


def test_errors(tmp_path, capsys):
    path = write(tmp_path / "mnbench.csv", [failed("no")])
    code, error = command(plot, path)
    assert code == 2 and "nothing to draw" in error
    code, error = command(plot, tmp_path / "gone.csv")
    assert code == 2 and "No such file" in error
    write(path, reps(FIVE))
    (tmp_path / "file").write_text("keep")
    code, error = command(plot, path, "--out", tmp_path / "file")
    assert code == 2 and "cannot be made" in error
    assert (tmp_path / "file").read_text() == "keep"


def test_no_space_left_keeps_the_old_plot(tmp_path, monkeypatch):
    path = write(tmp_path / "mnbench.csv", reps(FIVE))
    assert command(plot, path)[0] == 0
    old = (tmp_path / "plots/cost-seq-x86_64.svg").read_bytes()
    write(path, reps(2 * FIVE))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    code, error = command(plot, path)
    assert code == 2 and "No space left" in error
    assert (tmp_path / "plots/cost-seq-x86_64.svg").read_bytes() == old
    assert len(os.listdir(tmp_path / "plots")) == 2


@pytest.mark.parametrize("name", ["port", "baseline"])
def test_every_dot_has_its_bar(tmp_path, monkeypatch, name):
    path = write(tmp_path / "x.csv", reps([1.0, 4.0, 2.0], subject=name))
    seen = []
    monkeypatch.setattr(figures, "dots", lambda *a, **k: seen.append(a) or {})
    list(plot.plots(results.read_results(path)))
    line = seen[0][2][0][1].iloc[0]
    assert (line["min"], line["median"], line["max"], line["size"]) == (1, 2, 4, 3)
