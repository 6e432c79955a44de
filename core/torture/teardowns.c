/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The death of an mm, in each round of a new one, against everybody who ends
 * a subscription at the same time. No op runs once its owner's end of it has
 * returned; no reference is dropped twice or kept; and once the last mmput()
 * has returned, and the mm's pages are freed, no release() that had begun
 * before is still at work on them.
 */
#include "hooks.h"

#include <linux/spinlock.h>
#include <sched.h>

#define ENDS_FIRST "release-ends-before-the-pages"
#define USERS	   2

struct page_tables {
	struct torture_life life;
};

static struct mm_struct *mm;
static struct page_tables *pages;
static unsigned long users_left;
static unsigned long leaving; /* users at the door */
static bool at_once;	      /* they go through it together */
static bool grabbed;	      /* the maker has a reference, and counts those of others */

/*
 * A notifier that is still hashed when its release() begins, inside the read
 * section that release() runs in, is one whose mm waits for that section.
 */
static void release(struct mmu_notifier *sub, struct mm_struct *of)
{
	bool waited_for = !hlist_unhashed(&sub->hlist);

	listener_release(sub, of);
	for (int i = 0; waited_for && i < 20; i++) {
		if (!torture_alive(&pages->life))
			torture_fail(ENDS_FIRST, "release() ran on after the last mmput()");
		for (int k = 0; k < 20; k++)
			cpu_relax();
	}
}

static const struct mmu_notifier_ops own_ops = {.release = release};
static const struct mmu_notifier_ops shared_ops = {
	.release = release, .alloc_notifier = listener_alloc, .free_notifier = listener_free};

/* ---- the roles; each meets three times: the mm is there, all are subscribed, all is over ---- */

/* The pages go when every user has left and returned. */
static void leave_mm(struct torture_thread *self)
{
	torture_at(self, "mmput");
	bump(leaving);
	for (int spins = 1; at_once && get(leaving) < USERS + 1; spins++) {
		cpu_relax();
		if (spins % 512 == 0)
			sched_yield();
	}
	mmput(mm);
	if (!__atomic_sub_fetch(&users_left, 1, __ATOMIC_ACQ_REL))
		torture_free(&pages->life, sizeof(*pages));
}

static void drop_the_last(void)
{
	int count = atomic_read(&mm->mm_count);

	if (count != 1)
		torture_fail("references-kept", "%d references to an mm that has 1", count);
	mmdrop(mm);
}

static void make_and_end(struct torture_thread *self)
{
	mm = new_mm();
	pages = torture_alloc(sizeof(*pages));
	leaving = 0;
	at_once = torture_random(self, 2);
	grabbed = torture_random(self, 2);
	if (grabbed)
		mmgrab(mm);
	for (int i = 0; i < USERS; i++)
		mmget(mm);
	users_left = USERS + 1;
	torture_meet(self);
	torture_meet(self);
	torture_pause(self);
	leave_mm(self);
	torture_meet(self);
	torture_at(self, "mmu_notifier_synchronize");
	mmu_notifier_synchronize();
	if (listeners.allocated != listeners.freed)
		torture_fail("freed-once", "%lu notifiers were made, and %lu freed",
			     listeners.allocated, listeners.freed);
	if (grabbed)
		drop_the_last();
}

static void use(struct torture_thread *self)
{
	torture_meet(self);
	torture_meet(self);
	for (unsigned long n = torture_random(self, 4); n; n--) {
		call_a_hook(self, mm);
		torture_pause(self);
	}
	leave_mm(self);
	torture_meet(self);
}

static void unregister(struct torture_thread *self)
{
	struct listener *listener = torture_alloc(sizeof(*listener));

	torture_meet(self);
	listener->sub.ops = &own_ops;
	if (mmu_notifier_register(&listener->sub, mm))
		torture_fail("no-crash", "a notifier cannot be registered");
	torture_meet(self);
	torture_pause(self);
	torture_at(self, "mmu_notifier_unregister");
	mmu_notifier_unregister(&listener->sub, mm);
	if (!listener->releases)
		torture_fail("release-is-called", "a notifier was not told of its end");
	torture_free(&listener->life, sizeof(*listener));
	torture_meet(self);
}

static void put(struct torture_thread *self)
{
	struct mmu_notifier *sub;

	torture_meet(self);
	sub = mmu_notifier_get(&shared_ops, mm);
	if (IS_ERR(sub))
		torture_fail("no-crash", "mmu_notifier_get gave %ld", PTR_ERR(sub));
	torture_meet(self);
	torture_pause(self);
	mmu_notifier_put(sub);
	torture_meet(self);
}

struct interval {
	struct torture_life life;
	struct mmu_interval_notifier sub;
	spinlock_t user_lock;
};

static bool invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
		       unsigned long cur_seq)
{
	struct interval *interval = container_of(sub, struct interval, sub);

	(void)range;
	if (!torture_alive(&interval->life))
		torture_fail("no-callback-after-remove", "a callback found its interval freed");
	spin_lock(&interval->user_lock);
	mmu_interval_set_seq(sub, cur_seq);
	spin_unlock(&interval->user_lock);
	return true;
}

static const struct mmu_interval_notifier_ops interval_ops = {.invalidate = invalidate};

static void remove_interval(struct torture_thread *self)
{
	struct interval *interval = torture_alloc(sizeof(*interval));

	spin_lock_init(&interval->user_lock);
	torture_meet(self);
	if (mmu_interval_notifier_insert(&interval->sub, mm, 0, ADDR(PAGES), &interval_ops))
		torture_fail("no-crash", "an interval cannot be inserted");
	torture_meet(self);
	torture_pause(self);
	torture_at(self, "mmu_interval_notifier_remove");
	mmu_interval_notifier_remove(&interval->sub);
	torture_free(&interval->life, sizeof(*interval));
	torture_meet(self);
}

const struct torture_test torture_teardowns[] = {
	{
		.name = "teardown",
		.invariant = ENDS_FIRST,
		.flags = TORTURE_ROUNDS | TORTURE_STORM,
		.roles = {{.name = "maker", .step = make_and_end, .threads = 1},
			  {.name = "user", .step = use, .threads = USERS},
			  {.name = "unregisterer", .step = unregister},
			  {.name = "putter", .step = put, .threads = 2},
			  {.name = "remover", .step = remove_interval, .threads = 1}},
	},
	{.name = NULL},
};
