/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When an operation is warm: batches of it are timed until three in a row were no faster than the
 * fastest before them. So what warms up (caches, branches, the pages of its memory, the CPU's own
 * clock) says itself how long that takes; an operation that goes on getting faster is cut off.
 */
#ifndef MNBENCH_WARMUP_H
#define MNBENCH_WARMUP_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

#define WARMUP_BATCH_NS	 100000	 /* far above the clock's own cost */
#define WARMUP_NO_FASTER 3	 /* batches in a row */
#define WARMUP_MOST_NS	 5000000 /* that it may take, but for the batch that is on */

struct warmup {
	uint64_t batch; /* operations to be timed next */
	uint64_t fastest, begun;
	unsigned int no_faster;
};

static inline struct warmup warmup_begin(void)
{
	return (struct warmup){.batch = 1, .fastest = UINT64_MAX, .begun = now_ns()};
}

/* The batch took so long. False: it is warm, or may not take longer. */
static inline bool warmup_goes_on(struct warmup *w, uint64_t ns)
{
	/* Far faster than the fastest: that one was long for a pause in it. */
	if (ns < WARMUP_BATCH_NS && ns < w->fastest / 8) {
		w->batch *= 2;
		w->fastest = UINT64_MAX;
	} else if (ns < w->fastest) {
		w->fastest = ns;
		w->no_faster = 0;
	} else {
		w->no_faster++;
	}
	return w->no_faster < WARMUP_NO_FASTER && now_ns() - w->begun < WARMUP_MOST_NS;
}

/* What an operation takes when it is warm; INFINITY: it was cut off before it could tell. */
static inline double warmup_ns(const struct warmup *w)
{
	return w->fastest == UINT64_MAX ? INFINITY : (double)w->fastest / (double)w->batch;
}

#endif
