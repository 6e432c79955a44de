/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The counter and the steps of Concurrency Kit's benchmarks, for ours that are made like them. */
#ifndef MNBENCH_LIKE_CK_H
#define MNBENCH_LIKE_CK_H

#include <stdint.h>
#include <stdio.h>

#include "common.h" /* of Concurrency Kit's regressions */

#define ROUNDS 2000000u

/* Prints the ticks of one of four OPs, which are between two looks at the counter. */
#define EACH_FOUR_TIMED(op)                                                                        \
	do {                                                                                       \
		uint64_t sum = 0, before;                                                          \
                                                                                                   \
		for (unsigned int i = 0; i < ROUNDS; i++) {                                        \
			before = rdtsc();                                                          \
			op;                                                                        \
			op;                                                                        \
			op;                                                                        \
			op;                                                                        \
			sum += rdtsc() - before;                                                   \
		}                                                                                  \
		printf("%.4f ticks\n", (double)sum / ROUNDS / 4);                                  \
	} while (0)

/* Likewise, with two looks in all. */
#define ALL_TIMED(op)                                                                              \
	do {                                                                                       \
		uint64_t before = rdtsc();                                                         \
                                                                                                   \
		for (unsigned int i = 0; i < ROUNDS; i++) {                                        \
			op;                                                                        \
			op;                                                                        \
			op;                                                                        \
			op;                                                                        \
		}                                                                                  \
		printf("%.4f ticks\n", (double)(rdtsc() - before) / ROUNDS / 4);                   \
	} while (0)

#endif
