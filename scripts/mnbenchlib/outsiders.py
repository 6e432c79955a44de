# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs from outside, and which operation of ours each is held against.

The programs are other projects' own benchmarks, unmodified; what is set are their macros and
arguments. Where one does more than the operation, a program of ours does the same as it, `like` it:
if that one agrees, the difference is explained. bench/README.md has the words for it.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .errors import UserError

# What stands in for sleep() makes a program's seconds so much shorter: bench/outside/nap.c.
SHORTER = 100
SECONDS = 10
WINDOW_NS = SECONDS * 1e9 / SHORTER


@dataclass(frozen=True)
class Program:
    """A program to build; `sources` are in the source package, `ours` in bench/outside."""

    name: str
    package: str
    sources: tuple[str, ...] = ()
    ours: tuple[str, ...] = ()
    words: tuple[str, ...] = ()  # of the compiler, after its flags
    installed: str = ""  # a program of a package that is installed, instead


@dataclass(frozen=True)
class Place:
    """Where threads are, and how often the counter of ck's benchmarks ticks."""

    pus: Sequence[int]
    ticks_per_ns: float = 0.0


Arguments = Callable[[Place], list[str]]


@dataclass(frozen=True)
class Comparison:
    """An operation of ours and a program from outside that does the same."""

    name: str
    benchmark: str  # all of its name but the policy
    program: Program
    arguments: Arguments
    form: str  # of its output: one group that is a number
    figure: Callable[[list[float], Place], float]  # ns of an operation
    threads: int = 1
    row: str = ""  # of a herd: which of its operations
    own_pins: bool = False  # the program places its threads itself
    only_on: tuple[str, ...] = ()
    explained: str = ""  # the key in bench/README.md; empty: it should agree
    like: Program | None = None  # prints what theirs should, if that is the explanation
    like_arguments: tuple[str, ...] = ()  # each but the first a step; none: a PU a thread


def numbers(form: str, output: str) -> list[float]:
    """What a program's output has of the form; none: it has another one now."""
    return [float(text) for text in re.findall(form, output, re.MULTILINE)]


def like_ns(output: str, place: Place) -> float | None:
    """What a program of ours that is like theirs says; None: nothing."""
    found = re.search(r"^([0-9.]+) (ns|ticks)$", output, re.MULTILINE)
    if not found:
        return None
    return float(found[1]) / (place.ticks_per_ns if found[2] == "ticks" else 1)


def _whole_ticks(found: list[float], place: Place) -> float:
    # It cuts the fraction off: half a tick in the middle.
    return (found[0] + 0.5) / place.ticks_per_ns


def _nanoseconds(found: list[float], _place: Place) -> float:
    return found[0]


def _milliseconds(found: list[float], _place: Place) -> float:
    return statistics.median(found) * 1e6


def _per_operation(threads: int, each: int = 1) -> Callable[[list[float], Place], float]:
    """Of one thread, where the program counts those of all, or so many at a time."""
    return lambda found, _place: threads * WINDOW_NS / each / found[0]


# ---- Concurrency Kit: its counter ticks on x86_64 and arm64, rounds to whole ticks ----

_TICKING = ("x86_64", "arm64")
_X86 = ("x86_64",)
_NAP = ("-Dsleep=mnbench_nap",)
_ATTEMPTS = 2_000_000
_RDTSCP = ("-DCK_MD_RDTSCP",)  # not cpuid, for which a virtual machine stops


def _ck(name: str, folder: str, *words: str) -> Program:
    source = name.partition(".")[0]
    ours = ("nap.c",) if set(_NAP) <= set(words) else ()
    return Program(name, "ck", (f"regressions/{folder}/benchmark/{source}.c",), ours,
                   (*words, "-DCORES=1024", "-lm", "-pthread"))


def _like_ck(name: str) -> Program:
    return Program(f"like_{name}", "ck", (), (f"like_{name}.c",), (*_RDTSCP, "-pthread"))


def _no_arguments(_place: Place) -> list[str]:
    return []


def _ck_step(place: Place) -> str:
    """Its threads are on PUs 0, n, 2n, ..."""
    if place.pus[0] != 0:
        raise UserError(f"ck: its benchmarks begin on PU 0, and ours may not use that; leave "
                        f"them out with --only (ours begin on PU {place.pus[0]})")
    return str(place.pus[1] if len(place.pus) > 1 else 1)


def _lock(variant: str, threads: int = 1) -> str:
    return f"seq/read_begin_retry/baseline/variant:{variant}/user_lock:0/threads:{threads}"


def _ck_alone(lock: str, variant: str, **more) -> Comparison:
    program = _ck(f"{lock}.LATENCY", "ck_spinlock", "-DLATENCY", f"-DSTEPS={_ATTEMPTS}")
    return Comparison(lock.replace("_", "-"), _lock(variant), program, _no_arguments,
                      r"^\s*(\d+)$", _whole_ticks, only_on=_TICKING, **more)


def _ck_two(lock: str, variant: str, **more) -> Comparison:
    program = _ck(f"{lock}.THROUGHPUT", "ck_spinlock", "-DTHROUGHPUT", *_NAP)
    return Comparison(f"{lock}-2".replace("_", "-"), _lock(variant, 2), program,
                      lambda place: ["2", _ck_step(place), "0"], r"^# total +: +(\d+)$",
                      _per_operation(2), threads=2, own_pins=True, **more)


def _ck_atomic(atomic: str, variant: str, **more) -> Comparison:
    return Comparison(f"ck-pr-{atomic}", f"probe/atomic/baseline/variant:{variant}/threads:1",
                      _ck(f"ck_pr_{atomic}_64", "ck_pr", *_NAP),
                      lambda place: ["1", _ck_step(place)], r"^# total +: +(\d+)$",
                      _per_operation(1, each=4), own_pins=True, only_on=_X86, **more)


_CK = (
    _ck_alone("ck_fas", "tas"),
    _ck_alone("ck_ticket", "ticket", explained="locked-unlock", like=Program(
        "like_ck_ticket", "ck", (), ("like_ck_ticket.c",), ("-pthread",))),
    _ck_alone("ck_mcs", "mcs", explained="tail-read", like=Program(
        "like_ck_mcs", "ck", (), ("like_ck_mcs.c",), ("-pthread",))),
    _ck_two("ck_ticket", "ticket", explained="lock-line", like=Program(
        "like_ck_two", "ck", (), ("like_ck_two.c", "nap.c"), ("-pthread",))),
    _ck_two("ck_mcs", "mcs"),
    Comparison("ck-sequence", _lock("ck_sequence"), _ck("ck_sequence", "ck_sequence", *_RDTSCP),
               _no_arguments, r"^read: (\d+)$", _whole_ticks, only_on=_TICKING,
               explained="clock-inside", like=_like_ck("ck_sequence")),
    _ck_atomic("add", "lock_add"),
    _ck_atomic("faa", "lock_xadd"),
    _ck_atomic("fas", "xchg"),
    _ck_atomic("cas", "lock_cmpxchg", explained="failing-cas", like=_like_ck("ck_cas")),
    Comparison("ck-fence", "probe/fence/baseline/variant:mfence/threads:1",
               _ck("fp", "ck_pr", *_RDTSCP), _no_arguments, r"^\[C\] fence_memory: (\d+)$",
               _whole_ticks, only_on=_X86, explained="fenced-store", like=_like_ck("ck_fence")),
)


# ---- the C library's own ----

_PTHREAD_LOCKS = Program("bench-pthread-locks", "glibc",
                         ("benchtests/bench-pthread-locks.c", "benchtests/json-lib.c"), (),
                         ("-lm", "-pthread"))


def _glibc(test: str, benchmark: str) -> Comparison:
    return Comparison(f"glibc-{test.replace('_', '-')}", benchmark, _PTHREAD_LOCKS,
                      lambda place: [test], r'^ *"mean": ([0-9.e+]+),$', _nanoseconds)


def _read_pair(variant: str, threads: int = 1) -> str:
    return f"srcu/read_pair/baseline/variant:{variant}/threads:{threads}"


_GLIBC = (
    _glibc("mutex", _lock("pthread_mutex")),
    _glibc("spin_lock", _lock("pthread_spin")),
    _glibc("rwlock_read", _read_pair("rwlock")),
)


# ---- liburcu ----

_HAVE = ("-DHAVE_SCHED_SETAFFINITY", "-DHAVE_GETTID", "-DHAVE_RAND_R")


def _urcu_program(name: str, *words: str) -> Program:
    source = "test_urcu" if name in ("test_urcu_memb", "test_urcu_mb") else name
    return Program(name, "liburcu", (f"tests/benchmark/{source}.c",), ("nap.c",),
                   (*_NAP, *_HAVE, *words, "-pthread"))


def _urcu(name: str, benchmark: str, program: Program, threads: int = 1, **more) -> Comparison:
    """So many readers, nobody who writes."""
    def arguments(place: Place) -> list[str]:
        pins = [word for pu in place.pus[:threads] for word in ("-a", str(pu))]
        return [str(threads), "0", str(SECONDS), *pins]

    return Comparison(name, benchmark, program, arguments, r"nr_reads +(\d+) ",
                      _per_operation(threads), threads=threads, own_pins=True, **more)


def _flavour(flavour: str, header: str, *words: str, explained: str = "") -> Comparison:
    library = f"-lurcu-{flavour}"
    like = Program(f"like_urcu_{flavour}", "liburcu", (), ("like_liburcu.c", "nap.c"),
                   (f'-DTWIN_FLAVOUR=<{header}>', *words, library, "-pthread"))
    return _urcu(f"urcu-{flavour}", _read_pair(f"urcu_{flavour}"),
                 _urcu_program(f"test_urcu_{flavour}", *words, library),
                 explained=explained, like=like if explained else None)


_MUTEX = _urcu_program("test_mutex")
_RWLOCK = _urcu_program("test_rwlock")

_URCU = (
    _urcu("urcu-mutex", _lock("pthread_mutex"), _MUTEX),
    _urcu("urcu-mutex-2", _lock("pthread_mutex", 2), _MUTEX, 2),
    _urcu("urcu-perthreadlock", _lock("pthread_mutex"), _urcu_program("test_perthreadlock")),
    _urcu("urcu-rwlock", _read_pair("rwlock"), _RWLOCK),
    _urcu("urcu-rwlock-2", _read_pair("rwlock", 2), _RWLOCK, 2),
    _flavour("mb", "urcu.h", "-DRCU_MB"),
    _flavour("memb", "urcu.h", explained="counter"),
    _flavour("bp", "urcu-bp.h", explained="counter"),
    _flavour("qsbr", "urcu-qsbr.h", "-DTWIN_QUIESCENT_EVERY=1024", explained="counter"),
)


# ---- perf ----

_PERF_RUNS = 5


def _perf(sleepers: int) -> Comparison:
    count = str(sleepers)
    return Comparison(
        f"perf-wake-{count}", f"wake/wake_all/baseline/variant:futex/sleepers:{count}",
        Program("bench futex wake", "linux-perf", installed="perf"),
        lambda place: ["bench", "-r", str(_PERF_RUNS), "futex", "wake", "-t", count, "-w", count],
        rf"^\[Run \d+\]: Wokeup {count} of {count} threads in ([0-9.]+) ms$", _milliseconds,
        row="wake_all_waker", explained="idle-and-end",
        like=Program("like_perf", "", (), ("like_perf.c",), ("-pthread",)),
        like_arguments=(count, "idle", "end"))


COMPARISONS = (*_CK, *_GLIBC, *_URCU, _perf(64), _perf(256))
