/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Test-and-test-and-set: waiters read until the lock looks free. */
#ifndef MN_LOCKS_TTAS_H
#define MN_LOCKS_TTAS_H

#include <asm/barrier.h>
#include <linux/types.h>

struct ttas_spinlock {
	u8 locked;
};

#define TTAS_SPINLOCK_INIT                                                                         \
	{                                                                                          \
		0                                                                                  \
	}

static inline bool ttas_spin_trylock(struct ttas_spinlock *l)
{
	return !READ_ONCE(l->locked) && !__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE);
}

static inline bool ttas_spin_lock_fast(struct ttas_spinlock *l, unsigned long *token)
{
	*token = 0;
	return ttas_spin_trylock(l);
}

void ttas_spin_lock_slowpath(struct ttas_spinlock *l, unsigned long token);

static inline void ttas_spin_lock(struct ttas_spinlock *l)
{
	unsigned long token;

	if (unlikely(!ttas_spin_lock_fast(l, &token)))
		ttas_spin_lock_slowpath(l, token);
}

static inline void ttas_spin_unlock(struct ttas_spinlock *l)
{
	smp_store_release(&l->locked, 0);
}

#endif
