# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench results`: the collection of runs in results/, one folder a machine."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import checked, counted, helptext, importing, merging, shown
from .arches import TOP
from .commands import say
from .tables import as_markdown, as_text, emit

RESULTS = TOP / "results"
EXAMPLES = """\
scripts/mnbench results list
scripts/mnbench results check
"""
_LIST = """\
scripts/mnbench results list
scripts/mnbench results list results/local --format markdown
"""
_SHOW = """\
scripts/mnbench results show results/vm-xeon-2cpu
scripts/mnbench results show board.csv
"""
_MERGE = """\
scripts/mnbench results merge results/local/* --into results/local/all
scripts/mnbench compare results/local/all --by host
"""
_CHECK = """\
scripts/mnbench results check
scripts/mnbench results check results/local/all
"""
_IMPORT = """\
ssh board ./mnbench --csv board.csv --machine board.json --topology board.xml
scp 'board:board.*' .
scripts/mnbench results import board.csv
scripts/mnbench results import board.csv --into results/pi-5
"""
_MERGED = ("Rows are taken whole and as they are; a row that two of the sources have is refused. "
           "What each source's folder has of its runs (machine.json, topology.xml, run.json, "
           "floor.json) is kept in DIR/machines/RUN_ID/.")
_CHECKED = ("Looks at mnbench.csv, machine.json, topology.xml, run.json, floor.json and "
            "counts.csv, each for itself and whether they belong together. exit: 0 nothing is "
            "wrong, 2 something is: a line each.")
_IMPORTED = ("The machine file and the topology are looked for beside the CSV (board.json and "
             "board.xml for board.csv, or machine.json and topology.xml) unless they are named. "
             "Nothing is overwritten.")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench results`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    def action(name: str, function, summary: str, examples: str,
               more: str | None = None) -> argparse.ArgumentParser:
        own = actions.add_parser(name, help=summary, description=f"mnbench results {name}: "
                                 f"{summary}.", epilog=more, formatter_class=helptext.Formatter)
        helptext.add_examples(own, examples)
        own.set_defaults(act=function)
        return own

    one = action("list", _list, "the machines, a line each", _LIST)
    one.add_argument("folder", nargs="?", type=Path, default=RESULTS, metavar="DIR",
                     help="what holds runs' folders (default: results/)")
    _add_format(one)
    one = action("show", _show, "what one run's folder or CSV holds", _SHOW)
    one.add_argument("run", metavar="RUN", help="a run's folder or CSV")
    _add_format(one)
    one = action("merge", _merge, "the rows of several runs in one new folder", _MERGE, _MERGED)
    one.add_argument("runs", nargs="+", metavar="RUN", help="runs' folders or CSVs")
    one.add_argument("--into", type=Path, required=True, metavar="DIR", help="the new folder")
    one = action("check", _check, "whether every file can be used", _CHECK, _CHECKED)
    one.add_argument("folders", nargs="*", type=Path, metavar="DIR",
                     help="runs' folders, or what holds them (default: results/)")
    one = action("import", _import, "a run that a binary made alone, as a new folder", _IMPORT,
                 _IMPORTED)
    one.add_argument("run", type=Path, metavar="RUN", help="its CSV, or a folder with it")
    one.add_argument("--machine", type=Path, metavar="FILE", help="its machine file")
    one.add_argument("--topology", type=Path, metavar="FILE", help="its topology, hwloc's XML")
    one.add_argument("--into", type=Path, metavar="DIR",
                     help="the new folder (default: results/, named after board or CPU)")


def _add_format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=["text", "markdown"], default="text")


def main(args: argparse.Namespace) -> int:
    """`mnbench results`."""
    return args.act(args)


def _printed(blocks: list, args: argparse.Namespace) -> None:
    emit((as_markdown if args.format == "markdown" else as_text)(blocks), None)


def _complain(wrong: list[str]) -> int:
    sys.stdout.flush()
    for line in wrong:
        say(f"mnbench: {line}")
    return 2 if wrong else 0


def _list(args: argparse.Namespace) -> int:
    block, wrong = shown.list_block(args.folder)
    _printed([block], args)
    return _complain(wrong)


def _show(args: argparse.Namespace) -> int:
    _printed(shown.show_blocks(args.run), args)
    return 0


def _merge(args: argparse.Namespace) -> int:
    rows = merging.merge(args.runs, args.into)
    print(f"{args.into}: {rows} rows of {len(args.runs)} sources")
    return 0


def _check(args: argparse.Namespace) -> int:
    total = checked.Report()
    for top in args.folders or [RESULTS]:
        found = shown.folders_below(top)
        reports = [checked.check(folder) for folder in found]
        if (top / "counts" / "toolchain.json").exists():
            reports.append(checked.check_recorded(top / counted.RECORDED.name))
        for report in reports:
            total.add(report)
        if not reports:
            total.wrong.append(f"{top}: holds no run; name a run's folder, or what holds some")
    print(f"{total.folders} folders, {total.files} files, {total.rows} rows: "
          + (f"{len(total.wrong)} wrong" if total.wrong else "nothing is wrong"))
    return _complain(total.wrong)


def _import(args: argparse.Namespace) -> int:
    folder = importing.bring(args.run, args.machine, args.topology, args.into)
    print(folder)
    say(f"scripts/mnbench compare {folder}")
    return 0
