# SPDX-License-Identifier: GPL-2.0-or-later
"""The file system that a guest starts with: an archive as cpio's `newc` has it, without any file
that only root could make."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

_FOLDER = stat.S_IFDIR | 0o755
_PROGRAM = stat.S_IFREG | 0o755


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _entry(number: int, name: str, mode: int, data: bytes) -> bytes:
    encoded = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    return _padded(header + encoded) + _padded(data)


def archive(files: Mapping[str, Path | bytes]) -> bytes:
    """An archive of files by their absolute paths in the guest, each executable."""
    folders = {str(parent) for name in files for parent in PurePosixPath(name).parents} - {"/"}
    entries = [(folder, _FOLDER, b"") for folder in sorted(folders)]
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.read_bytes()
        entries.append((name, _PROGRAM, data))
    entries.append(("TRAILER!!!", 0, b""))
    return b"".join(_entry(number, name.lstrip("/"), mode, data)
                    for number, (name, mode, data) in enumerate(entries))
