# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench doctor`, on machines that the tests make up."""

import gzip
import json
import os

import pytest
from synthetic import command

from mnbenchlib import doctor, topology
from mnbenchlib.doctor.machine import read_list
from mnbenchlib.ranges import as_ranges

CPU = "sys/devices/system/cpu/"
CLOCK = "sys/devices/system/clocksource/clocksource0/current_clocksource"
THP = "sys/kernel/mm/transparent_hugepage/enabled"
ZONE = "sys/class/thermal/thermal_zone0/"
DMI = "sys/class/dmi/id/"
FREQ = CPU + "cpu1/cpufreq/"
THROTTLE = CPU + "cpu0/thermal_throttle/core_throttle_count"
INTERRUPTS = ("           CPU0  CPU1\n 30:  {}  5  PCI-MSI 1-edge  eth0\n"
              "LOC: {} 0 Local timer interrupts\nERR: 0\n")
QUIET = {
    CPU + "online": "0-15", CPU + "cpu0/cpufreq/scaling_governor": "performance",
    FREQ + "scaling_governor": "performance", CPU + "intel_pstate/no_turbo": "1",
    FREQ + "scaling_cur_freq": "2990000", FREQ + "cpuinfo_max_freq": "3000000",
    FREQ + "scaling_max_freq": "3000000",
    CPU + "smt/active": "0", CPU + "isolated": "2-15", CPU + "nohz_full": "2-15",
    CPU + "cpuidle/current_driver": "none", CLOCK: "tsc", THP: "always [madvise] never",
    THROTTLE: "0", ZONE + "temp": "50000", ZONE + "type": "x86_pkg_temp",
    ZONE + "trip_point_0_type": "passive", ZONE + "trip_point_0_temp": "90000",
    "boot/config-6.12-test": "CONFIG_SMP=y\n# CONFIG_KASAN is not set\n",
    "proc/cpuinfo": "processor : 0\nflags : fpu tsc\n" + "".join(
        f"processor : {n}\n" for n in range(1, 16)),
    "proc/cmdline": "root=/dev/sda quiet", "proc/loadavg": "0.01 0.5 0.9 1/200 99",
    "proc/uptime": "1000.50 900", "proc/stat": "cpu  1000 0 100 90000 10 0 0 0 0 0",
    "proc/interrupts": INTERRUPTS.format(100, 1000), "proc/vmstat": "pswpin 7\npswpout 9",
    "proc/1/stat": "1 (init (x) y) S 0 1 1 0 -1 4194560 1 1 1 1 50 20 0 0 20 0 1 0 1",
    "proc/self/status": "Name: sh\nCpus_allowed_list: 0-15",
    "proc/meminfo": "MemTotal: 64000000 kB\nMemAvailable: 60000000 kB\nSwapTotal: 1000 kB\n"
                    "SwapFree: 1000 kB",
    "proc/sys/kernel/osrelease": "6.12-test", "proc/sys/kernel/randomize_va_space": "0",
    "proc/sys/kernel/perf_event_paranoid": "2", "proc/sys/kernel/numa_balancing": "0",
    "proc/sys/kernel/timer_migration": "0", "proc/sys/kernel/nmi_watchdog": "0",
    "proc/sys/kernel/soft_watchdog": "0", "sys/kernel/mm/ksm/run": "0",
    "sys/devices/system/node/node0/cpulist": "0-7", "sys/devices/system/node/node1/cpulist": "8-15",
    "sys/bus/event_source/devices/cpu/type": "4", "sys/fs/cgroup/cpu.max": "max 100000",
}
LATER = {"proc/uptime": "1002.50 902", "proc/stat": "cpu  1010 0 110 90400 10 0 0 0 0 0"}


def machine(folder, **changes):
    for name, text in {**QUIET, **changes}.items():
        if text is not None:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else (text + "\n").encode())
    (folder / "proc").mkdir(parents=True, exist_ok=True)
    return folder


def findings(tmp_path, later=None, **changes):
    """Of a quiet machine with changes, and with more of them two seconds later."""
    root = machine(tmp_path / "now", **changes)
    after = machine(tmp_path / "later", **{**changes, **LATER, **(later or {})})
    return {f.what: f for f in doctor.examine(root, after)}


def test_a_quiet_machine(tmp_path):
    found = findings(tmp_path)
    assert {f.severity for f in found.values()} == {"ok"}, found
    assert len(found) == len(doctor.CHECKS)


@pytest.mark.parametrize("what, file, text, severity, said", [
    ("CPU quota", "sys/fs/cgroup/cpu.max", "150000 100000", "severe", "1.5 CPUs"),
    ("governor", FREQ + "scaling_governor", "powersave", "warn", "performance, powersave"),
    ("turbo", CPU + "intel_pstate/no_turbo", "0", "warn", "on"),
    ("frequency", FREQ + "scaling_cur_freq", "1500000", "note", "50% of the highest"),
    ("frequency", FREQ + "scaling_max_freq", "2000000", "warn", "may not pass 67%"),
    ("SMT", CPU + "smt/active", "1", "note", "on"),
    ("idle states", CPU + "cpuidle/current_driver", "intel_idle", "note", "intel_idle"),
    ("heat", ZONE + "temp", "87000", "warn", "x86_pkg_temp at 87 C, 3 below its limit"),
    ("heat", THROTTLE, "12", "note", "throttled 12 times since boot"),
    ("CPUs allowed", "proc/self/status", "Cpus_allowed_list: 0,3", "note", "0,3 of 0-15, by this"),
    ("topology", "proc/cpuinfo", "processor : 0\nprocessor : 1", "severe", "/proc/cpuinfo has 0-1"),
    ("hypervisor", DMI + "sys_vendor", "QEMU", "warn", "QEMU"),
    ("hypervisor", DMI + "product_name", "VirtualBox", "warn", "VirtualBox"),
    ("hypervisor", DMI + "product_name", "Virtual Machine", "warn", "Hyper-V"),
    ("hypervisor", DMI + "bios_vendor", "Amazon EC2", "warn", "Amazon EC2"),
    ("hypervisor", "sys/hypervisor/type", "xen", "warn", "xen"),
    ("hypervisor", "proc/xen/capabilities", "control_d", "warn", "first domain"),
    ("hypervisor", "proc/device-tree/hypervisor/compatible", b"linux,kvm\0x\0", "warn", "KVM"),
    ("hypervisor", "proc/device-tree/compatible", "linux,dummy-virt", "warn", "QEMU"),
    ("hypervisor", CLOCK, "kvm-clock", "warn", "KVM"),
    ("container", "run/systemd/container", "lxc", "note", "lxc"),
    ("container", ".dockerenv", "", "note", "docker"),
    ("container", "proc/1/environ", "A=b\0container=podman\0", "note", "podman"),
    ("stolen time", "proc/stat", "cpu 100 0 0 900 0 0 0 3 0 0", "warn", "2.9 % of the busy"),
    ("stolen time", "proc/stat", "cpu 100 0 0 900 0 0 0 100 0 0", "severe", "50.0 %"),
    ("load", "proc/loadavg", "0.4 0 0 1/1 1", "warn", "0.4"),
    ("load", "proc/loadavg", "9.5 0 0 1/1 1", "severe", "9.5"),
    ("irqbalance", "proc/77/stat", "77 (irqbalance) S" + " 0" * 20, "note", "runs"),
    ("timer migration", "proc/sys/kernel/timer_migration", "1", "note", "on"),
    ("watchdogs", "proc/sys/kernel/nmi_watchdog", "1", "note", "NMI"),
    ("clock source", CLOCK, "hpet", "severe", "hpet"),
    ("clock source", CLOCK, "something_new", "warn", "something_new"),
    ("hardware counters", "proc/sys/kernel/perf_event_paranoid", "4", "warn", "4"),
    ("debug kernel", "boot/config-6.12-test", "CONFIG_KASAN=y\nCONFIG_PROVE_LOCKING=y", "severe",
     "PROVE_LOCKING, KASAN"),
    ("debug kernel", "boot/config-6.12-test", "CONFIG_DEBUG_LIST=y", "note", "DEBUG_LIST"),
    ("debug kernel", "proc/cmdline", "a slub_debug=FZ b", "severe", "slub_debug=FZ"),
    ("memory", "proc/meminfo", "MemTotal: 64000000 kB\nMemAvailable: 900000 kB\nSwapTotal: 0 kB",
     "warn", "0.9 of 61.0 GiB"),
    ("memory", "proc/meminfo", "MemTotal: 64000000 kB\nMemAvailable: 9000 kB\nSwapTotal: 0 kB",
     "severe", "0.0 of"),
    ("swap", "proc/meminfo", "MemTotal: 64000000 kB\nMemAvailable: 60000000 kB\n"
     "SwapTotal: 9000000 kB\nSwapFree: 100 kB", "note", "8.6 GiB in use"),
    ("NUMA balancing", "proc/sys/kernel/numa_balancing", "1", "warn", "2 nodes"),
    ("same-page merging", "sys/kernel/mm/ksm/run", "1", "warn", "on"),
    ("huge pages (THP)", THP, "[always] madvise never", "note", "always"),
    ("address randomising", "proc/sys/kernel/randomize_va_space", "2", "note", "on"),
])
def test_what_is_found(tmp_path, what, file, text, severity, said):
    later = {} if file != "proc/stat" else {"proc/stat": text}
    found = findings(tmp_path, later, **{file: text})
    assert found[what].severity == severity and said in found[what].found
    assert found[what].mend
    assert [f.what for f in found.values() if f.severity != "ok"] == [what]


@pytest.mark.parametrize("online, severity", [("0", "severe"), ("0,2", "warn")])
def test_few_cpus(tmp_path, online, severity):
    numbers = online.split(",")
    found = findings(tmp_path, **{CPU + "online": online, "proc/cpuinfo": "\n".join(
        f"processor : {n}" for n in numbers)})
    assert found["CPUs"].severity == severity and f"{len(numbers)} online" == found["CPUs"].found
    assert found["topology"].severity == found["CPUs allowed"].severity == "ok"


@pytest.mark.parametrize("what, file, text, severity, said", [
    ("stolen time", "proc/stat", "cpu 1010 0 110 90380 10 0 0 20 0 0", "severe", "4.8 % now"),
    ("stolen time", "proc/stat", "cpu 1010 0 110 90398 10 0 0 2 0 0", "warn", "0.5 % now"),
    ("heat", THROTTLE, "2", "severe", "2 times just now"),
    ("swap", "proc/vmstat", "pswpin 8\npswpout 10", "severe", "2 pages moved just now"),
    ("interrupts", "proc/interrupts", INTERRUPTS.format(4100, 1000), "warn",
     "2000 a second from devices on CPU 0, most by 30 eth0"),
    ("interrupts", "proc/interrupts", INTERRUPTS.format(40100, 1000), "severe", "20000 a second"),
    ("interrupts", "proc/interrupts", INTERRUPTS.format(300, 99000), "ok", "100 a second"),
    ("other processes", "proc/1/stat",
     QUIET["proc/1/stat"].replace("50 20 0 0", f"{50 + os.sysconf('SC_CLK_TCK')} 20 0 0"), "warn",
     "init (x) y (1) 50 % of a CPU"),
    ("other processes", "proc/1/stat",
     QUIET["proc/1/stat"].replace("50 20 0 0", f"50 {20 + 4 * os.sysconf('SC_CLK_TCK')} 0 0"),
     "severe", "init (x) y (1) 200 %"),
])
def test_what_happens_meanwhile(tmp_path, what, file, text, severity, said):
    found = findings(tmp_path, {file: text})
    assert found[what].severity == severity and said in found[what].found, found[what]
    assert {f.severity for f in found.values() if f.what != what} == {"ok"}


def test_who_runs_most(tmp_path):
    hz = os.sysconf("SC_CLK_TCK")
    before = {f"proc/{n}/stat": f"{n} (cc{n}) R" + " 0" * 20 for n in range(10, 15)}
    after = {f"proc/{n}/stat": f"{n} (cc{n}) R" + " 0" * 10 + f" {(n - 9) * hz // 10} 0" + " 0" * 8
             for n in range(10, 15)}
    said = findings(tmp_path, after, **before)["other processes"]
    assert said.found == "cc14 (14) 25 %, cc13 (13) 20 %, cc12 (12) 15 % and 2 more of a CPU"
    assert said.severity == "severe"
    # One that has just begun, and one that has ended, are not told from what they used.
    assert findings(tmp_path / "again", {**after, "proc/99/stat": before["proc/10/stat"]})[
        "other processes"].found == "none that runs"


@pytest.mark.parametrize("what, file, severity", [
    ("turbo", CPU + "intel_pstate/no_turbo", "unknown"), ("SMT", CPU + "smt/active", "unknown"),
    ("load", "proc/loadavg", "unknown"), ("clock source", CLOCK, "unknown"),
    ("frequency", FREQ + "scaling_cur_freq", "unknown"), ("heat", ZONE + "temp", "ok"),
    ("hardware counters", "sys/bus/event_source/devices/cpu/type", "note"),
    ("CPUs allowed", "proc/self/status", "unknown"), ("swap", "proc/vmstat", "unknown"),
    ("interrupts", "proc/interrupts", "unknown"), ("huge pages (THP)", THP, "unknown"),
    ("memory", "proc/meminfo", "unknown"), ("debug kernel", "boot/config-6.12-test", "unknown"),
    ("NUMA balancing", "proc/sys/kernel/numa_balancing", "ok"),
])
def test_what_cannot_be_seen(tmp_path, what, file, severity):
    assert findings(tmp_path, {file: None}, **{file: None})[what].severity == severity


def test_a_single_look(tmp_path):
    found = {f.what: f for f in doctor.examine(machine(tmp_path))}
    assert {f.what for f in found.values() if f.severity != "ok"} == {"other processes",
                                                                      "interrupts"}
    assert found["interrupts"].found == "looked at only once"


def test_no_isolation(tmp_path):
    found = findings(tmp_path, **{CPU + "isolated": "", CPU + "nohz_full": "(null)"})
    assert found["isolation"].severity == "note"


def test_a_flag_of_a_guest(tmp_path):
    info = QUIET["proc/cpuinfo"].replace("tsc", "tsc hypervisor")
    assert findings(tmp_path, **{"proc/cpuinfo": info})["hypervisor"].found == "a virtual machine"


def test_rented_metal(tmp_path):
    found = findings(tmp_path, **{DMI + "sys_vendor": "Amazon EC2",
                                  DMI + "product_name": "c7g.metal"})
    assert found["hypervisor"].severity == "ok"


def test_limits_of_the_own_group(tmp_path):
    found = findings(tmp_path, **{
        "proc/self/cgroup": "0::/a/b", "sys/fs/cgroup/a/b/cpu.max": "max 100000",
        "sys/fs/cgroup/a/cpu.max": "50000 100000", "sys/fs/cgroup/a/b/cpuset.cpus.effective": "2-3",
        "proc/self/status": "Cpus_allowed_list: 2-3"})
    assert found["CPU quota"].found == "0.5 CPUs"
    assert found["CPUs allowed"].found == "2-3 of 0-15, by a cgroup's cpuset"


def test_an_old_group_s_limit(tmp_path):
    found = findings(tmp_path, **{"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "25000",
                                  "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000"})
    assert found["CPU quota"].found == "0.25 CPUs"


def test_emulators(tmp_path):
    assert findings(tmp_path / "a", **{"proc/cpuinfo": QUIET["proc/cpuinfo"].replace(
        "flags", "model name : QEMU TCG CPU version 2.5+\nflags")})["emulation"].found == (
        "QEMU TCG CPU version 2.5+")
    assert findings(tmp_path / "b", **{"proc/cpuinfo": QUIET["proc/cpuinfo"].replace(
        "flags", "CPU implementer : 0x00\nCPU part : 0x051\nflags")})["emulation"].severity == (
        "severe")
    (tmp_path / "c/now/proc/thread-self").mkdir(parents=True)
    (tmp_path / "c/now/proc/thread-self/exe").symlink_to("/usr/bin/qemu-riscv64")
    assert findings(tmp_path / "c")["emulation"].found == "this runs under qemu-riscv64"


def test_a_config_in_proc(tmp_path):
    packed = gzip.compress(b"CONFIG_KCSAN=y\n")
    found = findings(tmp_path, **{"boot/config-6.12-test": None, "proc/config.gz": packed})
    assert found["debug kernel"].found == "KCSAN"
    for broken in (packed[:-9], b"no gzip", b""):
        found = findings(tmp_path, **{"boot/config-6.12-test": None, "proc/config.gz": broken})
        assert found["debug kernel"].severity == "unknown"


def test_what_the_binary_says_of_the_topology(monkeypatch):
    from mnbenchlib.doctor import cpus, machine as files

    here = files.look(seconds=0)
    monkeypatch.setattr(topology, "find_binary", lambda _named: "binary")
    monkeypatch.setattr(topology, "ask", lambda *_: ("", "mnbench: topology: hwloc sees less\n"))
    assert cpus.views(here) == files.Finding(
        "topology", "hwloc sees less", "severe", cpus.views(here).mend)
    monkeypatch.setattr(topology, "ask", lambda *_: ("", ""))
    assert cpus.views(here).severity == "ok"


def test_an_empty_machine(tmp_path):
    root = machine(tmp_path, **dict.fromkeys(QUIET))
    assert command(doctor, "--root", root)[0] == 0


RUBBISH = ["", "\0\0", "x" * 9999, "cpu cpu", "[", "-", "1 2 3 4", "9" * 5000, "1 (", "CPU0\n1: x",
           "0-999999999", "a: -1", "MemTotal: " + "9" * 5000]


@pytest.mark.parametrize("rubbish", RUBBISH, ids=range(len(RUBBISH)))
def test_rubbish_in_every_file(tmp_path, rubbish):
    root = machine(tmp_path / "now", **dict.fromkeys(QUIET, rubbish))
    later = machine(tmp_path / "later", **{**dict.fromkeys(QUIET, rubbish), **LATER})
    assert command(doctor, "--root", root, "--later", later)[1] == ""
    later = machine(tmp_path / "later", **LATER)
    assert command(doctor, "--root", root, "--later", later)[1] == ""


def test_exit_codes_and_forms(tmp_path, capsys):
    changes = {"proc/loadavg": "99 0 0 1/1 1", CPU + "smt/active": "1",
               "proc/cmdline": "slub_debug=" + "x" * 200}
    root, later = machine(tmp_path / "now", **changes), machine(tmp_path / "later", **LATER)
    both = ["--root", root, "--later", later]
    assert command(doctor, *both) == (0, "")
    lines = capsys.readouterr().out.splitlines()
    assert lines[3].split()[0] == "load" and lines[3].endswith("severe")
    assert "  load: stop what else runs, wait a minute" in lines
    assert lines.index("  SMT: pin with scatter, which fills cores first") > lines.index(
        "  load: stop what else runs, wait a minute")
    assert max(map(len, lines)) <= 100
    assert command(doctor, *both, "--strict") == (1, "")
    capsys.readouterr()
    command(doctor, *both, "--format", "json")
    told = {f["what"]: f for f in json.loads(capsys.readouterr().out)}
    assert told["SMT"]["found"] == "on" and told["load"]["severity"] == "severe"
    machine(tmp_path / "now")
    assert command(doctor, *both, "--strict") == (0, "")


@pytest.mark.parametrize("words, thing", [
    (["--root", "."], "no proc folder"), (["--later", "."], "no proc folder"),
    (["--seconds", "-1"], "--seconds -1"), (["--seconds", "nan"], "--seconds nan"),
])
def test_bad_input(tmp_path, monkeypatch, words, thing):
    monkeypatch.chdir(tmp_path)
    code, error = command(doctor, *words)
    assert code == 2 and thing in error


def test_this_machine(capsys):
    assert command(doctor, "--seconds", "0.1") == (0, "")
    assert "CPUs" in capsys.readouterr().out


def test_lists():
    texts = ("0", "0-3", "0-3,8,10-11", "", "x-y")
    assert [len(read_list(text)) for text in texts] == [1, 4, 7, 0, 0]
    assert [as_ranges(read_list(text)) for text in texts] == ["0", "0-3", "0-3,8,10-11", "", ""]
