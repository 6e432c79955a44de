/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CPU's own counters of instructions and cycles, user and kernel mode
 * apart, over the parts (part.h) that the calling thread runs. Where there are
 * none, or they are denied, everything else works without.
 */
#ifndef MNBENCH_PERFCTR_H
#define MNBENCH_PERFCTR_H

#include <stdbool.h>
#include <stddef.h>

#include "part.h"

enum perfctr_event { USER_INSNS, USER_CYCLES, KERNEL_INSNS, KERNEL_CYCLES, PERFCTR_EVENTS };

struct perfctr_counts {
	double count[PERFCTR_EVENTS]; /* NAN: not counted */
	bool multiplexed; /* the counters were shared with others, so that all are NAN */
};

/*
 * Opens them for the calling thread. 0; -errno: there are none. STATE gets one
 * line either way: what is counted, or why nothing is, and the way out.
 */
int perfctr_open(char *state, size_t len);

/* Whether perfctr_open() has succeeded. */
bool perfctr_is_open(void);

/* For part_hooks, or to be called around what is counted, by the thread that opened them. */
extern const struct part_hooks perfctr_hooks;

/* What was counted since it was last asked, less what the hooks themselves cost. */
void perfctr_take(struct perfctr_counts *counts);

/* Nothing is counted any more. */
void perfctr_close(void);

#endif
