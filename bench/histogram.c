/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "histogram.h"

#include <math.h>

#define BEYOND 10 /* samples that a percentile rests on */

/* Each a share of the samples, in thousandths. */
enum { P50 = 500, P90 = 900, P99 = 990, P999 = 999 };

/* The sample, from 1, that so many thousandths of all are not above; 0: too few are. */
static uint64_t rank_of(uint64_t n, unsigned int thousandths)
{
	if (n * (1000 - thousandths) < BEYOND * 1000)
		return 0;
	return (n * thousandths + 999) / 1000;
}

void histogram_merge(struct histogram *to, const struct histogram *from)
{
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
	to->count += from->count;
	if (from->max > to->max)
		to->max = from->max;
}

/* The middle of the bucket's values. */
static double value_of(size_t bucket)
{
	unsigned int shift;

	if (bucket < 2 * HISTOGRAM_WIDTH)
		return (double)bucket;
	shift = (unsigned int)(bucket / HISTOGRAM_WIDTH) - 1;
	return ldexp((double)(bucket - shift * HISTOGRAM_WIDTH) + 0.5, (int)shift) - 0.5;
}

static double percentile(const struct histogram *h, unsigned int thousandths)
{
	uint64_t rank = rank_of(h->count, thousandths), below = 0;
	size_t i = 0;

	if (!rank)
		return NAN;
	while ((below += h->bucket[i]) < rank)
		i++;
	return fmin(value_of(i), (double)h->max);
}

struct percentiles histogram_percentiles(const struct histogram *h, double scale)
{
	return (struct percentiles){
		.p50 = scale * percentile(h, P50),
		.p90 = scale * percentile(h, P90),
		.p99 = scale * percentile(h, P99),
		.p999 = scale * percentile(h, P999),
		.max = h->count ? scale * (double)h->max : NAN,
	};
}

static double at_rank(const double *sorted, uint64_t rank)
{
	return rank ? sorted[rank - 1] : NAN;
}

struct percentiles percentiles_of(const double *sorted, uint64_t n)
{
	return (struct percentiles){
		.p50 = at_rank(sorted, rank_of(n, P50)),
		.p90 = at_rank(sorted, rank_of(n, P90)),
		.p99 = at_rank(sorted, rank_of(n, P99)),
		.p999 = at_rank(sorted, rank_of(n, P999)),
		.max = n ? sorted[n - 1] : NAN,
	};
}
