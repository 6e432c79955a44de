/* SPDX-License-Identifier: GPL-2.0-or-later */
/* riscv64: RVWMO; any two accesses to different places may be reordered. */
#ifndef MN_PLATFORMS_RISCV64_ARCH_H
#define MN_PLATFORMS_RISCV64_ARCH_H

#include <stdint.h>

#define ARCH_NAME	"riscv64"
#define ARCH_CACHE_LINE 64
#define ARCH_SPINLOCK	ticket

/* Zihintpause's pause, by its encoding: a fence hint wherever it is unknown. */
static inline void arch_cpu_relax(void)
{
	__asm__ __volatile__(".4byte 0x0100000f" ::: "memory");
}

static inline void arch_mb(void)
{
	__asm__ __volatile__("fence rw, rw" ::: "memory");
}

static inline void arch_rmb(void)
{
	__asm__ __volatile__("fence r, r" ::: "memory");
}

static inline void arch_wmb(void)
{
	__asm__ __volatile__("fence w, w" ::: "memory");
}

/* As on arm64: lr.aq/sc.rl lets a later load pass the store half. */
#define arch_mb_after_rmw() arch_mb()

#define ARCH_COUNTER_NAME	 "time"
#define ARCH_COUNTER_CLOCKSOURCE "riscv_clocksource"
static inline uint64_t arch_counter(void)
{
	uint64_t v;

	/* Reading a counter is device input to a fence. */
	__asm__ __volatile__("fence rw, i; rdtime %0" : "=r"(v)::"memory");
	return v;
}

#define ARCH_FENCES(X)                 \
	X(fence_rw_rw, "fence rw, rw") \
	X(fence_r_rw, "fence r, rw")   \
	X(fence_rw_w, "fence rw, w")   \
	X(fence_tso, "fence.tso")

/* By their encodings, which older assemblers do not know by name: pause, and Zawrs' waits. */
#define ARCH_RELAXES(X)               \
	X(pause, ".4byte 0x0100000f") \
	X(wrs_sto, ".4byte 0x01d00073")

#define ARCH_ATOMICS(X)                                                  \
	X(amoadd, "amoadd.d zero, %1, %0")                               \
	X(amoadd_aqrl, "amoadd.d.aqrl zero, %1, %0")                     \
	X(amoswap_aq, "amoswap.d.aq t0, %1, %0")                         \
	X(lrsc_add, "1: lr.d t0, %0; add t0, t0, %1; sc.d t1, t0, %0; bnez t1, 1b") \
	X(lrsc_cas, "1: lr.d t0, %0; sc.d t1, %1, %0; bnez t1, 1b")      \
	X(zacas_amocas, "ld t0, %0; .insn r 0x2f, 3, 0x14, t0, %2, %1")
#define ARCH_ATOMIC_OPERAND  "+A"
#define ARCH_ATOMIC_CLOBBERS "t0", "t1"

#endif
