# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench kernel run`: the twin, and beside it the userspace binary, in guests whose clocks count
instructions."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from .. import builds, folders, guest, guestkernel, packages, record, runs, toolchain
from ..arches import ARCHES, TOP
from ..child import interruptible
from ..commands import say
from ..errors import Failed, UserError
from ..guest import Machine, Outcome
from ..results import CSV_NAME
from ..tables import write_whole
from . import headers, log, module, rows, table

_SECONDS = 900  # of a machine that has other things to do; 30 to 60 of one that has not
_MIB = 1024
# Where the kernel and its module lie is no chance in a guest that is to repeat.
_PARAMETERS = "nokaslr"
_ROWS = "/tmp/rows.csv"
_IMAGES = {"x86_64": "arch/x86/boot/bzImage", "arm64": "arch/arm64/boot/Image",
           "riscv64": "arch/riscv/boot/Image"}
_OWN_LOCK = {"x86_64": "queued", "arm64": "queued", "riscv64": "ticket"}
# The operations that the twin has too, of the port and of kernels' own files in userspace.
_BINARY = (
    "seq/(read_begin_retry|check_retry)/(port|upstream-[^/]*)/variant:{lock}/",
    "seq/read_begin_retry/baseline/variant:{lock}/",
    "seq/(insert|remove)/(port|upstream-[^/]*)/variant:{lock}/intervals:10*/threads",
    "seq/(fill|drain)/(port|upstream-[^/]*)/variant:{lock}/intervals:10*/order:(in_order|random)/",
    "seq/fill_locked/(port|upstream-[^/]*)/variant:{lock}/",
    "srcu/(register|get_put|get_put_again)/(port|upstream-[^/]*)/variant:{lock}/",
    "srcu/(read_pair|read_nested|synchronize_idle)/port/",
    "wake/wake_all(_waker)?/port/variant:futex/sleepers:(0|1|8|64)/",
)
_BRIEFLY = (
    "seq/read_begin_retry/(port|baseline)/variant:{lock}/",
    "seq/(insert|remove)/port/variant:{lock}/intervals:100/",
    "srcu/read_pair/port/",
)
_BINARY_FLAGS = ("--repetitions", "3", "--max-repetitions", "3", "--target", "0", "--twins", "0",
                 "--threads", "1", "--pin", "none", "--seed", "1", "--window", "10",
                 "--benchmark_min_time=0.0005")


@dataclass(frozen=True)
class Kernel:
    """What a guest boots, and how the module for it is built."""

    arch: str
    image: Path
    headers: Path
    name: str
    also: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Facts:
    """What is noted of a guest beside its rows."""

    arch: str
    kernel: str
    release: str
    emulator: str
    seconds: float
    clock_insns: float


def _of_tree(arch: str, tree: Path) -> Kernel:
    image = tree / _IMAGES[arch]
    if not (tree / "Makefile").is_file():
        raise UserError(f"--build {tree}: neither a kernel tree nor a folder that one was built in")
    if not image.is_file():
        raise UserError(f"--build {tree}: not built for {arch} yet: no {_IMAGES[arch]} in it")
    return Kernel(arch, image, tree, tree.name, (tree.resolve(),))


def kernel(arch: str, args: argparse.Namespace) -> Kernel:
    """The kernel that the arguments name, or Debian's own."""
    if args.build is not None:
        return _of_tree(arch, args.build.expanduser().absolute())
    if args.image is None:
        image = guestkernel.fetch(arch, args.renew)
        return Kernel(arch, image, headers.for_image(arch, image), image.parent.name)
    image, built = args.image.expanduser().absolute(), args.headers.expanduser().absolute()
    if not image.is_file():
        raise UserError(f"--image {args.image}: no such file")
    if not (built / "Makefile").is_file():
        raise UserError(f"--headers {args.headers}: not a folder that modules are built against: "
                        f"no Makefile in it")
    return Kernel(arch, image, built, image.name, (built,))


def _binary(arch: str, args: argparse.Namespace) -> Path | None:
    if args.twin_only:
        return None
    program = builds.folder(arch) / "bench" / "mnbench"
    if not program.exists():
        raise UserError(f"{program.relative_to(TOP)}: not built yet; scripts/mnbench build {arch} "
                        f"builds it, or leave the userspace side out with --twin-only")
    return program


def _filter(arch: str, args: argparse.Namespace) -> str:
    names = [name.format(lock=_OWN_LOCK[arch]) for name in (_BRIEFLY if args.brief else _BINARY)]
    return args.only or f"^({'|'.join(names)})"


def _commands(arch: str, args: argparse.Namespace, binary: Path | None) -> list[list[str]]:
    words = [f"only={args.only}"] if args.only else []
    words += ["largest=100", "repetitions=3"] if args.brief else []
    found = [["/control", "/mnbench.ko", *words, *args.parameters]]
    if binary:
        found += [["/mnbench", "--csv", _ROWS, "--execution", "kernel-icount", *_BINARY_FLAGS,
                   f"--benchmark_filter={_filter(arch, args)}"], ["show", _ROWS]]
    return found


def _rows(outcome: Outcome, where: rows.Where) -> tuple[log.Said, list[rows.Cells]]:
    said = log.read(outcome.ran[0].lines)
    if outcome.ran[0].status:
        raise Failed(f"the loader ended with {outcome.ran[0].status}: "
                     f"{(said.other or said.kernel or ['it said nothing'])[-1]}")
    found = rows.of_twin(said, where)
    if len(outcome.ran) > 1:
        if outcome.ran[1].status:
            raise Failed(f"the binary ended with {outcome.ran[1].status}: "
                         f"{(outcome.ran[1].lines or ['it said nothing'])[-1]}")
        found += rows.of_binary(outcome.ran[2].lines, where)
    return said, found


def _version(arch: str) -> str:
    told = subprocess.run([guest.emulator(arch)[0], "--version"], stdout=subprocess.PIPE, text=True,
                          check=False).stdout
    return told.partition("\n")[0]


def _run(what: Kernel, args: argparse.Namespace, run_id: str) -> tuple[list[rows.Cells], Facts]:
    arch = what.arch
    built = module.build(arch, what.headers, what.name, what.also)
    binary = _binary(arch, args)
    files: dict[str, Path | bytes] = {"/mnbench.ko": built.path, "/control": module.control(arch)}
    if binary:
        files["/mnbench"] = binary
    outcome = guest.boot(Machine(arch, mib_a_node=_MIB), what.image, files,
                         _commands(arch, args, binary), args.seconds, _PARAMETERS, counted=True)
    where = rows.Where(run_id, os.uname().nodename, arch, "kernel-icount")
    said, found = _rows(outcome, where)
    return found, Facts(arch, what.name, said.release, _version(arch), outcome.seconds,
                        said.clock_ns)


def add_kernel_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that say which kernel."""
    parser.add_argument("--image", type=Path, metavar="FILE",
                        help="this kernel; with --headers, and one architecture")
    parser.add_argument("--headers", type=Path, metavar="DIR",
                        help="what modules for it are built against")
    parser.add_argument("--build", type=Path, metavar="TREE",
                        help="the kernel that was built in this folder, with CONFIG_MODULES, "
                        "CONFIG_MMU_NOTIFIER and the console of qemu's machine")
    parser.add_argument("--renew", action="store_true",
                        help="the kernel that Debian has now, not the one fetched before")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench kernel run`."""
    parser.epilog = "Exit codes: 0 done, 1 a guest failed or its kernel complained, 2 bad input."
    parser.add_argument("--arch", type=runs.words, metavar="A,B", default=list(ARCHES),
                        help=f"of {', '.join(ARCHES)} (all)")
    add_kernel_arguments(parser)
    parser.add_argument("--out", type=Path, metavar="DIR",
                        help="new or empty; default: results/local/RUN_ID-kernel")
    parser.add_argument("--only", metavar="TEXT",
                        help="what has this in FAMILY/OPERATION alone")
    parser.add_argument("--brief", action="store_true",
                        help="small trees, few sleepers, and nothing is kept: whether it works")
    parser.add_argument("--twin-only", action="store_true",
                        help="leave the userspace binary out")
    parser.add_argument("--seconds", type=float, default=_SECONDS, metavar="N",
                        help=f"a guest that takes longer has failed ({_SECONDS})")
    parser.add_argument("parameters", nargs="*", metavar="PARAMETER=VALUE",
                        help="for the module; modinfo lists them")


def check_kernel(args: argparse.Namespace) -> None:
    """Complain of what cannot be meant."""
    for arch in args.arch:
        if arch not in guest.ARCHES:
            raise UserError(f"--arch {arch}: no such architecture; there are "
                            f"{', '.join(guest.ARCHES)}")
    if not args.arch:
        raise UserError("--arch: names no architecture")
    if (args.image is None) != (args.headers is None):
        raise UserError("--image and --headers belong together: a module is for one kernel alone")
    if args.image is not None and args.build is not None:
        raise UserError("--image and --build each name a kernel: leave one out")
    if (args.image or args.build) is not None and len(args.arch) != 1:
        raise UserError("--image, --build: of which architecture? Name one with --arch")


def _check(args: argparse.Namespace) -> None:
    check_kernel(args)
    for arch in args.arch:
        guest.emulator(arch)
    if not args.seconds > 0:
        raise UserError(f"--seconds {args.seconds:g}: wants more than 0")
    for word in args.parameters:
        if "=" not in word:
            raise UserError(f"{word}: a parameter is NAME=VALUE")


def _keep(folder: Path, found: Sequence[rows.Cells], facts: Sequence[Facts]) -> None:
    write_whole(folder / CSV_NAME, rows.as_csv(found))
    write_whole(folder / "kernel.json", json.dumps([asdict(one) for one in facts], indent=1) + "\n")


@contextmanager
def _folder(args: argparse.Namespace, run_id: str) -> Iterator[Path]:
    if args.brief:
        with tempfile.TemporaryDirectory(prefix="mnbench-kernel-") as folder:
            yield Path(folder)
        return
    out = args.out or TOP / "results" / "local" / f"{run_id}-kernel"
    with folders.owned(out, resumed=False):
        yield out


def _run_all(args: argparse.Namespace, run_id: str, out: Path) -> int:
    """How many of the architectures failed; the others' rows are in the folder."""
    found: list[rows.Cells] = []
    facts: list[Facts] = []
    for arch in args.arch:
        try:
            more, fact = _run(kernel(arch, args), args, run_id)
        except Failed as err:
            say(f"mnbench: kernel: {arch}: {str(err).removeprefix(f'{arch}: ')}")
            continue
        say(f"{arch}: {fact.release}, {len(more)} rows in {fact.seconds:.0f} s")
        found += more
        facts.append(fact)
        _keep(out, found, facts)
    return len(args.arch) - len(facts)


def main(args: argparse.Namespace) -> int:
    """`mnbench kernel run`."""
    if packages.have_apt() and (missing := packages.missing(packages.needed("guests"))):
        packages.install(missing, toolchain.log())
    _check(args)
    run_id = record.make_run_id()
    with interruptible(), _folder(args, run_id) as out:
        failed = _run_all(args, run_id, out)
        if failed < len(args.arch):
            print(table.text(out), end="")
            if not args.brief:
                print(f"\n{out}/{CSV_NAME}: all of it")
    return 1 if failed else 0
