# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench count`: the plugin's decoder, what is counted, and that one instruction more is seen."""

from __future__ import annotations

import argparse
import ctypes
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
import synthetic  # noqa: F401  puts scripts/ on the path
from test_run import CROSS, one_line

from mnbenchlib import arches, builds, counted, counts, qemuplugin, qemuuser, toolchain
from mnbenchlib.errors import UserError

TOP = Path(__file__).resolve().parents[2]
QEMU = TOP / "platforms" / "qemu"
ARCH = "x86_64"
BINARY = TOP / "build" / ARCH / "bench" / "mnbench"


def _emulator_counts() -> bool:
    try:
        return bool(qemuuser.command(ARCH)) and qemuplugin.require().exists()
    except UserError:
        return False


def _old() -> bool:
    """Whether the binary is one of before the sources that are counted here."""
    newest = max(path.stat().st_mtime for path in (TOP / "bench").glob("*.[ch]"))
    return BINARY.stat().st_mtime < newest


counting = pytest.mark.skipif(not BINARY.exists() or _old() or not _emulator_counts(),
                              reason=f"{BINARY} is not built, or no emulator with plugins")

# The decoder. Bytes as the architectures' assemblers put them, named as they print them.

FENCE, ATOMIC, PLAIN = 2, 1, 0
X86 = {
    FENCE: {"mfence": "0faef0", "lfence": "0faee8", "sfence": "0faef8"},
    ATOMIC: {
        "lock addl": "f0834424fc00", "lock xadd": "f0480fc107", "lock cmpxchg": "f0410fb108",
        "lock cmpxchg16b": "f0480fc70f", "lock incl %fs": "64f0ff4008", "lock orw": "66f0830f01",
        "xchg": "8707", "xchg %al": "8607", "xchg %r9": "4d870a", "xchg %fs": "64668707",
        "xacquire lock addl": "f2f0830701", "lock addl (%edi)": "67f0830701",
    },
    PLAIN: {
        "xchg %rax,%rcx": "4891", "xchg %r8b,%r9b": "4586c1", "cmpxchg": "0fb10f",
        "xadd": "0fc107", "addl": "830701", "pause": "f390", "nop": "90", "clflush": "0fae3f",
        "fxsave": "0fae07", "ldmxcsr": "0fae17", "tpause": "660faef0", "umwait": "f20faef0",
        "incsspq": "f3480faee8", "clwb": "660fae37", "vbroadcastss": "c4e2791807",
        "rep movsb": "f3a4", "prefixes alone": "66666666",
    },
}
ARM64 = {
    FENCE: {"dmb ish": 0xd5033bbf, "dmb ishld": 0xd50339bf, "dsb sy": 0xd5033f9f,
            "isb": 0xd5033fdf, "sb": 0xd50330ff},
    ATOMIC: {
        "stxr": 0xc8037c20, "stlxr": 0x8803fc20, "stlxrb": 0x0803fc20, "stxp": 0xc8230820,
        "stlxp": 0x88238820, "cas": 0xc8a07c22, "casal": 0x88e0fc22, "casb": 0x08a07c22,
        "casp": 0x48207c82, "caspal": 0x0860fc82, "ldadd": 0xf8200022, "ldaddal": 0xb8e00022,
        "stadd": 0xf820003f, "ldclrh": 0x78201022, "swp": 0xf8208022, "swpalb": 0x38e08022,
    },
    PLAIN: {
        "clrex": 0xd5033f5f, "nop": 0xd503201f, "yield": 0xd503203f, "ldxr": 0xc85f7c20,
        "ldaxr": 0x885ffc20, "ldxp": 0xc87f0820, "ldar": 0xc8dffc20, "stlr": 0xc89ffc20,
        "ldapr": 0xf8bfc020, "ldr": 0xf8626820, "str": 0xf9000020, "ldp": 0xa9400820,
        "ldtr": 0xf8400820, "ldrsw": 0xb9800420, "prfm": 0xf9800020,
    },
}
RISCV = {
    FENCE: {"fence": 0x0ff0000f, "fence rw,w": 0x0310000f, "fence.tso": 0x8330000f,
            "fence.i": 0x0000100f},
    ATOMIC: {"sc.w": 0x18c5a52f, "sc.d.rl": 0x1ac5b52f, "amoadd.w": 0x00c5a52f,
             "amoswap.d.aq": 0x0cc5b52f, "amomaxu.d": 0xe0c5b52f},
    PLAIN: {"pause": 0x0100000f, "cbo.clean": 0x0015a00f, "nop": 0x00000013, "lr.w": 0x1005a52f,
            "lr.d.aqrl": 0x1605b52f, "ld": 0x0005b503, "sd": 0x00a5b023},
}
ENCODINGS = [(target, name, bytes.fromhex(code) if isinstance(code, str)
              else code.to_bytes(4, "little"), meant)
             for target, table in (("x86_64", X86), ("aarch64", ARM64), ("riscv64", RISCV))
             for meant, some in table.items() for name, code in some.items()]
ENCODINGS += [("riscv64", name, code, PLAIN)
              for name, code in (("c.ld", b"\x88\x61"), ("c.nop", b"\x01\x00"))]


@pytest.fixture(scope="module")
def decoder(tmp_path_factory):
    """decode.c, for a target: what it makes of an instruction's bytes."""
    library = tmp_path_factory.mktemp("decode") / "decode.so"
    subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-o", library,
                    QEMU / "decode.c"], check=True)
    lookup = ctypes.CDLL(str(library)).insn_decoder_for
    lookup.restype = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t)
    return lambda target: lookup(target.encode())


@pytest.mark.parametrize("target, name, code, meant", ENCODINGS,
                         ids=[f"{target} {name}" for target, name, _, _ in ENCODINGS])
def test_decoder(decoder, target, name, code, meant):
    assert decoder(target)(code, len(code)) == meant


def test_decoder_knows_no_other_architecture(decoder):
    assert not decoder("sparc64")


# The recorded counts

COLUMNS = ["arch", "execution", *counted._KEY, *counted.KINDS, "error"]
TOOLCHAIN = {"compiler": "GNU 14.2.0", "flags": "-O2", "libraries": {"hwloc": "2.12.0"}}


def _table(*rows: tuple[str, str, str]) -> pd.DataFrame:
    """Of subject, operation and instructions; an error where these are no number."""
    made = []
    for subject, op, insns in rows:
        figures = [insns, "6", "1", "1", "0.25", ""] if insns[0].isdigit() else [""] * 5 + [insns]
        made.append([ARCH, "qemu-user", subject, "seq", op, "tas", "1", "compact", "user_lock:0",
                     *figures])
    return pd.DataFrame(made, columns=COLUMNS)


NOW = _table(("port", "a", "25"), ("port", "b", "3.5"), ("baseline", "c", "waits"),
             ("upstream-6.12", "a", "26"))


@pytest.fixture
def recorded(monkeypatch, tmp_path) -> Path:
    """A folder of recorded counts of NOW."""
    monkeypatch.setattr(counted, "RECORDED", tmp_path / "counts")
    counted.record(NOW, {ARCH: TOOLCHAIN})
    return tmp_path / "counts"


def test_what_is_recorded(recorded):
    lines = (recorded / f"{ARCH}.csv").read_text(encoding="utf-8").splitlines()
    assert lines == [",".join(counted._KEY + counted.KINDS),
                     "port,seq,a,tas,1,compact,user_lock:0,25,6,1,1,0.25",
                     "port,seq,b,tas,1,compact,user_lock:0,3.5,6,1,1,0.25"]


def test_recording_one_architecture_keeps_the_others(recorded):
    counted.record(NOW.assign(arch="arm64"), {"arm64": TOOLCHAIN})
    assert set(counted._toolchains()) == {ARCH, "arm64"}
    assert (recorded / f"{ARCH}.csv").exists()


def test_the_same_counts(recorded, capsys):
    assert not counted.check(NOW, ARCH, TOOLCHAIN, True)
    assert f"{ARCH}: 2 operations execute what is recorded\n" in capsys.readouterr().out


@pytest.mark.parametrize("now, whole, told", [
    (_table(("port", "a", "26"), ("port", "b", "3.5")), True,
     "seq/a/port/variant:tas/user_lock:0/threads:1/pin:compact: insns 25 -> 26"),
    (_table(("port", "a", "25"), ("port", "b", "3.50390625")), True, "insns 3.5 -> 3.50390625"),
    (_table(("port", "a", "25")), True, "seq/b/port/variant:tas/user_lock:0/threads:1/pin:compact: "
     "recorded, and now not there"),
    (_table(("port", "a", "25"), ("port", "b", "waits")), True, "recorded, and now waits"),
    (_table(("port", "a", "25"), ("port", "b", "3.5"), ("port", "d", "1")), False,
     "seq/d/port/variant:tas/user_lock:0/threads:1/pin:compact: not recorded"),
])
def test_a_difference_is_named(recorded, capsys, now, whole, told):
    capsys.readouterr()
    assert counted.check(now, ARCH, TOOLCHAIN, whole)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and lines[0].startswith(f"{ARCH}: ") and told in lines[0]
    assert "not as recorded: 1; " in lines[1] and "--record" in lines[1]


def test_what_a_filter_left_out_is_not_missed(recorded):
    assert not counted.check(_table(("port", "a", "25")), ARCH, TOOLCHAIN, False)


@pytest.mark.parametrize("other", [
    TOOLCHAIN | {"compiler": "GNU 15.1.0"}, TOOLCHAIN | {"libraries": {"hwloc": "2.13.0"}}])
def test_another_toolchain_is_not_compared(recorded, capsys, other):
    changed = _table(("port", "a", "99"))
    assert not counted.check(changed, ARCH, other, True)
    told = capsys.readouterr().out
    assert "not compared, the recorded counts are of another toolchain" in told
    assert "GNU 14.2.0, here GNU 15.1.0" in told or "hwloc 2.12.0, here 2.13.0" in told


@pytest.mark.parametrize("name, text, told", [
    (f"{ARCH}.csv", None, "no recorded counts"), (f"{ARCH}.csv", "a,b\n", "not a table of counts"),
    ("toolchain.json", "{", "not JSON"),
])
def test_recorded_files_that_are_none(recorded, name, text, told):
    if text is None:
        (recorded / name).unlink()
    else:
        (recorded / name).write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=f"{name}.*{told}.*--record"):
        counted.check(NOW, ARCH, TOOLCHAIN, True)


def test_the_projects_own_record():
    """Of three architectures, with the same operations but for what an instruction set has."""
    tables = {arch: counted.read_recorded(counted.RECORDED / f"{arch}.csv")
              for arch in arches.ARCHES}
    assert set(counted._toolchains()) == set(arches.ARCHES)
    for arch, table in tables.items():
        assert not table.duplicated(counted._KEY).any(), arch
        assert not table["subject"].str.startswith("upstream-").any()
    key = [column for column in counted._KEY if column != "variant"]  # some have their own lock's
    shared = [set(map(tuple, table[table["family"] != "probe"][key].to_numpy()))
              for table in tables.values()]
    assert shared[0] == shared[1] == shared[2] and len(shared[0]) > 100


# Bad input


@pytest.fixture
def ready(checkout, monkeypatch):
    """A checkout whose plugin is built; `run` counts with an emulator that does as it is told."""
    monkeypatch.setenv("MNBENCH_CACHE", str(checkout.top / "cache"))
    plugin = qemuplugin.place()
    plugin.parent.mkdir(parents=True)
    plugin.write_bytes(b"")

    def run(*words: str, version: str = "7.2.22", usage: str = "-plugin   [file=]<file>",
            does: str = "exit 0"):
        for arch in arches.ARCHES:
            program = checkout.programs / arches.emulator_words(arch)[0]
            program.write_text(f"""#!/bin/sh
case $1 in
--version) echo "qemu-any version {version} (Debian)" ;;
-h) echo "{usage}" ;;
*) {does} ;;
esac
""", encoding="utf-8")
            program.chmod(0o755)
        return checkout.mnbench("count", *words)
    return run


@pytest.mark.parametrize("usage", ["-g port", "-plugins-not"])
def test_an_emulator_without_plugins(ready, usage):
    one_line(ready(usage=usage), "qemu-x86_64: this emulator (version 7.2) has no plugins",
             "install Debian 12's package qemu-user", "no Debian mirror")


def test_an_emulator_of_another_version(ready):
    one_line(ready(version="10.0.2"), "qemu-x86_64: version 10.0", "speaks to 7.2",
             "install Debian 12's package qemu-user")


def test_an_emulator_in_the_cache_instead(ready, checkout):
    root = checkout.top / "cache" / "qemu" / "7.2" / "root"
    loader = root / "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
    loader.parent.mkdir(parents=True)
    loader.write_text("#!/bin/sh\necho \"$3 was run\" >&2\nexit 2\n", encoding="utf-8")
    loader.chmod(0o755)
    one_line(ready("--arch", "arm64", version="10.0.2"), f"{root}/usr/bin/qemu-aarch64 was run")


def test_no_emulator(checkout):
    (checkout.programs / "qemu-riscv64").unlink()
    one_line(checkout.mnbench("count", "--arch", "riscv64", path="/usr/sbin:/sbin"),
             "qemu-riscv64: not installed", "package qemu-user")


def test_a_plugin_that_does_not_load(ready):
    one_line(ready(does="echo \"Could not load plugin ./count.so: wrong version\" >&2; exit 1"),
             "the emulator cannot use the plugin: Could not load plugin ./count.so: wrong version")


def test_a_binary_that_cannot_count(ready):
    done = ready(does="echo 'mnbench: --count: no such flag; see --help' >&2; exit 2")
    one_line(done, "build/", "/bench/mnbench: cannot count, it is older than this checkout",
             "scripts/mnbench build")


def test_a_binarys_complaint_is_passed_on(ready):
    one_line(ready("--families", "nope", does="echo 'mnbench: --families=nope: none' >&2; exit 2"),
             "--families=nope: none")


def test_a_binary_that_dies_is_a_failure(ready):
    done = ready(does="echo about to die >&2; kill -SEGV $$")
    assert done.returncode == 1
    assert "the binary ended with SIGSEGV: about to die" in done.stderr


@pytest.mark.parametrize("words, told", [
    (("--arch", "sparc"), "--arch sparc: no such architecture"),
    (("--arch", ","), "--arch: names no architecture"),
    (("--record", "--filter", "x"), "leave --families and --filter out"),
    (("--record", "--check"), "not allowed with argument"),
])
def test_bad_words(ready, words, told):
    one_line(ready(*words), told)


def test_a_binary_that_is_not_built(checkout):
    checkout.binary("riscv64").unlink()
    one_line(checkout.mnbench("count", "--arch", "riscv64"), "build/riscv64/bench/mnbench",
             "not built yet; scripts/mnbench build riscv64")


def test_a_folder_that_is_not_empty(ready, checkout):
    one_line(ready("--out", str(checkout.programs)), "not empty")


# The real thing


def _count(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(TOP / "scripts" / "mnbench"), "count", *words],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
                          check=False)


def _arguments(**given) -> argparse.Namespace:
    nothing = {"arch": [ARCH], "families": None, "filter": None, "out": None, "check": False,
               "record": False}
    return argparse.Namespace(**nothing | given)


@counting
def test_known_instructions(tmp_path):
    done = _count("--arch", ARCH, "--families", "probe,srcu,seq", "--out", str(tmp_path / "out"),
                  "--filter", "probe/|srcu/read_pair/|seq/read_begin_retry/|devices")
    assert done.returncode == 0, done.stderr
    table = counted.read((tmp_path / "out" / "counts.csv").read_text(encoding="utf-8"))
    figures = {(row.op, row.subject, row.variant): [float(getattr(row, kind))
                                                    for kind in counted.KINDS]
               for row in table.itertuples() if not row.error and "user_lock:1" not in row.params}
    loop = figures["loop", "baseline", "empty"][0]
    assert 2 <= loop <= 4
    assert figures["fence", "baseline", "mfence"] == [loop - 1, 0, 0, 0, 1]
    assert figures["fence", "baseline", "lock_add"] == [loop - 1, 0, 0, 1, 0]
    assert figures["atomic", "baseline", "xchg"][1:] == [0, 0, 1, 0]
    assert figures["read_pair", "baseline", "two_barriers"][1:] == [2, 2, 2, 0]
    assert figures["read_pair", "baseline", "refcount"][1:] == [0, 0, 2, 0]
    assert figures["read_pair", "port", "full"][3] == 2  # its two barriers
    assert figures["read_pair", "port", "fast"][3:] == [0, 0]
    assert figures["read_begin_retry", "port", "tas"][3] == 1
    waiting = table[table["op"] == "range_devices"]
    assert len(waiting) and (waiting["error"] == "it waits for the clock, as often as it takes").all()
    rows = pd.read_csv(tmp_path / "out" / "mnbench.csv")
    assert len(rows) == len(table)
    assert (rows["execution"] == "qemu-user").all() and (rows["flags"] == "emulated").all()
    assert rows["real_ns_per_op"].isna().all()
    assert list(rows["insns_per_op"].fillna(0)) == [float(cell or 0) for cell in table["insns"]]
    assert "read_pair fast" in done.stdout and "counts.csv: all" in done.stdout


@counting
def test_counts_repeat_and_do_not_depend_on_each_other(tmp_path):
    some = "synchronize_idle|pthread_mutex|call_srcu|insert/port/.*intervals:100/"
    for name, regex in (("first", some), ("second", some), ("alone", "synchronize_idle/port")):
        done = _count("--arch", ARCH, "--filter", regex, "--out", str(tmp_path / name))
        assert done.returncode == 0, done.stderr
    text = {name: (tmp_path / name / "counts.csv").read_text(encoding="utf-8")
            for name in ("first", "second", "alone")}
    assert text["first"] == text["second"]
    assert len(text["alone"].splitlines()) == 3
    assert set(text["alone"].splitlines()) < set(text["first"].splitlines())


@counting
def test_no_benchmark_is_left():
    one_line(_count("--arch", ARCH, "--filter", "wake_all/"), "no operation of one thread is left")


@counting
def test_a_plugin_of_another_version(monkeypatch, tmp_path):
    source = tmp_path / "old.c"
    source.write_text("int qemu_plugin_version = 99;\n"
                      "int qemu_plugin_install(void) { return 0; }\n", encoding="utf-8")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", tmp_path / "old.so", source], check=True)
    for plugin in (tmp_path / "old.so", source, tmp_path / "none.so"):
        monkeypatch.setattr(qemuplugin, "require", lambda plugin=plugin: plugin)
        with pytest.raises(UserError, match=f"{ARCH}: the emulator cannot use the plugin: .*count"):
            counts.main(_arguments(check=True, filter="probe/loop"))


KNOWN = """
    .macro ask request
    mov $0x6d6e, %eax
    mov $\\request, %edi
    mov $42, %esi
    syscall
    .endm
    .globl _start
_start:
    ask 1
    mov $1000, %ecx
    jmp again
    .balign 4096
    .skip 4096 - 5
again:
    nop
    lock addl $1, word(%rip)    # its last bytes are in the next page
    addl $1, word(%rip)
    push %rcx
    mfence
    xchg %rax, (%rsp)
    pop %rdx
    dec %ecx
    jnz again
    ask 2
    ask 3
    mov $60, %eax
    xor %edi, %edi
    syscall
    .bss
word: .long 0
"""


@CROSS
@counting
def test_the_plugin_on_known_code(tmp_path):
    (tmp_path / "known.S").write_text(KNOWN, encoding="utf-8")
    subprocess.run(["cc", "-nostdlib", "-static", "-o", "known", "known.S"], cwd=tmp_path,
                   check=True)
    qemu, options = qemuuser.command(ARCH)
    for more in ([], ["-singlestep"]):  # by the block, and an instruction a block
        subprocess.run([*qemu, *more, "-plugin", f"{qemuplugin.require()},out=answer", *options,
                        "./known"], cwd=tmp_path, check=True)
        # 2 before the loop, 9 in it, 4 to the second mark; xchg is an atomic and not a load.
        assert (tmp_path / "answer").read_text(encoding="utf-8") == (
            "mnbench-counts tag 42: 9006 2000 2000 2000 1000\n")


NOP = ("static void empty_read(struct op_thread *t, uint64_t n)\n{\n\t(void)t;\n\twhile (n--)\n",
       '\t\t__asm__ __volatile__("nop" : "+r"(n));\n')


@pytest.fixture
def with_nop():
    """The binary with one instruction more in one operation; the release's sources stay."""
    scratch = TOP / "build" / "planted-count"
    shutil.rmtree(scratch, ignore_errors=True)
    (scratch / "bench").mkdir(parents=True)
    text = (TOP / "bench" / "seq.c").read_text(encoding="utf-8")
    head, _, rest = text.partition(NOP[0])
    assert rest
    (scratch / "seq.c").write_text(head + NOP[0] + NOP[1] + rest.partition("\n")[2],
                                   encoding="utf-8")
    listed = subprocess.run(["ninja", "-C", str(builds.folder(ARCH)), "-t", "commands",
                             "bench/mnbench"], capture_output=True, text=True, check=True).stdout
    compile_it = next(line for line in listed.splitlines() if line.endswith("/bench/seq.c"))
    link = next(line for line in listed.splitlines() if " -o bench/mnbench " in line)
    ours, made = "bench/CMakeFiles/families.dir/seq.c.o", str(scratch / "seq.o")
    script = "\n".join([
        "set -e", f"cd {builds.folder(ARCH)}",
        compile_it.replace(str(TOP / "bench" / "seq.c"),
                           f"-iquote {TOP / 'bench'} {scratch / 'seq.c'}").replace(ours, made),
        link.replace(ours, made).replace(" -o bench/mnbench ", f" -o {scratch}/bench/mnbench ")])
    try:
        subprocess.run(toolchain.inside(["sh", "-c", script]), check=True, capture_output=True)
        yield scratch
    finally:
        shutil.rmtree(scratch)


@CROSS
@counting
def test_one_instruction_more_is_named(monkeypatch, tmp_path, capsys, with_nop):
    some = "seq/read_begin_retry/"
    monkeypatch.setattr(counted, "RECORDED", tmp_path / "counts")
    assert counts.main(_arguments(filter=some, out=tmp_path / "out")) == 0
    table = counted.read((tmp_path / "out" / "counts.csv").read_text(encoding="utf-8"))
    counted.record(table, {ARCH: counts.toolchain(tmp_path / "out" / "machine.json")})
    assert counts.main(_arguments(filter=some, check=True)) == 0
    capsys.readouterr()
    monkeypatch.setattr(builds, "folder", lambda _preset: with_nop)
    assert counts.main(_arguments(filter=some, check=True)) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2, lines
    assert lines[0].startswith(f"{ARCH}: seq/read_begin_retry/baseline/variant:empty/user_lock:0/"
                               "threads:1/pin:compact: insns 4 -> 5")
