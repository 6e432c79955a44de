# SPDX-License-Identifier: GPL-2.0-or-later
"""What `mnbench compare` has a person read, as blocks of lines and tables."""

from __future__ import annotations

import argparse
from itertools import groupby

import numpy as np
import pandas as pd

from . import machines, pairs, results, stats
from .tables import Block, Table, factor, number

_LISTED = 3  # names of benchmarks printed for each reason
_PERCENT = 100 * (1 - stats.ALPHA)
_LEVEL = f"{_PERCENT:g} % interval"


def headline_blocks(table: pd.DataFrame, found: pd.DataFrame) -> list[Block]:
    """What was found, for each run and architecture of the file."""
    where = ["run_id", "host", "arch", "execution"]
    header = ["cost", "measured", "ratio", _LEVEL, "n", "against"]
    blocks = []
    for key, rows in table.groupby(where, sort=False):
        run_id, host, arch, execution = key
        block = Block(f"What was found: {arch} {execution} on {host}, run {run_id}")
        mine = found[(found[where] == list(key)).all(axis=1)] if len(found) else found
        block.table = Table(header, "<>>>><")
        for title, costs in pairs.headline(mine):
            for i, row in enumerate(costs.itertuples()):
                block.table.rows.append([
                    "" if i else title, "" if i else number(row.new_median, row.metric),
                    factor(row.ratio), _interval(row), _n(row), _against(row)])
        if not block.table.rows:
            failed = int((rows["error"] != "").sum())
            block.lines.append(f"{_rows(len(rows))}, {failed} with an error; {_why_none(rows)}")
            if results.is_emulated(rows).all():
                block.table = _emulated_table(rows)
        blocks.append(block)
    return blocks


def _emulated_table(rows: pd.DataFrame) -> Table:
    table = Table(["cost", "emulated", "least", "greatest", "n"], "<>>>>")
    for title, values in pairs.headline_alone(rows):
        cells = (values.median(), values.min(), values.max())
        table.rows.append([title, *(number(v, "real_ns_per_op") for v in cells),
                           str(len(values))])
    return table


def _why_none(rows: pd.DataFrame) -> str:
    if results.is_emulated(rows).all():
        if rows["insns_per_op"].isna().all():
            return ("no ratios: an emulator's times say nothing of the hardware, and no "
                    "instructions were counted")
        return "in instructions; none of the three costs is among them"
    return "none of the three costs is among them"


def _against(row) -> str:
    names = {"two_barriers": "two full barriers + two increments", "urcu_memb": "liburcu memb",
             "futex": "raw FUTEX_WAKE", "condvar": "pthread_cond_broadcast"}
    if row.family == "seq" and row.own:
        return f"bare lock pair, {row.base_variant}"
    return names.get(row.base_variant, row.base_variant)


def baseline_block(found: pd.DataFrame, args: argparse.Namespace) -> Block:
    first = found.iloc[0]
    own = found[found["own"]]
    block = Block(f"{first['family']}: {first['arch']} {first['execution']}, {first['metric']}")
    if len(own):
        mean = stats.geometric_mean(own["ratio"].array)
        block.lines.append(f"geometric mean of {len(own)} ratios to the row's own baseline: "
                           f"{factor(mean)}")
    shown = found if args.all else found[_telling(found)]
    if len(shown) < len(found):
        block.lines.append(f"{len(shown)} of {len(found)} pairs shown; --all shows every one")
    block.table = Table(["port", "measured", "baseline", "measured", "ratio", _LEVEL,
                         "n"], "<><>>>>")
    setup = shown.groupby(["op", "threads", "pin", "params"], sort=False).ngroup()
    rows = shown.assign(setup=setup).sort_values("setup", kind="stable")
    for _, group in groupby(rows.itertuples(), lambda row: row.setup):
        block.table.rows += _baseline_rows(list(group))
    return block


def _baseline_rows(group: list) -> list[list[str] | str]:
    """Those of one operation and set-up."""
    rows: list[list[str] | str] = [" ".join([group[0].op, *results.varied(group[0])])]
    before = None
    for row in group:
        who = row.variant if row.subject == "port" else f"{row.subject} {row.variant}".strip()
        again = who == before
        before = who
        rows.append([
            "" if again else "  " + (who or "port"),
            "" if again else number(row.new_median, row.metric),
            row.base_variant + (" (own)" if row.own else ""),
            number(row.base_median, row.metric), factor(row.ratio), _interval(row), _n(row)])
    return rows


def alone_block(alone: pd.DataFrame) -> Block:
    """One family's figures that have nothing to stand against."""
    first = alone.iloc[0]
    block = Block(f"{first['family']}, without a baseline: {first['arch']} {first['execution']}, "
                  f"{first['metric']}")
    block.table = Table(["benchmark", "median", "least", "greatest", "n"], "<>>>>")
    for row in alone.itertuples():
        figures = [number(v, row.metric) for v in (row.median, row.min, row.max)]
        block.table.rows.append([results.label(row), *figures, str(row.size) + _open(row)])
    return block


def _telling(found: pd.DataFrame) -> pd.Series:
    """Of the many kinds of lock, only the kernel's own is set against every baseline."""
    kinds = found.groupby(["op", "threads", "pin", "params", "subject"])["variant"]
    default = found["arch"].map(pairs.DEFAULT_LOCK)
    return found["own"] | (kinds.transform("nunique") <= 2) | (found["variant"] == default)


def counts(found: pd.DataFrame, threshold: float) -> list[str]:
    count = found["verdict"].value_counts()
    within = count.get("slower", 0) + count.get("faster", 0)
    beyond = f"more than {threshold:g} %"
    if (found["limited_by"] == "floor").any():
        beyond += " and the noise floor"
    lines = [f"{len(found)} benchmarks compared: {count.get('worse', 0)} worse and "
             f"{count.get('better', 0)} better by {beyond}, {within} moved by "
             f"less, {count.get('~', 0)} undecided"]
    if "subject" in found:
        drifted = int((found["verdict"].isin(["worse", "better"])
                       & (found["subject"] == "baseline")).sum())
        if drifted:
            lines.append(f"{drifted} of those that moved are baselines: the machine, the compiler "
                         "or the libraries differ, not only the port")
    return lines


def _grouper(columns: list[str]) -> list[str] | str:
    """For groupby(): pandas wants one column alone to be no list."""
    return columns if len(columns) > 1 else columns[0]


def overall(found: pd.DataFrame) -> list[str]:
    """All ratios as one; baselines apart, since they tell of the machine."""
    parts = [("", found)]
    if "subject" in found:
        baseline = found["subject"] == "baseline"
        parts = [(", port and kernels", found[~baseline]), (", baselines", found[baseline])]
    groups = [column for column in ("arch", "execution", "metric") if column in found]
    return [f"{' '.join(map(str, rows.iloc[0][groups]))}: geometric mean of all {len(rows)} "
            f"ratios{name}: {factor(stats.geometric_mean(rows['ratio'].array))}"
            for name, part in parts for _, rows in part.groupby(_grouper(groups), sort=False)]


def floors(found: pd.DataFrame) -> list[str]:
    """What the runs differ from themselves, and where that is the limit."""
    known = found[found["floor"].notna()]
    if known.empty:
        return ["noise floor: unknown, no twins were measured"]
    said = [f"{family} {_share(rows['floor'].median())} (up to {_share(rows['floor'].max())})"
            for family, rows in known.groupby("family", sort=False)]
    line = ("noise floor, below which nothing is decided, each benchmark's own; median and "
            "greatest: " + ", ".join(said))
    higher = int((known["limited_by"] == "floor").sum())
    if higher:
        line += f"; it is above the threshold, and so the limit, of {higher} benchmarks"
    if len(known) < len(found):
        line += f"; unknown for {len(found) - len(known)} benchmarks"
    return [line]


def _share(log: float) -> str:
    return f"{100 * np.expm1(log):.2g} %"


def not_the_same(differ: list[machines.Difference]) -> list[str]:
    """What else than the program under test may have made the difference."""
    return ["not the same: " + "; ".join(map(str, differ))] if differ else []


def unmatched(base: pd.DataFrame, new: pd.DataFrame, found: pd.DataFrame) -> list[str]:
    """The benchmarks that are in none of the pairs found."""
    lines = []
    for table, rows, name in ((base, "base_n", "BASE"), (new, "new_n", "NEW")):
        if found[rows].sum() == len(table):
            continue  # each row is part of a pair: no need to look, of a million
        there = set(found[results.KEY].itertuples(index=False, name=None))
        mine = table[results.KEY].drop_duplicates().itertuples(index=False)
        lone = [row for row in mine if row not in there]
        if lone:
            lines.append(f"{len(lone)} benchmarks were measured in {name} only: "
                         + _some([results.label(r) for r in lone]))
    return lines


def moved_blocks(found: pd.DataFrame, args, base: str, new: str) -> list[Block]:
    blocks = []
    if len(found) > 20 and args.by is None and (found["verdict"] == "worse").any():
        blocks.append(_moved_block("Worse", found[found["verdict"] == "worse"], base, new,
                                   args.alpha))
    groups = [c for c in ("arch", "execution", "metric", "family") if c in found]
    for key, group in found.groupby(groups, sort=False):
        name = dict(zip(groups, key))
        where = " ".join(str(name[c]) for c in ("arch", "execution") if c in name)
        heading = ", ".join(p for p in (f"{name['family']}: {where}".rstrip(": "),
                                        name["metric"]) if p)
        block = _moved_block(heading, group, base, new, args.alpha)
        block.lines = [f"geometric mean of {len(group)} ratios: "
                       f"{factor(stats.geometric_mean(group['ratio'].array))}"]
        blocks.append(block)
    return blocks


def _moved_block(heading: str, found: pd.DataFrame, base: str, new: str,
                 alpha: float) -> Block:
    def short(name: str) -> str:
        return name if len(name) <= 9 else name[:8] + "~"

    block = Block(heading)
    block.table = Table(["benchmark", short(base), short(new), "ratio", _LEVEL, "p adj.",
                         ""], "<>>>>><")
    for row in found.itertuples():
        block.table.rows.append([
            results.label(row) + _open(row), number(row.base_median, row.metric),
            number(row.new_median, row.metric),
            factor(row.ratio), _interval(row), f"{row.p_adjusted:.3f}",
            _judged(row, alpha)])
    return block


def _judged(row, alpha: float) -> str:
    if row.decided_by == "interval":
        return row.verdict + " *"
    if _held_back(row.verdict, row.p_adjusted, row.floor, alpha):
        return "~ floor"
    return row.verdict


def _held_back(verdict, p_adjusted, floor, alpha: float):
    """Whether the floor, not p, leaves it undecided: of one, or of a table's columns."""
    return (verdict == "~") & (p_adjusted <= alpha) & (floor > 0)


def _interval(row) -> str:
    if not row.confidence > 0:
        return "-"
    return f"{factor(row.low)} .. {factor(row.high)}"


def _n(row) -> str:
    n = str(row.new_n) if row.new_n == row.base_n else f"{row.new_n}/{row.base_n}"
    return n + _open(row)


def _open(row) -> str:
    """The mark of a benchmark whose median is less sure than the run was asked for."""
    return " ?" if row.unsettled else ""


def unsettled(good: pd.DataFrame, where: str = "") -> list[str]:
    """How many benchmarks have that mark."""
    key = ["run_id", "host", *results.KEY]
    count = len(pairs.unsettled(good, key))
    if not count:
        return []
    return [f"?: {count} of {len(good[key].drop_duplicates())} benchmarks{where} are unsettled: "
            "their repetitions ended before the median was within the run's --target"]


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _some(names: list[str], everything: bool = False) -> str:
    names = list(dict.fromkeys(names))
    if everything or len(names) <= _LISTED:
        return ", ".join(names)
    return ", ".join(names[:_LISTED]) + f" and {len(names) - _LISTED} more"


def left_out_blocks(bad: pd.DataFrame, everything: bool) -> list[Block]:
    if bad.empty:
        return []
    block = Block(f"Left out: {_rows(len(bad))}")
    groups = ["file", "arch", "execution"] if "file" in bad else ["arch", "execution"]
    for key, rows in bad.groupby([*groups, "reason"], sort=False):
        rows_named = rows.drop_duplicates(["op", "subject", "variant", "threads", "pin", "params"])
        names = [results.label(r) for r in rows_named.itertuples()]
        names = "" if "emulated" in key[-1] and not everything else ": " + _some(names, everything)
        block.lines.append(f"{' '.join(key[:-1])}, {_rows(len(rows))}: {key[-1]}{names}")
    return [block]


def method_block(found: pd.DataFrame, rule: pairs.Rule | None = None) -> Block:
    """How far the figures carry, with the numbers of repetitions that there are."""
    block = Block("How to read this")
    if found.empty:
        block.lines.append("nothing was compared")
        return block
    ratio = "ratio of medians"
    if rule and rule.rounds:
        ratio = "in lock-step: ratio of each round's two figures (Hodges and Lehmann's estimate)"
    block.lines.append(f"{ratio}; its interval ({_PERCENT:g} %) is by ranks; n: repetitions a side")
    small = found[(found["confidence"] < 1 - stats.ALPHA) & ~found["exact"]]
    if len(small):
        lone = "; with 1 there is none" if (small["confidence"] == 0).any() else ""
        block.lines.append(f"too few repetitions for {_PERCENT:g} % in {len(small)} pairs"
                           + _reached(small[small["confidence"] > 0]) + lone)
    if rule:
        block.lines += _power(found, rule)
    return block


def _reached(small: pd.DataFrame) -> str:
    """The levels of the intervals that are less sure than asked."""
    levels = sorted({(f"{100 * row.confidence:.3g} %", f"{row.new_n} and {row.base_n}")
                     for row in small.itertuples()})
    if not levels:
        return ""
    if len(levels) > 3:
        return f": the interval reaches {levels[0][0]} (with {levels[0][1]}) to {levels[-1][0]}"
    return ": the interval reaches " + ", ".join(f"{level} with {n}" for level, n in levels)


def _power(found: pd.DataFrame, rule: pairs.Rule) -> list[str]:
    """Says where the number of repetitions, not the measurement, decides."""
    alpha = rule.alpha
    test = "Wilcoxon's signed ranks, of the rounds" if rule.rounds else "Mann-Whitney"
    lines = [f"p: {test}, adjusted (Benjamini-Hochberg) for all benchmarks of an architecture, "
             f"port and baselines apart; `~` where it is above {alpha:g}"]
    if (found["decided_by"] == "interval").any():
        lines.append("*: decided by its own interval, which lies wholly beyond the limit; not "
                     "adjusted for the number of benchmarks: repeat it")
    lines += _floored(found, alpha)
    tested = found[~found["exact"]]
    for (n, m), rows in tested.groupby(["new_n", "base_n"], sort=True):
        least, most = rule.smallest_p(n, m), int(rows["tests"].max())
        need = rule.repetitions_needed(most)
        if least > alpha:
            lines.append(f"with {n} and {m} repetitions the smallest p is {least:.2g}: nothing can "
                         f"be decided; {rule.repetitions_needed(1)} a side are the least")
        elif least * most > alpha:
            lines.append(f"with {n} and {m} repetitions the smallest p is {least:.2g}: among "
                         f"{most} benchmarks one that moved alone stays undecided; "
                         f"{need} repetitions a side would do")
    return lines


def _floored(found: pd.DataFrame, alpha: float) -> list[str]:
    if not _held_back(found["verdict"], found["p_adjusted"], found["floor"], alpha).any():
        return []
    return ["~ floor: p is small enough, but the run differs from itself by as much"]
