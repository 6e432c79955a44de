/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Test-and-set: every waiter writes the line at every try. */
#ifndef MN_LOCKS_TAS_H
#define MN_LOCKS_TAS_H

#include <asm/barrier.h>
#include <linux/types.h>

struct tas_spinlock {
	u8 locked;
};

#define TAS_SPINLOCK_INIT                                                                          \
	{                                                                                          \
		0                                                                                  \
	}

static inline bool tas_spin_trylock(struct tas_spinlock *l)
{
	return !__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE);
}

static inline void tas_spin_lock(struct tas_spinlock *l)
{
	struct spin_wait w = {0};

	while (!tas_spin_trylock(l))
		spin_wait_relax(&w);
}

static inline void tas_spin_unlock(struct tas_spinlock *l)
{
	smp_store_release(&l->locked, 0);
}

#endif
