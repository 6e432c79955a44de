# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench run`: one folder of results from the binaries of one or more architectures."""

from __future__ import annotations

import argparse
import secrets
from pathlib import Path

from . import builds, child, doctor, folders, measure, parts, record
from .arches import ARCHES, TOP, host
from .commands import say
from .errors import UserError
from .helptext import offer
from .measure import Run
from .parts import Part
from .record import Binary, Record
from .tables import write_whole

PROFILES = ("quick", "full")
# What shapes a run, and must be the same when it is continued.
_OPTIONS = ("profile", "arch", "preset", "against", "families", "filter", "pin", "threads", "seed",
            "repetitions", "target", "budget", "twins", "flags")


def words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


EXAMPLES = """\
scripts/mnbench run --profile full
scripts/mnbench run --families srcu --threads 1,2,4 --pin compact,scatter
scripts/mnbench run --families seq --against ~/old/build --out ab
scripts/mnbench run --resume results/local/stopped
scripts/mnbench run --preset native -- --window 200
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench run`."""
    parser.usage = "mnbench run [options] [-- flags of the binary]"
    parser.epilog = ("Flags after -- go to the binary as they are: build/PRESET/bench/mnbench "
                     "--help lists them. exit: 0 done, 1 a binary failed (the rows before "
                     "that are kept), 2 bad input, 130 interrupted.")
    parser.add_argument("--profile", choices=PROFILES,
                        help="quick: a few minutes for three architectures (default); full: what "
                             "to publish")
    one = parser.add_argument("--arch", type=words, metavar="A,B",
                              help=f"of {', '.join(ARCHES)}; default: those that are built here")
    offer(one, ARCHES, listed=True)
    one = parser.add_argument("--preset", metavar="PRESET",
                              help="run this build (native, debug, ...), not the architectures' "
                                   "own")
    offer(one, builds.presets())
    parser.add_argument("--out", type=Path, metavar="DIR",
                        help="the folder, new or empty; default: results/local/RUN_ID")
    parser.add_argument("--families", metavar="A,B", help="only these families")
    parser.add_argument("--filter", metavar="REGEX", help="only benchmarks whose name matches")
    parser.add_argument("--pin", metavar="POLICY,..", help="instead of the profile's policies")
    parser.add_argument("--threads", metavar="N,..", help="instead of the profile's thread counts")
    _add_schedule(parser)
    parser.add_argument("--strict", action="store_true",
                        help="measure nothing if `mnbench doctor` finds something severe")
    parser.add_argument("flags", nargs="*", metavar="FLAG", help=argparse.SUPPRESS)


def _add_schedule(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how often, in which order, beside what")
    group.add_argument("--repetitions", type=int, metavar="N",
                       help="of every benchmark, at least (10; with --against enough to decide)")
    group.add_argument("--target", type=float, metavar="PERCENT",
                       help="it needs no more once the 95 %% interval of its median is within so "
                            "much of the median (2; 0: each gets --repetitions)")
    group.add_argument("--budget", type=float, metavar="SECONDS",
                       help="of an architecture; after these none gets more than --repetitions "
                            "(quick: 75, full: 900, with --against twice that; 0: no limit)")
    group.add_argument("--twins", type=int, metavar="N",
                       help="so many are measured twice, for the run's noise floor (16)")
    group.add_argument("--seed", type=int, metavar="N", help="of the random order (made up)")
    group.add_argument("--against", metavar="OTHER",
                       help="measure another build in lock-step, for `mnbench compare`: a preset, "
                            "a build folder or a binary; its run goes to DIR/against")
    group.add_argument("--resume", type=Path, metavar="DIR",
                       help="go on with an interrupted run, with the options that it has")


# ---- what to run ----

def _new_record(args: argparse.Namespace) -> Record:
    return Record(record.make_run_id(), {name: getattr(args, name) for name in _OPTIONS},
                  lockstep=secrets.token_hex(8) if args.against else None)


def _begin(args: argparse.Namespace) -> Run:
    """A new run."""
    args.profile = args.profile or PROFILES[0]
    args.seed = secrets.randbits(32) if args.seed is None else args.seed
    if args.against is not None:
        args.against = str(parts.find_other(args.against))
    chosen, other = _parts(args)
    args.arch = [part.arch for part in chosen]  # what is built here may be more another day
    if all(part.benchmarks == 0 for part in chosen):
        raise UserError("run: no benchmark is left by --families, --filter, --pin and --threads; "
                        "build/PRESET/bench/mnbench --benchmark_list_tests lists them")
    made = _new_record(args)
    made.binaries = [Binary(part.arch, str(part.program), record.digest(part.program))
                     for part in (*chosen, other) if part is not None]
    folder = args.out or TOP / "results" / "local" / made.run_id
    return Run(made, folder, chosen, other, False, parts.budget(args))


def _parts(args: argparse.Namespace) -> tuple[list[Part], Part | None]:
    def chosen() -> list[Part]:
        return [parts.of_preset(arch, preset, args) for arch, preset in wanted.items()]

    wanted = parts.presets(args)
    found = chosen()
    if args.against is None:
        return found, None
    if args.repetitions is None:
        args.repetitions = parts.rounds_for(found[0])
        found = chosen()
    # The last one refuses what is emulated.
    return found, parts.other(found[-1], args)


def _go_on(args: argparse.Namespace) -> Run:
    """An interrupted run."""
    if args.out is not None:
        raise UserError("--resume names the folder: leave --out out")
    known = record.read(args.resume)
    if args.against is not None:
        args.against = str(parts.find_other(args.against))
    for name in _OPTIONS:
        asked, had = getattr(args, name), known.options.get(name)
        if asked not in (None, [], had) and (name != "arch" or set(asked) != set(had)):
            was = "without it" if had in (None, []) else f"with {_spelled(had)}"
            raise UserError(f"--{name} {_spelled(asked)}: {args.resume} was begun {was}; leave it "
                            f"out, or start a new run")
        setattr(args, name, had)
    record.check_unchanged(args.resume, known)
    if known.finished():
        return Run(known, args.resume, [], None, True, 0)
    chosen, other = _parts(args)
    return Run(known, args.resume, chosen, other, True, parts.budget(args))


def _spelled(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


# ---- the command ----

def _examine(strict: bool, folder: Path) -> None:
    """What makes figures lie here, in one line, and kept; `strict`: or nothing is measured."""
    findings = doctor.examine()
    severities = [finding.severity for finding in findings]
    severe, warn = severities.count("severe"), severities.count("warn")
    if severe and strict:
        raise UserError(f"--strict: {severe} severe findings about this machine; scripts/mnbench "
                        f"doctor names them and their remedies")
    if severe or warn:
        say(f"this machine: {severe} severe findings, {warn} warnings: scripts/mnbench doctor")
    if not (folder / doctor.NAME).exists():  # one that goes on keeps what it began with
        write_whole(folder / doctor.NAME, doctor.as_json(findings))


def main(args: argparse.Namespace) -> int:
    """`mnbench run`."""
    run = _go_on(args) if args.resume else _begin(args)
    if run.record.finished():
        say(f"{run.folder}: finished already; nothing is left to do")
        print(run.folder)
        return 0
    with child.interruptible(), folders.owned(run.folder, run.resumed):
        if any(part.arch == host() for part in run.parts):
            _examine(args.strict, run.folder)
        code = measure.execute(run)
    print(run.folder)
    return code
