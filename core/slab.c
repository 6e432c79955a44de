/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <asm/platform.h>
#include <linux/slab.h>
#include <stdlib.h>
#include <string.h>

/*
 * From a line's boundary, as the kernel's size classes give it: where a
 * structure straddles lines is not left to the luck of one run.
 */
void *kzalloc(size_t size, gfp_t flags)
{
	void *ptr;

	(void)flags;
	return posix_memalign(&ptr, ARCH_CACHE_LINE, size) ? NULL : memset(ptr, 0, size);
}

void kfree(const void *ptr)
{
	free((void *)ptr);
}
