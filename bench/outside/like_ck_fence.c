/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A full fence between a store to one line and a load from another. */
#include "like_ck.h"

static volatile int stored __attribute__((__aligned__(64)));
static volatile int loaded __attribute__((__aligned__(64)));

static inline void fence(void)
{
	stored = 0;
	__asm__ __volatile__("mfence" ::: "memory");
	(void)loaded;
}

int main(void)
{
	ALL_TIMED(fence());
	return 0;
}
