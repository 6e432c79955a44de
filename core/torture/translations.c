/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The collision-retry protocol: no reader accepts a translation that an
 * invalidation has passed.
 *
 * The page table is an array with a lock. A writer changes entries between a
 * range's start and end. A mirror reads an entry after read_begin, takes its
 * own lock, and installs what it read unless read_retry says no. So while
 * that lock is held the entry is what was read, and between a range's start
 * and end no mirror holds an entry of it. Some mirrors stay; others come and
 * go, and their insertions and removals often meet a frozen tree; or, where none
 * stays, ranges that have hit nothing yet.
 */
#include "ranges.h"

#include <linux/spinlock.h>
#include <string.h>

#define ACCEPTED "no-passed-translation-accepted"
#define STAY	 3
#define COME	 3

struct mirror {
	struct mmu_interval_notifier sub;
	spinlock_t user_lock;
	struct pages pages;
	bool there;		    /* inserted, and not about to go; under user_lock */
	unsigned long entry[PAGES]; /* 0: not mapped */
};

static struct mm_struct *mm;
static unsigned long page_table[PAGES];
static DEFINE_SPINLOCK(page_table_lock);
static struct mirror mirrors[STAY + COME];

/* ---- mirrors ---- */

static bool invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
		       unsigned long cur_seq)
{
	struct mirror *mirror = container_of(sub, struct mirror, sub);

	if (!(cur_seq & 1))
		torture_fail(ACCEPTED, "an invalidation's count is %lu, which is even", cur_seq);
	if (mmu_notifier_range_blockable(range))
		spin_lock(&mirror->user_lock);
	else if (!spin_trylock(&mirror->user_lock))
		return false;
	mmu_interval_set_seq(sub, cur_seq);
	for (unsigned long pg = mirror->pages.first; pg < mirror->pages.end; pg++)
		if (ADDR(pg) < range->end && ADDR(pg + 1) > range->start)
			mirror->entry[pg] = 0;
	spin_unlock(&mirror->user_lock);
	return true;
}

static const struct mmu_interval_notifier_ops mirror_ops = {.invalidate = invalidate};

static void mirror_set_there(struct mirror *mirror, bool there)
{
	spin_lock(&mirror->user_lock);
	mirror->there = there;
	spin_unlock(&mirror->user_lock);
}

static void mirror_insert(struct mirror *mirror, struct pages pages)
{
	mirror->pages = pages;
	memset(mirror->entry, 0, sizeof(mirror->entry));
	if (mmu_interval_notifier_insert(&mirror->sub, mm, ADDR(pages.first),
					 ADDR(pages.end - pages.first), &mirror_ops))
		torture_fail("no-crash", "an interval cannot be inserted");
	mirror_set_there(mirror, true);
}

static void mirror_remove(struct mirror *mirror)
{
	mirror_set_there(mirror, false);
	mmu_interval_notifier_remove(&mirror->sub);
}

static unsigned long page_table_read(unsigned long pg)
{
	unsigned long entry;

	spin_lock(&page_table_lock);
	entry = page_table[pg];
	spin_unlock(&page_table_lock);
	return entry;
}

/* One device fault; whoever calls bounds the retries. */
static void fault(struct torture_thread *self, struct mirror *mirror)
{
	struct pages pages = mirror->pages;
	unsigned long pg = pages.first + torture_random(self, pages.end - pages.first);
	unsigned long seq, entry;

	torture_at(self, "mmu_interval_read_begin");
	seq = mmu_interval_read_begin(&mirror->sub);
	torture_at(self, "a fault");
	entry = page_table_read(pg);
	torture_pause(self);
	spin_lock(&mirror->user_lock);
	if (!mmu_interval_read_retry(&mirror->sub, seq)) {
		if (page_table_read(pg) != entry)
			torture_fail(ACCEPTED, "%s %u: page %lu: read %lu, and it is %lu",
				     self->role->name, self->index, pg, entry, page_table_read(pg));
		mirror->entry[pg] = entry;
	}
	spin_unlock(&mirror->user_lock);
}

static void fault_one(struct torture_thread *self)
{
	fault(self, &mirrors[torture_random(self, STAY)]);
}

static void come_and_go(struct torture_thread *self)
{
	struct mirror *mirror = &mirrors[STAY + self->index];

	torture_at(self, "mmu_interval_notifier_insert");
	mirror_insert(mirror, random_pages(self, PAGES));
	while (torture_random(self, 3))
		fault(self, mirror);
	torture_at(self, "mmu_interval_notifier_remove");
	mirror_remove(mirror);
	torture_pause(self);
}

/* ---- the mm ---- */

static void nobody_maps(struct pages pages)
{
	for (size_t i = 0; i < ARRAY_SIZE(mirrors); i++) {
		struct mirror *mirror = &mirrors[i];

		spin_lock(&mirror->user_lock);
		for (unsigned long pg = pages.first; pg < pages.end; pg++)
			if (mirror->there && mirror->entry[pg])
				torture_fail(
					ACCEPTED,
					"mirror %zu holds page %lu, which is being invalidated", i,
					pg);
		spin_unlock(&mirror->user_lock);
	}
}

static void change(struct torture_thread *self)
{
	struct pages pages = random_pages(self, 8);
	struct mmu_notifier_range range;

	torture_at(self, "mmu_notifier_invalidate_range_start");
	if (torture_random(self, 4))
		range_start(&range, mm, pages);
	else if (!range_start_nonblock(&range, mm, pages))
		return;
	nobody_maps(pages);
	torture_pause(self);
	spin_lock(&page_table_lock);
	for (unsigned long pg = pages.first; pg < pages.end; pg++)
		page_table[pg]++;
	spin_unlock(&page_table_lock);
	torture_pause(self);
	nobody_maps(pages);
	torture_at(self, "mmu_notifier_invalidate_range_end");
	range_end(&range);
	/* Readers are let in only when no range at all is under way. */
	torture_pause(self);
	torture_pause(self);
}

static void begin(void)
{
	mm = new_mm();
	for (int pg = 0; pg < PAGES; pg++)
		page_table[pg] = 1;
	for (size_t i = 0; i < ARRAY_SIZE(mirrors); i++)
		spin_lock_init(&mirrors[i].user_lock);
	for (unsigned long i = 0; i < STAY; i++)
		mirror_insert(&mirrors[i], (struct pages){16 + i * 8, PAGES - i * 8});
}

static void end(void)
{
	for (int i = 0; i < STAY; i++)
		mirror_remove(&mirrors[i]);
	end_mm(mm);
}

#define TRANSLATIONS(suffix, with)                                                                 \
	{                                                                                          \
		.name = "translations" suffix, .invariant = ACCEPTED, .flags = with,               \
		.begin = begin, .end = end,                                                        \
		.roles = {                                                                         \
			{.name = "reader", .step = fault_one},                                     \
			{.name = "writer", .step = change, .threads = 2},                          \
			{.name = "comer", .step = come_and_go, .threads = COME},                   \
		},                                                                                 \
	}

const struct torture_test torture_translations[] = {
	TRANSLATIONS("", 0),
	TRANSLATIONS("_signals", TORTURE_STORM),
	{.name = NULL},
};
