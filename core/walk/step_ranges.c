/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps of whoever changes page tables: ranges, open for any time, nested, overlapping. */
#include "steps.h"

#include "actors.h"
#include "log.h"
#include "world.h"

#include <linux/kernel.h>

const struct mmu_notifier_range *refused_by_list;

/* ---- addresses: few, so that much meets ---- */

unsigned long draw_address(void)
{
	unsigned long page = draw(16);

	if (one_in(24))
		return one_in(2) ? 0 : -PAGE_SIZE;
	return (page << PAGE_SHIFT) + (one_in(6) ? draw(PAGE_SIZE) : 0);
}

unsigned long draw_length(void)
{
	unsigned long rare = draw(32);

	if (rare == 0)
		return 1;
	if (rare == 1)
		return PAGE_SIZE + 1;
	return (1 + draw(one_in(3) ? 12 : 3)) << PAGE_SHIFT;
}

static void draw_range(struct mmu_notifier_range *range, struct mm_struct *mm)
{
	static const enum mmu_notifier_event events[] = {
		MMU_NOTIFY_UNMAP,	    MMU_NOTIFY_CLEAR,	   MMU_NOTIFY_PROTECTION_VMA,
		MMU_NOTIFY_PROTECTION_PAGE, MMU_NOTIFY_SOFT_DIRTY, MMU_NOTIFY_MIGRATE,
		MMU_NOTIFY_EXCLUSIVE,
	};
	enum mmu_notifier_event event = events[draw(ARRAY_SIZE(events))];
	unsigned int flags = one_in(2) ? MMU_NOTIFIER_RANGE_BLOCKABLE : 0;
	unsigned long start = draw_address(), end;

	if (one_in(32))
		end = ULONG_MAX;
	else if (__builtin_add_overflow(start, draw_length(), &end))
		end = ULONG_MAX;
	compat_range_init(range, event, flags, mm, start, end);
	range->owner = (void *)draw(3);
}

/* ---- ranges ---- */

static bool start_range(struct range *range, struct space *space, bool blockable)
{
	struct mmu_notifier_range *it = &range->range;
	int ret = 0;

	draw_range(it, space->mm);
	range->space = space;
	range->left = false;
	note("R%lu: %s of M%lu [%lx, %lx)", range_name(range),
	     blockable ? "start" : "start_nonblock", space->name, it->start, it->end);
	refused_by_list = NULL;
	if (blockable)
		mmu_notifier_invalidate_range_start(it);
	else
		ret = mmu_notifier_invalidate_range_start_nonblock(it);
	note("R%lu: started, %ld, flags %lu", range_name(range), (long)ret,
	     (unsigned long)it->flags);
	if (ret && refused_by_list == it)
		range->left = space->by_interval;
	return !ret;
}

/* A range that a list notifier refused is left begun on the interval side: it
 * is ended later. */
static void open_range(bool blockable)
{
	struct range *range = pick_range(range_is_free);
	struct space *space = range ? use_space(space_is_held) : NULL;

	if (!space)
		return;
	range->state = BUSY;
	mmap_read_lock(space->mm);
	if (start_range(range, space, blockable)) {
		range->state = LIVE;
		return;
	}
	mmap_read_unlock(space->mm);
	range->state = FREE;
	if (range->left) {
		mmgrab(space->mm);
		range->state = LIVE;
	}
	unuse_space(space);
}

void finish_range(struct range *range)
{
	struct space *space = range->space;
	unsigned long name = space->name;
	bool user = !range->left || mmget_not_zero(space->mm);

	range->state = BUSY;
	note("R%lu: end%s", range_name(range), range->left ? " in spite of its refusal" : "");
	if (range->left)
		mmap_read_lock(space->mm);
	mmu_notifier_invalidate_range_end(&range->range);
	mmap_read_unlock(space->mm);
	note("R%lu: ended", range_name(range));
	range->state = FREE;
	if (user)
		unuse_space(space);
	if (!range->left)
		return;
	mmdrop(space->mm);
	note_counts(space, name);
}

void pass_range(struct space *space, bool blockable)
{
	struct range *range = pick_range(range_is_free);

	if (!range || !mmget_not_zero(space->mm))
		return;
	range->state = BUSY;
	mmap_read_lock(space->mm);
	if (start_range(range, space, blockable)) {
		finish_range(range);
		return;
	}
	mmap_read_unlock(space->mm);
	if (range->left)
		mmgrab(space->mm);
	range->state = range->left ? LIVE : FREE;
	unuse_space(space);
}

void open_blockable(void)
{
	open_range(true);
}

void open_nonblock(void)
{
	open_range(false);
}

void end_range(void)
{
	struct range *range = pick_range(range_is_open);

	if (range)
		finish_range(range);
}

void pass(void)
{
	struct space *space = pick_space(space_is_used);

	if (space)
		pass_range(space, one_in(2));
}

bool range_can_end(void)
{
	for (int i = 0; i < RANGES; i++)
		if (range_is_open(&world.ranges[i]))
			return true;
	return false;
}

void range_end_any(unsigned long which)
{
	(void)which;
	end_range();
}
