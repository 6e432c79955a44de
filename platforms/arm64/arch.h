/* SPDX-License-Identifier: GPL-2.0-or-later */
/* arm64: weakly ordered, multi-copy atomic. */
#ifndef MN_PLATFORMS_ARM64_ARCH_H
#define MN_PLATFORMS_ARM64_ARCH_H

#include <stdint.h>

#define ARCH_NAME	"arm64"
/* Neighbouring lines are fetched in pairs on many cores: keep 128 apart. */
#define ARCH_CACHE_LINE 128
#define ARCH_SPINLOCK	queued

static inline void arch_cpu_relax(void)
{
	__asm__ __volatile__("yield" ::: "memory");
}

static inline void arch_mb(void)
{
	__asm__ __volatile__("dmb ish" ::: "memory");
}

static inline void arch_rmb(void)
{
	__asm__ __volatile__("dmb ishld" ::: "memory");
}

static inline void arch_wmb(void)
{
	__asm__ __volatile__("dmb ishst" ::: "memory");
}

/*
 * An exclusive pair with acquire and release lets a later load pass the
 * store half, so a fully ordered operation needs the barrier after it.
 */
#define arch_mb_after_rmw() arch_mb()

#define ARCH_COUNTER_NAME	 "cntvct_el0"
#define ARCH_COUNTER_CLOCKSOURCE "arch_sys_counter"
static inline uint64_t arch_counter(void)
{
	uint64_t v;

	/* Without isb the counter is read ahead of what is being timed. */
	__asm__ __volatile__("isb; mrs %0, cntvct_el0" : "=r"(v)::"memory");
	return v;
}

#define ARCH_FENCES(X)             \
	X(dmb_ish, "dmb ish")      \
	X(dmb_ishld, "dmb ishld")  \
	X(dmb_ishst, "dmb ishst")  \
	X(dsb_ish, "dsb ish")      \
	X(isb, "isb")

/* sevl first, so that wfe has an event to find and does not wait. */
#define ARCH_RELAXES(X)          \
	X(yield, "yield")        \
	X(isb, "isb")            \
	X(sevl_wfe, "sevl; wfe")

#define ARCH_ATOMICS(X)                                                          \
	X(llsc_add, "1: ldxr x9, %0; add x9, x9, %1; stxr w10, x9, %0; cbnz w10, 1b") \
	X(llsc_add_acq_rel, "1: ldaxr x9, %0; add x9, x9, %1; stlxr w10, x9, %0; cbnz w10, 1b") \
	X(lse_stadd, ".arch_extension lse; stadd %1, %0")                        \
	X(lse_ldadd, ".arch_extension lse; ldadd %1, x9, %0")                    \
	X(lse_ldadd_acq_rel, ".arch_extension lse; ldaddal %1, x9, %0")          \
	X(lse_swp_acq, ".arch_extension lse; swpa %1, x9, %0")                   \
	X(lse_cas, ".arch_extension lse; ldr x9, %0; cas x9, %1, %0")            \
	X(llsc_cas, "1: ldxr x9, %0; stxr w10, %1, %0; cbnz w10, 1b")
#define ARCH_ATOMIC_OPERAND  "+Q"
#define ARCH_ATOMIC_CLOBBERS "x9", "x10", "cc"

#endif
