# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench mutate`: puts mistakes into the core, one at a time, and sees the tests find them."""

from __future__ import annotations

import argparse
import os
import queue
import random
import shutil
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from . import argued, mutants
from .arches import TOP
from .commands import say
from .errors import UserError
from .memory import Memory
from .mutants import Mutant
from .trials import CHECKED, TSAN, Tree, snapshot

_ACCEPTED = TOP / "core/tests/mutants.accepted"
_HEADERS = ("linux/mmu_notifier", "linux/percpu", "linux/spinlock", "linux/srcu", "linux/wait",
            "locks/mcs", "locks/pthread", "locks/queued", "locks/tas", "locks/ticket",
            "locks/ttas")
_TOOLS = {"cmake": "cmake", "ninja": "ninja-build", "gcc": "gcc"}
_GOAL = 0.95


def subjects() -> list[str]:
    """The files that are mutated when none is named."""
    return sorted(str(path.relative_to(TOP)) for path in (TOP / "core").glob("*.c")) + \
        [f"core/include/{name}.h" for name in _HEADERS]


def _named(words: list[str]) -> list[str]:
    files = []
    for word in words:
        known = [name for name in subjects() if word in (name, Path(name).name)]
        path = Path(word).resolve()
        if not known and path.is_file() and path.is_relative_to(TOP / "core"):
            known = [str(path.relative_to(TOP))]
        if not known:
            raise UserError(f"{word}: no file of the core's; there are "
                            f"{', '.join(Path(name).name for name in subjects())}")
        files += known
    return files or subjects()


@dataclass(frozen=True)
class Result:
    """A mutant and what became of it: invalid, same, survived, listed, or killed with the way."""

    mutant: Mutant
    verdict: str

    @property
    def killed(self) -> bool:
        """Whether a test saw it."""
        return self.verdict.startswith("killed")

    @property
    def counts(self) -> bool:
        """Whether it is a mutant at all: one that compiles, to something else."""
        return self.verdict != "invalid" and (self.verdict != "same" or self.mutant.is_barrier)


def _judge(tree: Tree, mutant: Mutant, memory: Memory, key: str) -> tuple[str, str]:
    """The verdict, and the test that gave it."""
    if mutant.file in tree.objects:
        if not tree.ninja(*tree.objects[mutant.file]):
            return "invalid", ""
        if tree.object_digest(mutant.file) == tree.digests[mutant.file]:
            return "same", ""
    all_same = True
    for test in memory.order(mutant.file, tree.tests, memory.hint(key)):
        if not tree.ninja(test.target):
            return "invalid", ""
        if tree.is_unaltered(test):
            continue
        all_same = False
        outcome = tree.run(test)
        memory.count(mutant.file, test.name, bool(outcome.why))
        if outcome.why:
            return f"killed: {test.name} {outcome.why}", test.name
    return ("same" if all_same else "survived"), ""


def _try(tree: Tree, mutant: Mutant, memory: Memory) -> Result:
    """The verdict of one mutant, from memory or from a trial."""
    text = mutant.applied(tree.contents[mutant.file].decode())
    key = memory.key(mutant.file, text, tree.flavour)
    verdict = memory.recall(key)
    if verdict is None:
        tree.alter(mutant.file, text)
        try:
            verdict, test = _judge(tree, mutant, memory, key)
        finally:
            tree.restore(mutant.file)
        memory.learn(key, verdict, test)
    return Result(mutant, verdict)


def _work(trees: list[Tree], todo: list[Mutant], memory: Memory, verbose: bool) -> list[Result]:
    """Every mutant tried, a thread a tree."""
    waiting: queue.SimpleQueue[Mutant] = queue.SimpleQueue()
    for mutant in todo:
        waiting.put(mutant)
    results: list[Result] = []
    errors: list[BaseException] = []

    def work(tree: Tree) -> None:
        try:
            while not errors:
                result = _try(tree, waiting.get_nowait(), memory)
                results.append(result)
                if verbose:
                    say(f"{len(results)}/{len(todo)} {result.mutant.place} line "
                        f"{result.mutant.line}: {result.mutant.before} => "
                        f"{result.mutant.after}: {result.verdict}")
                if len(results) % 50 == 0:
                    memory.save()
                    say(f"{len(results)} of {len(todo)} mutants tried")
        except queue.Empty:
            pass
        except BaseException as err:  # told by the main thread
            errors.append(err)

    threads = [threading.Thread(target=work, args=(tree,), daemon=True) for tree in trees]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    memory.save()
    if errors:
        raise errors[0]
    return sorted(results, key=lambda result: (result.mutant.file, result.mutant.start))


def _trees(folder: Path, jobs: int, flavour, contents: dict[str, bytes]) -> list[Tree]:
    trees = [Tree(folder / f"{flavour.name}{job}", flavour, contents) for job in range(jobs)]
    for tree in trees:
        tree.prepare(like=None if tree is trees[0] else trees[0])
    return trees


def _with_tsan(folder: Path, jobs: int, contents: dict[str, bytes], results: list[Result],
               memory: Memory, verbose: bool) -> list[Result]:
    """Missing orders and locks, which x86 and luck hide: the thread sanitizer sees most of them."""
    hidden = [result.mutant for result in results
              if result.mutant.is_race and result.counts and not result.killed]
    if not hidden:
        return results
    say(f"{len(hidden)} dropped barriers and locks again, under the thread sanitizer")
    again = {result.mutant: result for result in
             _work(_trees(folder, jobs, TSAN, contents), hidden, memory, verbose)}
    return [again[result.mutant] if result.mutant in again and again[result.mutant].killed
            else result for result in results]


def _table(results: list[Result], arguments: dict[argued.Key, argued.Argument]) -> None:
    """A line a file."""
    rows: dict[str, Counter[str]] = {}
    for result in results:
        row = rows.setdefault(result.mutant.file, Counter())
        if not result.counts:
            row[result.verdict] += 1
            continue
        row["mutants"] += 1
        argument = arguments.get(result.mutant.key)
        row["killed" if result.killed else argument.kind if argument else "unlisted"] += 1
    total = sum(rows.values(), Counter())
    names = ("mutants", "killed", "equivalent", "model", "accepted", "unlisted")
    print(f"{'file':32}" + "".join(f"{name:>11}" for name in names) + f"{'score':>8}")
    for file, row in [*sorted(rows.items()), ("all", total)]:
        print(f"{file:32}" + "".join(f"{row[name]:11}" for name in names) +
              f"{score(row):8.1%}")
    print(f"not counted: {total['same']} that compile to the same code, "
          f"{total['invalid']} that do not compile")


def score(row: Counter[str]) -> float:
    """The killed ones' share of those that are not equivalent."""
    of = row["killed"] + row["accepted"] + row["unlisted"]
    return row["killed"] / of if of else 1.0


def _report(results: list[Result], path: Path, whole: bool) -> int:
    arguments = argued.read(path)
    _table(results, arguments)
    counted = [result for result in results if result.counts]
    survivors = [result for result in counted if not result.killed]
    unlisted = [result for result in survivors if result.mutant.key not in arguments]
    for result in counted:
        if result.killed and result.mutant.key in arguments:
            say(f"{path.name}: {result.mutant.place}: {result.mutant.after}: dies all the same: "
                f"{result.verdict}")
    tried = {result.mutant.key for result in results}
    if whole:
        for key in arguments:
            if key not in tried:
                say(f"{path.name}: {key[0]}: - {key[1]} + {key[2]}: is no mutant (any more)")
    killed = sum(result.killed for result in counted)
    of = killed + sum(1 for result in survivors if result.mutant.key not in arguments or
                      arguments[result.mutant.key].kind == "accepted")
    if unlisted:
        print(f"\n{len(unlisted)} survive and are not in {path.name}:\n")
        for result in unlisted:
            print(argued.written(result.mutant.key))
    return 1 if unlisted or (of and killed / of < _GOAL) else 0


EXAMPLES = """\
scripts/mnbench mutate --list --match interval_read_retry
scripts/mnbench mutate --sample 20 --seed 3
scripts/mnbench mutate core/mmu_notifier.c --no-tsan
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench mutate`."""
    parser.add_argument("files", nargs="*", metavar="FILE",
                        help="core/*.c or a header with code; default: all of them")
    parser.add_argument("--sample", type=int, metavar="N", help="only N of them")
    parser.add_argument("--seed", type=int, default=1, help="which N (default: 1)")
    parser.add_argument("--match", metavar="TEXT",
                        help="only those whose FILE:FUNCTION, old or new line contains TEXT")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), metavar="N",
                        help="so many at a time (default: %(default)s)")
    parser.add_argument("--recheck", action="store_true",
                        help="try those too that core/tests/mutants.accepted lists")
    parser.add_argument("--list", action="store_true", help="show them, try none")
    parser.add_argument("--no-tsan", action="store_true",
                        help="do not try dropped barriers and locks again under the "
                             "thread sanitizer")
    parser.add_argument("--verbose", action="store_true", help="a line for each that was tried")
    parser.add_argument("--folder", type=Path, default=TOP / "build/mutation", metavar="DIR",
                        help="for the copies and the results (default: build/mutation)")


def _chosen(args: argparse.Namespace, contents: dict[str, bytes]) -> list[Mutant]:
    found = [mutant for file in _named(args.files)
             for mutant in mutants.of_source(file, contents[file].decode())]
    if args.match:
        found = [mutant for mutant in found if any(args.match in part for part in mutant.key)]
    if args.sample is not None:
        found = random.Random(args.seed).sample(found, min(args.sample, len(found)))
    return found


def main(args: argparse.Namespace) -> int:
    """`mnbench mutate`."""
    if args.jobs < 1 or (args.sample is not None and args.sample < 1):
        raise UserError("--jobs and --sample want a number from 1")
    absent = [package for tool, package in _TOOLS.items() if shutil.which(tool) is None]
    if absent:
        raise UserError(f"{', '.join(absent)}: not installed; scripts/mnbench setup installs "
                        f"what is missing")
    contents = snapshot()
    chosen = _chosen(args, contents)
    if args.list:
        for mutant in chosen:
            print(argued.written(mutant.key))
        say(f"{len(chosen)} mutants")
        return 0
    started = time.monotonic()
    folder = args.folder.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise UserError(f"{folder}: {err.strerror}; name another --folder") from err
    memory = Memory(folder / "results.json")
    memory.load(contents)
    arguments = {} if args.recheck else argued.read(_ACCEPTED)
    todo = [mutant for mutant in chosen if mutant.key not in arguments]
    results = _work(_trees(folder, args.jobs, CHECKED, contents), todo, memory,
                    args.verbose) if todo else []
    if not args.no_tsan:
        results = _with_tsan(folder, args.jobs, contents, results, memory, args.verbose)
    results += [Result(mutant, "listed") for mutant in chosen if mutant.key in arguments]
    code = _report(results, _ACCEPTED, not (args.files or args.match or args.sample))
    say(f"{len(chosen)} mutants in {time.monotonic() - started:.0f} s")
    sys.stdout.flush()
    return code
