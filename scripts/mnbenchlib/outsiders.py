# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs from outside, and which operation of ours each is held against.

The programs are other projects' own benchmarks, unmodified; what is set are their macros and
arguments. bench/README.md says what each explanation is about.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

# What stands in for sleep() makes a program's seconds so much shorter: bench/outside/nap.c.
SHORTER = 20
SECONDS = 10
WINDOW_NS = SECONDS * 1e9 / SHORTER
_NAP = ("-Dsleep=mnbench_nap",)


@dataclass(frozen=True)
class Program:
    """A program from outside; `sources` are in the source package, `ours` in bench/outside."""

    name: str
    package: str
    sources: tuple[str, ...] = ()
    ours: tuple[str, ...] = ()
    words: tuple[str, ...] = ()  # of the compiler, after its flags
    installed: str = ""  # a program of a package that is installed, instead


@dataclass(frozen=True)
class Place:
    """What a figure takes to be understood, and a program to be placed."""

    pus: Sequence[int]
    ticks_per_ns: float = 0.0


@dataclass(frozen=True)
class Comparison:
    """An operation of ours and a program from outside that does the same."""

    name: str
    benchmark: str  # all of its name but the policy
    program: Program
    arguments: Callable[[Place], list[str]]
    form: str  # of its output: one group that is a number
    figure: Callable[[list[float], Place], float]  # ns of an operation
    row: str = ""  # of a herd: which of its operations
    explained: str = ""  # the key in bench/README.md; empty: it should agree
    only_on: tuple[str, ...] = ()
    own_pins: bool = False  # the program places its threads itself


def _no_arguments(_place: Place) -> list[str]:
    return []


def _ticks(found: list[float], place: Place) -> float:
    # It cuts the fraction off: half a tick in the middle.
    return (found[-1] + 0.5) / place.ticks_per_ns


def _nanoseconds(found: list[float], _place: Place) -> float:
    return found[-1]


def _milliseconds(found: list[float], _place: Place) -> float:
    return statistics.median(found) * 1e6


def _operations(found: list[float], _place: Place) -> float:
    return WINDOW_NS / found[-1]


# ---- Concurrency Kit ----

_ATTEMPTS = 5_000_000


def _ck(name: str, folder: str, *words: str) -> Program:
    source = name.partition(".")[0]
    return Program(name, "ck", (f"regressions/{folder}/benchmark/{source}.c",), (),
                   (*words, "-lm", "-pthread"))


def _ck_alone(lock: str, variant: str, explained: str = "") -> Comparison:
    program = _ck(f"{lock}.LATENCY", "ck_spinlock", "-DLATENCY", f"-DSTEPS={_ATTEMPTS}")
    return Comparison(f"ck-{lock.removeprefix('ck_')}",
                      f"seq/read_begin_retry/baseline/variant:{variant}/user_lock:0/threads:1",
                      program, _no_arguments, r"^\s*(\d+)$", _ticks, explained=explained,
                      only_on=("x86_64", "arm64"))


# ---- the C library's own ----

_GLIBC = Program("bench-pthread-locks", "glibc",
                 ("benchtests/bench-pthread-locks.c", "benchtests/json-lib.c"), (),
                 ("-lm", "-pthread"))


def _glibc(test: str, benchmark: str, explained: str = "") -> Comparison:
    return Comparison(f"glibc-{test}".replace("_", "-"), f"{benchmark}/threads:1", _GLIBC,
                      lambda place: [test], r'^ *"mean": ([0-9.e+]+),$', _nanoseconds,
                      explained=explained)


# ---- liburcu ----

def _urcu_program(test: str, source: str, *words: str) -> Program:
    settings = ("-DHAVE_SCHED_SETAFFINITY", "-DHAVE_GETTID", "-DHAVE_RAND_R")
    return Program(test, "liburcu", (f"tests/benchmark/{source}.c",), ("nap.c",),
                   (*_NAP, *settings, *words, "-pthread"))


def _urcu_reader(name: str, benchmark: str, program: Program, explained: str = "") -> Comparison:
    return Comparison(name, f"{benchmark}/threads:1", program,
                      lambda place: ["1", "0", str(SECONDS), "-a", str(place.pus[0])],
                      r"nr_reads +(\d+) ", _operations, explained=explained, own_pins=True)


def _urcu_flavour(flavour: str, source: str, explained: str, *words: str) -> Comparison:
    return _urcu_reader(f"urcu-{flavour}", f"srcu/read_pair/baseline/variant:urcu_{flavour}",
                        _urcu_program(f"test_urcu_{flavour}", source, *words), explained)


# ---- perf ----

_PERF = Program("perf bench futex wake", "linux-perf", installed="perf")
_PERF_RUNS = 5


def _perf(sleepers: int, explained: str) -> Comparison:
    count = str(sleepers)
    return Comparison(f"perf-wake-{count}", f"wake/wake_all/baseline/variant:futex/sleepers:{count}",
                      _PERF, lambda place: ["bench", "-r", str(_PERF_RUNS), "futex", "wake",
                                            "-t", count, "-w", count],
                      rf"^\[Run \d+\]: Wokeup {count} of {count} threads in ([0-9.]+) ms$",
                      _milliseconds, row="wake_all_waker", explained=explained)


COMPARISONS = (
    _ck_alone("ck_fas", "tas"),
    _ck_alone("ck_ticket", "ticket"),
    _ck_alone("ck_mcs", "mcs"),
    _glibc("mutex", "seq/read_begin_retry/baseline/variant:pthread_mutex/user_lock:0"),
    _glibc("spin_lock", "seq/read_begin_retry/baseline/variant:pthread_spin/user_lock:0"),
    _glibc("rwlock_read", "srcu/read_pair/baseline/variant:rwlock"),
    _urcu_reader("urcu-mutex", "seq/read_begin_retry/baseline/variant:pthread_mutex/user_lock:0",
                 _urcu_program("test_mutex", "test_mutex")),
    _urcu_reader("urcu-rwlock", "srcu/read_pair/baseline/variant:rwlock",
                 _urcu_program("test_rwlock", "test_rwlock")),
    _urcu_reader("urcu-perthreadlock", "srcu/read_pair/baseline/variant:percpu_rwlock",
                 _urcu_program("test_perthreadlock", "test_perthreadlock")),
    _urcu_flavour("memb", "test_urcu", "", "-lurcu-memb"),
    _urcu_flavour("mb", "test_urcu", "", "-DRCU_MB", "-lurcu-mb"),
    _urcu_flavour("bp", "test_urcu_bp", "", "-lurcu-bp"),
    _urcu_flavour("qsbr", "test_urcu_qsbr", "", "-lurcu-qsbr"),
    _perf(64, ""),
    _perf(256, ""),
)


def numbers(comparison: Comparison, output: str) -> list[float]:
    """What a program's output has of the form; none: it has another one now."""
    return [float(text) for text in re.findall(comparison.form, output, re.MULTILINE)]
