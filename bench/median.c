/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "median.h"

#include <math.h>
#include <stdlib.h>

#define TAIL 0.025

bool median_ranks(size_t n, size_t *low, size_t *high)
{
	/* Of the chances that exactly, and that at most, *low of N coins show heads. */
	double exactly = ldexp(1, -(int)n), at_most = exactly;

	*low = 0;
	while (at_most <= TAIL) {
		exactly *= (double)(n - *low) / (double)(*low + 1);
		at_most += exactly;
		++*low;
	}
	*high = n + 1 - *low;
	return *low > 0;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct median median_of(double *values, size_t n)
{
	struct median m = {n, NAN, NAN, NAN};
	size_t low, high;

	if (!n)
		return m;
	qsort(values, n, sizeof(*values), by_value);
	m.value = (values[(n - 1) / 2] + values[n / 2]) / 2;
	if (median_ranks(n, &low, &high)) {
		m.low = values[low - 1];
		m.high = values[high - 1];
	}
	return m;
}

double median_spread(const struct median *m)
{
	return fmax(m->high - m->value, m->value - m->low) / m->value;
}
