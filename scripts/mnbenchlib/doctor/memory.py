# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory: whether there is enough, and who moves it about."""

from __future__ import annotations

from .machine import Finding, Machine, unknown, whole, wholes

_THP = "sys/kernel/mm/transparent_hugepage/enabled"


def _kib(m: Machine, key: str) -> int | None:
    return whole(m.words("proc/meminfo").get(key, "").partition(" ")[0])


def free(m: Machine) -> Finding:
    """How much can be had without swapping."""
    available, total = _kib(m, "MemAvailable"), _kib(m, "MemTotal")
    if available is None or not total:
        return unknown("memory")
    said = f"{available / 2**20:.1f} of {total / 2**20:.1f} GiB available"
    if available < 256 * 1024:
        return Finding("memory", said, "severe", "free some: large trees will not fit")
    if available < 2**20 or available < total / 10:
        return Finding("memory", said, "warn", "free some: the kernel will reclaim during runs")
    return Finding("memory", said, "ok")


def _swapped(look: dict[str, str]) -> int | None:
    pages = wholes([line.partition(" ")[2] for line in (look.get("proc/vmstat") or "").splitlines()
                    if line.startswith(("pswpin ", "pswpout "))])
    return sum(pages) if pages else None


def swap(m: Machine) -> Finding:
    """Whether anything is being swapped, or was."""
    was, now = _swapped(m.before), _swapped(m.after)
    total, left = _kib(m, "SwapTotal"), _kib(m, "SwapFree")
    if now is None or total is None:
        return unknown("swap")
    if was is not None and now > was:
        return Finding("swap", f"{now - was} pages moved just now", "severe",
                       "memory is short: stop what takes it")
    if total == 0:
        return Finding("swap", "none", "ok")
    used = total - (left or 0)
    if used > 64 * 1024:
        return Finding("swap", f"{used / 2**20:.1f} GiB in use, still", "note",
                       "swapoff -a && swapon -a brings it back")
    return Finding("swap", "still", "ok")


def balancing(m: Machine) -> Finding:
    """Whether the kernel moves pages between nodes by itself."""
    text = m.read("proc/sys/kernel/numa_balancing")
    nodes = len(m.files.paths("sys/devices/system/node/node[0-9]*"))
    if text is None:
        return Finding("NUMA balancing", "not in this kernel", "ok")
    if text == "0" or nodes < 2:
        return Finding("NUMA balancing", "off" if text == "0" else "on, of one node", "ok")
    return Finding("NUMA balancing", f"on, over {nodes} nodes", "warn",
                   "it moves pages and takes faults during runs: sysctl kernel.numa_balancing=0")


def ksm(m: Machine) -> Finding:
    """Whether the kernel looks for equal pages."""
    text = m.read("sys/kernel/mm/ksm/run")
    if text is None:
        return Finding("same-page merging", "not in this kernel", "ok")
    if text == "1":
        return Finding("same-page merging", "on", "warn", "echo 0 > /sys/kernel/mm/ksm/run")
    return Finding("same-page merging", "off", "ok")


def huge_pages(m: Machine) -> Finding:
    """Whether large trees may get them unasked."""
    mode = m.selected(_THP)
    if mode is None:
        return unknown("huge pages (THP)")
    if mode == "always":
        return Finding("huge pages (THP)", mode, "note",
                       "large trees may or may not get them: set madvise or never")
    return Finding("huge pages (THP)", mode, "ok")


def addresses(m: Machine) -> Finding:
    """Whether layout differs from run to run."""
    text = m.read("proc/sys/kernel/randomize_va_space")
    if text is None:
        return unknown("address randomising")
    if text == "0":
        return Finding("address randomising", "off", "ok")
    return Finding("address randomising", "on", "note",
                   "layout differs from run to run: compare several runs, or use setarch -R")


CHECKS = (free, swap, balancing, ksm, huge_pages, addresses)
