# SPDX-License-Identifier: GPL-2.0-or-later
"""Running other programs: their output goes to a log, their failure is one line."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from .errors import Failed, OutOfStep, UserError

_NO_SPACE = re.compile(r"No space left on device|not have enough free space")
_NO_NETWORK = re.compile(
    r"Could not resolve|Temporary failure resolving|Could not connect|Unable to connect|"
    r"Network is unreachable|Connection (failed|timed out|refused)|Cannot initiate the connection")
_OUT_OF_STEP = re.compile(r"Mirror sync in progress|Hash Sum mismatch")
_TELLING = re.compile(r"^E: |\berror: |^CMake Error|\bfatal: |: Permission denied|\*\*\* ")


def say(text: str) -> None:
    """One line of progress."""
    print(text, file=sys.stderr, flush=True)


def why(output: str) -> str:
    """The one line of a failed command's output that tells most."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if _TELLING.search(line)]
    return (telling or lines or ["no output"])[-1]


def logged(command: Sequence[str], log: Path, what: str, cwd: Path | None = None) -> None:
    """Run `command`, its output added to `log`; `what` names it in the error."""
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as sink:
            sink.write(f"== {what}\n".encode())
            sink.flush()
            start = sink.tell()
            code = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sink,
                                  stderr=subprocess.STDOUT, cwd=cwd, check=False).returncode
    except OSError as err:
        raise UserError(f"{err.filename or log}: {err.strerror}; {what} could not start") from err
    if code == 0:
        return
    with log.open("rb") as source:
        source.seek(start)
        output = source.read().decode(errors="replace")
    if _NO_SPACE.search(output):
        raise UserError(f"{what}: no space left; free some (see {log}), or point MNBENCH_CACHE "
                        f"to a folder with 3 GB")
    if _NO_NETWORK.search(output):
        raise UserError(f"{what}: the package mirror cannot be reached; look at the network and "
                        f"at apt's proxy settings (see {log})")
    if _OUT_OF_STEP.search(output):
        raise OutOfStep(f"{what}: the package mirror's files do not fit one another; it is being "
                        f"renewed, try again later (see {log})")
    raise Failed(f"{what}: {why(output)} (see {log})")
