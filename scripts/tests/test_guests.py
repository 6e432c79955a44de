# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench guests` and the launcher under it: with an emulator that is a shell script, and once
with the real one."""

from __future__ import annotations

import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from synthetic import UserError, command

from mnbenchlib import arches, guest, guestkernel, guests, initramfs, packages, toolchain
from mnbenchlib.errors import Failed
from mnbenchlib.guest import Machine

MACHINE = Machine("x86_64", packages=2, cores=4, threads=2, nodes=2)
GOOD = "boot\nguest: run 0\nhello\n\nguest: exit 0 0\nguest: run 1\n\nguest: signal 1 9\nguest: end\n"


@pytest.fixture
def play(tmp_path, monkeypatch):
    """Boot a guest whose console shows a text; then a command, if any, before it ends."""
    def played(console: str = GOOD, then: str = "", seconds: float = 20) -> guest.Outcome:
        (tmp_path / "console").write_text(console)
        program = tmp_path / "qemu"
        program.write_text(f"#!/bin/sh\necho \"$@\" >'{tmp_path}/words'\n"
                           f"cat '{tmp_path}/console'\n{then}\n")
        program.chmod(0o755)
        monkeypatch.setitem(guest._EMULATORS, "x86_64", (f"{program} -machine m", "ttyS0", "pkg"))
        monkeypatch.setattr(guest, "_init", lambda _arch: tmp_path / "console")
        return guest.boot(MACHINE, tmp_path / "vmlinuz", {"/a/b": b"data"}, [["/a/b", "x y"]],
                          seconds, "quiet")
    return played


def test_what_an_emulator_is_asked(play, tmp_path):
    play()
    words = (tmp_path / "words").read_text()
    assert "-smp 16,sockets=2,cores=4,threads=2 -m 1024M" in words
    assert "memory-backend-ram,id=mem1,size=512M -numa node,nodeid=1,memdev=mem1,cpus=8-15" in words
    assert f"-kernel {tmp_path}/vmlinuz" in words
    assert "-append console=ttyS0 panic=-1 quiet" in words
    assert not list(Path("/tmp").glob("mnbench-guest-*"))


def test_what_is_read_off_a_console(play):
    ran = play(GOOD.replace("\n", "\r\n")).ran
    assert [(one.status, one.lines) for one in ran] == [(0, ["hello"]), (-9, [])]


@pytest.mark.parametrize("console, then, why", [
    ("booting\nsome panic\n", "", "went off before its init was done"),
    ("guest: run 0\nhalf a line", "", "half a line"),
    ("guest: broken: /commands: No such file\n", "", "broken /commands: No such file"),
    (GOOD, "exit 3", "ended with exit 3"),
    (GOOD, "kill -SEGV $$", "ended with SIGSEGV"),
    ("first\n" + "noise\n" * 50 + "no space\n", "exit 1", "no space"),
    ("", "exit 1", "console: nothing"),
])
def test_guests_that_fail(play, console, then, why):
    with pytest.raises(Failed) as failure:
        play(console, then)
    assert why in str(failure.value) and "    first" not in str(failure.value)


def test_a_guest_that_hangs(play):
    with pytest.raises(Failed, match="not done after 0.5 s; the last of its console:\n    stuck"):
        play("stuck here\n", "exec sleep 60", seconds=0.5)


def test_bad_commands(tmp_path):
    for word in ("two\nlines", ""):
        with pytest.raises(UserError, match="without a line break"):
            guest._commands([["/a", word]])


@pytest.mark.skipif(not shutil.which("cpio"), reason="no cpio to read the archive")
def test_archive(tmp_path):
    archive = initramfs.archive({"/init": b"1234567", "/a/b/c": b"", "/a/d": Path(__file__)})
    subprocess.run(["cpio", "--extract", "--quiet"], input=archive, cwd=tmp_path, check=True)
    assert (tmp_path / "init").read_bytes() == b"1234567"
    assert (tmp_path / "a/d").read_bytes() == Path(__file__).read_bytes()
    assert (tmp_path / "a/b/c").stat().st_mode == stat.S_IFREG | 0o755


# The judgement


def trial(pu: int, found: int | None = None, node: int | None = None, policy: str = "compact",
          threads: int = 1, **cells: str) -> str:
    """A line of --try-plan on the whole machine, right unless told otherwise."""
    own = pu // 8
    row = {"pu": pu, "found": pu if found is None else found, "node": own,
           "memory": own if node is None else node, "own": own} | cells
    return "\t".join(map(str, [policy, threads, 0, *row.values()]))


EVERY = [trial(0, policy=policy) for policy in ("scatter", "xnode", "smt")] + [
    "none\t1\t0\t-\t3\t-\t0\t0"]


def judged(lines: list[str], status: int = 0, arch: str = "x86_64", shape: str = "whole") -> str:
    outcome = guest.Outcome([guest.Ran(0), guest.Ran(status, lines)], 3.2)
    return guests._judge(arch, Machine(arch, 2, 4, 2, 2), guests.SHAPES[shape], outcome)


def test_a_right_outcome():
    said = judged([trial(9), *EVERY, "mnbench: not tried: llc"])
    assert said.startswith("4 threads of 4 plans") and "in 3 s" in said


@pytest.mark.parametrize("lines, why", [
    ([trial(9, found=8)], "planned on PU 9, was on 8"),
    ([trial(9, found="several")], "was on several"),
    ([trial(9, node=0)], "memory planned on node 1, was on 0"),
    ([trial(9, own="0")], "PU is in node 0"),
    ([trial(3, node=1) .replace("\t0\t1\t0", "\t1\t1\t0")], "memory planned on node 1"),
    ([trial(16)], "PU 16"),
    ([trial(3, threads=2), trial(3, threads=2)], "compact, 2 threads: on 1 PUs of 16"),
    ([trial(3, policy="list:3,9,1", threads=2), trial(9, policy="list:3,9,1", threads=2),
      "mnbench: topology: hwloc sees less"], "hwloc sees less"),
    (["compact\t1\t0\t-\t3\t-\t0\t0"], "planned on PU -"),
])
def test_a_wrong_outcome(lines, why):
    with pytest.raises(Failed) as failure:
        judged([trial(0), *EVERY, *lines])
    assert why in str(failure.value) and "and " not in str(failure.value).splitlines()[-1][:8]


def test_other_wrong_outcomes():
    with pytest.raises(Failed, match="smt: not tried"):
        judged([trial(0), *EVERY[:2], EVERY[3]])
    judged([trial(0), *EVERY[:2], EVERY[3]], arch="riscv64")
    with pytest.raises(Failed, match="ended with 1: mnbench: no"):
        judged([trial(0), *EVERY, "mnbench: no"], status=1)
    with pytest.raises(Failed, match="ended with -11: and said nothing"):
        judged([trial(0), *EVERY], status=-11)
    with pytest.raises(Failed, match="and 4 more"):
        judged([*EVERY, *(trial(n, found=n + 1) for n in range(8))])
    with pytest.raises(Failed, match="PU 4"):
        judged([*EVERY, trial(4)], shape="holes")


# What is missing


@pytest.mark.parametrize("words, thing", [
    (["sparc64"], "sparc64"), (["--seconds", "0"], "--seconds"), (["--seconds", "nan"], "nan"),
])
def test_bad_input(words, thing):
    code, error = command(guests, *words)
    assert code == 2 and thing in error


def test_nothing_is_there(monkeypatch, tmp_path):
    monkeypatch.setattr(packages, "missing", lambda _names: [])
    monkeypatch.setitem(guest._EMULATORS, "arm64", ("qemu-system-gone -machine m", "tty", "pkg"))
    code, error = command(guests, "arm64")
    assert code == 2 and "qemu-system-gone: not installed" in error and "pkg" in error
    monkeypatch.setitem(guest._EMULATORS, "arm64", ("true", "tty", "pkg"))
    monkeypatch.setattr(guests.builds, "folder", lambda arch: tmp_path / arch)
    code, error = command(guests, "arm64")
    assert code == 2 and "mnbench build arm64" in error
    monkeypatch.setattr(packages, "have_apt", lambda: False)
    monkeypatch.setenv("MNBENCH_CACHE", str(tmp_path))
    with pytest.raises(UserError, match="no apt here"):
        guestkernel.fetch("arm64")


def test_one_failure_leaves_the_others(monkeypatch, capsys):
    def trying(arch: str, *_rest: object) -> str:
        if arch == "arm64":
            raise Failed("stuck")
        return "fine"

    monkeypatch.setattr(packages, "missing", lambda _names: [])
    monkeypatch.setattr(guest, "emulator", lambda _arch: [])
    monkeypatch.setattr(guests, "_try", trying)
    assert command(guests, "arm64", "riscv64", "--shape", "whole") == (1, "")
    said = capsys.readouterr()
    assert said.err == "mnbench: guests: arm64, whole: stuck\n" and said.out.count("fine") == 1


# Kernels


class FakeApt:
    """A mirror whose index under the suite's first name is out of step."""

    downloaded = 0

    def __init__(self, folder: Path, architecture: str, suites: list[str]) -> None:
        self.suite = suites[0]
        self.architecture = architecture

    def update(self, _what: str) -> None:
        if self.suite == "trixie":
            raise UserError("out of step")

    def fields(self, _name: str, package: str) -> dict[str, str]:
        if self.suite == "trixie":
            return {}
        return {package: f"linux-image-6.12.9-{self.architecture} (= 6.12.9-1)"}

    def download(self, package: str, version: str, folder: Path) -> Path:
        FakeApt.downloaded += 1
        (folder / "deb" / "boot").mkdir(parents=True)
        (folder / "deb" / "boot" / f"vmlinuz-{version}").write_text(package)
        return folder / "deb"


def test_a_kernel_is_fetched_once(monkeypatch, tmp_path):
    monkeypatch.setenv("MNBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(packages, "missing", lambda _names: [])
    monkeypatch.setattr(packages, "have_apt", lambda: True)
    monkeypatch.setattr(guestkernel, "OwnApt", FakeApt)
    FakeApt.downloaded = 0
    image = guestkernel.fetch("x86_64")
    assert image.read_text() == "linux-image-6.12.9-amd64"
    assert guestkernel.describe(image) == "linux-image-6.12.9-amd64 6.12.9-1"
    assert guestkernel.fetch("x86_64") == guestkernel.fetch("x86_64", renew=True) == image
    assert FakeApt.downloaded == 1 and not (tmp_path / "guests" / "new").exists()
    assert guestkernel.fetch("arm64") != image and FakeApt.downloaded == 2
    old = tmp_path / "guests" / "linux-image-6.12.10-amd64_6.12.10-1"
    old.mkdir()
    (old / "vmlinuz").touch()
    assert guestkernel.fetch("x86_64").parent == old


def test_no_kernel_to_be_had(monkeypatch, tmp_path):
    monkeypatch.setenv("MNBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(packages, "missing", lambda _names: [])
    monkeypatch.setattr(packages, "have_apt", lambda: True)
    monkeypatch.setattr(guestkernel, "OwnApt", FakeApt)
    monkeypatch.setattr(toolchain, "SUITES", ("trixie",))
    with pytest.raises(UserError, match="out of step"):
        guestkernel.fetch("arm64")
    monkeypatch.setattr(toolchain, "SUITES", ("stable",))
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: type("Disk", (), {"free": 10**6}))
    with pytest.raises(UserError, match="no space left.*MNBENCH_CACHE"):
        guestkernel.fetch("arm64")


# A real one, where all that it takes is there already


def test_a_real_guest():
    arch = arches.host()
    kernel = guestkernel._cached(arch)
    if kernel is None or not toolchain.ready() or not shutil.which(guest._EMULATORS[arch][0].split()[0]):
        pytest.skip("no kernel, emulator or toolchain root yet: mnbench guests fetches the first two")
    outcome = guest.boot(Machine(arch, cores=2, mib_a_node=512), kernel, {}, [
        ["write", "/sys/devices/system/cpu/cpu1/online", "0"], ["write", "/gone", "0"],
        ["/nothing"]], 120)
    assert [ran.status for ran in outcome.ran] == [0, 1, 127]
    assert outcome.ran[1].lines == ["/gone: No such file or directory"]
    with pytest.raises(Failed, match="not done after 1 s"):
        guest.boot(Machine(arch), kernel, {}, [["/nothing"]], 1)
