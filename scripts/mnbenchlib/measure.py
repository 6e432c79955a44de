# SPDX-License-Identifier: GPL-2.0-or-later
"""Measuring: a run's binaries one after the other, or two of them in lock-step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from . import doctor, floor, results, turns
from .arches import host
from .child import Child, bad_input, ended
from .commands import say
from .errors import Failed, UserError
from .parts import Part
from .progress import Progress
from .record import NAME, Record

AGAINST = "against"  # the folder of the other binary's run, in this one's
_FILES = (results.CSV_NAME, "machine.json", "topology.xml", doctor.NAME, NAME)


@dataclass
class Run:
    """All that a run needs to begin or to go on."""

    record: Record
    folder: Path
    parts: list[Part]
    other: Part | None  # --against
    resumed: bool
    budget: float  # seconds of an architecture; 0: no limit

    @property
    def csv(self) -> Path:
        """The file that grows."""
        return self.folder / results.CSV_NAME

    @property
    def seed(self) -> int:
        """Of the order."""
        return self.record.options["seed"]


def _forget(folder: Path) -> None:
    """Takes away what a run without a row has left, in a folder that was empty."""
    if (folder / AGAINST).is_dir():
        _forget(folder / AGAINST)
        (folder / AGAINST).rmdir()
    for name in _FILES:
        (folder / name).unlink(missing_ok=True)


def _run_alone(command: list[str], progress: Progress) -> tuple[int, str]:
    """Run one binary; its exit code and what it said on standard error."""
    running = Child(command)
    try:
        while (code := running.wait(progress.interval)) is None:
            progress.update()
        return code, running.said()
    finally:
        running.stop()


def _write_once(folder: Path, run_id: str) -> list[str]:
    return ["--run-id", run_id, "--machine", str(folder / "machine.json"),
            "--topology", str(folder / "topology.xml")]


class _Doubts:
    """Where hwloc and the kernel differ: plans of this run may be wrong. Each is told once."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def hear(self, said: str) -> None:
        """What a binary said on standard error."""
        for line in said.splitlines():
            if line.startswith("mnbench: topology:") and line not in self._told:
                self._told.add(line)
                say(line)


def _by_turns(run: Run, sides: list[turns.Side], progress: Progress) -> bool:
    """Whether this machine's own binaries did well."""
    plan = turns.Plan(run.seed, run.budget, tick=progress.update,
                      interval=progress.interval, heard=_Doubts().hear)
    try:
        turns.run(sides, plan)
    except Failed as err:
        progress.end()
        say(f"mnbench: run: {err}")
        return False
    progress.end()
    return True


def _emulated(run: Run, part: Part, progress: Progress) -> bool:
    """Likewise, another architecture's: in one process, since its times say nothing anyway."""
    begun = run.resumed and results.has_rows(run.csv, part.arch)
    flags = ["--resume"] if begun else ["--run-id", run.record.run_id]
    code, said = _run_alone([*part.command, "--csv", str(run.csv), *flags], progress)
    progress.read()
    if code == 2 and not progress.rows:
        raise bad_input(said)
    progress.end()
    if code != 0:
        say(f"mnbench: run: {ended(part.arch, code, said)}")
    return code == 0


def _one_part(run: Run, part: Part, progress: Progress) -> bool:
    progress.begin(part)
    if part.arch != host():
        return _emulated(run, part, progress)
    first = _write_once(run.folder, run.record.run_id)
    return _by_turns(run, [turns.Side(part.arch, part.command, run.csv, part.arch, first)],
                     progress)


def _one_by_one(run: Run, progress: Progress) -> int:
    failed = 0
    for part, binary in zip(run.parts, run.record.binaries):
        if binary.whole:
            continue
        binary.whole = _one_part(run, part, progress)
        failed += not binary.whole
        run.record.write(run.folder)
    if failed:
        say(f"mnbench: run: {failed} of {len(run.parts)} architectures failed; their rows before "
            f"that are in {run.csv}")
    return failed


def _tell_lone(mine: Part, other: Part) -> None:
    """What one of the two lacks is measured all the same."""
    for one, rest, name in ((mine, other, "this build"), (other, mine, str(other.program))):
        lone = sorted(set(one.names or []) - set(rest.names or []))
        if lone:
            say(f"{len(lone)} benchmarks are in {name} only, and measured alone: {lone[0]}"
                + (", ..." if len(lone) > 1 else ""))


def _sides(run: Run) -> list[turns.Side]:
    mine, other, folder = run.parts[0], run.other, run.folder / AGAINST
    run_id = f"{run.record.run_id}-{AGAINST}"
    folder.mkdir(exist_ok=True)
    Record(run_id, run.record.options, run.record.binaries[1:], run.record.lockstep).write(folder)
    return [turns.Side("this build", mine.command, run.csv, mine.arch,
                       _write_once(run.folder, run.record.run_id)),
            turns.Side(f"--against {other.program}", other.command, folder / results.CSV_NAME,
                       other.arch, _write_once(folder, run_id))]


def _in_lockstep(run: Run, progress: Progress) -> int:
    _tell_lone(run.parts[0], run.other)
    progress.begin(run.parts[0])
    if not _by_turns(run, _sides(run), progress):
        say(f"mnbench: run: the rows before that are in {run.csv} and "
            f"{run.folder / AGAINST / results.CSV_NAME}")
        return 1
    for binary in run.record.binaries:
        binary.whole = True
    run.record.write(run.folder)
    return 0


def _csvs(run: Run) -> list[Path]:
    return [run.csv, run.folder / AGAINST / results.CSV_NAME] if run.other else [run.csv]


def execute(run: Run) -> int:
    """The whole run; its exit code."""
    run.record.write(run.folder)
    progress = Progress(_csvs(run), run.parts)
    try:
        failed = (_in_lockstep if run.other else _one_by_one)(run, progress)
    except UserError:
        progress.read()
        if not progress.rows and not run.resumed:
            _forget(run.folder)
        raise
    except KeyboardInterrupt:
        progress.end()
        say(f"mnbench: interrupted; {progress.rows} whole rows are in {run.csv}; scripts/mnbench "
            f"run --resume {run.folder} goes on")
        return 130
    say(f"{progress.rows} rows of {', '.join(part.arch for part in run.parts)} in "
        + progress.took() + (f", {progress.errors} of them skipped or failed: see column `error`"
                             if progress.errors else ""))
    _sum_up(run)
    return 1 if failed else 0


def _sum_up(run: Run) -> None:
    """What a reader of the figures must know, and what to do next."""
    say(f"seed {run.seed}")
    folders = [run.folder, run.folder / AGAINST] if run.other else [run.folder]
    for folder in folders:
        try:
            table = results.read_results(folder)
            found = floor.write(folder, table, rounds=run.other is not None)
        except UserError as err:
            say(f"mnbench: {err}")
            continue
        say(f"{folder}: " * (folder is not run.folder) + floor.told(found))
    if run.other:
        say(f"scripts/mnbench compare {run.folder / AGAINST} {run.folder}")
