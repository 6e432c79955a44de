# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether all files of a folder of results can be used, and belong together."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from . import counted, floor, jsonfile, machines, record, results, schema
from .errors import UserError
from .measure import AGAINST

TOPOLOGY, COUNTS, KERNEL = "topology.xml", "counts.csv", "kernel.json"
_RECORDED_KEY = ["subject", "family", "op", "variant", "threads", "pin", "params"]


@dataclass
class Report:
    """What was looked at, and what is wrong with it, a line each."""

    folders: int = 0
    files: int = 0
    rows: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, other: Report) -> None:
        """Sum up."""
        self.folders += other.folders
        self.files += other.files
        self.rows += other.rows
        self.wrong += other.wrong

    def look(self, function, *arguments):
        """The function's answer about one file; None where the file is wrong."""
        self.files += 1
        try:
            return function(*arguments)
        except UserError as err:
            self.wrong.append(str(err))
            return None


def check(folder: Path) -> Report:
    """A run's folder, or one of merged runs."""
    report = Report()
    _check_run(folder, report)
    return report


def _check_run(folder: Path, report: Report) -> None:
    report.folders += 1
    table = report.look(results.read_results, folder)
    if table is not None:
        report.rows += len(table)
    merged = folder / machines.KEPT
    if merged.is_dir():
        places = [place for place in sorted(merged.iterdir()) if place.is_dir()]
    else:
        places = [folder]
    for place in places:
        # A guest's machine is its emulator, and the kernel in it.
        if (place / KERNEL).exists() and not (place / machines.NAME).exists():
            report.look(_kernel_file, place / KERNEL)
        else:
            report.look(machine_file, place / machines.NAME, table)
        _check_others(place, table, report)
    if table is not None and merged.is_dir():
        report.look(_all_kept, folder, table)
    if (folder / COUNTS).exists():
        report.look(counts_file, folder / COUNTS, ["arch", "execution", *_RECORDED_KEY])
    if (folder / AGAINST).is_dir():
        _check_run(folder / AGAINST, report)


def _check_others(place: Path, table: pd.DataFrame | None, report: Report) -> None:
    for name, function in ((TOPOLOGY, topology_file), (record.NAME, _run_file),
                           (floor.NAME, _floor_file)):
        if (place / name).exists():
            report.look(function, place / name, table)


def _kernel_file(path: Path) -> None:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as err:
        raise UserError(f"{path}:1: not JSON: {err}") from err
    if not isinstance(told, list) or not all(
            isinstance(one, dict) and {"arch", "kernel", "emulator"} <= one.keys() for one in told):
        raise UserError(f"{path}:1: not a list of guests, as mnbench kernel run writes it")


def machine_file(path: Path, table: pd.DataFrame | None) -> machines.Machine:
    """A machine file that belongs to these rows."""
    machine = machines.read(path)
    if table is not None:
        _check_belongs(path, machine, table)
    return machine


def _check_belongs(path: Path, machine: machines.Machine, table: pd.DataFrame) -> None:
    rows = table[table["run_id"] == machine.run_id]
    csv_path = table.attrs["path"]
    if rows.empty:
        raise UserError(f"{path}:1: of run {machine.run_id!r}, of which {csv_path} has no row")
    if not (rows["host"] == machine.host).any():
        raise UserError(f"{path}:1: of host {machine.host!r}; the rows of {csv_path} are of "
                        f"{rows['host'].iloc[0]!r}")
    # The emulated rows of a run have no machine of their own.
    native = rows[rows["execution"] == "native"]
    if len(native) and not (native["arch"] == machine.arch).any():
        raise UserError(f"{path}:1: of {machine.arch}; the native rows of {csv_path} are of "
                        f"{native['arch'].iloc[0]}")


def topology_file(path: Path, _table: pd.DataFrame | None = None) -> None:
    """What hwloc exports, as XML."""
    try:
        tree = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as err:
        line = err.position[0]
        raise UserError(f"{path}:{line}: not XML: {err}") from err
    except (ValueError, LookupError) as err:  # of an encoding that nobody knows
        raise UserError(f"{path}:1: not XML: {err}") from err
    except OSError as err:
        raise UserError(f"{path}: {err.strerror}") from err
    if tree.tag != "topology":
        raise UserError(f"{path}:1: not a topology of hwloc's: it begins with {tree.tag[:40]!r}")
    if not any(one.get("type") == "PU" for one in tree.iter("object")):
        raise UserError(f"{path}:1: a topology without a PU")


def _run_file(path: Path, table: pd.DataFrame | None) -> None:
    known = record.read(path.parent)
    if table is not None and known.run_id not in set(table["run_id"]):
        raise UserError(f"{path}:1: of run {known.run_id!r}, of which {table.attrs['path']} has no "
                        "row")


def twins(path: Path) -> list[float]:
    """How far each of a noise floor's twins is from its original, in per cent."""
    told = jsonfile.read(path, "a noise floor", schemas=(1, 2))
    found = [one.get("percent") for one in told.get("twins") or [] if isinstance(one, dict)]
    if not found or not all(isinstance(one, (int, float)) and one > -100 for one in found):
        raise UserError(f"{path}:1: not a noise floor: no twins, or one without its percent")
    return found


def _floor_file(path: Path, table: pd.DataFrame | None) -> None:
    twins(path)
    families = jsonfile.read_object(path, "a noise floor").get("families")
    if not isinstance(families, dict):
        raise UserError(f"{path}:1: not a noise floor: no families")
    if table is None:
        return
    if strange := set(families) - set(table["family"]):
        raise UserError(f"{path}:1: a floor of family {min(strange)!r}, of which "
                        f"{table.attrs['path']} has no row")
    if not results.is_twin(table).any():
        raise UserError(f"{path}:1: a floor, but {table.attrs['path']} has no twins")


def _all_kept(folder: Path, table: pd.DataFrame) -> None:
    for run_id in table["run_id"].unique():
        if not machines.kept(folder, run_id).is_dir():
            raise UserError(f"{folder / machines.KEPT}: nothing of run {run_id!r}, of which "
                            f"{table.attrs['path']} has rows")


def counts_file(path: Path, key: list[str]) -> None:
    """A table of instruction counts."""
    try:
        text = path.read_text(encoding="utf-8")
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except OSError as err:
        raise UserError(f"{path}: {err.strerror}") from err
    except (ValueError, csv.Error) as err:
        raise UserError(f"{path}:1: not a table of counts: {err}") from err
    header = [*key, *counted.KINDS]
    if not rows or rows[0] not in (header, [*header, "error"]):
        raise UserError(f"{path}:1: not a table of counts; scripts/mnbench count makes one")
    if not text.endswith("\n"):
        raise UserError(f"{path}:{len(rows)}: the last line is cut off")
    seen: dict[tuple, int] = {}
    for line, row in enumerate(rows[1:], 2):
        _check_count(f"{path}:{line}", row, len(rows[0]), len(key))
        before = seen.setdefault(tuple(row[:len(key)]), line)
        if before != line:
            raise UserError(f"{path}:{line}: the same operation as line {before}")


def _check_count(place: str, row: list[str], width: int, key: int) -> None:
    if len(row) != width:
        raise UserError(f"{place}: {len(row)} cells instead of {width}")
    for name, cell in zip(counted.KINDS, row[key:]):
        why = schema.why_no_number(name, cell)
        if why:
            raise UserError(f"{place}: {name} {cell!r}: {why}")


def check_recorded(folder: Path) -> Report:
    """The recorded counts: a file an architecture, and the toolchains that they are of."""
    report = Report(folders=1)
    known = report.look(_toolchains, folder / "toolchain.json") or {}
    for path in sorted(folder.glob("*.csv")):
        report.look(counts_file, path, _RECORDED_KEY)
        if known and path.stem not in known:
            report.wrong.append(f"{folder / 'toolchain.json'}:1: nothing about {path.stem}, which "
                                f"{path} is of")
    return report


def _toolchains(path: Path) -> dict:
    return jsonfile.read_object(path, "a list of toolchains")
