#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A large file of results that no machine measured: large.py ROWS FILE [--seed N] [--slower F]."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from synthetic import COLUMNS, LOCKS, SEQ_OTHERS, SRCU, WAKE

REPS = 20
_PINS = ("none", "compact", "scatter", "smt", "llc", "xnode", "kind:0", '"list:0,2,5-7"')
_OPS = {"seq": ("read_begin_retry", "range_hit", "range_miss", "insert", "remove"),
        "srcu": ("read_pair", "read_nested", "synchronize_idle", "call_srcu", "list_hooks"),
        "wake": ("wake_all_waker", "wake_all_first", "wake_all_median", "wake_all_last"),
        "itree": ("lookup", "insert", "remove", "overlap")}
_VARIANTS = {"seq": [*LOCKS, *SEQ_OTHERS], "srcu": ["full", "fast", *SRCU], "wake": list(WAKE),
             "itree": ["rbtree", "linear_list", "rculfhash"]}
_SUBJECTS = ("port", "baseline")


def _benchmarks() -> Iterator[tuple]:
    """Host, subject, family, op, variant, threads, pin, params: more and more of them."""
    for host in itertools.count():
        for level, threads, pin in itertools.product(
                range(6), (1, 2, 4, 8, 16, 32, 64, 128), _PINS):
            for family, ops in _OPS.items():
                params = f"intervals:{10**level};place:page" if family != "wake" else (
                    f"sleepers:{4**level}")
                for op, variant, subject in itertools.product(ops, _VARIANTS[family], _SUBJECTS):
                    yield (f"box{host}", subject, family, op, variant, threads, pin, params)


def _figures(rng: np.random.Generator, team: bool, base: float) -> Iterator[str]:
    """The cells from `iterations` to `fairness` of each repetition."""
    real = base * rng.lognormal(0, 0.02, REPS)
    count = max(1, int(2e7 / base))
    if not team:
        for ns in real.tolist():
            yield f"{count},{ns!r},{ns * 0.9993!r},{1e9 / ns!r},,,,,,,,"
        return
    tails = (real[:, None] * [1.01, 1.3, 2.2, 9.7, 41.0]).round(3).tolist()
    shares = (1 - rng.random((REPS, 2)) / 50).tolist()
    for ns, (p50, p90, p99, p999, most), (overlap, fair) in zip(real.tolist(), tails, shares):
        yield (f"{count},{ns!r},{ns * 0.9993!r},{1e9 / ns!r},{p50},{p90},{p99},{p999},{most},,"
               f"{overlap!r},{fair!r}")


def _utc(number: int, rep: int) -> str:
    """A round takes an hour, a second has twenty rows."""
    second = 3600 * rep + number // 20
    return (f"2026-01-{1 + second // 86400:02}T{second // 3600 % 24:02}:{second // 60 % 60:02}:"
            f"{second % 60:02}Z")


def _rows(number: int, name: tuple, rng: np.random.Generator, slower: float) -> Iterator[str]:
    """One benchmark's rows: some have a twin, some failed."""
    host, subject, family, op, variant, threads, pin, params = name
    where = (f"1,20260131T120000Z-{host},%s,{host},x86_64,native,{subject},{family},{op},"
             f"{variant},{threads},{pin},{params},%s")
    if number % 97 == 0:
        yield where % (_utc(number, 0), "0" + 14 * "," + '"no PU, ""here""\nat least"\n')
        return
    base = 5 * threads**0.5 * rng.lognormal(0, 0.3) * (slower if subject == "port" else 1)
    crowded = ["oversubscribed"] * (threads > 64)
    for flags in [crowded] + [[*crowded, "twin"]] * (number % 400 == 1):
        for rep, cells in enumerate(_figures(rng, threads > 1, base)):
            yield where % (_utc(number, rep), f"{rep},{cells},{';'.join(flags)},\n")


def lines(rows: int, seed: int = 1, slower: float = 1.0) -> Iterator[str]:
    """The header and so many rows: by rounds, a block of benchmarks at a time."""
    rng = np.random.default_rng(seed)
    yield ",".join(COLUMNS) + "\n"
    every = (list(_rows(number, name, rng, slower)) for number, name in enumerate(_benchmarks()))
    while rows:
        block = list(itertools.islice(every, 1000))
        rounds = (row for turn in itertools.zip_longest(*block) for row in turn if row)
        for row in itertools.islice(rounds, rows):
            rows -= 1
            yield row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--slower", type=float, default=1.0, help="factor on the port's times")
    args = parser.parse_args()
    with args.file.open("w", encoding="utf-8") as out:
        out.writelines(lines(args.rows, args.seed, args.slower))


if __name__ == "__main__":
    main()
