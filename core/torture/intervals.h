/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An interval that counts what it hears, under a user lock as a driver has it. */
#ifndef MN_TORTURE_INTERVALS_H
#define MN_TORTURE_INTERVALS_H

#include <linux/spinlock.h>

#include "ranges.h"

struct interval {
	struct mmu_interval_notifier sub;
	spinlock_t user_lock;
	unsigned long calls;
};

static inline bool interval_count(struct mmu_interval_notifier *sub,
				  const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	struct interval *interval = container_of(sub, struct interval, sub);

	(void)range;
	spin_lock(&interval->user_lock);
	mmu_interval_set_seq(sub, cur_seq);
	interval->calls++;
	spin_unlock(&interval->user_lock);
	return true;
}

/* Over all of the PAGES; 0 or -errno. */
static inline int interval_insert(struct interval *interval, struct mm_struct *mm)
{
	static const struct mmu_interval_notifier_ops ops = {.invalidate = interval_count};

	spin_lock_init(&interval->user_lock);
	return mmu_interval_notifier_insert(&interval->sub, mm, 0, ADDR(PAGES), &ops);
}

#endif
