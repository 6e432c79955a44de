/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints how often the counter that Concurrency Kit's benchmarks read ticks in
 * a nanosecond: their own function for it, against the clock.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "common.h" /* of Concurrency Kit's regressions */

#define LENGTH_NS 200000000u

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int main(void)
{
	uint64_t t0 = now_ns(), c0 = rdtsc(), t1, c1;

	do {
		t1 = now_ns();
		c1 = rdtsc();
	} while (t1 - t0 < LENGTH_NS);
	printf("%.6f ticks/ns\n", (double)(c1 - c0) / (double)(t1 - t0));
	return 0;
}
