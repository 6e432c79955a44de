# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench planted`: bugs are put into the core one by one, and each must be caught."""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .arches import TOP
from .commands import say
from .errors import Failed, UserError
from .scratch import Scratch
from .tables import Block, Table, as_text

FOLDER = TOP / "core" / "tests" / "planted"
# A watchdog that is to bite soon; nothing here takes as long unless it hangs.
_STALL_SECONDS = 4
_SOUND_SECONDS = 0.5
# `# LABEL: VALUE`, before the diff.
_LABEL = re.compile(r"^# (bug|caught by|says): (.+)$", re.MULTILINE)
_CATCHER = re.compile(r"(?:torture (?P<torture>\w+)|(?P<test>\w+_test)) within (?P<seconds>\d+) s")


@dataclass(frozen=True)
class Planted:
    """A bug: what it is, what must catch it, in how long, and what that says then."""

    name: str
    diff: Path
    bug: str
    test: str  # of torture, or a program of core/tests
    by_torture: bool
    seconds: int
    says: str

    @property
    def target(self) -> str:
        """What is built to catch it."""
        return "torture" if self.by_torture else self.test

    def catcher(self) -> str:
        """For reading."""
        return f"torture {self.test}" if self.by_torture else self.test


def read(diff: Path) -> Planted:
    """A patch with its heading."""
    text = diff.read_text(encoding="utf-8", errors="replace")
    heading = text.partition("\n--- ")[0]
    said = dict(_LABEL.findall(heading))
    for label in ("bug", "caught by", "says"):
        if label not in said:
            raise UserError(f"{diff}: no line `# {label}: ...` before the diff; write it")
    catcher = _CATCHER.fullmatch(said["caught by"])
    if catcher is None:
        raise UserError(f"{diff}: `# caught by: {said['caught by']}` is neither `torture TEST "
                        f"within N s` nor `NAME_test within N s`; mend it")
    return Planted(diff.stem, diff, said["bug"], catcher["torture"] or catcher["test"],
                   catcher["torture"] is not None, int(catcher["seconds"]), said["says"])


def every() -> list[Planted]:
    """All of them, by name."""
    return [read(diff) for diff in sorted(FOLDER.glob("*.patch"))]


def _command(scratch: Scratch, bug: Planted, seconds: float) -> list[str]:
    program = str(scratch.built(f"core/{bug.target}"))
    if not bug.by_torture:
        return [program]
    return [program, "--test", bug.test, "--seconds", str(seconds), "--stall",
            str(_STALL_SECONDS)]


def _run(command: list[str], limit: float) -> tuple[int | None, str]:
    """Exit code, None where it had to be ended, and all output."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
                              timeout=limit)
    except subprocess.TimeoutExpired as err:
        output = err.stdout or b""
        return None, output if isinstance(output, str) else output.decode(errors="replace")
    return done.returncode, done.stdout


def _sound(scratch: Scratch, bugs: Iterable[Planted]) -> None:
    """Without a bug everything passes: else a bug caught means nothing."""
    one_each = {bug.catcher(): bug for bug in bugs}
    say(f"building the core as it is, and running {len(one_each)} tests on it")
    scratch.build(*sorted({bug.target for bug in one_each.values()}))
    for bug in one_each.values():
        code, output = _run(_command(scratch, bug, _SOUND_SECONDS), 120)
        if code != 0:
            raise Failed(f"{bug.catcher()} fails on the core as it is, so it can catch nothing: "
                         f"{(output.strip().splitlines() or ['it says nothing'])[-1]}")


def _verdict(code: int | None, output: str, bug: Planted) -> str:
    """Empty where the bug was caught for the reason that its patch states."""
    if code == 0:
        return "NOT CAUGHT"
    if code is None and bug.by_torture:
        return "HANGS"
    if bug.says not in output:
        failed = [line for line in output.splitlines() if "FAILED" in line]
        return f"OTHER REASON: {(failed or output.strip().splitlines() or ['nothing'])[0][:200]}"
    return ""


def catch(scratch: Scratch, bug: Planted) -> tuple[float, str]:
    """Plant it and run its test; seconds, and what is wrong with the catch."""
    scratch.patch(bug.diff)
    try:
        scratch.build(bug.target)
        # The program stops at the first failure.
        started = time.monotonic()
        # A test of the core has no watchdog: to hang is its way to fail.
        limit = bug.seconds + (60 if bug.by_torture else 0)
        code, output = _run(_command(scratch, bug, bug.seconds), limit)
        return time.monotonic() - started, _verdict(code, output, bug)
    finally:
        scratch.patch(bug.diff, back=True)


def _table(rows: list[list[str]]) -> str:
    table = Table(["bug", "caught by", "seconds", "within", "result"], "<<>><", rows)
    return as_text([Block("planted bugs", table=table)])


def _choose(names: list[str]) -> list[Planted]:
    bugs = every()
    known = {bug.name: bug for bug in bugs}
    for name in names:
        if name not in known:
            raise UserError(f"{name}: no such planted bug; --list names them")
    return [known[name] for name in names] or bugs


EXAMPLES = """\
scripts/mnbench planted --list
scripts/mnbench planted put_frees_at_once srcu_no_flip
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench planted`."""
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help="patches of core/tests/planted, without .patch; default: all")
    parser.add_argument("--list", action="store_true", help="name the bugs and say what they are")


def main(args: argparse.Namespace) -> int:
    """`mnbench planted`."""
    bugs = _choose(args.names)
    if args.list:
        for bug in bugs:
            print(f"{bug.name}: {bug.bug}; {bug.catcher()} within {bug.seconds} s")
        return 0
    rows, missed = [], 0
    with tempfile.TemporaryDirectory(prefix="mnbench-planted-") as folder:
        scratch = Scratch(Path(folder))
        _sound(scratch, bugs)
        for bug in bugs:
            try:
                seconds, wrong = catch(scratch, bug)
            except UserError as err:  # it does not apply any more: the others may
                say(f"mnbench: {err}")
                seconds, wrong = 0.0, "DOES NOT APPLY"
            missed += bool(wrong)
            say(f"{bug.name}: {wrong or 'caught'} in {seconds:.1f} s")
            rows.append([bug.name, bug.catcher(), f"{seconds:.1f}", str(bug.seconds),
                         wrong or "caught"])
    print(_table(rows), end="")
    print(f"{len(rows)} bugs planted, {len(rows) - missed} caught")
    return 1 if missed else 0
