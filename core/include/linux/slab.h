/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _MN_LINUX_SLAB_H
#define _MN_LINUX_SLAB_H

#include <linux/types.h>

#define GFP_KERNEL	   0x1u
#define GFP_KERNEL_ACCOUNT 0x3u

/**
 * kzalloc - zeroed memory, aligned for any type, or NULL
 * May sleep. Out of line, so that a test can put a failing one in its place.
 */
void *kzalloc(size_t size, gfp_t flags);

/** kfree - gives memory of kzalloc() back; NULL is allowed */
void kfree(const void *ptr);

#endif
