# SPDX-License-Identifier: GPL-2.0-or-later
"""What the checks look at: the files of /proc and /sys, and what changes in them over a while."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

CPU = "sys/devices/system/cpu/"
# Looked at twice.
_MOVING = ("proc/uptime", "proc/stat", "proc/interrupts", "proc/vmstat", "proc/[0-9]*/stat",
           CPU + "cpu[0-9]*/thermal_throttle/*_throttle_count")


@dataclass(frozen=True)
class Finding:
    """What was looked at, what is there, how bad that is, and what to do about it."""

    what: str
    found: str
    severity: str  # severe, warn, note, unknown or ok
    mend: str = ""


def unknown(what: str, found: str = "not visible", mend: str = "") -> Finding:
    """Nothing could be seen of it."""
    return Finding(what, found, "unknown", mend)


class Files:
    """The files of a system below a root."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def read(self, path: str) -> str | None:
        """The file's text without the last newline; None where there is no such file."""
        try:
            return (self.root / path).read_text(encoding="utf-8", errors="replace").rstrip("\n")
        except (OSError, ValueError):
            return None

    def bytes(self, path: str) -> bytes | None:
        """The file's bytes; None where there is no such file."""
        try:
            return (self.root / path).read_bytes()
        except OSError:
            return None

    def exists(self, path: str) -> bool:
        """Whether there is such a file or folder."""
        return (self.root / path).exists()

    def paths(self, pattern: str) -> list[str]:
        """All files that match, from the root."""
        return sorted(str(path.relative_to(self.root)) for path in self.root.glob(pattern))

    def each(self, pattern: str) -> list[str]:
        """The texts of all files that match."""
        return [text for path in self.paths(pattern) if (text := self.read(path)) is not None]

    def moving(self) -> dict[str, str]:
        """The texts of the files that are looked at twice."""
        return {path: text for pattern in _MOVING for path in self.paths(pattern)
                if (text := self.read(path)) is not None}


@dataclass
class Machine:
    """The files, and those that move as they were and as they are; a test makes its own."""

    files: Files
    here: bool  # this very machine, not files of one
    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)

    @property
    def seconds(self) -> float | None:
        """Between the two looks, by the system's own clock; None: there was only one."""
        ups = [_number((look.get("proc/uptime") or "").partition(" ")[0])
               for look in (self.before, self.after)]
        if ups[0] is None or ups[1] is None or ups[1] <= ups[0]:
            return None
        return ups[1] - ups[0]

    def read(self, path: str) -> str | None:
        """As Files.read()."""
        return self.files.read(path)

    def number(self, path: str) -> float | None:
        """The number that a file consists of; None where it is none."""
        return _number(self.read(path) or "")

    def each(self, pattern: str) -> list[str]:
        """As Files.each()."""
        return self.files.each(pattern)

    def online(self) -> set[int]:
        """The CPUs that are online."""
        return read_list(self.read(CPU + "online") or "")

    def cpus(self) -> int:
        """How many CPUs are online, 1 or more."""
        return max(1, len(self.online()))

    def words(self, path: str) -> dict[str, str]:
        """The lines "KEY: VALUE" or "KEY VALUE" of a file."""
        found = (re.match(r"([^\s:]+)\s*:?\s*(.*)", line)
                 for line in (self.read(path) or "").splitlines())
        return {match[1]: match[2].strip() for match in found if match}

    def cpuinfo(self, key: str) -> list[str]:
        """All values of a key of /proc/cpuinfo."""
        found = re.findall(rf"^{re.escape(key)}[ \t]*:[ \t]*(.*)$",
                           self.read("proc/cpuinfo") or "", re.MULTILINE)
        return [value.strip() for value in found]

    def selected(self, path: str) -> str | None:
        """The word in [brackets] of a file."""
        match = re.search(r"\[([^]]*)\]", self.read(path) or "")
        return match[1] if match else None

    def cgroups(self, name: str) -> list[str]:
        """A file of our own control group and of all above it, ours first."""
        own = re.search(r"^0::(/.*)$", self.read("proc/self/cgroup") or "", re.MULTILINE)
        folder = PurePosixPath(own[1] if own else "/")
        texts = (self.read(f"sys/fs/cgroup{place}/{name}") for place in (folder, *folder.parents))
        return [text for text in texts if text is not None]


def whole(text: str) -> int | None:
    """A whole number, 0 or more, of a size that a kernel counts in; None: it is none."""
    return int(text) if re.fullmatch(r"[0-9]{1,20}", text.strip()) else None


def wholes(words: list[str]) -> list[int] | None:
    """All of them; None if one is none."""
    numbers = [whole(word) for word in words]
    return None if None in numbers else numbers


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", text.strip()) else None


def read_list(text: str) -> set[int]:
    """The numbers that a kernel list such as 0-3,8 names."""
    numbers: set[int] = set()
    for part in text.strip().split(","):
        match = re.fullmatch(r"([0-9]{1,6})(?:-([0-9]{1,6}))?", part.strip())
        if match:
            numbers |= set(range(int(match[1]), int(match[2] or match[1]) + 1))
    return numbers



def look(root: str | Path = "/", later: str | Path | None = None, seconds: float = 1.0) -> Machine:
    """Look at a system twice: this one with `seconds` between, another as it was `later`."""
    files = Files(root)
    here = files.root.resolve() == Path("/")
    before = files.moving()
    if later is not None:
        after = Files(later).moving()
    elif here:
        time.sleep(seconds)
        after = files.moving()
    else:
        after = before
    return Machine(files, here, before, after)
