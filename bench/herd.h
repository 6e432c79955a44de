/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waking a herd: one waker, N sleepers, round after round.
 *
 *	waker                               sleeper
 *	arm(); opens the gate
 *	                                    sleep()
 *	waits until the kernel says of each
 *	that it sleeps
 *	t0; wake(); t1
 *	                                    t[i]; again(); waits at the gate
 *
 * Not in the figures: arming, falling asleep, and what follows t[i], which is
 * the same for every implementation but for again().
 */
#ifndef MNBENCH_HERD_H
#define MNBENCH_HERD_H

#include <stdbool.h>
#include <stdint.h>

#include "op.h"

struct herd_ops {
	/* The waker, before each round; may be NULL. */
	void (*arm)(void *shared);
	/* Sleeper I blocks until the wake() of ROUND, counted from 1. */
	void (*sleep)(void *shared, unsigned int i, uint32_t round);
	/* Sleeper I, once awake and its time taken; may be NULL. */
	void (*again)(void *shared, unsigned int i);
	void (*wake)(void *shared, unsigned int sleepers, uint32_t round);
	/* Its sleepers spin: they are waited for by a count, and need a PU each. */
	bool spins;
};

/* Medians over the rounds, in ns after t0, and the 90th and 99th percentile and maximum of each. */
enum herd_figure { HERD_WAKER, HERD_FIRST, HERD_MEDIAN, HERD_LAST, HERD_FIGURES };

struct herd_result {
	struct herd_stat {
		double p50, p90, p99, max;
	} figure[HERD_FIGURES];
	uint64_t rounds;
	bool misplaced;
};

/*
 * Runs rounds for WINDOW_NS, at least 5. run->slots has the waker's place,
 * then the sleepers'; run->shared is set up. 0 or -errno with run->why.
 */
int herd_measure(struct op_run *run, unsigned int sleepers, uint64_t window_ns,
		 struct herd_result *result);

#endif
