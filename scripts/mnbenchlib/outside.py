# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench outside`: other projects' benchmarks beside ours, and whether they agree."""

from __future__ import annotations

import argparse
import json
import os
import secrets

import numpy as np

from . import builds, child, outsidebuild, outsiderun, outsiders
from .arches import host
from .commands import say
from .errors import UserError
from .helptext import offer
from .outsiderun import Measured
from .outsiders import Comparison, Place
from .tables import Block, Table, as_markdown, as_text, emit, number, wants_colour

_ROUNDS = 10
_FEWEST = 2


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < _FEWEST:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of {_FEWEST} or more")
    return int(text)


EXAMPLES = """\
scripts/mnbench outside
scripts/mnbench outside --only ck-ticket,urcu-memb --rounds 6
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench outside`."""
    parser.description = (
        "Measures operations of ours beside other projects' own benchmarks of the same, built "
        "with the same compiler and flags, on the same PUs, in turn; and says where the two "
        "differ by more than 10 %. bench/README.md explains those that do.")
    parser.epilog = (
        "exit: 0 if all agree or are explained, 1 if one is not or a program failed, 2 bad input.")
    one = parser.add_argument("--only", metavar="NAME,..",
                              help="of " + ", ".join(c.name for c in outsiders.COMPARISONS))
    offer(one, [c.name for c in outsiders.COMPARISONS], listed=True)
    parser.add_argument("--rounds", type=_count, default=_ROUNDS, metavar="N",
                        help=f"each measures everything once (default: {_ROUNDS})")
    parser.add_argument("--seed", type=int, metavar="N", help="of the random order (made up)")
    parser.add_argument("--format", choices=["text", "markdown", "json"], default="text")
    parser.add_argument("-o", "--output", metavar="FILE", help="write here, not to the terminal")


def _chosen(only: str | None) -> list[Comparison]:
    known = {c.name: c for c in outsiders.COMPARISONS
             if (not c.only_on or host() in c.only_on)
             and c.threads <= len(os.sched_getaffinity(0))}
    if only is None:
        return list(known.values())
    for name in only.split(","):
        if name not in known:
            raise UserError(f"--only {name}: nothing to compare by that name on {host()}; there "
                            f"are {', '.join(known)}")
    return [known[name] for name in dict.fromkeys(only.split(","))]


def _benchmark(comparison: Comparison) -> str:
    """Ours, in short."""
    family, op, _, rest = comparison.benchmark.split("/", 3)
    variant = rest.removeprefix("variant:").split("/")[0]
    return f"{family}/{comparison.row or op} {variant}"


def _verdict(one: Measured) -> str:
    verdict = one.verdict()
    return f"explained: {one.comparison.explained}" if verdict == "explained" else verdict


def _ns(figures: list[float]) -> str:
    return number(float(np.median(figures)), "real_ns_per_op")


def _way(one: Measured) -> list[str]:
    """From ours to theirs, where it has several steps."""
    if not one.steps:
        return []
    like, words = one.comparison.like.name, " ".join(one.comparison.like_arguments)
    steps = {**one.steps, words: one.like}
    return [f"{one.comparison.name}, step by step: ours {_ns(one.ours)}; "
            + "; ".join(f"{like} {step} {_ns(found)}" for step, found in steps.items())
            + f"; theirs {_ns(one.theirs)}."]


def blocks(measured: list[Measured], lines: list[str]) -> list[Block]:
    """One table."""
    table = Table(["name: ours", "theirs", "ours", "theirs", "ratio", "interval", "alike",
                   "verdict"], "<<>>>>><")
    for one in measured:
        ratio, alike = one.ratio(), one.like_ratio()
        table.rows.append([
            f"{one.comparison.name}: {_benchmark(one.comparison)}",
            f"{one.comparison.program.package} {one.version} {one.comparison.program.name}",
            _ns(one.ours), _ns(one.theirs), f"{ratio.value:.2f}",
            f"{ratio.low:.2f}-{ratio.high:.2f}", f"{alike.value:.2f}" if alike else "",
            _verdict(one)])
    steps = [line for one in measured for line in _way(one)]
    return [Block("Programs from outside beside ours", lines + steps, table)]


def as_json(measured: list[Measured], args: argparse.Namespace, place: Place) -> dict:
    """All that was measured."""
    return {"seed": args.seed, "rounds": args.rounds, "ticks_per_ns": place.ticks_per_ns,
            "comparisons": [{
                "name": one.comparison.name, "ours": one.comparison.benchmark,
                "row": one.comparison.row, "theirs": one.comparison.program.name,
                "package": one.comparison.program.package, "version": one.version,
                "ours_ns": one.ours, "theirs_ns": one.theirs, "like_ns": one.like,
                "steps_ns": one.steps,
                "ratio": one.ratio().value, "low": one.ratio().low, "high": one.ratio().high,
                "verdict": one.verdict(), "explained": one.comparison.explained,
            } for one in measured]}


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
        place = outsiderun.place_of(chosen, places)
        outsiderun.measure(measured, places, place, args.rounds, args.seed)
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
