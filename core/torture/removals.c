/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An interval's life: from its insertion it hears of every range that hits it
 * and of no other; once remove has returned its memory is freed at once, and
 * nobody calls it or touches it.
 */
#include "ranges.h"

#include <linux/spinlock.h>
#include <string.h>

#define GONE "no-callback-after-remove"

#define STAY 12

struct interval {
	struct torture_life life;
	struct mmu_interval_notifier sub;
	spinlock_t user_lock;
	struct pages pages;
	unsigned long calls;
	unsigned int stays; /* one more than its place in stay[]; 0: it comes and goes */
};

static struct mm_struct *mm;
static struct interval *stay[STAY]; /* in the tree all the time, among those that come and go */
/* The calls that the range which this thread starts has made. */
static __thread unsigned long stay_calls[STAY];

static void look(const struct interval *interval, const char *when)
{
	if (!torture_alive(&interval->life))
		torture_fail(GONE, "a callback found its interval freed %s", when);
}

static bool invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
		       unsigned long cur_seq)
{
	struct interval *interval = container_of(sub, struct interval, sub);

	look(interval, "at its start");
	if (range->end <= ADDR(interval->pages.first) || range->start >= ADDR(interval->pages.end))
		torture_fail("called-for-its-own", "pages %lu to %lu heard of %#lx to %#lx",
			     interval->pages.first, interval->pages.end, range->start, range->end);
	spin_lock(&interval->user_lock);
	mmu_interval_set_seq(sub, cur_seq);
	bump(interval->calls);
	if (interval->stays)
		stay_calls[interval->stays - 1]++;
	for (int i = 0; i < 40; i++)
		cpu_relax();
	spin_unlock(&interval->user_lock);
	look(interval, "at its end");
	return true;
}

static const struct mmu_interval_notifier_ops ops = {.invalidate = invalidate};

/* Once read_begin has returned the insertion waits for nothing: it hears of the next range. */
static void hear(struct torture_thread *self, struct interval *interval)
{
	struct mmu_notifier_range range;
	unsigned long before;

	torture_at(self, "mmu_interval_read_begin");
	mmu_interval_read_begin(&interval->sub);
	before = get(interval->calls);
	torture_at(self, "mmu_notifier_invalidate_range_start");
	range_start(&range, mm, interval->pages);
	if (get(interval->calls) == before)
		torture_fail("hears-every-range", "an interval was not called for its own pages");
	torture_at(self, "mmu_notifier_invalidate_range_end");
	range_end(&range);
}

static struct interval *insert(struct pages pages)
{
	struct interval *interval = torture_alloc(sizeof(*interval));

	spin_lock_init(&interval->user_lock);
	interval->pages = pages;
	if (mmu_interval_notifier_insert(&interval->sub, mm, ADDR(pages.first),
					 ADDR(pages.end - pages.first), &ops))
		torture_fail("no-crash", "an interval cannot be inserted");
	return interval;
}

static void remove_and_free(struct interval *interval)
{
	mmu_interval_notifier_remove(&interval->sub);
	torture_free(&interval->life, sizeof(*interval));
}

static void live_and_die(struct torture_thread *self)
{
	struct interval *interval;

	torture_at(self, "mmu_interval_notifier_insert");
	interval = insert(random_pages(self, PAGES));
	torture_pause(self);
	if (!torture_random(self, 4))
		hear(self, interval);
	torture_pause(self);
	torture_at(self, "mmu_interval_notifier_remove");
	remove_and_free(interval);
}

/* The others' changes to the tree have hidden nothing from the walk. */
static void check_stay_calls(struct pages pages)
{
	for (int i = 0; i < STAY; i++) {
		bool hit = stay[i]->pages.first < pages.end && pages.first < stay[i]->pages.end;

		if (stay_calls[i] != hit)
			torture_fail("hears-every-range",
				     "an interval that always stays was called %lu times, not %d",
				     stay_calls[i], hit);
	}
}

static void invalidate_pages(struct torture_thread *self)
{
	struct pages pages = random_pages(self, PAGES);
	struct mmu_notifier_range range;

	memset(stay_calls, 0, sizeof(stay_calls));
	torture_at(self, "mmu_notifier_invalidate_range_start");
	range_start(&range, mm, pages);
	check_stay_calls(pages);
	torture_pause(self);
	torture_at(self, "mmu_notifier_invalidate_range_end");
	range_end(&range);
	/* Who waits is let in only when no range at all is under way. */
	torture_pause(self);
	torture_pause(self);
}

static void begin(void)
{
	mm = new_mm();
	for (unsigned int i = 0; i < STAY; i++) {
		stay[i] = insert((struct pages){i * 5, i * 5 + 1 + i * i % 7});
		stay[i]->stays = i + 1;
	}
}

static void end(void)
{
	for (int i = 0; i < STAY; i++)
		remove_and_free(stay[i]);
	end_mm(mm);
}

const struct torture_test torture_removals[] = {
	{
		.name = "removals",
		.invariant = GONE,
		.flags = TORTURE_STORM,
		.begin = begin,
		.end = end,
		.roles = {{.name = "owner", .step = live_and_die, .threads = 4},
			  {.name = "writer", .step = invalidate_pages, .threads = 2}},
	},
	{.name = NULL},
};
