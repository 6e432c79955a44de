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
from pictures import figures_of, words
from synthetic import command, emulated, failed, reps, run, write

from mnbenchlib import plot

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
        words_ = texts(folder / f"{name}.svg")
        assert any("box, x86_64, native" in w and "(94%) of 5 repetitions" in w for w in words_)
        picture = image.imread(folder / f"{name}.png")
        assert min(picture.shape[:2]) > 200 and picture.std() > 0.02
    said = texts(folder / "fan-out-wake_all-x86_64.svg")
    assert {"the waker returns", "the last sleeper runs", "condvar", "futex", "256"} <= set(said)


def test_the_same_data_give_the_same_bytes(tmp_path):
    path = write(tmp_path / "x.csv", [
        r for r in run(n=2) if r["family"] == "itree"
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
    assert b"<dc:date>" not in (one / "intervals-itree-x86_64.svg").read_bytes()


def test_emulated_times_are_drawn_alone_and_marked(tmp_path, capsys):
    names, folder, said = drawn(tmp_path, capsys, emulated("arm64"), "--families", "srcu,wake")
    assert names == {f"emulated-{f}-arm64-qemu-user" for f in ("srcu", "wake")}
    assert "skipped times-arm64-qemu-user: emulated" in said
    assert "skipped instructions: no row has a count of instructions" in said
    marked = texts(folder / "emulated-srcu-arm64-qemu-user.svg")
    assert "EMULATED" in marked and "baseline" not in marked


def test_emulated_instruction_counts(tmp_path, capsys):
    names, folder, _ = drawn(tmp_path, capsys, emulated("riscv64", insns=True), "--families",
                             "srcu,itree")
    assert names == {"instructions-srcu", "instructions-itree"}
    said = texts(folder / "instructions-srcu.svg")
    assert "EMULATED" not in said and "instructions per operation" in said


def test_failed_and_unreliable_rows_are_not_drawn(tmp_path):
    found = figures_of(tmp_path, [
        *reps(FIVE), *reps(99 * FIVE, op="torn", flags="low-overlap"), failed("no", op="broken")])
    assert list(found) == ["cost-seq-x86_64"]
    said = words(found["cost-seq-x86_64"])
    assert "read_begin_retry" in said and not {"torn", "broken"} & set(said)


def test_two_runs_of_one_architecture(tmp_path, capsys):
    names, _, _ = drawn(tmp_path, capsys, [*reps(FIVE), *reps(FIVE, run_id="run-2")])
    assert names == {"cost-seq-x86_64", "cost-seq-x86_64-run2", "history-seq-x86_64"}


def test_long_pages_are_broken(tmp_path, capsys):
    rows = [r for op in range(4) for v in range(20)
            for r in reps(FIVE, op=f"op{op}", variant=f"v{v}")]
    names, _, _ = drawn(tmp_path, capsys, rows)
    assert names == {"cost-seq-x86_64", "cost-seq-2-x86_64"}


def test_names_are_not_formulas(tmp_path, capsys):
    names, _, _ = drawn(tmp_path, capsys, reps(FIVE, host="$a^{", params="x:$_$;y:%/<&>"))
    assert names == {"cost-seq-x86_64"}


def test_zero_is_a_measurement_that_a_log_axis_cannot_show(tmp_path):
    figure = figures_of(tmp_path, reps(FIVE) + reps([0, 0, 0], variant="zero"))["cost-seq-x86_64"]
    assert "zero" not in words(figure)


def test_folder_for_a_csv_of_another_name(tmp_path):
    path = write(tmp_path / "mine.csv", reps(FIVE))
    assert command(plot, path)[0] == 0
    assert (tmp_path / "mine-plots" / "cost-seq-x86_64.svg").exists()


def test_kinds_formats_families_and_style(tmp_path, capsys):
    path = write(tmp_path / "mnbench.csv", run(n=3))
    shown = {}
    for style in ("print", "dark"):
        assert command(plot, path, "--kind", "srcu-kinds,cost", "--families", "srcu", "--format",
                       "png", "--style", style, "-o", tmp_path / style) == (0, "")
        shown[style] = image.imread(tmp_path / style / "srcu-kinds-x86_64.png")[..., :3].mean()
        assert sorted(os.listdir(tmp_path / style)) == ["cost-srcu-x86_64.png",
                                                        "srcu-kinds-x86_64.png"]
    assert shown["print"] > 0.85 and shown["dark"] < 0.25


def test_list_names_every_kind(capsys):
    assert command(plot, "--list") == (0, "")
    said = capsys.readouterr().out
    for kind in ("scaling", "fan-out", "srcu-kinds", "latency", "intervals", "heatmap",
                 "placement", "instructions", "history"):
        assert f"\n{kind} " in f"\n{said}"


def test_what_was_asked_for_and_is_not_there_is_told(tmp_path, capsys):
    path = write(tmp_path / "mnbench.csv", reps(FIVE))
    assert command(plot, path, "--kind", "emulated") == (0, "")
    assert "skipped emulated-x86_64: native" in capsys.readouterr().out
    assert command(plot, path, "--kind", "heatmap,latency,placement,history") == (0, "")
    said = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in said] == [
        "skipped heatmap-x86_64", "skipped latency-x86_64", "skipped placement-x86_64",
        "skipped history"]
    assert not (tmp_path / "plots").exists()


def test_a_folder_of_runs(tmp_path, capsys):
    for i in range(3):
        (tmp_path / f"r{i}").mkdir()
        write(tmp_path / f"r{i}" / "mnbench.csv", reps((1 + i) * FIVE, run_id=f"run-{i}"))
    assert command(plot, tmp_path) == (0, "")
    assert sorted(os.listdir(tmp_path / "plots")) == ["history-seq-x86_64.png",
                                                      "history-seq-x86_64.svg"]
    code, error = command(plot, tmp_path, tmp_path / "r1")
    assert code == 2 and "name each run once" in error


@pytest.mark.parametrize("words_, said", [
    (["--kind", "pie"], "--kind pie: no such kind; there are scaling, "),
    (["--kind", ","], "names no kind"),
    (["--format", "gif"], "--format gif: no such format; there are svg, png"),
    (["--format", ""], "names no format"),
    (["--families", "sep"], "--families sep: no such rows here; there are seq"),
])
def test_bad_words(tmp_path, words_, said):
    path = write(tmp_path / "mnbench.csv", reps(FIVE))
    code, error = command(plot, path, *words_)
    assert code == 2 and said in error and "\n" not in error
    assert os.listdir(tmp_path) == ["mnbench.csv"]


def test_errors(tmp_path):
    path = write(tmp_path / "mnbench.csv", [failed("no")])
    code, error = command(plot, path)
    assert code == 2 and "nothing to draw" in error
    code, error = command(plot, tmp_path / "gone.csv")
    assert code == 2 and "No such file" in error
    assert command(plot)[0] == 2
    (tmp_path / "empty").mkdir()
    code, error = command(plot, tmp_path / "empty")
    assert code == 2 and "a folder without mnbench.csv" in error
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
