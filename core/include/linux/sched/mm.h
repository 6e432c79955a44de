/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two reference counts of an mm. */
#ifndef _MN_LINUX_SCHED_MM_H
#define _MN_LINUX_SCHED_MM_H

#include <linux/atomic.h>
#include <linux/mm_types.h>

/** mm_alloc - a new mm with mm_users = mm_count = 1, or NULL; end it with mmput() */
struct mm_struct *mm_alloc(void);

/** mmput - drops a user; the last one runs mmu_notifier_release(), then mmdrop(); may sleep */
void mmput(struct mm_struct *mm);

/** mmdrop - drops a reference; the last one destroys the subscriptions and frees the mm */
void mmdrop(struct mm_struct *mm);

/** mmget - one more user; the caller is one already */
static inline void mmget(struct mm_struct *mm)
{
	atomic_inc(&mm->mm_users);
}

/** mmget_not_zero - one more user, unless the last has gone; the caller has a reference */
static inline bool mmget_not_zero(struct mm_struct *mm)
{
	return atomic_inc_not_zero(&mm->mm_users);
}

/** mmgrab - one more reference; the caller has one already */
static inline void mmgrab(struct mm_struct *mm)
{
	atomic_inc(&mm->mm_count);
}

#endif
