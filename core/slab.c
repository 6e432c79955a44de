/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/slab.h>
#include <stdlib.h>

void *kzalloc(size_t size, gfp_t flags)
{
	(void)flags;
	return calloc(1, size);
}

void kfree(const void *ptr)
{
	free((void *)ptr);
}
