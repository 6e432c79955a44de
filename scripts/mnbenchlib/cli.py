# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line: which module serves which command."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Collection

from . import helptext
from .errors import Failed, UserError

# A command's module is imported only when it is asked for: `setup` installs what others import.
COMMANDS = {
    "setup": ("setup", "install packages and make the toolchain root, where they are missing"),
    "build": ("builds", "build the benchmark for this machine and the other architectures"),
    "run": ("runs", "run it, natively or emulated, into a folder of results"),
    "count": ("counts", "count what the operations execute, exactly; compare with recorded counts"),
    "compare": ("compare", "ratios to the baselines, or a new run against an older one"),
    "plot": ("plot", "pictures of runs as SVG and PNG: scaling, latencies, heat maps, history"),
    "report": ("report", "the runs as one page"),
    "results": ("collection", "list, show, merge, check and import folders of results"),
    "outside": ("outside", "other projects' benchmarks beside ours, and whether they agree"),
    "doctor": ("doctor", "say what on this machine disturbs measurements"),
    "selftest": ("selftest", "how small a slow-down is found on this machine, and what is cried"),
    "topology": ("topology", "this machine's topology and what a pin policy does on it"),
    "kernel": ("twin", "count the same operations in the real kernel, in guests or here"),
    "guests": ("guests", "see in emulated machines whether threads are where plans put them"),
    "test": ("tests", "build everything and run every test"),
    "mutate": ("mutate", "put mistakes into the core and see the tests find them"),
    "torture": ("torture", "run the core's stress tests for a time"),
    "planted": ("planted", "plant known bugs in the core and see the tests catch them"),
    "coverage": ("coverage", "which of the core's lines and branches the tests reach"),
    "lint": ("lint", "clang-tidy and cppcheck over everything written in C"),
    "valgrind": ("valgrind", "the core's tests under valgrind's memcheck"),
    "fuzz": ("fuzz", "random calls of the core, checked against models of it"),
    "walk": ("walks", "compare the port with kernels' own files on random walks"),
    "models": ("models", "prove the protocols on models, and see each proof fail"),
    "completion": ("completion", "what a shell needs to complete commands, flags and their values"),
    "manual": ("manual", "write the manual pages of this command and of the C API"),
}
_DESCRIPTION = ("Times the synchronisation core of Linux's mmu notifiers, ported to userspace, on "
                "x86_64, arm64 and riscv64.")
_EPILOG = """\
mnbench COMMAND --help tells more, with examples. exit: 0 done, 1 a program failed or a judgement is
bad, 2 bad input, 130 interrupted. The toolchain root and what was fetched are in ~/.cache/mnbench,
or where the environment's MNBENCH_CACHE says.
"""
_EXAMPLES = """\
scripts/mnbench doctor                        # what on this machine makes figures lie
scripts/mnbench run --families srcu           # measure
scripts/mnbench compare results/vm-xeon-2cpu  # judge
scripts/mnbench report results/vm-xeon-2cpu   # show
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:
        raise UserError(f"{message}; see {self.prog} --help")


def parser(wanted: Collection[str]) -> argparse.ArgumentParser:
    """The parser; only the commands that are wanted bring their arguments and examples along."""
    whole = _Parser(prog="mnbench", description=_DESCRIPTION, epilog=_EPILOG,
                    formatter_class=helptext.Formatter)
    helptext.add_examples(whole, _EXAMPLES)
    commands = whole.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (module, summary) in COMMANDS.items():
        own = commands.add_parser(name, help=summary, description=f"mnbench {name}: {summary}.",
                                  formatter_class=helptext.Formatter)
        if name in wanted:
            served_by = _module(name, module)
            served_by.add_arguments(own)
            own.set_defaults(main=served_by.main)
            helptext.add_examples(own, served_by.EXAMPLES)
    return whole


def _module(command: str, module: str):
    try:
        return importlib.import_module(f".{module}", __package__)
    except ModuleNotFoundError as err:
        raise UserError(f"{command}: the Python module {err.name} is missing; scripts/mnbench "
                        f"setup installs it (Debian's python3-{err.name})") from err


def _run(words: list[str]) -> int:
    command = next((word for word in words if not word.startswith("-")), "")
    args = parser([command]).parse_args(words)
    return args.main(args)


def main(words: list[str]) -> int:
    """Run one command; the exit code."""
    try:
        code = _run(words)
        sys.stdout.flush()
        return code
    except UserError as err:
        print(f"mnbench: {err}", file=sys.stderr)
        return 2
    except Failed as err:
        print(f"mnbench: {err}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("mnbench: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of our output went away (| head): not an error of ours, and nothing to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as err:
        place = f"{err.filename}: " if err.filename else ""
        print(f"mnbench: {place}{err.strerror or err}", file=sys.stderr)
        return 2
