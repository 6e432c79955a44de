/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the emulated program and the plugin count.c say to one another.
 *
 * The program asks by a system call that no kernel has (ENOSYS where the plugin
 * is not there), the plugin answers in a file that both were given the name of:
 * one line, COUNT_ANSWER_FORMAT, written over the one before.
 */
#ifndef MNBENCH_QEMU_COUNT_H
#define MNBENCH_QEMU_COUNT_H

#define COUNT_SYSCALL 0x6d6e

/* The first argument. */
enum count_request {
	COUNT_BEGIN = 1, /* this thread's instructions count from here on */
	COUNT_END,	 /* and no more */
	COUNT_TELL, /* answer with what this thread counted since it last asked; from 0 again */
};

/* The second argument of COUNT_TELL, and the kinds in the order of enum count_kind. */
#define COUNT_ANSWER_FORMAT "mnbench-counts tag %lu: %lu %lu %lu %lu %lu\n"

/*
 * What is counted. An atomic read-modify-write is one atomic, however it is
 * written: a locked instruction, an AMO, or an exclusive load (which is a load)
 * with its exclusive store (which is the atomic). Its own accesses are neither
 * loads nor stores, so that each access is in one column. Loads and stores are
 * instructions, not accesses: one that loads a pair is one load, one that adds
 * to memory is a load and a store.
 */
enum count_kind {
	COUNT_INSNS,
	COUNT_LOADS,
	COUNT_STORES,
	COUNT_ATOMICS,
	COUNT_FENCES,
	COUNT_KINDS
};

#endif
