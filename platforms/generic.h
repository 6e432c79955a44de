/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every port gets for nothing, and what it may leave out. */
#ifndef MN_PLATFORMS_GENERIC_H
#define MN_PLATFORMS_GENERIC_H

/* A counter read costs a system register or a load; the clock is the fallback. */
#ifndef ARCH_COUNTER_NAME
#error "a port provides arch_counter() and ARCH_COUNTER_NAME"
#endif

/* Two lines: the neighbour's prefetcher must not touch what a thread owns. */
#define ARCH_ALIGN_OWN_LINE (2 * ARCH_CACHE_LINE)

/*
 * Acquire and release through the compiler: it knows ldar/stlr, plain moves
 * and fence placement as well as we do, on every supported version.
 */
#define arch_load_acquire(p)	 __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define arch_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)

/* Adds 1 to a u64 that only the calling thread writes; others may read it, whole. */
#ifndef arch_inc_own
#define arch_inc_own(p) (*(volatile __typeof__(*(p)) *)(p) += 1)
#endif

#endif
