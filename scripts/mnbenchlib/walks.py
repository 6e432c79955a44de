# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench walk`: the same random walks over several subjects, whose logs must be the same."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from . import builds
from .arches import ARCHES, TOP, emulator, host
from .commands import say
from .errors import UserError
from .helptext import offer
from .ranges import as_ranges

_CHUNK = 500  # seeds a process; differences end the run after the chunk they are in
_CONTEXT = 4  # lines of the log before the first difference
_MOST = 10**12
_LIMIT = 600  # seconds for a process: the program itself ends a walk that hangs
_LINE = re.compile(r"(\d+) ([0-9a-f]{16})")


@dataclass(frozen=True)
class Subject:
    """A notifier under test: its program, and what starts that here."""

    name: str
    program: Path
    start: tuple[str, ...] = ()

    def command(self, *words: object) -> list[str]:
        """The whole command."""
        return [*self.start, str(self.program), *map(str, words)]

    def run(self, *words: object,
            limit: float = _LIMIT) -> subprocess.CompletedProcess[str]:
        """Run it to its end; one that takes longer than `limit` seconds is ended."""
        try:
            return subprocess.run(self.command(*words), stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, errors="replace",
                                  timeout=limit, check=False)
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess([], -signal.SIGALRM, "", "")
        except OSError as err:
            raise UserError(f"{self.program}: {err.strerror}; build it with scripts/mnbench "
                            f"build") from err

    def features(self) -> set[str]:
        """What its interface has that others may lack."""
        done = self.run("--list-features")
        alive = done.returncode == 0 and _LINE.match(self.run("--seed", 0, "--keep", "").stdout)
        if not alive:
            raise UserError(f"{self.program}: not a `walk` that runs here; build it with "
                            f"scripts/mnbench build")
        return set(done.stdout.split())


def _death(done: subprocess.CompletedProcess[str]) -> str:
    """How a program ended, and its last words."""
    if done.returncode < 0:
        how = f"died of {signal.Signals(-done.returncode).name}"
    else:
        how = f"ended with {done.returncode}"
    words = done.stderr.strip().splitlines()
    return f"{how}: {words[-1]}" if words else how


@dataclass(frozen=True)
class Walks:
    """What two subjects are given alike."""

    steps: int
    features: str

    def words(self, *more: object) -> list[object]:
        """For the command line."""
        return ["--steps", self.steps, "--features", self.features, *more]


# ---- walking ----

def hashes(subject: Subject, walks: Walks, first: int, end: int) -> dict[int, str]:
    """The hash of every seed's log; of one that ended the program, how."""
    found: dict[int, str] = {}
    while first < end:
        done = subject.run(*walks.words("--seeds", f"{first}:{end}"))
        for line in done.stdout.splitlines():
            if match := _LINE.fullmatch(line):
                found[int(match[1])] = match[2]
        first = max(found, default=first - 1) + 1 if found else first
        if done.returncode != 0:
            found[first] = _death(done)
            first += 1
        elif first < end:
            found[first] = "said nothing"
            first += 1
    return found


def _chunks(seeds: range) -> Iterator[tuple[int, int]]:
    for first in range(seeds.start, seeds.stop, _CHUNK):
        yield first, min(first + _CHUNK, seeds.stop)


def differing(pair: Sequence[Subject], walks: Walks,
              seeds: range) -> tuple[dict[int, tuple[str, str]], int]:
    """The seeds that differ, in the first chunk that has any, with what each of the two gave; how
    many were walked."""
    def compare(chunk: tuple[int, int]) -> dict[int, tuple[str, str]]:
        one, other = (hashes(subject, walks, *chunk) for subject in pair)
        return {seed: (one[seed], other[seed]) for seed in range(*chunk)
                if one[seed] != other[seed]}

    walked = 0
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        futures = [(chunk, pool.submit(compare, chunk)) for chunk in _chunks(seeds)]
        for (first, end), future in futures:
            found = future.result()
            walked += end - first
            if found:
                for _, waiting in futures:
                    waiting.cancel()
                return found, walked
    return {}, walked


# ---- making it short ----

def shortest(steps: list[int], still: Callable[[list[int]], bool]) -> list[int]:
    """Steps of which none can be left out any more while `still` holds."""
    size = max(len(steps) // 2, 1)
    while True:
        dropped, at = False, 0
        while at < len(steps):
            fewer = steps[:at] + steps[at + size:]
            if still(fewer):
                steps, dropped = fewer, True
            else:
                at += size
        if size == 1 and not dropped:
            return steps
        size = max(size // 2, 1)


def shrink(pair: Sequence[Subject], walks: Walks, seed: int, steps: list[int]) -> list[int]:
    """The steps that the difference takes."""
    def still(kept: list[int]) -> bool:
        words = walks.words("--seed", seed, "--keep", as_ranges(kept))
        one, other = (subject.run(*words) for subject in pair)
        return (one.stdout, one.returncode) != (other.stdout, other.returncode)

    return shortest(steps, still)


# ---- telling ----

def _log(subject: Subject, words: Sequence[object]) -> list[str]:
    done = subject.run(*words, "--log")
    lines = [line for line in done.stdout.splitlines() if not _LINE.fullmatch(line)]
    return lines + ([_death(done)] if done.returncode else ["the walk ends"])


def _explain(pair: Sequence[Subject], words: Sequence[object]) -> list[str]:
    one, other = (_log(subject, words) for subject in pair)
    if one == other:
        return ["  both did the same this time: what was seen first hangs on more than the seed"]
    at = next((i for i, lines in enumerate(zip(one, other)) if lines[0] != lines[1]),
              min(len(one), len(other)))
    width = max(len(subject.name) for subject in pair)
    told = [f"  {'':{width}}  {line}" for line in one[max(at - _CONTEXT, 0):at]]
    for subject, log in zip(pair, (one, other)):
        told.append(f"  {subject.name:{width}}  {log[at] if at < len(log) else '(nothing)'}")
    return told


def _shown(path: Path) -> str:
    return str(path.relative_to(TOP)) if path.is_relative_to(TOP) else str(path)


def report(pair: Sequence[Subject], walks: Walks, seed: int, kept: list[int]) -> None:
    """Where the two part on the short walk, and how to see it again."""
    words = walks.words("--seed", seed, "--keep", as_ranges(kept))
    print(f"seed {seed}: {pair[0].name} and {pair[1].name} differ; {len(kept)} of {walks.steps} "
          f"steps are enough")
    print("\n".join(_explain(pair, words)))
    print("again, with the whole log:")
    for subject in pair:
        command = [*subject.start, _shown(subject.program), *map(str, words), "--log"]
        print(f"  {shlex.join(command)}")


def _steps(args: argparse.Namespace) -> list[int]:
    if args.keep is None:
        return list(range(args.steps))
    kept: set[int] = set()
    for part in filter(None, args.keep.split(",")):
        match = re.fullmatch(r"([0-9]{1,5})(?:-([0-9]{1,5}))?", part)
        if not match or int(match[2] or match[1]) < int(match[1]):
            raise UserError(f"--keep {args.keep}: give numbers of steps, as in 0-4,9")
        kept.update(range(int(match[1]), int(match[2] or match[1]) + 1))
    if kept and max(kept) >= args.steps:
        raise UserError(f"--keep {args.keep}: a walk has the steps 0 to {args.steps - 1}; "
                        f"--steps says how many")
    return sorted(kept)


def compare_pair(preset: str, pair: Sequence[Subject], args: argparse.Namespace) -> bool:
    """Walk all seeds with both; whether they agree."""
    features = sorted(pair[0].features() & pair[1].features())
    walks = Walks(args.steps, ",".join(features))
    steps = _steps(args)
    started = time.monotonic()
    if args.seed is not None:
        words = walks.words("--seed", args.seed, "--keep", as_ranges(steps))
        one, other = (_log(subject, words) for subject in pair)
        found, walked = ({args.seed: (one[-1], other[-1])} if one != other else {}), 1
    else:
        found, walked = differing(pair, walks, range(args.first, args.first + args.seeds))
    seconds = time.monotonic() - started
    if found:
        seed = min(found)
        for subject, seen in zip(pair, found[seed]):
            print(f"seed {seed}: {subject.name}: {seen}")
        report(pair, walks, seed, shrink(pair, walks, seed, steps))
    agree = "differ" if found else "agree"
    print(f"{preset}: {pair[0].name} and {pair[1].name} {agree}: {walked} seeds, {len(found)} "
          f"differ, {seconds:.1f} s ({', '.join(features) or 'what all versions have'})",
          flush=True)
    return not found


# ---- subjects ----

def _arch(preset: str) -> str:
    return preset if preset in ARCHES else host()


def built(preset: str) -> dict[str, Subject]:
    """The subjects of a preset's build; the port comes first."""
    start = tuple(emulator(_arch(preset)))
    folder = builds.folder(preset) / "core"
    found = {"port": Subject("port", folder / "walk", start)}
    for path in sorted(folder.glob("walk-upstream-*")):
        found[path.name.removeprefix("walk-")] = Subject(path.name.removeprefix("walk-"), path,
                                                         start)
    if not found["port"].program.exists():
        raise UserError(f"{preset}: not built; scripts/mnbench build {preset} does")
    return found


def choose(preset: str, names: Sequence[str]) -> list[Subject]:
    """The subjects that are named; one with a `/` is a program of the user's own."""
    known = built(preset)
    chosen = []
    for name in names or known:
        if "/" in name:
            chosen.append(Subject(name, Path(name), known["port"].start))
        elif name in known:
            chosen.append(known[name])
        else:
            raise UserError(f"--subjects {name}: not in build/{preset}, which has "
                            f"{', '.join(known)}; scripts/mnbench build --kernel 6.12 adds one")
    return chosen


def _need_two(preset: str, chosen: Sequence[Subject]) -> None:
    if len(chosen) > 1:
        return
    raise UserError(f"{chosen[0].name}: the only subject of {preset}, with nothing to compare it "
                    f"with; scripts/mnbench build --kernel 6.12 adds a kernel's")


def stress(preset: str, subject: Subject, args: argparse.Namespace) -> bool:
    """The multi-threaded form; whether all it checks holds."""
    done = subject.run("--threads", args.threads, "--seconds", args.seconds, "--seed",
                       args.seed or 0, limit=args.seconds + _LIMIT)
    # 1 is a broken invariant, which it has told of.
    told = done.stdout.strip() if done.returncode in (0, 1) else _death(done)
    print(f"{preset}: {subject.name}: {told}", flush=True)
    return done.returncode == 0


# ---- the command ----

def _number(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,13}", text) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text}: give a number, {least} to {most}")
        return int(text)
    return parse


EXAMPLES = """\
scripts/mnbench walk --seeds 1000
scripts/mnbench walk --seed 4711 --keep 0-4,9      # one walk again, of fewer steps
scripts/mnbench walk --threads 4 --seconds 30
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench walk`."""
    one = parser.add_argument("--preset", default=",".join(builds.defaults()), metavar="LIST",
                              help="builds to walk in, comma-separated (default: %(default)s)")
    offer(one, builds.presets(), listed=True)
    parser.add_argument("--subjects", default="", metavar="LIST",
                        help="comma-separated, the first is compared with each other one: port, "
                        "upstream-VERSION, or the path of a `walk` (default: all that are built)")
    parser.add_argument("--seeds", type=_number(1, _MOST), default=10000, metavar="N",
                        help="how many walks (default: %(default)s)")
    parser.add_argument("--first", type=_number(0, _MOST), default=0, metavar="SEED",
                        help="the first one's seed (default: %(default)s)")
    parser.add_argument("--seed", type=_number(0, _MOST), metavar="SEED", help="this walk only")
    parser.add_argument("--steps", type=_number(1, 10000), default=60, metavar="N",
                        help="how long a walk is (default: %(default)s)")
    parser.add_argument("--keep", metavar="LIST", help="with --seed: these steps only, as in "
                        "0-4,9")
    parser.add_argument("--threads", type=_number(1, 256), metavar="N",
                        help="real threads instead, each subject by itself: invariants are "
                        "checked, no logs")
    parser.add_argument("--seconds", type=_number(1, 86400), default=10, metavar="S",
                        help="with --threads: how long (default: %(default)s)")


def main(args: argparse.Namespace) -> int:
    """`mnbench walk`."""
    if args.keep is not None and args.seed is None:
        raise UserError("--keep: goes with --seed")
    names = [name for name in args.subjects.split(",") if name]
    _steps(args)
    plans = []
    for preset in args.preset.split(","):
        if preset not in builds.presets():
            raise UserError(f"--preset {preset}: no such preset; there are "
                            f"{', '.join(builds.presets())}")
        plans.append((preset, choose(preset, names)))
    if args.threads is None:
        for preset, chosen in plans:
            _need_two(preset, chosen)
    good = True
    for preset, chosen in plans:
        if args.threads is not None:
            say(f"{preset}: {args.threads} threads, {args.seconds} s a subject")
            results = [stress(preset, subject, args) for subject in chosen]
        else:
            results = [compare_pair(preset, (chosen[0], other), args) for other in chosen[1:]]
        good = good and all(results)
    return 0 if good else 1
