# SPDX-License-Identifier: GPL-2.0-or-later
"""A run that a binary made alone, on a board, as a folder of the collection."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pandas as pd

from . import checked, folders, machines, merging, results
from .arches import TOP
from .errors import UserError

def bring(source: Path, machine: Path | None, topology: Path | None, into: Path | None) -> Path:
    """Make a folder of a run's CSV and machine file; the folder."""
    path = results.find_csv(source)
    table = results.read_results(path)
    _check_alone(path, table)
    machine = machine or _beside(path, ".json", machines.NAME)
    if machine is None:
        raise UserError(f"{path}: its machine file is missing: name it with --machine; on the "
                        "board, `./mnbench --csv F --machine M --topology T` writes all three")
    told = checked.machine_file(machine, table)
    topology = topology or _beside(path, ".xml", checked.TOPOLOGY)
    if topology is not None:
        checked.topology_file(topology)
    folder = into or TOP / "results" / name(told)
    with folders.made_whole(folder) as fresh:
        merging.write_rows([path], fresh / results.CSV_NAME)
        shutil.copyfile(machine, fresh / machines.NAME)
        if topology is not None:
            shutil.copyfile(topology, fresh / checked.TOPOLOGY)
    return folder


def _check_alone(path: Path, table: pd.DataFrame) -> None:
    """One folder has one run: the machine file tells of one."""
    runs = table["run_id"].unique()
    if len(runs) > 1:
        raise UserError(f"{path}:{table.index[table['run_id'] == runs[1]][0]}: a second run; "
                        "one folder holds one (scripts/mnbench results merge joins folders)")


def _beside(csv: Path, suffix: str, name: str) -> Path | None:
    """The file of the same name, or of a run's folder."""
    for path in (csv.with_suffix(suffix), csv.parent / name):
        if path.is_file():
            return path
    return None


def name(machine: machines.Machine) -> str:
    """What to call a machine's folder: its board, or its CPU and how many of them."""
    told = machine.cpu_words
    if machine.arch != "x86_64":
        told = machines.plain(str(machine.fact("cpu.board") or told))
    words = re.sub(r"[^a-z0-9]+", "-", told.lower())
    parts = ["vm"] if machine.fact("hypervisor.present") is True else []
    parts.append(words.strip("-") or machine.arch)
    count = machine.fact("topology.usable_pus")
    return "-".join(parts + ([f"{count:.0f}cpu"] if isinstance(count, (int, float)) else []))
