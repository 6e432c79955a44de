/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clock of glibc's benchmarks, whose own header needs the whole of glibc's tree. */
#include <stdint.h>
#include <time.h>

typedef uint64_t hp_timing_t;

static inline hp_timing_t mnbench_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (hp_timing_t)now.tv_sec * 1000000000u + (hp_timing_t)now.tv_nsec;
}

#define HP_TIMING_NOW(var)	       ((var) = mnbench_now())
#define HP_TIMING_DIFF(diff, from, to) ((diff) = (to) - (from))
