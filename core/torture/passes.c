/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two passes: what a first pass hands back is finished once, in the order of
 * the first passes, before the range's start returns, refused or not, and
 * before the interval can go.
 */
#include "ranges.h"

#if COMPAT_TWO_PASS

#define FINISHED "finished-once-in-order"

struct interval {
	struct torture_life life;
	struct mmu_interval_notifier sub;
};

struct work {
	struct torture_life life;
	struct mmu_interval_notifier_finish finish;
	unsigned long nth; /* of those that its range began */
};

static struct mm_struct *mm;
/* Of the range that this thread is starting. */
static __thread unsigned long begun, finished;
static __thread struct torture_thread *starter;

static bool begin_work(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
		       unsigned long cur_seq, struct mmu_interval_notifier_finish **finish)
{
	struct work *work;

	if (!mmu_notifier_range_blockable(range) && !torture_random(starter, 4))
		return false;
	mmu_interval_set_seq(sub, cur_seq);
	torture_spin(starter);
	if (torture_random(starter, 4)) {
		work = torture_alloc(sizeof(*work));
		work->nth = begun++;
		*finish = &work->finish;
	}
	return true;
}

static void finish_work(struct mmu_interval_notifier_finish *finish)
{
	struct interval *interval = container_of(finish->notifier, struct interval, sub);
	struct work *work = container_of(finish, struct work, finish);

	if (!torture_alive(&work->life) || work->nth != finished++)
		torture_fail(FINISHED, "number %lu of %lu came as number %lu", work->nth, begun,
			     finished - 1);
	torture_spin(starter);
	if (!torture_alive(&interval->life))
		torture_fail(FINISHED, "an interval was removed before its second pass");
	torture_free(&work->life, sizeof(*work));
}

static const struct mmu_interval_notifier_ops ops = {
	.invalidate_start = begin_work,
	.invalidate_finish = finish_work,
};

static void check_finished(void)
{
	if (begun != finished)
		torture_fail(FINISHED, "%lu first passes had a second one to come, and %lu came",
			     begun, finished);
}

static void invalidate_twice(struct torture_thread *self)
{
	struct pages pages = random_pages(self, PAGES);
	struct mmu_notifier_range range;
	bool started = true;

	begun = finished = 0;
	starter = self;
	torture_at(self, "mmu_notifier_invalidate_range_start");
	if (torture_random(self, 2))
		range_start(&range, mm, pages);
	else
		started = range_start_nonblock(&range, mm, pages);
	check_finished();
	torture_pause(self);
	torture_at(self, "mmu_notifier_invalidate_range_end");
	if (started)
		range_end(&range);
	torture_pause(self);
}

static void live_and_die(struct torture_thread *self)
{
	struct interval *interval = torture_alloc(sizeof(*interval));
	struct pages pages = random_pages(self, PAGES);

	torture_at(self, "mmu_interval_notifier_insert");
	if (mmu_interval_notifier_insert(&interval->sub, mm, ADDR(pages.first),
					 ADDR(pages.end - pages.first), &ops))
		torture_fail("no-crash", "an interval cannot be inserted");
	torture_pause(self);
	torture_at(self, "mmu_interval_notifier_remove");
	mmu_interval_notifier_remove(&interval->sub);
	torture_free(&interval->life, sizeof(*interval));
}

static void begin(void)
{
	mm = new_mm();
}

static void end(void)
{
	end_mm(mm);
}
#endif

const struct torture_test torture_passes[] = {
#if COMPAT_TWO_PASS
	{
		.name = "two_passes",
		.invariant = FINISHED,
		.flags = TORTURE_STORM,
		.begin = begin,
		.end = end,
		.roles = {{.name = "owner", .step = live_and_die, .threads = 4},
			  {.name = "writer", .step = invalidate_twice, .threads = 2}},
	},
#endif
	{.name = NULL},
};
