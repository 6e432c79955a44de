/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An mm's first registrations, of both sides, in each round a new mm: ranges
 * hold mmap_lock for read, so none sees the mm change its mode half way. One
 * that did would end what it has not started, and an interval's readers would
 * wait for ever.
 */
#include "hooks.h"
#include "intervals.h"

static struct mm_struct *mm;
static const struct mmu_notifier_ops listener_ops = {LISTENER_OPS};

static void make_mm(struct torture_thread *self)
{
	(void)self;
	mm = new_mm();
	torture_meet(self);
	/* The others are at work on it. */
	torture_meet(self);
	end_mm(mm);
}

static void call_hooks(struct torture_thread *self)
{
	torture_meet(self);
	for (unsigned long n = torture_random(self, 6); n; n--) {
		call_a_hook(self, mm);
		torture_spin(self);
	}
	torture_meet(self);
}

/* In every other round all come at once. */
static void come(struct torture_thread *self)
{
	torture_meet(self);
	if (self->operations & 1)
		torture_pause(self);
}

static void register_first(struct torture_thread *self)
{
	struct listener *listener = torture_alloc(sizeof(*listener));

	listener->sub.ops = &listener_ops;
	come(self);
	torture_at(self, "mmu_notifier_register");
	if (mmu_notifier_register(&listener->sub, mm))
		torture_fail("no-crash", "a notifier cannot be registered");
	torture_pause(self);
	torture_at(self, "mmu_notifier_unregister");
	mmu_notifier_unregister(&listener->sub, mm);
	torture_free(&listener->life, sizeof(*listener));
	torture_meet(self);
}

/* It is in the tree once a read has begun: it hears of its own thread's range. */
static void insert_first(struct torture_thread *self)
{
	struct interval interval = {.calls = 0};
	struct mmu_notifier_range range;
	unsigned long before;

	come(self);
	torture_at(self, "mmu_interval_notifier_insert");
	if (interval_insert(&interval, mm))
		torture_fail("no-crash", "an interval cannot be inserted");
	torture_at(self, "mmu_interval_read_begin");
	mmu_interval_read_begin(&interval.sub);
	torture_at(self, "mmu_notifier_invalidate_range_start");
	spin_lock(&interval.user_lock);
	before = interval.calls;
	spin_unlock(&interval.user_lock);
	range_start(&range, mm, (struct pages){0, PAGES});
	spin_lock(&interval.user_lock);
	if (interval.calls == before)
		torture_fail("hears-every-range", "an interval was not called for its own pages");
	spin_unlock(&interval.user_lock);
	range_end(&range);
	torture_at(self, "mmu_interval_notifier_remove");
	mmu_interval_notifier_remove(&interval.sub);
	torture_meet(self);
}

const struct torture_test torture_firsts[] = {
	{
		.name = "first_registration",
		.invariant = "every-end-has-its-start",
		.flags = TORTURE_ROUNDS | TORTURE_STORM,
		.roles = {{.name = "maker", .step = make_mm, .threads = 1},
			  {.name = "mm", .step = call_hooks},
			  {.name = "subscriber", .step = register_first, .threads = 1},
			  {.name = "inserter", .step = insert_first, .threads = 2}},
	},
	{.name = NULL},
};
