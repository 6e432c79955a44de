# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench fuzz`: libFuzzer on the core, against the models in core/fuzz/."""

from __future__ import annotations

import argparse
import os
import random
import re
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from . import packages
from .arches import TOP
from .commands import logged, say
from .errors import Failed, UserError
from .helptext import offer

_COMPILE = ("clang", "-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-fno-strict-aliasing",
            "-fno-omit-frame-pointer", "-D_GNU_SOURCE", "-DCONFIG_PROVE_LOCKING",
            "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=undefined", "-pthread")
# The calls of the core that come to the target instead.
_WRAPPED = {"ops": ("wait_queue_sleep", "wait_queue_wake")}
# An input is thousands of calls in milliseconds: what takes this long hangs.
_HANG_SECONDS = 20
_REDUCE_SECONDS = 15
_TELLING = re.compile(r"^(WRONG: .*|BUG: .*|.*runtime error: .*|==\d+==ERROR: (?!libFuzzer).*|"
                      r"==\d+== ERROR: libFuzzer: .*)$", re.MULTILINE)


@dataclass
class Outcome:
    """What a target did."""

    target: str
    executions: int
    coverage: int
    seconds: int
    corpus: int
    finding: Path | None = None
    reason: str = ""
    replay: str = ""

    def __str__(self) -> str:
        done = (f"{self.target}: {self.executions} inputs, {self.coverage} edges covered, "
                f"{self.corpus} kept")
        if self.finding is None:
            return f"{done}, nothing found"
        size = self.finding.stat().st_size
        return f"{done}\n  FOUND {self.reason}\n  replay ({size} bytes): {self.replay}"


def targets() -> list[str]:
    """What there is to fuzz: core/fuzz/fuzz_NAME.c."""
    return sorted(path.stem.removeprefix("fuzz_")
                  for path in (TOP / "core/fuzz").glob("fuzz_*.c"))


def build(target: str, folder: Path) -> Path:
    """The program, compiled together with the core so that it sees the core's branches."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / f"fuzz_{target}"
    sources = [*sorted((TOP / "core").glob("*.c")), TOP / "core/fuzz" / f"fuzz_{target}.c"]
    wrapped = [f"-Wl,--wrap={name}" for name in _WRAPPED.get(target, ())]
    log = folder / "build.log"
    log.unlink(missing_ok=True)
    logged([*_COMPILE, f"-I{TOP}/core/include", *map(str, sources), *wrapped, "-o", str(program)],
           log, f"compile fuzz_{target}")
    return program


def _start(program: Path, *arguments: object, seconds: float | None = None) -> str:
    """Its output; the address layout is fixed since old sanitizers give up on a wide one."""
    command = ["setarch", os.uname().machine, "--addr-no-randomize", str(program),
               *map(str, arguments)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace",
                              timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise Failed(f"{program.name}: did not end in {seconds:.0f} s") from None
    return done.stdout


def _last(pattern: str, output: str) -> int:
    found = re.findall(pattern, output)
    return int(found[-1]) if found else 0


def _reduced(program: Path, finding: Path) -> Path:
    """A shorter input that fails too, or the same."""
    shorter = finding.with_name(f"short-{finding.name}")
    shorter.unlink(missing_ok=True)
    try:
        _start(program, finding, "-minimize_crash=1", f"-max_total_time={_REDUCE_SECONDS}",
               f"-exact_artifact_path={shorter}", f"-timeout={_HANG_SECONDS}",
               "-close_fd_mask=2", seconds=4 * _REDUCE_SECONDS)
    except Failed:
        pass  # on a busy machine; what it has got to serves
    return shorter if shorter.exists() else finding


def _reason(program: Path, finding: Path) -> str:
    """What the target says of an input, where it says something itself."""
    output = _start(program, finding, f"-timeout={_HANG_SECONDS}", seconds=4 * _HANG_SECONDS)
    said = _TELLING.findall(output)
    return said[0].strip() if said else "nothing the second time: it does not repeat"


def run(target: str, folder: Path, seconds: int, seed: int) -> Outcome:
    """Build one target and run it for a time, or until it finds something."""
    folder = folder / target
    program = build(target, folder)
    corpus = folder / "corpus"
    corpus.mkdir(exist_ok=True)
    before = set(folder.iterdir())
    # What the core warns of, on standard error, is part of what is tested: nobody reads it.
    output = _start(program, corpus, f"-max_total_time={seconds}", f"-seed={seed}",
                    f"-artifact_prefix={folder}/", f"-timeout={_HANG_SECONDS}", "-close_fd_mask=2",
                    "-print_final_stats=1", "-rss_limit_mb=4096",
                    seconds=seconds + 10 * _HANG_SECONDS)
    (folder / "run.log").write_text(output, encoding="utf-8")
    outcome = Outcome(target, _last(r"stat::number_of_executed_units: (\d+)", output),
                      _last(r"cov: (\d+)", output), seconds, sum(1 for _ in corpus.iterdir()))
    found = sorted(path for path in set(folder.iterdir()) - before
                   if re.match(r"(crash|leak|timeout|oom|slow-unit)-", path.name))
    found = [path for path in found if not path.name.startswith("slow-unit-")]
    wrote = re.search(r"Test unit written to (\S+)", output)
    if wrote and not found and "/slow-unit-" not in wrote.group(1):
        found = [Path(wrote.group(1))]  # the same as the last time: it has the same name
    if found:
        outcome.finding = (_reduced(program, found[0]) if found[0].name.startswith("crash-")
                           else found[0])
        outcome.reason = _reason(program, outcome.finding)
        outcome.replay = shlex.join([str(program), str(outcome.finding)])
    elif not outcome.executions:
        raise Failed(f"fuzz_{target}: it did not run (see {folder}/run.log)")
    return outcome


EXAMPLES = """\
scripts/mnbench fuzz --seconds 10
scripts/mnbench fuzz itree --seed 7
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench fuzz`."""
    one = parser.add_argument("targets", nargs="*", metavar="TARGET",
                              help=f"{', '.join(targets())}; default: all")
    offer(one, targets())
    parser.add_argument("--seconds", type=int, default=60, metavar="N",
                        help="how long for each target (default: 60)")
    parser.add_argument("--seed", type=int, metavar="N", help="for the fuzzer's choices")
    parser.add_argument("--folder", type=Path, default=TOP / "build/fuzz", metavar="DIR",
                        help="for programs, corpora and findings (default: build/fuzz)")


def main(args: argparse.Namespace) -> int:
    """`mnbench fuzz`."""
    for target in args.targets:
        if target not in targets():
            raise UserError(f"{target}: nothing to fuzz by that name; there are "
                            f"{', '.join(targets())}")
    if not 1 <= args.seconds <= 1_000_000:
        raise UserError(f"--seconds {args.seconds}: between 1 and 1000000")
    seed = random.randrange(1, 1 << 31) if args.seed is None else args.seed
    if not 1 <= seed < 1 << 32:
        raise UserError(f"--seed {seed}: between 1 and {(1 << 32) - 1}")
    folder = args.folder.resolve()
    if packages.have_apt():
        absent = packages.missing(packages.needed("prove"))
        if absent:
            packages.install(absent, folder / "install.log")
    chosen = list(dict.fromkeys(args.targets)) or targets()
    say(f"fuzzing {', '.join(chosen)} for {args.seconds} s each, --seed {seed}")
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        outcomes = list(pool.map(lambda name: run(name, folder, args.seconds, seed), chosen))
    for outcome in outcomes:
        print(outcome)
    return 1 if any(outcome.finding for outcome in outcomes) else 0
