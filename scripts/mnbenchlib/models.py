# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench models`: the protocols are proven on models, and each proof is seen to fail when the
code's barrier, recheck or flip that it rests on is taken away. core/models/README.md says how the
models' headers are read."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from . import modelled, packages, toolchain
from .arches import TOP
from .commands import say
from .errors import Failed, UserError

MODELS = TOP / "core" / "models"
_DEPTH = 1_000_000
_RUN_SECONDS = {False: 900, True: 7200}
# Two at once in 2 GB; the larger ones alone.
_MEGABYTES = {False: 1000, True: 12000}
_WORKERS = {False: 2, True: 1}

_HEADER = re.compile(r"^ \* (PROOF|FULL|BREAKS|SPARE) (\w+)((?: \w+)*): (.+)$", re.MULTILINE)
_STATES = re.compile(r"^ *(\d+) states, stored", re.MULTILINE)
_DEPTH_REACHED = re.compile(r"depth reached (\d+), errors: (\d+)")
_SECONDS = re.compile(r"elapsed time ([\d.]+) seconds")
_MEMORY = re.compile(r"([\d.]+)\s+total actual memory usage")
_VIOLATED = re.compile(r"^pan:\d+: (.*?)(?: \(at depth \d+\))?$", re.MULTILINE)
_GIVEN_UP = re.compile(r"max search depth too small|memory limit|out of memory|-DMEMLIM", re.I)


@dataclass
class Run:
    """One search: a proof, or a counter-proof that leaves something out."""

    model: str
    name: str
    defines: list[str]
    breaks: str | None  # the property that must fail; None: nothing may
    text: str
    full: bool = False

    @property
    def title(self) -> str:
        """How the user names it."""
        return f"{self.model}/{self.name}"


@dataclass
class Outcome:
    """What a search came to."""

    states: int
    depth: int
    seconds: float
    megabytes: float
    violated: str | None
    complete: bool


def parse(model: str, text: str) -> list[Run]:
    """The runs that a model's header asks for."""
    runs: list[Run] = []
    proofs: dict[str, list[str]] = {}
    for kind, name, words, rest in _HEADER.findall(text):
        if kind in ("PROOF", "FULL"):
            proofs[name] = rest.split()
            runs.append(Run(model, name, proofs[name], None, "", kind == "FULL"))
            continue
        if name not in proofs:
            raise Failed(f"{model}: {kind} {name}: there is no PROOF of that name above it")
        broken, _, why = rest.partition(": ") if kind == "BREAKS" else (None, "", rest)
        left_out = words.split()
        runs.append(Run(model, "-".join([name, *left_out]),
                        [*proofs[name], *(f"-D{word}" for word in left_out)], broken, why))
    if not runs:
        raise Failed(f"{model}: its header asks for no PROOF")
    return runs


def _first_line(output: str) -> str:
    return next((line for line in output.splitlines() if line.strip()), "no output")


def _step(command: list[str], where: Path, title: str, seconds: float) -> str:
    try:
        done = subprocess.run(command, cwd=where, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace",
                              timeout=seconds, check=False)
    except subprocess.TimeoutExpired as err:
        raise Failed(f"{title}: {Path(command[0]).name} took more than {seconds:.0f} s") from err
    if done.returncode:
        raise Failed(f"{title}: {Path(command[0]).name}: {_first_line(done.stdout)}")
    return done.stdout


def read_outcome(output: str) -> Outcome:
    """What the checker printed."""
    reached, states = _DEPTH_REACHED.search(output), _STATES.search(output)
    seconds, memory = _SECONDS.search(output), _MEMORY.search(output)
    if not reached or not states:
        raise Failed(f"the checker ended early: {_first_line(output)}")
    violated = _VIOLATED.search(output) if int(reached[2]) else None
    return Outcome(int(states[1]), int(reached[1]), float(seconds[1]) if seconds else 0.0,
                   float(memory[1]) if memory else 0.0,
                   violated[1] if violated else None, not _GIVEN_UP.search(output))


def search(run: Run, where: Path) -> Outcome:
    """Search all states of one run, or up to the first error."""
    for source in MODELS.glob("*.pml"):
        shutil.copy(source, where)
    limit = _RUN_SECONDS[run.full]
    _step(["spin", "-a", *run.defines, f"{run.model}.pml"], where, run.title, 60)
    # A counter-proof is soon found: compiling would take longest.
    _step(["cc", "-O2" if run.breaks is None else "-O0", "-w", "-DSAFETY", "-DCOLLAPSE",
           f"-DMEMLIM={_MEGABYTES[run.full]}", "-o", "pan", "pan.c"], where, run.title, 300)
    return read_outcome(_step([str(where / "pan"), f"-m{_DEPTH}", "-w20"], where, run.title, limit))


def verdict(run: Run, outcome: Outcome) -> str | None:
    """Why a run is not as its header says; None: it is."""
    if run.breaks is None:
        if outcome.violated:
            return f"fails: {outcome.violated}"
        return None if outcome.complete else "not searched to the end: no proof"
    if outcome.violated is None:
        return f"{run.breaks} holds without it"
    if run.breaks not in outcome.violated:
        return f"{run.breaks} was to fail, and this did: {outcome.violated}"
    return None


def _all_runs(names: list[str]) -> list[Run]:
    present = sorted(path.stem for path in MODELS.glob("*.pml")
                     if "active" in path.read_text(encoding="utf-8"))
    for name in names:
        if name not in present:
            raise UserError(f"{name}: no such model; there are {', '.join(present)}")
    return [run for name in names or present
            for run in parse(name, (MODELS / f"{name}.pml").read_text(encoding="utf-8"))]


def _searched(run: Run) -> tuple[Run, Outcome | None, str | None]:
    """The run, what it came to, and what is wrong with that."""
    with tempfile.TemporaryDirectory(prefix="mnbench-model-") as folder:
        try:
            outcome = search(run, Path(folder))
        except Failed as err:
            return run, None, str(err)
        wrong = verdict(run, outcome)
        return run, outcome, f"{run.title}: {wrong}" if wrong else None


def _trace(run: Run) -> int:
    """The steps that lead to a run's error."""
    with tempfile.TemporaryDirectory(prefix="mnbench-model-") as folder:
        if search(run, Path(folder)).violated is None:
            print(f"{run.title}: no error to trace")
            return 0
        print(_step(["spin", "-t", "-p", "-g", "-l", *run.defines, f"{run.model}.pml"],
                    Path(folder), run.title, 60), end="")
    return 0


def _install() -> None:
    if shutil.which("cc") is None:
        raise UserError("models: no C compiler (cc); scripts/mnbench setup installs one")
    if shutil.which("spin"):
        return
    if not packages.have_apt():
        raise UserError("models: spin is missing, and no apt is here to install it; it is at "
                        "spinroot.com and in most distributions")
    packages.install(packages.missing(["spin"]), toolchain.log())


_ROW = "{:<44} {:<30} {:>11} {:>7} {:>7} {:>6}"


def _check(runs: list[Run], full: bool) -> Iterator[str]:
    """Runs all, prints the table; yields what is wrong."""
    print(_ROW.format("run", "result", "states", "depth", "s", "MB"), flush=True)
    with ThreadPoolExecutor(_WORKERS[full]) as pool:
        for run, outcome, wrong in pool.map(_searched, runs):
            holds = "holds" if run.breaks is None else f"fails: {run.breaks}"
            figures = ("-", "-", "-", "-") if outcome is None else (
                outcome.states, outcome.depth, f"{outcome.seconds:.1f}",
                f"{outcome.megabytes:.0f}")
            print(_ROW.format(run.title, "WRONG" if wrong else holds, *figures), flush=True)
            if wrong:
                yield wrong


EXAMPLES = """\
scripts/mnbench models --list
scripts/mnbench models srcu retry
scripts/mnbench models --trace fair/fair-NO_CLOSED      # the steps to its error
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench models`."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="models; default: all")
    parser.add_argument("--list", action="store_true", help="say what there is, and why")
    parser.add_argument("--full", action="store_true",
                        help="the larger configurations too: minutes, and up to 12 GB")
    parser.add_argument("--trace", metavar="RUN", help="print the steps to RUN's error")
    parser.add_argument("--accept", action="store_true",
                        help="the models were compared with the code as it is now")


def main(args: argparse.Namespace) -> int:
    """`mnbench models`."""
    runs = _all_runs(args.names)
    if args.accept:
        modelled.accept()
        return 0
    if args.list:
        for run in runs:
            size = " (--full)" if run.full else ""
            print(f"{run.title}{size}: {f'breaks {run.breaks}; ' if run.breaks else ''}"
                  f"{run.text or 'all properties hold'}")
        return 0
    _install()
    if args.trace:
        wanted = [run for run in runs if run.title == args.trace]
        if not wanted:
            raise UserError(f"{args.trace}: no such run; scripts/mnbench models --list names them")
        return _trace(wanted[0])
    started = time.monotonic()
    small = [run for run in runs if not run.full]
    wrong = list(modelled.changed(args.names)) + list(_check(small, False))
    if args.full:
        wrong += _check([run for run in runs if run.full], True)
    for line in wrong:
        say(f"mnbench: models: {line}")
    proofs = sum(run.breaks is None for run in runs if args.full or not run.full)
    print(f"{proofs} proofs, {len(small) - sum(r.breaks is None for r in small)} counter-proofs, "
          f"{len(wrong)} wrong, {time.monotonic() - started:.0f} s", flush=True)
    return 1 if wrong else 0
