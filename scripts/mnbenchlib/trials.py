# SPDX-License-Identifier: GPL-2.0-or-later
"""A copy of the tree in which one source at a time is altered, built and tested."""

from __future__ import annotations

import hashlib
import json
import os
import re
import selectors
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from .arches import TOP
from .commands import logged
from .errors import Failed

_COPIED = ("CMakeLists.txt", "CMakePresets.json", "bench", "core", "platforms")
# What a mistake may use up: it may allocate, write and die without end.
_LIMITS = ("prlimit", "--core=0", "--fsize=67108864", "--nproc=20000")
_FAILED = re.compile(rb"^(?:.*: )?FAILED |WARNING: ThreadSanitizer", re.MULTILINE)
_ADD_TEST = re.compile(r'^add_test\(\W*(\w+)\W* "([^"]+)"\)', re.MULTILINE)
_SCALE = "0.1"
_TALK_MOST = 1 << 22  # bytes


@dataclass(frozen=True)
class Flavour:
    """How the copies are built, and how patient their tests are."""

    name: str
    options: tuple[str, ...]
    patience: float = 2.0
    wrapper: tuple[str, ...] = ()


# As it is measured, with every check of the core; and what sees a missing order of accesses.
CHECKED = Flavour("checked", ("-DCMAKE_BUILD_TYPE=Release", "-DMNBENCH_DEBUG=ON"))
TSAN = Flavour("tsan", ("-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_C_FLAGS=-O1 -fsanitize=thread",
                        "-DCMAKE_CXX_FLAGS=-fsanitize=thread"),
               10.0, ("setarch", os.uname().machine, "--addr-no-randomize"))


@dataclass
class Test:
    """A test program: what it is as it should be."""

    name: str
    target: str
    digest: str = ""
    seconds: float = 0.0
    silence: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """How a run ended: None: passed, else by what it was seen; the longest time without a word."""

    why: str | None
    seconds: float
    silence: float


def snapshot() -> dict[str, bytes]:
    """What a copy consists of: its files' contents by their names in the tree."""
    found = {}
    for name in _COPIED:
        top = TOP / name
        files = [top] if top.is_file() else sorted(p for p in top.rglob("*") if p.is_file())
        found |= {str(path.relative_to(TOP)): path.read_bytes() for path in files}
    return found


def digest(data: bytes) -> str:
    """A name for a content."""
    return hashlib.sha256(data).hexdigest()[:20]


@dataclass
class Tree:
    """One copy, built; whoever alters it restores it."""

    folder: Path
    flavour: Flavour
    contents: dict[str, bytes]
    tests: list[Test] = field(default_factory=list)
    objects: dict[str, list[str]] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    @property
    def top(self) -> Path:
        """The copy's sources."""
        return self.folder / "tree"

    @property
    def _build(self) -> Path:
        return self.folder / "build"

    def prepare(self, like: Tree | None = None) -> None:
        """Copy what has changed since the last time, build, and see the tests pass.

        LIKE is a copy of the same where that has been seen.
        """
        for name, content in self.contents.items():
            path = self.top / name
            if not path.exists() or path.read_bytes() != content:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        for path in [p for p in self.top.rglob("*") if p.is_file()]:
            if str(path.relative_to(self.top)) not in self.contents:
                path.unlink()
        log = self.folder / "build.log"
        logged(["cmake", "-G", "Ninja", "-S", str(self.top), "-B", str(self._build),
                "-DMNBENCH_BENCH=OFF", "-DCMAKE_SUPPRESS_REGENERATION=ON",
                "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", *self.flavour.options], log, "cmake")
        self._find_tests()
        logged(["ninja", "-C", str(self._build), *(test.target for test in self.tests)], log,
               "ninja")
        self._find_objects()
        for at, test in enumerate(self.tests):
            test.digest = digest((self._build / test.target).read_bytes())
            if like:
                test.seconds, test.silence = like.tests[at].seconds, like.tests[at].silence
            else:
                self._see_it_pass(test)

    def _see_it_pass(self, test: Test) -> None:
        outcome = self.run(test, 60)
        if outcome.why:
            raise Failed(f"{test.name}: {outcome.why} in the unaltered core "
                         f"({self.flavour.name}); mend that first")
        test.seconds, test.silence = outcome.seconds, outcome.silence

    def _find_tests(self) -> None:
        listed = (self._build / "core/CTestTestfile.cmake").read_text(encoding="utf-8")
        self.tests = [Test(name, str(Path(program).relative_to(self._build.resolve())))
                      for name, program in _ADD_TEST.findall(listed)]

    def _find_objects(self) -> None:
        """Which objects each source is compiled to, of those that the tests consist of."""
        commands = json.loads((self._build / "compile_commands.json").read_text())
        self.objects = {}
        for entry in commands:
            source, words = Path(entry["file"]), entry["command"].split()
            output = words[words.index("-o") + 1]
            if source.is_relative_to(self.top.resolve()) and (self._build / output).exists():
                name = str(source.relative_to(self.top.resolve()))
                self.objects.setdefault(name, []).append(output)
        self.digests = {name: self.object_digest(name) for name in self.objects}

    def ninja(self, *targets: str) -> bool:
        """Build targets; False: it does not compile."""
        return subprocess.run(["ninja", "-C", str(self._build), "-j1", *targets],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False).returncode == 0

    def object_digest(self, source: str) -> str:
        """The content of all objects of a source."""
        return digest(b"".join((self._build / name).read_bytes()
                               for name in self.objects[source]))

    def is_unaltered(self, test: Test) -> bool:
        """Whether a test came out as if nothing had been altered."""
        return digest((self._build / test.target).read_bytes()) == test.digest

    def alter(self, name: str, text: str) -> None:
        """Another text for a source."""
        (self.top / name).write_text(text, encoding="utf-8")

    def restore(self, name: str) -> None:
        """A source as it was; what was built of it is built again when it is next asked for."""
        (self.top / name).write_bytes(self.contents[name])

    def run(self, test: Test, silence: float | None = None) -> Outcome:
        """Run a test until it passes, fails a check, dies or says nothing for too long."""
        if silence is None:
            silence = self.flavour.patience + 6 * test.silence
        started = time.monotonic()
        command = [*_LIMITS, *self.flavour.wrapper, str(self._build / test.target)]
        with subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, start_new_session=True, cwd=self.folder,
                env={**os.environ, "MNBENCH_TEST_SCALE": _SCALE,
                     "TSAN_OPTIONS": "halt_on_error=1"}) as process:
            try:
                why, longest = _watch(process, silence)
            finally:
                _kill_all(process)
        return Outcome(why, time.monotonic() - started, longest)


def _watch(process: subprocess.Popen, silence: float) -> tuple[str | None, float]:
    """How it ends (None: it passes), and the longest time in which it said nothing."""
    assert process.stdout is not None
    tail, longest, said = b"", 0.0, 0
    last = time.monotonic()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while said < _TALK_MOST:
            if not selector.select(silence):
                return "hangs", longest
            longest = max(longest, time.monotonic() - last)
            last = time.monotonic()
            read = os.read(process.stdout.fileno(), 65536)
            said += len(read)
            tail = (tail + read)[-65536:]
            if _FAILED.search(tail):
                return "fails a check", longest
            if not read:
                return _ending(process), longest
    return "talks without end", longest


def _ending(process: subprocess.Popen) -> str | None:
    try:
        code = process.wait(10)
    except subprocess.TimeoutExpired:
        return "hangs"
    if code < 0:
        return f"dies of {signal.Signals(-code).name}"
    return None if code in (0, 77) else f"exits {code}"


def _kill_all(process: subprocess.Popen) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
