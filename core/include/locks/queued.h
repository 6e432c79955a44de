/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Queued: an MCS queue whose tail fits into the 32-bit lock word, with one
 * waiter (the pending bit) who needs no node. Linux's default on x86_64 and
 * arm64.
 *
 *	bits  0-7   locked
 *	bit   8     pending
 *	bits 16-31  tail: 3 bits of node index, 13 bits of CPU, all plus one
 */
#ifndef MN_LOCKS_QUEUED_H
#define MN_LOCKS_QUEUED_H

#include <asm/barrier.h>
#include <linux/atomic.h>
#include <linux/types.h>

struct queued_spinlock {
	union {
		u32 val;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		struct {
			u8 locked, pending;
			u16 tail;
		};
		struct {
			u16 locked_pending, tail_;
		};
#else
#error "queued: lay the halves out for this byte order"
#endif
	};
};

#define QUEUED_SPINLOCK_INIT                                                                       \
	{                                                                                          \
		{                                                                                  \
			0                                                                          \
		}                                                                                  \
	}
#define QUEUED_LOCKED	   1u
#define QUEUED_LOCKED_MASK 0xffu
#define QUEUED_PENDING	   0x100u
#define QUEUED_TAIL_SHIFT  16
#define QUEUED_TAIL_MASK   0xffff0000u

static inline bool queued_spin_trylock(struct queued_spinlock *l)
{
	return !READ_ONCE(l->val) && cmpxchg_acquire(&l->val, 0, QUEUED_LOCKED) == 0;
}

/* The token is the word as it was found. */
static inline bool queued_spin_lock_fast(struct queued_spinlock *l, unsigned long *token)
{
	u32 val = cmpxchg_acquire(&l->val, 0, QUEUED_LOCKED);

	*token = val;
	return !val;
}

void queued_spin_lock_slowpath(struct queued_spinlock *l, unsigned long token);

static inline void queued_spin_lock(struct queued_spinlock *l)
{
	unsigned long token;

	if (unlikely(!queued_spin_lock_fast(l, &token)))
		queued_spin_lock_slowpath(l, token);
}

static inline void queued_spin_unlock(struct queued_spinlock *l)
{
	smp_store_release(&l->locked, 0);
}

#endif
