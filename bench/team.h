/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A team: pinned threads that do the same operation at the same time, for a
 * stretch of time. Not a count each: the slowest would do its last operations
 * alone, uncontended, and the figure would look better than what it measures.
 *
 *	gather    all are set up, and spin until the last one is
 *	warm      they run, untimed, until their rate is steady
 *	measure   each starts its own clock without a pause; the window begins
 *	          when the last one has, so it is never alone with its caches
 *	stop      each ends after the batch that it is in
 */
#ifndef MNBENCH_TEAM_H
#define MNBENCH_TEAM_H

#include <stdbool.h>
#include <stdint.h>

#include "histogram.h"
#include "op.h"

struct team_result {
	uint64_t ops;	       /* of the measured threads together */
	double real_ns_per_op; /* wall-clock time of a thread per operation of its own */
	double cpu_ns_per_op;
	double ops_per_s; /* of the measured threads together */
	double overlap;	  /* share of the time from first start to last stop when all ran */
	double fairness;  /* Jain's index of the threads' rates: 1 alike, 1/threads one has all */
	bool misplaced;	  /* a thread was found on another PU than planned */
	struct percentiles latency; /* of single operations, ns; the clock's cost is in them */
	unsigned int disturbed;	    /* by `enum disturbance` */
	uint64_t warm_ns;	    /* how long they warmed up, untimed */
	bool steady;		    /* that ended because their rate was steady, not at its cap */
};

/*
 * Times run->op with run->threads threads and the operation's background
 * threads for WINDOW_NS, and for a batch each at least. Before that they warm
 * up: until the rates of three slices of 1 ms are within 5 % one after the
 * other, or a fifth of the window (2 ms at least) is over. Between batches a
 * thread times one operation alone, where that says anything (see enum
 * op_flags): so seldom that it takes less than 1 % of the time, by the clock's
 * cost and by the operation's in the warm-up.
 *
 * run->shared is set up, run->slots has a place for each. 0 or -errno with
 * run->why. The caller's own affinity is not touched.
 */
int team_measure(struct op_run *run, uint64_t window_ns, struct team_result *result);

#endif
