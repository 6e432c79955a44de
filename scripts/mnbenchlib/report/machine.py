# SPDX-License-Identifier: GPL-2.0-or-later
"""Which machine a run was measured on, and how far its figures can be trusted."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from .. import doctor, floor, results
from ..doctor import Finding
from ..errors import UserError

_HARMLESS = {"oversubscribed", "multiplexed"}  # as asked for
_BUSY = 0.5  # of a load average before a run: somebody else is at work


def _load(path: Path) -> dict | list | None:
    """What a JSON file beside the CSV holds; None where there is no such file."""
    if not path.exists():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        reason = re.sub(r"\s+", " ", str(err))
        raise UserError(f"{path}: not readable JSON ({reason}); run again, or take the file away"
                        ) from err


def read(csv: Path) -> dict:
    """machine.json beside a CSV, or what a board's own run called it: NAME.json."""
    name = "machine.json" if csv.name == results.CSV_NAME else f"{csv.stem}.json"
    told = _load(csv.with_name(name))
    return told if isinstance(told, dict) else {}


def inside(told: dict, path: str):
    """A value by its path, None where it is not told."""
    value: object = told
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def facts(told: dict, table: pd.DataFrame) -> list[tuple[str, str]]:
    """What is named first: machine, kernel, build."""
    def word(path: str) -> str:
        value = inside(told, path)
        return "" if value is None else str(value)

    first = table.iloc[0]
    build = ", ".join(p for p in (word("build.compiler"), word("build.git_revision")) if p)
    kernel = " ".join(p for p in (word("kernel.name"), word("kernel.release")) if p)
    pairs = [("Machine", word("cpu.model") or word("cpu.board") or "its model is not told"),
             ("Topology", word("topology.summary")), ("Kernel", kernel), ("Build", build),
             ("Measured", f"{first['utc'].replace('T', ' ')[:16]} UTC")]
    return [(name, value) for name, value in pairs if value]


def flat(value, name: str = "") -> list[tuple[str, str]]:
    """Everything that is told, a line each."""
    if isinstance(value, dict):
        return [pair for key, inner in value.items()
                for pair in flat(inner, f"{name}.{key}" if name else str(key))]
    if isinstance(value, list) and any(isinstance(v, (dict, list)) for v in value):
        return [pair for i, inner in enumerate(value) for pair in flat(inner, f"{name}[{i}]")]
    if isinstance(value, list):
        return [(name, ", ".join(str(v) for v in value))]
    return [(name, "" if value is None else str(value))]


# ---- how far to trust it ----

def _doctored(csv: Path, told: dict) -> list[Finding] | None:
    """What the doctor found before the run, if that was kept."""
    kept = told.get("doctor") or _load(csv.with_name(doctor.NAME))
    if not isinstance(kept, list):
        return None
    known = [{k: str(v) for k, v in one.items() if k in ("what", "found", "severity", "mend")}
             for one in kept if isinstance(one, dict)]
    return [Finding(**one) for one in known if {"what", "found", "severity"} <= set(one)
            and one["severity"] in doctor.SEVERITIES]


def _from_machine(told: dict) -> list[Finding]:
    """What machine.json alone lets one see."""
    found = []
    if inside(told, "hypervisor.present"):
        kind = inside(told, "hypervisor.type") or "of no known kind"
        found.append(Finding("virtual machine", f"{kind}: ratios carry further than nanoseconds",
                             "warn"))
    load = inside(told, "load.1min")
    if isinstance(load, (int, float)) and load > _BUSY:
        found.append(Finding("load", f"{load:.2f} when the run began", "warn"))
    governor = inside(told, "frequency.governor")
    if governor not in (None, "performance"):
        found.append(Finding("frequency", f"governor {governor}", "warn"))
    disagreement = inside(told, "topology.disagreement")
    if disagreement:
        found.append(Finding("topology", f"hwloc and the kernel differ: {disagreement}", "warn"))
    return found


def _share(count: int, of: int, what: str) -> str:
    return f"{count} of {of} {what}"


def _of_rows(table: pd.DataFrame, rows: pd.DataFrame) -> list[Finding]:
    """What the figures themselves tell."""
    found = []
    measured = rows[rows["error"] == ""]
    native = measured[measured["execution"] == "native"]
    emulated = len(measured) - len(native)
    if emulated:
        whole = emulated == len(measured)
        found.append(Finding("emulation", _share(emulated, len(measured), "benchmarks: "
                             "times say nothing of hardware"), "severe" if whole else "note"))
    if len(native):
        found += _noise(table)
        open_ = int(native["flags"].str.contains("unsettled").sum())
        severity = "warn" if open_ * 10 > len(native) else "note" if open_ else "ok"
        found.append(Finding("unsettled", _share(open_, len(native), "benchmarks: median not "
                             "within the run's target"), severity))
    flagged = _flagged(measured)
    if flagged:
        said = ", ".join(f"{flag} {n}" for flag, n in flagged.items()) + f" of {len(measured)}"
        severity = "warn" if set(flagged) - _HARMLESS else "note"
        found.append(Finding("disturbed", f"some repetitions: {said}", severity))
    failed = int((rows["error"] != "").sum())
    if failed:
        found.append(Finding("no figure", _share(failed, len(rows), "benchmarks; the tables say "
                             "why"), "note"))
    return found


def _flagged(rows: pd.DataFrame) -> dict[str, int]:
    words = rows["flags"].str.replace(r" \d+/\d+", "", regex=True).str.split(", ").explode()
    count = words[~words.isin(["", "unsettled"])].value_counts()
    return {str(flag): int(n) for flag, n in sorted(count.items())}


def _noise(table: pd.DataFrame) -> list[Finding]:
    overall = floor.of(table).found.get(("real_ns_per_op", ""))
    if overall is None:
        return [Finding("noise floor", "unknown: no benchmark was measured twice", "warn")]
    severity = "ok" if overall.factor <= 2 else "note" if overall.factor <= 4 else "warn"
    return [Finding("noise floor", f"intervals times {overall.factor:.2g}, from {overall.twins} "
                    "twins: what differs by less is not told from chance", severity)]


def trust(csv: Path, told: dict, table: pd.DataFrame, rows: pd.DataFrame) -> dict:
    """One word, and the findings behind it: about the machine, the worst first, and the figures."""
    doctored = _doctored(csv, told)
    of_machine = _from_machine(told) if doctored is None else doctored
    of_machine = sorted(of_machine, key=lambda f: doctor.SEVERITIES.index(f.severity))
    of_rows = _of_rows(table, rows)
    severe = any(f.severity == "severe" for f in of_machine + of_rows)
    warned = any(f.severity == "warn" for f in of_machine + of_rows)
    if not (rows["execution"] == "native").any():
        word = "Emulated: it shows that the code runs, and no time of it says anything of hardware"
    elif severe:
        word = "Not to be relied on before the severe findings are mended"
    elif warned:
        word = "To be read with care"
    else:
        word = "Nothing was found against it"
    return {"word": word, "level": "severe" if severe else "warn" if warned else "ok",
            "doctored": doctored is not None, "machine": [asdict(f) for f in of_machine],
            "rows": [asdict(f) for f in of_rows]}
