/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The median of a sample and how far it may be off, without any assumption of a distribution. */
#ifndef MNBENCH_MEDIAN_H
#define MNBENCH_MEDIAN_H

#include <stdbool.h>
#include <stddef.h>

/* Fewer values have no interval: even from the least to the greatest is not 95 %. */
#define MEDIAN_LEAST 6

/*
 * The ranks, from 1, of the two values of N in order between which the true median lies in 95 of
 * 100 cases or more: the tails of the binomial distribution of N fair coins are below 2.5 % each.
 * False: N is below MEDIAN_LEAST. Exact up to N = 1000.
 */
bool median_ranks(size_t n, size_t *low, size_t *high);

struct median {
	size_t n;
	double value;	  /* NAN without a value */
	double low, high; /* its 95 % interval; NAN: none */
};

/* Of N values, which it puts in order. */
struct median median_of(double *values, size_t n);

/* Half the width of the interval, as a share of the median: the farther end counts. NAN: none. */
double median_spread(const struct median *m);

#endif
