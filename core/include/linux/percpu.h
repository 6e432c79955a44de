/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Per-CPU data where a CPU is a thread.
 *
 * The kernel may count on the CPU it runs on because it can switch preemption
 * off; userspace cannot, and pays an atomic or a restartable sequence for a
 * place that belongs to a real CPU. Here each thread is given, at its first
 * access, the number of a CPU that nobody else has, and gives it back when it
 * exits; the next thread finds the counts as they were left. So the fast path
 * is what the kernel's is: a plain increment in a line of its own, reached
 * over one offset. A signal handler is not a context of its own: it may not
 * use what the interrupted thread uses.
 */
#ifndef _MN_LINUX_PERCPU_H
#define _MN_LINUX_PERCPU_H

#include <asm/platform.h>
#include <linux/compiler.h>
#include <linux/types.h>

#define NR_CPUS	       8128 /* in 64s; a queued lock's tail needs less than 8192 */
#define PCPU_UNIT_SIZE 4096
/* Chunks of units are aligned to this, so these bits of a copy's address are its CPU's offset. */
#define PCPU_CHUNK_SIZE	 (8192ul * PCPU_UNIT_SIZE)
#define PCPU_OFFSET_MASK (PCPU_CHUNK_SIZE - PCPU_UNIT_SIZE)

/* From a per-CPU pointer to this thread's copy, in bytes: a unit a CPU, and one; 0: no CPU yet. */
extern __thread unsigned long __pcpu_offset;

unsigned long pcpu_assign(void);

/**
 * nr_cpu_ids - one more than the highest CPU number ever given out
 * A loop over all CPUs may stop there. Read it after the barrier that orders
 * the loop against the CPU's own first access (see for_each_possible_cpu).
 */
unsigned int pcpu_nr_ids(void);
#define nr_cpu_ids pcpu_nr_ids()

/**
 * alloc_percpu_size - zeroed memory for every CPU, each copy on lines of its own
 * @size: bytes, 1 to PCPU_UNIT_SIZE
 *
 * Returns what per_cpu_ptr() and this_cpu_ptr() make a copy's address of and is
 * none itself, or NULL when out of memory. May sleep.
 */
void *alloc_percpu_size(size_t size);
#define alloc_percpu(type) ((type *)alloc_percpu_size(sizeof(type)))

/** free_percpu - gives it back; NULL is allowed; size as it was allocated with */
void free_percpu_size(void *ptr, size_t size);
#define free_percpu(ptr) free_percpu_size((ptr), sizeof(*(ptr)))

static __always_inline unsigned long __my_cpu_offset(void)
{
	unsigned long off = __pcpu_offset;

	if (unlikely(!off))
		off = pcpu_assign();
	return off;
}

#define smp_processor_id()     ((unsigned int)(__my_cpu_offset() / PCPU_UNIT_SIZE) - 1)
#define raw_smp_processor_id() smp_processor_id()

#define per_cpu_ptr(ptr, cpu)                                                                      \
	((__typeof__(ptr))((char *)(ptr) + ((unsigned long)(cpu) + 1) * PCPU_UNIT_SIZE))
#define this_cpu_ptr(ptr) ((__typeof__(ptr))((char *)(ptr) + __my_cpu_offset()))

/* The same in a thread that has done something already that takes a CPU; else PTR, which is none.
 */
#define this_cpu_ptr_again(ptr) ((__typeof__(ptr))((char *)(ptr) + __pcpu_offset))

/* Does this address lie in the calling thread's copies? Without a CPU none does. */
static __always_inline bool pcpu_is_mine(const void *copy)
{
	return !(((unsigned long)copy ^ __pcpu_offset) & PCPU_OFFSET_MASK);
}

/* Only this thread writes the copy, so the increment need not be atomic, just whole. */
static __always_inline void pcpu_inc_mine(unsigned long *mine)
{
#ifdef CONFIG_TSAN
	WRITE_ONCE(*mine, *mine + 1); /* the sanitizer does not see into the platform's */
#else
	arch_inc_own(mine);
#endif
}
#define this_cpu_inc(pcp) pcpu_inc_mine(this_cpu_ptr(&(pcp)))

#define for_each_possible_cpu(cpu) for ((cpu) = 0; (cpu) < nr_cpu_ids; (cpu)++)

#endif
