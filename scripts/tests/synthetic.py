# SPDX-License-Identifier: GPL-2.0-or-later
"""Results that no machine measured: for tests only."""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mnbenchlib.errors import UserError  # noqa: E402

COLUMNS = (
    "schema,run_id,utc,host,arch,execution,subject,family,op,variant,threads,pin,params,rep,"
    "iterations,real_ns_per_op,cpu_ns_per_op,ops_per_s,p50_ns,p90_ns,p99_ns,p999_ns,max_ns,"
    "insns_per_op,overlap,fairness,flags,error").split(",")

LOCKS = {"tas": 2.8, "ttas": 3.0, "ticket": 4.1, "mcs": 9.0, "queued": 6.9, "pthread_spin": 5.2,
         "pthread_mutex": 6.5}
SEQ_OTHERS = {"empty": 0.31, "load": 0.35, "rwlock": 11.0, "seqcount": 0.9, "seqlock": 1.1,
              "ck_sequence": 1.0}
SRCU = {"urcu_memb": 1.0, "urcu_mb": 5.0, "urcu_qsbr": 0.3, "urcu_bp": 1.5, "rwlock": 11.0,
        "refcount": 4.4, "percpu_rwlock": 3.0, "load": 0.35, "two_barriers": 3.8,
        "two_increments": 0.55, "empty": 0.31}
WAKE = {"futex": 1.0, "condvar": 2.1, "eventfd": 1.6, "pipe": 2.5, "spin": 0.2}
PARTS = {"waker": 0.5, "first": 0.3, "median": 0.6, "last": 1.0}
INTERVALS = (1, 100, 10000, 1000000)


def row(**cells) -> dict[str, str]:
    """One row; anything not named is plausible."""
    out = dict.fromkeys(COLUMNS, "")
    out.update(schema="1", run_id="run-1", utc="2026-01-31T12:00:00Z", host="box", arch="x86_64",
               execution="native", subject="port", family="seq", op="read_begin_retry",
               variant="queued", threads="1", pin="none", rep="0", iterations="1000")
    out.update({k: str(v) for k, v in cells.items()})
    unknown = set(out) - set(COLUMNS)
    assert not unknown, unknown
    return out


def reps(values, **cells) -> list[dict[str, str]]:
    """One row a value, in `real_ns_per_op` unless `metric` names another column."""
    metric = cells.pop("metric", "real_ns_per_op")
    return [row(rep=i, **{metric: repr(float(v))}, **cells) for i, v in enumerate(values)]


def failed(error: str, **cells) -> dict[str, str]:
    return row(iterations="", error=error, **cells)


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    with open(path, "w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def run(n: int = 5, seed: int = 1, slower: dict[str, float] | None = None, threads=(1, 2),
        **cells) -> list[dict[str, str]]:
    """A whole run; `slower` multiplies the port's times of an op."""
    import numpy as np  # here: the stand-in for the binary starts often, and has no use for it

    rng = np.random.default_rng(seed)
    rows: list[dict[str, str]] = []
    lock = "ticket" if cells.get("arch") == "riscv64" else "queued"

    def add(value: float, **more) -> None:
        if more["subject"] == "port":
            value *= (slower or {}).get(more["op"], 1.0)
        rows.extend(reps(value * rng.lognormal(0.0, 0.01, n), **{**cells, **more}))

    for t in threads:
        at = {"threads": t, "pin": "none" if t == 1 else "compact"}
        at["params"] = "user_lock:0"
        for kind, cost in LOCKS.items():
            for subject, over in (("port", 1.05), ("baseline", 1.0)):
                add(cost * over * t**1.6, family="seq", op="read_begin_retry", subject=subject,
                    variant=kind, **at)
        for kind, cost in SEQ_OTHERS.items():
            add(cost * t, family="seq", op="read_begin_retry", subject="baseline", variant=kind,
                **at)
        del at["params"]
        for kind, cost in {"full": 4.0, "fast": 0.97}.items():
            add(cost, family="srcu", op="read_pair", subject="port", variant=kind, **at)
        for kind, cost in SRCU.items():
            add(cost, family="srcu", op="read_pair", subject="baseline", variant=kind, **at)
    for op, cost in {"range_hit": 60, "range_miss": 20, "range_empty": 0.6}.items():
        add(cost, family="seq", op=op, subject="port", variant=lock)
    for many in INTERVALS:
        at = {"params": f"intervals:{many}"}
        add(40 * (1 + np.log2(many)), family="seq", op="insert", subject="port", variant=lock, **at)
        for op in ("lookup", "insert", "remove"):
            add(20 * (1 + np.log2(many)), family="itree", op=op, subject="port", variant="rbtree",
                **at)
            add(2.0 * many, family="itree", op=op, subject="baseline", variant="linear_list", **at)
    for sleepers in (0, 1, 8, 64, 256):
        for op, part in PARTS.items():
            if sleepers == 0 and op != "waker":
                continue
            at = {"family": "wake", "op": f"wake_all_{op}", "params": f"sleepers:{sleepers}",
                  "threads": 1 + sleepers}
            for kind, over in WAKE.items():
                cost = (6000 + 2800 * sleepers) * part * over if sleepers else 5.0 * over
                add(cost, subject="baseline", variant=kind, **at)
                if kind == "futex":
                    add(cost * 1.02, subject="port", variant=kind, **at)
    rows.append(failed("pin smt: this machine has no SMT", pin="smt", **cells))
    return rows


def emulated(arch: str, insns: bool = False, n: int = 3) -> list[dict[str, str]]:
    """A run under qemu-user, with instruction counts or without."""
    rows = run(n=n, seed=7, threads=(1,), arch=arch, execution="qemu-user", flags="emulated")
    for r in rows:
        if insns and not r["error"]:
            r["insns_per_op"] = repr(round(float(r["real_ns_per_op"]) * 4))
    return rows


def command(module, *arguments) -> tuple[int, str]:
    """Runs a subcommand as the command line does: its exit code, and the error's one line."""
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    try:
        return module.main(parser.parse_args([str(a) for a in arguments])), ""
    except UserError as e:
        return 2, str(e)
