# SPDX-License-Identifier: GPL-2.0-or-later
"""What folders of results hold, as tables to read."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from . import checked, floor, machines, record, results
from .errors import UserError
from .measure import AGAINST
from .tables import Block, Table

_DISTURBED = ("preempted", "stolen", "frequency", "throttled", "faulted")


def folders_below(top: Path) -> list[Path]:
    """Every run's folder; that of the other build of a run in lock-step is part of the run."""
    if not top.is_dir():
        raise UserError(f"{top}: no such folder; name one that holds runs' folders")
    return sorted(path.parent for path in top.rglob(results.CSV_NAME)
                  if path.parent.name != AGAINST and not path.parent.name.startswith("."))


def _short(name: str, length: int) -> str:
    return name if len(name) <= length else name[:length - 1] + "~"


def list_block(top: Path) -> tuple[Block, list[str]]:
    """A line a machine, and what could not be read."""
    block = Block(f"{top}: results by machine")
    block.table = Table(["folder", "CPU", "kernel", "rows", "date", "twins", "trust"], "<<<>>><")
    wrong = []
    for folder in folders_below(top):
        try:
            block.table.rows += _folder_rows(top, folder)
        except UserError as err:
            wrong.append(str(err))
    if not block.table.rows:
        block.lines.append("no runs here")
    return block, wrong


def _folder_rows(top: Path, folder: Path) -> list[list[str]]:
    table = results.read_results(folder)
    lines = []
    for machine in machines.of(table):
        rows = table[table["run_id"] == machine.run_id]
        place = "." if folder == top else str(folder.relative_to(top))
        lines.append([place if not lines else "  and " + machine.host,
                      _short(machine.cpu_words, 24), _short(str(machine.fact("kernel.release") or "-"), 12),
                      str(len(rows)), rows["utc"].max()[:10], _twins(folder, machine.run_id),
                      ", ".join(trust(rows, machine))])
    return lines


def _twins(folder: Path, run_id: str) -> str:
    """How far the run is from itself at most."""
    for path in (machines.kept(folder, run_id) / floor.NAME, folder / floor.NAME):
        if path.is_file():
            return f"{max(map(abs, checked.twins(path))):.2g} %"
    return "-"


def trust(rows: pd.DataFrame, machine: machines.Machine) -> list[str]:
    """What to know before one believes the figures; few words each."""
    native = rows[rows["execution"] == "native"]
    found = []
    if native.empty:
        found.append("emulated")
    elif len(native) < len(rows):
        found.append(f"{len(rows) - len(native)} rows emulated")
    if not machine.facts:
        found.append("machine unknown")
    if machine.fact("hypervisor.present") is True:
        found.append("VM")
    disturbed = native["flags"].str.contains("|".join(_DISTURBED)).sum() if len(native) else 0
    if disturbed:
        found.append(f"{100 * disturbed / len(native):.0f} % disturbed")
    return found or ["native"]


def show_blocks(source: str) -> list[Block]:
    """All that a run's folder or CSV holds."""
    path = results.find_csv(source)
    table = results.read_results(path)
    blocks = [_machine_block(machine, table) for machine in machines.of(table)]
    blocks.append(_rows_block(table))
    if path.name == results.CSV_NAME:
        blocks.append(Block("Files", [_file_line(path.parent)]))
    return blocks


def _machine_block(machine: machines.Machine, table: pd.DataFrame) -> Block:
    rows = table[table["run_id"] == machine.run_id]
    block = Block(f"Run {machine.run_id} on {machine.host}")
    for what, names in (
            ("machine", ["cpu.model", "cpu.board", "topology.summary"]),
            ("kernel", ["kernel.release", "kernel.mitigations", "kernel.clocksource"]),
            ("frequency", ["frequency.driver", "frequency.governor", "frequency.turbo"]),
            ("built", ["build.compiler", "build.flags", "build.glibc", "build.git_revision"])):
        told = [_told(name, machine.fact(name)) for name in names
                if machine.fact(name) not in (None, "")]
        if told:
            block.lines.append(f"{what}: " + "; ".join(told))
    if not machine.facts:
        block.lines.append("machine: unknown, no machine file of this run")
    block.lines.append(f"measured: {rows['utc'].min()} to {rows['utc'].max()}")
    block.lines.append("trust: " + ", ".join(trust(rows, machine)) + "; twins, apart at most: "
                       + _twins(Path(table.attrs["path"]).parent, machine.run_id))
    return block


def _told(name: str, value: object) -> str:
    if isinstance(value, bool):
        return f"{name.rpartition('.')[2]} {'on' if value else 'off'}"
    return f"glibc {value}" if name == "build.glibc" else str(value)


def _rows_block(table: pd.DataFrame) -> Block:
    block = Block("Rows")
    block.table = Table(["arch", "execution", "family", "benchmarks", "rows", "repetitions",
                         "errors", "unsettled"], "<<<>>>>>")
    good = table["error"] == ""
    marked = table.assign(good=good, unsettled=results.has_flag(table, "unsettled"))
    for key, rows in marked.groupby(["arch", "execution", "family"], sort=False):
        counts = rows[rows["good"]].groupby(results.KEY, sort=False)
        sizes = counts.size()
        last = rows[rows["good"]].sort_values("rep").groupby(results.KEY, sort=False).tail(1)
        span = "-" if sizes.empty else f"{sizes.min()} to {sizes.max()}"
        block.table.rows.append([*key, str(len(sizes)), str(len(rows)), span,
                                 str(int((~rows["good"]).sum())),
                                 str(int(last["unsettled"].sum()))])
    return block


def _file_line(folder: Path) -> str:
    known = (results.CSV_NAME, machines.NAME, checked.TOPOLOGY, record.NAME, floor.NAME,
             checked.COUNTS, "compare.txt", "plots", AGAINST, machines.KEPT)
    return ", ".join(name + "/" * (folder / name).is_dir() for name in known
                     if (folder / name).exists())
