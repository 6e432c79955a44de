/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A read with ck_sequence, four between two looks at the counter. */
#include <ck_sequence.h>

#include "like_ck.h"

static struct ck_sequence sequence __attribute__((__aligned__(64)));

static inline void pair(void)
{
	ck_sequence_read_retry(&sequence, ck_sequence_read_begin(&sequence));
}

int main(void)
{
	EACH_FOUR_TIMED(pair());
	return 0;
}
