# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables of instruction counts: the recorded ones, and what is printed of new ones."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pandas as pd

from .arches import ARCHES, TOP
from .errors import UserError
from .tables import Block, Table, write_whole

RECORDED = TOP / "results" / "counts"
_TOOLCHAIN = "toolchain.json"
KINDS = ["insns", "loads", "stores", "atomics", "fences"]
_KEY = ["subject", "family", "op", "variant", "threads", "pin", "params"]

# The lock kind that Linux uses on an architecture: the others' rows are left out of the table.
_OWN_LOCK = {"x86_64": "queued", "arm64": "queued", "riscv64": "ticket"}
_LOCKS = {"tas", "ttas", "ticket", "mcs", "queued", "pthread_spin", "pthread_mutex"}
# Family, operation and parameters, and the baselines that are shown beside the port.
_MAIN = [
    ("seq", "read_begin_retry", "user_lock:0", ("queued", "ticket", "seqlock")),
    ("seq", "range_hit", "hits:1;intervals:100", ()),
    ("seq", "range_miss", "intervals:100", ()),
    ("seq", "insert", "intervals:10000", ()),
    ("seq", "remove", "intervals:10000", ()),
    ("srcu", "read_pair", "", ("two_barriers", "urcu_memb", "urcu_qsbr")),
    ("srcu", "synchronize_idle", "", ("urcu_memb",)),
    ("srcu", "list_hooks", "notifiers:1", ()),
    ("wake", "wake_all_waker", "sleepers:0", ("futex",)),
    ("itree", "lookup", "intervals:10000", ("rculfhash",)),
]


def read(text: str) -> pd.DataFrame:
    """A table of counts, as text in every cell: what is compared is the text."""
    return pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)


def name(row) -> str:
    """An operation, as the benchmark is called."""
    parts = [row.family, row.op, row.subject, f"variant:{row.variant}",
             *filter(None, row.params.split(";")), f"threads:{row.threads}", f"pin:{row.pin}"]
    return "/".join(parts)


def _recordable(table: pd.DataFrame) -> pd.DataFrame:
    """The port's and the baselines', where they were counted: kernels are not everywhere."""
    ours = ~table["subject"].str.startswith("upstream-") & (table["error"] == "")
    return table.loc[ours, _KEY + KINDS].sort_values(_KEY)


def _toolchains() -> dict:
    path = RECORDED / _TOOLCHAIN
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except ValueError as err:
        raise UserError(f"{path}: not JSON ({err}); scripts/mnbench count --record makes it "
                        f"anew") from err


def record(table: pd.DataFrame, toolchains: dict[str, dict]) -> None:
    """Make these the recorded counts of their architectures."""
    RECORDED.mkdir(parents=True, exist_ok=True)
    known = _toolchains() | toolchains
    for arch in toolchains:
        mine = _recordable(table[table["arch"] == arch])
        write_whole(RECORDED / f"{arch}.csv", mine.to_csv(index=False, lineterminator="\n"))
        print(f"{arch}: {len(mine)} operations recorded")
    write_whole(RECORDED / _TOOLCHAIN, json.dumps(known, indent=2, sort_keys=True) + "\n")


def _other_toolchain(known: dict, here: dict) -> str:
    """What of the recorded counts' toolchain is not this one's; "" where all is."""
    def flat(toolchain: dict) -> dict[str, str]:
        return {**{k: str(v) for k, v in toolchain.items() if k != "libraries"},
                **{k: str(v) for k, v in toolchain.get("libraries", {}).items()}}

    then, now = flat(known), flat(here)
    other = [f"{what} {then.get(what)}, here {now.get(what)}" for what in sorted(then | now)
             if then.get(what) != now.get(what)]
    return "; ".join(other)


def read_recorded(path: Path) -> pd.DataFrame:
    """One architecture's recorded counts, as text in every cell."""
    if not path.exists():
        raise UserError(f"{path}: no recorded counts; scripts/mnbench count --record --arch "
                        f"{path.stem} makes them")
    table = read(path.read_text(encoding="utf-8"))
    if list(table.columns) != _KEY + KINDS:
        raise UserError(f"{path}:1: not a table of counts; scripts/mnbench count --record makes it "
                        f"anew")
    return table


def _changes(then, now) -> str:
    """The kinds that differ, of a row recorded and a row of now."""
    return ", ".join(f"{kind} {getattr(then, kind)} -> {getattr(now, kind)}" for kind in KINDS
                     if getattr(then, kind) != getattr(now, kind))


def _differences(recorded: pd.DataFrame, table: pd.DataFrame, whole: bool) -> list[str]:
    now = {name(row): row for row in _recordable(table).itertuples()}
    failed = {name(row): row.error for row in table.itertuples() if row.error}
    then = {name(row): row for row in recorded.itertuples()}
    found = [f"{one}: {_changes(then[one], now[one])}" for one in now if one in then
             and _changes(then[one], now[one])]
    found += [f"{one}: not recorded" for one in now if one not in then]
    if whole:
        found += [f"{one}: recorded, and now {failed.get(one, 'not there')}" for one in then
                  if one not in now]
    return found


def check(table: pd.DataFrame, arch: str, toolchain: dict, whole: bool) -> bool:
    """Whether an architecture's counts differ from the recorded ones; tells of it. Those of
    another toolchain are not compared. WHOLE: all operations were counted."""
    recorded = read_recorded(RECORDED / f"{arch}.csv")
    if other := _other_toolchain(_toolchains().get(arch, {}), toolchain):
        print(f"{arch}: not compared, the recorded counts are of another toolchain: {other}")
        return False
    found = _differences(recorded, table, whole)
    if not found:
        print(f"{arch}: {len(_recordable(table))} operations execute what is recorded")
    for line in found:
        print(f"{arch}: {line}")
    if found:
        print(f"{arch}: not as recorded: {len(found)}; if that is meant, scripts/mnbench count "
              f"--record")
    return bool(found)


def _is_main(row, baselines: tuple[str, ...]) -> bool:
    if row.variant in _LOCKS and row.variant != _OWN_LOCK.get(row.arch):
        return False
    if row.subject == "baseline":
        return row.variant in baselines
    return row.subject == "port" or row.subject.startswith("upstream-")


def _label(row) -> str:
    variant = "" if row.variant in _LOCKS else row.variant
    who = row.subject if row.subject != "port" else ""
    if row.subject == "baseline" and not variant:
        who = "bare lock pair"
    params = [param.replace(":", "=") for param in row.params.split(";")]
    return " ".join(filter(None, [row.op, who, variant, *params]))


def _cell(row) -> str:
    figures = [f"{float(getattr(row, kind)):.1f}".removesuffix(".0") for kind in KINDS]
    return f"{figures[0]} ({' '.join(figures[1:])})"


def blocks(table: pd.DataFrame) -> list[Block]:
    """The main operations, an architecture a column."""
    good = table[table["error"] == ""]
    arches = [arch for arch in ARCHES if (good["arch"] == arch).any()]
    out = Table(["operation", *arches], "<" + ">" * len(arches))
    for family, op, params, baselines in _MAIN:
        cells: dict[str, dict[str, str]] = {}
        chosen = good[(good["family"] == family) & (good["op"] == op) & (good["params"] == params)]
        for row in chosen.itertuples():
            if _is_main(row, baselines):
                cells.setdefault(_label(row), {})[row.arch] = _cell(row)
        out.rows += [[label, *(found.get(arch, "-") for arch in arches)]
                     for label, found in cells.items()]
    lines = ["Of one operation, in brackets: loads, stores, atomics, fences."]
    if failed := int((table["error"] != "").sum()):
        lines.append(f"{failed} operations were not counted: see column `error`.")
    return [Block("Instructions executed", lines, out)]
