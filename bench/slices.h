/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operations of a repetition in equal slices, each timed on its own: the
 * repetition's figure is their median. What comes from outside (an interrupt,
 * a neighbour on the core's other thread, a hypervisor's pause) lengthens a few
 * slices and the mean of all, not the median. What the operation itself does
 * now and then is in every slice: one is a multiple of what it repeats after.
 */
#ifndef MNBENCH_SLICES_H
#define MNBENCH_SLICES_H

#include <stdint.h>

#include "median.h"

#define SLICES_MOST 64

struct slices {
	uint64_t ops, step; /* in all; in a slice, but the last */
	uint64_t done;
	double total_ns, ns[SLICES_MOST]; /* of all operations; of one, by slice */
	unsigned int count;
};

/* For OPS operations that repeat themselves after PASS, both 1 or more. */
static inline struct slices slices_begin(uint64_t ops, uint64_t pass)
{
	uint64_t passes = ops / pass, step = (passes + SLICES_MOST - 1) / SLICES_MOST * pass;

	return (struct slices){.ops = ops, .step = step ? step : ops};
}

/* How many operations to time next; 0: all are done. What is left over goes with the last slice. */
static inline uint64_t slices_next(const struct slices *s)
{
	uint64_t left = s->ops - s->done;

	return left < 2 * s->step ? left : s->step;
}

/* Those took NS in all. */
static inline void slices_add(struct slices *s, uint64_t ns)
{
	uint64_t ops = slices_next(s);

	s->ns[s->count++] = (double)ns / (double)ops;
	s->total_ns += (double)ns;
	s->done += ops;
}

/* Nanoseconds of one operation. */
static inline double slices_median(struct slices *s)
{
	return median_of(s->ns, s->count).value;
}

#endif
