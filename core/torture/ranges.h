/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An mm's side of an invalidation, with mmap_lock held for read from start to end. */
#ifndef MN_TORTURE_RANGES_H
#define MN_TORTURE_RANGES_H

#include <compat.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/sched/mm.h>

#include "torture.h"

#define PAGES	 64
#define ADDR(pg) ((unsigned long)(pg) << PAGE_SHIFT)

struct pages {
	unsigned long first, end; /* one past the last */
};

/* Some of the PAGES, at most MOST of them. */
static inline struct pages random_pages(struct torture_thread *self, unsigned long most)
{
	unsigned long first = torture_random(self, PAGES);

	return (struct pages){first, first + 1 + torture_random(self, min(PAGES - first, most))};
}

static inline void range_start(struct mmu_notifier_range *range, struct mm_struct *mm,
			       struct pages pages)
{
	compat_range_init(range, MMU_NOTIFY_CLEAR, 0, mm, ADDR(pages.first), ADDR(pages.end));
	mmap_read_lock(mm);
	mmu_notifier_invalidate_range_start(range);
}

/* False: refused, and nothing is held. */
static inline bool range_start_nonblock(struct mmu_notifier_range *range, struct mm_struct *mm,
					struct pages pages)
{
	compat_range_init(range, MMU_NOTIFY_CLEAR, 0, mm, ADDR(pages.first), ADDR(pages.end));
	mmap_read_lock(mm);
	if (!mmu_notifier_invalidate_range_start_nonblock(range))
		return true;
	mmap_read_unlock(mm);
	return false;
}

static inline void range_end(struct mmu_notifier_range *range)
{
	mmu_notifier_invalidate_range_end(range);
	mmap_read_unlock(range->mm);
}

static inline struct mm_struct *new_mm(void)
{
	struct mm_struct *mm = mm_alloc();

	if (!mm)
		torture_fail("no-crash", "out of memory");
	return mm;
}

/* The mm's last user goes; nobody else may still have a reference. */
static inline void end_mm(struct mm_struct *mm)
{
	int count = atomic_read(&mm->mm_count);

	if (count != 1)
		torture_fail("references-kept", "%d references to an mm that has 1", count);
	mmput(mm);
}

#endif
