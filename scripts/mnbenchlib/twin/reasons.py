# SPDX-License-Identifier: GPL-2.0-or-later
"""Why the port and the kernel execute something else, by operation; platforms/kernel/README.md has
it instruction by instruction."""

from __future__ import annotations

_LOCK = ("the kernel's is a function, with the tracer's nops, preempt_count (x86_64) and a count "
         "of device writes (riscv64); the port's is inline")
_FRAME = ("stack protector (a wait queue entry lies on the stack), the tracer's nops, return "
          "address signing on arm64; and the lock, see lock_pair")
_SRCU = ("each half is a function with the tracer's nops and finds its CPU's counters anew; on "
         "riscv64 with interrupts off around the add")

_ARM64_LOCK = ("the kernel's lock is inline, patched to the CPU's own atomics; a static program's "
               "is a function that looks what the CPU has")
_REASONS = {
    "lock_pair": _LOCK,
    "read_begin_retry": _FRAME,
    "insert": "the lock, see lock_pair; the tree walk is the same",
    "fill": "as insert",
    "fill_locked": "as insert",
    "remove": "as read_begin_retry, and might_sleep(); the tree's erase is the same",
    "drain": "as remove",
    "read_pair": _SRCU,
    "read_nested": "as read_pair",
    "get_put_again": "mmap_lock's fast path, in which the kernel has tracepoints and the owner; "
                     "and the lock",
    "wake_all_waker": "with nobody asleep the port looks at one word, the kernel takes the queue's "
                      "lock; else a system call wakes all, with the kernel's futex hash in between",
    "wake_all_first": "the way out of the futex system call",
    "wake_all_median": "the way out of the futex system call",
    "wake_all_last": "the way out of the futex system call",
}


_ON = {("lock_pair", "arm64"): _ARM64_LOCK}


def why(op: str, arch: str) -> str:
    """One line, "" where there is none."""
    return _ON.get((op, arch)) or _REASONS.get(op, "")
