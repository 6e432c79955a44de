/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A compare and exchange of what is not there: it fails, and nothing is loaded before it. */
#include <stdbool.h>

#include "like_ck.h"

static uint64_t word __attribute__((__aligned__(64)));

static inline void fail(void)
{
	uint64_t expected = 1;

	__atomic_compare_exchange_n(&word, &expected, 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

int main(void)
{
	ALL_TIMED(fail());
	return 0;
}
