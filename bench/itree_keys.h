/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The intervals and look-ups that all implementations of the itree family share. */
#ifndef MNBENCH_ITREE_KEYS_H
#define MNBENCH_ITREE_KEYS_H

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "../platforms/kernel/plan.h"

/* Interval I begins here; half of each stride is covered. */
#define ITREE_STRIDE 0x10000ul
#define ITREE_LENGTH (ITREE_STRIDE / 2)
#define ITREE_KEYS   4096 /* a power of two */

#define ITREE_SIZES                                                                                \
	{                                                                                          \
		"intervals", 5, {1, 100, 10000, 100000, 1000000}, 1u << 0 | 1u << 1 | 1u << 2      \
	}

static inline unsigned long itree_start(size_t i)
{
	return 0x100000000ul + i * ITREE_STRIDE;
}

/* Starts of intervals, in random order: look-ups that hit, all over the structure. */
struct itree_keys {
	unsigned long *key;
};

static inline int itree_keys_init(struct itree_keys *keys, size_t intervals)
{
	size_t *order = malloc(intervals * sizeof(*order));

	keys->key = malloc(ITREE_KEYS * sizeof(*keys->key));
	if (!order || !keys->key) {
		free(order);
		return -ENOMEM;
	}
	shuffle(order, intervals);
	for (size_t i = 0; i < ITREE_KEYS; i++)
		keys->key[i] = itree_start(order[i % intervals]);
	free(order);
	return 0;
}

static inline void itree_keys_free(struct itree_keys *keys)
{
	free(keys->key);
}

#endif
