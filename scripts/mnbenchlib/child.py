# SPDX-License-Identifier: GPL-2.0-or-later
"""A binary that runs: how it is started, stopped and spoken of."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from .errors import UserError

_TOLD_LINES = 5
_PATIENCE = 5  # seconds for a binary that was told to end


class Child:
    """One process; what it says on standard error is kept, in memory: a full disk is told there."""

    def __init__(self, command: Sequence[str], spoken_to: bool = False) -> None:
        """`spoken_to`: its standard input and output are pipes; else they are nothing."""
        pipe = subprocess.PIPE if spoken_to else subprocess.DEVNULL
        self._errors = os.fdopen(os.memfd_create("stderr"), "w+", encoding="utf-8",
                                 errors="replace")
        try:
            self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=self._errors,
                                            bufsize=0)
        except OSError as err:
            self._errors.close()
            raise UserError(f"{command[0]}: cannot be run: {err.strerror}") from err

    def said(self) -> str:
        """Its standard error so far."""
        self._errors.seek(0)
        return self._errors.read()

    def wait(self, seconds: float) -> int | None:
        """Its exit code, as soon as it has ended; None: it still runs."""
        try:
            return self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self) -> None:
        """Let it end by the signal that ended us; a row is one write, so none is cut in two."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            if self.wait(_PATIENCE) is None:
                self.process.kill()
                self.process.wait()
        self.close()

    def close(self) -> None:
        """It has ended, and nothing more is asked of it."""
        for stream in (self.process.stdin, self.process.stdout, self._errors):
            if stream is not None:
                stream.close()


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


@contextmanager
def interruptible() -> Iterator[None]:
    """Signals end what is in here in good order: its children first.

    Also where the shell started us in the background, and so with SIGINT ignored.
    """
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, _interrupt) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before):
            signal.signal(number, handler)


def ended(who: str, code: int, errors: str) -> str:
    """How a binary ended, with the last of what it said."""
    said = "".join(f"\n    {line}" for line in errors.strip().splitlines()[-_TOLD_LINES:])
    how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
    return f"{who}: the binary ended with {how}" + (f"; its last lines:{said}" if said else "")


def bad_input(errors: str) -> UserError:
    """The binary's own one-line complaint, as ours."""
    line = (errors.strip().splitlines() or ["bad input"])[-1]
    return UserError(line.removeprefix("mnbench: "))
