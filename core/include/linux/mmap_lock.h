/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _MN_LINUX_MMAP_LOCK_H
#define _MN_LINUX_MMAP_LOCK_H

#include <linux/mm_types.h>

static inline void mmap_write_lock(struct mm_struct *mm)
{
	down_write(&mm->mmap_lock);
}

static inline void mmap_write_unlock(struct mm_struct *mm)
{
	up_write(&mm->mmap_lock);
}

static inline void mmap_read_lock(struct mm_struct *mm)
{
	down_read(&mm->mmap_lock);
}

static inline void mmap_read_unlock(struct mm_struct *mm)
{
	up_read(&mm->mmap_lock);
}

static inline void mmap_assert_locked(const struct mm_struct *mm)
{
	rwsem_assert_held((struct rw_semaphore *)&mm->mmap_lock);
}

static inline void mmap_assert_write_locked(const struct mm_struct *mm)
{
	rwsem_assert_held_write((struct rw_semaphore *)&mm->mmap_lock);
}

#endif
