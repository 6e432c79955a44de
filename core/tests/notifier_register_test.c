/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Subscribing list notifiers: register, get and put, unregister, and when memory may go. */
#include <signal.h>

#include "recorder.h"

static struct mm_struct *mm;
static char text[8192];

/* ---- register ---- */

static void registered(void)
{
	struct listener a, b;

	mm = mm_new();
	CHECK(!mm_has_notifiers(mm));
	listen(&a, "a", &listener_ops, mm);
	CHECK(mm_has_notifiers(mm));
	CHECK(a.sub.mm == mm);
	CHECK_EQ(a.sub.users, 1);
	CHECK(!hlist_unhashed(&a.sub.hlist));
	CHECK_EQ(atomic_read(&mm->mm_count), 2);
	CHECK_EQ(atomic_read(&mm->mm_users), 1);

	mmap_write_lock(mm);
	listener_init(&b, "b", &listener_ops);
	CHECK_EQ(__mmu_notifier_register(&b.sub, mm), 0);
	mmap_write_unlock(mm);
	CHECK_EQ(atomic_read(&mm->mm_count), 3);
	unlisten(&a);
	CHECK_EQ(atomic_read(&mm->mm_count), 2);
	CHECK(hlist_unhashed(&a.sub.hlist));
	unlisten(&b);
	CHECK_EQ(atomic_read(&mm->mm_count), 1);
	CHECK_NOTED("a:release b:release");
	mmput(mm);
}

static void null_turns_intervals_on(void)
{
	struct interval i;

	mm = mm_new();
	CHECK_EQ(mmu_notifier_register(NULL, mm), 0);
	CHECK(mm_has_notifiers(mm));
	CHECK_EQ(atomic_read(&mm->mm_count), 1);
	mmap_write_lock(mm); /* needed no more */
	interval_insert_at(&i, "i", mm, 0x1000, 0x2000);
	mmap_write_unlock(mm);
	interval_remove(&i);
	mmput(mm);
}

static void list_then_intervals(void)
{
	struct listener a;
	struct interval i;

	mm = mm_new();
	listen(&a, "a", &start_only_ops, mm);
	invalidate(mm, 0x1000, 0x2000);
	interval_insert_at(&i, "i", mm, 0x1000, 0x2000);
	invalidate(mm, 0x1000, 0x2000);
	CHECK_NOTED("a:start i a:start");
	interval_remove(&i);
	unlisten(&a);
	mmput(mm);
}

static void mixed_op_table(void)
{
	static const struct mmu_notifier_ops bad[] = {
		{COMPAT_SECONDARY_TLBS_OP(listener_tlbs).invalidate_range_start =
			 listener_range_start},
		{COMPAT_SECONDARY_TLBS_OP(listener_tlbs).invalidate_range_end = listener_range_end},
	};
	unsigned long warned = bug_warn_count();
	struct listener a;

	mm = mm_new();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		listener_init(&a, "a", &bad[i]);
		CHECK_EQ(mmu_notifier_register(&a.sub, mm), -EINVAL);
	}
	CHECK_EQ(bug_warn_count(), warned + 2);
	CHECK(!mm_has_notifiers(mm));
	CHECK_EQ(atomic_read(&mm->mm_count), 1);
	mmput(mm);
}

static void register_without_users(void)
{
	struct listener a;

	mm = mm_new();
	atomic_set(&mm->mm_users, 0);
	listener_init(&a, "a", &listener_ops);
	mmu_notifier_register(&a.sub, mm);
}

static void no_users_is_a_bug(void)
{
	CHECK(killed_by(in_child(register_without_users, text, sizeof(text)), SIGABRT));
	CHECK_EQ(occurrences(text, "BUG: "), 1);
	CHECK_EQ(occurrences(text, "mmu_notifier.c:"), 1);
	CHECK_EQ(occurrences(text, "mm_users"), 1);
}

/* ---- get and put: one for all who ask with the same ops ---- */

static struct listener gotten;
static int allocated, freed, alloc_error;

static struct mmu_notifier *alloc_notifier(struct mm_struct *for_mm)
{
	CHECK(for_mm == mm);
	if (alloc_error)
		return ERR_PTR(alloc_error);
	allocated++;
	listener_init(&gotten, "g", NULL); /* get sets the ops */
	return &gotten.sub;
}

static void free_notifier(struct mmu_notifier *sub)
{
	CHECK(sub == &gotten.sub);
	CHECK(sub->mm == mm || freed < 0);
	bump(freed);
}

static const struct mmu_notifier_ops get_ops = {
	.release = listener_release,
	.invalidate_range_start = listener_range_start,
	.alloc_notifier = alloc_notifier,
	.free_notifier = free_notifier,
};

static void one_per_ops(void)
{
	struct mmu_notifier *first, *second;
	struct listener other;

	allocated = freed = 0;
	mm = mm_new();
	listen(&other, "o", &start_only_ops, mm);
	first = mmu_notifier_get(&get_ops, mm);
	CHECK(first == &gotten.sub);
	CHECK(first->ops == &get_ops);
	CHECK_EQ(first->users, 1);
	CHECK_EQ(atomic_read(&mm->mm_count), 3);
	mmap_write_lock(mm);
	second = mmu_notifier_get_locked(&get_ops, mm);
	mmap_write_unlock(mm);
	CHECK(second == first);
	CHECK_EQ(first->users, 2);
	CHECK_EQ(allocated, 1);
	CHECK_EQ(atomic_read(&mm->mm_count), 3);

	mmu_notifier_put(first);
	invalidate(mm, 0x1000, 0x2000);
	CHECK_NOTED("g:start o:start");
	mmu_notifier_put(first);
	invalidate(mm, 0x1000, 0x2000);
	CHECK_NOTED("o:start"); /* off the list at once, and no release() */
	mmu_notifier_synchronize();
	CHECK_EQ(get(freed), 1);
	CHECK_EQ(atomic_read(&mm->mm_count), 2);

	/* Gone: the next one is new. */
	CHECK(mmu_notifier_get(&get_ops, mm) == &gotten.sub);
	CHECK_EQ(allocated, 2);
	mmu_notifier_put(&gotten.sub);
	mmu_notifier_synchronize();
	CHECK_EQ(get(freed), 2);
	unlisten(&other);
	mmput(mm);
}

static void get_refuses(void)
{
	mm = mm_new();
	allocated = freed = 0;
	alloc_error = -EBUSY;
	CHECK_EQ(PTR_ERR(mmu_notifier_get(&get_ops, mm)), -EBUSY);
	CHECK(!mm_has_notifiers(mm));
	alloc_error = 0;

	CHECK(!IS_ERR(mmu_notifier_get(&get_ops, mm)));
	gotten.sub.users = UINT_MAX;
	CHECK_EQ(PTR_ERR(mmu_notifier_get(&get_ops, mm)), -EOVERFLOW);
	CHECK_EQ(gotten.sub.users, UINT_MAX);
	CHECK_EQ(allocated, 1);
	gotten.sub.users = 1;
	mmu_notifier_put(&gotten.sub);
	mmu_notifier_synchronize();
	CHECK_EQ(get(freed), 1);
	mmput(mm);
}

/* Registration refuses: what was allocated is freed. */
static void get_with_mixed_op_table(void)
{
	static const struct mmu_notifier_ops bad = {
		COMPAT_SECONDARY_TLBS_OP(listener_tlbs).invalidate_range_start =
			listener_range_start,
		.alloc_notifier = alloc_notifier,
		.free_notifier = free_notifier,
	};

	mm = mm_new();
	allocated = 0;
	freed = -1;
	CHECK_EQ(PTR_ERR(mmu_notifier_get(&bad, mm)), -EINVAL);
	CHECK_EQ(allocated, 1);
	CHECK_EQ(get(freed), 0);
	CHECK(!mm_has_notifiers(mm));
	mmput(mm);
}

static bool entered, go_on;

static void linger(struct listener *self)
{
	(void)self;
	set(entered, true);
	while (!get(go_on))
		sleep_ms(1);
}

static void invalidate_task(void *arg)
{
	(void)arg;
	invalidate(mm, 0x1000, 0x2000);
}

static void synchronize_task(void *arg)
{
	(void)arg;
	mmu_notifier_synchronize();
}

/* The last put while an op runs: freed only when that has left; a put more is a WARN. */
static void put_waits_for_ops(void)
{
	unsigned long warned = bug_warn_count();
	struct task walker, waiter;

	mm = mm_new();
	freed = 0;
	CHECK(!IS_ERR(mmu_notifier_get(&get_ops, mm)));
	gotten.inside = linger;
	set(entered, false);
	set(go_on, false);
	task_start(&walker, invalidate_task, NULL);
	CHECK(EVENTUALLY(get(entered)));
	mmu_notifier_put(&gotten.sub); /* does not sleep */
	CHECK_EQ(bug_warn_count(), warned);
	mmu_notifier_put(&gotten.sub);
	CHECK_EQ(bug_warn_count(), warned + 1);
	CHECK_EQ(gotten.sub.users, 0);
	task_start(&waiter, synchronize_task, NULL);
	CHECK(task_blocks(&waiter));
	CHECK_EQ(get(freed), 0);
	set(go_on, true);
	CHECK(task_ends(&waiter));
	task_join(&waiter);
	task_join(&walker);
	CHECK_EQ(get(freed), 1);
	CHECK_EQ(atomic_read(&mm->mm_count), 1);
	CHECK_NOTED("g:start");
	mmput(mm);
}

static void put_self(struct listener *self)
{
	mmu_notifier_put(&self->sub);
}

static void put_from_release(void)
{
	mm = mm_new();
	freed = 0;
	CHECK(!IS_ERR(mmu_notifier_get(&get_ops, mm)));
	gotten.inside = put_self;
	mmgrab(mm);
	mmput(mm);
	CHECK_NOTED("g:release");
	mmu_notifier_synchronize();
	CHECK_EQ(get(freed), 1);
	CHECK_EQ(atomic_read(&mm->mm_count), 1);
	mmdrop(mm);
}

/* The mm's death unhashes it, but the reference that get gave is still to be put. */
static void put_after_release(void)
{
	mm = mm_new();
	freed = 0;
	CHECK(!IS_ERR(mmu_notifier_get(&get_ops, mm)));
	mmgrab(mm);
	mmput(mm);
	CHECK_NOTED("g:release");
	CHECK_EQ(gotten.sub.users, 1);
	mmu_notifier_synchronize();
	CHECK_EQ(get(freed), 0);
	mmu_notifier_put(&gotten.sub);
	mmu_notifier_synchronize();
	CHECK_EQ(get(freed), 1);
	CHECK_EQ(atomic_read(&mm->mm_count), 1);
	mmdrop(mm);
}

static void get_and_put_often(void *arg)
{
	unsigned long n = *(unsigned long *)arg;

	while (n--) {
		struct mmu_notifier *sub = mmu_notifier_get(&get_ops, mm);

		if (!CHECK(!IS_ERR(sub)))
			break;
		mmu_notifier_put(sub);
	}
}

static void get_and_put_from_threads(void)
{
	unsigned long n = rounds(5000);
	struct mmu_notifier *kept;
	struct task tasks[3];

	mm = mm_new();
	allocated = freed = 0;
	kept = mmu_notifier_get(&get_ops, mm);
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		task_start(&tasks[i], get_and_put_often, &n);
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		task_join(&tasks[i]);
	CHECK_EQ(kept->users, 1);
	CHECK_EQ(allocated, 1);
	mmu_notifier_put(kept);
	mmu_notifier_synchronize();
	CHECK_EQ(get(freed), 1);
	mmput(mm);
}

/* ---- unregister ---- */

static struct listener leaving;

static void unregister_waits_for_ops(void)
{
	struct task walker, remover;

	mm = mm_new();
	listen(&leaving, "l", &start_only_ops, mm);
	leaving.inside = linger;
	set(entered, false);
	set(go_on, false);
	task_start(&walker, invalidate_task, NULL);
	CHECK(EVENTUALLY(get(entered)));
	task_start(&remover, unlisten_task, &leaving);
	CHECK(task_blocks(&remover));
	CHECK(hlist_unhashed(&leaving.sub.hlist)); /* no new walk finds it */
	invalidate(mm, 0x1000, 0x2000);
	CHECK_NOTED("l:start");
	CHECK_EQ(atomic_read(&mm->mm_count), 2);
	set(go_on, true);
	CHECK(task_ends(&remover));
	task_join(&remover);
	task_join(&walker);
	CHECK_EQ(atomic_read(&mm->mm_count), 1);
	mmput(mm);
}

/* The last reference but the users' own is the subscription's: it ends the mm. */
static void unregister_may_end_the_mm(void)
{
	struct listener a;

	mm = mm_new();
	listen(&a, "a", &listener_ops, mm);
	mmput(mm);
	CHECK_NOTED("a:release");
	unlisten(&a); /* the sanitizers see whether all of it was freed, and once */
	CHECK_NOTED("");
}

static void unregister_without_reference(void)
{
	struct listener a;

	mm = mm_new();
	listen(&a, "a", &listener_ops, mm);
	atomic_set(&mm->mm_count, 0);
	unlisten(&a);
}

static void unregister_too_often(void)
{
	CHECK(killed_by(in_child(unregister_without_reference, text, sizeof(text)), SIGABRT));
	CHECK_EQ(occurrences(text, "BUG: "), 1);
	CHECK_EQ(occurrences(text, "mm_count"), 1);
}

/* ---- no registration overlaps an invalidation ---- */

static struct listener newcomer;

static void register_task(void *arg)
{
	(void)arg;
	CHECK_EQ(mmu_notifier_register(&newcomer.sub, mm), 0);
}

/*
 * The hooks' caller holds mmap_lock for read, the registration wants it for
 * write: whoever did not hear of a range's start does not hear of its end.
 */
static void registration_waits_for_ranges(void)
{
	static struct listener a;
	struct mmu_notifier_range range;
	struct task task;

	mm = mm_new();
	for (int round = 0; round < 2; round++) {
		listener_init(&newcomer, "n", &listener_ops);
		range = begin(mm, 0x1000, 0x2000);
		task_start(&task, register_task, NULL);
		CHECK(task_blocks(&task));
		CHECK_EQ(mm_has_notifiers(mm), round); /* round 0: the mm's first */
		end(&range);
		CHECK(task_ends(&task));
		task_join(&task);
		CHECK_NOTED(round ? "a:start a:end" : "");
		invalidate(mm, 0x1000, 0x2000);
		CHECK_NOTED(round ? "n:start a:start n:end a:end" : "n:start n:end");
		unlisten(&newcomer);
		CHECK_NOTED("n:release");
		if (!round)
			listen(&a, "a", &listener_ops, mm);
	}
	unlisten(&a);
	CHECK_NOTED("a:release");
	mmput(mm);
}

/* ---- the end ---- */

static void destroy_while_subscribed(void)
{
	struct listener a;

	mm = mm_new();
	listen(&a, "a", &no_ops, mm);
	__mmu_notifier_subscriptions_destroy(mm);
}

static void destroyed(void)
{
	CHECK(killed_by(in_child(destroy_while_subscribed, text, sizeof(text)), SIGABRT));
	CHECK_EQ(occurrences(text, "BUG: "), 1);

	mm = mm_new();
	mmu_notifier_subscriptions_destroy(mm); /* nothing there: nothing to do */
	CHECK(!mm->notifier_subscriptions);
	CHECK_EQ(mmu_notifier_register(NULL, mm), 0);
	mmu_notifier_subscriptions_destroy(mm);
	/* Poisoned, not merely forgotten: a use of it faults. */
	CHECK(mm_has_notifiers(mm));
	CHECK((unsigned long)mm->notifier_subscriptions >> 48 != 0);
	mmu_notifier_subscriptions_init(mm);
	CHECK(!mm_has_notifiers(mm));
	mmput(mm);
}

int main(void)
{
	RUN(registered);
	RUN(null_turns_intervals_on);
	RUN(list_then_intervals);
	if (COMPAT_SECONDARY_TLBS) {
		RUN(mixed_op_table);
		RUN(get_with_mixed_op_table);
	}
	RUN(no_users_is_a_bug);
	RUN(one_per_ops);
	RUN(get_refuses);
	RUN(put_waits_for_ops);
	RUN(put_from_release);
	RUN(put_after_release);
	RUN(get_and_put_from_threads);
	RUN(unregister_waits_for_ops);
	RUN(unregister_may_end_the_mm);
	RUN(unregister_too_often);
	RUN(registration_waits_for_ranges);
	RUN(destroyed);
	return check_exit();
}
