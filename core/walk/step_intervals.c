/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps of drivers with intervals. */
#include "steps.h"

#include "actors.h"
#include "log.h"
#include "world.h"

#include <linux/errno.h>
#include <linux/kernel.h>

void draw_failures(void)
{
	world.allocation_fails = one_in(12);
	world.lock_refuses = one_in(12);
}

static void draw_interval(unsigned long *start, unsigned long *length)
{
	*start = draw_address();
	*length = draw_length();
	if (one_in(16))
		*length = one_in(2) ? 0 : -*start + draw(2); /* none; to the end or one too far */
	if (one_in(16))
		*length = ULONG_MAX - draw(2);
}

void insert_into(struct space *space, bool locked)
{
	struct interval *interval = pick_interval(interval_is_free);
	unsigned long start, length;
	struct mm_struct *mm = space->mm;
	int ret;

	if (!interval)
		return;
	draw_interval(&start, &length);
	interval_make(interval);
	note("I%lu: insert%s into M%lu, %lx, length %lx", interval_name(interval),
	     locked ? "_locked" : "", space->name, start, length);
	if (locked)
		ret = mmu_interval_notifier_insert_locked(&interval->sub, mm, start, length,
							  draw_interval_ops());
	else
		ret = mmu_interval_notifier_insert(&interval->sub, mm, start, length,
						   draw_interval_ops());
	note("I%lu: inserted, %ld", interval_name(interval), (long)ret);
	if (ret != -ENOMEM && ret != -EINTR)
		space->by_interval = true;
	if (ret) {
		interval_free(interval);
		return;
	}
	interval->state = LIVE;
	note("I%lu: seq %lu, [%lx, %lx]", interval_name(interval), interval->sub.invalidate_seq,
	     interval->sub.interval_tree.start, interval->sub.interval_tree.last);
}

void insert(void)
{
	struct space *space = use_space(space_is_used);

	if (!space)
		return;
	draw_failures();
	insert_into(space, false);
	unuse_space(space);
}

void insert_locked(void)
{
	struct space *space = use_space(space_is_used);

	if (!space)
		return;
	mmap_write_lock(space->mm);
	draw_failures();
	insert_into(space, true);
	mmap_write_unlock(space->mm);
	unuse_space(space);
}

static bool space_is_dead(const struct space *space)
{
	return space->mm && space->held && space->by_interval && !atomic_read(&space->mm->mm_users);
}

/* -EINVAL with a WARN: nobody uses it any more. */
void insert_dead(void)
{
	struct space *space = pick_space(space_is_dead);

	if (space)
		insert_into(space, false);
}

bool interval_is_live(const struct interval *interval)
{
	return interval->state == LIVE;
}

static bool interval_is_removable(const struct interval *interval)
{
	return interval->state == LIVE && !interval->reads;
}

void remove_interval(struct interval *interval)
{
	struct space *space = space_of(interval->sub.mm);
	unsigned long name = space->name;

	interval->state = BUSY;
	note("I%lu: remove", interval_name(interval));
	mmu_interval_notifier_remove(&interval->sub);
	note("I%lu: removed", interval_name(interval));
	interval_free(interval);
	note_counts(space, name);
}

void remove_any(void)
{
	struct interval *interval = pick_interval(interval_is_removable);

	if (interval)
		remove_interval(interval);
}

void read_interval(void)
{
	struct interval *interval = pick_interval(interval_is_live);
	unsigned long seq, name;

	if (!interval)
		return;
	interval->reads++;
	name = interval_name(interval);
	note("I%lu: read_begin, own seq %lu", name, interval->sub.invalidate_seq);
	seq = mmu_interval_read_begin(&interval->sub);
	note("I%lu: read of seq %lu", name, seq);
	if (one_in(2))
		actor_yield();
	note("I%lu: check_retry %ld", name, (long)mmu_interval_check_retry(&interval->sub, seq));
	if (one_in(4))
		actor_yield();
	note("I%lu: read_retry %ld", name, (long)mmu_interval_read_retry(&interval->sub, seq));
	interval->reads--;
}
