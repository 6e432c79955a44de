/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intervals among threads. The page table is read and changed under a lock,
 * as the kernel's: that orders a walk after read_begin against the change of a
 * range that has ended. Then:
 *
 * - while the user lock is held and read_retry said no, the entry is what was
 * read;
 * - between a range's start and end no mirror holds an entry of it.
 */
#include "threads.h"

#include <linux/kernel.h>
#include <sched.h>
#include <string.h>
#include <time.h>

static unsigned long refusals;

static void unmap(struct mirror *mirror, unsigned long start, unsigned long end)
{
	for (unsigned long page = mirror->first; page < mirror->first + mirror->pages; page++)
		if (address(page) < end && address(page + 1) > start)
			mirror->entry[page] = 0;
}

static void check_called(const struct mirror *mirror, const struct mmu_notifier_range *range,
			 unsigned long cur_seq)
{
	if (!READ_ONCE(mirror->live))
		broken("gone", "an interval was called after its removal had returned");
	if (!(cur_seq & 1))
		broken("odd", "an interval was called with the sequence number %lu", cur_seq);
	if (range->start > mirror->sub.interval_tree.last ||
	    range->end - 1 < mirror->sub.interval_tree.start)
		broken("intersects", "[%lx, %lx) was told to [%lx, %lx]", range->start, range->end,
		       mirror->sub.interval_tree.start, mirror->sub.interval_tree.last);
	if (range->mm != mirror->place->mm)
		broken("mm", "an interval was called for another mm");
}

static bool mirror_invalidate(struct mmu_interval_notifier *sub,
			      const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	struct mirror *mirror = container_of(sub, struct mirror, sub);

	check_called(mirror, range, cur_seq);
	if (mmu_notifier_range_blockable(range))
		spin_lock(&mirror->user_lock);
	else if (__atomic_add_fetch(&refusals, 1, __ATOMIC_RELAXED) % 8 == 0 ||
		 !spin_trylock(&mirror->user_lock))
		return false;
	mmu_interval_set_seq(sub, cur_seq);
	unmap(mirror, range->start, range->end);
	spin_unlock(&mirror->user_lock);
	return true;
}

static const struct mmu_interval_notifier_ops mirror_ops = {.invalidate = mirror_invalidate};

void mirror_insert(struct mirror *mirror, struct place *place, unsigned long first,
		   unsigned long pages)
{
	int ret;

	memset(mirror, 0, sizeof(*mirror));
	spin_lock_init(&mirror->user_lock);
	mirror->place = place;
	mirror->first = first;
	mirror->pages = pages;
	WRITE_ONCE(mirror->live, true);
	ret = mmu_interval_notifier_insert(&mirror->sub, place->mm, address(first), address(pages),
					   &mirror_ops);
	if (ret)
		broken("insert", "%d for [%lu, %lu) of %d pages", ret, first, first + pages, PAGES);
}

void mirror_remove(struct mirror *mirror)
{
	mmu_interval_notifier_remove(&mirror->sub);
	WRITE_ONCE(mirror->live, false);
}

static unsigned long table_read(struct place *place, unsigned long page)
{
	unsigned long entry;

	spin_lock(&place->table_lock);
	entry = place->table[page];
	spin_unlock(&place->table_lock);
	return entry;
}

static void fault(struct mirror *mirror, unsigned long page)
{
	struct place *place = mirror->place;
	unsigned long seq = mmu_interval_read_begin(&mirror->sub), entry, now;

	if (!(seq & 1))
		broken("odd", "a read began with the sequence number %lu", seq);
	entry = table_read(place, page);
	if (page & 1)
		sched_yield();
	spin_lock(&mirror->user_lock);
	if (!mmu_interval_read_retry(&mirror->sub, seq)) {
		now = table_read(place, page);
		if (now != entry)
			broken("stale", "page %lu was %lu when read, and %lu when installed", page,
			       entry, now);
		mirror->entry[page] = entry;
	}
	spin_unlock(&mirror->user_lock);
}

void fault_shared(struct walker *walker)
{
	struct place *place = place_visit(walker, true);
	struct mirror *mirror = &place->shared[pick(walker, SHARED_MIRRORS)];

	fault(mirror, mirror->first + pick(walker, mirror->pages));
	place_leave(place);
}

static void nobody_maps(struct place *place, unsigned long first, unsigned long last)
{
	for (int i = 0; i < SHARED_MIRRORS; i++) {
		struct mirror *mirror = &place->shared[i];

		spin_lock(&mirror->user_lock);
		for (unsigned long page = first; page <= last; page++)
			if (mirror->entry[page])
				broken("mapped", "page %lu between a range's start and end", page);
		spin_unlock(&mirror->user_lock);
	}
}

static void change(struct walker *walker, struct place *place, unsigned int depth)
{
	unsigned long first = pick(walker, PAGES);
	unsigned long last = first + pick(walker, min(PAGES - first, 6ul));
	struct mmu_notifier_range range;

	compat_range_init(&range, MMU_NOTIFY_CLEAR, 0, place->mm, address(first),
			  address(last + 1));
	if (pick(walker, 3))
		mmu_notifier_invalidate_range_start(&range);
	else if (mmu_notifier_invalidate_range_start_nonblock(&range))
		return;
	nobody_maps(place, first, last);
	spin_lock(&place->table_lock);
	for (unsigned long page = first; page <= last; page++)
		place->table[page]++;
	spin_unlock(&place->table_lock);
	if (depth && !pick(walker, 4))
		change(walker, place, depth - 1);
	if (!pick(walker, 8))
		sched_yield();
	nobody_maps(place, first, last);
	mmu_notifier_invalidate_range_end(&range);
}

void change_pages(struct walker *walker)
{
	struct place *place = place_visit(walker, true);

	mmap_read_lock(place->mm);
	change(walker, place, 2);
	mmap_read_unlock(place->mm);
	place_leave(place);
}

/* The thread's own interval comes, reads, and goes, whether or not its mm has
 * died meanwhile. */
void come_or_go(struct walker *walker)
{
	struct place *place = walker->mirrored;
	unsigned long first = pick(walker, PAGES);

	if (place && pick(walker, 3)) {
		fault(&walker->mirror, walker->mirror.first + pick(walker, walker->mirror.pages));
		return;
	}
	if (place) {
		mirror_remove(&walker->mirror);
		/* A call that comes too late shall find it as it was left. */
		if (!pick(walker, 4))
			nanosleep(&(struct timespec){.tv_nsec = 100 * 1000}, NULL);
		walker->mirrored = NULL;
		place_forget(place);
		return;
	}
	place = place_visit(walker, true);
	place_know(place);
	mirror_insert(&walker->mirror, place, first, 1 + pick(walker, PAGES - first));
	walker->mirrored = place;
	place_leave(place);
}
