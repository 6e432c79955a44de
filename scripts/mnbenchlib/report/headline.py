# SPDX-License-Identifier: GPL-2.0-or-later
"""The three questions, each answered by one line and one chart."""

from __future__ import annotations

from math import isfinite

import pandas as pd

from .. import pairs, results
from ..tables import factor, number
from . import charts
from .rows import EMULATED, Rows

QUESTIONS = {
    "seq": "What does the seq path cost?",
    "SRCU": "What does the SRCU read side cost?",
    "wake": "When does the last of 64 sleepers run?",
}
_COUNTED = {
    "seq": "What does the seq path execute?",
    "SRCU": "What does the SRCU read side execute?",
}
_WHAT = {
    "seq": "mmu_interval_read_begin() and _retry(), beside the bare pair of the lock inside them",
    "SRCU": "srcu_read_lock() and _unlock(), beside two full barriers and two increments; without "
            "a reader's barriers, beside liburcu",
    "wake": "wake_up_all(), beside raw FUTEX_WAKE and pthread_cond_broadcast",
}
_NAMES = {"two_barriers": "two barriers and increments", "urcu_memb": "liburcu memb",
          "futex": "raw FUTEX_WAKE", "condvar": "pthread_cond_broadcast"}


def cards(rows: Rows, place: int, found: pd.DataFrame) -> list[dict]:
    """One for each question; what was not measured says so."""
    where = rows.places[place]
    key = ["run_id", "host", "arch", "execution", "metric"]
    mine = found[(found[key] == [where[c] for c in key]).all(axis=1)] if len(found) else found
    judged = pairs.headline(mine)
    out = []
    counted = where["metric"] == "insns_per_op"
    for name, question in (_COUNTED if counted else QUESTIONS).items():
        costs = [(title, cost) for title, cost in judged if title.startswith(name + ":")]
        card = {"question": question, "what": _WHAT[name], "answers": [], "chart": None}
        for title, cost in costs:
            card["answers"] += _answers(title.split(": ", 1)[1], cost)
        if costs:
            card["chart"] = {**_chart(rows, place, name, costs), "dense": True}
        out.append(card)
    return out


def _answers(title: str, cost: pd.DataFrame) -> list[dict]:
    answers = []
    for i, row in enumerate(cost.itertuples()):
        low, high = (row.low, row.high) if row.confidence > 0 else (float("nan"),) * 2
        if row.family == "seq" and row.own:
            against = f"a bare {row.base_variant} lock pair"
        else:
            against = _NAMES.get(row.base_variant, row.base_variant)
        interval = f"{factor(low)} .. {factor(high)}" if isfinite(low) else "no interval"
        unit = " instructions" if row.metric == "insns_per_op" else ""
        answers.append({
            "what": "" if i else title,
            "figure": "" if i else number(row.new_median, row.metric) + unit,
            "ratio": factor(row.ratio), "interval": interval, "against": against,
            "verdict": _verdict(low, high), "open": bool(row.unsettled)})
    return answers


def _verdict(low: float, high: float) -> str:
    """Whether the interval leaves 1 on one side."""
    if not (isfinite(low) and isfinite(high)):
        return "undecided"
    return "dearer" if low > 1 else "cheaper" if high < 1 else "no difference seen"


def _chart(rows: Rows, place: int, name: str, costs: list[tuple[str, pd.DataFrame]]) -> dict:
    mine = rows.of_place(place)
    first = costs[0][1].iloc[0]
    if name == "wake":
        return {**_fan_out(mine, first), "place": place, "family": first["family"]}
    same = mine
    for column in ("family", "op", "threads", "pin", "params"):
        same = same[same[column] == first[column]]
    variants = {cost["variant"].iloc[0] for _, cost in costs}
    same = same[(same["subject"] == "baseline")
                | ((same["subject"] == "port") & same["variant"].isin(variants))]
    return {**charts.dots(charts.said(first["op"]), same), "note": charts.setting(same),
            "place": place, "family": first["family"]}


def _fan_out(mine: pd.DataFrame, first: pd.Series) -> dict:
    same = mine[(mine["op"] == first["op"]) & (mine["pin"] == first["pin"])]
    return charts.against("sleepers", same)


def emulated(rows: Rows, place: int, table: pd.DataFrame) -> list[dict]:
    """The same costs where nothing may be compared: the port's own times, alone."""
    where = rows.places[place]
    if where["metric"] != EMULATED:
        return []
    mine = table[(table[["run_id", "host", "arch", "execution"]]
                  == [where[c] for c in ("run_id", "host", "arch", "execution")]).all(axis=1)]
    mine = mine[~results.is_twin(mine)]
    return [{"what": title, "figure": number(sample.median(), "real_ns_per_op"),
             "n": len(sample)} for title, sample in pairs.headline_alone(mine)]
