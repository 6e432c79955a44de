/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waking a herd: one waker, N sleepers, round after round.
 *
 *	waker                               sleeper
 *	arm(); opens the gate
 *	                                    sleep()
 *	waits until the kernel says that
 *	all sleep at one moment: asleep.h
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

#include "histogram.h"
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
	/* A round that takes longer has lost a wake-up; 0: 20000. */
	unsigned int patience_ms;
};

/* In ns after t0, of each round: the waker's return from wake(), and when the sleepers ran. */
enum herd_figure { HERD_WAKER, HERD_FIRST, HERD_MEDIAN, HERD_LAST, HERD_FIGURES };

struct herd_result {
	struct herd_stat { /* over the rounds */
		double median;
		struct percentiles all;
	} figure[HERD_FIGURES];
	uint64_t rounds;
	bool misplaced;
	/* By `enum disturbance`, not DISTURB_PREEMPTED: that threads wait for a PU is timed here.
	 */
	unsigned int disturbed;
};

/*
 * Runs rounds for WINDOW_NS, at least 5, with 1 sleeper or more. run->slots
 * has the caller's place, who is the waker, then the sleepers'; run->shared is
 * set up. The caller's affinity is afterwards the one that run->topo found.
 *
 * 0 or -errno with run->why. -ENOTSUP: more that spin than there are PUs for.
 * -ETIMEDOUT: a wake-up was lost; threads are left that use *run, its slots
 * and run->shared, none of which may be freed then.
 */
int herd_measure(struct op_run *run, unsigned int sleepers, uint64_t window_ns,
		 struct herd_result *result);

#endif
