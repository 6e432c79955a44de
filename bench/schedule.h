/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is measured next, and who needs no more.
 *
 * A run is made of rounds. In each, every benchmark that still needs it is measured once: a
 * repetition, whose number is the round's. Benchmarks of one group come one after the other, so
 * that what is compared was measured within a moment. The order of the groups, and of those within
 * a group, is random, but given by the seed, the round and the name alone: two programs with
 * different sets of benchmarks agree on the order of those that they share.
 *
 * A benchmark is settled when the 95 % interval of each of its medians is narrow enough.
 *
 * With a baton (baton.h) another program says when each group may be measured, and goes on with
 * rounds, up to max_repetitions, while this or the other one wants any.
 */
#ifndef MNBENCH_SCHEDULE_H
#define MNBENCH_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "median.h"

#define SCHEDULE_FIGURES 4

struct baton;

struct schedule_plan {
	uint64_t seed;
	unsigned int repetitions;     /* every benchmark gets these, 1 or more */
	unsigned int max_repetitions; /* and none more than these: 1000 at most */
	double target; /* settled: the interval is within this share of the median; 0: no test */
	double budget; /* seconds after which nobody gets more than `repetitions`; 0: none */
	struct baton *baton; /* lock-step with another program; NULL: alone */
};

struct schedule;
struct schedule_item;

/* What is done with a benchmark, as schedule_add() was given it. */
struct schedule_work {
	/* Measures repetition REP and tells of it with schedule_note(). Not 0: the run ends. */
	int (*measure)(void *benchmark, unsigned int rep);
	/* It needs no more. Not called for twins; NULL: nothing is done. */
	void (*ended)(void *benchmark);
};

/* How a run went; twins are not counted. */
struct schedule_outcome {
	unsigned int rounds;
	size_t benchmarks, settled, failed;
	bool budget_spent;
};

/* NULL: out of memory. */
struct schedule *schedule_new(const struct schedule_plan *plan);
void schedule_free(struct schedule *s);

/*
 * Adds a benchmark with 1 to SCHEDULE_FIGURES figures a repetition. NAME and GROUP are kept as
 * pointers; the name is unique. TWIN_OF: it is measured whenever that one is; NULL: for itself.
 * NULL: out of memory.
 */
struct schedule_item *schedule_add(struct schedule *s, const char *group, const char *name,
				   unsigned int figures, const struct schedule_item *twin_of,
				   void *benchmark);

/*
 * Repetition REP is done. Its figures, NAN where one may not be used; or NULL: it failed, and is
 * not measured again. Before the run: those that an earlier one has done.
 */
void schedule_note(struct schedule_item *item, unsigned int rep, const double *figures);

/* Whether this figure has not reached the target; never where there is no test. */
bool schedule_unsettled(const struct schedule_item *item, unsigned int figure);

/* Of the repetitions so far. */
struct median schedule_median(const struct schedule_item *item, unsigned int figure);

/*
 * Runs until nobody needs more. 0, what measure() returned, or -EPROTO with one line in `why`:
 * what came down the baton is no answer.
 */
int schedule_run(struct schedule *s, const struct schedule_work *work,
		 struct schedule_outcome *outcome, char *why, size_t len);

#endif
