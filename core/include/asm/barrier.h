/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Barriers between CPUs, with the kernel's meaning of each name. */
#ifndef _ASM_BARRIER_H
#define _ASM_BARRIER_H

#include <asm/platform.h>
#include <linux/compiler.h>

#define smp_mb()  arch_mb()
#define smp_rmb() arch_rmb()
#define smp_wmb() arch_wmb()

/* Makes the read-modify-write with release order just before it a full barrier. */
#define smp_mb__after_atomic() arch_mb_after_rmw()

#define smp_load_acquire(p)	arch_load_acquire(p)
#define smp_store_release(p, v) arch_store_release(p, v)

#define cpu_relax() arch_cpu_relax()

/* Spins until COND holds of VAL, the word at PTR; the last read is an acquire. */
#define smp_cond_load_acquire(ptr, cond_expr)                                                      \
	({                                                                                         \
		struct spin_wait __w = {0};                                                        \
		__typeof__(*(ptr)) VAL;                                                            \
		while (VAL = smp_load_acquire(ptr), !(cond_expr))                                  \
			spin_wait_relax(&__w);                                                     \
		VAL;                                                                               \
	})

/*
 * A spin loop in userspace may wait for a thread that has been preempted,
 * which the kernel excludes. After a bounded spin the CPU is given away, so
 * that an oversubscribed machine makes progress. The bound is far beyond any
 * critical section of the core: with a PU for every thread it is not reached.
 */
#define SPIN_WAIT_BOUND 20000

struct spin_wait {
	unsigned int spins;
};

void spin_wait_yield(struct spin_wait *w);

static inline void spin_wait_relax(struct spin_wait *w)
{
	cpu_relax();
	if (unlikely(++w->spins >= SPIN_WAIT_BOUND))
		spin_wait_yield(w);
}

#endif
