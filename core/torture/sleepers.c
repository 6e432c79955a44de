/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Those who sleep until an invalidation has ended, in rounds: when the last
 * range of a round has ended nothing else will wake them.
 */
#include "ranges.h"

#include <linux/spinlock.h>

#define SLEEPERS 3
#define RANGES	 3

struct interval {
	struct mmu_interval_notifier sub;
	spinlock_t user_lock;
};

static struct mm_struct *mm;
static struct interval stay[SLEEPERS], removed[SLEEPERS];

static bool invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
		       unsigned long cur_seq)
{
	struct interval *interval = container_of(sub, struct interval, sub);

	/* Some of those who may refuse do. */
	if (!mmu_notifier_range_blockable(range) && range->start & PAGE_SIZE)
		return false;
	spin_lock(&interval->user_lock);
	mmu_interval_set_seq(sub, cur_seq);
	spin_unlock(&interval->user_lock);
	return true;
}

static const struct mmu_interval_notifier_ops ops = {.invalidate = invalidate};

static void insert(struct interval *interval, struct pages pages)
{
	if (mmu_interval_notifier_insert(&interval->sub, mm, ADDR(pages.first),
					 ADDR(pages.end - pages.first), &ops))
		torture_fail("no-crash", "an interval cannot be inserted");
}

/* Several at once, each begun and ended at random moments and in any order. */
static void invalidate_some(struct torture_thread *self)
{
	struct mmu_notifier_range ranges[RANGES];
	unsigned long n = 0, wanted = 1 + torture_random(self, RANGES);

	torture_at(self, "mmu_notifier_invalidate_range_start");
	while (wanted--) {
		struct pages pages = random_pages(self, PAGES);

		torture_pause(self);
		if (torture_random(self, 4))
			range_start(&ranges[n++], mm, pages);
		else if (range_start_nonblock(&ranges[n], mm, pages))
			n++;
	}
	torture_at(self, "mmu_notifier_invalidate_range_end");
	while (n) {
		unsigned long which = torture_random(self, n);

		torture_pause(self);
		range_end(&ranges[which]);
		ranges[which] = ranges[--n];
	}
}

static void read_some(struct torture_thread *self)
{
	for (unsigned long n = torture_random(self, 4); n; n--) {
		torture_at(self, "mmu_interval_read_begin");
		mmu_interval_read_begin(&stay[self->index].sub);
		torture_pause(self);
	}
}

static void insert_and_remove(struct torture_thread *self)
{
	struct interval *interval = &removed[self->index];

	torture_pause(self);
	torture_at(self, "mmu_interval_notifier_insert");
	insert(interval, random_pages(self, PAGES));
	torture_pause(self);
	if (torture_random(self, 2)) {
		torture_at(self, "mmu_interval_read_begin");
		mmu_interval_read_begin(&interval->sub);
		torture_pause(self);
	}
	torture_at(self, "mmu_interval_notifier_remove");
	mmu_interval_notifier_remove(&interval->sub);
}

static void begin(void)
{
	mm = new_mm();
	for (int i = 0; i < SLEEPERS; i++) {
		spin_lock_init(&stay[i].user_lock);
		spin_lock_init(&removed[i].user_lock);
		insert(&stay[i], (struct pages){0, PAGES});
	}
}

static void end(void)
{
	for (int i = 0; i < SLEEPERS; i++)
		mmu_interval_notifier_remove(&stay[i].sub);
	end_mm(mm);
}

#define SLEEP(suffix, and)                                                                         \
	{                                                                                          \
		.name = "sleepers" suffix, .invariant = "no-sleeper-for-ever",                     \
		.flags = TORTURE_ROUNDS | and, .begin = begin, .end = end,                         \
		.roles = {                                                                         \
			{.name = "writer", .step = invalidate_some, .threads = 2},                 \
			{.name = "reader", .step = read_some, .threads = SLEEPERS},                \
			{.name = "remover", .step = insert_and_remove, .threads = SLEEPERS},       \
		},                                                                                 \
	}

const struct torture_test torture_sleepers[] = {
	SLEEP("", 0),
	SLEEP("_signals", TORTURE_STORM),
	{.name = NULL},
};
