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

static inline bool tas_spin_lock_fast(struct tas_spinlock *l, unsigned long *token)
{
	*token = 0;
	return tas_spin_trylock(l);
}

void tas_spin_lock_slowpath(struct tas_spinlock *l, unsigned long token);

static inline void tas_spin_lock(struct tas_spinlock *l)
{
	unsigned long token;

	if (unlikely(!tas_spin_lock_fast(l, &token)))
		tas_spin_lock_slowpath(l, token);
}

static inline void tas_spin_unlock(struct tas_spinlock *l)
{
	smp_store_release(&l->locked, 0);
}

#endif
