# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench report`: one self-contained HTML file of a run: machine, tables, plots."""

from __future__ import annotations

import argparse
import html
import json
import re
from pathlib import Path

from . import compare, plot, results
from .errors import UserError
from .plots import style
from .tables import Block, Table, emit

STYLE = """
body { font: 15px/1.5 sans-serif; color: #222; max-width: 72em; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse; font-size: 13px; margin: .6em 0 }
th, td { padding: .15em .8em; text-align: left; border-bottom: 1px solid #e4e4e4 }
.r { text-align: right; font-variant-numeric: tabular-nums }
figure { margin: 2em 0 } svg { max-width: 100%; height: auto }
.skipped { color: #666 }
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = ("Writes one HTML file with the machine, the comparison with the "
                          "baselines and the plots of a run; it needs no other file.")
    parser.add_argument("run", metavar="RUN_OR_CSV", help="a run's folder or its CSV")
    parser.add_argument("-o", "--output", metavar="FILE",
                        help="default: report.html in the run's folder, or NAME.html beside a CSV "
                             "of another name; - is standard output")


def main(args: argparse.Namespace) -> int:
    path = results.find_csv(args.run)
    text = render(path)
    default = "report.html" if path.name == results.CSV_NAME else f"{path.stem}.html"
    output = args.output or str(path.parent / default)
    emit(text, None if output == "-" else output)
    if output != "-":
        print(output)
    return 0


def render(path: Path) -> str:
    table = results.read_results(path)
    parser = argparse.ArgumentParser()
    compare.add_arguments(parser)
    try:
        tables = compare.compare(parser.parse_args(["--", str(path)])).blocks
    except UserError as e:
        tables = [Block("Comparison", [str(e)])]
    first = table.iloc[0]
    title = f"mnbench on {first['host']}, {first['utc']}"
    body = [f"<h1>{html.escape(title)}</h1>"]
    body += [part for block in tables for part in _block(block)]
    body += _plots(table)
    body += [part for file in sorted(path.parent.glob("machine*.json")) for part in _machine(file)]
    return ("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
            + "\n".join(body) + "\n</body>\n</html>\n")


def _block(block: Block) -> list[str]:
    out = [f"<h2>{html.escape(block.heading)}</h2>"]
    if block.lines:
        out.append("<ul>" + "".join(f"<li>{html.escape(x)}</li>" for x in block.lines) + "</ul>")
    if block.table and block.table.rows:
        out += _table(block.table)
    return out


def _table(table: Table) -> list[str]:
    def line(cells: list[str], tag: str) -> str:
        return "<tr>" + "".join(
            f"<{tag}{' class=r' if a == '>' else ''}>{html.escape(c.strip())}</{tag}>"
            for c, a in zip(cells, table.align)) + "</tr>"

    out = ["<table>", line(table.header, "th")]
    for row in table.rows:
        if isinstance(row, str):
            out.append(f"<tr><th colspan={len(table.header)}>{html.escape(row)}</th></tr>")
        else:
            out.append(line(row, "td"))
    return out + ["</table>"]


def _plots(table) -> list[str]:
    out = ["<h2>Plots</h2>"]
    for one in plot.plots(table):
        if one.draw is None:
            out.append(f"<p class=skipped>No plot {html.escape(one.name)}: "
                       f"{html.escape(one.skipped)}</p>")
            continue
        svg = style.rendered(one, formats=["svg"])["svg"].decode("utf-8")
        out.append(f"<figure>{svg[svg.index('<svg'):]}</figure>")
    return out


def _machine(path: Path) -> list[str]:
    """Whatever the run noted of the machine, flattened."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise UserError(f"{path}: not readable JSON ({_first_line(e)}); "
                        "run again, or take the file away") from e
    table = Table(["what", "value"], "<<", [list(pair) for pair in _flat(content, "")])
    return [f"<h2>{html.escape(path.stem.capitalize())}</h2>", *_table(table)]


def _first_line(error: Exception) -> str:
    return re.sub(r"\s+", " ", str(error))


def _flat(value, name: str) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [pair for key, inner in value.items()
                for pair in _flat(inner, f"{name}.{key}" if name else str(key))]
    if isinstance(value, list) and any(isinstance(v, (dict, list)) for v in value):
        return [pair for i, inner in enumerate(value) for pair in _flat(inner, f"{name}[{i}]")]
    if isinstance(value, list):
        return [(name, ", ".join(str(v) for v in value))]
    return [(name, "" if value is None else str(value))]
