# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench compare`: the port against its baselines, or one run against another."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from . import blocks, floor, machines, pairs, record, results, transfers, values
from .errors import UserError
from .tables import Block, as_markdown, as_text, emit, wants_colour

DESCRIPTION = """\
With one file: the port against its baselines, of the same run.
With more: each NEW against BASE. With --by: across one column of one file.
A file is a run's CSV or its folder.
"""
EPILOG = """\
exit: 0 nothing worse, 1 something worse beyond threshold and noise floor, 2 unusable input.

Intervals and tests are by ranks (Mann-Whitney; Wilcoxon's signed ranks, round by round, for two
runs of one `mnbench run --against`; p adjusted by Benjamini and Hochberg for all benchmarks of an
architecture); `~` is undecided, or within the noise floor: the benchmark's own interval, widened by
what the runs' twins differ from themselves. Times of emulated rows are never compared; their
instruction counts are.
"""
BY = ["subject", "variant", "arch", "pin", "threads", "execution", "host", "run_id"]
ALPHA = 0.01
METRICS = ["auto", *results.FIGURES, transfers.METRIC]


@dataclass
class Comparison:
    """What every form of comparison ends in: blocks to read, a table to process, a verdict."""

    kind: str
    inputs: list[str]
    pairs: pd.DataFrame
    left_out: pd.DataFrame
    blocks: list[Block] = field(default_factory=list)
    exit_code: int = 0


EXAMPLES = """\
scripts/mnbench compare results/vm-xeon-2cpu                 # the port against its baselines
scripts/mnbench compare results/vm-xeon-2cpu --by threads --families srcu
scripts/mnbench compare results/vm-xeon-2cpu --by variant --reference queued --families seq
scripts/mnbench compare old new --threshold 3 --format markdown -o verdict.md
scripts/mnbench compare ab/against ab                        # two builds, round by round
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument("base", metavar="RUN_OR_BASE", help="a run's CSV or folder")
    parser.add_argument("new", metavar="NEW", nargs="*", help="the runs to set against BASE")
    parser.add_argument("--by", choices=BY, metavar="COLUMN",
                        help="compare across this column of one file: " + ", ".join(BY))
    parser.add_argument("--reference", metavar="VALUE",
                        help="with --by: the value to compare with (default: the file's first)")
    parser.add_argument("--metric", choices=METRICS, default="auto", metavar="COLUMN",
                        help="figure to compare (default: real_ns_per_op, and insns_per_op where "
                             "emulated; line_transfers: of contended rows, in transfers of a "
                             "cache line from PU to PU): " + ", ".join(METRICS))
    parser.add_argument("--families", metavar="A,B", help="only these families")
    parser.add_argument("--threshold", type=float, default=5.0, metavar="PERCENT",
                        help="differences below, or below the runs' noise floor, are never called "
                             "worse (default: 5)")
    parser.add_argument("--alpha", type=float, default=ALPHA, metavar="SHARE",
                        help="share of false findings to accept (default: %(default)s)")
    parser.add_argument("--other-machine", action="store_true",
                        help="compare times even where NEW is of another machine than BASE")
    parser.add_argument("--all", action="store_true",
                        help="print every pair, and every row left out")
    parser.add_argument("--format", choices=["text", "markdown", "csv", "json"], default="text")
    parser.add_argument("-o", "--output", metavar="FILE", help="write here, not to the terminal")


def main(args: argparse.Namespace) -> int:
    if not 0 <= args.threshold < float("inf"):
        raise UserError(f"--threshold {args.threshold:g}: a percentage, 0 or more")
    if not 0 < args.alpha < 1:
        raise UserError(f"--alpha {args.alpha:g}: between 0 and 1")
    if args.new and args.by is not None:
        raise UserError("--by compares inside one file; name one file, or leave --by out")
    if args.reference is not None and args.by is None:
        raise UserError("--reference needs --by COLUMN")
    found = compare(args)
    emit(_formatted(found, args), args.output)
    return found.exit_code


@dataclass
class _Input:
    """One file: what is compared of it, and what else it tells."""

    path: str
    table: pd.DataFrame  # of the families asked for
    whole: pd.DataFrame  # of both no more columns than are used
    lockstep: str | None  # what it has in common with the run beside it


def compare(args: argparse.Namespace) -> Comparison:
    base = _read(args.base, args)
    if args.new:
        return _files(base, [_read(path, args) for path in args.new], args)
    if args.by is not None:
        return _by_column(base, args)
    return _baselines(base, args)


def _read(path: str, args: argparse.Namespace) -> _Input:
    whole = results.read_results(path)
    path = whole.attrs["path"]
    if args.metric == transfers.METRIC:
        whole = transfers.added(whole)
    # The times, for what a line transfer takes, and for emulated rows.
    whole = whole[list(dict.fromkeys([*values.needed("auto"), *values.needed(args.metric)]))]
    return _Input(path, _of_families(path, whole, args.families), whole,
                  record.lockstep(Path(path).parent))


def _of_families(path: str, whole: pd.DataFrame, families: str | None) -> pd.DataFrame:
    if families is None:
        return whole
    wanted, known = families.split(","), list(whole["family"].unique())
    for family in wanted:
        if family not in known:
            raise UserError(f"{path}: no rows of family {family!r}; it has {', '.join(known)}")
    return whole[whole["family"].isin(wanted)]


def _in_lockstep(base: _Input, new: _Input) -> bool:
    """Whether their repetitions are rounds of one run of two programs."""
    runs = [one.whole["run_id"].nunique() for one in (base, new)]
    return base.lockstep is not None and base.lockstep == new.lockstep and runs == [1, 1]


def _rule(inputs: list[_Input], metric: str, args: argparse.Namespace) -> pairs.Rule:
    rounds = len(inputs) == 2 and _in_lockstep(*inputs)
    floors = [floor.of(one.whole, metric, rounds) for one in inputs]
    return pairs.Rule(args.alpha, args.threshold / 100, floors, rounds)


def _nothing(left_out: pd.DataFrame, what: str) -> UserError:
    reasons = left_out["reason"].value_counts()
    why = f"; {reasons.iloc[0]} rows: {reasons.index[0]}" if len(reasons) else ""
    return UserError(f"{what}{why}")


def _baselines(one: _Input, args: argparse.Namespace) -> Comparison:
    path, table = one.path, one.table[~results.is_twin(one.table)]
    good, bad = values.usable(one.table, args.metric)
    found = pairs.against_baselines(good)
    if found.empty and not (args.metric == "auto" and results.is_emulated(table).any()):
        raise _nothing(bad, f"{path}: no row stands beside a baseline of its operation")
    out = Comparison("baselines", [path], found, bad)
    out.blocks = blocks.headline_blocks(table, found)
    if args.metric == transfers.METRIC:
        out.blocks.append(Block("The unit", transfers.told(one.whole)))
    section = ["run_id", "host", "arch", "execution", "family"]
    if len(found):
        for _, group in found.groupby(section, sort=False):
            out.blocks.append(blocks.baseline_block(group, args))
    for _, group in pairs.alone(good, found).groupby(section, sort=False):
        out.blocks.append(blocks.alone_block(group))
    method = blocks.method_block(found)
    method.lines += blocks.unsettled(good)
    out.blocks += [*blocks.left_out_blocks(bad, args.all), method]
    return out


def _files(base: _Input, news: list[_Input], args: argparse.Namespace) -> Comparison:
    """Each against the first."""
    parts = [_two_files(base, new, args) for new in news]
    if len(parts) == 1:
        return parts[0]
    out = Comparison("files", [base.path, *(new.path for new in news)],
                     pd.concat([part.pairs.assign(new=new.path) for part, new in zip(parts, news)],
                               ignore_index=True),
                     pd.concat([part.left_out.assign(new=new.path)
                                for part, new in zip(parts, news)]))
    out.blocks = [block for part in parts for block in part.blocks]
    out.exit_code = max(part.exit_code for part in parts)
    return out


def _refuse_machines(base: _Input, new: _Input, found: pd.DataFrame,
                     differ: list[machines.Difference], args: argparse.Namespace) -> None:
    """Times of two machines say how these differ; instructions and line transfers carry over."""
    other = [one for one in differ if one.kind == machines.MACHINE]
    carries_over = found["metric"].isin(["insns_per_op", transfers.METRIC]).all()
    if not other or args.other_machine or carries_over:
        return
    raise UserError(f"{new.path}: of another machine than {base.path} ({other[0]}); name runs of "
                    "one machine, or give --other-machine to compare all the same")


def _two_files(base: _Input, new: _Input, args: argparse.Namespace) -> Comparison:
    good_base, bad_base = values.usable(base.table, args.metric)
    good_new, bad_new = values.usable(new.table, args.metric)
    rule = _rule([base, new], args.metric, args)
    found = pairs.between(good_base, good_new, results.KEY, rule)
    left_out = pd.concat([bad_base.assign(file="base"), bad_new.assign(file="new")])
    if found.empty:
        raise _nothing(left_out, f"{new.path}: no benchmark in common with {base.path} that can be "
                                 "compared")
    differ = machines.between(base.whole, new.whole)
    _refuse_machines(base, new, found, differ, args)
    out = Comparison("files", [base.path, new.path], found, left_out)
    out.exit_code = int((found["verdict"] == "worse").any())
    summary = Block("NEW against BASE", [f"BASE {base.path}", f"NEW  {new.path}"])
    summary.lines += [*blocks.counts(found, args.threshold), *blocks.overall(found),
                      *blocks.floors(found), *blocks.unmatched(good_base, good_new, found),
                      *blocks.not_the_same(differ)]
    for name, good in (("BASE", good_base), ("NEW", good_new)):
        summary.lines += blocks.unsettled(good, f" in {name}")
    out.blocks = [summary, *blocks.moved_blocks(found, args, "BASE", "NEW"),
                  *blocks.left_out_blocks(left_out, args.all),
                  blocks.method_block(found, rule)]
    return out


def _by_column(one: _Input, args: argparse.Namespace) -> Comparison:
    path, table, column, metric = one.path, one.table, args.by, args.metric
    if metric == "auto" and column in ("arch", "execution") and results.is_emulated(table).any():
        metric = "insns_per_op"
    good, bad = values.usable(table, metric)
    kinds = list(good[column].unique())
    if len(kinds) < 2:
        raise _nothing(bad, f"{path}: fewer than two values of {column} with usable rows")
    reference = str(kinds[0]) if args.reference is None else args.reference
    if reference not in map(str, kinds):
        raise UserError(f"{path}: no usable row with {column} {reference!r}; it has "
                        + ", ".join(map(str, kinds)))
    key, rule = _key_without(column), _rule([one], metric, args)
    is_base = good[column].map(str) == reference
    parts, shown = [], []
    for value in kinds:
        if str(value) == reference:
            continue
        found = pairs.between(good[is_base], good[good[column] == value], key, rule)
        if found.empty:
            continue
        shown.append(Block(f"{column} {value} against {reference}",
                           [*blocks.counts(found, args.threshold), *blocks.overall(found),
                            *blocks.floors(found)]))
        shown += blocks.moved_blocks(found, args, reference, str(value))
        parts.append(found.assign(**{"base_" + column: reference, column: value}))
    if not parts:
        raise _nothing(bad, f"{path}: no two rows differ in {column} alone")
    out = Comparison(f"by {column}", [path], pd.concat(parts, ignore_index=True), bad)
    method = blocks.method_block(out.pairs, rule)
    method.lines += blocks.unsettled(good)
    out.blocks = [*shown, *blocks.left_out_blocks(bad, args.all), method]
    return out


def _key_without(column: str) -> list[str]:
    """What else must be equal when rows are compared across a column of one file."""
    gone = {column}
    if column == "arch":
        gone |= {"execution", "host", "run_id"}
    elif column in ("execution", "host"):
        gone |= {"run_id"}
    return [c for c in ["run_id", "host", *results.KEY] if c not in gone]


def _formatted(found: Comparison, args: argparse.Namespace) -> str:
    if args.format == "csv":
        return found.pairs.to_csv(index=False, lineterminator="\n")
    if args.format == "json":
        return json.dumps(_as_json(found, args), indent=1, allow_nan=False) + "\n"
    if args.format == "markdown":
        return as_markdown(found.blocks)
    return as_text(found.blocks, colour=wants_colour() and args.output is None)


def _records(table: pd.DataFrame) -> list[dict]:
    """Plain values; null where a figure does not exist."""
    return json.loads(table.to_json(orient="records", double_precision=15))


def _as_json(found: Comparison, args: argparse.Namespace) -> dict:
    left_out = found.left_out.rename_axis("line").reset_index()
    columns = [c for c in ["file", "line", *results.KEY, "rep", "reason"] if c in left_out]
    return {"kind": found.kind, "inputs": found.inputs, "alpha": args.alpha,
            "threshold_percent": args.threshold, "metric": args.metric,
            "pairs": _records(found.pairs), "left_out": _records(left_out[columns]),
            "exit": found.exit_code}
