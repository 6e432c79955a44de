# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench guests`: whether threads and their memory really are where a plan puts them, on
machines with more packages, cores, siblings and NUMA nodes than this one may have."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from . import builds, guest, guestkernel, packages, toolchain
from .commands import say
from .errors import Failed, UserError
from .guest import Machine, Outcome
from .helptext import offer

_SECONDS = 300
_TOLD = 5
_POLICIES = ("none", "compact", "scatter", "smt", "llc", "xllc", "xnode", "list:3,9,1")
_THREADS = (1, 2, 3, 8, 16, 17)
_WITHOUT_SIBLINGS = ("riscv64",)  # its device tree tells the kernel of nodes only


@dataclass(frozen=True)
class Shape:
    """What is left of a guest's machine when the kernel has been told to do without the rest."""

    says: str
    offline: tuple[int, ...] = ()
    isolated: tuple[int, ...] = ()  # not among those that a process may use
    empty_on: tuple[str, ...] = ()  # where the last node has no memory

    def usable(self, machine: Machine) -> set[int]:
        """The PUs that threads may be put on."""
        return set(range(machine.pus())) - {*self.offline, *self.isolated}

    def memory(self, machine: Machine, node: int) -> int:
        """The node of the memory of threads in a node."""
        return 0 if machine.arch in self.empty_on and node == machine.nodes - 1 else node

    def parameters(self, machine: Machine) -> str:
        """For the kernel's command line."""
        words = []
        if self.isolated:
            words.append(f"isolcpus={','.join(map(str, self.isolated))}")
        if machine.arch in self.empty_on:
            size = machine.mib_a_node
            words.append(f"memmap={size}M${size * (machine.nodes - 1)}M")
        return " ".join(words)


SHAPES = {
    "whole": Shape("2 packages of 4 cores of 2 threads, 2 nodes"),
    "holes": Shape("the same with PUs offline, PUs that are not ours, and on x86_64 a node "
                   "without memory", (11, 14, 15), (4, 6, 7), ("x86_64",)),
}


@dataclass(frozen=True)
class Row:
    """A thread of a trial, as --try-plan prints it; what the kernel did not tell is empty."""

    policy: str
    threads: str
    thread: str
    pu: str
    found_pu: str
    node: str
    found_node: str
    node_of_pu: str

    def __str__(self) -> str:
        return (f"{self.policy}, thread {self.thread} of {self.threads}: planned on PU {self.pu}, "
                f"was on {self.found_pu}; its memory planned on node {self.node}, was on "
                f"{self.found_node}; that PU is in node {self.node_of_pu}")


def _rows(outcome: Outcome) -> tuple[list[Row], list[str]]:
    """What was tried, and the remarks beside it."""
    rows, remarks = [], []
    for line in outcome.ran[-1].lines:
        cells = line.split("\t")
        if len(cells) == 8:
            rows.append(Row(*cells))
        elif line.strip():
            remarks.append(line)
    return rows, remarks


def _wrong(row: Row, machine: Machine, shape: Shape) -> bool:
    """Whether a thread was elsewhere than planned, or planned where nothing is."""
    if row.pu == "-":
        return row.policy != "none"
    pu = int(row.pu)
    own = pu * machine.nodes // machine.pus()
    return (pu not in shape.usable(machine) or row.found_pu != row.pu
            or row.node != str(shape.memory(machine, own)) or row.found_node != row.node
            or row.node_of_pu != str(own))


def _shared(rows: Iterable[Row], usable: int) -> Iterator[str]:
    """Plans that put two threads on a PU while there were others."""
    plans: dict[tuple[str, int], list[str]] = {}
    for row in rows:
        if row.pu != "-":
            plans.setdefault((row.policy, int(row.threads)), []).append(row.pu)
    for (policy, threads), pus in plans.items():
        room = 3 if policy.startswith("list:") else usable
        if len(set(pus)) != min(threads, room):
            yield f"{policy}, {threads} threads: on {len(set(pus))} PUs of {room}"


def _missing(rows: Iterable[Row], arch: str) -> Iterator[str]:
    """Policies that the guest must serve and did not."""
    tried = Counter(row.policy for row in rows)
    for policy in ("none", "compact", "scatter", "xnode", "smt"):
        if not tried[policy] and not (policy == "smt" and arch in _WITHOUT_SIBLINGS):
            yield f"{policy}: not tried"


def _judge(arch: str, machine: Machine, shape: Shape, outcome: Outcome) -> str:
    """One line of what was found; Failed with what is wrong."""
    rows, remarks = _rows(outcome)
    trouble = [str(row) for row in rows if _wrong(row, machine, shape)]
    trouble += [*_shared(rows, len(shape.usable(machine))), *_missing(rows, arch)]
    trouble += [remark for remark in remarks if remark.startswith("mnbench: topology:")]
    trouble += [f"{' '.join(ran.lines)} (ended with {ran.status})" for ran in outcome.ran[:-1]
                if ran.status != 0]
    if outcome.ran[-1].status != 0:
        trouble.append(f"mnbench ended with {outcome.ran[-1].status}: "
                       f"{remarks[-1] if remarks else 'and said nothing'}")
    if trouble:
        more = f"\n    and {len(trouble) - _TOLD} more" if len(trouble) > _TOLD else ""
        raise Failed("".join(f"\n    {line}" for line in trouble[:_TOLD]) + more)
    pinned = [row for row in rows if row.pu != "-"]
    plans = {(row.policy, row.threads) for row in pinned}
    policies = ", ".join(dict.fromkeys(row.policy for row in pinned))
    return (f"{len(pinned)} threads of {len(plans)} plans, and their memory, where {policies} put "
            f"them, in {outcome.seconds:.0f} s")


def _try(arch: str, shape: Shape, seconds: float, renew: bool) -> str:
    binary = builds.folder(arch) / "bench" / "mnbench"
    if not binary.exists():
        raise UserError(f"build/{arch}/bench/mnbench: not built yet; scripts/mnbench build {arch} "
                        f"builds it")
    kernel = guestkernel.fetch(arch, renew)
    machine = Machine(arch, packages=2, cores=4, threads=2, nodes=2)
    commands = [["write", f"/sys/devices/system/cpu/cpu{pu}/online", "0"] for pu in shape.offline]
    commands.append(["/mnbench", "--try-plan", f"--pin={','.join(_POLICIES)}",
                     f"--threads={','.join(map(str, _THREADS))}"])
    outcome = guest.boot(machine, kernel, {"/mnbench": binary}, commands, seconds,
                         shape.parameters(machine))
    return f"{guestkernel.describe(kernel)}: {_judge(arch, machine, shape, outcome)}"


EXAMPLES = """\
scripts/mnbench guests
scripts/mnbench guests arm64 --shape holes
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench guests`."""
    parser.description = (
        "Boots emulated machines of 2 packages, 8 cores, 16 PUs and 2 NUMA nodes with Debian's "
        "kernel, starts threads by every pin policy in them, and compares where the kernel says "
        "that they and their memory are with the plan.")
    parser.epilog = "exit: 0 all in place, 1 something was not, 2 bad input."
    one = parser.add_argument("arches", nargs="*", metavar="ARCH",
                              help=f"of {', '.join(guest.ARCHES)}; default: all of them")
    offer(one, guest.ARCHES)
    parser.add_argument("--shape", choices=sorted(SHAPES),
                        help="the whole machine, or one with holes; default: both")
    parser.add_argument("--seconds", type=float, default=_SECONDS, metavar="N",
                        help=f"a guest that takes longer has failed ({_SECONDS})")
    parser.add_argument("--renew", action="store_true",
                        help="with the kernel that Debian has now, not the one fetched before")


def _chosen(args: argparse.Namespace) -> list[tuple[str, str]]:
    for arch in args.arches:
        if arch not in guest.ARCHES:
            raise UserError(f"{arch}: no guests of that architecture; there are "
                            f"{', '.join(guest.ARCHES)}")
    if not args.seconds > 0:
        raise UserError(f"--seconds {args.seconds:g}: wants more than 0")
    return [(arch, name) for arch in args.arches or guest.ARCHES for name in SHAPES
            if args.shape in (None, name)]


def main(args: argparse.Namespace) -> int:
    """`mnbench guests`."""
    chosen = _chosen(args)
    if packages.have_apt() and (missing := packages.missing(packages.needed("guests"))):
        packages.install(missing, toolchain.log())
    failed = 0
    for arch, name in chosen:
        guest.emulator(arch)
        try:
            print(f"{arch}, {SHAPES[name].says}: "
                  f"{_try(arch, SHAPES[name], args.seconds, args.renew)}", flush=True)
        except Failed as err:
            failed += 1
            say(f"mnbench: guests: {arch}, {name}: {err}")
    return 1 if failed else 0
