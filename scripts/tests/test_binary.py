# SPDX-License-Identifier: GPL-2.0-or-later
"""The benchmark binary from outside: its names, its flags, what it writes and what it refuses."""

from __future__ import annotations

import fcntl
import json
import os
import random
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from binary import BINARY, TOP, good, mnbench, needs_binary, refused
from synthetic import COLUMNS  # also puts scripts/ on the path

from mnbenchlib import arches, results

ONCE = ["--repetitions=1", "--target=0", "--twins=0"]
SHORT = ["--benchmark_min_time=0.0001", *ONCE, "--window=20"]
LOOP = ["--benchmark_filter=^probe/loop/", *SHORT]
PUS = len(os.sched_getaffinity(0))

pytestmark = needs_binary

LOCKS = ["tas", "ttas", "ticket", "mcs", "queued", "pthread_spin", "pthread_mutex"]
OWN_LOCK = "ticket" if arches.host() == "riscv64" else "queued"
SEQ_BASELINES = [*LOCKS, "rwlock", "seqcount", "seqlock", "ck_sequence"]
URCU = ["urcu_memb", "urcu_mb", "urcu_qsbr", "urcu_bp"]
HERD_BASELINES = ["futex", "condvar", "condvar_held", "eventfd", "pipe", "spin"]


def expected_operations() -> set[str]:
    """family/op/subject/variant of what is to be timed, written down here a second time."""
    def of(op: str, subject: str, variants: list[str]) -> set[str]:
        return {f"{op}/{subject}/{variant}" for variant in variants}

    names = of("seq/read_begin_retry", "port", LOCKS)
    names |= of("seq/read_begin_retry", "baseline", ["empty", "load", *SEQ_BASELINES])
    names |= of("seq/read_begin_retry_placed", "port", [OWN_LOCK])
    names |= of("seq/read_begin_retry_placed", "baseline", LOCKS)
    names |= of("seq/mix", "port", LOCKS) | of("seq/mix", "baseline", SEQ_BASELINES)
    for op in ("range_hit", "range_miss"):
        names |= of(f"seq/{op}", "port", LOCKS)
    for op in ("range_empty", "range_nested", "insert", "remove", "deferred_insert",
               "deferred_remove", "range_devices"):
        names |= of(f"seq/{op}", "port", [OWN_LOCK])
    for op in ("read_pair", "read_nested", "read_under_updates", "synchronize_idle",
               "synchronize_busy", "synchronize_slow_reader", "call_srcu"):
        names |= of(f"srcu/{op}", "port", ["full", "fast"]) | of(f"srcu/{op}", "baseline", URCU)
    names |= of("srcu/read_pair", "baseline",
                ["empty", "load", "two_barriers", "two_increments", "refcount", "rwlock",
                 "percpu_rwlock"])
    names |= of("srcu/read_nested", "baseline", ["rwlock"])
    names |= of("srcu/read_under_updates", "baseline", ["rwlock", "percpu_rwlock"])
    names |= of("srcu/read_domains", "port", ["full", "fast"])
    names |= of("srcu/list_hooks", "port", [OWN_LOCK])
    for op in ("seq/check_retry", "seq/fill", "seq/fill_locked", "seq/drain", "srcu/register",
               "srcu/get_put", "srcu/get_put_again"):
        names |= of(op, "port", [OWN_LOCK])
    names |= of("wake/wake_all", "port", ["futex"])
    names |= of("wake/wake_all", "baseline", HERD_BASELINES)
    names |= of("wake/wake_all_apart", "port", ["futex"])
    names |= of("wake/wake_all_apart", "baseline", ["futex", "condvar", "eventfd", "pipe"])
    names |= of("wake/wake_all_waker", "port", ["futex"])
    names |= of("wake/wake_all_waker", "baseline", ["futex", "condvar"])
    names |= of("wake/herd_readers", "port", [OWN_LOCK])
    names |= of("wake/herd_removers", "port", [OWN_LOCK])
    for op in ("lookup", "insert", "remove"):
        names |= of(f"itree/{op}", "port", ["rbtree"])
        names |= of(f"itree/{op}", "baseline", ["linear_list", "rculfhash"])
    names |= of("itree/overlap_scan", "port", ["rbtree"])
    names |= of("probe/loop", "baseline", ["empty"])
    names |= of("probe/clock", "baseline", ["clock_gettime"])
    names |= of("probe/line_transfer", "baseline", ["store_load", "store_load_relax"])
    return names


@pytest.fixture(scope="module")
def every_name() -> list[str]:
    """Every benchmark of the full profile."""
    return good("--benchmark_list_tests").splitlines()


@pytest.fixture(scope="module")
def names(every_name) -> list[str]:
    """Those of the port and its baselines; the other subjects have the port's operations."""
    return [name for name in every_name if name.split("/")[2] in ("port", "baseline")]


# What is there


def test_names_parse_and_are_unique(names):
    value = r"[A-Za-z0-9_.:,-]+"
    form = re.compile(rf"(seq|srcu|wake|itree|probe)/[a-z0-9_]+/(port|baseline)/variant:[a-z0-9_]+"
                      rf"(/[a-z_]+:{value})*/pin:{value}(/iterations:1)?/(real|manual)_time")
    assert [name for name in names if not form.fullmatch(name)] == []
    assert len(set(names)) == len(names)


def test_every_operation_and_baseline(names):
    found = {re.sub(r"variant:([^/]+).*", r"\1", name) for name in names}
    assert expected_operations() - found == set()
    more = found - expected_operations()
    assert {"/".join(name.split("/")[:2]) for name in more} == {
        "probe/atomic", "probe/clock", "probe/fence", "probe/relax"}  # by what the instruction set has


def test_what_is_varied(names):
    def values(operation: str, key: str) -> set[int]:
        return {int(number) for name in names if name.startswith(operation + "/")
                for number in re.findall(rf"/{key}:(\d+)", name)}

    sizes = {1, 100, 10000, 100000, 1000000}
    for operation in ("seq/insert", "seq/remove", "itree/lookup/port", "itree/insert/port",
                      "itree/remove/port"):
        assert values(operation, "intervals") == sizes
    for subject in ("port", "baseline"):
        assert values(f"wake/wake_all/{subject}", "sleepers") == {1, 8, 64, 256}
        assert values(f"wake/wake_all_waker/{subject}", "sleepers") == {0}
    for herd in ("herd_readers", "herd_removers"):
        assert values(f"wake/{herd}", "sleepers") == {1, 8, 64, 256}
    assert values("seq/range_hit", "hits") == {1, 8, 64}
    assert values("seq/read_begin_retry/port", "user_lock") == {0, 1}
    for subject in ("port", "baseline"):
        places = {re.search("/place:([a-z]+)/", name)[1] for name in names
                  if name.startswith(f"seq/read_begin_retry_placed/{subject}/")}
        assert places == {"page", "line", "shared", "remote"}
    assert values("srcu/list_hooks", "notifiers") == {0, 1, 8, 64}
    assert values("srcu/read_domains", "domains") == {1, 8, 64}
    assert {1, PUS, 2 * PUS} <= values("srcu/read_pair", "threads")
    pins = {name.split("/pin:")[1].split("/")[0] for name in names}
    assert {"none", "compact", "scatter", "smt", "llc", "xllc", "xnode"} <= pins


def test_a_port_row_has_its_baseline(names):
    """Each baseline stands beside a port's row with the same parameters, threads and place."""
    def key(name: str) -> str:
        return re.sub(r"/(port|baseline)/variant:[^/]+", "", name)

    ports = {key(name) for name in names if "/port/" in name}
    alone = {name for name in names if "/baseline/" in name and not name.startswith("probe/")
             and key(name) not in ports}
    assert alone == set()


def test_quick_is_a_part_of_full(every_name):
    quick = good("--benchmark_list_tests", "--profile=quick").splitlines()
    assert set(quick) < set(every_name)
    assert len(set(quick)) == len(quick)


def test_families(every_name):
    for family in ("seq", "srcu", "wake", "itree", "probe"):
        one = good("--benchmark_list_tests", "--families", family).splitlines()
        assert one == [name for name in every_name if name.startswith(family + "/")]
    two = good("--benchmark_list_tests", "--families=probe,wake").splitlines()
    assert {name.split("/")[0] for name in two} == {"probe", "wake"}


def test_threads_and_pins_are_obeyed():
    listed = good("--benchmark_list_tests", "--families=srcu", "--threads", "3,5",
                  "--pin", "list:0,none", "--benchmark_filter=read_pair/port").splitlines()
    assert {name.split("/", 4)[4] for name in listed} == {
        f"threads:{threads}/pin:{pin}/iterations:1/manual_time"
        for threads in (3, 5) for pin in ("list:0", "none")}
    alone = good("--benchmark_list_tests", "--pin=none,smt", "--benchmark_filter=probe/loop")
    assert re.findall(r"pin:(\w+)", alone) == ["none", "smt"]


# What it writes


def test_help_names_every_flag():
    text = good("--help")
    flags = set(re.findall(r"--([a-z-]+)\b(?!_)", text)) - {"v", "benchmark"}
    assert flags >= {"families", "profile", "threads", "pin", "window", "overlap-floor", "csv",
                     "machine", "topology", "run-id", "execution", "plan", "draw", "try-plan", "from",
                     "synthetic", "version", "help"}
    assert {"repetitions", "max-repetitions", "target", "budget", "twins", "seed",
            "baton"} <= flags
    assert "benchmark_filter" in text and "benchmark_list_tests" in text
    for flag in flags - {"help", "version"}:
        complaint = refused(f"--{flag}", f"--{flag}=")
        assert "no such flag" not in complaint


def test_version():
    assert re.fullmatch(r"mnbench \d+\.\d+\.\d+ \(\w+\), Google Benchmark \S+\n",
                        good("--version"))


@pytest.fixture(scope="module")
def run_of_everything(tmp_path_factory):
    """A short run with an operation of each way of timing, and its files."""
    folder = tmp_path_factory.mktemp("run")
    good("--csv", folder / "a.csv", "--machine", folder / "m.json", "--topology",
         folder / "t.xml", "--run-id", "the run, \"quoted\"", "--pin=none", "--threads=1,2",
         "--benchmark_min_time=0.0001", "--repetitions=2", "--target=0", "--twins=0",
         "--window=5",
         "--benchmark_filter=probe/loop|srcu/read_pair/port|seq/deferred_insert"
         "|wake/wake_all/.*/variant:futex/sleepers:8/")
    return folder


def test_rows(run_of_everything):
    table = results.read_results(run_of_everything / "a.csv")
    assert list(table.columns) == COLUMNS
    assert (table["schema"] == 1).all()
    assert set(table["run_id"]) == {'the run, "quoted"'}
    assert set(table["arch"]) == {arches.host()}
    assert set(table["error"]) == {""}
    assert set(table["pin"]) == {"none"}
    assert set(table["rep"]) == {0, 1}
    assert (table["real_ns_per_op"] > 0).all() and (table["iterations"] >= 1).all()
    assert (table["execution"] == "native").all()


def test_rows_of_a_team(run_of_everything):
    table = results.read_results(run_of_everything / "a.csv")
    pairs = table[table["op"] == "read_pair"]
    assert set(pairs["variant"]) == {"full", "fast"}
    teams = pairs[pairs["threads"] == 2]
    assert len(teams) == 4
    assert teams["overlap"].between(0, 1).all() and teams["fairness"].between(0.5, 1).all()
    assert (teams["p50_ns"] > 0).all() and (teams["p50_ns"] <= teams["max_ns"]).all()
    alone = pairs[pairs["threads"] == 1]
    assert alone[["overlap", "fairness", "p50_ns", "max_ns"]].isna().all(axis=None)


def test_rows_of_a_herd(run_of_everything):
    table = results.read_results(run_of_everything / "a.csv")
    herd = table[table["family"] == "wake"]
    assert len(herd) == 4 * 2 * 2
    assert set(herd["params"]) == {"sleepers:8"} and set(herd["threads"]) == {9}
    wide = herd.pivot(index=["subject", "rep"], columns="op", values="real_ns_per_op")
    assert (wide["wake_all_first"] <= wide["wake_all_median"]).all()
    assert (wide["wake_all_median"] <= wide["wake_all_last"]).all()
    assert (wide["wake_all_waker"] > 0).all()
    assert (herd["real_ns_per_op"] <= herd["max_ns"]).all()
    assert (herd["p50_ns"].isna() == (herd["iterations"] < 20)).all()
    assert not (herd["p50_ns"] > herd["p90_ns"]).any()


def test_rows_of_places(tmp_path):
    """A lock is where it should be, in the notifiers too, or the row says why not."""
    good("--benchmark_filter=read_begin_retry_placed/port", "--threads=1,2", "--pin=compact",
         *SHORT, "--csv", tmp_path / "a.csv")
    table = results.read_results(tmp_path / "a.csv")
    remote = table["params"] == "place:remote"
    assert {"port", "port-lockless", "port-fair"} <= set(table["subject"])
    assert (table.loc[~remote, "error"] == "").all()
    assert (table.loc[~remote, "real_ns_per_op"] > 0).all()
    assert set(table.loc[remote, "error"]) <= {"", "there is no other node for the lock"}


def test_machine_and_topology(run_of_everything):
    machine = json.loads((run_of_everything / "m.json").read_text(encoding="utf-8"))
    assert machine["run_id"] == 'the run, "quoted"'
    tree = ElementTree.parse(run_of_everything / "t.xml").getroot()
    assert tree.tag == "topology"
    assert len([o for o in tree.iter("object") if o.get("type") == "PU"]) >= PUS
    plan = good("--plan", "--pin=compact", "--threads=1", "--from", run_of_everything / "t.xml")
    assert len(plan.splitlines()) == 1


def test_rows_are_appended(tmp_path):
    path = tmp_path / "a.csv"
    good(*LOOP, "--csv", path, "--run-id=1")
    before = path.read_bytes()
    good(*LOOP, "--csv", path, "--run-id=2")
    after = path.read_bytes()
    assert after.startswith(before) and len(after.splitlines()) == 3


def test_listing_writes_nothing(tmp_path):
    good("--benchmark_list_tests", "--csv", tmp_path / "a", "--machine", tmp_path / "b",
         "--topology", tmp_path / "c")
    assert list(tmp_path.iterdir()) == []


def skipped(tmp_path: Path, pin: str, **how) -> None:
    """A policy that cannot be served is rows with the reason, and those of another are timed."""
    path = tmp_path / "skipped.csv"
    good("--benchmark_filter=srcu/read_pair/port", f"--pin={pin},none", "--threads=2", *SHORT,
         "--csv", path, **how)
    table = results.read_results(path)
    row = table[table["pin"] == pin]
    assert len(row) == 2 and (row["error"].str.contains(pin)).all()
    assert row[results.FLOATS + ["iterations"]].isna().all(axis=None)
    assert (table.loc[table["pin"] == "none", "real_ns_per_op"] > 0).all()


def test_no_smt_is_a_row(tmp_path):
    if mnbench("--plan", "--pin=smt", "--threads=2").returncode == 0:
        pytest.skip("this machine has SMT")
    skipped(tmp_path, "smt")


def test_no_second_node_is_a_row(tmp_path):
    if mnbench("--plan", "--pin=xnode", "--threads=2").returncode == 0:
        pytest.skip("this machine has several NUMA nodes")
    skipped(tmp_path, "xnode")


def test_oversubscribed(tmp_path):
    path = tmp_path / "a.csv"
    good("--benchmark_filter=srcu/read_pair/port/variant:fast", "--pin=compact",
         f"--threads=1,{2 * PUS}", *SHORT, "--csv", path)
    table = results.read_results(path).set_index("threads")
    assert "oversubscribed" in table.loc[2 * PUS, "flags"]
    assert "oversubscribed" not in table.loc[1, "flags"]


def test_emulated_is_flagged(tmp_path):
    good(*LOOP, "--execution=qemu-user", "--csv", tmp_path / "a.csv")
    table = results.read_results(tmp_path / "a.csv")
    assert set(table["execution"]) == {"qemu-user"} and set(table["flags"]) == {"emulated"}


ARM64 = TOP / "build" / "arm64" / "bench" / "mnbench"


@pytest.mark.skipif(not (ARM64.exists() and shutil.which("qemu-aarch64")),
                    reason="needs build/arm64 and qemu-aarch64")
@pytest.mark.parametrize("cpu, has", [("cortex-a53", False), ("max,pauth-impdef=on", True)])
def test_an_instruction_that_the_cpu_lacks_is_a_row(tmp_path, cpu, has):
    csv = tmp_path / "rows.csv"
    done = subprocess.run(
        ["qemu-aarch64", "-cpu", cpu, ARM64, "--benchmark_filter=probe/atomic", *SHORT, "--csv",
         csv], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    table = results.read_results(csv)
    lacking = table.loc[table["error"].str.contains("does not have", na=False), "variant"]
    assert set(lacking) == (set() if has else {"lse_stadd", "lse_ldadd", "lse_ldadd_acq_rel",
                                          "lse_swp_acq", "lse_cas"})


def test_a_pinned_list(tmp_path):
    pu = max(os.sched_getaffinity(0))
    good("--benchmark_filter=probe/(loop|clock)", f"--pin=list:{pu}", *SHORT, "--csv",
         tmp_path / "a.csv")
    table = results.read_results(tmp_path / "a.csv")
    assert set(table["pin"]) == {f"list:{pu}"}
    assert not table["flags"].str.contains("misplaced|oversubscribed|emulated").any()


def test_no_such_pu_is_a_row(tmp_path):
    skipped(tmp_path, "list:99999")


def test_taskset_is_obeyed(tmp_path):
    if PUS < 2 or not shutil.which("taskset"):
        pytest.skip("one PU only, or no taskset")
    only, other = sorted(os.sched_getaffinity(0), reverse=True)[:2]
    within = ["taskset", "-c", str(only)]
    plan = good("--plan", "--pin=compact", "--threads=1", within=within)
    assert plan.split("\t")[1] == str(only)
    listed = good("--benchmark_list_tests", "--families=srcu", "--profile=quick", within=within)
    assert set(re.findall(r"threads:(\d+)", listed)) == {"1"}
    good("--benchmark_filter=srcu/read_pair/port", "--threads=2", "--pin=compact", *SHORT,
         "--csv", tmp_path / "a.csv", within=within)
    flags = results.read_results(tmp_path / "a.csv")["flags"]
    assert flags.str.contains("oversubscribed").all()
    assert not flags.str.contains("misplaced").any()
    skipped(tmp_path, f"list:{other}", within=within)


# A clock that cannot be used

FAULTY_CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

/* CLOCK_MONOTONIC with steps of $STEP_NS, and one more of -$BACK_NS each time after $AFTER looks. */
int clock_gettime(clockid_t id, struct timespec *ts)
{
    static int (*real)(clockid_t, struct timespec *);
    static long looks;
    long long ns, step = atoll(getenv("STEP_NS"));

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    int ret = real(id, ts);
    if (id != CLOCK_MONOTONIC)
        return ret;
    ns = (ts->tv_sec * 1000000000ll + ts->tv_nsec) / step * step;
    ns -= __atomic_add_fetch(&looks, 1, __ATOMIC_RELAXED) / atol(getenv("AFTER")) *
          atoll(getenv("BACK_NS"));
    ts->tv_sec = ns / 1000000000;
    ts->tv_nsec = ns % 1000000000;
    return ret;
}
"""


@pytest.fixture(scope="module")
def faulty_clock(tmp_path_factory) -> Path:
    """A library to be loaded before all others."""
    folder = tmp_path_factory.mktemp("clock")
    (folder / "clock.c").write_text(FAULTY_CLOCK, encoding="utf-8")
    compiler = shutil.which("cc")
    if compiler is None or b"ld-linux" not in BINARY.read_bytes():
        pytest.skip("no C compiler, or a static program")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", folder / "clock.so", folder / "clock.c",
                    "-ldl"], check=True)
    return folder / "clock.so"


@pytest.mark.parametrize("faults, thing", [
    ({"STEP_NS": str(10 ** 18)}, "CLOCK_MONOTONIC stands still"),
    ({"STEP_NS": "1000000"}, "CLOCK_MONOTONIC has steps of 1000 us"),
    ({"AFTER": "500", "BACK_NS": "100000"}, "CLOCK_MONOTONIC goes back"),
])
def test_unusable_clock(tmp_path, faulty_clock, faults, thing):
    sound = {"STEP_NS": "1", "AFTER": str(10 ** 15), "BACK_NS": "0"}
    csv = tmp_path / "a.csv"
    refused(thing, *LOOP, "--csv", csv, LD_PRELOAD=str(faulty_clock), **(sound | faults))
    assert not csv.exists()


# What it refuses


@pytest.mark.parametrize("flags, thing", [
    (["--pin=nonsense"], "nonsense"),
    (["--pin=none,nonsense", *LOOP], "nonsense"),
    (["--pin=none,nonsense", "--families=probe"], "nonsense"),
    (["--pin=list:0-"], "list:0-"),
    (["--pin="], "--pin"),
    (["--pin=,"], "--pin"),
    (["--families=seq,nonsense"], "nonsense"),
    (["--families="], "--families"),
    (["--nonsense"], "--nonsense"),
    (["--nonsense=1"], "--nonsense"),
    (["nonsense"], "nonsense"),
    (["--benchmark_nonsense=1"], "--benchmark_nonsense"),
    (["--benchmark_min_time=nonsense"], "nonsense"),
    (["--benchmark_filter=("], "("),
    (["--benchmark_filter=nonsense"], "nonsense"),
    (["--profile=nonsense"], "nonsense"),
    (["--profile=quick,full"], "quick,full"),
    (["--execution=nonsense"], "nonsense"),
    (["--execution=native,qemu-user"], "native,qemu-user"),
    (["--threads=0"], "--threads=0"),
    (["--threads=-1"], "--threads=-1"),
    (["--threads", "-1"], "--threads"),
    (["--threads=99999999999999999999"], "99999999999999999999"),
    (["--window=0"], "--window=0"),
    (["--overlap-floor=2"], "--overlap-floor=2"),
    (["--run-id=a\nb"], "--run-id"),
    (["--csv"], "--csv"),
    (["--synthetic=pu:2"], "--synthetic"),
    (["--csv=/nonexistent/a.csv", *LOOP], "/nonexistent/a.csv"),
    (["--machine=/nonexistent/m.json", *LOOP], "/nonexistent/m.json"),
    (["--topology=/nonexistent/t.xml", *LOOP], "/nonexistent/t.xml"),
    (["--csv=/dev/full", *LOOP], "/dev/full"),
    (["--machine=/dev/full", *LOOP], "/dev/full"),
    (["--topology=/dev/full", *LOOP], "/dev/full"),
    (["--benchmark_out=o.json", *LOOP], "--csv"),
    (["--benchmark_repetitions=3", *LOOP], "--repetitions"),
])
def test_bad_input(flags, thing):
    refused(thing, *flags)


def test_a_file_that_is_not_ours(tmp_path):
    for content in (b"a,b\n1,2\n", b"\0\0", ",".join(COLUMNS).encode() + b"\n1,cut off"):
        (tmp_path / "a.csv").write_bytes(content)
        (tmp_path / "m.json").write_bytes(b"of another run")
        (tmp_path / "t.xml").write_bytes(b"of another run")
        refused(str(tmp_path / "a.csv"), *LOOP, "--csv", tmp_path / "a.csv", "--machine",
                tmp_path / "m.json", "--topology", tmp_path / "t.xml")
        assert (tmp_path / "a.csv").read_bytes() == content
        assert (tmp_path / "m.json").read_bytes() == b"of another run"
        assert (tmp_path / "t.xml").read_bytes() == b"of another run"
        assert len(list(tmp_path.iterdir())) == 3


def test_two_runs_into_one_file(tmp_path):
    path = tmp_path / "a.csv"
    good(*LOOP, "--csv", path)
    (tmp_path / "m.json").write_bytes(b"of the first run")
    before = path.read_bytes()
    with path.open("rb") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        refused(str(path), *LOOP, "--csv", path, "--machine", tmp_path / "m.json")
    assert path.read_bytes() == before
    assert (tmp_path / "m.json").read_bytes() == b"of the first run"


def test_a_running_run_has_its_file(tmp_path):
    path = tmp_path / "a.csv"
    first = start_endless(path)
    try:
        wait_for_rows(path, 1)
        assert "another run" in refused(str(path), *LOOP, "--csv", path)
    finally:
        first.kill()
        first.wait()
    good(*LOOP, "--csv", path)
    results.read_results(path)


@pytest.fixture
def read_only():
    """A folder that may not be written to, with a file in it; not in root's own tmp_path."""
    with tempfile.TemporaryDirectory() as top:
        os.chmod(top, 0o755)
        folder = Path(top) / "read-only"
        folder.mkdir()
        (folder / "m.json").write_bytes(b"before")
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)


def as_nobody() -> list[str]:
    """For root, to whom no folder is read-only: how to be someone else."""
    if os.geteuid() != 0:
        return []
    if not shutil.which("setpriv"):
        pytest.skip("root may write everywhere, and there is no setpriv")
    if not all(p.stat().st_mode & stat.S_IXOTH for p in (BINARY, *BINARY.parents)):
        pytest.skip(f"nobody but root gets to {BINARY}")
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def test_a_read_only_folder(read_only):
    within = as_nobody()
    for flag in ("--csv", "--machine", "--topology"):
        refused(str(read_only / "new"), *LOOP, flag, read_only / "new", within=within)
    refused(str(read_only / "m.json"), *LOOP, "--machine", read_only / "m.json", within=within)
    assert [path.name for path in read_only.iterdir()] == ["m.json"]
    assert (read_only / "m.json").read_bytes() == b"before"


# Kills and system calls


def start_endless(path: Path, run_id: object = 0) -> subprocess.Popen:
    """A run that writes rows for some seconds."""
    return subprocess.Popen(
        [str(BINARY), "--csv", str(path), "--benchmark_filter=seq/(read|range)", "--threads=2",
         "--pin=none,compact,scatter", "--repetitions=5", "--twins=0", "--window=2",
         f"--run-id={run_id}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_for_rows(path: Path, rows: int) -> None:
    for _ in range(2000):
        if path.exists() and len(path.read_bytes().splitlines()) > rows:
            return
        time.sleep(0.005)
    pytest.fail("no row was written in 10 s")


def test_killed_at_any_moment(tmp_path):
    seed = int(os.environ.get("MNBENCH_SEED", time.time_ns() % 1000000))
    print(f"MNBENCH_SEED={seed}")
    moments = random.Random(seed)
    path = tmp_path / "a.csv"
    for kill in range(50):
        running = start_endless(path, kill)
        time.sleep(moments.uniform(0.01, 0.25))
        assert running.poll() is None
        running.send_signal(signal.SIGKILL)
        running.wait()
        if path.exists() and path.stat().st_size:
            text = path.read_text(encoding="utf-8")
            assert text.endswith("\n")
            assert {line.count(",") for line in text.splitlines()} == {len(COLUMNS) - 1}
    good(*LOOP, "--csv", path, "--run-id=last")
    table = results.read_results(path)
    assert table["run_id"].nunique() > 10
    assert list(tmp_path.iterdir()) == [path]


def futex_calls(tmp_path: Path, subject: str, seconds: float) -> tuple[int, int]:
    """The futex system calls of waking nobody, and how often that was done."""
    path = tmp_path / f"{seconds}.csv"
    log = tmp_path / "strace"
    done = mnbench(f"--benchmark_filter=wake/wake_all_waker/{subject}/variant:futex/sleepers:0/",
                   f"--benchmark_min_time={seconds}", *ONCE, "--csv", path,
                   within=["strace", "-f", "-e", "trace=futex", "-o", str(log)])
    if not path.exists():
        pytest.skip(f"strace does not work here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    rows = results.read_results(path)
    return log.read_text(encoding="utf-8").count("futex("), int(rows["iterations"].sum())


def test_nobody_asleep_is_no_system_call(tmp_path):
    if not shutil.which("strace"):
        pytest.skip("no strace")
    few, once = futex_calls(tmp_path, "port", 1e-7)
    many, often = futex_calls(tmp_path, "port", 0.02)
    assert often > once + 10000
    assert many <= few + 10
    # That this would be seen: the baseline calls each time.
    calls, times = futex_calls(tmp_path, "baseline", 0.001)
    assert calls >= times
