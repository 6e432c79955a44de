/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interface's differences between versions of Linux, for whoever is built
 * against more than one: from what a version's own header offers, which the
 * build finds out (HAS_...), or the compiler here; never from its number.
 */
#ifndef MN_COMPAT_H
#define MN_COMPAT_H

#include <linux/mmu_notifier.h>

#define COMPAT_CHANGE_PTE	HAS_change_pte			   /* before 6.10 */
#define COMPAT_SECONDARY_TLBS	HAS_arch_invalidate_secondary_tlbs /* since 6.6 */
#define COMPAT_INVALIDATE_RANGE HAS_invalidate_range		   /* before 6.6 */
#define COMPAT_TWO_PASS		HAS_invalidate_start		   /* since 7.2, and the port */

/* What the aging ops and hooks return: int, or bool since 6.19. */
typedef __typeof__(__mmu_notifier_test_young(NULL, 0)) compat_young_t;

/* mmu_notifier_range_init() and _owner() without the vma that they took until 6.2. */
#if HAS_vma
#define compat_range_init(range, event, flags, ...)                                                \
	mmu_notifier_range_init(range, event, flags, NULL, __VA_ARGS__)
#define compat_range_init_owner(range, event, flags, ...)                                          \
	mmu_notifier_range_init_owner(range, event, flags, NULL, __VA_ARGS__)
#else
#define compat_range_init	mmu_notifier_range_init
#define compat_range_init_owner mmu_notifier_range_init_owner
#endif

/* The hooks that not all have: where there is none, nobody is told. In an op table, the op. */
#if COMPAT_CHANGE_PTE
#define COMPAT_CHANGE_PTE_OP(op) .change_pte = (op),
#else
#define COMPAT_CHANGE_PTE_OP(op)
static inline void mmu_notifier_change_pte(struct mm_struct *mm, unsigned long address, pte_t pte)
{
	(void)mm;
	(void)address;
	(void)pte;
}
#endif

#if COMPAT_SECONDARY_TLBS
#define COMPAT_SECONDARY_TLBS_OP(op) .arch_invalidate_secondary_tlbs = (op),
#else
#define COMPAT_SECONDARY_TLBS_OP(op)
static inline void mmu_notifier_arch_invalidate_secondary_tlbs(struct mm_struct *mm,
							       unsigned long start,
							       unsigned long end)
{
	(void)mm;
	(void)start;
	(void)end;
}
#endif

#if COMPAT_INVALIDATE_RANGE
#define COMPAT_INVALIDATE_RANGE_OP(op) .invalidate_range = (op),
#else
#define COMPAT_INVALIDATE_RANGE_OP(op)
static inline void mmu_notifier_invalidate_range(struct mm_struct *mm, unsigned long start,
						 unsigned long end)
{
	(void)mm;
	(void)start;
	(void)end;
}
#endif

#endif
