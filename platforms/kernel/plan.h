/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sizes and orders, the same for everybody, so that subjects build and walk the same trees. */
#ifndef MNBENCH_PLAN_H
#define MNBENCH_PLAN_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stddef.h>
#include <stdint.h>
#endif

/* 0 to N - 1 into ORDER, shuffled. */
static inline void shuffle(size_t *order, size_t n)
{
	uint64_t x = 88172645463325252u; /* xorshift64's state; any but 0 */

	for (size_t i = 0; i < n; i++)
		order[i] = i;
	for (size_t i = n; i > 1; i--) {
		size_t j, swap = order[i - 1];

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		j = x % i;
		order[i - 1] = order[j];
		order[j] = swap;
	}
}

#define STEADY_OPS 256

/*
 * How many may go into a structure of this size and out again while it stays of that size, within
 * 1/16: a power of two, so that it divides a pass of STEADY_OPS.
 */
static inline size_t steady_batch(size_t size)
{
	size_t batch = 1;

	while (batch < STEADY_OPS && batch * 2 <= size / 16)
		batch *= 2;
	return batch;
}

#endif
