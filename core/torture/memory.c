/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory whose use after its end is seen. */
#include "torture.h"

#include <stdlib.h>
#include <string.h>

#define ALIVE  0x616c697665212121ul
#define POISON 0x6b
#define WAIT   256

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZER_FINDS_IT 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZER_FINDS_IT 1
#endif
#endif
#ifndef SANITIZER_FINDS_IT
#define SANITIZER_FINDS_IT 0
#endif

/* Freed, but kept for as long as WAIT others take to come. */
static struct freed {
	unsigned char *bytes;
	size_t size;
} waiting[WAIT];
static unsigned int oldest;
static pthread_mutex_t waiting_mutex = PTHREAD_MUTEX_INITIALIZER;

void *torture_alloc(size_t size)
{
	struct torture_life *life = calloc(1, size);

	if (!life)
		torture_fail("no-crash", "out of memory");
	WRITE_ONCE(life->mark, ALIVE);
	return life;
}

bool torture_alive(const struct torture_life *life)
{
	return READ_ONCE(life->mark) == ALIVE;
}

static void give_back(struct freed *freed)
{
	if (!freed->bytes)
		return;
	for (size_t i = 0; i < freed->size; i++)
		if (freed->bytes[i] != POISON)
			torture_fail("freed-memory-untouched",
				     "byte %zu of %zu was written after the memory was freed", i,
				     freed->size);
	free(freed->bytes);
	freed->bytes = NULL;
}

void torture_free(struct torture_life *life, size_t size)
{
	struct freed mine = {(unsigned char *)life, size}, other;

	if (!torture_alive(life))
		torture_fail("freed-once", "memory is freed that is not alive");
	memset(mine.bytes, POISON, size);
	if (SANITIZER_FINDS_IT) {
		free(life);
		return;
	}
	pthread_mutex_lock(&waiting_mutex);
	other = waiting[oldest];
	waiting[oldest] = mine;
	oldest = (oldest + 1) % WAIT;
	pthread_mutex_unlock(&waiting_mutex);
	give_back(&other);
}

void torture_free_all(void)
{
	for (unsigned int i = 0; i < WAIT; i++)
		give_back(&waiting[i]);
}
