/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spinlock_t is the kernel's default kind of the architecture, or the kind
 * that MNCORE_SPINLOCK names (tas, ttas, ticket, mcs, queued, pthread_spin,
 * pthread_mutex). All kinds exist side by side under their own names, as
 * baselines: KIND_spin_lock() and so on in locks/.
 */
#ifndef _MN_LINUX_SPINLOCK_H
#define _MN_LINUX_SPINLOCK_H

#include <linux/lockdep.h>
#include <linux/types.h>
#include <locks/mcs.h>
#include <locks/pthread.h>
#include <locks/queued.h>
#include <locks/tas.h>
#include <locks/ticket.h>
#include <locks/ttas.h>

#ifndef MNCORE_SPINLOCK
#define MNCORE_SPINLOCK ARCH_SPINLOCK
#endif

#define __spin_paste(a, b) a##b
#define __spin_name(a, b)  __spin_paste(a, b)
#define __raw_spin(op)	   __spin_name(MNCORE_SPINLOCK, _spin_##op)

#define tas_SPINLOCK_INIT	    TAS_SPINLOCK_INIT
#define ttas_SPINLOCK_INIT	    TTAS_SPINLOCK_INIT
#define ticket_SPINLOCK_INIT	    TICKET_SPINLOCK_INIT
#define mcs_SPINLOCK_INIT	    MCS_SPINLOCK_INIT
#define queued_SPINLOCK_INIT	    QUEUED_SPINLOCK_INIT
#define pthread_spin_SPINLOCK_INIT  PTHREAD_SPIN_SPINLOCK_INIT
#define pthread_mutex_SPINLOCK_INIT PTHREAD_MUTEX_SPINLOCK_INIT

typedef struct spinlock {
	struct __spin_name(MNCORE_SPINLOCK, _spinlock) raw;
	struct lockdep_map dep_map;
} spinlock_t;

#define __SPIN_LOCK_UNLOCKED(name)                                                                 \
	{                                                                                          \
		.raw = __spin_name(MNCORE_SPINLOCK, _SPINLOCK_INIT)                                \
	}
#define DEFINE_SPINLOCK(name) spinlock_t name = __SPIN_LOCK_UNLOCKED(name)

static inline void spin_lock_init(spinlock_t *lock)
{
	*lock = (spinlock_t)__SPIN_LOCK_UNLOCKED(lock);
}

/* The kinds that are taken in one piece, behind the interface of those that are not. */
#define __SPIN_LOCK_WHOLE(kind)                                                                    \
	static inline bool kind##_spin_lock_fast(struct kind##_spinlock *l, unsigned long *token)  \
	{                                                                                          \
		*token = 0;                                                                        \
		kind##_spin_lock(l);                                                               \
		return true;                                                                       \
	}                                                                                          \
	static inline void kind##_spin_lock_slowpath(struct kind##_spinlock *l,                    \
						     unsigned long token)                          \
	{                                                                                          \
		(void)l;                                                                           \
		(void)token;                                                                       \
	}
__SPIN_LOCK_WHOLE(pthread_spin)
__SPIN_LOCK_WHOLE(pthread_mutex)

/* Not recursive. The caller may not sleep until it has unlocked. */
static __always_inline void spin_lock(spinlock_t *lock)
{
	__raw_spin(lock)(&lock->raw);
	lockdep_acquire(&lock->dep_map);
}

/*
 * The same in two halves, for a function that is to stay a leaf where nobody
 * contends: false, with a token, means that spin_lock_wait() must follow. A
 * call to wait in the middle would make it save registers, and those stores
 * have to drain before the lock's atomic: half as much again for some kinds.
 */
static __always_inline bool spin_lock_fast(spinlock_t *lock, unsigned long *token)
{
	if (unlikely(!__raw_spin(lock_fast)(&lock->raw, token)))
		return false;
	lockdep_acquire(&lock->dep_map);
	return true;
}

static __always_inline void spin_lock_wait(spinlock_t *lock, unsigned long token)
{
	__raw_spin(lock_slowpath)(&lock->raw, token);
	lockdep_acquire(&lock->dep_map);
}

static __always_inline int spin_trylock(spinlock_t *lock)
{
	if (!__raw_spin(trylock)(&lock->raw))
		return 0;
	lockdep_acquire(&lock->dep_map);
	return 1;
}

static __always_inline void spin_unlock(spinlock_t *lock)
{
	lockdep_release(&lock->dep_map);
	__raw_spin(unlock)(&lock->raw);
}

#endif
