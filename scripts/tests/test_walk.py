# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench walk`: a difference is found and made short, seeds replay, invariants can fail."""

from __future__ import annotations

import random
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from checkout import TOP

from mnbenchlib import walks
from mnbenchlib.scratch import Scratch

TOOLS = pytest.mark.skipif(any(shutil.which(tool) is None for tool in ("cmake", "ninja", "gcc")),
                           reason="takes cmake, ninja and gcc")

# What is altered, from and to; each is found by the walks that are compared.
DIFFERENCES = {
    "the last byte of a range": (
        "range->start, range->end - 1));\n}\n\nstatic", "range->start, range->end));\n}\n\nstatic"),
    "a range that hits nothing wakes": (
        "if (--subscriptions->active_invalidate_ranges || !seq_is_odd(subscriptions)) {",
        "if (--subscriptions->active_invalidate_ranges) {"),
    "a reader does not wait": (
        "return unlikely(colliding) ? wait_out(subscriptions, seq) : seq;", "return seq;"),
    "which error is returned": ("ret = failed;", "ret = ret ? ret : failed;"),
    "an answer is lost": (
        "young |= subscription->ops->clear_flush_young", "young = subscription->ops->clear_flush_young"),
    "the freed subscriptions": ("\t\tkfree(fresh);\n\t\treturn ret;", "\t\treturn ret;"),
    "a warning": ("\tWARN_ON(ops->invalidate_range_end);\n", ""),
    "sleepers that nobody wakes": ("\twake_up_all(&subscriptions->wq);\n", ""),
}

HIT = "range->start, range->end - 1));\n}\n\nstatic"
TAKEN = "if (!WARN_ON(RB_EMPTY_NODE(&interval_sub->interval_tree.rb))) {\n\t\t\t"
GRACE = "\tsynchronize_srcu(&srcu);\n\tBUG_ON(atomic_read(&mm->mm_count) <= 0);\n"
FREE = "\tsubscription->ops->free_notifier(subscription);\n"
INSERTED = "\tspin_unlock(&subscriptions->lock);\n\treturn %s;\n}\n\n/**\n * mmu_interval_notifier_insert -"
SEQ = "*seq = subscriptions->invalidate_seq;\n\tspin_unlock(&subscriptions->lock);\n\treturn interval_sub;"

# What real threads see broken, and what is altered for that.
INVARIANTS = {
    "gone: an interval": (TAKEN + "interval_tree_remove(", TAKEN + "(void)("),
    "gone: a list notifier": ("\t\t/* list_release() may have done it meanwhile. */\n",
                              "\t\tif (0)\n"),
    "odd": (SEQ, SEQ.replace("invalidate_seq;", "invalidate_seq + 1;", 1)),
    "intersects": (HIT, HIT.replace("- 1", "+ 8 * PAGE_SIZE")),
    "mm": (".event = MMU_NOTIFY_RELEASE,\n\t\t.mm = mm,", ".event = MMU_NOTIFY_RELEASE,"),
    "insert": (INSERTED % "0", INSERTED % "subscriptions->active_invalidate_ranges ? -EBUSY : 0"),
    "stale": (HIT, HIT.replace("range->end - 1", "range->start")),
    "mapped": ("return unlikely(colliding) ? wait_out(subscriptions, seq) : seq;", "return seq;"),
    "users": ("\tsubscription->users = 1;", "\tsubscription->users = 1;\n\tatomic_inc(&mm->mm_users);"),
    "inside": (GRACE, ""),
    "freed: 0 list notifiers": (FREE, ""),
    "freed: a list notifier, twice": (FREE, FREE * 2),
    "balance": ("\tif (unlikely(ret))\n\t\tcall_ends(range->mm, range);\n", ""),
    "refusal": ("\t\t\tret = failed;", "\t\t\tret = -EBUSY;"),
    "get": ("\t\tif (subscription->ops != ops)\n\t\t\tcontinue;\n", ""),
    "register": ("\tBUG_ON(atomic_read(&mm->mm_users) <= 0);\n\treturn 0;",
                 "\treturn subscription && subscription->ops->release ? -EBUSY : 0;"),
    "left": ("\tkfree(mm->notifier_subscriptions);\n", ""),
    "warned": ("\tif (--subscriptions->active_invalidate_ranges || ",
               "\tWARN_ON(subscriptions->active_invalidate_ranges == 2);\n"
               "\tif (--subscriptions->active_invalidate_ranges || "),
    "asleep": ("\twake_up_all(&subscriptions->wq);\n", ""),
}


# ---- what takes no build ----

@pytest.mark.parametrize("numbers, text", [
    ([], ""), ([3], "3"), ([0, 1, 2, 5], "0-2,5"), ([9, 7, 8], "7-9"),
])
def test_ranges(numbers, text):
    assert walks.as_ranges(numbers) == text


def test_shrinking_finds_what_it_takes():
    chance = random.Random(1)
    for _ in range(50):
        needed = set(chance.sample(range(60), chance.randint(0, 5)))
        found = walks.shortest(list(range(60)), lambda kept, needed=needed: needed <= set(kept))
        assert set(found) == needed


# ---- the programs ----

class Walkers:
    """The core, and altered copies of it, each built when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self.scratch = Scratch(folder)
        self.source = folder / "core" / "mmu_notifier.c"
        self.sound = self.source.read_text(encoding="utf-8")
        self.scratch.build("walk")
        self.port = folder / "port"
        shutil.copy2(self.scratch.built("core/walk"), self.port)

    def altered(self, old: str, new: str) -> Path:
        """The program with one place altered."""
        assert self.sound.count(old) == 1, f"renew this test: {old!r}"
        self.source.write_text(self.sound.replace(old, new), encoding="utf-8")
        self.scratch.build("walk")
        return self.scratch.built("core/walk")


@pytest.fixture(scope="module")
def walkers(tmp_path_factory) -> Walkers:
    return Walkers(tmp_path_factory.mktemp("walk"))


def run(program: Path, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(program), *map(str, words)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=120, check=False)


def compare(checkout, port: Path, other: Path, *words: object):
    """`mnbench walk` on two programs, in a checkout whose build has the first."""
    place = checkout.top / "build" / "native" / "core"
    place.mkdir(parents=True, exist_ok=True)
    shutil.copy2(port, place / "walk")
    return checkout.mnbench("walk", "--preset", "native", "--subjects", f"port,{other}", *words)


@TOOLS
def test_seeds_replay(walkers):
    first = run(walkers.port, "--seeds", "0:300")
    assert first.returncode == 0 and not first.stderr
    lines = first.stdout.splitlines()
    assert [int(line.split()[0]) for line in lines] == list(range(300))
    assert len(set(line.split()[1] for line in lines)) == 300
    assert run(walkers.port, "--seeds", "0:300").stdout == first.stdout
    assert run(walkers.port, "--seeds", "250:300").stdout.splitlines() == lines[250:]
    log = run(walkers.port, "--seed", 7, "--log").stdout
    assert log.splitlines()[-1] == lines[7]
    assert run(walkers.port, "--seed", 7, "--keep", "0-59", "--log").stdout == log
    assert run(walkers.port, "--seed", 7, "--keep", "0-58").stdout != lines[7] + "\n"


@TOOLS
def test_every_kind_of_event_is_walked(walkers):
    logs = "".join(run(walkers.port, "--seed", seed, "--log").stdout for seed in range(120))
    for event in ("sleeps", "is awake", "refuses", "the subject warned", "the subject printed",
                  "in spite of its refusal", "kzalloc fails", "mm_take_all_locks fails",
                  "insert_locked", "got -75", "inserted, -75", "inserted, -22", "registered, -12",
                  "registered, -4", "registered, -22", ".finish", ".release", ".free",
                  "change_pte(", "secondary_tlbs(", "has no users", "check_retry 1",
                  "a grace period ends", "off the list"):
        assert event in logs, event
    assert "gone" not in logs and "left over" not in logs and "for ever" not in logs


@TOOLS
@pytest.mark.parametrize("words, parts", [
    ([], ["--seeds"]),
    (["--seeds", "5"], ["--seeds 5", "FIRST:END"]),
    (["--seeds", "5:5"], ["--seeds 5:5"]),
    (["--seeds", "a:b"], ["--seeds a:b"]),
    (["--seed", "-1"], ["--seed -1"]),
    (["--seed", "99999999999999999999"], ["--seed 9999"]),
    (["--seed", "1", "--steps", "0"], ["--steps 0"]),
    (["--seed", "1", "--keep", "60"], ["--keep 60"]),
    (["--seed", "1", "--keep", "2-1"], ["--keep 2-1"]),
    (["--seed", "1", "--keep", "1;2"], ["--keep 1;2"]),
    (["--seed", "1", "--features", "change-pte,nope"], ["--features", "nope", "--list-features"]),
    (["--threads", "0"], ["--threads 0"]),
    (["--threads", "2", "--seconds", "x"], ["--seconds x"]),
    (["--nope"], ["option"]),
    (["--seed", "1", "more"], ["--seed"]),
])
def test_the_program_declines(walkers, words, parts):
    done = run(walkers.port, *words)
    assert done.returncode == 2 and not done.stdout
    assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("walk: ")
    for part in parts:
        assert part in done.stderr


@TOOLS
def test_a_core_agrees_with_itself(checkout, walkers):
    done = compare(checkout, walkers.port, walkers.port, "--seeds", 1200)
    assert done.returncode == 0, done.stderr
    assert re.search(r"agree: 1200 seeds, 0 differ", done.stdout)


@TOOLS
@pytest.mark.parametrize("name", DIFFERENCES)
def test_a_difference_is_found_and_made_short(checkout, walkers, name):
    other = walkers.altered(*DIFFERENCES[name])
    done = compare(checkout, walkers.port, other, "--seeds", 3000)
    assert done.returncode == 1, done.stdout + done.stderr
    found = re.search(r"^seed (\d+): .* (\d+) of 60 steps are enough$", done.stdout, re.MULTILINE)
    assert found and int(found[2]) <= 12, done.stdout
    commands = re.findall(r"^  (\S+ --steps .* --log)$", done.stdout, re.MULTILINE)
    assert len(commands) == 2
    logs = [subprocess.run(command, shell=True, cwd=checkout.top, capture_output=True, text=True,
                           check=False) for command in commands]
    assert (logs[0].stdout, logs[0].returncode) != (logs[1].stdout, logs[1].returncode)


@TOOLS
def test_one_that_dies_differs(checkout, walkers):
    other = walkers.altered("\tinterval_sub->ops = ops;\n",
                            "\tinterval_sub->ops = ops;\n\tBUG_ON(length == 1);\n")
    done = compare(checkout, walkers.port, other, "--seeds", 3000)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "died of SIGABRT: BUG: length == 1 at " in done.stdout
    assert re.search(r"^seed \d+: .* [1-5] of 60 steps are enough$", done.stdout, re.MULTILINE)


@TOOLS
@pytest.mark.parametrize("words, parts", [
    (["--subjects", "port"], ["port: the only subject of native", "build --kernel 6.12"]),
    (["--subjects", "port,upstream-9"], ["--subjects upstream-9", "build --kernel"]),
    (["--subjects", "port,/bin/true"], ["/bin/true: not a `walk`", "mnbench build"]),
    (["--subjects", "port,/no/such"], ["/no/such", "mnbench build"]),
    (["--preset", "nope"], ["--preset nope", "native"]),
    (["--preset", "debug"], ["debug: not built", "mnbench build debug"]),
    (["--seeds", "0"], ["--seeds", "0"]),
    (["--keep", "1"], ["--keep", "--seed"]),
    (["--seed", "1", "--keep", "3-"], ["--keep 3-"]),
    (["--seed", "1", "--keep", "60"], ["--keep 60", "--steps"]),
    (["--threads", "x"], ["--threads", "x"]),
])
def test_the_command_declines(checkout, walkers, words, parts):
    done = compare(checkout, walkers.port, walkers.port, *words)
    assert done.returncode == 2, done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("mnbench: ")
    for part in parts:
        assert part in done.stderr


@TOOLS
def test_threads_by_the_command(checkout, walkers):
    done = compare(checkout, walkers.port, walkers.port, "--threads", 2, "--seconds", 1)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("all invariants hold") == 2


@TOOLS
def test_threads_find_nothing(walkers):
    done = run(walkers.port, "--threads", 4, "--seconds", 2)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all invariants hold" in done.stdout


@TOOLS
@pytest.mark.parametrize("name", INVARIANTS)
def test_an_invariant_can_fail(walkers, name):
    done = run(walkers.altered(*INVARIANTS[name]), "--threads", 6, "--seconds", 5, "--seed", 5)
    # Memory that is in use after its end may end the walk before the walk says so.
    if name == "gone: an interval" and done.returncode == -signal.SIGSEGV:
        return
    assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
    seen = f"walk: seed 5: {name}"
    # Who does not wait for an invalidation may be found out by either of the two, and a list that
    # has an interval's memory in it after its end may well go round for ever.
    also = {"mapped": "stale", "gone: an interval": "asleep"}.get(name, name)
    assert done.stdout.startswith((seen, f"walk: seed 5: {also}")), done.stdout
