# SPDX-License-Identifier: GPL-2.0-or-later
"""What `mnbench compare` prints, whatever the names: as wide as it says, and to be parsed."""

import io
import json
import re

import numpy as np
import pandas as pd
import pytest
from synthetic import command, failed, reps, write

from mnbenchlib import compare
from mnbenchlib.tables import Block, Table, as_markdown, as_text, factor

EIGHT = np.linspace(1, 1.07, 8)
VARIANTS = ("queued", "x" * 90, "worse", "a.b-c")
PARAMS = ("", f"intervals:1000000;key_{'k' * 120}:1", "p:worse", "text:a|b c\\")
HERE = {"op": "o" * 40, "pin": 'list:0|2,5-7,"' + "9" * 60, "threads": 128}
LONG = {"host": "h" * 120, "run_id": "r" * 130, "op": "w" * 120, "family": "f" * 110}


def rows(scale=1.0):
    out = [failed("\033[31mE" + "e" * 150 + " and | more\nand a second line", op="b" * 120)]
    for variant in VARIANTS:
        for params in PARAMS:
            for subject, times in (("port", 3), ("baseline", 1), ("kernel-" + "6" * 60, 2)):
                out += reps(EIGHT * scale * times * 1e9, variant=variant, params=params,
                            subject=subject, **HERE)
    for subject, figure in (("port", 1e17), ("baseline", 1e-17)):
        out += reps(EIGHT * scale * figure, subject=subject, op="extremes")
        out += reps(EIGHT * scale**40, subject=subject, **LONG)
    return out


@pytest.fixture(params=["baselines", "files", "variant", "subject"])
def words(request, tmp_path):
    folder = tmp_path / ("d" * 110)
    folder.mkdir()
    base = write(folder / "base.csv", rows())
    if request.param == "baselines":
        return [base]
    if request.param == "files":
        return [base, write(folder / "new.csv", rows(1.3))]
    return [base, "--by", request.param]


def printed(capsys, *arguments) -> str:
    code, error = command(compare, *arguments)
    assert code in (0, 1) and error == ""
    return capsys.readouterr().out


@pytest.mark.parametrize("more", [[], ["--all"]])
def test_text_fits(words, more, capsys):
    text = printed(capsys, *words, *more)
    assert len(text) > 2000 and max(map(len, text.splitlines())) <= 100
    assert not set(text) & {"\033", "\r", "\t"}, "not a terminal, and no name is a colour"


def unescaped(line: str) -> list[str]:
    """The cells of a line of a Markdown table."""
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def markdown_tables(text: str) -> list[list[list[str]]]:
    groups = re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)
    return [[unescaped(line) for line in group.splitlines()] for group in groups]


def test_markdown_parses(words, capsys):
    text = printed(capsys, *words, "--all", "--format", "markdown")
    tables = markdown_tables(text)
    assert tables and "\033" not in text
    for header, rule, *body in tables:
        assert body and all(re.fullmatch("---:?", cell) for cell in rule)
        assert {len(row) for row in body} == {len(header)} == {len(rule)}
    assert any("text=a|b c\\" in cell for table in tables for row in table for cell in row)


def test_csv_and_json_parse_and_agree(words, capsys):
    table = pd.read_csv(io.StringIO(printed(capsys, *words, "--format", "csv")),
                        keep_default_na=False, na_values={"ratio": "", "low": "", "high": ""})
    told = pd.DataFrame(json.loads(printed(capsys, *words, "--format", "json"))["pairs"])
    assert len(table) == len(told) > 10 and list(table) == list(told)
    for column in ("params", "variant"):
        assert list(table[column]) == list(told[column])
    for column in ("ratio", "low", "high"):
        np.testing.assert_allclose(table[column], told[column], rtol=1e-12)
    assert set(PARAMS) <= set(table["params"])


def test_only_verdicts_are_coloured():
    table = Table(["benchmark", ""], "<<", [["is worse", "worse"], ["worse", "~"],
                                            ["x" * 120 + " worse", "better *"]])
    text = as_text([Block("none worse", ["is worse"], table)], colour=True)
    assert re.findall(r"\033\[3\dm(.*?)\033\[0m", text) == ["worse", "better *"]
    assert "\033" not in as_text([Block("none worse", ["is worse"], table)])


def test_a_wide_text_folds_and_is_whole():
    table = Table(["port", "ratio", "against"], "<><", [["queued", "1.000", "y" * 250]])
    lines = as_text([Block("", table=table)]).splitlines()
    assert max(map(len, lines)) <= 100
    assert sum(line.count("y") for line in lines) == 250


def test_no_name_is_a_control_sequence():
    block = Block("a\033[2Jb", ["c\u009b2Jd\re"], Table(["f"], "<", [["g\007"]]))
    for text in (as_text([block]), as_markdown([block])):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)


def test_a_great_factor_is_short():
    assert [factor(value) for value in (999999, 1e6, 1.2344e30, 1e-30)] == [
        "999999", "1.000e+06", "1.234e+30", "1e-30"]
