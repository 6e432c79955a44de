# SPDX-License-Identifier: GPL-2.0-or-later
"""run.json: what a run was asked for, written at its start, so that it can be continued."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .errors import UserError
from .tables import write_whole

NAME = "run.json"
_SCHEMA = 1


@dataclass
class Binary:
    """A binary that has a part in a run, and whether it came to its end."""

    arch: str
    program: str
    sha256: str
    whole: bool = False


@dataclass
class Record:
    """One run; a run in lock-step has two folders, with the same `lockstep`."""

    run_id: str
    options: dict  # by the names of `mnbench run`'s options
    binaries: list[Binary] = field(default_factory=list)
    lockstep: str | None = None
    schema: int = _SCHEMA

    def write(self, folder: Path) -> None:
        """Into the run's folder, in one piece."""
        write_whole(folder / NAME, json.dumps(asdict(self), indent=1) + "\n")

    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return all(binary.whole for binary in self.binaries)


def make_run_id() -> str:
    """When and where."""
    name = re.sub(r"[^A-Za-z0-9-]+", "-", os.uname().nodename.partition(".")[0])
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()) + f"-{name or 'host'}"


def digest(program: Path) -> str:
    """What a binary is known by."""
    try:
        return hashlib.sha256(program.read_bytes()).hexdigest()
    except OSError as err:
        raise UserError(f"{program}: cannot be read: {err.strerror}; build it again") from err


def lockstep(folder: Path) -> str | None:
    """What two runs that were measured in lock-step have in common; None: measured alone."""
    try:
        told = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return told.get("lockstep") if isinstance(told, dict) else None


def read(folder: Path) -> Record:
    """A run's record; a folder that has none is no run that can be continued."""
    path = folder / NAME
    if not folder.is_dir():
        raise UserError(f"--resume {folder}: no such folder; name one that `mnbench run` made")
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        binaries = [Binary(**one) for one in told.pop("binaries")]
        record = Record(**told, binaries=binaries)
    except FileNotFoundError as err:
        raise UserError(f"--resume {folder}: no run that can be continued: it has no {NAME}; "
                        f"start a new one") from err
    except OSError as err:
        raise UserError(f"{path}: {err.strerror}") from err
    except (ValueError, TypeError, KeyError, AttributeError) as err:
        raise UserError(f"{path}: not a run's record; start a new run") from err
    if record.schema != _SCHEMA:
        raise UserError(f"{path}: schema {record.schema}, this version reads {_SCHEMA}; start a "
                        f"new run")
    return record


def check_unchanged(folder: Path, record: Record) -> None:
    """Rows of two builds are never mixed into one run."""
    for binary in record.binaries:
        if digest(Path(binary.program)) != binary.sha256:
            raise UserError(f"{binary.program}: not the binary that {folder} was begun with; "
                            f"start a new run")
