/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _MN_LINUX_MM_H
#define _MN_LINUX_MM_H

#include <linux/mm_types.h>
#include <linux/mmap_lock.h>

#define VM_READ 0x1UL /* in vm_flags: it may be read */

/**
 * mm_take_all_locks - excludes every invalidation of the mm
 *
 * The caller holds mmap_lock for write. In the kernel this takes the locks
 * of every mapping, since page-table changes may start from those; here
 * whoever calls the range hooks holds mmap_lock for read, so the caller's
 * write lock excludes them and nothing is left to take. 0, or -errno from a
 * test that puts a refusing one in its place (the kernel's fails with -EINTR
 * on a pending signal).
 */
int mm_take_all_locks(struct mm_struct *mm);

/** mm_drop_all_locks - undoes it; mmap_lock stays held */
void mm_drop_all_locks(struct mm_struct *mm);

#endif
