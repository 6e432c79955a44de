/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _MN_LINUX_SLAB_H
#define _MN_LINUX_SLAB_H

#include <linux/overflow.h>
#include <linux/types.h>

#define GFP_KERNEL	   0x1u
#define GFP_KERNEL_ACCOUNT 0x3u

/**
 * kzalloc - zeroed memory, aligned for any type, or NULL
 * May sleep. Out of line, so that a test can put a failing one in its place.
 */
void *kzalloc(size_t size, gfp_t flags);

/** kzalloc_obj - the same for one object of a type; flags are GFP_KERNEL unless given */
#define kzalloc_obj(type, ...)                                                                     \
	((__typeof__(type) *)kzalloc(sizeof(type), __default_gfp(__VA_ARGS__)))
#define __default_gfp(...)     __first_of(__VA_ARGS__ __VA_OPT__(, ) GFP_KERNEL)
#define __first_of(first, ...) first

/** kfree - gives memory of kzalloc() back; NULL is allowed */
void kfree(const void *ptr);

#endif
