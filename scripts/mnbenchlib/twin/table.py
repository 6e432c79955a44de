# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench kernel table`: what an operation executes in the port, in a kernel's own file in
userspace, and in the kernel, beside one another."""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from ..arches import ARCHES
from ..errors import UserError
from ..results import read_results
from ..tables import Block, Table, as_markdown, as_text
from .reasons import why

_APART = 0.1  # of a ratio; beyond, the table says why
_MAIN = (("seq", "lock_pair", ""), ("seq", "read_begin_retry", "user_lock:0"),
         ("seq", "insert", "intervals:10000"), ("seq", "remove", "intervals:10000"),
         ("seq", "fill", "intervals:1000;order:in_order"),
         ("seq", "drain", "intervals:1000;order:in_order"), ("srcu", "read_pair", ""))
_KEY = ["arch", "family", "op", "params"]


def _own(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of counting guests, with whose column each belongs to; a bare lock's is the kernel's
    lock_pair."""
    frame = frame[(frame["execution"] == "kernel-icount") & frame["insns_per_op"].notna()].copy()
    bare = (frame["subject"] == "baseline") & (frame["op"] == "read_begin_retry")
    frame.loc[bare, ["op", "params"]] = ["lock_pair", ""]
    frame.loc[bare, "subject"] = "port"
    frame = frame[frame["subject"].str.match("port$|upstream-|kernel-")]
    # Of SRCU's two kinds only the plain one is in every kernel.
    return frame[~((frame["family"] == "srcu") & (frame["variant"] == "fast"))]


def counts(path: str | Path) -> pd.DataFrame:
    """The least count of each operation, a column for each subject: what comes between a repetition
    and its end, a tick above all, only adds."""
    frame = _own(read_results(path))
    if frame.empty:
        raise UserError(f"{path}: no counts of a kernel in it; `mnbench kernel run` makes them")
    return frame.pivot_table(values="insns_per_op", index=_KEY, columns="subject", aggfunc="min",
                             sort=False)


def _cell(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:.1f}"


def _ratio(row: pd.Series, kernel: str) -> float:
    return row.get("port", float("nan")) / row[kernel] if row[kernel] else float("nan")


def _block(frame: pd.DataFrame, arch: str) -> Block:
    mine = frame.xs(arch, level="arch").dropna(axis="columns", how="all")
    kernel = next(name for name in mine.columns if name.startswith("kernel-"))
    subjects = [name for name in mine.columns if name != kernel] + [kernel]
    out = Table(["operation", *subjects, "port / kernel"], "<" + ">" * (len(subjects) + 1))
    apart: dict[str, None] = {}
    for (family, op, params), row in mine[mine[kernel].notna()].iterrows():
        label = " ".join(filter(None, [f"{family}/{op}", params.replace(":", "=")]))
        ratio = _ratio(row, kernel)
        out.rows.append([label, *(_cell(row[name]) for name in subjects),
                         "-" if pd.isna(ratio) else f"{ratio:.2f}"])
        if abs(ratio - 1) > _APART:
            apart[op] = None
    return Block(f"Instructions of one operation, {arch}", [
        "The clock's own are taken out; the loop's are in.",
        *(f"{op}: {why(op, arch)}" for op in apart if why(op, arch))], out)


def _main(frame: pd.DataFrame, present: list[str]) -> Block:
    out = Table(["port / kernel", *present], "<" + ">" * len(present))
    for family, op, params in _MAIN:
        cells = []
        for arch in present:
            row = frame.loc[[(arch, family, op, params)]].iloc[0] if (
                arch, family, op, params) in frame.index else pd.Series(dtype=float)
            kernel = row[row.index.str.startswith("kernel-")].dropna()
            known = not kernel.empty and not pd.isna(row.get("port"))
            cells.append(f"{row['port']:.0f} / {kernel.iloc[0]:.0f} = "
                         f"{row['port'] / kernel.iloc[0]:.2f}" if known else "-")
        if set(cells) != {"-"}:
            out.rows.append([" ".join(filter(None, [op, params.replace(":", "=")])), *cells])
    return Block("Instructions of the main operations", [], out)


def blocks(path: str | Path) -> list[Block]:
    """The main operations, then an architecture a block."""
    frame = counts(path)
    known = set(frame.index.get_level_values("arch"))
    present = [arch for arch in ARCHES if arch in known]
    return [_main(frame, present), *(_block(frame, arch) for arch in present)]


def text(path: str | Path) -> str:
    """All of it, for a terminal."""
    return as_text(blocks(path))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench kernel table`."""
    parser.add_argument("--markdown", action="store_true", help="as Markdown")
    parser.add_argument("run", metavar="RUN_OR_CSV", help="a folder that `mnbench kernel run` made")


def main(args: argparse.Namespace) -> int:
    """`mnbench kernel table`."""
    print(as_markdown(blocks(args.run)) if args.markdown else text(args.run), end="")
    return 0
