/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "world.h"

#include "actors.h"
#include "log.h"

#include <linux/kernel.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size)   ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

#define STRANGER 99ul
#define JUNK	 0xd5

struct world world;

unsigned long interval_name(const struct interval *interval)
{
	return (unsigned long)(interval - world.intervals);
}

unsigned long listener_name(const struct listener *listener)
{
	return (unsigned long)(listener - world.listeners);
}

unsigned long range_name(const struct range *range)
{
	return (unsigned long)(range - world.ranges);
}

struct space *space_of(const struct mm_struct *mm)
{
	for (int i = 0; mm && i < MMS; i++)
		if (world.spaces[i].mm == mm)
			return &world.spaces[i];
	return NULL;
}

unsigned long mm_name(const struct mm_struct *mm)
{
	const struct space *space = space_of(mm);

	return space ? space->name : STRANGER;
}

/* The same for each sort: count those that fit, draw, find. */
#define PICKER(sort, plural)                                                                       \
	struct sort *pick_##sort(bool (*fits)(const struct sort *sort))                            \
	{                                                                                          \
		struct sort *fit[ARRAY_SIZE(world.plural)];                                        \
		unsigned long n = 0;                                                               \
                                                                                                   \
		for (size_t i = 0; i < ARRAY_SIZE(world.plural); i++)                              \
			if (fits(&world.plural[i]))                                                \
				fit[n++] = &world.plural[i];                                       \
		return n ? fit[draw(n)] : NULL;                                                    \
	}

PICKER(space, spaces)
PICKER(interval, intervals)
PICKER(listener, listeners)
PICKER(range, ranges)

bool space_is_used(const struct space *space)
{
	return space->mm && space->used;
}

bool interval_is_free(const struct interval *interval)
{
	return interval->state == FREE;
}

bool listener_is_free(const struct listener *listener)
{
	return listener->state == FREE;
}

bool range_is_free(const struct range *range)
{
	return range->state == FREE;
}

bool range_is_open(const struct range *range)
{
	return range->state == LIVE;
}

void interval_make(struct interval *interval)
{
	ASAN_UNPOISON_MEMORY_REGION(&interval->sub, sizeof(interval->sub));
	interval->state = BUSY;
	interval->reads = 0;
}

void listener_make(struct listener *listener)
{
	ASAN_UNPOISON_MEMORY_REGION(&listener->sub, sizeof(listener->sub));
	memset(&listener->sub, 0, sizeof(listener->sub));
	listener->state = BUSY;
	listener->refs = 0;
	listener->dying = false;
}

void interval_free(struct interval *interval)
{
	memset(&interval->sub, JUNK, sizeof(interval->sub));
	ASAN_POISON_MEMORY_REGION(&interval->sub, sizeof(interval->sub));
	interval->state = FREE;
}

void listener_free(struct listener *listener)
{
	memset(&listener->sub, JUNK, sizeof(listener->sub));
	ASAN_POISON_MEMORY_REGION(&listener->sub, sizeof(listener->sub));
	listener->state = FREE;
}

void space_freed(struct space *space)
{
	*space = (struct space){0};
}

void world_begin(void)
{
	ASAN_UNPOISON_MEMORY_REGION(&world, sizeof(world));
	memset(&world, 0, sizeof(world));
	for (int i = 0; i < INTERVALS; i++)
		interval_free(&world.intervals[i]);
	for (int i = 0; i < LISTENERS; i++)
		listener_free(&world.listeners[i]);
	refused_by_list = NULL;
}
