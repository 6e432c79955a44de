# SPDX-License-Identifier: GPL-2.0-or-later
"""The CPUs: how many, which are ours, how fast they run and whether anything slows them."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from .. import topology
from ..errors import UserError
from ..ranges import as_ranges
from .machine import CPU, Finding, Machine, read_list, unknown, whole, wholes

_FREQ = CPU + "cpu[0-9]*/cpufreq/"
_NO_TURBO = CPU + "intel_pstate/no_turbo"
_BOOST = CPU + "cpufreq/boost"
_HOT_DEGREES = 5  # below the point where the kernel begins to slow things down


def count(m: Machine) -> Finding:
    """How many there are."""
    online = m.cpus()
    if online < 2:
        return Finding("CPUs", f"{online} online", "severe",
                       "nothing contends on one CPU; use a larger machine")
    if online < 4:
        return Finding("CPUs", f"{online} online", "warn",
                       "too few for scaling curves; use a larger machine")
    return Finding("CPUs", f"{online} online", "ok")


def ours(m: Machine) -> Finding:
    """Which of them we may use: taskset, and the control group's cpuset."""
    online = m.online()
    status = m.words("proc/self/status")
    if "Cpus_allowed_list" not in status or not online:
        return unknown("CPUs allowed")
    allowed = read_list(status["Cpus_allowed_list"]) & online
    groups = [read_list(text) for text in m.cgroups("cpuset.cpus.effective") if text.strip()]
    by_group = groups and not groups[0] >= online
    if allowed >= online:
        return Finding("CPUs allowed", "all", "ok")
    said = f"{as_ranges(allowed)} of {as_ranges(online)}"
    if by_group and allowed >= groups[0]:
        return Finding("CPUs allowed", f"{said}, by a cgroup's cpuset", "note",
                       "plans use no others; lift cpuset.cpus to use them")
    return Finding("CPUs allowed", f"{said}, by this shell's affinity", "note",
                   "taskset, or isolcpus=, limits this shell; plans use no others")


def quota(m: Machine) -> Finding:
    """A share of CPU time that the control group, or one above it, is kept to."""
    shares = []
    for text in m.cgroups("cpu.max"):
        numbers = wholes(text.split())
        if numbers and len(numbers) == 2 and numbers[1]:
            shares.append(numbers[0] / numbers[1])
    old = m.number("sys/fs/cgroup/cpu/cpu.cfs_quota_us")
    period = m.number("sys/fs/cgroup/cpu/cpu.cfs_period_us")
    if old and period and old > 0:
        shares.append(old / period)
    if shares:
        return Finding("CPU quota", f"{min(shares):g} CPUs", "severe",
                       "the cgroup stops threads mid-run; lift its cpu.max")
    return Finding("CPU quota", "none", "ok")


def views(m: Machine) -> Finding:
    """Whether everybody tells of the same CPUs; with the binary at hand, hwloc too."""
    online = m.online()
    listed = {number for text in m.cpuinfo("processor") if (number := whole(text)) is not None}
    if listed and online and listed != online:
        return Finding("topology", f"CPUs {as_ranges(online)} are online, /proc/cpuinfo has "
                       f"{as_ranges(listed)}", "severe",
                       "a container shows files that are not the machine's: run outside of it")
    if not m.here:
        return Finding("topology", "consistent", "ok")
    try:
        binary = topology.find_binary(None)
        _, remarks = topology.ask(binary, ["--plan", "--pin=none", "--threads=1"])
    except UserError:
        return Finding("topology", "consistent; hwloc's view not asked for, no binary is built",
                       "ok")
    told = re.search(r"^mnbench: topology: (.*)$", remarks, re.MULTILINE)
    if told:
        return Finding("topology", told[1], "severe", "plans would be wrong: pin by a list, or "
                       "find out which of the two errs")
    return Finding("topology", "consistent, also with hwloc's", "ok")


def governor(m: Machine) -> Finding:
    """Who chooses the frequency."""
    names = Counter(m.each(_FREQ + "scaling_governor"))
    if not names:
        return unknown("governor", mend="the host or the firmware sets the frequency")
    said = ", ".join(sorted(names))
    if set(names) == {"performance"}:
        return Finding("governor", said, "ok")
    return Finding("governor", said, "warn", "cpupower frequency-set -g performance")


def turbo(m: Machine) -> Finding:
    """Whether it may rise above the nominal one, for as long as power and heat allow."""
    no_turbo, boost = m.read(_NO_TURBO), m.read(_BOOST)
    if no_turbo is None and boost is None:
        return unknown("turbo")
    if no_turbo == "1" or (no_turbo is None and boost == "0"):
        return Finding("turbo", "off", "ok")
    way = f"echo 1 > /{_NO_TURBO}" if no_turbo is not None else f"echo 0 > /{_BOOST}"
    return Finding("turbo", "on", "warn", way)


def frequency(m: Machine) -> Finding:
    """What the frequency is now, against the highest."""
    shares, caps = [], []
    for path in m.files.paths(_FREQ + "scaling_cur_freq"):
        folder = str(Path(path).parent)
        now, top, allowed = (m.number(f"{folder}/{name}") for name in (
            "scaling_cur_freq", "cpuinfo_max_freq", "scaling_max_freq"))
        if now and top and top > 0:
            shares.append(now / top)
            caps.append((allowed or top) / top)
    if not shares:
        return unknown("frequency")
    said = f"{min(shares):.0%} to {max(shares):.0%} of the highest" \
        if max(shares) - min(shares) > 0.02 else f"{min(shares):.0%} of the highest"
    if min(caps) < 0.99:
        return Finding("frequency", f"{said}, may not pass {min(caps):.0%}", "warn",
                       "scaling_max_freq holds it down: cpupower frequency-set -u")
    if min(shares) < 0.9:
        return Finding("frequency", said, "note",
                       "it rises under load, or heat and power hold it down: fix it with the "
                       "governor, or compare ratios only")
    return Finding("frequency", said, "ok")


def smt(m: Machine) -> Finding:
    """Whether cores run several threads."""
    active = m.read(CPU + "smt/active")
    if active is None:
        return unknown("SMT")
    if active == "1":
        return Finding("SMT", "on", "note", "pin with scatter, which fills cores first")
    return Finding("SMT", "off", "ok")


def idle(m: Machine) -> Finding:
    """What CPUs do when there is nothing to do."""
    driver = m.read(CPU + "cpuidle/current_driver")
    if driver is None:
        return unknown("idle states")
    if driver == "none":
        return Finding("idle states", "none", "ok")
    return Finding("idle states", driver, "note",
                   "waking a sleeping CPU costs microseconds: hold /dev/cpu_dma_latency at 0")


def isolation(m: Machine) -> Finding:
    """Whether any CPU is kept free of others' threads and of the tick."""
    isolated = (m.read(CPU + "isolated") or "").strip()
    tickless = (m.read(CPU + "nohz_full") or "").strip()
    tickless = "" if tickless == "(null)" else tickless
    if not isolated and not tickless:
        return Finding("isolation", "none", "note",
                       "boot with isolcpus= and nohz_full= for the quietest CPUs")
    said = [f"isolated {isolated}" if isolated else "",
            f"without tick {tickless}" if tickless else ""]
    return Finding("isolation", ", ".join(filter(None, said)), "ok")


def _throttled(look: dict[str, str]) -> int | None:
    counts = [count for path, text in look.items() if path.endswith("_throttle_count")
              and (count := whole(text)) is not None]
    return sum(counts) if counts else None


def _hottest(m: Machine) -> tuple[float, float, str] | None:
    """How far the hottest zone is below its first trip point, its heat, and what it is."""
    found = []
    for path in m.files.paths("sys/class/thermal/thermal_zone*/temp"):
        zone = str(Path(path).parent)
        heat = m.number(path)
        trips = [m.number(trip.replace("_type", "_temp"))
                 for trip in m.files.paths(f"{zone}/trip_point_*_type")
                 if m.read(trip) in ("passive", "hot", "critical")]
        known = [trip for trip in trips if trip and trip > 0]
        if heat and known:
            found.append(((min(known) - heat) / 1000, heat / 1000, m.read(f"{zone}/type") or zone))
    return min(found, default=None)


def thermal(m: Machine) -> Finding:
    """Whether heat slows the CPUs, or is about to."""
    was, now = _throttled(m.before), _throttled(m.after)
    zone = _hottest(m)
    if now is None and zone is None:
        return unknown("heat")
    said = [f"{zone[2]} at {zone[1]:.0f} C, {zone[0]:.0f} below its limit"] if zone else []
    if now:
        said.insert(0, f"throttled {now} times since boot")
    if now and was is not None and now > was:
        return Finding("heat", f"throttled {now - was} times just now", "severe",
                       "CPUs are being slowed down: cool the machine, or lower the frequency")
    if zone and zone[0] < _HOT_DEGREES:
        return Finding("heat", ", ".join(said), "warn", "cool the machine, or lower the frequency")
    if now:
        return Finding("heat", ", ".join(said), "note", "long runs may be slowed down by heat")
    return Finding("heat", ", ".join(said) or "never throttled", "ok")


CHECKS = (count, ours, quota, views, governor, turbo, frequency, smt, idle, isolation, thermal)
