# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs that have everything a report may meet: for tests only."""

from __future__ import annotations

import json
from pathlib import Path

from synthetic import emulated, failed, reps, run, write

THREADS = (1, 2, 4, 8, 16, 32, 64)
# Names that would break a page which trusts them.
NASTY = '</script><img src="https://nasty.invalid/x" onerror=alert(1)>&<!--'

MACHINE = {
    "schema": 1, "run_id": "run-1", "host": "box", "cpu": {"model": f"Big & Fast {NASTY}"},
    "topology": {"summary": "2 packages, 64 cores, 128 PUs, 2 NUMA nodes"},
    "kernel": {"name": "Linux", "release": "6.12.9-test"}, "order_seed": 7,
    "build": {"compiler": "GNU 14.2.0", "git_revision": "0123456"}, "load": {"1min": 0.1},
    "frequency": {"governor": "powersave"}, "caches": [{"level": 3}, {"level": 2}], "turbo": None,
}
FINDINGS = [
    {"what": "turbo", "found": "on", "severity": "warn", "mend": "echo 1 > no_turbo"},
    {"what": "smt", "found": "2 threads a core", "severity": "note", "mend": ""},
    {"what": "governor", "found": f"powersave {NASTY}", "severity": "severe", "mend": "another"},
    {"what": "swap", "found": "none", "severity": "ok", "mend": ""},
]


def rows(slower: dict[str, float] | None = None, n: int = 10, threads=THREADS,
         **cells) -> list[dict[str, str]]:
    """Of 64 cores, with flags, errors, twins, an upstream and a remedy."""
    found = run(n=n, threads=threads, slower=slower, **cells)
    spread = [dict(r, pin="scatter", real_ns_per_op=repr(float(r["real_ns_per_op"]) * 1.4))
              for r in found if r["pin"] == "compact" and not r["error"]]
    found += spread
    for r in found:
        if r["error"]:
            continue
        if int(r["threads"]) == 32 and r["rep"] in ("1", "2"):
            r["flags"] = "preempted" if r["rep"] == "1" else "stolen;frequency"
        if int(r["threads"]) == 64 and r["family"] == "seq":
            r["flags"] = "oversubscribed;low-overlap" if r["variant"] == "mcs" else "oversubscribed"
            r["overlap"] = "0.3"
        if r["op"] == "range_hit":
            r["flags"] = "unsettled"
        if r["family"] == "srcu" and r["threads"] == "1":
            r["insns_per_op"] = "17"
            r["p50_ns"], r["p99_ns"] = r["real_ns_per_op"], repr(9 * float(r["real_ns_per_op"]))
    found += [dict(r, flags="twin", real_ns_per_op=repr(1.01 * float(r["real_ns_per_op"])))
              for r in found if r["op"] in ("lookup", "read_pair") and r["threads"] == "1"]
    for subject in ("upstream-6.12", "port-lockless"):
        for t in threads:
            found += reps([7.5 * t**1.2] * n, subject=subject, threads=t, params="user_lock:0",
                          pin="none" if t == 1 else "compact", **cells)
    found.append(failed(f"pin xnode: {NASTY}", pin="xnode", **cells))
    return found


def folder(path: Path, doctored: bool = True, **more) -> Path:
    """A whole run's folder."""
    path.mkdir(parents=True)
    everything = rows(**more)
    at = {"run_id": more.get("run_id", "run-1"), "host": more.get("host", "box")}
    for arch, counted in (("arm64", True), ("riscv64", False)):
        everything += [dict(r, **at) for r in emulated(arch, insns=counted)]
    write(path / "mnbench.csv", everything)
    told = {"schema": 1, "utc": "2026-01-31T12:00:00Z", "arch": "x86_64", "execution": "native",
            **at, **MACHINE}
    (path / "machine.json").write_text(json.dumps(told), encoding="utf-8")
    if doctored:
        (path / "doctor.json").write_text(json.dumps(FINDINGS), encoding="utf-8")
    return path
