# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench report`: runs as one page that needs no other file, to look into."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from .. import results
from ..errors import UserError
from ..tables import emit
from . import charts, diff, headline, library, machine, page, payload, rows, sections

_MOST_BYTES = 5_000_000


EXAMPLES = """\
scripts/mnbench report results/vm-xeon-2cpu
scripts/mnbench report results/vm-xeon-2cpu --families srcu -o srcu.html
scripts/mnbench report old new -o changes.html        # what is slower in new, and what is not
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench report`."""
    parser.description = ("Writes one HTML file that needs no other and no network: what the runs "
                          "found, charts, every benchmark, the machine. Of two runs it also shows "
                          "what `mnbench compare BASE NEW` says.")
    parser.add_argument("runs", metavar="RUN_OR_CSV", nargs="+",
                        help="a run's folder or its CSV; two are taken for BASE and NEW")
    parser.add_argument("--families", metavar="A,B", help="only these families")
    parser.add_argument("-o", "--output", metavar="FILE",
                        help="default: report.html in the run's folder, or NAME.html beside a CSV "
                             "of another name; of several runs report-N-runs.html beside the last; "
                             "- is standard output")


def main(args: argparse.Namespace) -> int:
    """`mnbench report`."""
    csvs = [results.find_csv(run) for run in args.runs]
    text = render(csvs, args.families)
    size = len(text.encode("utf-8"))
    if size > _MOST_BYTES:
        raise UserError(f"the report would have {size / 1e6:.1f} MB, more than a browser likes to "
                        "open; name fewer runs, or some of their families with --families")
    output = args.output or str(_default(csvs))
    emit(text, None if output == "-" else output)
    if output != "-":
        print(output)
    return 0


def _default(csvs: list[Path]) -> Path:
    last = csvs[-1]
    if len(csvs) > 1:
        return last.with_name(f"report-{len(csvs)}-runs.html")
    return last.with_name("report.html" if last.name == results.CSV_NAME else f"{last.stem}.html")


@dataclass
class Input:
    """One run: its rows, what it tells of its machine, and its pairs with the baselines."""

    path: Path
    table: pd.DataFrame
    told: dict
    pairs: pd.DataFrame


def _read(path: Path, families: str | None) -> Input:
    table = results.read_results(path)
    words = ["--", str(path)]
    if families is not None:
        words = ["--families", families, *words]
        unknown = [f for f in families.split(",") if f not in set(table["family"])]
        if unknown:
            raise UserError(f"{path}: no rows of family {unknown[0]!r}; it has "
                            + ", ".join(table["family"].unique()))
        table = table[table["family"].isin(families.split(","))]
    try:
        pairs = diff.compared(*words).pairs
    except UserError:
        pairs = pd.DataFrame()  # nothing stands beside a baseline
    return Input(path, table, machine.read(path), pairs)


def render(csvs: list[Path], families: str | None = None) -> str:
    """The whole file."""
    inputs = [_read(csv, families) for csv in csvs]
    found = rows.summed_up([one.table for one in inputs], [one.pairs for one in inputs])
    told = [sections.run(one.path, one.told, one.table,
                         found.table[found.table["input"] == i]) for i, one in enumerate(inputs)]
    two = diff.of_two(csvs[0], csvs[1]) if len(csvs) == 2 else None
    data = {"places": found.places, "rows": payload.columns(found.table),
            "cards": _cards(found, inputs), "charts": _charts(found),
            "instructions": {family: charts.instructions(found, family)
                             for family in found.table["family"].unique()},
            "diff": two, "runs": [run["name"] for run in told]}
    last = inputs[-1]
    title = f"mnbench on {last.table['host'].iloc[0]}, {last.table['utc'].iloc[0][:10]}"
    return page.rendered(title, sections.parts(told, two), data, library.load())


def _cards(found: rows.Rows, inputs: list[Input]) -> list[dict]:
    """The answers by place; those of the last run first, since it is what was asked about."""
    out = []
    order = sorted(range(len(found.places)), key=lambda i: (-found.places[i]["input"], i))
    for place in order:
        one = inputs[found.places[place]["input"]]
        answered = headline.cards(found, place, one.pairs)
        out.append({"place": place, "cards": answered,
                    "emulated": headline.emulated(found, place, one.table)})
    return out


def _charts(found: rows.Rows) -> list[dict]:
    return [chart for family in found.table["family"].unique()
            for place in range(len(found.places))
            for chart in charts.of_family(found, place, family)]
