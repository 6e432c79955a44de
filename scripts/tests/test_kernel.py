# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench kernel`: what is read of the twin, what becomes of it, and what is refused; with
kernels, mirrors and guests that are made up. The real ones are `mnbench test kernel`."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from synthetic import UserError, command

from mnbenchlib import guest, guestkernel, packages, results, toolchain, twin
from mnbenchlib.errors import Failed
from mnbenchlib.twin import guests, headers, here, log, module, repeat, rows, table

BEGIN = ["kernel: mnbench: loading out-of-tree module taints kernel.",
         "begin,6.12.9+deb13-amd64,1", "clock,1024,45056"]
ROWS = ["row,seq,lock_pair,queued,1,,,100,1,2144 2144 5000,",
        "row,seq,read_begin_retry,queued,1,user_lock:0,,100,1,5344 5344 5344,",
        "row,seq,insert,queued,1,intervals:1,,10,10,2000 2000 2000,",
        "row,srcu,read_pair,fast,1,,,0,0,,this kernel has none, nor ever had",
        "row,srcu,register,full,1,,sleeps,4,1,8000000 8000000,"]
GOOD = [*BEGIN, *ROWS, "end,5"]
WHERE = rows.Where("run", "box", "x86_64", "kernel-icount")


# What the twin says


def test_what_is_read():
    said = log.read(GOOD)
    assert (said.release, said.clock_ns, len(said.rows)) == ("6.12.9+deb13-amd64", 44.0, 5)
    assert said.rows[0].ns == (2144, 2144, 5000) and said.rows[2].parts == 10
    assert said.rows[3].error == "this kernel has none, nor ever had"
    assert [row.sleeps for row in said.rows] == [False, False, False, False, True]


def test_two_ends_are_one_sum():
    more = [*GOOD, "row,mm,munmap,,1,notifiers:0,,64,1,64000,", "end,1"]
    assert len(log.read(more).rows) == 6
    with pytest.raises(Failed, match="5 rows of 6"):
        log.read([*GOOD, "end,1"])


@pytest.mark.parametrize("lines, why", [
    ([*GOOD, "kernel: WARNING: CPU: 0 PID: 9 at mm/x.c:1"], "complained.*\n    WARNING: CPU"),
    ([*GOOD, "kernel: BUG: sleeping function called"], "complained"),
    ([*GOOD, "kernel: possible recursive locking: deadlock", "kernel: possible circular deadlock"],
     "complained"),
    ([*GOOD, "kernel: lines were lost"], "complained"),
    (BEGIN + ROWS, "did not get through: no end"),
    ([*BEGIN, *ROWS[:2], "end,5"], "2 rows of 5"),
    (["kernel: mnbench: version magic '6.1' should be '6.12'", "control: finit_module: Exec"],
     "for another kernel: mnbench: version magic '6.1'"),
    (["kernel: mnbench: Unknown symbol mmu_notifier_register (err -2)"], "lacks what .*register"),
    (["row,seq,lock_pair,queued,1,,,x,1,2144,"], "cannot be read"),
    ([], "no end"),
])
def test_what_is_not_whole(lines, why):
    with pytest.raises(Failed, match=why):
        log.read(lines)


# Rows


def cells(**wanted: str) -> list[dict[str, str]]:
    found = rows.of_twin(log.read(GOOD), WHERE)
    return [row for row in found if all(row[name] == value for name, value in wanted.items())]


def test_counts_are_without_the_clock():
    assert [row["insns_per_op"] for row in cells(op="lock_pair")] == ["21.0", "21.0", "49.56"]
    assert {row["insns_per_op"] for row in cells(op="insert")} == {"156.0"}
    assert {row["real_ns_per_op"] for row in cells(op="insert")} == {"200.0"}


def test_what_sleeps_has_no_count():
    assert {(row["insns_per_op"], row["flags"]) for row in cells(op="register")} == {
        ("", "emulated;idle")}


def test_what_is_lacking_is_a_row():
    row, = cells(op="read_pair")
    assert row["error"] == "this kernel has none, nor ever had" and not row["real_ns_per_op"]


@pytest.mark.parametrize("release, name", [
    ("6.12.9+deb13-amd64", "kernel-6.12.9"), ("6.19.0-rc3-g123", "kernel-6.19.0-rc3"),
    ("6.1", "kernel-6.1"),
])
def test_a_subject_is_a_version(release, name):
    assert rows.subject(release) == name


def binary_lines() -> list[str]:
    """The binary's own rows of the same guest."""
    blank = dict.fromkeys(results.COLUMNS, "") | {
        "schema": "1", "run_id": "guest", "utc": "2026-01-01T00:00:00Z", "host": "(none)",
        "arch": "x86_64", "execution": "kernel-icount", "family": "seq", "threads": "1",
        "pin": "none", "rep": "0", "iterations": "9", "flags": "emulated", "variant": "queued"}
    made = [blank | {"subject": subject, "op": "read_begin_retry", "params": "user_lock:0",
                     "real_ns_per_op": ns} for subject, ns in (("port", "21"), ("baseline", "8"))]
    return rows.as_csv(made).splitlines()


@pytest.fixture
def run(tmp_path) -> Path:
    """A run's folder, read back as any results are."""
    found = rows.of_twin(log.read(GOOD), WHERE) + rows.of_binary(binary_lines(), WHERE)
    (tmp_path / "mnbench.csv").write_text(rows.as_csv(found))
    return tmp_path


def test_rows_are_results(run):
    frame = results.read_results(run)
    assert set(frame["run_id"]) == {"run"} and set(frame["host"]) == {"box"}
    port = frame[frame["subject"] == "port"]
    assert list(port["insns_per_op"]) == [21.0]


def test_the_table(run):
    found = table.counts(run)
    said = table.text(run)
    assert found.loc[("x86_64", "seq", "lock_pair", "")].to_dict() == {
        "port": 8.0, "kernel-6.12.9": 21.0}
    line = next(line for line in said.splitlines() if "seq/read_begin_retry" in line)
    assert line.split() == ["seq/read_begin_retry", "user_lock=0", "21.0", "53.0", "0.40"]
    assert "register" not in said and "lock_pair" in said
    assert "8 / 21 = 0.38" in said and "21 / 53 = 0.40" in said
    assert command(twin, "table", "--markdown", run) == (0, "")


def test_a_table_of_nothing(run):
    text = (run / "mnbench.csv").read_text().replace("kernel-icount", "qemu-user")
    (run / "mnbench.csv").write_text(text)
    with pytest.raises(UserError, match="no counts of a kernel"):
        table.counts(run)


def test_two_runs(run, tmp_path):
    same = table.counts(run)
    assert not repeat.differences(same, same)["off"].any()
    text = (run / "mnbench.csv").read_text().replace(",53.0,", ",54.0,")
    other = tmp_path / "other.csv"
    other.write_text(text)
    both = repeat.differences(same, table.counts(other))
    assert list(both[both["off"] != 0].index.get_level_values("op")) == ["read_begin_retry"]
    assert "1 are not" in repeat.block(both).lines[0]


# What is refused, and what one failure leaves


@pytest.mark.parametrize("words, thing", [
    (["run", "--arch", "sparc64"], "sparc64"), (["run", "--arch", ","], "names no architecture"),
    (["run", "--seconds", "0"], "--seconds"), (["run", "--image", "x"], "belong together"),
    (["run", "--image", "x", "--headers", "y"], "of which architecture"),
    (["run", "--arch", "arm64", "--image", "/gone", "--headers", "y"], "/gone: no such file"),
    (["run", "--arch", "arm64", "--image", __file__, "--headers", "/gone"], "no Makefile"),
    (["run", "--arch", "arm64", "--build", "/gone"], "neither a kernel tree"),
    (["run", "--brief", "threads"], "NAME=VALUE"), (["build", "--arch", "vax"], "vax"),
])
def test_bad_input(words, thing, monkeypatch, tmp_path):
    monkeypatch.setattr(packages, "missing", lambda _names: [])
    monkeypatch.setattr(guest, "emulator", lambda _arch: ["true"])
    code, error = command(twin, *words, *(["--out", tmp_path / "out"] if words[0] == "run" else []))
    assert code == 2 and thing in error and "\n" not in error


def test_a_tree_that_is_not_built(tmp_path):
    args = argparse.Namespace(build=tmp_path, image=None, headers=None)
    (tmp_path / "Makefile").touch()
    with pytest.raises(UserError, match="not built for riscv64 yet: no arch/riscv/boot/Image"):
        guests.kernel("riscv64", args)
    (tmp_path / "arch/riscv/boot").mkdir(parents=True)
    (tmp_path / "arch/riscv/boot/Image").touch()
    assert guests.kernel("riscv64", args).headers == tmp_path


def test_no_emulator(monkeypatch, tmp_path):
    monkeypatch.setattr(packages, "missing", lambda _names: [])
    monkeypatch.setitem(guest._EMULATORS, "arm64", ("qemu-system-gone", "tty", "pkg"))
    code, error = command(twin, "run", "--arch", "arm64", "--out", tmp_path)
    assert code == 2 and "qemu-system-gone: not installed" in error


@pytest.fixture
def played(monkeypatch, tmp_path):
    """Run with a guest that says what it is told to, on an architecture, or raises."""
    def play(outcomes: dict) -> tuple[int, str]:
        def boot(machine, *_rest, **_more):
            if isinstance(outcomes[machine.arch], Exception):
                raise outcomes[machine.arch]
            return guest.Outcome(outcomes[machine.arch], 3.0)

        monkeypatch.setattr(packages, "missing", lambda _names: [])
        monkeypatch.setattr(guest, "emulator", lambda _arch: ["true"])
        monkeypatch.setattr(guest, "boot", boot)
        monkeypatch.setattr(guests, "kernel", lambda arch, _args: guests.Kernel(
            arch, tmp_path, tmp_path, "k"))
        monkeypatch.setattr(module, "build", lambda *_rest: module.Module(tmp_path, []))
        monkeypatch.setattr(module, "control", lambda _arch: tmp_path)
        return command(twin, "run", "--twin-only", "--arch", ",".join(outcomes), "--out",
                       tmp_path / "out")
    return play


def test_one_failure_leaves_the_others(played, tmp_path, capsys):
    outcome = played({"arm64": Failed("arm64: the guest failed: not done after 3 s"),
                      "riscv64": [guest.Ran(0, GOOD)]})
    said = capsys.readouterr()
    assert outcome == (1, "") and "not done after 3 s" in said.err
    assert set(results.read_results(tmp_path / "out")["arch"]) == {"riscv64"}
    assert "kernel-6.12.9" in said.out


@pytest.mark.parametrize("ran, why", [
    (guest.Ran(1, [*GOOD, "control: delete_module: Resource busy"]), "ended with 1: control: del"),
    (guest.Ran(None, GOOD[:4]), "no end"),
])
def test_a_loader_that_fails(played, capsys, ran, why):
    assert played({"riscv64": [ran]})[0] == 1
    assert why in capsys.readouterr().err


# What modules are built against


@pytest.mark.parametrize("option, why", [
    ("MMU_NOTIFIER", "without CONFIG_MMU_NOTIFIER.*KVM"), ("MODULES", "without CONFIG_MODULES"),
])
def test_a_kernel_that_lacks_it(option, why):
    config = "CONFIG_MODULES=y\nCONFIG_MMU_NOTIFIER=y\nCONFIG_MMU=y\n"
    module.check_config(Path("/k"), config)
    module.check_config(Path("/k"), "")
    with pytest.raises(UserError, match=why):
        module.check_config(Path("/k"), config.replace(f"CONFIG_{option}=y",
                                                       f"# CONFIG_{option} is not set"))


class FakeApt:
    """A mirror that has one version of everything."""

    downloaded: list[str] = []
    version = "6.12.9-1"

    def __init__(self, _folder: Path, architecture: str, _suites: list[str]) -> None:
        self.architecture = architecture

    def update(self, _what: str) -> None:
        """There is nothing to renew."""

    def fields(self, _name: str, *names: str) -> dict[str, str]:
        return {name: self.version for name in names if "6.12.9" in name or "libelf" in name}

    def download_deb(self, package: str, version: str, folder: Path) -> None:
        FakeApt.downloaded.append(f"{package}:{self.architecture}={version}")
        (folder / f"{package}_{version}.deb").touch()


@pytest.fixture
def cached(monkeypatch, tmp_path):
    """A cache with a root, and Debian's kernel of a release in it."""
    def image(release: str) -> Path:
        folder = tmp_path / "guests" / f"linux-image-{release}-arm64_{release.split('+')[0]}-1"
        folder.mkdir(parents=True)
        return folder / "vmlinuz"

    unpacked: list[str] = []
    monkeypatch.setenv("MNBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(toolchain, "require", lambda: None)
    monkeypatch.setattr(toolchain, "root", lambda: tmp_path / "root")
    monkeypatch.setattr(toolchain, "unpack", lambda deb: unpacked.append(deb.name))
    monkeypatch.setattr(headers, "OwnApt", FakeApt)
    FakeApt.downloaded = []
    image.unpacked = unpacked
    return image


def test_headers_are_fetched_once(cached, tmp_path):
    image = cached("6.12.9+deb13")
    place = headers.for_image("arm64", image)
    assert place == Path("/usr/src/linux-headers-6.12.9+deb13-arm64")
    assert sorted(FakeApt.downloaded) == [
        "libelf1t64:amd64=6.12.9-1", "linux-headers-6.12.9+deb13-arm64:arm64=6.12.9-1",
        "linux-headers-6.12.9+deb13-common:amd64=6.12.9-1",
        "linux-kbuild-6.12.9+deb13:amd64=6.12.9-1"]
    assert len(cached.unpacked) == 4
    tool = "root/usr/lib/linux-kbuild-6.12.9+deb13/scripts/mod/modpost"
    for made in (f"root{place}/Makefile", tool):
        (tmp_path / made).parent.mkdir(parents=True)
        (tmp_path / made).touch()
    headers.for_image("arm64", image)
    assert len(FakeApt.downloaded) == len(cached.unpacked) == 4


def test_headers_that_are_gone(cached):
    with pytest.raises(UserError, match="6.12.8-1: not on this machine's mirror.*--renew"):
        headers.for_image("arm64", cached("6.12.8+deb13"))
    with pytest.raises(UserError, match="not one of Debian's"):
        headers.for_image("arm64", Path("/boot/vmlinuz"))


# On this machine


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """This machine's kernel, made up."""
    texts: dict[str, str] = {}
    monkeypatch.setattr(here, "_text", lambda path: texts.get(path, ""))
    monkeypatch.setattr(here, "_LOADED", tmp_path / "not-loaded")
    monkeypatch.setattr(here, "headers", lambda _release: tmp_path)
    return texts


@pytest.mark.parametrize("path, text, why", [
    ("/sys/kernel/security/lockdown", "none [integrity] confidentiality", "locked down"),
    ("/sys/module/module/parameters/sig_enforce", "Y", "signed modules only"),
    ("/proc/sys/kernel/modules_disabled", "1", "takes no modules"),
])
def test_kernels_that_take_no_module(machine, path, text, why):
    machine[path] = text
    code, error = command(twin, "here", "--yes")
    assert code == 2 and why in error and "mnbench kernel run" in error


def test_nothing_without_a_yes(machine, capsys):
    machine["/sys/kernel/security/lockdown"] = "[none] integrity"
    code, error = command(twin, "here", "threads=2")
    assert code == 2 and "--yes" in error
    assert "/dev/mnbench" in capsys.readouterr().out


def test_no_headers_here(monkeypatch):
    monkeypatch.setattr(here, "check_allowed", lambda: None)
    monkeypatch.setattr(here.os, "uname", lambda: argparse.Namespace(
        release="0.0-gone", machine="x86_64", nodename="box"))
    code, error = command(twin, "here", "--yes")
    assert code == 2 and "linux-headers-0.0-gone" in error


def test_a_whole_run_here(machine, monkeypatch, tmp_path, capsys):
    loader = tmp_path / "loader"
    loader.write_text("#!/bin/sh\ncat <<'END'\n" + "\n".join(GOOD) + "\nEND\n")
    loader.chmod(0o755)
    monkeypatch.setattr(here.os, "geteuid", lambda: 0)
    monkeypatch.setattr(module, "build_here", lambda *_rest: module.Module(tmp_path, []))
    monkeypatch.setattr(module, "control_here", lambda: loader)
    assert command(twin, "here", "--yes", "--out", tmp_path / "out") == (0, "")
    frame = results.read_results(tmp_path / "out")
    assert set(frame["execution"]) == {"native"} and frame["insns_per_op"].isna().all()
    assert "this kernel has none" in capsys.readouterr().out


def test_kernels_are_in_the_cache_by_release(tmp_path):
    image = tmp_path / "linux-image-6.12.9+deb13-arm64_6.12.9-1" / "vmlinuz"
    assert guestkernel.describe(image) == "linux-image-6.12.9+deb13-arm64 6.12.9-1"
    assert headers._IMAGE.fullmatch(image.parent.name)["base"] == "6.12.9+deb13"
