/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timing an operation that changes a structure, at a given size of it: a few
 * elements go in and out again, and only one of the two ways is on the clock.
 * A pass is STEADY_OPS operations, spread over several equal structures where
 * these are small: long against the clock's own cost (some 50 ns a pass), while
 * none grows by more than 1/16.
 */
#ifndef MNBENCH_STEADY_H
#define MNBENCH_STEADY_H

#include <stddef.h>
#include <stdint.h>

#include "../platforms/kernel/plan.h"
#include "part.h"

/* Nanoseconds of N operations of FORTH, PASS of them a call; BACK undoes a call of it. */
static inline uint64_t steady_forth(uint64_t n, size_t pass, void (*forth)(void *),
				    void (*back)(void *), void *arg)
{
	uint64_t done, ns = 0, t0;

	for (done = 0; done < n; done += pass) {
		t0 = part_begin();
		forth(arg);
		ns += part_end(t0);
		back(arg);
	}
	return (uint64_t)((double)ns * (double)n / (double)done);
}

/* The same with BACK on the clock. */
static inline uint64_t steady_back(uint64_t n, size_t pass, void (*forth)(void *),
				   void (*back)(void *), void *arg)
{
	uint64_t done, ns = 0, t0;

	for (done = 0; done < n; done += pass) {
		forth(arg);
		t0 = part_begin();
		back(arg);
		ns += part_end(t0);
	}
	return (uint64_t)((double)ns * (double)n / (double)done);
}

#endif
