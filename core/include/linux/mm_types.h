/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of an address space that the notifiers see. */
#ifndef _MN_LINUX_MM_TYPES_H
#define _MN_LINUX_MM_TYPES_H

#include <limits.h>
#include <linux/atomic.h>
#include <linux/llist.h>
#include <linux/rwsem.h>
#include <linux/types.h>
#include <linux/wait.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE  (1UL << PAGE_SHIFT)

typedef struct {
	unsigned long pte;
} pte_t;

#define __pte(x)   ((pte_t){(x)})
#define pte_val(x) ((x).pte)

/* A mapping; the notifiers of older kernels look at its rights. */
struct vm_area_struct {
	unsigned long vm_flags;
};

struct mmu_notifier_subscriptions;

struct mm_struct {
	atomic_t mm_users; /* threads that use the address space; at 0 it is torn down */
	atomic_t mm_count; /* references to this struct; the users have one together */
	struct rw_semaphore mmap_lock;
	/* NULL until the first subscriber; set once, with release */
	struct mmu_notifier_subscriptions *notifier_subscriptions;
};

#endif
