# SPDX-License-Identifier: GPL-2.0-or-later
"""The reader: what it takes, and the file, line and reason with which it refuses the rest."""

import os

import numpy as np
import pandas as pd
import pytest
import synthetic
from synthetic import COLUMNS, UserError, reps, row, write

from mnbenchlib import results, tables

HEADER = ",".join(COLUMNS) + "\n"


def refused(path):
    with pytest.raises(UserError) as e:
        results.read_results(path)
    message = str(e.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def changed(tmp_path, **cells):
    """A file whose third line has these cells."""
    return write(tmp_path / "x.csv", [row(), row(**{"rep": 1, **cells})])


def raw(tmp_path, data):
    path = tmp_path / "x.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def test_types_and_values(tmp_path):
    path = write(tmp_path / "x.csv", [
        row(real_ns_per_op="6.9", iterations="", overlap="0.99", params="a:1;b:2", p50_ns="0"),
        synthetic.failed("no SMT, \"none\"\nat all", rep=1, pin="smt"),
        row(rep=2, real_ns_per_op="7e-1"),
    ])
    table = results.read_results(path)
    assert list(table.columns) == COLUMNS == results.COLUMNS
    assert list(table.index) == [2, 3, 5]  # the error's line break counts
    assert table["threads"].dtype == "int64" and table["real_ns_per_op"].dtype == "float64"
    assert table["iterations"].isna().iloc[0] and table["iterations"].iloc[2] == 1000
    assert table["real_ns_per_op"].iloc[0] == 6.9 and table["real_ns_per_op"].iloc[2] == 0.7
    assert table["p50_ns"].iloc[0] == 0.0
    assert np.isnan(table["p90_ns"].iloc[0])
    assert table["error"].iloc[1] == 'no SMT, "none"\nat all'


def test_full_precision(tmp_path):
    value = 0.1 + 0.2
    path = write(tmp_path / "x.csv", reps([value, 1 / 3, 1e-7]))
    assert list(results.read_results(path)["real_ns_per_op"]) == [value, 1 / 3, 1e-7]


def test_run_folder(tmp_path):
    write(tmp_path / "mnbench.csv", [row()])
    assert len(results.read_results(tmp_path)) == 1


def test_windows_line_ends(tmp_path):
    path = write(tmp_path / "x.csv", [row()])
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert len(results.read_results(path)) == 1


def test_byte_order_mark(tmp_path):
    path = write(tmp_path / "x.csv", [row()])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(results.read_results(path)) == 1


def test_any_order_of_rows_and_columns(tmp_path):
    path = write(tmp_path / "x.csv", reps([1, 2, 3], p50_ns="4"))
    whole = results.read_results(path)
    lines = path.read_text().splitlines()
    turned = [",".join(reversed(line.split(","))) for line in (lines[0], *reversed(lines[1:]))]
    other = results.read_results(raw(tmp_path, "\n".join(turned) + "\n"))
    pd.testing.assert_frame_equal(other.iloc[::-1].set_axis(whole.index), whole)


def test_unknown_columns_are_kept_and_told_once(tmp_path, capsys):
    path = raw(tmp_path, HEADER.replace(",utc", ",more,utc"))
    cells = list(row().values())
    path.write_text(path.read_text() + ",".join([*cells[:2], '"a, b"', *cells[2:]]) + "\n")
    for _ in range(2):
        table = results.read_results(path)
    assert list(table.columns) == [*COLUMNS, "more"] and list(table["more"]) == ["a, b"]
    assert capsys.readouterr().err == (
        f"mnbench: {path}: unknown columns, kept but not used: 'more'\n")


def test_numbers_that_a_run_does_not_write(tmp_path):
    """Quoted, with leading zeros, or too long for a float: not wrong for it."""
    path = write(tmp_path / "x.csv", [
        row(rep="0007", real_ns_per_op="5.", p50_ns="1e-05", iterations="9" * 17),
        row(rep=1, real_ns_per_op="1." + "0" * 300)])
    text = path.read_text().replace(",1e-05,", ',"1e-05",')
    table = results.read_results(raw(tmp_path, text))
    assert list(table["rep"]) == [7, 1] and list(table["real_ns_per_op"]) == [5, 1]
    assert table["p50_ns"].iloc[0] == 1e-5


def test_helpers(tmp_path):
    path = write(tmp_path / "x.csv", [
        row(flags="oversubscribed;low-overlap"), row(rep=1, execution="qemu-user"),
        row(rep=2, flags="emulated", threads=4, pin="compact", params="intervals:10;hits:x"),
        row(rep=3, execution="kernel-icount")])
    table = results.read_results(path)
    assert list(results.has_flag(table, "low-overlap")) == [True, False, False, False]
    assert list(results.has_flag(table, "overlap")) == [False] * 4
    assert list(results.is_emulated(table)) == [False, True, True, True]
    assert results.param_numbers(table, "intervals").fillna(-1).tolist() == [-1, -1, 10, -1]
    assert results.param_numbers(table, "hits").isna().all()
    names = [results.label(r) for r in table.itertuples()]
    assert names[0] == "read_begin_retry queued"
    assert names[2] == "read_begin_retry queued 4thr compact intervals=10 hits=x"


def test_no_file(tmp_path):
    assert "No such file" in refused(tmp_path / "gone.csv")


def test_folder_without_csv(tmp_path):
    assert "a folder without mnbench.csv" in refused(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable(tmp_path):
    path = write(tmp_path / "x.csv", [row()])
    path.chmod(0)
    assert "Permission denied" in refused(path)


@pytest.mark.parametrize("data, line, reason", [
    (b"", 1, "empty"),
    (HEADER, 1, "no rows"),
    ("hello\nworld\n", 1, "not a run's CSV"),
    ('{"a": 1}\n', 1, "not a run's CSV"),
    (HEADER.replace(",arch", ""), 1, "missing columns: arch"),
    (HEADER.replace("flags", "flag"), 1, "missing columns: flags"),
    (HEADER.replace(",flags", ",flags,flags"), 1, "a column is there twice: flags"),
    (HEADER.replace(",", ";"), 1, "its cells are divided by ';': a spreadsheet wrote it"),
    (HEADER.replace(",", "\t"), 1, "its cells are divided by"),
    (HEADER[:-1], 1, "cut off"),
    (HEADER + "1,a\n", 2, "2 cells instead of 28"),
    (HEADER + "\n", 2, "0 cells instead of 28"),
    (HEADER + '"1,a\n', 2, "cut off"),
    (HEADER + '1,"a"b\n', 2, "wrongly quoted"),
    (HEADER + '1,a"b"\n', 2, "wrongly quoted"),
    (HEADER + '1,"a\nb"c,"\n', 3, "wrongly quoted"),
    (HEADER + "1,a\rb\n", 2, "carriage return"),
    (HEADER.replace("\n", "\r"), 1, "end in a carriage return"),
    (HEADER.encode() + b"1,\xff\xfe\n", 2, "not UTF-8"),
    (HEADER + "1,\0\n", 2, "NUL"),
])
def test_not_a_table(tmp_path, data, line, reason):
    path = raw(tmp_path, data)
    message = refused(path)
    assert message.startswith(f"{path}:{line}: ") and reason in message


def test_last_line_cut_off(tmp_path):
    path = write(tmp_path / "x.csv", [row(), row(rep=1, error="")])
    whole = path.read_bytes()
    for cut in (1, 2, 30):
        path.write_bytes(whole[:-cut])
        assert f"{path}:3: the last line is cut off" in refused(path)


def test_two_files_in_one(tmp_path):
    path = write(tmp_path / "x.csv", [row()])
    path.write_bytes(path.read_bytes() * 2)
    assert f"{path}:3: schema 'schema': the header once more: two files" in refused(path)


@pytest.mark.parametrize("column, cell, reason", [
    ("schema", "2", "schema 1 only"),
    ("schema", "", "may not be empty"),
    ("utc", "yesterday", "a time such as"),
    ("arch", "sparc", "x86_64, arm64 or riscv64"),
    ("arch", "", "may not be empty"),
    ("execution", "dream", "qemu-user"),
    ("family", "a/b", "not a name"),
    ("op", "", "may not be empty"),
    ("host", "a\tb", "printable"),
    ("threads", "0", "at least 1"),
    ("threads", "two", "not a number"),
    ("threads", "1.5", "not a whole number"),
    ("threads", "", "may not be empty"),
    ("threads", "9" * 19, "too large"),
    ("rep", "-1", "negative"),
    ("params", "intervals", "key:value"),
    ("params", "a:1;", "key:value"),
    ("iterations", "1e3", "not a whole number"),
    ("real_ns_per_op", "-1", "negative"),
    ("real_ns_per_op", "nan", "empty cell"),
    ("real_ns_per_op", "inf", "empty cell"),
    ("real_ns_per_op", "-inf", "empty cell"),
    ("real_ns_per_op", "1e999", "too large"),
    ("real_ns_per_op", "1e19", "too large"),
    ("real_ns_per_op", " 1", "not a number"),
    ("real_ns_per_op", "1.2345.6", "not a number"),
    ("real_ns_per_op", "1e5e5", "not a number"),
    ("real_ns_per_op", ".5", "not a number"),
    ("real_ns_per_op", "+5", "not a number"),
    ("real_ns_per_op", "1,5", "a decimal comma: a spreadsheet"),
    ("real_ns_per_op", "1.18E+08", "digits are lost: a spreadsheet"),
    ("real_ns_per_op", "1,18E+08", "digits are lost: a spreadsheet"),
    ("real_ns_per_op", "1.234.567,8", "divides thousands: a spreadsheet"),
    ("real_ns_per_op", "1,234.5", "divides thousands: a spreadsheet"),
    ("real_ns_per_op", "117 881 927", "divides thousands: a spreadsheet"),
    ("real_ns_per_op", "05. Jan", "a date: a spreadsheet"),
    ("real_ns_per_op", "Jan 05", "a date: a spreadsheet"),
    ("real_ns_per_op", "05.01.2026", "a date: a spreadsheet"),
    ("iterations", "1.64E+06", "digits are lost: a spreadsheet"),
    ("utc", "31.01.2026 12:00", "a date: a spreadsheet"),
    ("utc", "1/31/2026 12:00", "a date: a spreadsheet"),
    ("pin", "5-Jul", "a date: a spreadsheet"),
    ("pin", "05.07.2026", "a date: a spreadsheet"),
    ("real_ns_per_op", "0x10", "not a number"),
    ("real_ns_per_op", "1_0", "not a number"),
    ("insns_per_op", "many", "not a number"),
    ("overlap", "1.2", "at most 1"),
    ("fairness", "7", "at most 1"),
    ("flags", "low overlap", "flags"),
])
def test_bad_cell(tmp_path, column, cell, reason):
    path = changed(tmp_path, **{column: cell})
    message = refused(path)
    assert message.startswith(f"{path}:3: {column} ") and reason in message


def test_the_first_bad_line_is_named(tmp_path):
    path = write(tmp_path / "x.csv", [row(), row(rep=1, flags="?"), row(rep=2, schema="9")])
    assert f"{path}:3: flags" in refused(path)


def test_failed_row_with_figures(tmp_path):
    path = changed(tmp_path, error="no", real_ns_per_op="1")
    assert f"{path}:3: real_ns_per_op '1': a row with an error has no figures" in refused(path)


def test_same_repetition_twice(tmp_path):
    path = write(tmp_path / "x.csv", [row(), row(rep=1), row(rep=1, real_ns_per_op="1")])
    assert f"{path}:4: the same run, benchmark and repetition as line 3" in refused(path)
    write(path, [row(), synthetic.failed("first try"), row(rep=1)])
    assert len(results.read_results(path)) == 3


def test_long_cells_are_shortened(tmp_path):
    assert len(refused(changed(tmp_path, threads="x" * 5000))) < 300 + len(str(tmp_path))


# --- what is written


def test_a_device_is_written_to_and_a_link_followed(tmp_path):
    pipe, link, file = tmp_path / "pipe", tmp_path / "link", tmp_path / "file"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    tables.write_whole(pipe, "through")
    assert os.read(reader, 100) == b"through" and pipe.is_fifo()
    os.close(reader)
    file.write_text("old", encoding="utf-8")
    link.symlink_to(file)
    tables.write_whole(link, "new")
    assert link.is_symlink() and file.read_text(encoding="utf-8") == "new"
