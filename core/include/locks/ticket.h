/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ticket: first come, first served; Linux's default on riscv64. */
#ifndef MN_LOCKS_TICKET_H
#define MN_LOCKS_TICKET_H

#include <asm/barrier.h>
#include <linux/atomic.h>
#include <linux/types.h>

/* Low half: the ticket being served. High half: the next one to be drawn. */
struct ticket_spinlock {
	union {
		u32 val;
		struct {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
			u16 serving, next;
#else
			u16 next, serving;
#endif
		};
	};
};

#define TICKET_SPINLOCK_INIT                                                                       \
	{                                                                                          \
		{                                                                                  \
			0                                                                          \
		}                                                                                  \
	}
#define TICKET_NEXT (1u << 16)

static inline bool ticket_spin_trylock(struct ticket_spinlock *l)
{
	u32 old = READ_ONCE(l->val);

	return (u16)old == old >> 16 && cmpxchg_acquire(&l->val, old, old + TICKET_NEXT) == old;
}

/* The token is the ticket drawn. */
static inline bool ticket_spin_lock_fast(struct ticket_spinlock *l, unsigned long *token)
{
	u32 old = __atomic_fetch_add(&l->val, TICKET_NEXT, __ATOMIC_ACQUIRE);

	*token = old >> 16;
	return (u16)old == (u16)(old >> 16);
}

void ticket_spin_lock_slowpath(struct ticket_spinlock *l, unsigned long token);

static inline void ticket_spin_lock(struct ticket_spinlock *l)
{
	unsigned long token;

	if (unlikely(!ticket_spin_lock_fast(l, &token)))
		ticket_spin_lock_slowpath(l, token);
}

static inline void ticket_spin_unlock(struct ticket_spinlock *l)
{
	smp_store_release(&l->serving, (u16)(READ_ONCE(l->serving) + 1));
}

#endif
