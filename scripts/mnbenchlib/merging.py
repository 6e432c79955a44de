# SPDX-License-Identifier: GPL-2.0-or-later
"""Several runs' rows in one file, with what is known of each run's machine beside it."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from . import checked, floor, folders, machines, record, results, schema
from .errors import UserError

_KEPT = (machines.NAME, checked.TOPOLOGY, record.NAME, floor.NAME)
_SAME = ["run_id", "host", *schema.KEY, "rep", "twin", "error"]


def merge(sources: Sequence[str], folder: Path) -> int:
    """Make the folder of all the sources' rows; how many these are."""
    tables = [results.read_results(source) for source in sources]
    _check_repeats(tables)
    with folders.made_whole(folder) as fresh:
        rows = write_rows(sources, fresh / results.CSV_NAME)
        for table in tables:
            _keep_machines(table, fresh)
    return rows


def write_rows(sources: Sequence[str | Path], target: Path) -> int:
    """The sources' rows as they are, in the form that a run writes; how many these are."""
    found = [results.read_texts(source) for source in sources]
    header = list(dict.fromkeys([*schema.COLUMNS, *(c for names, _ in found for c in names)]))
    count = 0
    with target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(header)
        for names, rows in found:
            places = [names.index(c) if c in names else None for c in header]
            for row in rows:
                writer.writerow(["" if at is None else row[at] for at in places])
                count += 1
    return count


def _check_repeats(tables: list[pd.DataFrame]) -> None:
    """A row that is in two of the files would pass for two measurements."""
    parts = [table.assign(twin=results.is_twin(table), file=number)[[*_SAME, "file"]]
             for number, table in enumerate(tables)]
    every = pd.concat(parts).reset_index().drop_duplicates([*_SAME, "file"])
    again = every[every.duplicated(_SAME)]
    if again.empty:
        return
    row = again.iloc[0]
    first = every[(every[_SAME] == row[_SAME]).all(axis=1)].iloc[0]
    path, other = (tables[number].attrs["path"] for number in (row["file"], first["file"]))
    raise UserError(f"{path}:{row['line']}: the same run, benchmark and repetition as "
                    f"{other}:{first['line']}; merge one of the two files")


def _keep_machines(table: pd.DataFrame, fresh: Path) -> None:
    """What the file's folder has of each of its runs."""
    path = Path(table.attrs["path"])
    for run_id in table["run_id"].unique():
        found = machines.beside(path, run_id)
        if found is None or machines.read(found).run_id != run_id:
            continue
        place = machines.kept(fresh, run_id)
        place.mkdir(parents=True, exist_ok=True)
        for source in (found.parent / name for name in _KEPT):
            if source.is_file():
                _keep(source, place / source.name, run_id)


def _keep(source: Path, target: Path, run_id: str) -> None:
    if target.exists() and target.read_bytes() != source.read_bytes():
        raise UserError(f"{source}: another than that of the same run, {run_id!r}, in one of the "
                        "other folders; merge one of the two")
    shutil.copyfile(source, target)
