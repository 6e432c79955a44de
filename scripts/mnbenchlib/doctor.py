# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench doctor`: what on this machine makes figures lie, and how to mend it."""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from .errors import UserError
from .tables import Block, Table, as_text, emit, wants_colour

SEVERITIES = ["severe", "warn", "note", "unknown", "ok"]
_GOOD_CLOCKS = {"tsc", "arch_sys_counter", "riscv_clocksource", "kvm-clock"}
_SLOW_CLOCKS = {"hpet", "acpi_pm", "jiffies", "refined-jiffies"}


@dataclass(frozen=True)
class Finding:
    """What was looked at, what is there, how bad that is, and what to do about it."""

    what: str
    found: str
    severity: str
    mend: str = ""


class Machine:
    """/proc and /sys below a root, so that a test can make its own machine."""

    def __init__(self, root: str | Path = "/") -> None:
        self.root = Path(root)
        self.here = self.root.resolve() == Path("/")

    def read(self, path: str) -> str | None:
        """The file's text without the last newline; None where there is no such file."""
        try:
            return (self.root / path).read_text(encoding="utf-8", errors="replace").rstrip("\n")
        except OSError:
            return None

    def exists(self, path: str) -> bool:
        return (self.root / path).exists()

    def each(self, pattern: str) -> list[str]:
        """The texts of all files that match."""
        paths = sorted(self.root.glob(pattern))
        texts = (self.read(str(p.relative_to(self.root))) for p in paths)
        return [t for t in texts if t is not None]

    def cpus(self) -> int:
        """CPUs online."""
        online = self.read("sys/devices/system/cpu/online")
        if online is None:
            return os.cpu_count() or 1
        return count_list(online)

    def allowed(self) -> int:
        """CPUs that this process may use."""
        return len(os.sched_getaffinity(0)) if self.here else self.cpus()


def count_list(text: str) -> int:
    """How many numbers a kernel list such as 0-3,8 names."""
    total = 0
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        if first.isdigit() and (not last or last.isdigit()):
            total += int(last or first) - int(first) + 1
    return total


def _cpus(m: Machine) -> Finding:
    online, allowed = m.cpus(), m.allowed()
    said = f"{online} online" + (f", {allowed} allowed" if allowed != online else "")
    if online < 2:
        return Finding("CPUs", said, "severe", "nothing contends on one CPU; use a larger machine")
    if online < 4:
        return Finding("CPUs", said, "warn", "too few for scaling curves; use a larger machine")
    if allowed < online:
        return Finding("CPUs", said, "note", "taskset or a cgroup limits this shell")
    return Finding("CPUs", said, "ok")


def _quota(m: Machine) -> Finding:
    text = m.read("sys/fs/cgroup/cpu.max")
    group = m.read("proc/self/cgroup") or ""
    for line in group.splitlines():
        if line.startswith("0::/"):
            text = m.read(f"sys/fs/cgroup{line[3:].rstrip('/')}/cpu.max") or text
    quota = (text or "").split()
    if len(quota) == 2 and quota[0].isdigit() and quota[1].isdigit() and int(quota[1]):
        share = int(quota[0]) / int(quota[1])
        return Finding("CPU quota", f"{share:g} CPUs", "severe",
                       "the cgroup stops threads mid-run; lift its cpu.max")
    return Finding("CPU quota", "none", "ok")


def _governor(m: Machine) -> Finding:
    names = Counter(m.each("sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"))
    if not names:
        return Finding("governor", "not visible", "unknown",
                       "the host or the firmware sets the frequency")
    said = ", ".join(sorted(names))
    if set(names) == {"performance"}:
        return Finding("governor", said, "ok")
    return Finding("governor", said, "warn", "cpupower frequency-set -g performance")


def _turbo(m: Machine) -> Finding:
    no_turbo = m.read("sys/devices/system/cpu/intel_pstate/no_turbo")
    boost = m.read("sys/devices/system/cpu/cpufreq/boost")
    if no_turbo is None and boost is None:
        return Finding("turbo", "not visible", "unknown")
    if no_turbo == "1" or (no_turbo is None and boost == "0"):
        return Finding("turbo", "off", "ok")
    way = ("echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo" if no_turbo is not None
           else "echo 0 > /sys/devices/system/cpu/cpufreq/boost")
    return Finding("turbo", "on", "warn", way)


def _smt(m: Machine) -> Finding:
    active = m.read("sys/devices/system/cpu/smt/active")
    if active is None:
        return Finding("SMT", "not visible", "unknown")
    if active == "1":
        return Finding("SMT", "on", "note", "pin with compact or scatter, which fill cores first")
    return Finding("SMT", "off", "ok")


def _hypervisor(m: Machine) -> Finding:
    vendor = m.read("sys/class/dmi/id/sys_vendor") or ""
    name = m.read("sys/hypervisor/type")
    flags = m.read("proc/cpuinfo") or ""
    guest = any("hypervisor" in line.split() for line in flags.splitlines()
                if line.startswith("flags"))
    if name or guest or any(v in vendor for v in ("QEMU", "VMware", "Xen", "Amazon EC2")):
        said = name or vendor or "a virtual machine"
        return Finding("hypervisor", said, "warn",
                       "use bare metal for figures to publish; ratios within a run carry further")
    return Finding("hypervisor", "none seen", "ok")


def _steal(m: Machine) -> Finding:
    line = (m.read("proc/stat") or "").split("\n")[0].split()
    if len(line) < 9 or line[0] != "cpu" or not all(x.isdigit() for x in line[1:9]):
        return Finding("stolen time", "not visible", "unknown")
    ticks = [int(x) for x in line[1:9]]
    share = 100 * ticks[7] / max(1, sum(ticks) - ticks[3] - ticks[4])
    said = f"{share:.1f} % of the busy time since boot"
    if share > 1:
        return Finding("stolen time", said, "severe" if share > 5 else "warn",
                       "other guests take CPU time; move, or measure when they rest")
    return Finding("stolen time", said, "ok")


def _load(m: Machine) -> Finding:
    text = (m.read("proc/loadavg") or "").split()
    try:
        load = float(text[0])
    except (IndexError, ValueError):
        return Finding("load", "not visible", "unknown")
    said = f"{load:g} over the last minute"
    if load > 0.5 * m.cpus():
        return Finding("load", said, "severe", "stop what else runs, wait a minute")
    if load > 0.2:
        return Finding("load", said, "warn", "stop what else runs, wait a minute")
    return Finding("load", said, "ok")


def _thp(m: Machine) -> Finding:
    text = m.read("sys/kernel/mm/transparent_hugepage/enabled")
    if text is None or "[" not in text:
        return Finding("huge pages (THP)", "not visible", "unknown")
    mode = text[text.index("[") + 1:].split("]")[0]
    if mode == "always":
        return Finding("huge pages (THP)", mode, "note",
                       "large trees may or may not get them: set madvise or never")
    return Finding("huge pages (THP)", mode, "ok")


def _aslr(m: Machine) -> Finding:
    text = m.read("proc/sys/kernel/randomize_va_space")
    if text is None:
        return Finding("address randomising", "not visible", "unknown")
    if text == "0":
        return Finding("address randomising", "off", "ok")
    return Finding("address randomising", "on", "note",
                   "layout differs from run to run: compare several runs, or use setarch -R")


def _clock(m: Machine) -> Finding:
    name = m.read("sys/devices/system/clocksource/clocksource0/current_clocksource")
    if name is None:
        return Finding("clock source", "not visible", "unknown")
    if name in _GOOD_CLOCKS:
        return Finding("clock source", name, "ok")
    return Finding("clock source", name, "severe" if name in _SLOW_CLOCKS else "warn",
                   "reading it costs a system call; see dmesg for why the better one was refused")


def _isolation(m: Machine) -> Finding:
    isolated = (m.read("sys/devices/system/cpu/isolated") or "").strip()
    tickless = (m.read("sys/devices/system/cpu/nohz_full") or "").strip()
    tickless = "" if tickless == "(null)" else tickless
    if not isolated and not tickless:
        return Finding("isolation", "none", "note",
                       "boot with isolcpus= and nohz_full= for the quietest CPUs")
    said = [f"isolated {isolated}" if isolated else "",
            f"without tick {tickless}" if tickless else ""]
    return Finding("isolation", ", ".join(s for s in said if s), "ok")


def _counters(m: Machine) -> Finding:
    devices = m.root / "sys/bus/event_source/devices"
    names = [p.name for p in devices.glob("*")] if devices.is_dir() else []
    cores = [n for n in names if n == "cpu" or n.startswith(("cpu_", "armv", "riscv"))]
    paranoid = m.read("proc/sys/kernel/perf_event_paranoid")
    root = m.here and os.geteuid() == 0
    if not cores:
        return Finding("hardware counters", "none", "note",
                       "no instruction counts from native runs; virtual machines often hide them")
    if paranoid is not None and paranoid.lstrip("-").isdigit() and int(paranoid) > 2 and not root:
        return Finding("hardware counters", f"refused (perf_event_paranoid {paranoid})", "warn",
                       "sysctl kernel.perf_event_paranoid=2")
    return Finding("hardware counters", ", ".join(sorted(cores)), "ok")


def _idle(m: Machine) -> Finding:
    driver = m.read("sys/devices/system/cpu/cpuidle/current_driver")
    if driver is None:
        return Finding("idle states", "not visible", "unknown")
    if driver == "none":
        return Finding("idle states", "none", "ok")
    return Finding("idle states", driver, "note",
                   "waking a sleeping CPU costs microseconds: hold /dev/cpu_dma_latency at 0")


CHECKS: list[Callable[[Machine], Finding]] = [
    _cpus, _quota, _hypervisor, _steal, _load, _governor, _turbo, _smt, _idle, _clock, _counters,
    _isolation, _thp, _aslr,
]


def examine(root: str | Path = "/") -> list[Finding]:
    machine = Machine(root)
    return [check(machine) for check in CHECKS]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = ("Says what on this machine makes figures lie, how badly, and how to "
                          "mend it. Nothing is changed.")
    parser.add_argument("--strict", action="store_true", help="exit 1 if anything is severe")
    parser.add_argument("--root", default="/", metavar="DIR",
                        help="read DIR/proc and DIR/sys (default: /)")
    parser.add_argument("--format", choices=["text", "json"], default="text")


def as_table(findings: list[Finding]) -> Table:
    table = Table(["what", "found", "severity"], "<<<")
    for f in sorted(findings, key=lambda f: SEVERITIES.index(f.severity)):
        table.rows.append([f.what, f.found, f.severity])
    return table


def main(args: argparse.Namespace) -> int:
    if not Path(args.root, "proc").is_dir():
        raise UserError(f"{args.root}: no proc folder in it; name the root of a system")
    findings = examine(args.root)
    if args.format == "json":
        emit(json.dumps([asdict(f) for f in findings], indent=1) + "\n", None)
    else:
        blocks = [Block(f"This machine ({platform.machine()})" if args.root == "/"
                        else f"The machine below {args.root}", table=as_table(findings))]
        mends = [f"{f.what}: {f.mend}" for f in findings
                 if f.mend and f.severity in ("severe", "warn", "note")]
        if mends:
            blocks.append(Block("What to do", mends))
        emit(as_text(blocks, wants_colour()), None)
    severe = any(f.severity == "severe" for f in findings)
    return 1 if args.strict and severe else 0
