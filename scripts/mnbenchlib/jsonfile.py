# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading a JSON file of ours: what is wrong with it is one line, with file and line."""

from __future__ import annotations

import json
from pathlib import Path

from .errors import UserError


def read_object(path: Path, what: str) -> dict:
    """The object in a file that should be `what`."""
    try:
        found = json.loads(path.read_bytes())
    except OSError as err:
        raise UserError(f"{path}: {err.strerror or err}; it should be {what}") from err
    except (ValueError, RecursionError) as err:
        line = getattr(err, "lineno", 1)
        raise UserError(f"{path}:{line}: not {what}: {getattr(err, 'msg', err)}") from err
    if not isinstance(found, dict):
        raise UserError(f"{path}:1: not {what}: no object")
    return found


def read(path: Path, what: str, schemas: tuple[int, ...] = (1,)) -> dict:
    """Likewise, of one of the schemas."""
    found = read_object(path, what)
    if found.get("schema") not in schemas:
        raise UserError(f"{path}:1: not {what}: schema {found.get('schema')!r}, this version "
                        f"reads {' and '.join(map(str, schemas))}")
    return found
