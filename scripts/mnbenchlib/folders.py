# SPDX-License-Identifier: GPL-2.0-or-later
"""The folder that a run writes into: its alone, and fit for it."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import UserError

_NEEDED_BYTES = 16 * 2**20


def _check_new(folder: Path) -> None:
    if any(folder.iterdir()):
        raise UserError(f"{folder}: not empty, and a run is never mixed into another; name a "
                        f"new folder with --out, or remove it")


def _check_room(folder: Path) -> None:
    if not os.access(folder, os.W_OK):
        raise UserError(f"{folder}: read-only; name another folder with --out")
    if (free := shutil.disk_usage(folder).free) < _NEEDED_BYTES:
        raise UserError(f"{folder}: no space left ({free >> 20} MiB free, "
                        f"{_NEEDED_BYTES >> 20} MiB needed); free some, or name a folder "
                        f"elsewhere with --out")


@contextmanager
def owned(folder: Path, resumed: bool) -> Iterator[None]:
    """The folder is ours alone and writable, and a new run's empty; taken away if it stays so."""
    try:
        made = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as err:
        raise UserError(f"{folder}: {err.strerror}; name another folder with --out") from err
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            raise UserError(f"{folder}: another run is writing into it; wait for it, or name "
                            f"another folder with --out") from err
        if not resumed:
            _check_new(folder)
        _check_room(folder)
        yield
    finally:
        if made and not any(folder.iterdir()):
            folder.rmdir()
        os.close(held)


@contextmanager
def made_whole(folder: Path) -> Iterator[Path]:
    """A folder to fill, which has its name once it is whole; nothing is ever overwritten."""
    fresh = None
    try:
        if os.path.lexists(folder):
            raise UserError(f"{folder}: exists already, and nothing is overwritten; name a new "
                            f"folder with --into")
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        yield fresh
        umask = os.umask(0)
        os.umask(umask)
        fresh.chmod(0o777 & ~umask)
        fresh.rename(folder)
    except OSError as err:
        raise UserError(f"{folder}: cannot be made: {err.strerror or err}; name another place "
                        f"with --into") from err
    finally:
        if fresh is not None:
            shutil.rmtree(fresh, ignore_errors=True)
