# SPDX-License-Identifier: GPL-2.0-or-later
"""One binary, or two of them that take turns, measure round by round.

Each speaks the baton's protocol (`mnbench --baton`): before a group of benchmarks it says

    turn ROUND PLACE STATE GROUP

and waits for `go`, `share` or `skip`; after a measured group it says `done`; at last `end`. Rounds,
and places within a round, come in ascending order, and a group's place in a round is the same in
every binary of one seed. So the one with the lowest place is next. On equal places it is the same
group, which the two share: each stops for the other before each benchmark (`next PLACE`) and every
millisecond or so within one (`yield`), so that what disturbs the machine meets both alike.

Each round has processes of its own. Where a program's memory lies is chance, stays the same while
it runs, and costs or saves per cents. So the rounds differ by that chance too, and the statistics
over them know of it.
"""

from __future__ import annotations

import hashlib
import os
import re
import select
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import results
from .child import Child, bad_input, ended
from .errors import Failed

PATIENCE = 600.0  # seconds that one group may take, set-up included
_TURN = re.compile(rb"turn (\d{1,9}) ([0-9a-f]{16}) (open|settled) (.+)")
_NEXT = re.compile(rb"next ([0-9a-f]{16})")
_LONGEST_LINE = 65536
_LEAST_BUDGET = 0.001  # none left: 0 would be no limit


@dataclass(frozen=True)
class Side:
    """A binary: its name for a person, how it is started, and where its rows go."""

    name: str
    command: list[str]  # with every flag but those of files
    csv: Path
    arch: str
    first: list[str]  # further flags of its first start: what is written once


@dataclass(frozen=True)
class Plan:
    """How the turns are given."""

    seed: int
    budget: float = 0  # seconds; 0: no limit
    patience: float = PATIENCE
    tick: Callable[[], None] = lambda: None  # called again and again
    interval: float = 10.0  # seconds between two ticks
    heard: Callable[[str], None] = lambda said: None  # what a process said on standard error


class Broken(Failed):
    """A binary died, hung, or spoke out of turn."""


@dataclass(frozen=True, order=True)
class _Turn:
    round: int
    place: int
    name: bytes
    open: bool = field(compare=False)


class _Ticker:
    """Calls the plan's tick, when it is time."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._last = time.monotonic()

    def look(self) -> None:
        """Called at least as often as the interval asks."""
        if time.monotonic() - self._last >= self._plan.interval:
            self._last = time.monotonic()
            self._plan.tick()


class _Player:
    """One binary, which always waits with a turn of its own, or has come to its end."""

    def __init__(self, side: Side, plan: Plan, ticker: _Ticker) -> None:
        self.turn: _Turn | None = None
        self.place: bytes | None = None  # of the benchmark in a shared group that is next
        self._side, self._plan, self._ticker = side, plan, ticker
        self._child: Child | None = None
        self._measured: set[_Turn] = set()
        self._begun = time.monotonic()
        self._said = b""

    def start(self) -> None:
        """A new process, which goes on where the rows of the one before end."""
        again = results.has_rows(self._side.csv, self._side.arch)
        flags = ["--baton", "--csv", str(self._side.csv)]
        flags += ["--resume"] if again else self._side.first
        if self._plan.budget:
            left = self._plan.budget - (time.monotonic() - self._begun)
            flags += ["--budget", f"{max(left, _LEAST_BUDGET):.3f}"]
        self._said, self.turn = b"", None
        self._child = Child([*self._side.command, *flags], spoken_to=True)
        self._next()

    def wants(self) -> bool:
        """Whether it needs the group whose turn it is, and did not have it yet."""
        return self.turn.open and self.turn not in self._measured

    def go(self) -> None:
        """It measures the group whose turn it is, alone."""
        if (line := self._answered(b"go\n")) != b"done":
            raise self._nonsense(line)
        self._finish()

    def share(self) -> None:
        """It begins with the group whose turn it is, and waits."""
        self._heed(self._answered(b"share\n"))

    def slice(self) -> bool:
        """It goes on with a shared group; True: at the same benchmark as before."""
        place, line = self.place, self._answered(b"go\n")
        if line != b"yield":
            self._heed(line)
        return self.place == place

    def _answered(self, answer: bytes) -> bytes:
        self._tell(answer)
        return self._line(f"measuring {self.turn.name.decode(errors='replace')}")

    def _heed(self, line: bytes) -> None:
        if match := _NEXT.fullmatch(line):
            self.place = match[1]
        elif line == b"done":
            self.place = None
            self._finish()
        else:
            raise self._nonsense(line)

    def _finish(self) -> None:
        self._measured.add(self.turn)
        self._next()

    def skip(self) -> None:
        """Nobody needs the group whose turn it is."""
        self._tell(b"skip\n")
        self._next()

    def leave(self) -> None:
        """The process ends; a new one may start."""
        if self._child is None:
            return
        self._child.process.stdin.close()
        code = self._child.wait(self._plan.patience)
        if code is None:
            raise Broken(f"{self._side.name}: the binary does not end")
        said = self._child.said()
        self._child.close()
        self._child = None
        self._plan.heard(said)
        if code != 0:
            raise self._ended(code, said)

    def stop(self) -> None:
        """Whatever it does: it ends now."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def _next(self) -> None:
        before, line = self.turn, self._line("looking for its next group")
        if line == b"end":
            self.turn = None
            self.leave()
            return
        match = _TURN.fullmatch(line)
        if not match:
            raise self._nonsense(line)
        turn = _Turn(int(match[1]), int(match[2], 16), match[4], match[3] == b"open")
        if before is not None and turn < before:
            raise self._nonsense(line)
        self.turn = turn

    def _tell(self, answer: bytes) -> None:
        try:
            self._child.process.stdin.write(answer)
        except BrokenPipeError:
            pass  # it has ended: reading from it tells how

    def _line(self, doing: str) -> bytes:
        """Its next line, without the newline."""
        deadline = time.monotonic() + self._plan.patience
        while b"\n" not in self._said:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Broken(f"{self._side.name}: the binary hangs: no answer for "
                             f"{self._plan.patience:g} s, {doing}")
            self._read(min(left, self._plan.interval))
        line, _, self._said = self._said.partition(b"\n")
        return line

    def _read(self, seconds: float) -> None:
        stdout = self._child.process.stdout
        readable = select.select([stdout], [], [], seconds)[0]
        self._ticker.look()
        if not readable:
            return
        data = os.read(stdout.fileno(), _LONGEST_LINE)
        if not data:
            code = self._child.wait(self._plan.patience)
            raise self._ended(code if code is not None else 0, self._child.said())
        self._said += data
        if len(self._said) > _LONGEST_LINE and b"\n" not in self._said:
            raise self._nonsense(self._said)

    def _ended(self, code: int, said: str) -> Exception:
        # Before its first row a complaint is about what the user asked for.
        if code == 2 and not self._side.csv.exists():
            return bad_input(said)
        return Broken(ended(self._side.name, code, said))

    def _nonsense(self, line: bytes) -> Broken:
        return Broken(f"{self._side.name}: the binary does not take turns: it says "
                      f"{line[:80].decode(errors='replace')!r}")


def first_of(seed: int, turn_round: int, name: bytes) -> int:
    """Who of two goes first, 0 or 1: by chance, and the other way about in the next round."""
    digest = hashlib.blake2b(f"{seed}/{turn_round // 2}/".encode() + name, digest_size=1).digest()
    return (digest[0] ^ turn_round) & 1


def _in_order(players: list[_Player], seed: int) -> list[_Player]:
    turn = players[0].turn
    first = first_of(seed, turn.round, turn.name)
    return players[first:] + players[:first] if len(players) > 1 else players


def _share(players: list[_Player]) -> None:
    """Both measure the same group, benchmark by benchmark in turns."""
    for player in players:
        player.share()
    while left := [player for player in players if player.place is not None]:
        place = min(player.place for player in left)
        here = [player for player in left if player.place == place]
        while here:
            here = [player for player in here if player.slice()]


def _renew(players: list[_Player]) -> None:
    for player in players:
        player.leave()
    for player in players:
        player.start()


def _play(players: list[_Player], seed: int) -> None:
    measured = None  # the round of these processes
    for player in players:
        player.start()
    while left := [player for player in players if player.turn is not None]:
        turn = min(player.turn for player in left)
        here = [player for player in left if player.turn == turn]
        wanted = any(player.wants() for player in here)
        if wanted and measured not in (None, turn.round):
            _renew(left)
            measured = None
            continue
        if wanted and len(here) > 1:
            _share(_in_order(here, seed))
        else:
            for player in here:
                player.go() if wanted else player.skip()
        measured = turn.round if wanted else measured


def run(sides: Sequence[Side], plan: Plan) -> None:
    """Until none of them needs more. Raises Broken or UserError; the rows so far are kept."""
    ticker = _Ticker(plan)
    players = [_Player(side, plan, ticker) for side in sides]
    try:
        _play(players, plan.seed)
    finally:
        for player in players:
            player.stop()
