# SPDX-License-Identifier: GPL-2.0-or-later
"""A checkout without sources, and a benchmark that is a shell script: for tests only."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from synthetic import COLUMNS  # also puts scripts/ on the path

from mnbenchlib import arches

TOP = Path(__file__).resolve().parents[2]

# What $FAKE says is what goes wrong; `:slow` writes a row every 10 ms for as long as it is let.
_BINARY = """#!/bin/sh
csv= list= execution=native id=
for word; do
    case $last in
    --csv) csv=$word ;;
    --run-id) id=$word ;;
    --execution) execution=$word ;;
    --machine | --topology) : >"$word" ;;
    esac
    [ "$word" = --benchmark_list_tests ] && list=1
    last=$word
done
row() {
    echo "1,$id,now,box,a,$execution,port,seq,$1,,1,none,,0,1,1.5,,,,,,,,,,,,$2" >>"$csv"
}
if [ "$FAKE" = bad ]; then
    echo "mnbench: --families nope: no such family; there are seq, srcu" >&2
    exit 2
fi
if [ "$list" ]; then
    [ "$FAKE" = none ] || printf 'seq/a/port\\nseq/b/port\\n'
    exit 0
fi
if [ "$FAKE" = late ]; then
    echo "mnbench: --pin kind:9: no such kind of CPU" >&2
    exit 2
fi
[ -s "$csv" ] || echo HEADER >>"$csv"
row a
case $FAKE in
crash:$execution) echo "BUG: at here.c:7" >&2; kill -SEGV $$ ;;
slow) while row b; do sleep 0.01; done ;;
skip) row b "no SMT" ;;
odd) row b; echo "mnbench: topology: hwloc sees less" >&2 ;;
*) row b ;;
esac
""".replace("HEADER", ",".join(COLUMNS))

_EMULATOR = """#!/bin/sh
[ "$1" != -cpu ] || shift 2
exec "$@"
"""


def _program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


class Checkout:
    """Where mnbench runs, what it finds on the PATH, and what it leaves."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.programs = top / "programs"
        self.host = arches.host()
        self.others = [arch for arch in arches.ARCHES if arch != self.host]
        quiet = shutil.ignore_patterns("tests", "__pycache__")
        shutil.copytree(TOP / "scripts", top / "scripts", ignore=quiet)
        shutil.copytree(TOP / "platforms", top / "platforms")
        shutil.copy(TOP / "CMakePresets.json", top)
        # A Debian machine as far as mnbench can see, with nothing but what is put here.
        for name in ("apt-get", "dpkg-query", "apt-config"):
            _program(self.programs / name, "#!/bin/sh\n")
        for arch in self.others:
            text = (TOP / "platforms" / arch / "emulator").read_text(encoding="utf-8")
            _program(self.programs / text.splitlines()[-1].split()[0], _EMULATOR)
        for preset in (*arches.ARCHES, "native"):
            _program(self.binary(preset), _BINARY)

    def binary(self, preset: str) -> Path:
        """The stand-in for a preset's benchmark."""
        return self.top / "build" / preset / "bench" / "mnbench"

    def environment(self, fake: str = "", path: str = "") -> dict[str, str]:
        """What mnbench is started with; `path` replaces the machine's own programs."""
        return {"PATH": f"{self.programs}:{path or os.environ['PATH']}", "FAKE": fake,
                "HOME": str(self.top), "MNBENCH_CACHE": str(self.top / "cache")}

    def command(self, *words: object) -> list[str]:
        """The command line."""
        return [str(self.top / "scripts" / "mnbench"), *map(str, words)]

    def mnbench(self, *words: object, fake: str = "", path: str = "",
                within: list[str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run it to the end."""
        return subprocess.run([*(within or []), *self.command(*words)], cwd=self.top,
                              env=self.environment(fake, path), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, check=False)
