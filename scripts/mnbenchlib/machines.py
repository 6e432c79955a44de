# SPDX-License-Identifier: GPL-2.0-or-later
"""machine.json: where a run was measured, and how two such places differ."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from . import jsonfile
from .errors import UserError

NAME = "machine.json"
KEPT = "machines"  # in a merged folder: RUN_ID/machine.json of each run

# Of what kind a fact is: of another machine no times are compared; a setting or a build is what
# one may well want to compare, but must know of.
MACHINE, HOST, SETTING, SOFTWARE, BUILD, REVISION = (
    "machine", "host", "setting", "software", "build", "revision")
_SECTIONS = ("cpu", "topology", "frequency", "isolation", "kernel", "memory", "hypervisor", "load",
             "clock", "build", "libraries")
_RUN = ("run_id", "utc", "host", "arch", "execution")
_FACTS = {
    "host": (HOST, "host"),
    "arch": (MACHINE, "architecture"),
    "execution": (MACHINE, "execution"),
    "cpu.model": (MACHINE, "CPU"),
    "cpu.vendor": (MACHINE, "CPU's vendor"),
    "cpu.family": (MACHINE, "CPU's family"),
    "cpu.model_number": (MACHINE, "CPU's model number"),
    "cpu.stepping": (MACHINE, "CPU's stepping"),
    "cpu.arm_implementer": (MACHINE, "CPU's implementer"),
    "cpu.arm_part": (MACHINE, "CPU's part"),
    "cpu.arm_variant": (MACHINE, "CPU's variant"),
    "cpu.arm_revision": (MACHINE, "CPU's revision"),
    "cpu.riscv_isa": (MACHINE, "CPU's ISA"),
    "cpu.riscv_mvendorid": (MACHINE, "CPU's mvendorid"),
    "cpu.riscv_marchid": (MACHINE, "CPU's marchid"),
    "cpu.riscv_mimpid": (MACHINE, "CPU's mimpid"),
    "cpu.board": (MACHINE, "board"),
    "topology.summary": (MACHINE, "topology"),
    "hypervisor.present": (MACHINE, "under a hypervisor"),
    "hypervisor.type": (MACHINE, "hypervisor"),
    "cpu.online": (SETTING, "CPUs online"),
    "cpu.smt": (SETTING, "SMT"),
    "cpu.smt_active": (SETTING, "SMT active"),
    "frequency.driver": (SETTING, "frequency driver"),
    "frequency.governor": (SETTING, "governor"),
    "frequency.preference": (SETTING, "energy preference"),
    "frequency.min_khz": (SETTING, "lowest frequency"),
    "frequency.max_khz": (SETTING, "highest frequency"),
    "frequency.turbo": (SETTING, "turbo"),
    "frequency.idle_driver": (SETTING, "idle driver"),
    "frequency.idle_governor": (SETTING, "idle governor"),
    "isolation.isolcpus": (SETTING, "isolcpus"),
    "isolation.nohz_full": (SETTING, "nohz_full"),
    "isolation.rcu_nocbs": (SETTING, "rcu_nocbs"),
    "isolation.isolated": (SETTING, "isolated CPUs"),
    "kernel.clocksource": (SETTING, "clock source"),
    "kernel.mitigations": (SETTING, "mitigations"),
    "kernel.meltdown": (SETTING, "meltdown"),
    "kernel.spectre_v2": (SETTING, "spectre_v2"),
    "kernel.aslr": (SETTING, "address space randomization"),
    "kernel.numa_balancing": (SETTING, "NUMA balancing"),
    "kernel.transparent_hugepages": (SETTING, "transparent huge pages"),
    "clock.source": (SETTING, "clock"),
    "kernel.release": (SOFTWARE, "kernel"),
    "kernel.version": (SOFTWARE, "kernel's build"),
    "cpu.microcode": (SOFTWARE, "microcode"),
    "emulator": (SOFTWARE, "emulator"),
    "build.compiler": (BUILD, "compiler"),
    "build.flags": (BUILD, "compiler's flags"),
    "build.type": (BUILD, "build type"),
    "build.glibc": (BUILD, "glibc"),
    "build.git_revision": (REVISION, "revision"),
}


_NOISE = re.compile(r"\((r|tm)\)|\b(cpu|processor|rev [0-9.]+|with .*)\b|@.*", re.IGNORECASE)


def plain(name: str) -> str:
    """A CPU's or board's name without what all of a vendor's have in theirs."""
    return " ".join(_NOISE.sub(" ", name).split())


@dataclass(frozen=True)
class Difference:
    """One fact that two machines do not share."""

    kind: str
    what: str
    base: str
    new: str

    def __str__(self) -> str:
        return f"{self.what}: {self.base}, then {self.new}"


@dataclass(frozen=True)
class Machine:
    """Where one run was measured; `facts` is its machine.json, or empty where there is none."""

    run_id: str
    host: str
    arch: str
    facts: dict = field(default_factory=dict)

    def fact(self, name: str) -> object:
        """By its place, as `cpu.model`; None: not known."""
        if name in ("host", "arch"):
            return getattr(self, name)
        found: object = self.facts
        for key in name.split("."):
            found = found.get(key) if isinstance(found, dict) else None
        return found

    @property
    def cpu(self) -> str:
        """What to call its CPU."""
        return str(self.fact("cpu.model") or self.fact("cpu.board") or self.arch)

    @property
    def cpu_words(self) -> str:
        """Likewise, in few words."""
        return plain(self.cpu) or self.arch


def read(path: Path) -> Machine:
    """A machine file, checked."""
    facts = jsonfile.read(path, "a machine file")
    complaint = _why_no_machine(facts)
    if complaint:
        raise UserError(f"{path}:1: not a machine file: {complaint}")
    return Machine(facts["run_id"], facts["host"], facts["arch"], facts)


def _why_no_machine(facts: dict) -> str | None:
    for name in _RUN:
        if not isinstance(facts.get(name), str) or not facts[name]:
            return f"{name} is missing"
    for name in _SECTIONS:
        section = facts.get(name)
        if section is not None and not isinstance(section, dict):
            return f"{name} is no object"
        for key, value in (section or {}).items():
            if not isinstance(value, (str, int, float, type(None))):
                return f"{name}.{key} is neither text nor number"
    return None


def kept(folder: Path, run_id: str) -> Path:
    """Where a merged folder keeps what belongs to one of its runs."""
    name = quote(run_id, safe="")
    return folder / KEPT / (name.replace(".", "%2E") if name.strip(".") == "" else name)


def beside(csv: Path, run_id: str) -> Path | None:
    """A run's machine file: in a folder of many runs, of the CSV's own name, or of its folder."""
    for path in (kept(csv.parent, run_id) / NAME, csv.with_suffix(".json"), csv.parent / NAME):
        if path.is_file():
            return path
    return None


def of(table: pd.DataFrame) -> list[Machine]:
    """The machines of a file of results, one a run: as far as is known."""
    found = []
    rows = table[["run_id", "host", "arch", "execution"]].drop_duplicates()
    native = rows["execution"] == "native"
    rows = rows[native] if native.any() else rows
    for row in rows[["run_id", "host", "arch"]].drop_duplicates().itertuples(index=False):
        path = beside(Path(table.attrs["path"]), row.run_id)
        told = read(path) if path else None
        if told is not None and (told.run_id, told.arch) == (row.run_id, row.arch):
            found.append(told)
        else:
            found.append(Machine(row.run_id, row.host, row.arch))
    return found


def _shown(value: object) -> str:
    if value in (None, ""):
        return "unknown" if value is None else "none"
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else (
        str(value))


def _libraries(a: Machine, b: Machine) -> dict[str, tuple[str, str]]:
    names = {*(a.fact("libraries") or {}), *(b.fact("libraries") or {})}
    return {f"libraries.{name}": (BUILD, name) for name in sorted(names)}


def differences(a: Machine, b: Machine) -> list[Difference]:
    """What of `a` is another in `b`: other machines first, then settings, software, builds.

    Of what one of them does not tell, nothing is said, unless it is a setting.
    """
    found = []
    for name, (kind, what) in {**_FACTS, **_libraries(a, b)}.items():
        base, new = a.fact(name), b.fact(name)
        if base == new or not (a.facts and b.facts or name in ("host", "arch")):
            continue
        if None in (base, new) and kind != SETTING:
            continue
        found.append(Difference(kind, what, _shown(base), _shown(new)))
    return found


def between(base: pd.DataFrame, new: pd.DataFrame) -> list[Difference]:
    """What machines of one file of results have that the other's nearest have not."""
    bases = of(base)
    found: list[Difference] = []
    for machine in of(new):
        nearest = min((differences(one, machine) for one in bases), key=_weight)
        found += [one for one in nearest if one not in found]
    return found


def _weight(found: list[Difference]) -> tuple[int, int]:
    return sum(one.kind == MACHINE for one in found), len(found)
