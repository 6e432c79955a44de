/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of an operation that is measured, where not all of it is: between
 * part_begin() and part_end(). What else wants to know of it than the clock
 * (counts.h, perfctr.h) hangs itself in.
 */
#ifndef MNBENCH_PART_H
#define MNBENCH_PART_H

#include <stdint.h>

#include "clock.h"

struct part_hooks {
	void (*begin)(void);
	void (*end)(void);
};

/* NULL: the clock alone. With hooks it is not to be trusted: they are within its time. */
extern const struct part_hooks *part_hooks;

/* Nothing stands between the hooks and the part but what calls them. */
static inline uint64_t part_begin(void)
{
	uint64_t begin = now_ns();

	if (__builtin_expect(!!part_hooks, 0))
		part_hooks->begin();
	return begin;
}

/* Nanoseconds since part_begin(), which returned BEGIN. */
static inline uint64_t part_end(uint64_t begin)
{
	if (__builtin_expect(!!part_hooks, 0))
		part_hooks->end();
	return now_ns() - begin;
}

#endif
