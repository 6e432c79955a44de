# SPDX-License-Identifier: GPL-2.0-or-later
"""What pictures are drawn from: runs, each of one machine, architecture and execution."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from .. import counted, results
from ..arches import ARCHES
from ..errors import UserError

METRIC = "real_ns_per_op"
_RUN = ["run_id", "host", "arch", "execution"]


@dataclass
class Run:
    """The rows of one run that can be drawn: no errors, no twins, no threads that did not run
    together."""

    rows: pd.DataFrame
    path: Path
    run_id: str
    host: str
    arch: str
    execution: str
    utc: str

    @property
    def where(self) -> str:
        """For subtitles."""
        return f"{self.host}, {self.arch}, {self.execution}"

    @property
    def suffix(self) -> str:
        """For names of files."""
        return self.arch if self.execution == "native" else f"{self.arch}-{self.execution}"

    def beside(self, name: str) -> Path:
        """A file of the run: by its usual name, or, beside a board's CSV, by the CSV's own."""
        own = self.path.with_suffix(Path(name).suffix)
        named = self.path.name != results.CSV_NAME and own.is_file()
        return own if named else self.path.parent / name

    @cached_property
    def emulated(self) -> bool:
        """Whether none of its times is a machine's."""
        return bool(results.is_emulated(self.rows).all())

    @cached_property
    def times(self) -> pd.DataFrame:
        """The rows with a time of this machine."""
        rows = self.rows
        return rows[(rows[METRIC] > 0) & ~results.is_emulated(rows)]

    @cached_property
    def counts(self) -> pd.DataFrame:
        """The rows with a count of instructions."""
        return self.rows[self.rows["insns_per_op"].notna()]

    @cached_property
    def revision(self) -> str:
        """Of the sources, as the run's machine.json tells it; "" where it does not."""
        try:
            machine = json.loads(self.beside("machine.json").read_text(encoding="utf-8"))
            return str(machine["build"]["git_revision"] or "")
        except (OSError, ValueError, KeyError, TypeError):
            return ""


def runs_of(table: pd.DataFrame) -> list[Run]:
    """The runs in one table."""
    good = table[(table["error"] == "") & ~results.has_flag(table, "low-overlap")
                 & ~results.is_twin(table)]
    keys = table.drop_duplicates(_RUN)[[*_RUN, "utc"]]
    return [Run(good[(good[_RUN] == list(key[:4])).all(axis=1)], Path(table.attrs["path"]), *key)
            for key in keys.itertuples(index=False, name=None)]


def tables(names: Sequence[str]) -> list[pd.DataFrame]:
    """What the command was given: runs, folders of runs, recorded counts."""
    found: list[pd.DataFrame] = []
    seen: dict[Path, str] = {}
    for name in names:
        for path in _files(Path(name)):
            if path.resolve() in seen:
                raise UserError(f"{name}: {path} is already there by {seen[path.resolve()]}; "
                                "name each run once")
            seen[path.resolve()] = name
            found.append(_recorded(path) if _is_recorded(path) else results.read_results(path))
    return found


def is_collection(name: str) -> bool:
    """Whether this is a folder of several runs."""
    path = Path(name)
    return path.is_dir() and not (path / results.CSV_NAME).is_file()


def _files(path: Path) -> list[Path]:
    if not is_collection(str(path)):
        return [results.find_csv(path)]
    inside = sorted(path.glob(f"*/{results.CSV_NAME}")) or [
        file for arch in ARCHES if (file := path / f"{arch}.csv").is_file()]
    if not inside:
        raise UserError(f"{path}: a folder without {results.CSV_NAME}, in itself or in the "
                        "folders in it; name a run's folder, a folder of runs or a CSV file")
    return inside


def _is_recorded(path: Path) -> bool:
    """A table of recorded counts begins with another header than a run."""
    try:
        with path.open("rb") as source:
            return source.readline().startswith(b"subject,family,op,")
    except OSError:
        return False  # the reader of runs says what is wrong with it


def _recorded(path: Path) -> pd.DataFrame:
    """Counts of results/counts/ in the columns of a run."""
    if path.stem not in ARCHES:
        raise UserError(f"{path}: recorded counts of no known architecture; the file is to be "
                        f"called {', '.join(ARCHES)} and .csv")
    try:
        counts = counted.read_recorded(path)
        if not isinstance(counts.index, pd.RangeIndex):
            raise ValueError("a line has more cells than the header")
        threads, insns = counts["threads"].astype(int), counts["insns"].astype(float)
        if not insns.between(0, 1e18).all():
            raise ValueError("a count is none")
    except ValueError as e:  # no number, no text, no table
        why = " ".join(str(e).split())
        raise UserError(f"{path}: not a table of counts ({why}); scripts/mnbench count --record "
                        "makes it anew") from e
    table = pd.DataFrame("", index=counts.index + 2, columns=results.COLUMNS).astype(object)
    for column in ("subject", "family", "op", "variant", "pin", "params"):
        table[column] = counts[column].to_numpy()
    fixed = {"schema": 1, "run_id": "recorded", "utc": "", "host": "recorded counts",
             "arch": path.stem, "execution": "qemu-user", "rep": 0, "flags": "emulated"}
    for column, value in fixed.items():
        table[column] = value
    for column in results.FLOATS:
        table[column] = float("nan")
    table["threads"], table["insns_per_op"] = threads.to_numpy(), insns.to_numpy()
    table.attrs["path"] = str(path)
    return table


def first_pin(rows: pd.DataFrame) -> pd.DataFrame:
    """Every operation at the fewest threads that it was run at, under its first pin policy."""
    operation = ["family", "op"]
    threads = results.own_threads(rows)
    fewest = threads.groupby([rows[c] for c in operation]).transform("min")
    rows = rows[threads == fewest]
    return rows[rows["pin"] == rows.groupby(operation)["pin"].transform("first")]


def uncrowded(rows: pd.DataFrame) -> pd.DataFrame:
    """Those in which each thread had a CPU; all where there are none."""
    fits = ~results.has_flag(rows, "oversubscribed")
    return rows[fits] if fits.any() else rows


def swept(rows: pd.DataFrame, key: str) -> pd.Series:
    """Rows of an operation that was run at two values of this parameter or more."""
    value = results.param_numbers(rows, key)
    number = value.groupby([rows["family"], rows["op"]]).transform("nunique")
    return (number >= 2) & value.notna()
