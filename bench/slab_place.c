/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kzalloc() and kfree() of the program: see --wrap in CMakeLists.txt. */
#include "slab_place.h"

#include <linux/slab.h>
#include <stdbool.h>

#include "place.h"

/* One at a time; others allocate and free meanwhile. */
static void *offered, *taken;

void *__real_kzalloc(size_t size, gfp_t flags);
void *__wrap_kzalloc(size_t size, gfp_t flags);
void *__wrap_kzalloc(size_t size, gfp_t flags)
{
	void *object = NULL;

	if (size <= PLACE_ROOM)
		object = __atomic_exchange_n(&offered, NULL, __ATOMIC_ACQ_REL);
	if (!object)
		return __real_kzalloc(size, flags);
	__atomic_store_n(&taken, object, __ATOMIC_RELEASE);
	return object;
}

void __real_kfree(const void *ptr);
void __wrap_kfree(const void *ptr);
void __wrap_kfree(const void *ptr)
{
	void *placed = (void *)ptr;

	if (!ptr || !__atomic_compare_exchange_n(&taken, &placed, NULL, false, __ATOMIC_ACQ_REL,
						 __ATOMIC_ACQUIRE))
		__real_kfree(ptr);
}

void slab_place_next(void *object)
{
	__atomic_store_n(&taken, NULL, __ATOMIC_RELEASE);
	__atomic_store_n(&offered, object, __ATOMIC_RELEASE);
}

void slab_place_end(void)
{
	__atomic_store_n(&offered, NULL, __ATOMIC_RELEASE);
}
