# SPDX-License-Identifier: GPL-2.0-or-later
"""Who else takes CPU time: other guests, other processes, interrupts, the kernel's own rounds."""

from __future__ import annotations

import os
import re
from collections import Counter

from .machine import Finding, Machine, unknown, wholes

_TOLD = 3
_STEAL, _IDLE, _IOWAIT = 7, 3, 4  # among the figures of /proc/stat's line "cpu"
# The tick, and what CPUs send one another: not from devices.
_INNER = {"LOC", "RES", "CAL", "TLB", "IWI", "NMI", "PMI", "RTR", "MCE", "MCP", "SPU", "IPI0",
          "IPI1", "IPI2", "IPI3", "IPI4", "IPI5", "IPI6", "IPI7", "Err", "ERR", "MIS"}


def _ticks(look: dict[str, str]) -> list[int] | None:
    words = (look.get("proc/stat") or "").split("\n")[0].split()
    return wholes(words[1:9]) if len(words) >= 9 and words[0] == "cpu" else None


def _stolen(ticks: list[int]) -> float:
    """The percentage of what was not idle."""
    return 100 * ticks[_STEAL] / max(1, sum(ticks) - ticks[_IDLE] - ticks[_IOWAIT])


def steal(m: Machine) -> Finding:
    """CPU time that the hypervisor gave to others."""
    was, now = _ticks(m.before), _ticks(m.after)
    if was is None or now is None:
        return unknown("stolen time")
    since_boot = _stolen(now)
    said = f"{since_boot:.1f} % of the busy time since boot"
    lately = 0.0
    if m.seconds:
        taken = max(0, now[_STEAL] - was[_STEAL])
        # Of all CPUs' time: hardly anything is busy while we look.
        lately = 100 * taken / max(1, sum(now) - sum(was))
        said = f"{lately:.1f} % now, {said}"
    if lately > 2 or since_boot > 5:
        return Finding("stolen time", said, "severe",
                       "other guests take CPU time; move, or measure when they rest")
    if lately > 0.2 or since_boot > 1:
        return Finding("stolen time", said, "warn",
                       "other guests take CPU time; move, or measure when they rest")
    return Finding("stolen time", said, "ok")


def load(m: Machine) -> Finding:
    """How many threads wanted to run."""
    text = (m.read("proc/loadavg") or "").split()
    try:
        figure = float(text[0])
    except (IndexError, ValueError):
        return unknown("load")
    said = f"{figure:g} over the last minute"
    if figure > 0.5 * m.cpus():
        return Finding("load", said, "severe", "stop what else runs, wait a minute")
    if figure > 0.2:
        return Finding("load", said, "warn", "stop what else runs, wait a minute")
    return Finding("load", said, "ok")


def _used(look: dict[str, str]) -> dict[tuple[int, str], int]:
    """Ticks that each process has used, by its number and name."""
    used = {}
    for path, text in look.items():
        # The name may have blanks and brackets in it.
        match = re.fullmatch(r"([0-9]{1,10}) \((.*)\) (.*)", text, re.DOTALL)
        ticks = wholes(match[3].split()[11:13]) if match and path.endswith("/stat") else None
        if match and ticks and len(ticks) == 2:
            used[int(match[1]), match[2]] = sum(ticks)
    return used


def _rates(m: Machine) -> Counter[str]:
    """The percentage of a CPU that each other process takes."""
    was, rates = _used(m.before), Counter()
    for who, ticks in _used(m.after).items():
        if who in was and m.seconds and not (m.here and who[0] == os.getpid()):
            rate = 100 * (ticks - was[who]) / os.sysconf("SC_CLK_TCK") / m.seconds
            rates[f"{who[1]} ({who[0]})"] += rate
    return rates


def processes(m: Machine) -> Finding:
    """Those that run now."""
    if m.seconds is None:
        return unknown("other processes", "looked at only once")
    rates = _rates(m)
    total = sum(rates.values())
    said = ", ".join(f"{who} {rate:.0f} %" for who, rate in rates.most_common(_TOLD) if rate >= 1)
    more = sum(rate >= 1 for rate in rates.values()) - _TOLD
    said += f" and {more} more" if more > 0 else ""
    if total > 50:
        return Finding("other processes", f"{said} of a CPU", "severe", "stop them")
    if total > 5:
        return Finding("other processes", f"{said or f'{total:.0f} % together'} of a CPU", "warn",
                       "stop them, or keep them off the CPUs that are measured")
    return Finding("other processes", f"{said} of a CPU" if said else "none that runs", "ok")


def _interrupts(look: dict[str, str]) -> dict[str, list[int]]:
    """Counts by CPU, by the line's first word and its last."""
    lines = (look.get("proc/interrupts") or "").splitlines()
    cpus = len(re.findall(r"CPU\d+", lines[0])) if lines else 0
    counts = {}
    for line in lines[1:]:
        name, _, rest = line.strip().partition(":")
        words = rest.split()
        numbers = wholes(words[:cpus])
        if name not in _INNER and len(words) > cpus and numbers:
            counts[f"{name} {words[-1]}"] = numbers
    return counts


def interrupts(m: Machine) -> Finding:
    """From devices, on the CPU that has most of them."""
    was, now = _interrupts(m.before), _interrupts(m.after)
    if not now or m.seconds is None:
        return unknown("interrupts", "not visible" if not now else "looked at only once")
    rates = {name: [(b - a) / m.seconds for a, b in zip(was[name], counts)]
             for name, counts in now.items() if name in was and len(was[name]) == len(counts)}
    totals = [sum(cpu) for cpu in zip(*rates.values())] or [0.0]
    busiest = max(range(len(totals)), key=totals.__getitem__)
    said = f"{totals[busiest]:.0f} a second from devices on CPU {busiest}"
    if totals[busiest] >= 1:
        said += f", most by {max(rates, key=lambda name: rates[name][busiest])}"
    if totals[busiest] > 1000:
        return Finding("interrupts", said, "severe" if totals[busiest] > 10000 else "warn",
                       "move them to CPUs that are not measured: /proc/irq/N/smp_affinity")
    return Finding("interrupts", said, "ok")


def irqbalance(m: Machine) -> Finding:
    """Whether interrupts are moved about during a run."""
    if any(who[1] == "irqbalance" for who in _used(m.after)):
        return Finding("irqbalance", "runs", "note",
                       "it moves interrupts onto the CPUs that are measured: systemctl stop "
                       "irqbalance")
    return Finding("irqbalance", "does not run", "ok")


def timers(m: Machine) -> Finding:
    """Whether timers of idle CPUs go off on busy ones."""
    text = m.read("proc/sys/kernel/timer_migration")
    if text is None:
        return unknown("timer migration")
    if text == "0":
        return Finding("timer migration", "off", "ok")
    return Finding("timer migration", "on", "note",
                   "others' timers go off on measured CPUs: sysctl kernel.timer_migration=0")


def watchdogs(m: Machine) -> Finding:
    """What looks after CPUs that hang, by interrupts of its own."""
    nmi, soft = (m.read(f"proc/sys/kernel/{name}") for name in ("nmi_watchdog", "soft_watchdog"))
    if nmi is None and soft is None:
        return unknown("watchdogs")
    on = [name for name, text in (("NMI", nmi), ("soft lockup", soft)) if text == "1"]
    if nmi == "1":
        return Finding("watchdogs", ", ".join(on), "note",
                       "it takes a hardware counter, and interrupts: sysctl kernel.nmi_watchdog=0")
    return Finding("watchdogs", ", ".join(on) or "off", "ok")


CHECKS = (steal, load, processes, interrupts, irqbalance, timers, watchdogs)
