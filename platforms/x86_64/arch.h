/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x86_64: total store order; only a later load may overtake an earlier store. */
#ifndef MN_PLATFORMS_X86_64_ARCH_H
#define MN_PLATFORMS_X86_64_ARCH_H

#include <stdint.h>

#define ARCH_NAME	"x86_64"
#define ARCH_CACHE_LINE 64
#define ARCH_SPINLOCK	queued

static inline void arch_cpu_relax(void)
{
	__asm__ __volatile__("pause" ::: "memory");
}

/* A locked add below the stack pointer's red zone: an eighth of mfence's cost. */
static inline void arch_mb(void)
{
	__asm__ __volatile__("lock addl $0, -132(%%rsp)" ::: "memory", "cc");
}

static inline void arch_rmb(void)
{
	__asm__ __volatile__("" ::: "memory");
}

static inline void arch_wmb(void)
{
	__asm__ __volatile__("" ::: "memory");
}

/* Every locked instruction is a full barrier already. */
#define arch_mb_after_rmw() arch_rmb()

/*
 * One instruction on memory: between a load, an add and a store the CPU often
 * forwards the store of the round before five cycles late.
 */
#define arch_inc_own(p) __asm__ __volatile__("incq %0" : "+m"(*(p)) : : "cc")

#define ARCH_COUNTER_NAME	 "tsc"
#define ARCH_COUNTER_CLOCKSOURCE "tsc"
static inline uint64_t arch_counter(void)
{
	uint32_t lo, hi;

	/* Without lfence the counter is read ahead of what is being timed. */
	__asm__ __volatile__("lfence; rdtsc" : "=a"(lo), "=d"(hi)::"memory");
	return (uint64_t)hi << 32 | lo;
}

/* X(name, instruction): the fences that the probe family times one by one. */
#define ARCH_FENCES(X)                                    \
	X(lock_add, "lock addl $0, -132(%%rsp)")          \
	X(lock_or, "lock orl $0, -132(%%rsp)")            \
	X(mfence, "mfence")                               \
	X(lfence, "lfence")                               \
	X(sfence, "sfence")

/* X(name, instruction): what a spin loop may hold. */
#define ARCH_RELAXES(X) X(pause, "pause")

/* X(name, instructions): %0 is a u64 in memory, %1 a register that holds 1. */
#define ARCH_ATOMICS(X)                                   \
	X(lock_add, "lock addq %1, %0")                   \
	X(lock_xadd, "mov %1, %%rax; lock xaddq %%rax, %0") \
	X(xchg, "mov %1, %%rax; xchgq %%rax, %0")         \
	X(lock_cmpxchg, "mov %0, %%rax; lock cmpxchgq %1, %0")
#define ARCH_ATOMIC_OPERAND  "+m"
#define ARCH_ATOMIC_CLOBBERS "rax", "cc"

#endif
