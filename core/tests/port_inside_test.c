/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the port promises beyond the kernel's file, or what only its inside
 * shows: the core's own source is part of this file.
 */
#include <linux/mm.h>

/* Between a registration's two looks at the mm's users. */
static void (*while_registering)(struct mm_struct *mm);
#define mm_drop_all_locks(mm)                                                                      \
	do {                                                                                       \
		mm_drop_all_locks(mm);                                                             \
		if (while_registering)                                                             \
			while_registering(mm);                                                     \
	} while (0)

#include MN_NOTIFIER_SOURCE

#include <linux/poison.h>
#include <signal.h>

#include "recorder.h"

static struct mm_struct *mm;
static char text[4096];

/* ---- references that are not there: death, and where ---- */

static void lose_users(struct mm_struct *of)
{
	atomic_set(&of->mm_users, 0);
}

static void register_while_users_leave(void)
{
	struct listener a;

	mm = mm_new();
	while_registering = lose_users;
	listen(&a, "a", &listener_ops, mm);
}

/* Looked at before anything else, even before the table, which is wrong too. */
static void register_without_users(void)
{
	static const struct mmu_notifier_ops mixed = {
		.arch_invalidate_secondary_tlbs = listener_tlbs,
		.invalidate_range_start = listener_range_start,
	};
	struct listener a;

	mm = mm_new();
	lose_users(mm);
	listener_init(&a, "a", &mixed);
	mmu_notifier_register(&a.sub, mm);
}

static void users_at_registration(void)
{
	CHECK(killed_by(in_child(register_while_users_leave, text, sizeof(text)), SIGABRT));
	CHECK_EQ(occurrences(text, "mm_users"), 1);
	CHECK(killed_by(in_child(register_without_users, text, sizeof(text)), SIGABRT));
	CHECK_EQ(occurrences(text, "mm_users"), 1);
	CHECK_EQ(occurrences(text, "WARNING"), 0);
}

static void say_released(struct listener *self)
{
	fprintf(stderr, "released\n");
	if (self->answer)
		atomic_set(&mm->mm_count, 0);
}

static void unregister_with(int count, int loses_it)
{
	struct listener a;

	mm = mm_new();
	listen(&a, "a", &listener_ops, mm);
	a.inside = say_released;
	a.answer = loses_it;
	atomic_set(&mm->mm_count, count);
	unlisten(&a);
}

static void unregister_without_reference(void)
{
	unregister_with(0, 0);
}

static void unregister_and_lose_it(void)
{
	unregister_with(2, 1);
}

static void reference_at_unregistration(void)
{
	CHECK(killed_by(in_child(unregister_without_reference, text, sizeof(text)), SIGABRT));
	CHECK_EQ(occurrences(text, "released"), 0);
	CHECK_EQ(occurrences(text, "mm_count"), 1);
	CHECK(killed_by(in_child(unregister_and_lose_it, text, sizeof(text)), SIGABRT));
	CHECK_EQ(occurrences(text, "released"), 1);
	CHECK_EQ(occurrences(text, "mm_count"), 1);
}

/* ---- one notifier a table ---- */

static void free_nothing(struct mmu_notifier *sub)
{
	(void)sub;
	note("free");
}

static struct mmu_notifier *no_notifier(struct mm_struct *for_mm)
{
	(void)for_mm;
	return ERR_PTR(-ENOMEM);
}

/* Two with the same table, which get() alone would not make: it takes one of them. */
static void first_of_a_table(void)
{
	static const struct mmu_notifier_ops table = {.alloc_notifier = no_notifier,
						      .free_notifier = free_nothing};
	struct listener older, newer;

	mm = mm_new();
	listen(&older, "o", &table, mm);
	listen(&newer, "n", &table, mm);
	CHECK(mmu_notifier_get(&table, mm) == &newer.sub);
	CHECK_EQ(newer.sub.users, 2);
	CHECK_EQ(older.sub.users, 1);
	newer.sub.users = UINT_MAX;
	CHECK_EQ(PTR_ERR(mmu_notifier_get(&table, mm)), -EOVERFLOW);
	CHECK_EQ(newer.sub.users, UINT_MAX);
	CHECK_EQ(older.sub.users, 1);
	newer.sub.users = 1;
	unlisten(&newer);
	unlisten(&older);
	CHECK_NOTED("");
	mmput(mm);
}

/* ---- walks of a list that changes ---- */

static void put_it(struct listener *self)
{
	mmu_notifier_put(&self->sub);
}

/* Who leaves while the walk stands on it does not take the rest of the list along. */
static void put_from_an_op(void)
{
	static const struct mmu_notifier_ops table = {.clear_young = listener_clear_young,
						      .free_notifier = free_nothing};
	static struct listener older, newer;

	mm = mm_new();
	listen(&older, "o", &table, mm);
	listen(&newer, "n", &table, mm);
	newer.inside = put_it;
	mmu_notifier_clear_young(mm, 0x1000, 0x2000);
	mmu_notifier_synchronize();
	CHECK_NOTED("n:clear o:clear free");
	mmu_notifier_clear_young(mm, 0x1000, 0x2000);
	CHECK_NOTED("o:clear");
	unlisten(&older);
	mmput(mm);
}

static unsigned long walks;
static bool stop;

static void age_often(void *arg)
{
	(void)arg;
	while (!get(stop)) {
		CHECK(!mmu_notifier_test_young(mm, 0x1000));
		bump(walks);
	}
}

/* The aging hooks take no lock of the mm: the thread sanitizer sees that none is needed. */
static void aging_while_they_come_and_go(void)
{
	static struct listener comes;
	struct listener stays;
	struct task task;

	mm = mm_new();
	listen(&stays, "s", &no_ops, mm);
	set(stop, false);
	task_start(&task, age_often, NULL);
	for (int i = 0; i < 20; i++) {
		unsigned long before;

		listen(&comes, "c", &no_ops, mm);
		before = get(walks);
		while (get(walks) < before + 2) /* one of them found it */
			sched_yield();
		unlisten(&comes);
	}
	set(stop, true);
	task_join(&task);
	unlisten(&stays);
	mmput(mm);
}

/* ---- counts that have wrapped ---- */

/* Where nothing is being invalidated a removal waits for no count, be it 0. */
static void removal_at_count_zero(void)
{
	struct mmu_notifier_range range;
	struct interval a, b;

	mm = mm_new();
	interval_insert_at(&a, "a", mm, 0x1000, 0x2000);
	mm->notifier_subscriptions->invalidate_seq = 0;
	interval_remove(&a);

	/* Nor does that of one that was not in the tree yet, though the count is odd. */
	interval_insert_at(&a, "a", mm, 0x1000, 0x2000);
	mm->notifier_subscriptions->invalidate_seq = ~0ul - 1;
	range = begin(mm, 0x1000, 0x2000);
	interval_insert_at(&b, "b", mm, 0x1000, 0x2000);
	interval_remove(&b);
	CHECK_EQ(mm->notifier_subscriptions->invalidate_seq, ~0ul);
	end(&range);
	CHECK_EQ(mm->notifier_subscriptions->invalidate_seq, 0);
	CHECK_NOTED("a");
	interval_remove(&a);
	mmput(mm);
}

/* ---- a range's flags: one is the guards', the others are the caller's ---- */

static void guards_touch_one_flag(void)
{
	const unsigned int others = 0x50;
	struct mmu_notifier_range range;
	struct listener a;

	mm = mm_new();
	listen(&a, "a", &start_only_ops, mm);
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, others, mm, 0x1000, 0x2000);
	mmap_read_lock(mm);
	mmu_notifier_invalidate_range_start(&range);
	CHECK_EQ(range.flags, others | MMU_NOTIFIER_RANGE_BLOCKABLE);
	mmu_notifier_invalidate_range_end(&range);
	CHECK_EQ(mmu_notifier_invalidate_range_start_nonblock(&range), 0);
	CHECK_EQ(range.flags, others);
	mmu_notifier_invalidate_range_end(&range);
	mmap_read_unlock(mm);
	CHECK_NOTED("a:start a:start");
	unlisten(&a);
	mmput(mm);
}

/* ---- what an end leaves behind ---- */

static void destroyed_is_poisoned(void)
{
	mm = mm_new();
	CHECK_EQ(mmu_notifier_register(NULL, mm), 0);
	__mmu_notifier_subscriptions_destroy(mm);
	CHECK((void *)mm->notifier_subscriptions == (void *)LIST_POISON1);
	mm->notifier_subscriptions = NULL;
	mmput(mm);
}

/* ---- the debug build's checks of the caller, one an entry ---- */

#ifdef CONFIG_PROVE_LOCKING

#define CHECK_WARNS(n, call)                                                                       \
	do {                                                                                       \
		unsigned long __before = bug_warn_count();                                         \
		call;                                                                              \
		CHECK_EQ(bug_warn_count() - __before, n);                                          \
	} while (0)

static void callers_are_checked(void)
{
	static const struct mmu_notifier_ops table = {.alloc_notifier = no_notifier};
	static DEFINE_SPINLOCK(lock);
	struct interval a;
	struct listener l;

	mm = mm_new();
	listen(&l, "l", &listener_ops, mm);
	CHECK_WARNS(1, CHECK_EQ(PTR_ERR(mmu_notifier_get_locked(&table, mm)), -ENOMEM));
	interval_insert_at(&a, "a", mm, 0x1000, 0x2000);
	spin_lock(&lock);
	CHECK_WARNS(1, mmu_interval_read_begin(&a.sub));
	CHECK_WARNS(1, interval_remove(&a));
	spin_unlock(&lock);
	CHECK_WARNS(1, seq_is_odd(mm->notifier_subscriptions));
	CHECK_WARNS(1, drain_deferred(mm->notifier_subscriptions));
	unlisten(&l);
	mmput(mm);
}

#else

static void callers_are_checked(void)
{
	check_skip("a build with CONFIG_PROVE_LOCKING checks its callers");
}

#endif

int main(void)
{
	RUN(users_at_registration);
	RUN(reference_at_unregistration);
	RUN(first_of_a_table);
	RUN(put_from_an_op);
	RUN(aging_while_they_come_and_go);
	RUN(removal_at_count_zero);
	RUN(guards_touch_one_flag);
	RUN(destroyed_is_poisoned);
	RUN(callers_are_checked);
	return check_exit();
}
