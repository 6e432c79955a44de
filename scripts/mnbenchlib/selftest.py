# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench selftest`: slow-downs of known size, planted in a build of their own; which are found."""

from __future__ import annotations

import argparse
import json
import math
import re
import secrets
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import builds, child, compare, counttrials, detection, record, results, turns
from .arches import host
from .commands import say
from .detection import Seen
from .errors import UserError
from .pairs import DEFAULT_LOCK
from .progress import duration
from .record import Record
from .tables import as_markdown, as_text, emit, wants_colour

PRESET = "plant"
_SIZES = "0,1,2,3,5,10"
_MOST_PERCENT = 1000
_ROUNDS = 24
_TOLD_EVERY = 10  # seconds
# Where an operation is a plain loop over `run`, which is where bench/plant.h puts its slow-downs.
_PLANTABLE = "/real_time"


def _default_operations() -> str:
    """One of each kind of cost: lock and sequence, SRCU, a walk of the tree, the tree alone."""
    lock = DEFAULT_LOCK[host()]
    return (f"^(seq/read_begin_retry/port/variant:{lock}/user_lock:0/threads:1/"
            "|srcu/read_pair/port/variant:full/threads:1/"
            f"|seq/range_miss/port/variant:{lock}/intervals:100/threads:1/"
            "|itree/lookup/port/variant:rbtree/intervals:100/threads:1/)")


def _sizes(text: str) -> list[float]:
    try:
        sizes = sorted({float(word) for word in text.split(",")})
    except ValueError:
        sizes = [math.nan]
    if not all(0 <= size <= _MOST_PERCENT for size in sizes):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of per cents, such as {_SIZES}")
    return sizes


def _count(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of 1 or more")
    return int(text)


EXAMPLES = """\
scripts/mnbench selftest --sizes 0,3 --trials 20
scripts/mnbench selftest --operations read_begin_retry --seconds 300
scripts/mnbench selftest --counts --trials 10
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench selftest`."""
    parser.description = (
        "Plants slow-downs of known size in benchmarks and counts how many `mnbench run --against` "
        "and `mnbench compare` find on this machine, and how often they cry where nothing is. The "
        f"build with the slow-downs is the preset {PRESET}, which this builds.")
    parser.epilog = (
        f"exit: 0 if of {detection.FOUND_FROM:g} % and more {detection.FOUND_LEAST:g} % are found "
        f"and with nothing planted {detection.CRIED_MOST:g} % of the trials cry at most; 1 if not; "
        "2 bad input.")
    parser.add_argument("--trials", type=_count, default=100, metavar="N",
                        help="of each size (default: 100)")
    parser.add_argument("--sizes", type=_sizes, default=_sizes(_SIZES), metavar="PERCENT,..",
                        help=f"default: {_SIZES}; 0 is a build against itself")
    parser.add_argument("--operations", metavar="REGEX",
                        help="benchmarks to use, of one thread; default: four of the port's")
    parser.add_argument("--rounds", type=_count, default=_ROUNDS, metavar="N",
                        help=f"rounds of a trial (default: {_ROUNDS})")
    parser.add_argument("--metric", choices=["real_ns_per_op", "cpu_ns_per_op"],
                        default="real_ns_per_op",
                        help="figure to judge by (default: real_ns_per_op)")
    parser.add_argument("--counts", action="store_true",
                        help="instead: one instruction planted in each of --trials operations, "
                             "and counted; --sizes and --rounds play no part")
    parser.add_argument("--seconds", type=float, metavar="S",
                        help="begin no trial but the first after so many seconds, and tell of "
                             "those that were")
    parser.add_argument("--seed", type=int, metavar="N", help="of the trials' orders (made up)")
    parser.add_argument("--format", choices=["text", "markdown", "json"], default="text")
    parser.add_argument("-o", "--output", metavar="FILE", help="write here, not to the terminal")
    parser.add_argument("--binary", type=Path, help=argparse.SUPPRESS)


@dataclass(frozen=True)
class _Trials:
    """What all trials have in common."""

    program: Path
    flags: list[str]
    names: list[str]  # of the benchmarks
    seed: int
    metric: str


def _begin(args: argparse.Namespace) -> _Trials:
    program = args.binary
    if program is None:
        builds.build(PRESET)
        program = builds.folder(PRESET) / "bench" / "mnbench"
    operations = args.operations or _default_operations()
    flags = ["--profile", "quick", f"--benchmark_filter={operations}",
             "--repetitions", str(args.rounds), "--max-repetitions", str(args.rounds)]
    done = subprocess.run([str(program), *flags, "--plant", "x:0", "--benchmark_list_tests"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise child.bad_input(done.stderr)
    names = [name for name in done.stdout.split()]
    for name in names:
        if not name.endswith(_PLANTABLE):
            raise UserError(f"--operations: {name}: nothing can be planted there; choose "
                            f"benchmarks whose listed name ends with {_PLANTABLE}")
    if not names:
        raise UserError(f"--operations {operations}: no benchmark of that name; {program} "
                        f"--benchmark_list_tests lists them")
    seed = secrets.randbits(32) if args.seed is None else args.seed
    return _Trials(program, flags, [name.removesuffix(_PLANTABLE) for name in names], seed,
                   args.metric)


def _side(trials: _Trials, folder: Path, seed: int, plant: list[str]) -> turns.Side:
    folder.mkdir()
    command = [str(trials.program), *trials.flags, "--seed", str(seed), *plant]
    Record(folder.name, {}, lockstep=str(seed)).write(folder)
    return turns.Side(folder.name, command, folder / results.CSV_NAME, host(),
                      ["--run-id", folder.name])


def _judged(base: Path, new: Path, metric: str):
    """The pairs of the very code of `mnbench compare`."""
    parser = argparse.ArgumentParser()
    compare.add_arguments(parser)
    return compare.compare(parser.parse_args([str(base), str(new), "--metric", metric])).pairs


def _name(row) -> str:
    """A benchmark's name, as the binary has it."""
    params = "".join(f"/{item}" for item in row.params.split(";") if item)
    return (f"{row.family}/{row.op}/{row.subject}/variant:{row.variant}{params}"
            f"/threads:{row.threads}/pin:{row.pin}")


def _trial(trials: _Trials, number: int, size: float) -> list[Seen]:
    planted = trials.names[number % len(trials.names)] if size else ""
    seed = (trials.seed + 7919 * number + round(1000 * size)) % 2**32
    plant = ["--plant", f"^{re.escape(planted)}$:{size:g}"] if planted else []
    with tempfile.TemporaryDirectory() as scratch:
        sides = [_side(trials, Path(scratch, "new"), seed, plant),
                 _side(trials, Path(scratch, "base"), seed, [])]
        turns.run(sides, turns.Plan(seed))
        pairs = _judged(Path(scratch, "base"), Path(scratch, "new"), trials.metric)
    return [Seen(number, size, _name(row), _name(row) == planted, row.verdict != "~",
                 float(row.ratio), float(row.p), float(row.floor)) for row in pairs.itertuples()]


def _in_turn(args: argparse.Namespace) -> Iterator[tuple[int, float]]:
    """All sizes, again and again: should the machine change, it changes for all of them."""
    started, first = time.monotonic(), args.sizes[0]
    for number in range(args.trials):
        for size in args.sizes:
            spent = time.monotonic() - started
            if args.seconds is not None and spent > args.seconds and (number or size != first):
                return
            yield number, size


def _all(trials: _Trials, args: argparse.Namespace) -> list[Seen]:
    seen: list[Seen] = []
    total, done = args.trials * len(args.sizes), 0
    started = told = time.monotonic()
    for number, size in _in_turn(args):
        seen += _trial(trials, number, size)
        done += 1
        now = time.monotonic()
        if now - told > _TOLD_EVERY:
            told = now
            left = (now - started) / done * (total - done)
            say(f"{done} of {total} trials, {(now - started) / done:.1f} s each, "
                f"{duration(left)} left")
    say(f"{done} of {total} trials in {duration(time.monotonic() - started)}; seed {trials.seed}")
    return seen


def _counts(args: argparse.Namespace) -> int:
    """One instruction at a time, in any operation that is counted."""
    args.operations = args.operations or f"/threads:1/.*{_PLANTABLE}"
    trials, seen = _begin(args), []
    with child.interruptible():
        for trial in counttrials.trials(trials.program, trials.names, args.trials, trials.seed):
            seen.append(trial)
            if len(seen) % _TOLD_EVERY == 0:
                say(f"{len(seen)} of {args.trials} trials")
    blocks = [counttrials.block(seen)]
    text = as_markdown(blocks) if args.format == "markdown" else as_text(
        blocks, wants_colour() and args.output is None)
    emit(text, args.output)
    say(f"seed {trials.seed}")
    return 0 if all(trial.found and not trial.cried for trial in seen) else 1


def main(args: argparse.Namespace) -> int:
    """`mnbench selftest`."""
    if args.counts and args.format == "json":
        raise UserError("--counts: as text or markdown; leave --format json out")
    if args.counts:
        return _counts(args)
    trials = _begin(args)
    with child.interruptible():
        seen = _all(trials, args)
    if args.format == "json":
        text = json.dumps(detection.as_json(seen), indent=1) + "\n"
    elif args.format == "markdown":
        text = as_markdown(detection.blocks(seen))
    else:
        text = as_text(detection.blocks(seen), wants_colour() and args.output is None)
    emit(text, args.output)
    short = detection.shortfalls(seen)
    for line in short:
        say(f"mnbench: selftest: {line}")
    return 1 if short else 0
