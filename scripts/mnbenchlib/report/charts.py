# SPDX-License-Identifier: GPL-2.0-or-later
"""Which charts a family has, and which benchmark is which point of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pandas as pd

from .. import pairs, results
from .rows import EMULATED, Rows

_SWEPT = ("sleepers", "intervals", "notifiers", "hits", "background", "domains")
_FEW = 4  # settings that get a chart each; of more, each curve says its own
_LONE = 3  # an operation with fewer lines shares a chart
_PARTS = {"waker": "the waker returns", "first": "the first sleeper runs",
          "median": "the median sleeper runs", "last": "the last sleeper runs"}


def of_family(rows: Rows, place: int, family: str) -> list[dict]:
    """The charts of one family as it was measured in one place."""
    mine = rows.of_place(place)
    mine = mine[mine["family"] == family]
    if rows.places[place]["metric"] == EMULATED:
        # Nothing may stand beside an emulated time.
        mine = mine[mine["subject"] != "baseline"]
    charts = []
    if rows.places[place]["metric"] != "insns_per_op":
        for _, op in mine.groupby("op", sort=False):
            charts += [*_sweeps(op), *_scaling(op)]
        charts += _costs(mine)
    return [{**chart, "place": place, "family": family} for chart in charts]


def instructions(rows: Rows, family: str) -> list[dict]:
    """Of each operation, beside one another on every architecture that has counts."""
    mine = rows.table[(rows.table["family"] == family) & rows.table["insns_per_op"].notna()]
    mine = _fewest(mine[mine["median"].notna()])
    mine = mine[_ends(mine)]
    sizes = mine.groupby(["op", "arch"])["op"].transform("size")
    sizes = sizes.groupby(mine["op"]).transform("max")
    groups = [(said(op), group, _labels(group)) for op, group in
              mine[sizes >= _LONE].groupby("op", sort=False)]
    few = mine[sizes < _LONE]
    if len(few):
        groups.append(("Other operations", few, _with_op(few)))
    return [{"kind": "dots", "title": title, "value": "insns_per_op", "by": "arch",
             "family": family, "lines": _by_arch(group, labels)}
            for title, group, labels in groups]


def _by_arch(rows: pd.DataFrame, labels: list[str]) -> list[dict]:
    lines: dict[str, dict] = {}
    for row, label in zip(rows.itertuples(), labels):
        line = lines.setdefault(label, {"label": label, "points": []})
        line["points"].append([row.arch, row.Index])
    return list(lines.values())


def _with_op(rows: pd.DataFrame) -> list[str]:
    """Of several operations; what an operation has but one of goes unsaid."""
    groups = rows.groupby(["op", "arch"])
    variants = groups["variant"].transform("nunique") > 1
    settings = groups["params"].transform("nunique") > 1
    return [" ".join([row.op, *[row.variant or row.subject] * variant,
                      *_settings(row.params) * setting])
            for row, variant, setting in zip(rows.itertuples(), variants, settings)]


def _settings(params: str) -> list[str]:
    return [item.replace(":", "=") for item in params.split(";") if item]


def said(op: str) -> str:
    """An operation's name for reading."""
    part = re.fullmatch(r"(.+)_(waker|first|median|last)", op)
    return f"{part[1]}: until {_PARTS[part[2]]}" if part else op


def _fewest(rows: pd.DataFrame) -> pd.DataFrame:
    """Every operation at the fewest threads that it was run at, under its first policy."""
    if rows.empty:
        return rows
    by = [rows[c] for c in ("place", "family", "op")]
    rows = rows[rows["own_threads"] == rows["own_threads"].groupby(by).transform("min")]
    by = [rows[c] for c in ("place", "family", "op")]
    return rows[rows["pin"] == rows["pin"].groupby(by).transform("first")]


def _ends(rows: pd.DataFrame) -> pd.Series:
    """Of what was swept only the ends."""
    keep = pd.Series(True, index=rows.index)
    for key in _SWEPT:
        x = results.param_numbers(rows, key)
        by = [rows[c] for c in ("place", "op", "subject", "variant")]
        ends = (x == x.groupby(by).transform("min")) | (x == x.groupby(by).transform("max"))
        keep &= x.isna() | ends
    return keep


def _without(params: str, key: str) -> str:
    return " ".join(one for one in _settings(params) if not one.startswith(key + "="))


def _curves(rows: pd.DataFrame, x: pd.Series, name: list[str]) -> list[dict]:
    """One curve for each subject, variant and what else is in the columns `name`."""
    curves, alone = [], rows["subject"].nunique() == 1
    for key, group in rows.assign(x=x).groupby(["subject", "variant", *name], sort=False):
        subject, variant, *more = map(str, key)
        who = "" if variant and (subject == "baseline" or alone) else subject
        points = group.sort_values("x", kind="stable")
        own = variant == pairs.DEFAULT_LOCK[group["arch"].iloc[0]]
        curves.append({"name": " ".join(p for p in (who, variant, *more) if p),
                       "subject": subject, "variant": variant, "rest": " ".join(more),
                       "first": bool(own),
                       "points": [[float(px), int(i)] for px, i in zip(points["x"], points.index)]})
    return curves


def against(key: str, op: pd.DataFrame) -> dict:
    """Curves against one parameter."""
    x = results.param_numbers(op, key)
    some = op[x.notna()].assign(rest=[_without(p, key) for p in op.loc[x.notna(), "params"]])
    first = some.iloc[0]
    return {"kind": "curves", "title": f"{said(first['op'])}, against {key}", "x": key,
            "value": "median", "note": "" if first["pin"] == "none" else f"pin {first['pin']}",
            "curves": _curves(some, x[some.index], ["rest"])}


def _sweeps(op: pd.DataFrame) -> Iterator[dict]:
    """Against each parameter that has two values or more."""
    for key in _SWEPT:
        x = results.param_numbers(op, key)
        if x.nunique() < 2:
            continue
        nobody = (x == 0) if key == "sleepers" else pd.Series(False, index=op.index)
        some = pd.concat([_fewest(op[nobody]), _fewest(op[~nobody & x.notna()])])
        yield against(key, some.sort_index())


def _policies(op: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of each policy that placed several threads; one thread is where it is."""
    single = op[op["own_threads"] == 1]
    for pin in op.loc[op["own_threads"] > 1, "pin"].unique():
        mine = op[op["pin"] == pin]
        if not (mine["own_threads"] == 1).any() and len(single):
            mine = pd.concat([single[single["pin"] == single["pin"].iloc[0]], mine])
        yield str(pin), mine


def _scaling(op: pd.DataFrame) -> Iterator[dict]:
    """Against threads, a chart for each policy and, where they are few, each setting."""
    if (results.param_numbers(op, "sleepers") > 0).any():
        return
    for pin, mine in _policies(op):
        settings = mine["params"].unique()
        split = len(settings) <= _FEW
        for setting in settings if split else [""]:
            some = mine[mine["params"] == setting] if split else mine
            if some["own_threads"].nunique() < 2:
                continue
            title = f"{some['op'].iloc[0]}, against threads"
            note = [f"pin {pin}", *_settings(setting)]
            rest = "" if split else [" ".join(_settings(p)) for p in some["params"]]
            some = some.assign(rest=rest)
            yield {"kind": "curves", "title": title, "x": "threads", "value": "median",
                   "note": ", ".join(note),
                   "curves": _curves(some, some["own_threads"], ["rest"])}


def _labels(rows: pd.DataFrame) -> list[str]:
    """What tells each from the others: variant, and what of the rest differs."""
    varied = [results.varied(row) for row in rows.itertuples()]
    common = [v for v in varied[0] if all(v in other for other in varied)] if varied else []
    several = rows["subject"].nunique() > 1
    labels = []
    for row, more in zip(rows.itertuples(), varied):
        who = row.variant or row.subject
        if several and row.subject not in ("baseline", who):
            who = f"{row.subject} {who}"
        labels.append(" ".join([who, *(v for v in more if v not in common)]))
    return labels


def _dots(title: str, rows: pd.DataFrame, labels: list[str]) -> dict:
    lines = [{"label": label, "points": [[row.subject, int(row.Index)]]}
             for row, label in zip(rows.itertuples(), labels)]
    return {"kind": "dots", "title": title, "value": "median", "by": "subject", "lines": lines}


def dots(title: str, rows: pd.DataFrame) -> dict:
    """A line a benchmark, the cheapest first."""
    rows = rows.sort_values("median", kind="stable")
    return _dots(title, rows, _labels(rows))


def _costs(rows: pd.DataFrame) -> Iterator[dict]:
    """Costs at the fewest threads, but of what was swept."""
    rows = _fewest(rows)
    swept = pd.Series(False, index=rows.index)
    for key in _SWEPT:
        x = results.param_numbers(rows, key)
        swept |= x.notna() & (x.groupby(rows["op"]).transform("nunique") > 1)
    rows = rows[~swept]
    sizes = rows.groupby("op")["op"].transform("size")
    for op, group in rows[sizes >= _LONE].groupby("op", sort=False):
        chart = dots(f"{said(op)}, costs", group)
        yield {**chart, "note": setting(group)}
    few = rows[sizes < _LONE]
    if len(few):
        yield _dots("Other operations, costs", few, _with_op(few))


def setting(rows: pd.DataFrame) -> str:
    """What all of them have in common."""
    varied = [results.varied(row) for row in rows.itertuples()]
    common = [v for v in varied[0] if all(v in other for other in varied)]
    threads = sorted(rows["own_threads"].unique())
    lead = "" if any(v.endswith("thr") for v in common) or len(threads) > 1 else (
        "1 thread" if threads == [1] else f"{threads[0]} threads")
    return ", ".join([lead] * bool(lead) + common)
