/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many times in bounded memory, and their percentiles: buckets of equal width
 * within a power of two, 64 of them in each, so that a percentile is off by
 * 0.8 % at most, at any size. The largest is exact.
 */
#ifndef MNBENCH_HISTOGRAM_H
#define MNBENCH_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BITS	  6
#define HISTOGRAM_WIDTH	  (1u << HISTOGRAM_BITS)
#define HISTOGRAM_BUCKETS ((64 - HISTOGRAM_BITS + 1) * HISTOGRAM_WIDTH)
/* Of what histogram_percentiles() says, but for the rounding of whole numbers. */
#define HISTOGRAM_ERROR (1.0 / (2 * HISTOGRAM_WIDTH))

/* Empty when zeroed; 30 KiB. One thread adds. */
struct histogram {
	uint64_t count, max;
	uint64_t bucket[HISTOGRAM_BUCKETS];
};

/*
 * NAN where it would rest on fewer than 10 samples beyond it: p50 wants 20 of
 * them, p90 100, p99 1,000 and p999 10,000. The largest wants one.
 */
struct percentiles {
	double p50, p90, p99, p999, max;
};

/* Below 2 * WIDTH each value has its own bucket; above, each power of two has WIDTH. */
static inline size_t histogram_index(uint64_t value)
{
	unsigned int shift;

	if (value < 2 * HISTOGRAM_WIDTH)
		return (size_t)value;
	shift = 63 - HISTOGRAM_BITS - (unsigned int)__builtin_clzll(value);
	return shift * HISTOGRAM_WIDTH + (size_t)(value >> shift);
}

static inline void histogram_add(struct histogram *h, uint64_t value)
{
	h->bucket[histogram_index(value)]++;
	h->count++;
	if (value > h->max)
		h->max = value;
}

void histogram_merge(struct histogram *to, const struct histogram *from);

/* In units of SCALE times the values that were added. */
struct percentiles histogram_percentiles(const struct histogram *h, double scale);

/* The same of N values that are at hand, ascending; exact. */
struct percentiles percentiles_of(const double *sorted, uint64_t n);

#endif
