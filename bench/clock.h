/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clock of all figures: one that every PU reads alike. And the cheapest
 * one, for the time of a single operation: the CPU's own counter, where Linux
 * keeps its time by it too, else the same clock.
 */
#ifndef MNBENCH_CLOCK_H
#define MNBENCH_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "../platforms/arch.h"

static inline uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static inline uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* What single operations are timed by. */
struct clock_facts {
	const char *source;   /* "clock_gettime" or ARCH_COUNTER_NAME */
	bool counter;	      /* it is the latter */
	double cost_ns;	      /* of one look at it; two looks in a row are this far apart */
	double resolution_ns; /* the smallest step seen between two looks */
	double ns_per_tick;
};

/* In its own ticks; for the difference of two looks on one thread. */
static inline uint64_t clock_ticks(const struct clock_facts *clock)
{
	return clock->counter ? arch_counter() : now_ns();
}

/*
 * Whether CLOCK_MONOTONIC can time anything: 0; -errno where it cannot be
 * read; -ERANGE where it stands still, goes back, or has steps of 1 us or more.
 * `why` says so in one line, and may be NULL with a length of 0. Some 10 ms.
 */
int clock_check(char *why, size_t len);

/* The reason in a row whose repetition saw it go back or jump: -ERANGE. */
extern const char clock_stepped[];

/* What it and CLOCK_MONOTONIC_RAW, which nobody sets or slews, showed at one time. */
struct clock_pair {
	uint64_t ns, raw, apart; /* apart: how long the look at both took */
	bool both;
};

struct clock_pair clock_pair(void);

/* Whether it stepped between two pairs: by more than 1 % of the time, and than can be told. */
bool clock_has_stepped(const struct clock_pair *begin, const struct clock_pair *end);

/*
 * Finds these out, in some 25 ms, the first time; not by two threads at once.
 * The same facts ever after.
 */
const struct clock_facts *clock_survey(void);

#endif
