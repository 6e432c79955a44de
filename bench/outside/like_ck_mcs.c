/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Our MCS queue, which looks at the tail before it exchanges it in unlock. */
#include "like_ck.h"
#include "locks/mcs.h"

static struct mcs_node *tail __attribute__((__aligned__(64)));

static inline void pair(struct mcs_node *node)
{
	mcs_queue_lock(&tail, node);
	if (READ_ONCE(tail) == node)
		mcs_queue_unlock(&tail, node);
}

int main(void)
{
	struct mcs_node node __attribute__((__aligned__(64)));

	ALL_TIMED(pair(&node));
	return 0;
}
