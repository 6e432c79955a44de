/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's rule: an operation without result has no order, one with a
 * result is a full barrier unless its name ends in _relaxed, _acquire or
 * _release.
 */
#ifndef _MN_LINUX_ATOMIC_H
#define _MN_LINUX_ATOMIC_H

#include <asm/barrier.h>
#include <linux/compiler.h>
#include <linux/types.h>

#define ATOMIC_INIT(i)                                                                             \
	{                                                                                          \
		(i)                                                                                \
	}
#define ATOMIC64_INIT(i)                                                                           \
	{                                                                                          \
		(i)                                                                                \
	}

#define xchg(ptr, v)                                                                               \
	({                                                                                         \
		__auto_type __xchg = __atomic_exchange_n((ptr), (v), __ATOMIC_SEQ_CST);            \
		smp_mb__after_atomic();                                                            \
		__xchg;                                                                            \
	})

#define __cmpxchg_order(ptr, old, new, order)                                                      \
	({                                                                                         \
		__typeof__(*(ptr)) __cx_old = (old);                                               \
		__atomic_compare_exchange_n((ptr), &__cx_old, (new), false, (order),               \
					    __ATOMIC_RELAXED);                                     \
		__cx_old;                                                                          \
	})
#define cmpxchg_relaxed(ptr, old, new) __cmpxchg_order(ptr, old, new, __ATOMIC_RELAXED)
#define cmpxchg_acquire(ptr, old, new) __cmpxchg_order(ptr, old, new, __ATOMIC_ACQUIRE)
#define cmpxchg_release(ptr, old, new) __cmpxchg_order(ptr, old, new, __ATOMIC_RELEASE)
#define cmpxchg(ptr, old, new)                                                                     \
	({                                                                                         \
		__auto_type __cx = __cmpxchg_order(ptr, old, new, __ATOMIC_SEQ_CST);               \
		smp_mb__after_atomic();                                                            \
		__cx;                                                                              \
	})

static inline int atomic_read(const atomic_t *v)
{
	return READ_ONCE(v->counter);
}

static inline void atomic_set(atomic_t *v, int i)
{
	WRITE_ONCE(v->counter, i);
}

static inline void atomic_inc(atomic_t *v)
{
	__atomic_fetch_add(&v->counter, 1, __ATOMIC_RELAXED);
}

static inline void atomic_dec(atomic_t *v)
{
	__atomic_fetch_sub(&v->counter, 1, __ATOMIC_RELAXED);
}

static inline int atomic_add_return(int i, atomic_t *v)
{
	int ret = __atomic_add_fetch(&v->counter, i, __ATOMIC_SEQ_CST);

	smp_mb__after_atomic();
	return ret;
}

static inline bool atomic_dec_and_test(atomic_t *v)
{
	return atomic_add_return(-1, v) == 0;
}

/* True and one more, unless it was zero; fully ordered when true. */
static inline bool atomic_inc_not_zero(atomic_t *v)
{
	int old = atomic_read(v);

	do {
		if (!old)
			return false;
	} while (!__atomic_compare_exchange_n(&v->counter, &old, old + 1, true, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	smp_mb__after_atomic();
	return true;
}

#endif
