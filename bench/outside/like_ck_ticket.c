/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Our ticket lock, whose unlock is a locked increment here. */
#include "like_ck.h"
#include "locks/ticket.h"

static struct ticket_spinlock lock __attribute__((__aligned__(64)));

static inline void pair(void)
{
	ticket_spin_lock(&lock);
	__atomic_fetch_add(&lock.serving, 1, __ATOMIC_RELEASE);
}

int main(void)
{
	ALL_TIMED(pair());
	return 0;
}
