# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench outside`: other projects' benchmarks beside ours, and whether they agree."""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import re
import secrets
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from . import builds, child, outsidebuild, outsiders, paired
from .arches import host
from .commands import say, why
from .errors import Failed, UserError
from .outsiders import Comparison, Place
from .stats import Ratio
from .tables import Block, Table, as_markdown, as_text, emit, number, wants_colour

_MOST = 1.10
_ROUNDS = 10
_FEWEST = 2
_ALONE_SECONDS = 0.2
_PATIENCE = 120  # seconds for one program


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < _FEWEST:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of {_FEWEST} or more")
    return int(text)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench outside`."""
    parser.description = (
        "Measures operations of ours beside other projects' own benchmarks of the same, built "
        "with the same compiler and flags, on the same PUs, in turn; and says where the two "
        "differ by more than 10 %. bench/README.md explains those that do.")
    parser.epilog = (
        "example: scripts/mnbench outside --only ck-ticket,urcu-memb --rounds 6\n\n"
        "exit: 0 if all agree or are explained, 1 if one is not or a program failed, 2 bad input.")
    parser.add_argument("--only", metavar="NAME,..",
                        help="of " + ", ".join(c.name for c in outsiders.COMPARISONS))
    parser.add_argument("--rounds", type=_count, default=_ROUNDS, metavar="N",
                        help=f"each measures everything once (default: {_ROUNDS})")
    parser.add_argument("--seed", type=int, metavar="N", help="of the random order (made up)")
    parser.add_argument("--format", choices=["text", "markdown", "json"], default="text")
    parser.add_argument("-o", "--output", metavar="FILE", help="write here, not to the terminal")


def _chosen(only: str | None) -> list[Comparison]:
    known = {c.name: c for c in outsiders.COMPARISONS if not c.only_on or host() in c.only_on}
    if only is None:
        return list(known.values())
    for name in only.split(","):
        if name not in known:
            raise UserError(f"--only {name}: nothing to compare by that name on {host()}; there "
                            f"are {', '.join(known)}")
    return [known[name] for name in dict.fromkeys(only.split(","))]


# ---- measuring ----

@dataclass
class Measured:
    """A comparison and its figures, ns of an operation, one a round."""

    comparison: Comparison
    version: str
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)
    like: list[float] = field(default_factory=list)

    def ratio(self) -> Ratio:
        """Ours over theirs."""
        return paired.ratio(np.array(self.ours), np.array(self.theirs))

    def like_ratio(self) -> Ratio | None:
        """Of ours that is like theirs over theirs; None: there is none."""
        return paired.ratio(np.array(self.like), np.array(self.theirs)) if self.like else None

    def verdict(self) -> str:
        """agrees, `~` (it may), differs, or explained: then what is like theirs does not differ."""
        alike = self.like_ratio()
        found = _judged(self.ratio())
        if found == "differs" and alike is not None and _judged(alike) != "differs":
            return "explained"
        return found


def _judged(ratio: Ratio) -> str:
    if 1 / _MOST <= ratio.value <= _MOST:
        return "agrees"
    return "~" if ratio.low <= _MOST and ratio.high >= 1 / _MOST else "differs"


def _output(command: list[str], pus: list[int] | None) -> str:
    """Of a program, on these PUs."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", check=False, timeout=_PATIENCE,
                              preexec_fn=pus and (lambda: os.sched_setaffinity(0, pus)))
    except OSError as err:
        raise UserError(f"{command[0]}: cannot be run: {err.strerror}") from err
    except subprocess.TimeoutExpired:
        raise Failed(f"{' '.join(command)}: not done after {_PATIENCE} s") from None
    if done.returncode:
        raise Failed(child.ended(" ".join(command), done.returncode, done.stderr))
    return done.stdout


def _mnbench() -> str:
    return str(builds.folder("native") / "bench" / "mnbench")


def _pus(threads: int) -> list[int]:
    """Where ours puts its threads."""
    told = _output([_mnbench(), "--plan", "--pin", "compact", "--threads", str(threads)], None)
    return [int(line.split("\t")[1]) for line in told.splitlines()]


def _ours(comparison: Comparison) -> float:
    with tempfile.TemporaryDirectory() as scratch:
        table = Path(scratch, "rows.csv")
        _output([_mnbench(), f"--benchmark_filter=^{re.escape(comparison.benchmark)}/pin:compact",
                 "--pin", "compact", "--repetitions", "1", "--target", "0", "--twins", "0",
                 f"--benchmark_min_time={_ALONE_SECONDS}",
                 "--window", str(round(outsiders.WINDOW_NS / 1e6)), "--csv", str(table)], None)
        with table.open(encoding="utf-8", newline="") as source:
            rows = [row for row in csv.DictReader(source)
                    if not comparison.row or row["op"] == comparison.row]
    if len(rows) != 1:
        raise Failed(f"{comparison.benchmark}: {len(rows)} rows of ours, not one; was it built "
                     f"from these sources?")
    if rows[0]["error"] or not rows[0]["real_ns_per_op"]:
        raise Failed(f"{comparison.benchmark}: {rows[0]['error'] or 'no time in its row'}")
    return float(rows[0]["real_ns_per_op"])


def _theirs(comparison: Comparison, program: str, place: Place) -> float:
    command = [program, *comparison.arguments(place)]
    output = _output(command, None if comparison.own_pins else [place.pus[0]])
    found = outsiders.numbers(comparison.form, output)
    if not found or not min(found) > 0:
        raise Failed(f"{comparison.program.name}: its output has another form now: no "
                     f"{comparison.form!r} in it, but: {why(output)}")
    return comparison.figure(found, place)


def _like(comparison: Comparison, places: dict[str, str], place: Place) -> float:
    command = [places[comparison.like.name], *comparison.like_arguments]
    found = outsiders.like_ns(_output(command, [place.pus[0]]), place)
    if not found:
        raise Failed(f"{comparison.like.name}: says nothing of nanoseconds or ticks")
    return found


def _ticks(program: str, pus: list[int]) -> float:
    told = re.search(r"^([0-9.]+) ticks/ns$", _output([program], pus), re.MULTILINE)
    if not told or not float(told[1]) > 0:
        raise Failed(f"{program}: the counter of Concurrency Kit's benchmarks does not tick")
    return float(told[1])


def _place(chosen: list[Comparison], places: dict[str, str]) -> Place:
    pus = _pus(max(comparison.threads for comparison in chosen))
    counter = places.get(outsidebuild.COUNTER.name)
    return Place(pus, _ticks(counter, pus[:1]) if counter else 0.0)


def _once(one: Measured, places: dict[str, str], place: Place, order: random.Random) -> None:
    """Both sides, and ours that is like theirs, in any order."""
    comparison = one.comparison
    sides = [lambda: one.ours.append(_ours(comparison)),
             lambda: one.theirs.append(
                 _theirs(comparison, places[comparison.program.name], place))]
    if comparison.like:
        sides.append(lambda: one.like.append(_like(comparison, places, place)))
    for side in order.sample(sides, len(sides)):
        side()


def _measure(measured: list[Measured], places: dict[str, str], place: Place,
             args: argparse.Namespace) -> None:
    order = random.Random(args.seed)
    for number_ in range(args.rounds):
        say(f"round {number_ + 1} of {args.rounds}")
        for one in order.sample(measured, len(measured)):
            _once(one, places, place, order)


# ---- telling ----

def _benchmark(comparison: Comparison) -> str:
    """Ours, in short."""
    family, op, _, rest = comparison.benchmark.split("/", 3)
    variant = rest.removeprefix("variant:").split("/")[0]
    return f"{family}/{comparison.row or op} {variant}"


def _verdict(one: Measured) -> str:
    verdict = one.verdict()
    return f"explained: {one.comparison.explained}" if verdict == "explained" else verdict


def blocks(measured: list[Measured], lines: list[str]) -> list[Block]:
    """One table."""
    table = Table(["name: ours", "theirs", "ours", "theirs", "ratio", "interval", "alike",
                   "verdict"], "<<>>>>><")
    for one in measured:
        ratio, alike = one.ratio(), one.like_ratio()
        table.rows.append([
            f"{one.comparison.name}: {_benchmark(one.comparison)}",
            f"{one.comparison.program.package} {one.version} {one.comparison.program.name}",
            *(number(float(np.median(side)), "real_ns_per_op") for side in (one.ours, one.theirs)),
            f"{ratio.value:.2f}", f"{ratio.low:.2f}-{ratio.high:.2f}",
            f"{alike.value:.2f}" if alike else "", _verdict(one)])
    return [Block("Programs from outside beside ours", lines, table)]


def as_json(measured: list[Measured], args: argparse.Namespace, place: Place) -> dict:
    """All that was measured."""
    return {"seed": args.seed, "rounds": args.rounds, "ticks_per_ns": place.ticks_per_ns,
            "comparisons": [{
                "name": one.comparison.name, "ours": one.comparison.benchmark,
                "row": one.comparison.row, "theirs": one.comparison.program.name,
                "package": one.comparison.program.package, "version": one.version,
                "ours_ns": one.ours, "theirs_ns": one.theirs, "like_ns": one.like, "ratio": one.ratio().value,
                "low": one.ratio().low, "high": one.ratio().high, "verdict": one.verdict(),
                "explained": one.comparison.explained} for one in measured]}


def main(args: argparse.Namespace) -> int:
    """`mnbench outside`."""
    chosen = _chosen(args.only)
    args.seed = secrets.randbits(32) if args.seed is None else args.seed
    builds.build("native")
    programs = [p for c in chosen for p in (c.program, c.like) if p]
    if any(program.package == "ck" for program in programs):
        programs.append(outsidebuild.COUNTER)
    places = outsidebuild.require(programs)
    measured = [Measured(c, outsidebuild.version(c.program)) for c in chosen]
    with child.interruptible():
        place = _place(chosen, places)
        _measure(measured, places, place, args)
    lines = [f"{args.rounds} rounds, seed {args.seed}. ratio: ours over theirs, and its interval; "
             f"alike: likewise, of ours made to do all that theirs does. ~: may agree. "
             f"bench/README.md has what is explained by."]
    if args.format == "json":
        text = json.dumps(as_json(measured, args, place), indent=1) + "\n"
    elif args.format == "markdown":
        text = as_markdown(blocks(measured, lines))
    else:
        text = as_text(blocks(measured, lines), wants_colour() and args.output is None)
    emit(text, args.output)
    differs = [one.comparison.name for one in measured if one.verdict() == "differs"]
    if differs:
        say(f"mnbench: outside: differ, unexplained: {', '.join(differs)}")
    return 1 if differs else 0
