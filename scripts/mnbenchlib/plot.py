# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench plot`: a run's curves and dots, as SVG and PNG."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import pandas as pd

from . import figures, results
from .errors import UserError
from .figures import Line, Panel
from .tables import write_whole

DESCRIPTION = """\
Draws a run: cost against threads, wake_up_all against sleepers, cost against intervals, and
costs without contention. Every curve has a band and every dot a bar, from the least to the greatest
repetition. Of emulated rows only instruction counts are compared; without them the port's
times are drawn alone, marked EMULATED.
"""
METRIC = "real_ns_per_op"
_PAGE = 48  # lines of a dot plot
_SWEPT = ("intervals", "sleepers", "notifiers")
_FAN_OUT = {"waker": "waker returns", "first": "first sleeper runs",
            "median": "median sleeper runs", "last": "last sleeper runs"}


@dataclass
class Plot:
    """A drawn plot, or why there is none."""

    name: str
    title: str = ""
    files: dict[str, bytes] | None = None
    skipped: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = DESCRIPTION
    parser.add_argument("run", metavar="RUN_OR_CSV", help="a run's folder or its CSV")
    parser.add_argument("--out", metavar="DIR", help="folder for the plots (default: plots/ in "
                        "the run's folder; beside a CSV of another name, NAME-plots/)")


def main(args: argparse.Namespace) -> int:
    path = results.find_csv(args.run)
    table = results.read_results(path)
    out = Path(args.out) if args.out else default_folder(path)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise UserError(f"{out}: cannot be made: {e.strerror}; name a folder with --out") from e
    drawn = 0
    for plot in plots(table):
        if plot.files is None:
            print(f"skipped {plot.name}: {plot.skipped}", flush=True)
            continue
        for kind, data in plot.files.items():
            write_whole(out / f"{plot.name}.{kind}", data)
        drawn += 1
        print(f"{out / plot.name}.svg .png", flush=True)
    if twins := int(results.is_twin(table).sum()):
        print(f"left out: {twins} rows of twins, which are for the noise floor")
    if not drawn:
        raise UserError(f"{path}: nothing to draw; see the lines above")
    return 0


def default_folder(path: Path) -> Path:
    return path.parent / ("plots" if path.name == results.CSV_NAME else f"{path.stem}-plots")


def plots(table: pd.DataFrame) -> Iterator[Plot]:
    """Every plot of the file, run by run; one that has no data says so."""
    good = table[(table["error"] == "") & ~results.has_flag(table, "low-overlap")
                 & ~results.is_twin(table)]
    runs = ["run_id", "host", "arch", "execution"]
    used: dict[str, int] = {}
    for key in table[runs].drop_duplicates().itertuples(index=False):
        rows = good[(good[runs] == list(key)).all(axis=1)]
        where = f"{key.host}, {key.arch}, {key.execution}"
        suffix = key.arch if key.execution == "native" else f"{key.arch}-{key.execution}"
        for plot in _of_run(rows, where):
            plot.name = re.sub(r"[^A-Za-z0-9_.+-]+", "-", f"{plot.name}-{suffix}")
            used[plot.name] = used.get(plot.name, 0) + 1
            if used[plot.name] > 1:
                plot.name += f"-run{used[plot.name]}"
            yield plot


def _of_run(rows: pd.DataFrame, where: str) -> Iterator[Plot]:
    if rows.empty:
        yield Plot("plots", skipped="every row has an error or too little overlap")
        return
    counts = rows[rows["insns_per_op"].notna()]
    if results.is_emulated(rows).all():
        yield from _of_emulated(rows, counts, where)
        return
    if len(counts):
        yield from _costs("instructions", counts, where, "insns_per_op")
    rows = rows[(rows[METRIC] > 0) & ~results.is_emulated(rows)]
    if rows.empty:
        yield Plot("times", skipped=f"no row has a {METRIC}")
        return
    yield from _scaling(rows, where)
    yield from _fan_out(rows, where)
    yield from _sweeps(rows, where)
    yield _srcu_kinds(rows, where)
    yield from _costs("cost", rows, where, METRIC)


def _of_emulated(rows: pd.DataFrame, counts: pd.DataFrame, where: str) -> Iterator[Plot]:
    """Times of translated code compare with nothing: counts, or the port alone, marked."""
    yield Plot("times", skipped="emulated: its times say nothing about hardware")
    if len(counts):
        yield from _costs("instructions", counts, where, "insns_per_op")
        return
    yield Plot("instructions", skipped="no instruction counts")
    port = rows[(rows["subject"] != "baseline") & (rows[METRIC] > 0)]
    yield from _costs("emulated", port, where, METRIC, "EMULATED")


def _note(rows: pd.DataFrame, where: str) -> str:
    counts = rows.groupby([*results.KEY, "run_id"])["rep"].size()
    n = f"{counts.min()}" if counts.min() == counts.max() else f"{counts.min()} to {counts.max()}"
    return f"{where}; median, and least to greatest of {n} repetitions"


def _lines(rows: pd.DataFrame, x: pd.Series, along: str = "") -> list[Line]:
    """One curve along x for each subject, variant and rest of the params."""
    rest = rows["params"].map(lambda p: " ".join(
        item.replace(":", "=") for item in p.split(";")
        if item and not (along and item.startswith(along + ":"))))
    lines = []
    groups = rows.assign(x=x, rest=rest if along else "")
    for (subject, variant, more), group in groups.groupby(["subject", "variant", "rest"],
                                                          sort=False):
        who = "" if variant and subject in ("port", "baseline") else subject
        name = " ".join(part for part in (who, variant, more) if part)
        points = figures.summary(group, ["x"], METRIC).sort_values("x")
        lines.append(Line(name, subject != "baseline", points))
    return lines


def _first_pin(rows: pd.DataFrame) -> pd.DataFrame:
    """Every operation at the fewest threads that it was run at, under its first pin policy."""
    operation = ["family", "op"]
    threads = results.own_threads(rows)
    fewest = threads.groupby([rows[c] for c in operation]).transform("min")
    rows = rows[threads == fewest]
    return rows[rows["pin"] == rows.groupby(operation)["pin"].transform("first")]


def _split(title: str, lines: list[Line]) -> list[Panel]:
    """Port and baselines side by side where one panel would be a tangle."""
    port = [line for line in lines if line.port]
    others = [line for line in lines if not line.port]
    lead = f"{title}: " if title else ""
    return [Panel(f"{lead}port", port), Panel(f"{lead}baselines", others)]


def _policies(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of each pin policy that placed several threads, with those of one thread."""
    single = rows[rows["threads"] == 1]
    for pin in rows.loc[rows["threads"] > 1, "pin"].unique():
        mine = rows[rows["pin"] == pin]
        # One thread is where it is: a policy without its own such row borrows it.
        if not (mine["threads"] == 1).any() and len(single):
            mine = pd.concat([single[single["pin"] == single["pin"].iloc[0]], mine])
        yield f"pin {pin}" if pin else "", mine


def _first_crowded(fits: pd.Series, crowded: pd.Series) -> float | None:
    """Between the most threads that have a CPU each and the next number."""
    more = crowded[crowded > (fits.max() if len(fits) else 0)]
    if more.empty:
        return None
    return sqrt(fits.max() * more.min()) if len(fits) else float(more.min())


def _scaling(rows: pd.DataFrame, where: str) -> Iterator[Plot]:
    drawn = False
    rows = rows[results.param_numbers(rows, "sleepers").isna()]
    for (family, op), group in rows.groupby(["family", "op"], sort=False):
        if group["threads"].nunique() < 2:
            continue
        drawn = True
        params = group["params"].unique()
        named = "threads" if len(params) > 1 else ""
        pins = [(title, _lines(mine, mine["threads"], named)) for title, mine in _policies(group)]
        wide = max(len(lines) for _, lines in pins) > 8
        panels = [panel for title, lines in pins
                  for panel in (_split(title, lines) if wide else [Panel(title, lines)])]
        crowded = results.has_flag(group, "oversubscribed")
        fits = group.loc[~crowded, "threads"]
        shaded = _first_crowded(fits, group.loc[crowded, "threads"])
        note = [_note(group, where)] + ["grey: more threads than CPUs"] * (shaded is not None)
        if not named and params[0]:
            note.insert(0, params[0].replace(":", " "))
        title = f"{family} {op}: cost against threads"
        files = figures.curves(title, "; ".join(note), panels, 2 if wide else min(2, len(panels)),
                               "threads", "log", sorted(group["threads"].unique()), shaded)
        yield Plot(f"scaling-{family}-{op}", title, files)
    if not drawn:
        yield Plot("scaling", skipped="no operation was run at two numbers of threads")


def _fan_out(rows: pd.DataFrame, where: str) -> Iterator[Plot]:
    """Of every operation that wakes sleepers: when the waker returns, and who runs when."""
    parts = rows["op"].str.extract(r"^(.+)_(waker|first|median|last)$")
    rows = rows.assign(whole=parts[0], part=parts[1])
    rows = rows[parts[0].notna() & _swept(rows, "sleepers")]
    if rows.empty:
        yield Plot("fan-out", skipped="no operation woke two numbers of sleepers")
    for whole, group in rows.groupby("whole", sort=False):
        # Nobody asleep: one thread, wherever it is.
        nobody = results.param_numbers(group, "sleepers") == 0
        group = pd.concat([_first_pin(group[nobody]), _first_pin(group[~nobody])])
        x = results.param_numbers(group, "sleepers")
        panels = [Panel(title, _lines(group[group["part"] == part], x[group["part"] == part],
                                      "sleepers"))
                  for part, title in _FAN_OUT.items() if (group["part"] == part).any()]
        title = f"{whole}: time until the ... against the number of sleepers"
        files = figures.curves(title, _note(group, where), panels, 2, "sleepers", "symlog",
                               sorted(x.unique()))
        yield Plot(f"fan-out-{whole}", title, files)


def _swept(rows: pd.DataFrame, key: str) -> pd.Series:
    """Rows of an operation that was run at two values of this parameter or more."""
    value = results.param_numbers(rows, key)
    number = value.groupby([rows["family"], rows["op"]]).transform("nunique")
    return (number >= 2) & value.notna()


def _sweeps(rows: pd.DataFrame, where: str) -> Iterator[Plot]:
    for key in ("intervals", "notifiers"):
        some = _first_pin(rows[_swept(rows, key)])
        if some.empty:
            yield Plot(key, skipped=f"no operation was run at two numbers of {key}")
        for family, group in some.groupby("family", sort=False):
            x = results.param_numbers(group, key)
            panels = [Panel(op, _lines(group[group["op"] == op], x[group["op"] == op], key))
                      for op in group["op"].unique()]
            title = f"{family}: cost against {key}"
            scale = "symlog" if x.min() < 1 else "log"
            files = figures.curves(title, _note(group, where), panels, min(3, len(panels)), key,
                                   scale, sorted(x.unique()))
            yield Plot(f"{key}-{family}", title, files)


def _dot_groups(rows: pd.DataFrame, key: str, metric: str) -> list[tuple[str, pd.DataFrame]]:
    """A group for each value of `key`; what its lines have in common goes into its heading."""
    groups = []
    for value, group in rows.groupby(key, sort=False):
        found = figures.summary(group, results.KEY, metric).sort_values("median", kind="stable")
        varied = [results.varied(row) for row in found.itertuples()]
        common = [v for v in varied[0] if all(v in other for other in varied)]
        own = [[v for v in values if v not in common] for values in varied]
        found["name"] = [" ".join([row.variant or row.subject, *values])
                         for row, values in zip(found.itertuples(), own)]
        groups.append((" ".join([str(value), *common]), found))
    return groups


def _srcu_kinds(rows: pd.DataFrame, where: str) -> Plot:
    rows = rows[(rows["family"] == "srcu") & (rows["op"] == "read_pair") & (rows["params"] == "")]
    if rows["variant"].nunique() < 2:
        return Plot("srcu-kinds", skipped="no srcu read_pair rows of two kinds")
    # The two ends of the scaling: what lies between is in its curves.
    rows = pd.concat([_first_pin(rows[rows["threads"] == t])
                      for t in sorted({rows["threads"].min(), rows["threads"].max()})])
    rows = rows.assign(at=rows["threads"].map(lambda t: f"{t} thread" + "s" * (t > 1)))
    title = "SRCU: cost of a read lock and unlock, by kind"
    groups = [(re.sub(r" \d+thr", "", heading), dots)
              for heading, dots in _dot_groups(rows, "at", METRIC)]
    return Plot("srcu-kinds", title, figures.dots(title, _note(rows, where), groups, METRIC))


def _costs(kind: str, rows: pd.DataFrame, where: str, metric: str,
           watermark: str = "") -> Iterator[Plot]:
    """Costs by family, in pages; what was swept has its own plot, where times are drawn."""
    transfers = rows["op"] == "line_transfer"
    if rows.loc[transfers, "params"].nunique() > 12:
        yield Plot(f"{kind}-line_transfer", skipped="more pairs of CPUs than a plot of dots holds")
        rows = rows[~transfers]
    if kind == "cost":
        for key in _SWEPT:
            rows = rows[~_swept(rows, key)]
    else:
        rows = rows[_ends_of_sweeps(rows)]
    rows = _first_pin(rows)
    if rows.empty:
        yield Plot(kind, skipped="every operation was swept: see its curves")
    for family, group in rows.groupby("family", sort=False):
        pages: list[list] = [[]]
        for op in _dot_groups(group, "op", metric):
            if pages[-1] and sum(len(g) + 1 for _, g in pages[-1]) + len(op[1]) > _PAGE:
                pages.append([])
            pages[-1].append(op)
        what = {"cost": "cost at the fewest threads", "instructions": "instructions per operation",
                "emulated": "the port under emulation, not comparable"}[kind]
        title = f"{family}: {what}"
        for i, page in enumerate(pages):
            name = f"{kind}-{family}" + (f"-{i + 1}" if i else "")
            yield Plot(name, title, figures.dots(title, _note(group, where), page, metric,
                                                 watermark))


def _ends_of_sweeps(rows: pd.DataFrame) -> pd.Series:
    """Of a sweep only its ends: three lines of every size would fill pages."""
    keep = pd.Series(True, index=rows.index)
    for key in _SWEPT:
        value = results.param_numbers(rows, key)
        ends = value.groupby([rows["family"], rows["op"]])
        keep &= value.isna() | (value == ends.transform("min")) | (value == ends.transform("max"))
    return keep
