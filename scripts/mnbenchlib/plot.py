# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench plot`: pictures of runs, as SVG and PNG."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from . import results
from .errors import UserError
from .helptext import offer
from .plots import kinds, source
from .plots.style import FORMATS, LOOKS, Plot, rendered
from .tables import write_whole

DESCRIPTION = """\
Draws runs, with the doubt of every median: the interval between two order statistics of its
repetitions, as a band or a bar. What is under test has its own limit (the baseline of the same
variant) and the other baselines beside it. Of emulated rows only instruction counts are compared;
without them the port's times are drawn alone, marked EMULATED.

A RUN is a run's folder or its CSV; a folder of runs is all of them; results/counts has the
recorded counts of instructions. Of one run every kind is drawn that it has the rows for; of
several, those that put runs together, and others where --kind names them. What cannot be drawn
is told, with the reason.
"""
EXAMPLES = """\
scripts/mnbench plot --list
scripts/mnbench plot results/vm-xeon-2cpu               # all of it, into plots/ there
scripts/mnbench plot results/vm-xeon-2cpu --kind heatmap --style dark --format svg -o slides
scripts/mnbench plot results/local --kind history --families srcu -o history
scripts/mnbench plot results/counts -o counts           # what the operations execute
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench plot`."""
    parser.description = DESCRIPTION
    parser.add_argument("runs", metavar="RUN", nargs="*", help="a run's folder, its CSV, a folder "
                        "of runs, or recorded counts")
    one = parser.add_argument("--kind", metavar="A,B",
                              help="only these kinds of pictures (see --list)")
    offer(one, kinds.KINDS, listed=True)
    parser.add_argument("--families", metavar="A,B", help="only these families")
    one = parser.add_argument("--format", metavar="A,B", default=",".join(FORMATS),
                              help="of svg, png (both)")
    offer(one, FORMATS, listed=True)
    parser.add_argument("--style", choices=sorted(LOOKS, reverse=True), default="print",
                        help="for paper, or for a dark screen (print)")
    parser.add_argument("-o", "--out", metavar="DIR", help="folder for the pictures (default: "
                        "plots/ in the folder that was named; beside a CSV of another name, "
                        "NAME-plots/; of several, plots/ here)")
    parser.add_argument("--list", action="store_true", help="the kinds of pictures, and no more")


def main(args: argparse.Namespace) -> int:
    """`mnbench plot`."""
    if args.list:
        width = max(map(len, kinds.KINDS))
        print("\n".join(f"{name:{width}}  {kind.summary}" for name, kind in kinds.KINDS.items()))
        return 0
    if not args.runs:
        raise UserError("plot: names no run; name its folder or its CSV")
    formats, names = _formats(args.format), kinds.chosen(args.kind)
    tables = _of_families(source.tables(args.runs), args.families)
    runs = [run for table in tables for run in source.runs_of(table)]
    if args.kind is None and len(tables) > 1:
        names = [name for name in names if kinds.KINDS[name].of_runs]
    drawn = _write(kinds.pictures(runs, names), _folder(args), args.style, formats)
    if twins := sum(int(results.is_twin(table).sum()) for table in tables):
        print(f"left out: {twins} rows of twins, which are for the noise floor")
    if not drawn and args.kind is None:
        raise UserError(f"{args.runs[0]}: nothing to draw; see the lines above")
    return 0


def plots(table: pd.DataFrame) -> Iterator[Plot]:
    """Every picture of one file; one that has no data says so."""
    return kinds.pictures(source.runs_of(table), list(kinds.KINDS))


def _formats(words: str) -> list[str]:
    formats = [word for word in words.split(",") if word]
    for word in formats:
        if word not in FORMATS:
            raise UserError(f"--format {word}: no such format; there are {', '.join(FORMATS)}")
    if not formats:
        raise UserError(f"--format: names no format; there are {', '.join(FORMATS)}")
    return formats


def _of_families(tables: list[pd.DataFrame], words: str | None) -> list[pd.DataFrame]:
    if words is None:
        return tables
    wanted = [word for word in words.split(",") if word]
    known = sorted({family for table in tables for family in table["family"]})
    for word in wanted or [""]:
        if word not in known:
            raise UserError(f"--families {word}: no such rows here; there are {', '.join(known)}")
    return [table[table["family"].isin(wanted)] for table in tables]


def _folder(args: argparse.Namespace) -> Path:
    """Where the pictures go."""
    if args.out:
        return Path(args.out)
    if len(args.runs) > 1:
        return Path("plots")
    if source.is_collection(args.runs[0]):
        return Path(args.runs[0]) / "plots"
    path = results.find_csv(args.runs[0])
    return path.parent / ("plots" if path.name == results.CSV_NAME else f"{path.stem}-plots")


def _write(pictures: Iterator[Plot], out: Path, style: str, formats: list[str]) -> int:
    """How many were drawn; each is told as soon as it is there, or why it is not."""
    drawn = 0
    for plot in pictures:
        if plot.draw is None:
            print(f"skipped {plot.name}: {plot.skipped}", flush=True)
            continue
        files = rendered(plot, LOOKS[style], formats)
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as e:
            raise UserError(f"{out}: cannot be made: {e.strerror}; name a folder with -o") from e
        for kind, data in files.items():
            write_whole(out / f"{plot.name}.{kind}", data)
        drawn += 1
        print(f"{out / plot.name}" + " ".join(f".{kind}" for kind in files), flush=True)
    return drawn
