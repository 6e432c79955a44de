# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench doctor`, on machines that the tests make up."""

import json

import pytest
from synthetic import command

from mnbenchlib import doctor

CPU = "sys/devices/system/cpu/"
CLOCK = "sys/devices/system/clocksource/clocksource0/current_clocksource"
THP = "sys/kernel/mm/transparent_hugepage/enabled"
QUIET = {
    CPU + "online": "0-15", CPU + "cpu0/cpufreq/scaling_governor": "performance",
    CPU + "cpu1/cpufreq/scaling_governor": "performance", CPU + "intel_pstate/no_turbo": "1",
    CPU + "smt/active": "0", CPU + "isolated": "2-15", CPU + "nohz_full": "2-15",
    CPU + "cpuidle/current_driver": "none", CLOCK: "tsc", THP: "always [madvise] never",
    "proc/cpuinfo": "processor : 0\nflags : fpu tsc\n", "proc/loadavg": "0.01 0.5 0.9 1/200 99",
    "proc/stat": "cpu  1000 0 100 90000 10 0 0 0 0 0\n",
    "proc/sys/kernel/randomize_va_space": "0", "proc/sys/kernel/perf_event_paranoid": "2",
    "sys/bus/event_source/devices/cpu/type": "4", "sys/fs/cgroup/cpu.max": "max 100000",
}


def machine(tmp_path, **changes):
    files = {**QUIET, **changes}
    for name, text in files.items():
        if text is not None:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n")
    (tmp_path / "proc").mkdir(exist_ok=True)
    return tmp_path


def findings(root):
    return {f.what: f for f in doctor.examine(root)}


def test_a_quiet_machine(tmp_path):
    found = findings(machine(tmp_path))
    assert {f.severity for f in found.values()} == {"ok"}, found
    assert len(found) == len(doctor.CHECKS)


@pytest.mark.parametrize("what, file, text, severity, said", [
    ("CPUs", CPU + "online", "0", "severe", "1 online"),
    ("CPUs", CPU + "online", "0,2", "warn", "2 online"),
    ("CPU quota", "sys/fs/cgroup/cpu.max", "150000 100000", "severe", "1.5 CPUs"),
    ("governor", CPU + "cpu1/cpufreq/scaling_governor", "powersave", "warn",
     "performance, powersave"),
    ("turbo", CPU + "intel_pstate/no_turbo", "0", "warn", "on"),
    ("SMT", CPU + "smt/active", "1", "note", "on"),
    ("idle states", CPU + "cpuidle/current_driver", "intel_idle", "note", "intel_idle"),
    ("hypervisor", "proc/cpuinfo", "flags : fpu hypervisor tsc", "warn", "a virtual machine"),
    ("hypervisor", "sys/class/dmi/id/sys_vendor", "QEMU", "warn", "QEMU"),
    ("hypervisor", "sys/hypervisor/type", "xen", "warn", "xen"),
    ("stolen time", "proc/stat", "cpu 100 0 0 900 0 0 0 3 0 0", "warn", "2.9 %"),
    ("stolen time", "proc/stat", "cpu 100 0 0 900 0 0 0 100 0 0", "severe", "50.0 %"),
    ("load", "proc/loadavg", "0.4 0 0 1/1 1", "warn", "0.4"),
    ("load", "proc/loadavg", "9.5 0 0 1/1 1", "severe", "9.5"),
    ("clock source", CLOCK, "hpet", "severe", "hpet"),
    ("clock source", CLOCK, "hyperv_clocksource", "warn", "hyperv"),
    ("huge pages (THP)", THP, "[always] madvise never", "note", "always"),
    ("address randomising", "proc/sys/kernel/randomize_va_space", "2", "note", "on"),
    ("hardware counters", "proc/sys/kernel/perf_event_paranoid", "4", "warn", "4"),
])
def test_what_is_found(tmp_path, what, file, text, severity, said):
    found = findings(machine(tmp_path, **{file: text}))
    assert found[what].severity == severity and said in found[what].found
    assert found[what].mend
    assert [f.what for f in found.values() if f.severity != "ok"] == [what]


@pytest.mark.parametrize("what, file, severity", [
    ("turbo", CPU + "intel_pstate/no_turbo", "unknown"),
    ("SMT", CPU + "smt/active", "unknown"),
    ("load", "proc/loadavg", "unknown"),
    ("hardware counters", "sys/bus/event_source/devices/cpu/type", "note"),
    ("clock source", CLOCK, "unknown"),
    ("huge pages (THP)", THP, "unknown"),
])
def test_what_cannot_be_seen(tmp_path, what, file, severity):
    assert findings(machine(tmp_path, **{file: None}))[what].severity == severity


def test_no_isolation(tmp_path):
    root = machine(tmp_path, **{CPU + "isolated": "", CPU + "nohz_full": "(null)"})
    assert findings(root)["isolation"].severity == "note"


def test_quota_of_the_own_group(tmp_path):
    root = machine(tmp_path, **{"proc/self/cgroup": "0::/a/b",
                                "sys/fs/cgroup/a/b/cpu.max": "50000 100000"})
    assert findings(root)["CPU quota"].found == "0.5 CPUs"


def test_an_empty_machine(tmp_path):
    root = machine(tmp_path, **{name: None for name in QUIET})
    assert command(doctor, "--root", root)[0] == 0


@pytest.mark.parametrize("rubbish", ["", "\0\0", "x" * 9999, "cpu cpu", "[", "-", "1 2 3 4"])
def test_rubbish_in_every_file(tmp_path, rubbish):
    root = machine(tmp_path, **dict.fromkeys(QUIET, rubbish))
    assert command(doctor, "--root", root)[1] == ""


def test_exit_codes_and_forms(tmp_path, capsys):
    root = machine(tmp_path, **{"proc/loadavg": "99 0 0 1/1 1", CPU + "smt/active": "1"})
    assert command(doctor, "--root", root) == (0, "")
    text = capsys.readouterr().out
    lines = text.splitlines()
    assert lines[3].split()[0] == "load" and lines[3].endswith("severe")
    assert "load: stop what else runs" in text
    assert command(doctor, "--root", root, "--strict") == (1, "")
    capsys.readouterr()
    command(doctor, "--root", root, "--format", "json")
    assert {"what": "SMT", "found": "on"}.items() <= json.loads(capsys.readouterr().out)[7].items()
    machine(tmp_path, **{"proc/loadavg": "0 0 0 1/1 1"})
    assert command(doctor, "--root", root, "--strict") == (0, "")


def test_no_such_root(tmp_path):
    code, error = command(doctor, "--root", tmp_path)
    assert code == 2 and "no proc folder" in error


def test_this_machine(capsys):
    assert command(doctor) == (0, "")
    assert "CPUs" in capsys.readouterr().out


def test_count_list():
    assert [doctor.count_list(t) for t in ("0", "0-3", "0-3,8,10-11", "", "x-y")] == [1, 4, 7, 0, 0]
