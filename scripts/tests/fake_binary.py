# SPDX-License-Identifier: GPL-2.0-or-later
"""A benchmark that measures nothing, with the real one's flags: for tests only."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from synthetic import COLUMNS, row

# What the rows of all its benchmarks say, and the end of their names in the list.
WHOLE = "/variant:queued/threads:1/pin:none"
SWITCHES = {"--benchmark_list_tests", "--baton", "--resume"}


@dataclass
class Fake:
    """What it has, and what goes wrong with it."""

    arch: str = "x86_64"
    names: list[str] = field(default_factory=lambda: ["seq/a/port", "seq/b/port"])
    slower: float = 1.0
    twins: int = 0
    noise: float = 0.001  # at most, as a share
    suffix: str = ""  # of the names in its list
    wants: int = 1  # repetitions, where it is not told
    settled_after: int = 0  # rounds, beyond those repetitions
    yields: int = 0  # in the middle of each repetition
    fault: str = ""  # KIND [ROUND]; else $FAKE says


def program(path: Path, fake: Fake) -> None:
    """Writes it as a program of its own."""
    here = Path(__file__).resolve().parent
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/usr/bin/python3\nimport sys\nsys.dont_write_bytecode = True\n"
                    f"sys.path.insert(0, {str(here)!r})\nimport fake_binary\n"
                    f"from fake_binary import Fake\n"
                    f"sys.exit(fake_binary.main({fake!r}, sys.argv[1:]))\n", encoding="utf-8")
    path.chmod(0o755)


def _chance(*words: object) -> int:
    return int.from_bytes(hashlib.blake2b(repr(words).encode(), digest_size=8).digest(), "big")


class _Run:
    def __init__(self, fake: Fake, words: list[str]) -> None:
        self.fake = fake
        self.flags: dict[str, str] = {}
        words = iter(words)
        for word in words:
            name, equals, value = word.partition("=")
            self.flags[name] = value if equals or name in SWITCHES else next(words)
        self.fault, _, at = (fake.fault or os.environ.get("FAKE", "")).partition(" ")
        self.at = int(at or 0)
        self.execution = self.flags.get("--execution", "native")
        self.seed = self.flags.get("--seed", "0")
        self.repetitions = int(self.flags.get("--repetitions", fake.wants))
        self.twins = int(self.flags.get("--twins", fake.twins))
        self.run_id = self.flags.get("--run-id", "")
        self.plant, _, percent = self.flags.get("--plant", "").rpartition(":")
        self.percent = float(percent or 0)
        self.done: set[tuple[str, int]] = set()
        if "--resume" in self.flags:
            self._look_back()

    def _look_back(self) -> None:
        with open(self.flags["--csv"], encoding="utf-8", newline="") as source:
            for cells in csv.DictReader(source):
                self.run_id = cells["run_id"]
                here = (cells["arch"], cells["execution"]) == (self.fake.arch, self.execution)
                if here and self.fault != "forget":
                    name = f"{cells['family']}/{cells['op']}/{cells['subject']}"
                    self.done.add((name, int(cells["rep"])))

    def value(self, name: str, rep: int, flags: str) -> str:
        noise = _chance(self.seed, self.run_id, name, rep, flags) % 1000 * 1e-3 * self.fake.noise
        planted = self.percent if self.plant and re.search(self.plant, name + WHOLE) else 0
        return repr(10 * self.fake.slower * (1 + noise) * (1 + planted / 100))

    def append(self, name: str, rep: int, error: str = "") -> None:
        family, op, subject = name.split("/")
        measured = ["", "twin"] if self.fake.names.index(name) < self.twins else [""]
        path = Path(self.flags["--csv"])
        with path.open("a", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
            if path.stat().st_size == 0:
                writer.writeheader()
            for flags in measured:
                value = {} if error else {"real_ns_per_op": self.value(name, rep, flags)}
                writer.writerow(row(run_id=self.run_id, arch=self.fake.arch,
                                    execution=self.execution, family=family, op=op,
                                    subject=subject, rep=rep, flags=flags, error=error,
                                    iterations=os.getpid(), **value))

    def go_wrong(self, rep: int) -> None:
        """As asked, in the middle of a repetition."""
        if rep < self.at:
            return
        if self.fault == f"crash:{self.execution}":
            sys.stderr.write("BUG: at here.c:7\n")
            sys.stderr.flush()
            os.kill(os.getpid(), signal.SIGSEGV)
        if self.fault == "die":
            sys.stderr.write("out of luck\n")
            sys.exit(3)
        if self.fault == "hang":
            time.sleep(60)
        if self.fault == "nonsense":
            print("42", flush=True)
        if self.fault == "slow":
            time.sleep(0.01)

    def measure(self, name: str, rep: int) -> None:
        if (name, rep) in self.done:
            return
        if self.fault == "skip" and name == self.fake.names[-1]:
            self.append(name, rep, "no SMT")
            return
        self.append(name, rep)
        if name == self.fake.names[0]:
            self.go_wrong(rep)

    def alone(self) -> int:
        rounds = 10**6 if self.fault == "slow" else self.repetitions
        for rep in range(rounds):
            for name in self.fake.names:
                self.measure(name, rep)
        return 0

    def _wait_in_turn(self, name: str, rep: int) -> bool:
        """In a shared group: before a benchmark, and some times in the middle of it."""
        lines = [f"next {_chance(self.seed, rep, name):016x}", *["yield"] * self.fake.yields]
        for line in lines:
            print(line, flush=True)
            if sys.stdin.readline() != "go\n":
                return False
        return True

    def in_turn(self) -> int:
        rounds = 10**6 if self.fault == "slow" else self.repetitions + self.fake.settled_after
        for rep in range(3 * rounds):
            groups: dict[str, list[str]] = {}
            for name in self.fake.names:
                groups.setdefault(name.rpartition("/")[0], []).append(name)
            busy = False
            for group in sorted(groups, key=lambda g: _chance(self.seed, rep, g)):
                there = all((name, rep) in self.done for name in groups[group])
                state = "open" if rep < rounds and not there else "settled"
                print(f"turn {rep} {_chance(self.seed, rep, group):016x} {state} {group}",
                      flush=True)
                answer = sys.stdin.readline()
                if not answer:
                    return 0
                busy |= there
                if answer in ("go\n", "share\n"):
                    busy = True
                    for name in sorted(groups[group], key=lambda n: _chance(self.seed, rep, n)):
                        if answer == "share\n" and not self._wait_in_turn(name, rep):
                            return 0
                        self.measure(name, rep)
                    print("done", flush=True)
            if not busy and rep >= rounds:
                break
        print("end", flush=True)
        return 0


def main(fake: Fake, words: list[str]) -> int:
    """The whole program."""
    run = _Run(fake, words)
    if run.fault == "bad":
        sys.stderr.write("mnbench: --families nope: no such family; there are seq, srcu\n")
        return 2
    if "--benchmark_list_tests" in run.flags:
        print("\n".join(name + fake.suffix for name in fake.names if run.fault != "none"))
        return 0
    if run.fault == "late":
        sys.stderr.write("mnbench: --pin kind:9: no such kind of CPU\n")
        return 2
    if "--machine" in run.flags:
        told = {"schema": 1, "run_id": run.run_id, "utc": "2026-01-31T12:00:00Z", "host": "box",
                "arch": fake.arch, "execution": run.execution}
        Path(run.flags["--machine"]).write_text(json.dumps(told), encoding="utf-8")
    if "--topology" in run.flags:
        Path(run.flags["--topology"]).write_text("{}\n", encoding="utf-8")
    if run.fault == "odd":
        sys.stderr.write("mnbench: topology: hwloc sees less\n")
    return run.in_turn() if "--baton" in run.flags else run.alone()
