/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The same random order for everybody, so that subjects build and walk the same trees. */
#ifndef MNBENCH_SHUFFLE_H
#define MNBENCH_SHUFFLE_H

#include <stddef.h>
#include <stdint.h>

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

#endif
