# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel: its clock, its counters, and what it was built to check on the way."""

from __future__ import annotations

import gzip
import os
import re
import zlib

from .machine import Finding, Machine, unknown

_GOOD_CLOCKS = {"tsc", "arch_sys_counter", "riscv_clocksource", "kvm-clock",
                "hyperv_clocksource_tsc_page"}
_SLOW_CLOCKS = {"hpet", "acpi_pm", "jiffies", "refined-jiffies"}
# What makes every lock, every access or every allocation dearer, and what only some.
_HEAVY = ("PROVE_LOCKING", "LOCK_STAT", "DEBUG_LOCK_ALLOC", "KASAN", "KCSAN", "KMSAN", "KCOV",
          "DEBUG_OBJECTS", "DEBUG_KMEMLEAK", "PROVE_RCU", "GCOV_KERNEL", "SLUB_DEBUG_ON")
_LIGHT = ("DEBUG_SPINLOCK", "DEBUG_MUTEXES", "DEBUG_RWSEMS", "DEBUG_ATOMIC_SLEEP", "DEBUG_PREEMPT",
          "DEBUG_LIST", "DEBUG_VM", "UBSAN", "PAGE_TABLE_CHECK_ENFORCED", "DEBUG_PAGEALLOC",
          "PREEMPT_TRACER", "IRQSOFF_TRACER")
_AT_BOOT = re.compile(r"(?<!\S)(slub_debug\S*|slab_debug\S*|debug_pagealloc=on|page_poison=1|"
                      r"kasan=on|page_owner=on|kmemleak=on)(?!\S)")


def clock(m: Machine) -> Finding:
    """What reading the time costs."""
    name = m.read("sys/devices/system/clocksource/clocksource0/current_clocksource")
    if name is None:
        return unknown("clock source")
    if name in _GOOD_CLOCKS:
        return Finding("clock source", name, "ok")
    return Finding("clock source", name, "severe" if name in _SLOW_CLOCKS else "warn",
                   "reading it costs a system call; see dmesg for why the better one was refused")


def counters(m: Machine) -> Finding:
    """Whether instructions can be counted."""
    names = [path.rpartition("/")[2] for path in m.files.paths("sys/bus/event_source/devices/*")]
    cores = [name for name in names if name == "cpu" or name.startswith(("cpu_", "armv", "riscv"))]
    paranoid = m.number("proc/sys/kernel/perf_event_paranoid")
    if not cores:
        return Finding("hardware counters", "none", "note",
                       "no instruction counts from native runs; virtual machines often hide them")
    if paranoid is not None and paranoid > 2 and not (m.here and os.geteuid() == 0):
        return Finding("hardware counters", f"refused (perf_event_paranoid {paranoid:g})", "warn",
                       "sysctl kernel.perf_event_paranoid=2")
    return Finding("hardware counters", ", ".join(sorted(cores)), "ok")


def _config(m: Machine) -> str | None:
    release = (m.read("proc/sys/kernel/osrelease") or "").strip()
    text = m.read(f"boot/config-{release}") if release and "/" not in release else None
    if text is not None:
        return text
    try:
        return gzip.decompress(m.files.bytes("proc/config.gz") or b"").decode(errors="replace")
    except (OSError, EOFError, zlib.error):
        return None


def debugging(m: Machine) -> Finding:
    """Options of a kernel for finding bugs, not for speed."""
    at_boot = _AT_BOOT.findall(m.read("proc/cmdline") or "")
    config = _config(m)
    if not config and not at_boot:
        return unknown("debug kernel", "neither /boot/config-* nor /proc/config.gz")
    built = set(re.findall(r"^CONFIG_(\w+)=y$", config or "", re.MULTILINE))
    heavy = [name for name in _HEAVY if name in built]
    light = [name for name in _LIGHT if name in built]
    said = ", ".join([*heavy, *light, *at_boot])
    if heavy or at_boot:
        return Finding("debug kernel", said, "severe",
                       "system calls and wake-ups cost many times as much: boot another kernel")
    if light:
        return Finding("debug kernel", said, "note", "system calls and wake-ups cost a little more")
    return Finding("debug kernel", "no", "ok")


CHECKS = (clock, counters, debugging)
