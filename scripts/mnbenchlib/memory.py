# SPDX-License-Identifier: GPL-2.0-or-later
"""What mutation runs found, kept for the next one: build/mutation/results.json."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field
from pathlib import Path

from .trials import Flavour, Test, digest

# The core, and its tests: what else stands in its folder has no part in a verdict.
_MATTERS = re.compile(r"core/(?:[^/]+|include/.+|tests/[^/]+)\.(?:[ch]|wrap)")


@dataclass
class Memory:
    """What earlier runs found: verdicts that still hold, and which tests kill."""

    path: Path
    verdicts: dict[str, dict[str, str]] = field(default_factory=dict)
    runs: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    texts: dict[str, str] = field(default_factory=dict)

    def load(self, contents: dict[str, bytes]) -> None:
        """Read it, for a tree with these files; one that cannot be read is forgotten."""
        try:
            stored = json.loads(self.path.read_text(encoding="utf-8"))
            self.verdicts, self.runs = stored["verdicts"], stored["runs"]
        except (OSError, ValueError, KeyError):
            pass
        self.texts = {name: digest(content) for name, content in contents.items()
                      if _MATTERS.fullmatch(name)}

    def save(self) -> None:
        """Write it; an interrupted run keeps the former one."""
        with self.lock:
            part = self.path.with_suffix(".part")
            part.write_text(json.dumps({"verdicts": self.verdicts, "runs": self.runs}, indent=0),
                            encoding="utf-8")
            part.replace(self.path)

    def key(self, file: str, text: str, flavour: Flavour) -> str:
        """The core with the mistake in it."""
        rest = "".join(f"{name} {value}\n" for name, value in sorted(self.texts.items())
                       if not name.startswith("core/tests/") and name != file)
        return digest(f"{flavour.name}\n{file}\n{text}\n{rest}".encode())

    def _tests_digest(self, only: str = "") -> str:
        return digest("".join(
            f"{name} {value}\n" for name, value in sorted(self.texts.items())
            if name.startswith("core/tests/")
            and (not only or name.endswith(".h") or Path(name).stem == only)).encode())

    def recall(self, key: str) -> str | None:
        """The verdict, if the tests that gave it are what they were."""
        with self.lock:
            known = self.verdicts.get(key)
        if known and known["tests"] == self._tests_digest(known.get("test", "")):
            return known["verdict"]
        return None

    def hint(self, key: str) -> str:
        """The test that killed it last time."""
        with self.lock:
            return self.verdicts.get(key, {}).get("test", "")

    def learn(self, key: str, verdict: str, test: str = "") -> None:
        """A verdict."""
        known = {"verdict": verdict, "tests": self._tests_digest(test)}
        if test:
            known["test"] = test
        with self.lock:
            self.verdicts[key] = known

    def count(self, file: str, test: str, killed: bool) -> None:
        """A test was run on a mutant of a file."""
        with self.lock:
            tried = self.runs.setdefault(file, {}).setdefault(test, [0, 0])
            tried[0] += 1
            tried[1] += killed

    def order(self, file: str, tests: list[Test], first: str) -> list[Test]:
        """Those that kill most in a second come first."""
        with self.lock:
            tried = {name: tuple(value) for name, value in self.runs.get(file, {}).items()}

        def rate(test: Test) -> float:
            runs, kills = tried.get(test.name, (0, 0))
            return (kills + 0.5) / (runs + 1) / (test.seconds + 0.1)
        return sorted(tests, key=lambda test: (test.name != first, -rate(test)))
